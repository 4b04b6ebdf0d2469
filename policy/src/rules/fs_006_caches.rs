//! FS-006: nothing is left of what package managers downloaded.

use super::{About, Raised, Rule, RuleContext, layers};
use crate::decide::Action;
use plimsoll_model::{Severity, TreePath};

pub(crate) const RULE: Rule = Rule {
    id: "FS-006",
    name: "fs_006_caches",
    title: "no lists and caches of package managers are left",
    severity: Severity::Low,
    action: Action::Inform,
    why: "They make the image larger, and lists of packages that are months old let the next build install what is months old.",
    mend: "remove them in the instruction that made them, `rm -rf /var/lib/apt/lists/*`, `apk add --no-cache`, `pip install --no-cache-dir`, or mount them with `--mount=type=cache`",
    bad: "RUN apt-get update && apt-get install -y curl",
    good: "RUN apt-get update && apt-get install -y curl && rm -rf /var/lib/apt/lists/*",
    equivalents: &["DKL-DI-0004", "DKL-DI-0005"],
    about: &[About::Files],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let Some(files) = context.facts().files else { return Vec::new() };
    let raise = |(at, cache): (&&str, &crate::files::Cache)| {
        let path = TreePath::parse(at.as_bytes()).ok()?;
        let found = format!("{} files, {} bytes", cache.files, cache.bytes);
        let title = format!("{path} has what a package manager downloaded");
        let place = layers::place(files, &path, cache.layer);
        Some(context.fail(place, title, found, "an empty directory"))
    };
    files.caches.iter().filter_map(raise).collect()
}

#[cfg(test)]
mod tests {
    use crate::{files::Cache, rules::testing::*};
    use plimsoll_model::{finding::Place, tree::LayerIndex};

    #[test]
    fn what_is_left_is_told_once_for_each_directory() {
        let case = Case::default().image(&["base", "app"]).files();
        case.check("FS-006", Expect::Pass);
        let cache = Cache { files: 3, bytes: 4_000, layer: LayerIndex(1) };
        let found = case
            .change_files(|files| {
                files.caches.insert("var/lib/apt/lists/", cache);
            })
            .findings("FS-006");
        let place =
            Place::File { path: "/var/lib/apt/lists".to_owned(), layer: Some(digest("app")) };
        assert_eq!(found[0].finding.place, place);
        assert_eq!((found.len(), &*found[0].finding.found), (1, "3 files, 4000 bytes"));
    }
}
