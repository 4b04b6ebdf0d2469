//! DF-061: what ADD fetches is tied to a digest or a commit.

use super::{About, Raised, Rule, RuleContext, commands, commands::Placed, inputs};
use crate::{
    decide::Action,
    dockerfile::{Argument, Step},
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "DF-061",
    name: "df_061_add_unverified",
    title: "what ADD fetches has a checksum, or is a commit",
    severity: Severity::High,
    action: Action::Deny,
    why: "Whoever holds the server, or the branch, decides at every build what goes into the image.",
    mend: "add `--checksum=sha256:…`; of a git repository, name the whole commit: `….git#<40 digits>`",
    bad: "FROM debian:12\nADD https://example.com/app.tar.gz /app/",
    good: "FROM debian:12\nADD --checksum=sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 https://example.com/app.tar.gz /app/",
    equivalents: &[],
    about: &[About::Dockerfiles],
    parameters: &[],
    check,
};

/// What a source of `ADD` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A file of the build.
    Local,
    /// An address.
    Url,
    /// A git repository.
    Git,
    /// A variable without value decides.
    Untold,
}

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let added = commands::reachable(context).filter(|placed| placed.is("ADD"));
    added.flat_map(|placed| of_step(context, placed)).collect()
}

fn of_step(context: &RuleContext<'_>, placed: Placed<'_>) -> Vec<Raised> {
    let checksum = checksum(placed.step);
    let sources = placed.step.arguments.split_last().map(|(_, sources)| sources);
    let judge = |source: &Argument| {
        let text = text(source);
        let place = inputs::place(placed.build, placed.step.at());
        let found = format!("`ADD {text}`");
        let (kind, expected) = match kind(text) {
            Kind::Local => return None,
            _ if checksum == Checksum::Given => return None,
            Kind::Git if is_commit(source) == Commit::Named => return None,
            kind @ (Kind::Url | Kind::Untold) => (kind, "`--checksum=sha256:…`"),
            kind @ Kind::Git => (kind, "the 40 digits of a commit behind `#`"),
        };
        let is_untold =
            kind == Kind::Untold || (kind == Kind::Git && is_commit(source) == Commit::Untold);
        if is_untold || checksum == Checksum::Untold {
            let title = "it can not be told whether what `ADD` fetches is tied to a digest";
            return Some(context.unknown(place, title, found, expected));
        }
        Some(context.fail(place, "what `ADD` fetches may be anything", found, expected))
    };
    sources.unwrap_or_default().iter().filter_map(judge).collect()
}

/// What a step says that the bytes are to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Checksum {
    Given,
    Missing,
    /// A variable decides whether there is one.
    Untold,
}

/// BuildKit compares nothing where the value comes to nothing.
pub(super) fn checksum(step: &Step) -> Checksum {
    let Some(flag) = step.flag("checksum") else { return Checksum::Missing };
    let written = flag.written.as_deref().unwrap_or_default();
    match flag.known() {
        Some("") => Checksum::Missing,
        Some(_) => Checksum::Given,
        // A digest that a variable holds is compared all the same.
        None if !written.starts_with('$') && !written.is_empty() => Checksum::Given,
        None => Checksum::Untold,
    }
}

/// A source, its variables in place where they are known.
pub(super) fn text(source: &Argument) -> &str {
    let written = source.written.as_deref().unwrap_or_default();
    source.known().unwrap_or_else(|| written.trim_matches(['"', '\'']))
}

/// As BuildKit tells them apart: <https://docs.docker.com/reference/dockerfile/#add>.
pub(super) fn kind(source: &str) -> Kind {
    let lower = source.to_ascii_lowercase();
    let path = lower.split(['#', '?']).next().unwrap_or_default();
    let is_web = lower.starts_with("http://") || lower.starts_with("https://");
    let is_git_scheme = ["git://", "ssh://", "git@"].iter().any(|start| lower.starts_with(start));
    let is_scp = lower.split_once('@').is_some_and(|(user, rest)| {
        !user.contains(['/', ':', '$']) && rest.contains(':') && !rest.contains("://")
    });
    match () {
        () if is_git_scheme || is_scp || (is_web && path.strip_suffix(".git").is_some()) => {
            Kind::Git
        }
        () if is_web || lower.starts_with("ftp://") => Kind::Url,
        () if may_be_remote(&lower) => Kind::Untold,
        () => Kind::Local,
    }
}

/// Whether a variable stands where the beginning of an address would.
fn may_be_remote(lower: &str) -> bool {
    let Some((before, _)) = lower.split_once('$') else { return false };
    let mut begins = ["http://", "https://", "ftp://", "git://", "ssh://", "git@"].into_iter();
    begins.any(|scheme| scheme.starts_with(before))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Commit {
    Named,
    Moving,
    Untold,
}

/// `#ref:folder`, or `?commit=`, `?checksum=`.
fn is_commit(source: &Argument) -> Commit {
    let text = text(source);
    let (before, fragment) = text.split_once('#').unwrap_or((text, ""));
    let query = before.split_once('?').map_or("", |(_, query)| query);
    let named = query.split('&').filter_map(|pair| pair.split_once('='));
    let named = named.filter(|(name, _)| matches!(*name, "commit" | "checksum")).map(|(_, v)| v);
    let branch = fragment.split(':').next().unwrap_or_default();
    let mut all = named.chain([branch]).peekable();
    if all.clone().any(is_object) {
        Commit::Named
    } else if all.any(|name| name.contains('$')) {
        Commit::Untold
    } else {
        Commit::Moving
    }
}

/// The whole name of a git object.
fn is_object(name: &str) -> bool {
    matches!(name.len(), 40 | 64) && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::*;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    fn case(steps: &str) -> Case {
        Case::default().dockerfile(&format!("FROM a\n{steps}"))
    }

    #[test]
    fn addresses_and_branches_fail() {
        for bad in [
            "ADD https://x.example/y.tgz /y",
            "ADD http://x.example/y /y",
            "ADD HTTPS://x.example/y /y",
            "ADD [\"https://x.example/y\", \"/y\"]",
            "ADD --checksum= https://x.example/y /y",
            "ADD a https://x.example/y /y/",
            "ADD https://x.example/y-${VERSION}.tgz /y",
            "ADD \"https://x.example/${V}\" /y",
            "ADD https://github.com/a/b.git /b",
            "ADD https://github.com/a/b.git#main /b",
            "ADD https://github.com/a/b.git#v1.2.3:docs /b",
            "ADD https://github.com/a/b.git?branch=main /b",
            "ADD https://github.com/a/b.git#0123456 /b",
            "ADD git@github.com:a/b.git#main /b",
            "ADD ssh://git@github.com/a/b /b",
            "ADD git://github.com/a/b.git /b",
            "ARG U=https://x.example/y\nADD $U /y",
            "ARG SUM=\nADD --checksum=$SUM https://x.example/y /y",
            "ARG SUM=\nADD --checksum=${SUM} https://github.com/a/b.git#main /y",
            "ONBUILD ADD https://x.example/y /y",
        ] {
            case(bad).check("DF-061", Expect::Fail);
            assert_eq!(case(bad).findings("DF-061")[0].action, Action::Deny);
        }
        assert_eq!(case("RUN x\n ADD \\\n https://x.example/y /y").places("DF-061"), [(3, 2)]);
        let built = Case::default()
            .dockerfile("FROM a AS b\nADD https://x/y /y\nFROM c\nRUN --mount=from=b,target=/b x");
        built.check("DF-061", Expect::Fail);
        built.target("b").check("DF-061", Expect::Fail);
    }

    #[test]
    fn digests_commits_and_files_pass() {
        for good in [
            "ADD --checksum=sha256:ab https://x.example/y /y".to_owned(),
            "ADD --checksum=sha256:$SUM https://x.example/y /y".to_owned(),
            format!("ADD https://github.com/a/b.git#{COMMIT} /b"),
            format!("ADD git@github.com:a/b.git#{COMMIT}:docs /b"),
            format!("ADD https://github.com/a/b.git?tag=v1&commit={COMMIT} /b"),
            format!("ADD --checksum={COMMIT} https://github.com/a/b.git#v1 /b"),
            format!("ARG C={COMMIT}\nADD https://github.com/a/b.git#$C /b"),
            "ARG SUM=sha256:ab\nADD --checksum=$SUM https://x.example/y /y".to_owned(),
            "ARG V\nADD app-$V.tgz /x".to_owned(),
            "ADD . /x".to_owned(),
            "ADD app.tar.gz /x".to_owned(),
            "COPY https /x".to_owned(),
            "ADD https://x.example/y /y\nFROM b".to_owned(),
        ] {
            case(&good).check("DF-061", Expect::Pass);
        }
    }

    #[test]
    fn what_a_variable_hides_can_not_be_told() {
        for unknown in [
            "ARG SUM\nADD --checksum=$SUM https://x.example/y /y",
            "ADD --checksum=$C https://x.example/y /y",
            "ARG S\nADD ht${S}://x.example/y /y",
            "ARG U\nADD $U /x",
            "ADD ${U}/y /x",
            "ADD https://x/y.git#$REF /x",
        ] {
            case(unknown).check("DF-061", Expect::Unknown);
        }
        let given = case("ARG U\nADD $U /x").build_arg("U", "https://x/y");
        given.check("DF-061", Expect::Fail);
        case("ARG U\nADD $U /x").build_arg("U", "file").check("DF-061", Expect::Pass);
    }
}
