//! FS-015: packages come from where the policy says, and are verified.
//!
//! Formats: `sources.list(5)` of APT, both styles; `apk-repositories(5)`; `dnf.conf(5)`, "Repo options".

use super::{
    About, Parameter, ParameterKind, Raised, Rule, RuleContext,
    downloads::{is_off, is_on, is_plain},
    layers::{self, Origin},
    repositories::{apt_settings, is_known, is_signed, is_unverified_by_apt},
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

const UNSIGNED: &str = "packages are installed that nobody has to have signed";
const SIGNED: &str = "packages that are verified by a key";

fn check(context: &RuleContext<'_>) -> Vec<Raised> {
    let Some(files) = context.facts().files else { return Vec::new() };
    let base = layers::of_base(context);
    let single = [
        "etc/apk/repositories",
        "etc/apt/apt.conf",
        "etc/apt/sources.list",
        "etc/dnf/dnf.conf",
        "etc/yum.conf",
        "etc/zypp/zypp.conf",
    ];
    let several =
        ["etc/apt/apt.conf.d/", "etc/apt/sources.list.d/", "etc/yum.repos.d/", "etc/zypp/repos.d/"];
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
    if text.path.as_str().is_some_and(|path| path.starts_with("etc/apt/apt.conf")) {
        let settings = apt_settings(&String::from_utf8_lossy(content)).into_iter();
        let unsigned = settings.filter(|(name, value)| is_unverified_by_apt(name, value));
        let raise = |(name, value): (String, String)| {
            context.fail(place(), UNSIGNED, format!("{name} \"{value}\""), SIGNED)
        };
        return unsigned.map(raise).collect();
    }
    let allowed = context.texts("allow");
    let is_allowed = |host: &String| is_known(host) || allowed.contains(host);
    let mut raised = Vec::new();
    for stanza in stanzas(content) {
        let has_key = stanza.iter().any(|line| names_key(line));
        raised.extend(stanza.iter().filter_map(|line| {
            if settings(line).iter().any(|(name, value)| is_unsigned(name, value)) {
                return Some(context.fail(place(), UNSIGNED, shown(line), SIGNED));
            }
            if let Some(host) = hosts(line).into_iter().find(|host| !is_allowed(host)) {
                let title = format!("packages come from `{host}`");
                let expected = "repositories of the distribution, or allowed ones";
                return Some(context.fail(place(), title, shown(line), expected));
            }
            let is_open = |word: &str| is_plain(word) && !is_signed(word);
            let mut words = line.split(|char: char| char.is_whitespace() || "=,".contains(char));
            let title = "packages come without TLS, from where lists of packages are not signed";
            let is_said = !has_key && words.any(is_open);
            is_said.then(|| context.fail(place(), title, shown(line), "`https://`"))
        }));
    }
    raised
}

/// The lines that say something, in groups that are about the same repositories.
fn stanzas(content: &[u8]) -> Vec<Vec<String>> {
    let mut stanzas = vec![Vec::new()];
    for line in Text::lines(content) {
        let is_section = line.starts_with('[') && line.ends_with(']');
        if line.is_empty() || is_section {
            stanzas.push(Vec::new());
        }
        let is_said = !line.is_empty() && !line.starts_with(['#', ';']);
        if let Some(stanza) = stanzas.last_mut().filter(|_| is_said) {
            stanza.push(line);
        }
    }
    stanzas
}

/// The options of a line with their values, in small letters: `[a=b c=d]`, `A: b`, `a = b`.
fn settings(line: &str) -> Vec<(String, String)> {
    let line = line.to_ascii_lowercase();
    let options = line.split_once('[').and_then(|(_, rest)| rest.split_once(']'));
    let pairs: Vec<(&str, &str)> = match options {
        Some((options, _)) if line.starts_with("deb") => {
            options.split_whitespace().filter_map(|option| option.split_once('=')).collect()
        }
        _ => line.split_once(['=', ':']).into_iter().collect(),
    };
    // More than one value may stand there, and `+=` adds one.
    let plain = |(name, value): (&str, &str)| {
        (name.trim_end_matches(['+', '-']).trim().to_owned(), value.trim().to_owned())
    };
    pairs.into_iter().map(plain).collect()
}

/// Whether an option lets packages in that nobody has signed.
fn is_unsigned(name: &str, value: &str) -> bool {
    match name {
        "trusted" | "allow-insecure" | "allow-weak" | "allow-downgrade-to-insecure" => is_on(value),
        "gpgcheck" | "pkg_gpgcheck" => is_off(value),
        _ => false,
    }
}

/// Whether a line names the key by which lists of packages are checked, or says that they are.
fn names_key(line: &str) -> bool {
    settings(line).iter().any(|(name, value)| match name.as_str() {
        // The key itself may follow on lines of its own.
        "signed-by" => true,
        "repo_gpgcheck" => is_on(value),
        _ => false,
    })
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
            ("etc/apt/sources.list", "deb [trusted=true] http://deb.debian.org/debian x main"),
            (
                "etc/apt/sources.list",
                "deb [arch=amd64 trusted=1] http://deb.debian.org/debian x main",
            ),
            ("etc/apt/sources.list.d/a.sources", "Trusted: true"),
            ("etc/apt/sources.list.d/a.sources", "Allow-Insecure: enable"),
            ("etc/apt/apt.conf.d/99x", "APT::Get::AllowUnauthenticated \"true\";"),
            ("etc/apt/apt.conf", "APT { Get { AllowUnauthenticated \"1\"; }; };"),
            ("etc/dnf/dnf.conf", "[main]\ngpgcheck=off"),
            ("etc/yum.conf", "gpgcheck=False"),
            ("etc/zypp/zypp.conf", "pkg_gpgcheck = off"),
            (
                "etc/yum.repos.d/a.repo",
                "[a]\ngpgcheck=1\nbaseurl=http://mirrors.fedoraproject.org/x",
            ),
            (
                "etc/yum.repos.d/a.repo",
                "[a]\nrepo_gpgcheck=1\n[b]\nbaseurl=http://mirrors.fedoraproject.org/x",
            ),
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
        for (path, text) in [
            // As Fedora, openSUSE and Ubuntu have them.
            (
                "etc/yum.repos.d/fedora.repo",
                "[fedora]\n#baseurl=http://download.example/pub/\nmetalink=https://mirrors.fedoraproject.org/x\nrepo_gpgcheck=0\ngpgcheck=1",
            ),
            (
                "etc/yum.repos.d/a.repo",
                "[a]\nrepo_gpgcheck=1\nbaseurl=http://mirrors.fedoraproject.org/x",
            ),
            (
                "etc/zypp/repos.d/oss.repo",
                "baseurl=http://download.opensuse.org/distribution/leap/",
            ),
            (
                "etc/apt/sources.list",
                "deb [trusted=no allow-weak=0] http://security.ubuntu.com/ubuntu x main",
            ),
            (
                "etc/apt/sources.list.d/u.sources",
                "URIs: http://archive.ubuntu.com/ubuntu\nTrusted: no",
            ),
            ("etc/apt/sources.list", "deb http://snapshot.debian.org/archive/debian/1 x main"),
            ("etc/apk/repositories", "https://packages.wolfi.dev/os"),
            ("etc/apt/apt.conf.d/docker-clean", "DPkg::Post-Invoke { \"rm -f /x || true\"; };"),
            ("etc/apt/apt.conf.d/x", "APT::Get::AllowUnauthenticated \"false\";"),
            ("etc/dnf/dnf.conf", "[main]\ngpgcheck=1\n"),
            ("etc/zypp/zypp.conf", "# pkg_gpgcheck = off"),
        ] {
            case(path, text).check("FS-015", Expect::Pass);
        }
        let other = case(path, "deb https://packages.corp/debian x main");
        other.check("FS-015", Expect::Fail);
        let allow = "rules: {FS-015: {allow: [packages.corp]}}";
        other.policy(allow).check("FS-015", Expect::Pass);
        // Who is allowed may be somebody else without TLS, unless the lists are signed by a key that is named.
        for (path, text, expect) in [
            (path, "deb http://packages.corp/debian x main", Expect::Fail),
            (path, "deb [signed-by=/k.gpg] http://packages.corp/debian x main", Expect::Pass),
            (
                "etc/apt/sources.list.d/a.sources",
                "URIs: http://packages.corp\nSigned-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----",
                Expect::Pass,
            ),
            (
                "etc/apt/sources.list.d/a.sources",
                "URIs: http://packages.corp\n\nSigned-By: /k",
                Expect::Fail,
            ),
        ] {
            case(path, text).policy(allow).check("FS-015", expect);
        }
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
