//! The distribution, from `os-release`, or from the files that systems without it have.
//!
//! Format: <https://www.freedesktop.org/software/systemd/man/latest/os-release.html>.

mod fallback;

use crate::catalogers::{Found, is_of_system, layer};
use plimsoll_model::{
    Limits, Purl, Tree, TreePath,
    component::Component,
    inventory::{Distribution, Unknown},
    tree::{Entry, EntryKind, TreeError, Want},
};

const ID: &str = "distro";

/// A file that may name the distribution.
struct Source {
    path: &'static str,
    /// What it says.
    parse: fn(&str) -> Option<Distribution>,
    /// What is to be said where it names none.
    silence: &'static str,
}

/// In the order in which they count.
const SOURCES: [Source; 10] = [
    os_release("etc/os-release"),
    os_release("usr/lib/os-release"),
    other("etc/lsb-release", fallback::lsb),
    other("etc/openwrt_release", fallback::lsb),
    other("etc/alpine-release", fallback::alpine),
    other("etc/redhat-release", fallback::red_hat),
    other("etc/centos-release", fallback::red_hat),
    other("etc/system-release", fallback::red_hat),
    other("etc/debian_version", fallback::debian),
    other("etc/arch-release", fallback::arch),
];

const fn os_release(path: &'static str) -> Source {
    Source { path, parse, silence: "no `ID` names the distribution" }
}

const fn other(path: &'static str, parse: fn(&str) -> Option<Distribution>) -> Source {
    Source { path, parse, silence: "it names no distribution that is known" }
}

impl Source {
    fn path(&self) -> Option<TreePath> {
        TreePath::parse(self.path.as_bytes()).ok()
    }
}

/// What is wanted of a file: the sources, and what they may be links to (`etc/rocky-release`).
pub(crate) fn want(path: &TreePath) -> Want {
    let bytes = path.as_bytes();
    let is_source = |source: &Source| source.path.as_bytes() == bytes;
    let directory = path.parent();
    let directory = directory.as_ref().map(TreePath::as_bytes).unwrap_or_default();
    let is_release = bytes.ends_with(b"-release") && [&b"etc"[..], b"usr/lib"].contains(&directory);
    if is_release || (SOURCES.iter().any(is_source) && directory == b"etc") {
        Want::Content
    } else {
        Want::Nothing
    }
}

/// The distribution that the first of the files names, and what could not be told.
pub(crate) fn read(tree: &dyn Tree, limits: &Limits) -> (Option<Distribution>, Vec<Unknown>) {
    let mut unknowns = Vec::new();
    for source in &SOURCES {
        let Some(path) = source.path() else { continue };
        let entry = tree.entry(&path);
        let mut unknown = |reason: String| {
            let layer = entry.as_ref().and_then(|entry| layer(tree, entry));
            unknowns.push(Unknown { path: path.clone(), layer, cataloger: ID, reason });
        };
        match tree.read(&path, limits.user_file) {
            Ok(bytes) => match (source.parse)(&String::from_utf8_lossy(&bytes)) {
                Some(distribution) => return (Some(distribution), unknowns),
                None => unknown(source.silence.to_owned()),
            },
            Err(TreeError::Absent) => {}
            Err(error) => unknown(error.to_string()),
        }
    }
    (fallback::busybox(tree), unknowns)
}

/// The first of the files that is there.
fn source(tree: &dyn Tree) -> Option<Entry> {
    let busybox = TreePath::parse(fallback::BUSYBOX.as_bytes()).ok();
    SOURCES.iter().filter_map(Source::path).chain(busybox).find_map(|path| tree.entry(&path))
}

/// The purl types of the packages of distributions, each with its cataloger.
const PACKAGES: [(&str, &str); 7] = [
    ("alpm", "alpm"),
    ("apk", "apk"),
    ("deb", "chisel"),
    ("deb", "dpkg"),
    ("ebuild", "portage"),
    ("opkg", "opkg"),
    ("rpm", "rpm"),
];

/// Whether it is a package of a distribution.
pub(crate) fn is_package(purl: &Purl) -> bool {
    PACKAGES.iter().any(|(kind, _)| purl.kind() == *kind)
}

/// What is to be said of a distribution without a single package: its database was taken away, or is of a kind that
/// nothing here reads. Either way nothing is known of what it brought. Where its name was taken away as well, it shows by
/// the loader of programs, without which none of its programs runs.
pub(crate) fn missing_packages(
    tree: &dyn Tree,
    distribution: Option<&Distribution>,
    found: &Found,
) -> Option<Unknown> {
    let has_packages = found.components.iter().any(|component| is_package(&component.purl));
    let is_said = found
        .unknowns
        .iter()
        .any(|unknown| PACKAGES.iter().any(|(_, cataloger)| unknown.cataloger == *cataloger));
    if has_packages || is_said {
        return None;
    }
    let (entry, reason) = if let Some(Distribution { id, .. }) = distribution {
        let entry = source(tree)?;
        (entry, format!("it names the distribution `{id}`, of which no packages were found"))
    } else {
        let reason = "it is a loader of programs, of a system of which no packages were found";
        (tree.entries().find(is_loader)?, reason.to_owned())
    };
    let (path, layer) = (entry.path.clone(), layer(tree, &entry));
    Some(Unknown { path, layer, cataloger: ID, reason })
}

/// Whether it is what loads the programs of a system and their C library: `ld-linux-x86-64.so.2`, `ld-musl-x86_64.so.1`.
fn is_loader(entry: &Entry) -> bool {
    let name = entry.path.file_name();
    let is_named =
        [b"ld-linux".as_slice(), b"ld-musl-"].iter().any(|start| name.starts_with(start));
    is_named && entry.kind == EntryKind::File && is_of_system(&entry.path)
}

/// The package that carries the release, by the distribution's `ID`: its purl type, its name, and how many numbers its
/// version begins with that the release has as well.
const CARRIERS: [(&str, &str, &str, usize); 4] = [
    ("almalinux", "rpm", "almalinux-release", 1),
    ("alpine", "apk", "alpine-release", 2),
    ("debian", "deb", "base-files", 1),
    ("rocky", "rpm", "rocky-release", 1),
];

/// What is to be said of a release that the packages contradict: an image may claim an older one, whose advisories know its
/// flaws as mended long ago.
pub(crate) fn contradictions(
    tree: &dyn Tree,
    distribution: &Distribution,
    found: &Found,
) -> Vec<Unknown> {
    let Some(entry) = source(tree) else { return Vec::new() };
    let (path, layer) = (entry.path.clone(), layer(tree, &entry));
    let Distribution { id, version_id, .. } = distribution;
    let release = version_id.as_deref().unwrap_or_default();
    let contradicts = |component: &&Component| {
        let version = component.version.as_deref().unwrap_or_default();
        let (kind, name) = (component.purl.kind(), component.name.as_str());
        if (kind, name) == ("deb", "base-files") && (id == "ubuntu") != version.contains("ubuntu") {
            return matches!(id.as_str(), "debian" | "ubuntu");
        }
        CARRIERS
            .iter()
            .filter(|carrier| (carrier.0, carrier.1, carrier.2) == (id, kind, name))
            .any(|carrier| !release.is_empty() && !begin_alike(version, release, carrier.3))
    };
    let unknown = |component: &Component| {
        let Component { name, version, .. } = component;
        let version = version.as_deref().unwrap_or_default();
        let reason = format!("it names the release `{id} {release}`, but `{name}` is of {version}");
        Unknown { path: path.clone(), layer, cataloger: ID, reason }
    };
    found.components.iter().filter(contradicts).map(unknown).collect()
}

/// Whether the first `count` numbers of two versions are the same.
fn begin_alike(left: &str, right: &str, count: usize) -> bool {
    let numbers = |version: &str| -> Vec<String> {
        let parts = version.split(|char: char| !char.is_ascii_digit());
        parts.take(count).map(str::to_owned).collect()
    };
    numbers(left) == numbers(right)
}

/// The value of a variable; as in a shell, the last assignment counts.
fn variable(text: &str, name: &str) -> Option<String> {
    text.lines()
        .rev()
        .filter_map(|line| line.trim().split_once('='))
        .find(|(found, _)| *found == name)
        .map(|(_, value)| unquote(value))
        .filter(|value| !value.is_empty())
}

fn parse(text: &str) -> Option<Distribution> {
    let get = |name: &str| variable(text, name);
    Some(Distribution {
        id: get("ID")?,
        id_like: get("ID_LIKE")
            .map(|like| like.split_whitespace().map(str::to_owned).collect())
            .unwrap_or_default(),
        version_id: get("VERSION_ID"),
        codename: get("VERSION_CODENAME"),
        pretty_name: get("PRETTY_NAME"),
    })
}

/// The value without shell quotes and escapes.
fn unquote(value: &str) -> String {
    let value = value.trim();
    let inner = ['"', '\'']
        .iter()
        .find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote))
        .unwrap_or(value);
    let mut chars = inner.chars();
    let mut text = String::with_capacity(inner.len());
    while let Some(char) = chars.next() {
        match char {
            '\\' if !value.starts_with('\'') => text.extend(chars.next()),
            char => text.push(char),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{TestTree, lines};

    #[track_caller]
    fn check(tree: &TestTree, expect: Option<(&str, Option<&str>)>, unknowns: &[&str]) {
        let inventory = tree.catalog();
        let distribution = inventory.distribution.as_ref();
        let found = distribution.map(|found| (found.id.as_str(), found.version_id.as_deref()));
        assert_eq!(found, expect);
        assert_eq!(lines(&inventory), unknowns);
    }

    const DEBIAN: &str = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n# x\nVERSION_ID=\"12\"\n\
        VERSION_CODENAME=bookworm\nID=debian\nID_LIKE='a  b'\n";

    #[test]
    fn both_places_count_the_first_first() {
        let check = |tree: TestTree, expect: (&str, Option<&str>)| {
            let (found, unknowns) = read(&tree, &Limits::STANDARD);
            let found = found.unwrap();
            assert_eq!((found.id.as_str(), found.version_id.as_deref()), expect);
            assert_eq!(unknowns, []);
        };
        check(TestTree::new().file("etc/os-release", DEBIAN), ("debian", Some("12")));
        check(
            TestTree::new()
                .file("usr/lib/os-release", DEBIAN)
                .link("etc/os-release", "../usr/lib/os-release"),
            ("debian", Some("12")),
        );
        check(
            TestTree::new()
                .file("usr/lib/os-release", DEBIAN)
                .file("etc/os-release", "ID=alpine\nVERSION_ID=3.20.1"),
            ("alpine", Some("3.20.1")),
        );
        check(TestTree::new().file("usr/lib/os-release", "ID=arch"), ("arch", None));
    }

    #[test]
    fn a_distribution_without_packages_is_an_unknown() {
        for os_release in [DEBIAN, "ID=arch"] {
            let tree = TestTree::new().file("etc/os-release", os_release);
            let id = read(&tree, &Limits::STANDARD).0.unwrap().id;
            let unknown = format!(
                "distro: /etc/os-release: it names the distribution `{id}`, of which no packages were found"
            );
            check(&tree, Some((&id, if id == "arch" { None } else { Some("12") })), &[&unknown]);
        }
        let status = "Package: a\nStatus: install ok installed\nVersion: 1\n\n";
        let tree =
            TestTree::new().file("etc/os-release", DEBIAN).file("var/lib/dpkg/status", status);
        assert_eq!(tree.catalog().unknowns, []);
    }

    #[test]
    fn values_lose_their_quotes() {
        let found = parse(DEBIAN).unwrap();
        assert_eq!(found.pretty_name.as_deref(), Some("Debian GNU/Linux 12 (bookworm)"));
        assert_eq!(found.id_like, ["a", "b"]);
        assert_eq!(found.codename.as_deref(), Some("bookworm"));
        assert_eq!(unquote(r#""a\"b\\c""#), r#"a"b\c"#);
        assert_eq!(unquote(r"'a\b'"), r"a\b");
        assert_eq!(unquote("\""), "\"");
    }

    #[test]
    fn a_file_that_names_no_distribution_is_an_unknown() {
        check(
            &TestTree::new().file("etc/os-release", "\0\u{ff}rubbish\nID=\n"),
            None,
            &["distro: /etc/os-release: no `ID` names the distribution"],
        );
        check(
            &TestTree::new().link("etc/os-release", "os-release"),
            None,
            &["distro: /etc/os-release: too many symbolic links"],
        );
    }
}
