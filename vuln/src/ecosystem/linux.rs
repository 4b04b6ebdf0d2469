//! The ecosystems of Linux distributions.

use super::{Package, Target, stated};
use crate::versions::{Scheme, apk, deb, rpm};
use plimsoll_model::{component::Component, inventory::Distribution, scan::NotEvaluated};
use std::borrow::Cow;

struct Linux {
    /// `ID` of os-release.
    id: &'static str,
    /// The purl type.
    kind: &'static str,
    scheme: &'static Scheme,
    /// The names that its advisories use.
    packages: fn(&Component) -> Vec<Package<'_>>,
    /// The ecosystem of a release.
    ecosystem: fn(&Release<'_>) -> Option<String>,
}

/// What os-release says of the release.
struct Release<'a> {
    version: Option<&'a str>,
    codename: Option<&'a str>,
    pretty: Option<&'a str>,
}

const fn apk(id: &'static str, ecosystem: fn(&Release<'_>) -> Option<String>) -> Linux {
    Linux { id, kind: "apk", scheme: &apk::SCHEME, packages: binary_and_source, ecosystem }
}

const fn deb(id: &'static str, ecosystem: fn(&Release<'_>) -> Option<String>) -> Linux {
    Linux { id, kind: "deb", scheme: &deb::SCHEME, packages: source_package, ecosystem }
}

const fn rpm(id: &'static str, ecosystem: fn(&Release<'_>) -> Option<String>) -> Linux {
    Linux { id, kind: "rpm", scheme: &rpm::SCHEME, packages: rpm_packages, ecosystem }
}

/// Those whose advisories can be found by what os-release says. Not here, and so never clean:
///
/// - Red Hat: one system takes packages from several streams (`baseos`, `appstream`, …), each an ecosystem of its
///   own, and `CPE_NAME` names one of them at most.
/// - SUSE Linux Enterprise: its packages are in modules, and its ecosystems end in the phase of support (`-LTSS`);
///   `PRETTY_NAME` tells neither.
const LINUXES: &[Linux] = &[
    rpm("almalinux", |release| Some(format!("AlmaLinux:{}", major(release.version?)?))),
    apk("alpaquita", |release| match release.version? {
        "stream" => Some("Alpaquita:stream".to_owned()),
        version => Some(format!("Alpaquita:{}", major(version)?)),
    }),
    Linux { packages: source_package, ..apk("alpine", alpine) },
    rpm("azurelinux", azure),
    apk("chainguard", |_| Some("Chainguard".to_owned())),
    deb("debian", debian),
    rpm("mageia", |release| Some(format!("Mageia:{}", major(release.version?)?))),
    // Its name until version 2.
    rpm("mariner", azure),
    apk("minimos", |_| Some("MinimOS".to_owned())),
    rpm("openEuler", open_euler),
    rpm("opensuse-leap", open_suse),
    rpm("opensuse-tumbleweed", |_| Some("openSUSE:Tumbleweed".to_owned())),
    rpm("photon", |release| {
        let (major, minor) = major_and_minor(release.version?)?;
        Some(format!("Photon OS:{major}.{minor}"))
    }),
    rpm("rocky", |release| Some(format!("Rocky Linux:{}", major(release.version?)?))),
    deb("ubuntu", ubuntu),
    apk("wolfi", |_| Some("Wolfi".to_owned())),
];

/// Whether packages of this purl type are an operating system's.
pub(crate) fn is_operating_system(kind: &str) -> bool {
    LINUXES.iter().any(|linux| linux.kind == kind)
}

pub(super) fn target<'a>(
    component: &'a Component,
    distribution: Option<&Distribution>,
) -> Result<Target<'a>, NotEvaluated> {
    let kind = component.purl.kind();
    let (id, release) = match distribution {
        Some(distribution) => (
            distribution.id.as_str(),
            Release {
                version: distribution.version_id.as_deref(),
                codename: distribution.codename.as_deref(),
                pretty: distribution.pretty_name.as_deref(),
            },
        ),
        None => of_qualifier(component).ok_or(NotEvaluated::UnknownDistribution)?,
    };
    let linux = LINUXES
        .iter()
        .find(|linux| linux.id == id && linux.kind == kind)
        .ok_or(NotEvaluated::UnknownDistribution)?;
    let ecosystem = (linux.ecosystem)(&release).ok_or(NotEvaluated::UnknownDistribution)?;
    Ok(Target {
        ecosystem: Cow::Owned(ecosystem),
        scheme: linux.scheme,
        packages: (linux.packages)(component),
    })
}

/// `distro=debian-12`, for components that come without their distribution. Those that never end have no release.
fn of_qualifier(component: &Component) -> Option<(&str, Release<'_>)> {
    let text = component.purl.qualifier("distro")?;
    let (id, version) = match text.rsplit_once('-') {
        Some((id, version)) if version.starts_with(|char: char| char.is_ascii_digit()) => {
            (id, Some(version))
        }
        _ => (text, None),
    };
    Some((id, Release { version, codename: None, pretty: None }))
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

/// Wolfi and those like it publish about packages, most of them under the name of the source.
fn binary_and_source(component: &Component) -> Vec<Package<'_>> {
    let name = Cow::Borrowed(component.name.as_str());
    let binary = Package { name, version: stated(component.version.as_deref()) };
    let source = source_package(component).into_iter().filter(|source| source.name != binary.name);
    let source: Vec<_> = source.collect();
    std::iter::once(binary).chain(source).collect()
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

/// Releases without a number yet have the number that their codename is going to have.
fn debian(release: &Release<'_>) -> Option<String> {
    let number = match (release.version, release.codename) {
        (Some(version), _) => major(version)?,
        (None, Some("sid")) => "sid",
        (None, Some("bullseye")) => "11",
        (None, Some("bookworm")) => "12",
        (None, Some("trixie")) => "13",
        (None, Some("forky")) => "14",
        (None, _) => return None,
    };
    Some(format!("Debian:{number}"))
}

fn alpine(release: &Release<'_>) -> Option<String> {
    let (major, minor) = major_and_minor(release.version?)?;
    Some(format!("Alpine:v{major}.{minor}"))
}

fn azure(release: &Release<'_>) -> Option<String> {
    Some(format!("Azure Linux:{}", major(release.version?)?))
}

/// Images never say that they are Ubuntu Pro, whose fixes are in ecosystems of their own.
fn ubuntu(release: &Release<'_>) -> Option<String> {
    let (year, month) = major_and_minor(release.version?)?;
    let is_even = year.ends_with(['0', '2', '4', '6', '8']);
    let support = if month == "04" && is_even { ":LTS" } else { "" };
    Some(format!("Ubuntu:{year}.{month}{support}"))
}

/// `openEuler 22.03 (LTS-SP3)`: the service pack is told nowhere else. Those without `LTS` have no advisories.
fn open_euler(release: &Release<'_>) -> Option<String> {
    let (version, support) = release.pretty?.strip_prefix("openEuler ")?.split_once(" (")?;
    let support = support.strip_suffix(')').filter(|support| is_word(support))?;
    major_and_minor(version)?;
    (Some(version) == release.version && support.starts_with("LTS"))
        .then(|| format!("openEuler:{version}-{support}"))
}

/// By what it calls itself, else by its number.
fn open_suse(release: &Release<'_>) -> Option<String> {
    let (major, minor) = major_and_minor(release.version?)?;
    let name = match release.pretty {
        Some(pretty) => pretty.strip_prefix("openSUSE ")?.to_owned(),
        None => format!("Leap {major}.{minor}"),
    };
    (name == format!("Leap {major}.{minor}")).then(|| format!("openSUSE:{name}"))
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
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
    use super::{super::target, *};
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
    fn check_distribution(distribution: &Distribution, kind: &str, expect: Option<&str>) {
        let component = component(&format!("pkg:{kind}/x/x"), "x", "1");
        let found = target(&component, Some(distribution));
        let found = found.map(|target| target.ecosystem.into_owned());
        assert_eq!(found, expect.map(str::to_owned).ok_or(NotEvaluated::UnknownDistribution));
    }

    #[track_caller]
    fn check(id: &str, version: &str, kind: &str, expect: Option<&str>) {
        check_distribution(&distribution(id, version), kind, expect);
    }

    #[track_caller]
    fn check_pretty(id: &str, version: &str, pretty: &str, expect: Option<&str>) {
        let pretty_name = Some(pretty.to_owned());
        check_distribution(
            &Distribution { pretty_name, ..distribution(id, version) },
            "rpm",
            expect,
        );
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
        check("wolfi", "20230201", "apk", Some("Wolfi"));
        check("wolfi", "", "apk", Some("Wolfi"));
        check("chainguard", "20230214", "apk", Some("Chainguard"));
        check("minimos", "20250101", "apk", Some("MinimOS"));
        check("alpaquita", "23", "apk", Some("Alpaquita:23"));
        check("alpaquita", "stream", "apk", Some("Alpaquita:stream"));
        check("azurelinux", "3.0", "rpm", Some("Azure Linux:3"));
        check("mariner", "2.0", "rpm", Some("Azure Linux:2"));
        check("mageia", "9", "rpm", Some("Mageia:9"));
        check("photon", "5.0", "rpm", Some("Photon OS:5.0"));
        check("opensuse-leap", "15.6", "rpm", Some("openSUSE:Leap 15.6"));
        check("opensuse-tumbleweed", "20260101", "rpm", Some("openSUSE:Tumbleweed"));
    }

    #[test]
    fn names_for_people_tell_what_the_number_does_not() {
        check_pretty("opensuse-leap", "15.5", "openSUSE Leap 15.5", Some("openSUSE:Leap 15.5"));
        check_pretty("opensuse-leap", "15.5", "openSUSE Leap 15.4", None);
        check_pretty("opensuse-leap", "15.5", "My Leap", None);
        check_pretty("openEuler", "24.03", "openEuler 24.03 (LTS)", Some("openEuler:24.03-LTS"));
        check_pretty(
            "openEuler",
            "22.03",
            "openEuler 22.03 (LTS-SP3)",
            Some("openEuler:22.03-LTS-SP3"),
        );
        check_pretty("openEuler", "22.03", "openEuler 20.03 (LTS-SP3)", None);
        check_pretty("openEuler", "23.09", "openEuler 23.09", None);
        check_pretty("openEuler", "22.03", "openEuler 22.03 (LTS:x)", None);
        check("openEuler", "22.03", "rpm", None);
    }

    #[test]
    fn debian_without_a_number_goes_by_its_codename() {
        for (codename, expect) in [
            (Some("trixie"), Some("Debian:13")),
            (Some("forky"), Some("Debian:14")),
            (Some("sid"), Some("Debian:sid")),
            (Some("noble"), None),
            (None, None),
        ] {
            let codename = codename.map(str::to_owned);
            let distribution = Distribution { codename, ..distribution("debian", "") };
            check_distribution(&distribution, "deb", expect);
        }
    }

    #[test]
    fn a_distribution_or_release_that_is_not_known_is_none() {
        check("debian", "", "deb", None);
        check("debian", "sid", "deb", None);
        // Like Debian is not Debian.
        check("mint", "12", "deb", None);
        check("debian", "12", "rpm", None);
        for (id, version) in [("rhel", "9.4"), ("sles", "15.6"), ("fedora", "42"), ("centos", "9")]
        {
            check(id, version, "rpm", None);
        }
        for id in ["almalinux", "rocky", "mageia", "azurelinux", "photon", "opensuse-leap"] {
            check(id, "", "rpm", None);
            check(id, "x", "rpm", None);
        }
        let nowhere = component("pkg:deb/debian/x", "x", "1");
        assert_eq!(target(&nowhere, None).unwrap_err(), NotEvaluated::UnknownDistribution);
    }

    #[test]
    fn a_qualifier_tells_the_distribution_where_nothing_else_does() {
        let alone = component("pkg:deb/debian/x?distro=debian-12.5", "x", "1");
        assert_eq!(target(&alone, None).unwrap().ecosystem, "Debian:12");
        assert_eq!(
            target(&alone, Some(&distribution("debian", "13"))).unwrap().ecosystem,
            "Debian:13"
        );
        for (purl, expect) in [
            ("pkg:rpm/opensuse/x?distro=opensuse-leap-15.6", "openSUSE:Leap 15.6"),
            ("pkg:rpm/opensuse/x?distro=opensuse-tumbleweed", "openSUSE:Tumbleweed"),
            ("pkg:apk/wolfi/x?distro=wolfi", "Wolfi"),
            ("pkg:apk/wolfi/x?distro=wolfi-20230201", "Wolfi"),
        ] {
            assert_eq!(target(&component(purl, "x", "1"), None).unwrap().ecosystem, expect);
        }
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
    }

    #[test]
    fn packages_of_wolfi_are_looked_up_by_their_own_name_and_their_source() {
        let mut apk = component("pkg:apk/wolfi/libssl3", "libssl3", "3.3.1-r0");
        check_packages(&apk, "wolfi", &[("libssl3", Some("3.3.1-r0"))]);
        apk.source =
            Some(SourcePackage { name: "openssl".to_owned(), version: "3.3.1-r1".to_owned() });
        let expect = [("libssl3", Some("3.3.1-r0")), ("openssl", Some("3.3.1-r1"))];
        check_packages(&apk, "wolfi", &expect);
        check_packages(&apk, "chainguard", &expect);
    }
}
