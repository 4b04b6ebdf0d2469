//! The distribution, from what documents say of the operating system or from the package URLs of its packages.

use super::found::{Entry, is_system_package};
use crate::formats::shared::property;
use plimsoll_model::{Purl, component::Component, inventory::Distribution};

/// What trivy calls a distribution, where that is not its `ID` in os-release: names of components that are an operating system.
/// <https://github.com/aquasecurity/trivy/blob/main/pkg/fanal/types/const.go>.
const NAMES_OF_TRIVY: &[(&str, &str)] = &[
    ("alma", "almalinux"),
    ("amazon", "amzn"),
    ("cbl-mariner", "mariner"),
    ("opensuse.leap", "opensuse-leap"),
    ("opensuse.tumbleweed", "opensuse-tumbleweed"),
    ("oracle", "ol"),
    ("redhat", "rhel"),
    ("slem", "sle-micro"),
    ("suse linux enterprise micro", "sle-micro"),
    ("suse linux enterprise server", "sles"),
];

fn id_of(name: &str) -> &str {
    let known = NAMES_OF_TRIVY.iter().find(|(theirs, _)| theirs.eq_ignore_ascii_case(name));
    known.map_or(name, |(_, id)| id)
}

/// From the component that is the operating system. `description` is what people call it.
pub(crate) fn of_entry(entry: &Entry, description: Option<String>) -> Distribution {
    let all = |name: &str, prefix: &str| -> Vec<String> {
        entry
            .properties
            .iter()
            .filter(|(key, _)| key == name || (!prefix.is_empty() && key.starts_with(prefix)))
            .map(|(_, value)| value.clone())
            .collect()
    };
    let first = |ours: &str, syft: &str| {
        entry.property(ours).or_else(|| entry.property(syft)).map(str::to_owned)
    };
    Distribution {
        id: entry.property("syft:distro:id").unwrap_or_else(|| id_of(&entry.name)).to_owned(),
        id_like: all(property::ID_LIKE, "syft:distro:idLike:"),
        version_id: entry
            .version
            .clone()
            .or_else(|| entry.property("syft:distro:versionID").map(str::to_owned)),
        codename: first(property::CODENAME, "syft:distro:versionCodename"),
        pretty_name: description
            .or_else(|| entry.property("syft:distro:prettyName").map(str::to_owned)),
    }
}

/// From the `distro` qualifiers of operating-system packages, where all that have one agree.
pub(crate) fn of_purls(components: &[Component]) -> Option<Distribution> {
    let mut stated = components
        .iter()
        .filter(|component| is_system_package(component))
        .filter_map(|component| of_purl(&component.purl));
    let first = stated.next()?;
    stated.all(|other| other == first).then_some(first)
}

/// `debian-12`, `opensuse-leap-15.5`; without an id (`3.19.1`, `jessie`) the namespace is the id.
fn of_purl(purl: &Purl) -> Option<Distribution> {
    let text = purl.qualifier("distro")?;
    let is_version = |text: &str| text.starts_with(|char: char| char.is_ascii_digit());
    let namespace = || purl.namespace().map(str::to_owned);
    let (id, version_id, codename) = match text.rsplit_once('-') {
        Some((id, version)) if is_version(version) && !is_version(id) => {
            (id.to_owned(), Some(version.to_owned()), None)
        }
        _ if is_version(text) => (namespace()?, Some(text.to_owned()), None),
        _ if purl.namespace() == Some(text) => (text.to_owned(), None, None),
        _ => (namespace()?, None, Some(text.to_owned())),
    };
    Some(Distribution { id, id_like: Vec::new(), version_id, codename, pretty_name: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(purls: &[&str], expect: Option<(&str, Option<&str>, Option<&str>)>) {
        let components: Vec<_> = purls
            .iter()
            .map(|purl| Component::new(purl.parse().unwrap(), "x", None, "test"))
            .collect();
        let found = of_purls(&components);
        let found = found.as_ref().map(|found| {
            (found.id.as_str(), found.version_id.as_deref(), found.codename.as_deref())
        });
        assert_eq!(found, expect, "{purls:?}");
    }

    #[test]
    fn package_urls_name_the_distribution_where_they_agree() {
        check(
            &[
                "pkg:deb/debian/a@1?distro=debian-12",
                "pkg:deb/debian/b@1",
                "pkg:npm/c@1?distro=x-1",
            ],
            Some(("debian", Some("12"), None)),
        );
        check(&["pkg:apk/alpine/a@1?distro=3.19.1"], Some(("alpine", Some("3.19.1"), None)));
        check(&["pkg:deb/debian/a@1?distro=sid"], Some(("debian", None, Some("sid"))));
        check(&["pkg:apk/wolfi/a@1?distro=wolfi"], Some(("wolfi", None, None)));
        check(
            &["pkg:rpm/opensuse/a@1?distro=opensuse-leap-15.5"],
            Some(("opensuse-leap", Some("15.5"), None)),
        );
        check(
            &["pkg:deb/debian/a@1?distro=debian-12", "pkg:deb/debian/b@1?distro=debian-11"],
            None,
        );
        check(&["pkg:npm/a@1?distro=debian-12"], None);
    }
}
