//! Where packages come from: whose repositories are those of distributions, and what in the files of package managers says so.
//!
//! Formats: `sources.list(5)` and `apt.conf(5)` of APT; `apk-repositories(5)`; `dnf.conf(5)`, "Repo options".

use super::downloads::{host, is_off};

/// What of a repository is signed by keys that the images of its distribution bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signed {
    /// Its lists, so that it does not matter how they come.
    Lists,
    /// Its packages alone.
    Packages,
}

/// Hosts of distributions.
const KNOWN: [(&str, Signed); 33] = [
    ("apk.cgr.dev", Signed::Lists),
    ("archive.debian.org", Signed::Lists),
    ("archive.ubuntu.com", Signed::Lists),
    ("cdn-ubi.redhat.com", Signed::Packages),
    ("cdn.amazonlinux.com", Signed::Packages),
    ("cdn.opensuse.org", Signed::Lists),
    ("cdn.redhat.com", Signed::Packages),
    ("codecs.opensuse.org", Signed::Lists),
    ("deb.debian.org", Signed::Lists),
    ("dl-cdn.alpinelinux.org", Signed::Lists),
    ("dl.fedoraproject.org", Signed::Packages),
    ("dl.rockylinux.org", Signed::Packages),
    ("download.opensuse.org", Signed::Lists),
    ("ftp.debian.org", Signed::Lists),
    ("mirror.centos.org", Signed::Packages),
    ("mirror.stream.centos.org", Signed::Packages),
    ("mirrorlist.centos.org", Signed::Packages),
    ("mirrors.almalinux.org", Signed::Packages),
    ("mirrors.centos.org", Signed::Packages),
    ("mirrors.fedoraproject.org", Signed::Packages),
    ("mirrors.rockylinux.org", Signed::Packages),
    ("old-releases.ubuntu.com", Signed::Lists),
    ("packages.wolfi.dev", Signed::Lists),
    ("ports.ubuntu.com", Signed::Lists),
    ("repo.almalinux.org", Signed::Packages),
    ("security.debian.org", Signed::Lists),
    ("security.ubuntu.com", Signed::Lists),
    ("snapshot.debian.org", Signed::Lists),
    ("snapshot.ubuntu.com", Signed::Lists),
    ("ubi.redhat.com", Signed::Packages),
    ("vault.almalinux.org", Signed::Packages),
    ("vault.centos.org", Signed::Packages),
    ("yum.oracle.com", Signed::Packages),
];
/// Options of apt's settings that let packages in that nobody has signed.
const APT: [&str; 6] = [
    "acquire::allowdowngradetoinsecurerepositories",
    "acquire::allowinsecurerepositories",
    "acquire::allowweakrepositories",
    "apt::get::allowunauthenticated",
    "apt::get::allow-unauthenticated",
    "apt::get::force-yes",
];

fn of_host(name: &str) -> Option<Signed> {
    // Mirrors of countries: `de.archive.ubuntu.com`.
    let is_mirror = name.ends_with(".archive.ubuntu.com");
    let known = KNOWN.iter().find(|(known, _)| *known == name).map(|(_, signed)| *signed);
    known.or(is_mirror.then_some(Signed::Lists))
}

/// Whether a host is one of a distribution.
pub(super) fn is_known(host: &str) -> bool {
    of_host(host).is_some()
}

/// Whether what an address names is a distribution's, with lists that are signed: then it does not matter how they come.
pub(super) fn is_signed(url: &str) -> bool {
    host(url).and_then(of_host) == Some(Signed::Lists)
}

/// Whether an option of apt's settings lets packages in that nobody has signed.
pub(super) fn is_unverified_by_apt(name: &str, value: &str) -> bool {
    APT.iter().any(|own| own.eq_ignore_ascii_case(name)) && !is_off(value)
}

/// The settings of a file of apt's, each with its whole name: `APT { Get { Force-Yes "1"; }; };` is `APT::Get::Force-Yes`.
pub(super) fn apt_settings(text: &str) -> Vec<(String, String)> {
    let (mut settings, mut scopes, mut words) = (Vec::new(), Vec::<String>::new(), Vec::new());
    for token in apt_tokens(text) {
        match token.as_str() {
            "{" => scopes.push(std::mem::take(&mut words).into_iter().next().unwrap_or_default()),
            "}" => {
                scopes.pop();
                words.clear();
            }
            ";" => {
                let mut setting = std::mem::take(&mut words).into_iter();
                if let (Some(name), Some(value)) = (setting.next(), setting.next()) {
                    let parts = scopes.iter().chain([&name]).filter(|part| !part.is_empty());
                    let parts: Vec<_> = parts.map(String::as_str).collect();
                    settings.push((parts.join("::"), value));
                }
            }
            _ => words.push(token),
        }
    }
    settings
}

/// Words without their quotes, and `{`, `}`, `;`; comments are left out.
fn apt_tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let after = rest.get(first.len_utf8()..).unwrap_or_default();
        let up_to = |end: &str| after.split_once(end).unwrap_or((after, ""));
        rest = match first {
            _ if rest.starts_with("//") || (first == '#' && !rest.starts_with("#clear")) => {
                up_to("\n").1
            }
            _ if rest.starts_with("/*") => up_to("*/").1,
            '"' => {
                let (word, next) = up_to("\"");
                tokens.push(word.to_owned());
                next
            }
            '{' | '}' | ';' => {
                tokens.push(first.to_string());
                after
            }
            first if first.is_whitespace() => after,
            _ => {
                let is_end = |char: char| char.is_whitespace() || "{};\"".contains(char);
                let (word, next) = rest.split_at(rest.find(is_end).unwrap_or(rest.len()));
                tokens.push(word.to_owned());
                next
            }
        };
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_apt_have_their_whole_names() {
        let text = "// a\n# b\n/* c; */ APT::Get::Force-Yes \"true\";\nAPT { Get { X \"1\"; Y 2; }; };\nZ \"a b\"; }; { \"é";
        let settings = apt_settings(text);
        let settings: Vec<_> = settings.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let expect = [
            ("APT::Get::Force-Yes", "true"),
            ("APT::Get::X", "1"),
            ("APT::Get::Y", "2"),
            ("Z", "a b"),
        ];
        assert_eq!(settings, expect);
        assert!(is_unverified_by_apt("apt::get::allowUnauthenticated", "with"));
        assert!(!is_unverified_by_apt("APT::Get::AllowUnauthenticated", "disable"));
        assert!(!is_unverified_by_apt("APT::Get::Assume-Yes", "true"));
    }

    #[test]
    fn hosts_are_compared_whole() {
        assert!(is_known("deb.debian.org") && is_known("de.archive.ubuntu.com"));
        for other in ["deb.debian.org.evil.example", "xdeb.debian.org", "archive.ubuntu.com.x", ""]
        {
            assert!(!is_known(other), "{other}");
        }
        assert!(
            is_signed("http://security.debian.org/x") && !is_signed("http://mirror.centos.org/x")
        );
    }
}
