//! What the databases of dpkg and of opkg have in common: a file of stanzas, one for each package.
//!
//! Format: <https://www.debian.org/doc/debian-policy/ch-controlfields.html> and
//! <https://manpages.debian.org/bookworm/dpkg-dev/deb-status.5>.

use crate::{
    catalogers::{Context, Draft, Found, license},
    introduced::{Listing, Package},
    relate::Providers,
    stanza::{Stanza, stanzas},
};
use plimsoll_model::{
    component::{ComponentId, SourcePackage},
    tree::Entry,
};

/// What is needed of an installed package after its component has been made.
pub(crate) struct Installed {
    pub(crate) id: ComponentId,
    pub(crate) package: Package,
    pub(crate) depends: String,
    pub(crate) provides: String,
}

/// Adds the installed packages of a status file, or of a fragment of one, with this type of package URL.
pub(crate) fn packages(
    ctx: &Context<'_>,
    entry: &Entry,
    (kind, text): (&'static str, &str),
    (found, installed): (&mut Found, &mut Vec<Installed>),
) {
    let is_status = entry.path.file_name() == b"status";
    if is_status && is_cut(text) {
        ctx.unread(found, entry, "the file ends in the middle of a package");
    }
    for stanza in stanzas(text) {
        if let Some(line) = stanza.broken {
            ctx.unread(found, entry, format!("`{line}` is no field of a package"));
        }
        let Some(name) = stanza.get("Package").filter(|name| !name.is_empty()) else {
            if stanza.broken.is_none() {
                ctx.unread(found, entry, "a package has no name");
            }
            continue;
        };
        if is_gone(&stanza) {
            continue;
        }
        if is_status && state(&stanza).is_none() {
            let reason = format!("package `{name}` has no status; it counts as installed");
            ctx.note(found, entry, reason);
        }
        if let Some(package) = package(ctx, entry, &stanza, (kind, name, found)) {
            installed.push(package);
        }
    }
}

fn package(
    ctx: &Context<'_>,
    entry: &Entry,
    stanza: &Stanza<'_>,
    (kind, name, found): (&'static str, &str, &mut Found),
) -> Option<Installed> {
    let arch = stanza.get("Architecture").unwrap_or_default();
    let version = stanza.get("Version");
    let (namespace, distro) = ctx.distro();
    let qualifiers = [("arch", arch), ("distro", distro.as_str())];
    let draft = Draft { kind, namespace, name, shown: name, version, qualifiers: &qualifiers };
    let id = ctx.add(found, entry, &draft)?;
    let component = found.at(id)?;
    component.supplier = stanza.get("Maintainer").map(str::to_owned);
    component.source = stanza.get("Source").and_then(|source| source_of(source, version));
    component.licenses.extend(stanza.get("License").and_then(license));
    if let Some(source) = stanza.get("Source").filter(|_| component.source.is_none()) {
        let reason = format!("package `{name}` names no source package by `{source}`");
        ctx.note(found, entry, reason);
    }
    let field = |name| stanza.get(name).unwrap_or_default();
    Some(Installed {
        id,
        package: listed(name, stanza),
        depends: format!("{},{}", field("Pre-Depends"), field("Depends")),
        provides: field("Provides").to_owned(),
    })
}

/// Whether the text of a status file ends too early: dpkg ends every package with an empty line.
fn is_cut(text: &str) -> bool {
    !text.is_empty() && !text.ends_with("\n\n")
}

/// Whether a package is not there, or nothing but its configuration.
fn is_gone(stanza: &Stanza<'_>) -> bool {
    matches!(state(stanza), Some("not-installed" | "config-files"))
}

/// The third word of `Status`: what has become of the package, whatever was wanted of it.
fn state<'a>(stanza: &Stanza<'a>) -> Option<&'a str> {
    stanza.get("Status")?.split_whitespace().nth(2)
}

/// A package as a status file lists it.
fn listed(name: &str, stanza: &Stanza<'_>) -> Package {
    let version = stanza.get("Version").filter(|version| !version.is_empty());
    let arch = stanza.get("Architecture").unwrap_or_default();
    Package { name: name.to_owned(), version: version.map(str::to_owned), arch: arch.to_owned() }
}

/// What a status file listed.
pub(crate) fn listing(ctx: &Context<'_>, bytes: &[u8]) -> Listing {
    let mut listing = Listing::new(ctx.limits);
    let text = String::from_utf8_lossy(bytes);
    if is_cut(&text) {
        listing.is_partial();
    }
    for stanza in stanzas(&text) {
        let name = stanza.get("Package").filter(|name| !name.is_empty());
        if stanza.broken.is_some() || name.is_none() {
            listing.is_partial();
        }
        if let Some(name) = name.filter(|_| !is_gone(&stanza)) {
            listing.add(listed(name, &stanza));
        }
    }
    listing
}

/// `name` or `name (version)`; without a version it is that of the package.
fn source_of(source: &str, version: Option<&str>) -> Option<SourcePackage> {
    let (name, version) = match source.split_once('(') {
        Some((name, rest)) => (name, rest.trim_end().strip_suffix(')')?),
        None => (source, version?),
    };
    Some(SourcePackage { name: name.trim().to_owned(), version: version.trim().to_owned() })
}

/// Dependencies on what is installed: of alternatives the first that is, of providers of a virtual package all.
pub(crate) fn relate(ctx: &Context<'_>, installed: &[Installed], found: &mut Found) {
    let (mut real, mut virtual_) = (Providers::default(), Providers::default());
    for package in installed {
        real.add(&package.package.name, package.id);
        for provided in package.provides.split(',').filter_map(dependency) {
            virtual_.add(provided, package.id);
        }
    }
    for package in installed {
        for group in package.depends.split(',') {
            let providers = group.split('|').filter_map(dependency).find_map(|name| {
                [real.of(name), virtual_.of(name)].into_iter().find(|ids| !ids.is_empty())
            });
            ctx.depends(found, package.id, providers.unwrap_or_default());
        }
    }
}

/// The name in `name:arch (>= version) [arch] <profile>`.
fn dependency(text: &str) -> Option<&str> {
    let name = text.trim().split([' ', '(', ':', '[', '<', '\t', '\n']).next()?;
    (!name.is_empty()).then_some(name)
}
