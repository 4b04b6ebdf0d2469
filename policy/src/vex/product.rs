//! What a statement is about, and whether that is aboard.
//!
//! A statement means a component where the package URL that it names is that of the component: type, namespace and
//! name by the rules of the type, and then
//!
//! - a version equals the component's, letter by letter; without one, every version is meant;
//! - a version without the qualifier `epoch` has no epoch: the epoch is part of a version;
//! - each qualifier equals the component's. One exception: `distro` may name the release without the point
//!   release, where the distribution has those (`debian-12` for `debian-12.13`), because that is the less exact word
//!   for it, as a package URL without a version is. The more exact word for the less exact does not hold;
//! - a path below the package equals the component's.
//!
//! Whatever a parser forgives to widen the meaning (an empty version, an empty or repeated qualifier, `%2F` in a
//! name, dots in a path) makes the product unusable.

use super::judge::Image;
use plimsoll_model::{
    Digest, Purl,
    component::{Component, Hash, HashAlgorithm},
    reference::Repository,
};
use std::collections::BTreeSet;

/// A product, and what of it is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// The product.
    pub item: Item,
    /// Components of it; where there are some, they are meant and not the product as a whole.
    pub subcomponents: Vec<Item>,
}

/// A product or a component, by all that identifies it: everything that is given has to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What the document calls it.
    pub label: String,
    /// Its package URLs.
    pub purls: Vec<Purl>,
    /// The digest of an image, where it is named so outside of a package URL.
    pub digest: Option<Digest>,
    /// Its hashes.
    pub hashes: Vec<Hash>,
    /// The version that is meant, where the package URL names none.
    pub version: Option<String>,
    /// Why nothing can be it.
    pub unusable: Option<String>,
}

/// One thing that keeps a statement from what is aboard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What differs (`version`, `qualifier distro`).
    pub field: String,
    /// What the statement says.
    pub expected: String,
    /// What is aboard.
    pub found: String,
}

/// How far something aboard is what a statement is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fit {
    /// It is.
    Same,
    /// It is but for this.
    Near(Vec<Difference>),
    /// It is something else.
    Other,
}

impl Difference {
    fn new(
        field: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self { field: field.into(), expected: expected.into(), found: found.into() }
    }
}

impl std::fmt::Display for Difference {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "differs in {}: {} against {}", self.field, self.expected, self.found)
    }
}

/// The word for what is not there.
const NONE: &str = "none";

impl Product {
    /// How far a component of an image is what this is about.
    pub(super) fn fit(&self, component: &Component, image: Option<&Image>) -> Fit {
        if self.subcomponents.is_empty() {
            return match (self.item.fit_component(component), self.item.fit_image(image)) {
                (Fit::Same, _) | (_, Fit::Same) => Fit::Same,
                (near @ Fit::Near(_), _) | (_, near @ Fit::Near(_)) => near,
                (Fit::Other, Fit::Other) => Fit::Other,
            };
        }
        let part = self.subcomponents.iter().map(|item| item.fit_component(component));
        let part = part.reduce(Fit::nearer).unwrap_or(Fit::Other);
        match (part, self.item.fit_image(image)) {
            (Fit::Other, _) => Fit::Other,
            (part, Fit::Same) => part,
            (Fit::Same, whole @ Fit::Near(_)) => whole,
            (Fit::Near(mut differences), Fit::Near(more)) => {
                differences.extend(more);
                Fit::Near(differences)
            }
            // A component within something that is not the image: whether it is the one aboard, nobody can tell.
            (Fit::Same | Fit::Near(_), Fit::Other) => {
                let found = image.map_or_else(|| "no image".to_owned(), Image::describe);
                Fit::Near(vec![Difference::new("product", &self.item.label, found)])
            }
        }
    }

    /// Whether exactly one version of it is meant.
    pub(super) fn has_version(&self) -> bool {
        match &self.subcomponents[..] {
            [] => self.item.has_version(),
            parts => self.item.has_digest() || parts.iter().all(Item::has_version),
        }
    }

    /// Why nothing can be this product.
    pub(super) fn unusable(&self) -> Option<(&str, &str)> {
        let mut items = std::iter::once(&self.item).chain(&self.subcomponents);
        items.find_map(|item| Some((item.label.as_str(), item.unusable.as_deref()?)))
    }
}

impl Fit {
    /// The better of two; of two that are near, the one with fewer differences.
    pub(super) fn nearer(self, other: Self) -> Self {
        let rank = |fit: &Self| match fit {
            Self::Same => 0,
            Self::Near(differences) => differences.len().max(1),
            Self::Other => usize::MAX,
        };
        if rank(&other) < rank(&self) { other } else { self }
    }
}

impl Item {
    /// An item that nothing is known of yet.
    pub(super) fn new(label: &str) -> Self {
        Self {
            label: label.to_owned(),
            purls: Vec::new(),
            digest: None,
            hashes: Vec::new(),
            version: None,
            unusable: None,
        }
    }

    /// Takes an id that may be of any kind.
    pub(super) fn add_id(&mut self, id: &str) {
        if id.starts_with("pkg:") {
            self.add_purl(id);
        } else if let Some(digest) = id.rsplit_once('@').and_then(|(_, digest)| digest.parse().ok())
        {
            self.digest = Some(digest);
        } else {
            self.make_unusable("is no package URL and no digest of an image");
        }
    }

    /// Takes a package URL; one that does not mean exactly what it says makes the item unusable.
    pub(super) fn add_purl(&mut self, text: &str) {
        match exact(text) {
            Ok(purl) => {
                // A name that says nothing is no matter where a package URL does.
                if self.purls.is_empty() {
                    self.unusable = None;
                }
                self.purls.push(purl);
            }
            Err(reason) => self.make_unusable(&reason),
        }
    }

    /// Nothing can be it, for a reason; the first one stays.
    pub(super) fn make_unusable(&mut self, reason: &str) {
        self.unusable.get_or_insert_with(|| reason.to_owned());
    }

    /// The digests of the image that it is.
    pub(super) fn images(&self) -> impl Iterator<Item = Digest> {
        let named = self.purls.iter().filter(|purl| is_image(purl));
        named.filter_map(|purl| purl.version()?.parse().ok()).chain(self.digest)
    }

    fn is_image(&self) -> bool {
        self.digest.is_some() || self.purls.iter().any(is_image)
    }

    fn has_digest(&self) -> bool {
        self.images().next().is_some()
    }

    /// Whether exactly one version of it is meant.
    pub(super) fn has_version(&self) -> bool {
        let is_plain = self.purls.iter().any(|purl| !is_image(purl) && purl.version().is_some());
        is_plain || self.version.is_some() || self.has_digest() || !self.hashes.is_empty()
    }

    fn fit_component(&self, component: &Component) -> Fit {
        if self.is_image() {
            return Fit::Other;
        }
        let mut differences = Vec::new();
        for purl in &self.purls {
            match compare(purl, &component.purl) {
                Fit::Same => {}
                Fit::Near(more) => differences.extend(more),
                Fit::Other => return Fit::Other,
            }
        }
        match (self.hash(component), self.purls.is_empty()) {
            (Some(Ok(())), _) | (None, false) => {}
            (Some(Err(difference)), false) => differences.push(difference),
            (Some(Err(_)) | None, true) => return Fit::Other,
        }
        if let Some(version) = &self.version
            && Some(version.as_str()) != component.purl.version()
        {
            let found = component.purl.version().unwrap_or(NONE);
            differences.push(Difference::new("version", version, found));
        }
        if let Some(reason) = &self.unusable {
            let said = format!("one that {reason}");
            differences.push(Difference::new("product", said, component.purl.as_str()));
        }
        if differences.is_empty() { Fit::Same } else { Fit::Near(differences) }
    }

    /// Whether one of the hashes is the component's; nothing where they have no algorithm in common.
    fn hash(&self, component: &Component) -> Option<Result<(), Difference>> {
        let mut answer = None;
        for own in &self.hashes {
            for other in component.hashes.iter().filter(|other| other.algorithm == own.algorithm) {
                if own.hex == other.hex.to_ascii_lowercase() {
                    return Some(Ok(()));
                }
                answer = Some(Err(Difference::new("hash", &own.hex, &other.hex)));
            }
        }
        answer
    }

    fn fit_image(&self, image: Option<&Image>) -> Fit {
        let is_hash = self.purls.is_empty() && self.digest.is_none() && self.unusable.is_none();
        if is_hash {
            let sha256 = self.hashes.iter().filter(|hash| hash.algorithm == HashAlgorithm::Sha256);
            let digests: BTreeSet<String> = sha256.map(|hash| hash.hex.clone()).collect();
            let is_it = image.is_some_and(|image| {
                image.digests.iter().any(|digest| digests.contains(&digest.hex()))
            });
            return if is_it { Fit::Same } else { Fit::Other };
        }
        if !self.is_image() {
            return Fit::Other;
        }
        let near = |field: &str, expected: &str, found: String| {
            Fit::Near(vec![Difference::new(field, expected, found)])
        };
        let Some(image) = image else { return near("image", &self.label, "no image".to_owned()) };
        if let Some(reason) = &self.unusable {
            return near("image", &format!("one that {reason}"), image.describe());
        }
        if let Some(digest) = self.images().find(|digest| !image.digests.contains(digest)) {
            return near("image", &digest.to_string(), image.describe());
        }
        for purl in &self.purls {
            if !is_image(purl) {
                return Fit::Other;
            }
            if let Some(difference) = image_difference(purl, image) {
                return Fit::Near(vec![difference]);
            }
        }
        Fit::Same
    }
}

/// What keeps an image from being the one that a package URL names, once the digest is right where there is one.
fn image_difference(purl: &Purl, image: &Image) -> Option<Difference> {
    let architecture = image.architecture.as_deref();
    if let Some(wanted) = purl.qualifier("arch").filter(|wanted| Some(*wanted) != architecture) {
        return Some(Difference::new("qualifier arch", wanted, architecture.unwrap_or(NONE)));
    }
    // By its digest an image is known wherever it lies, and whatever tag is on it.
    if purl.version().is_some_and(|version| version.parse::<Digest>().is_ok()) {
        return None;
    }
    let found = || image.repository.as_ref().map_or_else(|| NONE.to_owned(), ToString::to_string);
    if let Some(tag) = purl.version().or_else(|| purl.qualifier("tag")) {
        let said = format!("tag {tag}, which may be on another image tomorrow");
        return Some(Difference::new("image", said, image.describe()));
    }
    let Some(url) = purl.qualifier("repository_url") else {
        return Some(Difference::new(
            "image",
            "neither digest nor repository_url",
            image.describe(),
        ));
    };
    let named: Option<Repository> = url.parse().ok();
    let is_named =
        named.is_some() && named == image.repository && url.rsplit('/').next() == Some(purl.name());
    (!is_named).then(|| Difference::new("qualifier repository_url", url, found()))
}

fn is_image(purl: &Purl) -> bool {
    matches!(purl.kind(), "oci" | "docker")
}

/// Compares a package URL of a statement with that of a component.
fn compare(said: &Purl, aboard: &Purl) -> Fit {
    let names = [
        ("type", Some(said.kind()), Some(aboard.kind())),
        ("namespace", said.namespace(), aboard.namespace()),
        ("name", Some(said.name()), Some(aboard.name())),
    ];
    let differing: Vec<_> = names.iter().filter(|(_, said, aboard)| said != aboard).collect();
    let named = |part: Option<&str>| part.unwrap_or(NONE).to_owned();
    let mut differences = match differing[..] {
        [] => Vec::new(),
        // The name alone, or all but the name: a slip, where the flaw is the same.
        [(field, said, aboard)]
            if *field != "name"
                || fold(said.unwrap_or_default()) == fold(aboard.unwrap_or_default()) =>
        {
            vec![Difference::new(*field, named(*said), named(*aboard))]
        }
        _ => return Fit::Other,
    };
    if let Some(version) = said.version() {
        if Some(version) != aboard.version() {
            differences.push(Difference::new("version", version, aboard.version().unwrap_or(NONE)));
        }
        let epoch = |purl: &Purl| purl.qualifier("epoch").unwrap_or("0").to_owned();
        if said.qualifier("epoch").is_none() && epoch(aboard) != "0" {
            differences.push(Difference::new("qualifier epoch", NONE, epoch(aboard)));
        }
    }
    for (key, value) in qualifiers(said) {
        let found = aboard.qualifier(&key);
        let is_same = match (key.as_str(), found) {
            ("distro", Some(found)) => is_release_of(&value, found),
            (_, found) => found == Some(value.as_str()),
        };
        if !is_same {
            let field = format!("qualifier {key}");
            differences.push(Difference::new(field, value, found.unwrap_or(NONE)));
        }
    }
    if said.subpath().is_some() && said.subpath() != aboard.subpath() {
        let (said, aboard) = (said.subpath(), aboard.subpath());
        differences.push(Difference::new("subpath", named(said), named(aboard)));
    }
    if differences.is_empty() { Fit::Same } else { Fit::Near(differences) }
}

/// The qualifiers of a package URL.
fn qualifiers(purl: &Purl) -> Vec<(String, String)> {
    let text = purl.as_str().split('#').next().unwrap_or_default();
    let keys = text.split_once('?').map_or("", |(_, text)| text).split('&');
    let keys = keys.filter_map(|pair| pair.split_once('=')).map(|(key, _)| key.to_owned());
    keys.filter_map(|key| purl.qualifier(&key).map(str::to_owned).map(|value| (key, value)))
        .collect()
}

/// Distributions with point releases, and how many numbers name a release of theirs.
const RELEASES: [(&str, usize); 11] = [
    ("almalinux", 1),
    ("alpine", 2),
    ("centos", 1),
    ("debian", 1),
    ("ol", 1),
    ("oracle", 1),
    ("redhat", 1),
    ("rhel", 1),
    ("rocky", 1),
    ("rockylinux", 1),
    ("ubuntu", 2),
];

/// Whether `said` is the distribution `aboard`, or its release without the point release.
fn is_release_of(said: &str, aboard: &str) -> bool {
    if said == aboard {
        return true;
    }
    let is_release = said.rsplit_once('-').is_some_and(|(name, version)| {
        let numbers: Vec<&str> = version.split('.').collect();
        RELEASES.iter().any(|(known, least)| *known == name && numbers.len() >= *least)
            && numbers
                .iter()
                .all(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
    });
    let rest = aboard.strip_prefix(said).and_then(|rest| rest.strip_prefix('.'));
    is_release && rest.is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit() || b == b'.'))
}

fn fold(name: &str) -> String {
    name.to_lowercase().replace(['_', '.'], "-")
}

/// A package URL that means what it says and nothing wider.
pub(super) fn exact(text: &str) -> Result<Purl, String> {
    let purl: Purl = text.parse().map_err(|error: plimsoll_model::purl::PurlError| {
        let shown: String = text.chars().take(200).collect();
        format!("is no package URL, `{shown}`: {}", error.reason)
    })?;
    let (rest, subpath) =
        text.split_once('#').map_or((text, None), |(rest, path)| (rest, Some(path)));
    let (path, pairs) =
        rest.split_once('?').map_or((rest, None), |(path, pairs)| (path, Some(pairs)));
    // A version begins at the last `@` behind the last `/`.
    let (path, version) = match path.rsplit_once('@') {
        Some((path, version)) if !version.contains('/') => (path, Some(version)),
        _ => (path, None),
    };
    let is_trick = |part: &str| {
        let folded = part.to_ascii_lowercase();
        folded.is_empty() || folded == "." || folded == ".." || folded.contains("%2f")
    };
    let path = path.strip_prefix("pkg:").unwrap_or(path);
    let mut keys = BTreeSet::new();
    let reason = if version == Some("") {
        "has an empty version"
    } else if path.split('/').any(is_trick) {
        "has an empty part, dots or a `%2F` for a part of its name"
    } else if pairs.is_some_and(|pairs| pairs.contains('?')) {
        "has two `?`"
    } else if pairs.is_some_and(|pairs| {
        pairs.split('&').any(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            value.is_empty() || !keys.insert(key.to_ascii_lowercase())
        })
    }) {
        "has a qualifier that is empty or stands twice"
    } else if subpath.is_some_and(|path| path.split('/').any(is_trick)) {
        "has an empty part, dots or a `%2F` in its subpath"
    } else {
        return Ok(purl);
    };
    Err(format!("{reason}: `{}`", text.chars().take(200).collect::<String>()))
}

/// The hash algorithm of a name, as the formats write it.
pub(super) fn hash_algorithm(name: &str) -> Option<HashAlgorithm> {
    match name.to_ascii_lowercase().replace(['-', '_'], "").as_str() {
        "md5" => Some(HashAlgorithm::Md5),
        "sha1" => Some(HashAlgorithm::Sha1),
        "sha256" => Some(HashAlgorithm::Sha256),
        "sha512" => Some(HashAlgorithm::Sha512),
        _ => None,
    }
}

/// A hash in lower case, if it is one.
pub(super) fn hex(text: &str) -> Option<String> {
    let is_hex = text.len() >= 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests;
