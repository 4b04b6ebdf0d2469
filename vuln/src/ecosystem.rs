//! Which advisories speak of a component: its ecosystem with the release, its name there, its version order.

use crate::versions::{Scheme, apk, deb, go, pep440, rpm, semver};
use plimsoll_model::{component::Component, inventory::Distribution, scan::NotEvaluated};
use std::borrow::Cow;

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

struct Language {
    /// The purl type.
    kind: &'static str,
    ecosystem: &'static str,
    scheme: &'static Scheme,
}

const LANGUAGES: &[Language] = &[
    Language { kind: "cargo", ecosystem: "crates.io", scheme: &semver::SCHEME },
    Language { kind: "golang", ecosystem: "Go", scheme: &go::SCHEME },
    Language { kind: "npm", ecosystem: "npm", scheme: &semver::SCHEME },
    Language { kind: "pypi", ecosystem: "PyPI", scheme: &pep440::SCHEME },
];

struct Linux {
    /// `ID` of os-release.
    id: &'static str,
    /// The purl type.
    kind: &'static str,
    scheme: &'static Scheme,
    /// The ecosystem of a `VERSION_ID`.
    ecosystem: fn(&str) -> Option<String>,
}

const LINUXES: &[Linux] = &[
    Linux { id: "almalinux", kind: "rpm", scheme: &rpm::SCHEME, ecosystem: almalinux },
    Linux { id: "alpine", kind: "apk", scheme: &apk::SCHEME, ecosystem: alpine },
    Linux { id: "debian", kind: "deb", scheme: &deb::SCHEME, ecosystem: debian },
    Linux { id: "rocky", kind: "rpm", scheme: &rpm::SCHEME, ecosystem: rocky },
    Linux { id: "ubuntu", kind: "deb", scheme: &deb::SCHEME, ecosystem: ubuntu },
];

/// Whether packages of this purl type are an operating system's.
pub(crate) fn is_operating_system(kind: &str) -> bool {
    LINUXES.iter().any(|linux| linux.kind == kind)
}

/// Where to look for advisories about `component`, or why there is no such place.
pub(crate) fn target<'a>(
    component: &'a Component,
    distribution: Option<&Distribution>,
) -> Result<Target<'a>, NotEvaluated> {
    let kind = component.purl.kind();
    if let Some(language) = LANGUAGES.iter().find(|language| language.kind == kind) {
        let name = Cow::Owned(normalized(language.ecosystem, &component.name));
        let version = stated(component.version.as_deref());
        return Ok(Target {
            ecosystem: Cow::Borrowed(language.ecosystem),
            scheme: language.scheme,
            packages: vec![Package { name, version }],
        });
    }
    if !is_operating_system(kind) {
        return Err(NotEvaluated::UnsupportedKind { kind: kind.to_owned() });
    }
    let (id, release) = match distribution {
        Some(distribution) => (distribution.id.as_str(), distribution.version_id.as_deref()),
        None => of_qualifier(component).ok_or(NotEvaluated::UnknownDistribution)?,
    };
    let linux = LINUXES
        .iter()
        .find(|linux| linux.id == id && linux.kind == kind)
        .ok_or(NotEvaluated::UnknownDistribution)?;
    let ecosystem = release.and_then(linux.ecosystem).ok_or(NotEvaluated::UnknownDistribution)?;
    let packages = if kind == "rpm" { rpm_packages(component) } else { source_package(component) };
    Ok(Target { ecosystem: Cow::Owned(ecosystem), scheme: linux.scheme, packages })
}

/// A name as its ecosystem compares it.
pub(crate) fn normalized(ecosystem: &str, name: &str) -> String {
    match base(ecosystem) {
        "PyPI" => pep503(name),
        _ => name.to_owned(),
    }
}

/// The ecosystem without its release.
pub(crate) fn base(ecosystem: &str) -> &str {
    ecosystem.split_once(':').map_or(ecosystem, |(base, _)| base)
}

/// <https://peps.python.org/pep-0503/#normalized-names>.
fn pep503(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    for char in name.chars() {
        if !matches!(char, '-' | '_' | '.') {
            normal.push(char.to_ascii_lowercase());
        } else if !normal.ends_with('-') {
            normal.push('-');
        }
    }
    normal
}

/// `distro=debian-12`, for components that come without their distribution.
fn of_qualifier(component: &Component) -> Option<(&str, Option<&str>)> {
    let (id, release) = component.purl.qualifier("distro")?.rsplit_once('-')?;
    Some((id, Some(release)))
}

fn stated(version: Option<&str>) -> Option<Cow<'_, str>> {
    version.filter(|version| !version.is_empty()).map(Cow::Borrowed)
}

/// Debian, Ubuntu and Alpine publish about source packages.
fn source_package(component: &Component) -> Vec<Package<'_>> {
    let own = component.version.as_deref();
    let (name, version) = component
        .source
        .as_ref()
        .filter(|source| !source.name.is_empty())
        .map_or((component.name.as_str(), own), |source| {
            (source.name.as_str(), Some(source.version.as_str()).filter(|text| !text.is_empty()))
        });
    vec![Package { name: Cow::Borrowed(name), version: stated(version.or(own)) }]
}

/// The errata of Enterprise Linux name binary packages, where their schema says source packages: both are looked for.
fn rpm_packages(component: &Component) -> Vec<Package<'_>> {
    let epoch = component.purl.qualifier("epoch");
    let binary = Package {
        name: Cow::Borrowed(component.name.as_str()),
        version: stated(component.version.as_deref()).map(|version| with_epoch(version, epoch)),
    };
    // The name of a source package file has no epoch; the packages that are built from it nearly always have the same.
    let own = component.version.as_deref().and_then(|version| version.split_once(':'));
    let epoch = epoch.or(own.map(|(epoch, _)| epoch));
    let source = component.source.as_ref().map(|source| Package {
        name: Cow::Borrowed(source.name.as_str()),
        version: stated(Some(&source.version)).map(|version| with_epoch(version, epoch)),
    });
    std::iter::once(binary).chain(source).collect()
}

fn with_epoch<'a>(version: Cow<'a, str>, epoch: Option<&str>) -> Cow<'a, str> {
    match epoch {
        Some(epoch) if !version.contains(':') => Cow::Owned(format!("{epoch}:{version}")),
        _ => version,
    }
}

fn debian(version: &str) -> Option<String> {
    Some(format!("Debian:{}", major(version)?))
}

fn almalinux(version: &str) -> Option<String> {
    Some(format!("AlmaLinux:{}", major(version)?))
}

fn rocky(version: &str) -> Option<String> {
    Some(format!("Rocky Linux:{}", major(version)?))
}

fn alpine(version: &str) -> Option<String> {
    let (major, minor) = major_and_minor(version)?;
    Some(format!("Alpine:v{major}.{minor}"))
}

fn ubuntu(version: &str) -> Option<String> {
    let (year, month) = major_and_minor(version)?;
    let is_even = year.ends_with(['0', '2', '4', '6', '8']);
    let support = if month == "04" && is_even { ":LTS" } else { "" };
    Some(format!("Ubuntu:{year}.{month}{support}"))
}

fn major(version: &str) -> Option<&str> {
    version.split('.').next().filter(|part| is_digits(part))
}

fn major_and_minor(version: &str) -> Option<(&str, &str)> {
    let mut parts = version.split('.');
    Some((parts.next()?, parts.next()?))
        .filter(|(major, minor)| is_digits(major) && is_digits(minor))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::component::SourcePackage;

    fn component(purl: &str, name: &str, version: &str) -> Component {
        Component::new(purl.parse().unwrap(), name, Some(version.to_owned()), "test")
    }

    fn distribution(id: &str, version: &str) -> Distribution {
        Distribution {
            id: id.to_owned(),
            id_like: vec!["debian".to_owned()],
            version_id: Some(version.to_owned()).filter(|text| !text.is_empty()),
            codename: None,
            pretty_name: None,
        }
    }

    #[track_caller]
    fn check(id: &str, version: &str, kind: &str, expect: Option<&str>) {
        let component = component(&format!("pkg:{kind}/{id}/x"), "x", "1");
        let found = target(&component, Some(&distribution(id, version)));
        assert_eq!(found.ok().map(|target| target.ecosystem.into_owned()).as_deref(), expect);
    }

    #[test]
    fn releases_are_named_as_osv_names_them() {
        check("debian", "12", "deb", Some("Debian:12"));
        check("debian", "12.13", "deb", Some("Debian:12"));
        check("alpine", "3.11.6", "apk", Some("Alpine:v3.11"));
        check("alpine", "3.20_alpha20240329", "apk", None);
        check("ubuntu", "22.04", "deb", Some("Ubuntu:22.04:LTS"));
        check("ubuntu", "23.04", "deb", Some("Ubuntu:23.04"));
        check("ubuntu", "22.10", "deb", Some("Ubuntu:22.10"));
        check("almalinux", "8.10", "rpm", Some("AlmaLinux:8"));
        check("rocky", "9.4", "rpm", Some("Rocky Linux:9"));
    }

    #[test]
    fn a_distribution_or_release_that_is_not_known_is_none() {
        check("debian", "", "deb", None);
        check("debian", "sid", "deb", None);
        // Like Debian is not Debian.
        check("mint", "12", "deb", None);
        check("debian", "12", "rpm", None);
        let nowhere = component("pkg:deb/debian/x", "x", "1");
        assert_eq!(target(&nowhere, None).unwrap_err(), NotEvaluated::UnknownDistribution);
        let jar = component("pkg:maven/g/a", "g:a", "1");
        let expect = NotEvaluated::UnsupportedKind { kind: "maven".to_owned() };
        assert_eq!(target(&jar, None).unwrap_err(), expect);
    }

    #[test]
    fn a_qualifier_tells_the_distribution_where_nothing_else_does() {
        let alone = component("pkg:deb/debian/x?distro=debian-12.5", "x", "1");
        assert_eq!(target(&alone, None).unwrap().ecosystem, "Debian:12");
        assert_eq!(
            target(&alone, Some(&distribution("debian", "13"))).unwrap().ecosystem,
            "Debian:13"
        );
    }

    #[track_caller]
    fn check_packages(component: &Component, id: &str, expect: &[(&str, Option<&str>)]) {
        let target = target(component, Some(&distribution(id, "12.1"))).unwrap();
        let found: Vec<_> = target
            .packages
            .iter()
            .map(|package| (package.name.as_ref(), package.version.as_deref()))
            .collect();
        assert_eq!(found, expect);
    }

    #[test]
    fn names_and_versions() {
        let mut deb = component("pkg:deb/debian/libssl3", "libssl3", "3.0.11-1+b1");
        check_packages(&deb, "debian", &[("libssl3", Some("3.0.11-1+b1"))]);
        deb.source =
            Some(SourcePackage { name: "openssl".to_owned(), version: "3.0.11-1".to_owned() });
        check_packages(&deb, "debian", &[("openssl", Some("3.0.11-1"))]);
        let mut rpm = component("pkg:rpm/almalinux/bind-libs?epoch=32", "bind-libs", "9.11-8.el8");
        rpm.source =
            Some(SourcePackage { name: "bind".to_owned(), version: "9.11-8.el8".to_owned() });
        let expect = [("bind-libs", Some("32:9.11-8.el8")), ("bind", Some("32:9.11-8.el8"))];
        check_packages(&rpm, "almalinux", &expect);
        rpm.purl = "pkg:rpm/almalinux/bind-libs".parse().unwrap();
        rpm.version = Some("32:9.11-8.el8".to_owned());
        check_packages(&rpm, "almalinux", &expect);
        let python = component("pkg:pypi/zope-interface", "Zope._Interface", "");
        check_packages(&python, "debian", &[("zope-interface", None)]);
    }
}
