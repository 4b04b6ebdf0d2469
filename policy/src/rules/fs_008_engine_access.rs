//! FS-008: the image has no clients, sockets or keys of container engines and clusters.

use super::{About, Raised, Rule, RuleContext, layers};
use crate::{decide::Action, files::Topic};
use plimsoll_model::{Severity, tree::Entry};

pub(crate) const RULE: Rule = Rule {
    id: "FS-008",
    name: "fs_008_engine_access",
    title: "the image has no clients, sockets or keys of container engines and clusters",
    severity: Severity::Medium,
    action: Action::Warn,
    why: "They are what somebody needs who got into the container and wants to get to the machine, or to the cluster.",
    mend: "leave them out, or build them into an image of their own that runs where that is wanted",
    bad: "RUN apt-get install -y docker.io",
    good: "# build with a builder outside of the image",
    equivalents: &[],
    about: &[About::Files],
    parameters: &[],
    check,
};

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let Some(files) = context.facts().files else { return Vec::new() };
    let seen: Vec<&Entry> = files.about(Topic::Daemon).collect();
    let words = ("the image has what commands container engines or clusters", "none");
    layers::together(context, &seen, words).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;
    use plimsoll_model::finding::Place;

    #[test]
    fn each_is_named_and_the_first_is_the_place() {
        let case = Case::default().image(&["base", "app"]).files();
        let all = [
            "etc/kubernetes/admin.conf",
            "root/.kube/config",
            "run/docker.sock",
            "usr/bin/kubectl",
        ];
        for path in all {
            let found = case.clone().file(path, 0o755, 1).findings("FS-008");
            let place = Place::File { path: format!("/{path}"), layer: Some(digest("app")) };
            assert_eq!((found.len(), &found[0].finding.place), (1, &place));
        }
        let case = all.iter().fold(case, |case, path| case.file(path, 0o755, 1));
        let found = case.findings("FS-008");
        let mut named: Vec<_> = all.iter().map(|path| format!("/{path}")).collect();
        named.sort();
        assert_eq!((found.len(), &found[0].finding.found), (1, &named.join(", ")));
    }

    #[test]
    fn what_only_looks_like_it_passes() {
        let case = Case::default().image(&["base", "app"]).files();
        for path in ["usr/share/bash-completion/docker", "etc/docker", "app/config"] {
            case.clone().file(path, 0o755, 1).check("FS-008", Expect::Pass);
        }
    }
}
