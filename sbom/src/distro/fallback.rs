//! What names the distribution where there is no `os-release`: releases older than it, and images that were stripped of it.
//!
//! Names and versions come out as `os-release` of the same distribution has them.

use super::variable;
use plimsoll_model::{Tree, TreePath, inventory::Distribution, tree::EntryKind};

/// The program that is all that some images have.
pub(super) const BUSYBOX: &str = "bin/busybox";

/// Where package managers keep what they know. Where one of these is, the system is more than busybox.
const DATABASES: [&str; 11] = [
    "lib/apk",
    "usr/lib/apk",
    "usr/lib/opkg",
    "usr/lib/sysimage/rpm",
    "usr/share/rpm",
    "var/db/pkg",
    "var/lib/chisel",
    "var/lib/dpkg",
    "var/lib/opkg",
    "var/lib/pacman",
    "var/lib/rpm",
];

/// Names in the first line of `redhat-release`, the longer of two first, and what `os-release` has instead.
const RED_HATS: [(&str, &str); 8] = [
    ("AlmaLinux", "almalinux"),
    ("Amazon Linux", "amzn"),
    ("CentOS", "centos"),
    ("Fedora", "fedora"),
    ("Oracle Linux", "ol"),
    ("Red Hat Enterprise Linux", "rhel"),
    ("Rocky Linux", "rocky"),
    ("openEuler", "openEuler"),
];

fn named(id: &str, version_id: Option<&str>) -> Distribution {
    Distribution {
        id: id.to_owned(),
        id_like: Vec::new(),
        version_id: version_id.map(str::to_owned),
        codename: None,
        pretty_name: None,
    }
}

/// `lsb-release` of Ubuntu and others, and `openwrt_release`: variables with another prefix.
pub(super) fn lsb(text: &str) -> Option<Distribution> {
    let id: String = variable(text, "DISTRIB_ID")?.to_lowercase();
    let version = variable(text, "DISTRIB_RELEASE").filter(|version| is_version(version));
    Some(Distribution {
        codename: variable(text, "DISTRIB_CODENAME"),
        pretty_name: variable(text, "DISTRIB_DESCRIPTION"),
        ..named(&id.split_whitespace().collect::<String>(), version.as_deref())
    })
}

/// A version and nothing else: `3.20.3`.
pub(super) fn alpine(text: &str) -> Option<Distribution> {
    let version = text.trim();
    is_version(version).then(|| named("alpine", Some(version)))
}

/// `12.5`, of which the release is the first number; before a release `trixie/sid`.
pub(super) fn debian(text: &str) -> Option<Distribution> {
    let text = text.trim();
    if let Some(codename) = text.strip_suffix("/sid") {
        let is_word =
            !codename.is_empty() && codename.bytes().all(|byte| byte.is_ascii_lowercase());
        let codename = is_word.then(|| codename.to_owned())?;
        return Some(Distribution { codename: Some(codename), ..named("debian", None) });
    }
    is_version(text).then(|| named("debian", text.split('.').next()))
}

/// `NAME release VERSION (CODENAME)`.
pub(super) fn red_hat(text: &str) -> Option<Distribution> {
    let line = text.lines().next().unwrap_or_default().trim();
    let (name, rest) = line.split_once(" release ")?;
    let (_, id) = RED_HATS.iter().find(|(start, _)| name.starts_with(start))?;
    let version = rest.split_whitespace().next().filter(|version| is_version(version))?;
    // CentOS names its releases by the first number alone.
    let version = if *id == "centos" { version.split('.').next()? } else { version };
    Some(Distribution { pretty_name: Some(line.to_owned()), ..named(id, Some(version)) })
}

/// A file without content, or one that names a distribution made from it: none of them has releases.
pub(super) fn arch(text: &str) -> Option<Distribution> {
    match text.trim() {
        "" => Some(named("arch", None)),
        "Manjaro Linux" => Some(named("manjaro", None)),
        _ => None,
    }
}

/// A system that is no more than busybox: no package manager has left a trace.
pub(super) fn busybox(tree: &dyn Tree) -> Option<Distribution> {
    let resolve = |path: &str| {
        let path = TreePath::parse(path.as_bytes()).ok()?;
        tree.resolve(&path).ok()
    };
    let is_there = resolve(BUSYBOX).is_some_and(|entry| entry.kind == EntryKind::File);
    let is_alone = !DATABASES.iter().any(|path| resolve(path).is_some());
    (is_there && is_alone).then(|| named("busybox", None))
}

fn is_version(text: &str) -> bool {
    text.starts_with(|char: char| char.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use crate::testing::TestTree;

    /// Id, version and codename of what a tree with this file says that it is.
    #[track_caller]
    fn check(path: &str, text: &str, expect: Option<(&str, Option<&str>, Option<&str>)>) {
        let inventory = TestTree::new().file(path, text).catalog();
        let found = inventory.distribution.as_ref().map(|found| {
            (found.id.as_str(), found.version_id.as_deref(), found.codename.as_deref())
        });
        assert_eq!(found, expect, "{path}: {text}");
        // Either it is nothing that is known, or there are no packages of it: both are said.
        assert_eq!(inventory.unknowns.len(), 1, "{path}: {text}");
    }

    #[test]
    fn names_and_versions_are_those_of_os_release() {
        let ubuntu = "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=22.04\nDISTRIB_CODENAME=jammy\nDISTRIB_DESCRIPTION=\"x\"\n";
        for (path, text, id, version, codename) in [
            ("etc/lsb-release", ubuntu, "ubuntu", Some("22.04"), Some("jammy")),
            (
                "etc/lsb-release",
                "DISTRIB_ID=\"Arch\"\nDISTRIB_RELEASE=\"rolling\"\n",
                "arch",
                None,
                None,
            ),
            (
                "etc/openwrt_release",
                "DISTRIB_ID='OpenWrt'\nDISTRIB_RELEASE='23.05.3'\n",
                "openwrt",
                Some("23.05.3"),
                None,
            ),
            ("etc/alpine-release", "3.20.3\n", "alpine", Some("3.20.3"), None),
            ("etc/debian_version", "12.5\n", "debian", Some("12"), None),
            ("etc/debian_version", "trixie/sid\n", "debian", None, Some("trixie")),
            (
                "etc/redhat-release",
                "CentOS Linux release 7.9.2009 (Core)\n",
                "centos",
                Some("7"),
                None,
            ),
            (
                "etc/redhat-release",
                "Red Hat Enterprise Linux release 9.3 (Plow)\n",
                "rhel",
                Some("9.3"),
                None,
            ),
            ("etc/centos-release", "CentOS release 6.10 (Final)\n", "centos", Some("6"), None),
            ("etc/system-release", "Amazon Linux release 2 (Karoo)\n", "amzn", Some("2"), None),
            ("etc/arch-release", "", "arch", None, None),
            ("bin/busybox", "\u{7f}ELF", "busybox", None, None),
        ] {
            check(path, text, Some((id, version, codename)));
        }
    }

    #[test]
    fn what_names_nothing_that_is_known_is_an_unknown() {
        for (path, text) in [
            ("etc/lsb-release", "LSB_VERSION=1.4\n"),
            ("etc/alpine-release", "\0\u{1}"),
            ("etc/debian_version", "no/version"),
            ("etc/debian_version", "/sid"),
            ("etc/redhat-release", "Mystery Linux release 1\n"),
            ("etc/redhat-release", "Fedora\n"),
            ("etc/arch-release", "Mystery Linux\n"),
        ] {
            check(path, text, None);
        }
    }

    #[test]
    fn links_to_the_release_are_followed() {
        let tree = TestTree::new()
            .file("etc/rocky-release", "Rocky Linux release 9.3 (Blue Onyx)\n")
            .link("etc/redhat-release", "rocky-release");
        let found = tree.catalog().distribution.unwrap();
        assert_eq!((found.id.as_str(), found.version_id.as_deref()), ("rocky", Some("9.3")));
    }

    #[test]
    fn what_has_a_package_manager_is_more_than_busybox() {
        let tree = TestTree::new()
            .file("bin/busybox", "")
            .file("var/lib/dpkg/status", "Package: a\nStatus: x y installed\nVersion: 1\n\n");
        assert_eq!(tree.lines(), ["pkg:deb/a@1"]);
    }

    #[test]
    fn os_release_counts_before_all_others() {
        let tree = TestTree::new()
            .file("etc/debian_version", "12.5")
            .file("etc/os-release", "VERSION_ID=1\n");
        let inventory = tree.catalog();
        assert_eq!(inventory.distribution.unwrap().id, "debian");
        let reasons: Vec<_> =
            inventory.unknowns.iter().map(|found| found.reason.as_str()).collect();
        assert_eq!(
            reasons,
            [
                "it names the distribution `debian`, of which no packages were found",
                "no `ID` names the distribution",
            ]
        );
    }
}
