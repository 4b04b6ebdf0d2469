//! Which advisories speak of a component: its ecosystem with the release, its name there, its version order.
//!
//! <https://ossf.github.io/osv-schema/#defined-ecosystems>.

mod language;
mod linux;

use crate::versions::Scheme;
use language::LANGUAGES;
use plimsoll_model::{
    Inventory, component::Component, inventory::Distribution, scan::NotEvaluated,
};
use std::{borrow::Cow, collections::BTreeSet};

pub(crate) use language::normalized;
pub(crate) use linux::is_operating_system;

/// Where to look for advisories about a component.
#[derive(Debug)]
pub(crate) struct Target<'a> {
    /// As OSV names it, with the release (`Debian:12`); the index has to cover it.
    pub(crate) ecosystem: Cow<'static, str>,
    pub(crate) scheme: &'static Scheme,
    /// The names to look under with the version that counts there; the first that the index knows is taken.
    pub(crate) packages: Vec<Package<'a>>,
}

/// A name and the version that is compared under it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Package<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) version: Option<Cow<'a, str>>,
}

/// Where to look for advisories about `component`, or why there is no such place.
pub(crate) fn target<'a>(
    component: &'a Component,
    distribution: Option<&Distribution>,
) -> Result<Target<'a>, NotEvaluated> {
    let kind = component.purl.kind();
    if let Some(language) = LANGUAGES.iter().find(|language| language.covers(component)) {
        return language.target(component);
    }
    if is_operating_system(kind) {
        return linux::target(component, distribution);
    }
    Err(NotEvaluated::UnsupportedKind { kind: kind.to_owned() })
}

/// The ecosystem without its release.
pub(crate) fn base(ecosystem: &str) -> &str {
    ecosystem.split_once(':').map_or(ecosystem, |(base, _)| base)
}

/// The ecosystems whose advisories judge what is in an inventory, without releases, as OSV names their archives.
pub fn ecosystems(inventory: &Inventory) -> BTreeSet<String> {
    let distribution = inventory.distribution.as_ref();
    let targets = inventory.components().iter().filter_map(|one| target(one, distribution).ok());
    targets.map(|target| base(&target.ecosystem).to_owned()).collect()
}

/// The ecosystem as components are looked up in it: where Maven and Composer packages come from, which it may have
/// behind a colon, is not looked at.
pub(crate) fn without_repository(ecosystem: String) -> String {
    match ecosystem.split_once(':') {
        Some((base @ ("Maven" | "Packagist"), _)) => base.to_owned(),
        _ => ecosystem,
    }
}

fn stated(version: Option<&str>) -> Option<Cow<'_, str>> {
    version.filter(|version| !version.is_empty()).map(Cow::Borrowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_parts_of_ecosystems_and_repositories_are_not() {
        assert_eq!(base("Ubuntu:22.04:LTS"), "Ubuntu");
        assert_eq!(base("npm"), "npm");
        for (found, expect) in [
            ("Maven:https://maven.google.com", "Maven"),
            ("Packagist:https://packages.drupal.org/8", "Packagist"),
            ("Maven", "Maven"),
            ("Debian:12", "Debian:12"),
            ("Root:PyPI", "Root:PyPI"),
        ] {
            assert_eq!(without_repository(found.to_owned()), expect);
        }
    }

    #[test]
    fn kinds_without_advisories_are_none() {
        for kind in ["conan", "generic", "luarocks", "bitnami", "alpm", "oci"] {
            let purl = format!("pkg:{kind}/x@1").parse().unwrap();
            let component = Component::new(purl, "x", Some("1".to_owned()), "test");
            let expect = NotEvaluated::UnsupportedKind { kind: kind.to_owned() };
            assert_eq!(target(&component, None).unwrap_err(), expect);
        }
    }
}
