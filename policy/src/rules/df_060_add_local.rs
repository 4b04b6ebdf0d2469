//! DF-060: local files come in by COPY.

use super::{About, Raised, Rule, RuleContext, commands};
use crate::{decide::Action, dockerfile::Step};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-060",
    name: "df_060_add_local",
    title: "local files that are no archives come in by COPY",
    severity: Severity::Low,
    action: Action::Warn,
    why: "ADD unpacks, and fetches from the network, depending on what a file is called: what it does is not what it says.",
    mend: "write `COPY`",
    bad: "FROM debian:12\nADD app /app",
    good: "FROM debian:12\nCOPY app /app",
    equivalents: &["CIS 4.9", "DL3020", "DS-0005", "CKV_DOCKER_4", "CDI-0009"],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

const EXPECTED: &str = "`COPY`";
/// Endings of what ADD unpacks, or may.
const ARCHIVES: [&str; 18] = [
    ".tar", ".tgz", ".tbz", ".tbz2", ".tb2", ".txz", ".tlz", ".tpz", ".tz", ".tzst", ".gz", ".bz2",
    ".xz", ".lz", ".lzma", ".z", ".zst", ".tar.*",
];

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let added = commands::reachable(context).filter(|placed| placed.is("ADD"));
    let raised = added.filter_map(|placed| {
        let source = local(placed.step)?;
        let title = "`ADD` takes what `COPY` would";
        Some(placed.fail(context, (title, EXPECTED), format!("`ADD {source}`")))
    });
    raised.collect()
}

/// The first source that is a local file and no archive.
fn local(step: &Step) -> Option<&str> {
    let (_, sources) = step.arguments.split_last()?;
    let written = sources.iter().filter_map(|word| word.known().or(word.written.as_deref()));
    let mut plain = written.filter(|source| !is_archive(source));
    let is_elsewhere = |source: &&str| {
        let is_git = source.starts_with("git@") || source.strip_suffix(".git").is_some();
        // What begins with a variable may be an address.
        source.contains("://") || is_git || source.starts_with('$') || source.starts_with("<<")
    };
    plain.find(|source| !is_elsewhere(source))
}

fn is_archive(source: &str) -> bool {
    let name = source.trim_matches(['"', '\'']).to_ascii_lowercase();
    ARCHIVES.iter().any(|end| name.ends_with(end)) || name.contains(".tar.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    fn case(steps: &str) -> Case {
        Case::default().dockerfile(&format!("FROM a\n{steps}"))
    }

    #[test]
    fn local_files_and_folders_fail() {
        for bad in [
            "ADD . /app",
            "ONBUILD ADD . /app",
            "ADD --chown=1:1 a b /c/",
            "add [\"a b\", \"/c\"]",
            "ADD x.tar.gz y /c/",
            "ADD app.zip /c/",
            "ADD \\\n  a /c",
            "ARG F=a\nADD $F /c",
        ] {
            case(bad).check("DF-060", Expect::Fail);
            assert_eq!(case(bad).findings("DF-060")[0].action, Action::Warn);
        }
        assert_eq!(case("RUN x\n  ADD a b").places("DF-060"), [(3, 3)]);
        let built = Case::default().dockerfile("FROM a\nADD a b\nFROM c\nCOPY --from=0 b b");
        built.check("DF-060", Expect::Fail);
    }

    #[test]
    fn archives_addresses_and_copies_pass() {
        for good in [
            "COPY . /app",
            "ADD rootfs.tar.xz /",
            "ADD *.tgz layer.tar /",
            "ADD --checksum=sha256:ab https://x/y /y",
            "ADD git@github.com:a/b.git#1 /b",
            "ADD https://github.com/a/b.git /b",
            "ADD $URL /x",
            "ADD . /a\nFROM b",
        ] {
            case(good).check("DF-060", Expect::Pass);
        }
    }
}
