//! The ecosystems of programming languages.

use super::{Package, Target, base, stated};
use crate::versions::{
    Scheme, cargo, cran, go, hackage, hex, julia, maven, npm, nuget, opam, packagist, pep440,
    pub_dev, rubygems, semver,
};
use plimsoll_model::{component::Component, scan::NotEvaluated};
use std::borrow::Cow;

pub(super) struct Language {
    /// The purl type.
    kind: &'static str,
    ecosystem: &'static str,
    scheme: &'static Scheme,
    naming: Naming,
    /// The version that is compared.
    version: fn(&Component) -> Option<Cow<'_, str>>,
}

/// How OSV names packages, before names are normalised.
#[derive(Clone, Copy)]
enum Naming {
    /// As the component is named.
    Own,
    /// Namespace and name of the package URL, with a slash between.
    Path,
    GroupAndArtifact,
    Repository,
}

const fn language(
    kind: &'static str,
    ecosystem: &'static str,
    scheme: &'static Scheme,
) -> Language {
    Language { kind, ecosystem, scheme, naming: Naming::Own, version: own_version }
}

pub(super) const LANGUAGES: &[Language] = &[
    language("cargo", "crates.io", &cargo::SCHEME),
    Language { naming: Naming::Path, ..language("composer", "Packagist", &packagist::SCHEME) },
    language("cran", "CRAN", &cran::SCHEME),
    Language { version: gem_version, ..language("gem", "RubyGems", &rubygems::SCHEME) },
    Language {
        naming: Naming::Path,
        version: action_version,
        ..language("github", "GitHub Actions", &semver::SCHEME)
    },
    Language {
        naming: Naming::Path,
        version: action_version,
        ..language("githubactions", "GitHub Actions", &semver::SCHEME)
    },
    language("golang", "Go", &go::SCHEME),
    language("hackage", "Hackage", &hackage::SCHEME),
    language("hex", "Hex", &hex::SCHEME),
    language("julia", "Julia", &julia::SCHEME),
    Language { naming: Naming::GroupAndArtifact, ..language("maven", "Maven", &maven::SCHEME) },
    language("npm", "npm", &npm::SCHEME),
    language("nuget", "NuGet", &nuget::SCHEME),
    language("opam", "opam", &opam::SCHEME),
    language("pub", "Pub", &pub_dev::SCHEME),
    language("pypi", "PyPI", &pep440::SCHEME),
    Language { naming: Naming::Repository, ..language("swift", "SwiftURL", &semver::SCHEME) },
];

impl Language {
    pub(super) fn covers(&self, component: &Component) -> bool {
        // A repository on GitHub is anything; where our own cataloger names one, it is an action.
        component.purl.kind() == self.kind
            && (self.kind != "github" || component.cataloger == "github-actions")
    }

    pub(super) fn target<'a>(&self, component: &'a Component) -> Result<Target<'a>, NotEvaluated> {
        let name = self.naming.name(component)?;
        let name = Cow::Owned(normalized(self.ecosystem, &name));
        Ok(Target {
            ecosystem: Cow::Borrowed(self.ecosystem),
            scheme: self.scheme,
            packages: vec![Package { name, version: (self.version)(component) }],
        })
    }
}

/// A name as its ecosystem compares it: the same for what the index is made of and for what is looked up.
pub(crate) fn normalized(ecosystem: &str, name: &str) -> String {
    match base(ecosystem) {
        "PyPI" => pep503(name),
        "GitHub Actions" | "NuGet" | "Packagist" => name.to_ascii_lowercase(),
        "SwiftURL" => without_scheme(name).to_ascii_lowercase(),
        _ => name.to_owned(),
    }
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

/// `github.com/a/b` of `https://github.com/a/b.git`.
fn without_scheme(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest).trim_end_matches('/');
    rest.strip_suffix(".git").unwrap_or(rest)
}

fn own_version(component: &Component) -> Option<Cow<'_, str>> {
    stated(component.version.as_deref())
}

impl Naming {
    fn name(self, component: &Component) -> Result<Cow<'_, str>, NotEvaluated> {
        let no_name = |expected| NotEvaluated::NoName { expected };
        match self {
            Self::Own => Ok(Cow::Borrowed(&component.name)),
            Self::Path => Ok(path(component)),
            // An archive that does not tell its group may be of anyone.
            Self::GroupAndArtifact => match component.purl.namespace() {
                Some(group) => Ok(Cow::Owned(format!("{group}:{}", component.purl.name()))),
                None => Some(component.name.as_str())
                    .filter(|name| name.contains(':'))
                    .map(Cow::Borrowed)
                    .ok_or(no_name("group:artifact")),
            },
            // Advisories name the repository; a registry's `scope.name` does not tell it.
            Self::Repository => {
                let namespace = component.purl.namespace().unwrap_or_default();
                let has_host = namespace.split('/').next().is_some_and(|host| host.contains('.'));
                has_host.then(|| path(component)).ok_or(no_name("host/owner/name"))
            }
        }
    }
}

fn path(component: &Component) -> Cow<'_, str> {
    let name = component.purl.name();
    match component.purl.namespace() {
        Some(namespace) => Cow::Owned(format!("{namespace}/{name}")),
        None => Cow::Borrowed(name),
    }
}

/// The first word of a gem's platform: <https://guides.rubygems.org/specification-reference/#platform=>.
const PLATFORMS: [&str; 28] = [
    "aarch64",
    "amd64",
    "arm",
    "arm64",
    "armv6l",
    "armv7l",
    "armv8l",
    "dalvik",
    "dotnet",
    "i386",
    "i486",
    "i586",
    "i686",
    "java",
    "jruby",
    "mingw",
    "mingw32",
    "mswin",
    "mswin32",
    "mswin64",
    "powerpc",
    "ppc64le",
    "riscv64",
    "ruby",
    "s390x",
    "universal",
    "x64",
    "x86",
];

/// Without the platform that lock files have behind the version (`1.2.3-x86_64-linux`), which is no pre-release. What
/// may be one stays.
fn gem_version(component: &Component) -> Option<Cow<'_, str>> {
    let version = component.version.as_deref()?;
    let before_platform = version.split_once('-').and_then(|(before, suffix)| {
        let first = suffix.split(['-', '_']).next().unwrap_or_default();
        let is_platform = component.purl.qualifier("platform") == Some(suffix);
        (is_platform || PLATFORMS.contains(&first)).then_some(before)
    });
    stated(Some(before_platform.unwrap_or(version)))
}

/// Tags such as `v4` move on with every release, and what they are today is not known.
fn action_version(component: &Component) -> Option<Cow<'_, str>> {
    own_version(component).filter(|version| {
        let mut numbers = version.strip_prefix('v').unwrap_or(version).split('.');
        let is_number = |part: &str| part.parse::<u64>().is_ok();
        !(numbers.clone().count() < 3 && numbers.all(is_number))
    })
}

#[cfg(test)]
mod tests {
    use super::{super::target, *};

    fn component(purl: &str, name: &str, version: &str) -> Component {
        let version = Some(version.to_owned()).filter(|version| !version.is_empty());
        Component::new(purl.parse().unwrap(), name, version, "test")
    }

    #[track_caller]
    fn check(component: &Component, expect: (&str, &str, &str, Option<&str>)) {
        let target = target(component, None).unwrap();
        let [package] = &target.packages[..] else { panic!("{target:?}") };
        let found = (
            target.ecosystem.as_ref(),
            target.scheme.name,
            package.name.as_ref(),
            package.version.as_deref(),
        );
        assert_eq!(found, expect);
    }

    #[test]
    fn every_language_has_its_ecosystem_names_and_order() {
        let one = Some("1.0.0");
        for (purl, name, expect) in [
            ("pkg:cargo/a_b", "a_b", ("crates.io", "a Cargo version", "a_b", one)),
            (
                "pkg:composer/acme/tool",
                "Acme/Tool",
                ("Packagist", "a Composer version", "acme/tool", one),
            ),
            ("pkg:cran/MASS", "MASS", ("CRAN", "an R version", "MASS", one)),
            ("pkg:gem/rails", "rails", ("RubyGems", "a gem version", "rails", one)),
            ("pkg:golang/stdlib", "stdlib", ("Go", "a Go version", "stdlib", one)),
            (
                "pkg:golang/github.com/a/b",
                "github.com/A/b",
                ("Go", "a Go version", "github.com/A/b", one),
            ),
            ("pkg:hackage/aeson", "aeson", ("Hackage", "a Haskell version", "aeson", one)),
            ("pkg:hex/phoenix", "phoenix", ("Hex", "a Hex version", "phoenix", one)),
            (
                "pkg:julia/OpenSSL_jll?uuid=458c3c95-2e84-50aa-8efc-19380b2a3a95",
                "OpenSSL_jll",
                ("Julia", "a Julia version", "OpenSSL_jll", one),
            ),
            (
                "pkg:maven/org.Acme/tool",
                "org.Acme:tool",
                ("Maven", "a Maven version", "org.Acme:tool", one),
            ),
            ("pkg:maven/org.acme/tool", "tool", ("Maven", "a Maven version", "org.acme:tool", one)),
            ("pkg:npm/%40a/b", "@a/b", ("npm", "an npm version", "@a/b", one)),
            (
                "pkg:nuget/Newtonsoft.Json",
                "Newtonsoft.Json",
                ("NuGet", "a NuGet version", "newtonsoft.json", one),
            ),
            ("pkg:opam/cohttp", "cohttp", ("opam", "an opam version", "cohttp", one)),
            ("pkg:pub/http", "http", ("Pub", "a Dart version", "http", one)),
            (
                "pkg:pypi/zope-interface",
                "Zope._Interface",
                ("PyPI", "a PEP 440 version", "zope-interface", one),
            ),
            (
                "pkg:swift/github.com/Apple/swift-nio",
                "github.com/Apple/swift-nio",
                ("SwiftURL", "a semantic version", "github.com/apple/swift-nio", one),
            ),
            (
                "pkg:githubactions/TJ-Actions/changed-files",
                "changed-files",
                ("GitHub Actions", "a semantic version", "tj-actions/changed-files", one),
            ),
        ] {
            check(&component(purl, name, "1.0.0"), expect);
        }
    }

    #[test]
    fn names_are_the_same_on_both_sides() {
        for (ecosystem, name, expect) in [
            ("NuGet", "Newtonsoft.Json", "newtonsoft.json"),
            ("Packagist", "Drupal/Core", "drupal/core"),
            ("PyPI", "Zope._Interface", "zope-interface"),
            ("Root:PyPI", "A_b", "A_b"),
            ("SwiftURL", "https://github.com/Apple/swift-nio.git", "github.com/apple/swift-nio"),
            ("SwiftURL", "github.com/vapor/vapor/", "github.com/vapor/vapor"),
            ("GitHub Actions", "Azure/Setup-Helm", "azure/setup-helm"),
            ("Maven", "org.Acme:tool", "org.Acme:tool"),
            ("CRAN", "MASS", "MASS"),
            ("Debian:12", "libX11", "libX11"),
        ] {
            assert_eq!(normalized(ecosystem, name), expect);
        }
    }

    #[track_caller]
    fn check_version(purl: &str, version: &str, expect: Option<&str>) {
        let component = component(purl, "x", version);
        let found = target(&component, None).unwrap();
        assert_eq!(found.packages[0].version.as_deref(), expect, "{purl} {version}");
    }

    #[test]
    fn the_platform_of_a_gem_is_no_part_of_its_version() {
        for (version, expect) in [
            ("1.2.3", "1.2.3"),
            ("1.2.3-x86_64-linux", "1.2.3"),
            ("1.2.3-x86-mingw32", "1.2.3"),
            ("1.2.3-x64-mingw-ucrt", "1.2.3"),
            ("1.2.3-arm64-darwin-22", "1.2.3"),
            ("1.2.3-aarch64-linux-musl", "1.2.3"),
            ("1.2.3-universal-darwin", "1.2.3"),
            ("1.2.3-java", "1.2.3"),
            ("1.2.3.pre.1-java", "1.2.3.pre.1"),
            ("1.2.3-mswin64", "1.2.3"),
            ("1.2.3-rc1", "1.2.3-rc1"),
            ("1.2.3-javascript", "1.2.3-javascript"),
            ("1.2.3-", "1.2.3-"),
        ] {
            check_version("pkg:gem/x", version, Some(expect));
        }
        check_version("pkg:gem/x?platform=msys", "1.0-msys", Some("1.0"));
        check_version("pkg:gem/x", "1.0-msys", Some("1.0-msys"));
        check_version("pkg:gem/x", "", None);
    }

    #[test]
    fn a_tag_of_an_action_that_moves_is_no_version() {
        const COMMIT: &str = "8f4b7f84864484a7bf31766abe9204da3cbe65b3";
        for (version, expect) in [
            ("v4", None),
            ("4", None),
            ("v4.1", None),
            ("v4.1.2", Some("v4.1.2")),
            ("main", Some("main")),
            (COMMIT, Some(COMMIT)),
            ("", None),
        ] {
            check_version("pkg:githubactions/a/b", version, expect);
        }
        assert!(semver::SCHEME.check("main").is_err() && semver::SCHEME.check(COMMIT).is_err());
    }

    #[test]
    fn a_repository_is_an_action_where_our_cataloger_says_so() {
        let purl = "pkg:github/actions/checkout@v4.1.0";
        let expect = NotEvaluated::UnsupportedKind { kind: "github".to_owned() };
        assert_eq!(target(&component(purl, "x", "v4.1.0"), None).unwrap_err(), expect);
        let version = Some("v4.1.0".to_owned());
        let action =
            Component::new(purl.parse().unwrap(), "actions/checkout", version, "github-actions");
        let expect = ("GitHub Actions", "a semantic version", "actions/checkout", Some("v4.1.0"));
        check(&action, expect);
    }

    #[test]
    fn a_name_that_is_not_whole_is_not_looked_up() {
        for (purl, name, expected) in [
            ("pkg:maven/tool", "tool", "group:artifact"),
            ("pkg:swift/mona/linkedlist", "mona/linkedlist", "host/owner/name"),
        ] {
            let found = purl.parse().map(|purl| Component::new(purl, name, None, "test"));
            let Ok(component) = found else { continue };
            let expect = NotEvaluated::NoName { expected };
            assert_eq!(target(&component, None).unwrap_err(), expect);
        }
    }
}
