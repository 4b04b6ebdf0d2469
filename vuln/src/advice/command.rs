//! The command of a distribution that installs one version of a package.

use plimsoll_model::{component::Component, inventory::Distribution, scan::Match};

/// The command, or nothing where the distribution has none that is known, or a name is not safe to be typed into a shell.
///
/// Where records are about the source package, and the binary one has another version than it, that version can not be
/// told: the command then takes the newest.
pub(super) fn command(
    component: &Component,
    distribution: Option<&Distribution>,
    version: &str,
    found: &[&Match],
) -> Option<String> {
    let name = component.name.as_str();
    let qualifier = component.purl.qualifier("distro").unwrap_or_default();
    let id = distribution.map_or(qualifier, |distribution| distribution.id.as_str());
    let is_exact = found.iter().all(|found| is_of_binary(component, found));
    if !is_plain(name) || !is_plain(version) {
        return None;
    }
    let is = |prefixes: &[&str]| prefixes.iter().any(|prefix| id.starts_with(prefix));
    Some(match (component.purl.kind(), is_exact) {
        ("deb", true) => format!("apt-get install {name}={version}"),
        ("deb", false) => format!("apt-get install --only-upgrade {name}"),
        ("apk", true) => format!("apk add {name}={version}"),
        ("apk", false) => format!("apk add --upgrade {name}"),
        ("rpm", true) if is(&["opensuse", "suse", "sle"]) => {
            format!("zypper install {name}={version}")
        }
        ("rpm", false) if is(&["opensuse", "suse", "sle"]) => format!("zypper update {name}"),
        ("rpm", is_exact) => {
            let program = if is(&["photon", "azurelinux", "mariner"]) { "tdnf" } else { "dnf" };
            let version = version.strip_prefix("0:").unwrap_or(version);
            if is_exact {
                format!("{program} install {name}-{version}")
            } else {
                format!("{program} upgrade {name}")
            }
        }
        _ => return None,
    })
}

/// Whether the record's version is that of the package itself.
fn is_of_binary(component: &Component, found: &Match) -> bool {
    let Some(source) = component.source.as_ref().filter(|source| !source.name.is_empty()) else {
        return true;
    };
    source.version.is_empty()
        || component.version.as_deref() == Some(source.version.as_str())
        || (found.matched_name == component.name && source.name != component.name)
}

/// Nothing that a shell or a package manager takes for anything but a name or a version.
fn is_plain(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.chars().all(|char| char.is_ascii_alphanumeric() || "+-._~:^".contains(char))
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::component::SourcePackage;

    fn command_for(purl: &str, source: Option<(&str, &str)>, version: &str) -> Option<String> {
        let purl: plimsoll_model::Purl = purl.parse().unwrap();
        let (name, own) = (purl.name().to_owned(), purl.version().map(str::to_owned));
        let mut component = Component::new(purl, name, own, "test");
        component.source = source.map(|(name, version)| SourcePackage {
            name: name.to_owned(),
            version: version.to_owned(),
        });
        let found = super::super::tests::found_under(source.map_or("", |(name, _)| name));
        command(&component, None, version, &[&found])
    }

    #[test]
    fn each_package_manager_pins_in_its_own_way() {
        for (purl, version, expect) in [
            ("pkg:deb/debian/zlib1g@1", "1:1.2.13-1", "apt-get install zlib1g=1:1.2.13-1"),
            ("pkg:apk/alpine/zlib@1", "1.2.12-r2", "apk add zlib=1.2.12-r2"),
            (
                "pkg:rpm/almalinux/zlib@1?distro=almalinux-9",
                "0:1.2-3.el9",
                "dnf install zlib-1.2-3.el9",
            ),
            (
                "pkg:rpm/almalinux/zlib@1?distro=almalinux-9",
                "2:1.2-3.el9",
                "dnf install zlib-2:1.2-3.el9",
            ),
            ("pkg:rpm/photon/zlib@1?distro=photon-5.0", "1.2-3.ph5", "tdnf install zlib-1.2-3.ph5"),
            (
                "pkg:rpm/opensuse/zlib@1?distro=opensuse-leap-15.6",
                "1.2-3",
                "zypper install zlib=1.2-3",
            ),
        ] {
            assert_eq!(command_for(purl, None, version).as_deref(), Some(expect));
        }
        assert_eq!(command_for("pkg:npm/zlib@1", None, "2"), None);
    }

    #[test]
    fn a_version_of_the_source_is_not_pinned_for_a_binary_that_has_another() {
        let of = |source| command_for("pkg:deb/debian/libx@1", Some(source), "2").unwrap();
        assert_eq!(of(("x", "1")), "apt-get install libx=2");
        assert_eq!(of(("x", "7")), "apt-get install --only-upgrade libx");
    }

    #[test]
    fn nothing_reaches_a_shell() {
        for version in ["1;reboot", "$(x)", "1 2", "`x`", "-y", "", "1\n2", "1'2"] {
            assert_eq!(command_for("pkg:deb/debian/zlib1g@1", None, version), None, "{version}");
        }
    }
}
