//! FS-015: packages come from where the policy says, and are verified.
//!
//! Formats: `sources.list(5)` of APT, both styles; `apk-repositories(5)`; `dnf.conf(5)`, "Repo options".

use super::{
    About, Parameter, ParameterKind, Raised, Rule, RuleContext,
    layers::{self, Origin},
};
use crate::{
    decide::Action,
    files::{Files, Text},
};
use plimsoll_model::Severity;

pub(crate) const RULE: Rule = Rule {
    id: "FS-015",
    name: "fs_015_repositories",
    title: "packages come from repositories that are allowed, and are verified",
    severity: Severity::Medium,
    action: Action::Warn,
    why: "Whoever writes to a repository of packages, or is on the way to one whose packages are not verified, runs commands as root in the next build.",
    mend: "name the host under `allow` where it is meant to be there, verify its packages by a key, or remove the repository",
    bad: "deb [trusted=yes] http://packages.example/debian stable main",
    good: "deb [signed-by=/etc/apt/keyrings/corp.gpg] https://packages.corp/debian stable main",
    equivalents: &[],
    about: &[About::Files],
    parameters: &[Parameter {
        name: "allow",
        kind: ParameterKind::Texts,
        help: "hosts of further repositories (those of the distributions are known)",
    }],
    check,
};

/// Of the distributions.
const KNOWN: [&str; 13] = [
    "archive.ubuntu.com",
    "cdn-ubi.redhat.com",
    "cdn.redhat.com",
    "deb.debian.org",
    "dl-cdn.alpinelinux.org",
    "download.opensuse.org",
    "mirror.centos.org",
    "mirrors.almalinux.org",
    "mirrors.centos.org",
    "mirrors.fedoraproject.org",
    "mirrors.rockylinux.org",
    "ports.ubuntu.com",
    "security.debian.org",
];
/// What lets packages in that nobody has signed, without blanks and in small letters.
const UNVERIFIED: [&str; 8] = [
    "trusted=yes",
    "trusted:yes",
    "allow-insecure=yes",
    "allow-insecure:yes",
    "gpgcheck=0",
    "gpgcheck=no",
    "gpgcheck=false",
    "allow-weak=yes",
];

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let Some(files) = context.facts().files else { return Vec::new() };
    let base = layers::of_base(context);
    let single = ["etc/apk/repositories", "etc/apt/sources.list"];
    let several = ["etc/apt/sources.list.d/", "etc/yum.repos.d/", "etc/zypp/repos.d/"];
    let single = single.into_iter().filter_map(|path| files.text(path));
    let all = single.chain(several.into_iter().flat_map(|directory| files.texts_in(directory)));
    // What the base has, whoever approved it has seen.
    all.filter(|text| layers::origin(base, text.layer) != Origin::Base)
        .flat_map(|text| judge(context, files, text))
        .collect()
}

fn judge(context: &RuleContext<'_>, files: &Files, text: &Text) -> Vec<Raised> {
    let place = || layers::place(files, &text.path, text.layer);
    let content = match &text.content {
        Ok(content) => content,
        Err(error) => {
            let title = "it can not be told where packages come from";
            let expected = "a file that can be read";
            return vec![context.unknown(place(), title, error.to_string(), expected)];
        }
    };
    let allowed = context.texts("allow");
    let lines = Text::lines(content).into_iter();
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with(['#', ';']));
    let raised = lines.filter_map(|line| {
        let plain: String = line.chars().filter(|char| !char.is_whitespace()).collect();
        if UNVERIFIED.iter().any(|word| plain.to_ascii_lowercase().contains(word)) {
            let title = "packages are installed that nobody has to have signed";
            let expected = "packages that are verified by a key";
            return Some(context.fail(place(), title, shown(&line), expected));
        }
        let host = hosts(&line).into_iter().find(|host| {
            !KNOWN.contains(&&**host) && !allowed.iter().any(|allowed| allowed == host)
        })?;
        let title = format!("packages come from `{host}`");
        let expected = "repositories of the distribution, or allowed ones";
        Some(context.fail(place(), title, shown(&line), expected))
    });
    raised.collect()
}

/// A line without what URLs in it say of who logs in.
fn shown(line: &str) -> String {
    let without = |word: &str| {
        let url = word.split_once("://").and_then(|(scheme, rest)| {
            let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
            let (_, host) = authority.rsplit_once('@')?;
            Some(format!("{scheme}://…@{host}/{path}"))
        });
        url.unwrap_or_else(|| word.to_owned())
    };
    line.split_whitespace().map(without).collect::<Vec<_>>().join(" ")
}

/// The hosts of the URLs in a line.
fn hosts(line: &str) -> Vec<String> {
    let words = line.split(|char: char| char.is_whitespace() || char == '=' || char == ',');
    let urls = words.filter_map(|word| word.split_once("://"));
    urls.filter(|(scheme, _)| !scheme.eq_ignore_ascii_case("file"))
        .map(|(_, rest)| {
            let authority = rest.split(['/', '?']).next().unwrap_or_default();
            let host = authority.rsplit('@').next().unwrap_or_default();
            host.split(':').next().unwrap_or_default().to_ascii_lowercase()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::testing::*;
    use plimsoll_model::{finding::Place, tree::TreeError};

    fn case(path: &str, text: &str) -> Case {
        Case::default().image(&["base", "app"]).text(path, text, 1)
    }

    #[test]
    fn other_repositories_and_unverified_packages_fail() {
        for (path, text) in [
            ("etc/apt/sources.list", "deb http://evil.example/debian stable main"),
            (
                "etc/apt/sources.list",
                "# x\ndeb [ trusted=yes ] http://deb.debian.org/debian x main",
            ),
            ("etc/apt/sources.list.d/a.sources", "Types: deb\nURIs: https://evil.example/x\n"),
            ("etc/apt/sources.list.d/a.sources", "Trusted: yes"),
            ("etc/apk/repositories", "https://dl-cdn.alpinelinux.org@evil.example/x"),
            ("etc/yum.repos.d/a.repo", "[a]\nbaseurl=https://evil.example:443/x\n"),
            ("etc/yum.repos.d/a.repo", "[a]\ngpgcheck = 0"),
            ("etc/apk/repositories", "@edge http://deb.debian.org.evil.example/x"),
        ] {
            let case = case(path, text);
            case.check("FS-015", Expect::Fail);
            let place = Place::File { path: format!("/{path}"), layer: Some(digest("app")) };
            assert_eq!(case.findings("FS-015")[0].finding.place, place, "{text}");
            let approved = case.approved("debian:12", &["base", "app"], "2026-12-31");
            approved.check("FS-015", Expect::Pass);
        }
    }

    #[test]
    fn those_of_the_distribution_and_allowed_ones_pass() {
        let path = "etc/apt/sources.list";
        for text in [
            "deb http://deb.debian.org/debian bookworm main",
            "# deb http://evil.example/debian x main",
            "deb cdrom:[x]/ x main",
            "",
        ] {
            case(path, text).check("FS-015", Expect::Pass);
        }
        let other = case(path, "deb https://packages.corp/debian x main");
        other.check("FS-015", Expect::Fail);
        let allow = "rules: {FS-015: {allow: [packages.corp]}}";
        other.policy(allow).check("FS-015", Expect::Pass);
    }

    #[test]
    fn who_logs_in_is_not_shown() {
        for (line, shown) in [
            ("https://me:hunter2@evil.example/x", "https://…@evil.example/x"),
            ("deb https://me:hun@ter2@evil.example x", "deb https://…@evil.example/ x"),
            ("baseurl=https://me:hunter2@evil.example/x", "baseurl=https://…@evil.example/x"),
        ] {
            let found = case("etc/apk/repositories", line).findings("FS-015");
            assert_eq!((found.len(), &*found[0].finding.found), (1, shown));
        }
    }

    #[test]
    fn what_can_not_be_read_can_not_be_told() {
        let case = Case::default().image(&["a"]);
        let case = case.unreadable("etc/apk/repositories", TreeError::NotKept);
        case.check("FS-015", Expect::Unknown);
    }
}
