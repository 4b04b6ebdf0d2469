//! Who supplies a component, where its metadata does not say so.
//!
//! NTIA's supplier is whoever "creates, defines, and identifies components". Where no name is declared, two things are still
//! known: a distribution builds and identifies its packages itself, and a package of a public registry is defined and
//! identified there. Those are written, with a property that says that they were not declared, so that a reader
//! may think otherwise and ours leaves them out. Where neither is known, nothing is asserted.

use plimsoll_model::{Inventory, Purl, component::Component};
use std::borrow::Cow;

/// Who supplies a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Supplier<'a> {
    /// The name, with an address in angle brackets where one is declared.
    pub(crate) name: Cow<'a, str>,
    /// From what it was told, where it was not declared.
    pub(crate) assumed: Option<&'static str>,
    /// An address of it, where it is a registry.
    pub(crate) url: Option<&'static str>,
}

/// The registry that a type of package URL means where no other is named, and its address.
const REGISTRIES: [(&str, &str, &str); 20] = [
    ("cargo", "crates.io", "https://crates.io"),
    ("cocoapods", "CocoaPods", "https://cdn.cocoapods.org"),
    ("composer", "Packagist", "https://packagist.org"),
    ("conan", "ConanCenter", "https://center2.conan.io"),
    ("conda", "Anaconda", "https://repo.anaconda.com"),
    ("cpan", "CPAN", "https://www.cpan.org"),
    ("cran", "CRAN", "https://cran.r-project.org"),
    ("gem", "RubyGems.org", "https://rubygems.org"),
    ("golang", "Go module mirror", "https://proxy.golang.org"),
    ("hackage", "Hackage", "https://hackage.haskell.org"),
    ("hex", "Hex", "https://repo.hex.pm"),
    ("huggingface", "Hugging Face", "https://huggingface.co"),
    ("julia", "Julia General registry", "https://pkg.julialang.org"),
    ("luarocks", "LuaRocks", "https://luarocks.org"),
    ("maven", "Maven Central", "https://repo.maven.apache.org/maven2"),
    ("npm", "npm registry", "https://registry.npmjs.org"),
    ("nuget", "NuGet Gallery", "https://www.nuget.org"),
    ("opam", "opam repository", "https://opam.ocaml.org"),
    ("pub", "pub.dev", "https://pub.dev"),
    ("pypi", "Python Package Index", "https://pypi.org"),
];

/// Told from the distribution.
const DISTRIBUTION: &str = "distribution";
/// Told from the registry.
const REGISTRY: &str = "registry";

/// Who supplies a component.
pub(crate) fn of<'a>(component: &'a Component, inventory: &'a Inventory) -> Option<Supplier<'a>> {
    if let Some(name) = component.supplier.as_deref() {
        return Some(Supplier { name: Cow::Borrowed(name), assumed: None, url: None });
    }
    if matches!(component.purl.kind(), "deb" | "apk" | "rpm" | "alpm") {
        let id = inventory.distribution.as_ref().map(|distribution| distribution.id.as_str());
        let name = id.or_else(|| component.purl.namespace()).filter(|name| !name.is_empty())?;
        return Some(Supplier {
            name: Cow::Borrowed(name),
            assumed: Some(DISTRIBUTION),
            url: None,
        });
    }
    of_registry(&component.purl)
}

/// The registry of a package URL; one that the package URL names goes before the one of its type.
fn of_registry(purl: &Purl) -> Option<Supplier<'static>> {
    if let Some(host) = purl.qualifier("repository_url").and_then(host) {
        let name = Cow::Owned(host.to_owned());
        return Some(Supplier { name, assumed: Some(REGISTRY), url: None });
    }
    let named = match purl.kind() {
        "github" => Some(("GitHub", "https://github.com")),
        "bitbucket" => Some(("Bitbucket", "https://bitbucket.org")),
        kind => {
            REGISTRIES.iter().find(|(of, _, _)| *of == kind).map(|(_, name, url)| (*name, *url))
        }
    };
    let of_git = || {
        let host = purl.namespace().filter(|_| matches!(purl.kind(), "swift" | "git"))?;
        Some(host.split('/').next()?.to_owned())
    };
    match named {
        Some((name, url)) => {
            let name = Cow::Borrowed(name);
            Some(Supplier { name, assumed: Some(REGISTRY), url: Some(url) })
        }
        None => of_git().map(|host| Supplier {
            name: Cow::Owned(host),
            assumed: Some(REGISTRY),
            url: None,
        }),
    }
}

/// The host of an address, with or without a scheme.
fn host(address: &str) -> Option<&str> {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // Who logs in there is nobody's business.
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    Some(host).filter(|host| host.contains('.') && !host.contains(char::is_control))
}

/// Who supplies an image: whoever its repository belongs to. What has no registry has no known supplier.
pub(crate) fn of_image(name: &str) -> Option<&str> {
    let (owner, _) = name.rsplit_once('/')?;
    let registry = owner.split('/').next()?;
    let is_registry = registry == "localhost" || registry.contains(['.', ':']);
    is_registry.then_some(owner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_model::inventory::Distribution;

    #[track_caller]
    fn check(purl: &str, declared: Option<&str>, expect: Option<(&str, Option<&str>)>) {
        let mut component = Component::new(purl.parse().unwrap(), "x", None, "test");
        component.supplier = declared.map(str::to_owned);
        let inventory = Inventory::new(
            Some(Distribution {
                id: "debian".to_owned(),
                id_like: vec![],
                version_id: None,
                codename: None,
                pretty_name: None,
            }),
            vec![],
            vec![],
            vec![],
        );
        let found = of(&component, &inventory);
        assert_eq!(found.as_ref().map(|one| (one.name.as_ref(), one.assumed)), expect, "{purl}");
    }

    #[test]
    fn what_is_declared_goes_first_and_what_nobody_knows_is_not_asserted() {
        let registry = Some("registry");
        check("pkg:npm/a@1", Some("Jane"), Some(("Jane", None)));
        check("pkg:npm/a@1", None, Some(("npm registry", registry)));
        check("pkg:deb/debian/a@1", None, Some(("debian", Some("distribution"))));
        check(
            "pkg:npm/a@1?repository_url=https://u:p@npm.example/x",
            None,
            Some(("npm.example", registry)),
        );
        check("pkg:swift/github.com/a/b@1", None, Some(("github.com", registry)));
        check("pkg:generic/busybox@1", None, None);
        check("pkg:generic/busybox@1?repository_url=nowhere", None, None);
    }

    #[test]
    fn registries_are_sorted_and_each_there_once() {
        assert!(REGISTRIES.is_sorted_by(|left, right| left.0 < right.0));
    }

    #[test]
    fn an_image_is_supplied_by_whoever_owns_its_repository() {
        assert_eq!(of_image("registry.example:5000/team/app"), Some("registry.example:5000/team"));
        assert_eq!(of_image("docker.io/library/debian"), Some("docker.io/library"));
        assert_eq!(of_image("some/dir"), None);
        assert_eq!(of_image("app"), None);
    }
}
