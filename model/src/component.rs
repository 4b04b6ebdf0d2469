//! One package in an inventory.

use crate::{digest::Digest, purl::Purl, tree::TreePath};
use std::{collections::BTreeMap, fmt};

/// Position of a component in [`crate::Inventory::components`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ComponentId(pub u32);

/// One package, as its own metadata describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// What it is; the version in it is that of [`Component::version`].
    pub purl: Purl,
    /// The name as its ecosystem writes it (`@angular/core`, `org.slf4j:slf4j-api`, `github.com/a/b`).
    pub name: String,
    /// The version as its ecosystem writes it; absent where the metadata has none.
    pub version: Option<String>,
    /// What sort of thing it is.
    pub kind: ComponentKind,
    /// Whether what is built needs it.
    pub scope: Scope,
    /// How its presence is known.
    pub trust: Trust,
    /// Licences as declared, not interpreted.
    pub licenses: Vec<String>,
    /// Licences as found in the texts that came with it: SPDX expressions.
    pub concluded: Vec<String>,
    /// Who supplies it, as declared (`Debian zlib team <…>`).
    pub supplier: Option<String>,
    /// Every file that proves its presence, in path order.
    pub locations: Vec<Location>,
    /// The source package that it was built from, where the ecosystem tells the two apart.
    pub source: Option<SourcePackage>,
    /// The operating-system package whose files these are, if any: its distribution patches it.
    pub owned_by: Option<ComponentId>,
    /// Hashes of the package as published, in the metadata's own words.
    pub hashes: Vec<Hash>,
    /// diffID of the layer that brought it, whichever layer wrote last to the file that lists it; absent outside images
    /// and where it can not be told.
    pub introduced: Option<Digest>,
    /// What else is known of it, by the name of the property (`plimsoll:elf:build-id`).
    pub properties: BTreeMap<String, String>,
    /// The cataloger that found it.
    pub cataloger: &'static str,
}

/// What sort of thing a component is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum ComponentKind {
    /// A package or a library.
    #[default]
    Library,
    /// A program, or a package that is nobody's dependency.
    Application,
    /// Another image, a base for example.
    Container,
    /// Weights of a model of machine learning.
    Model,
}

/// Whether what is built needs a component.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// It does.
    #[default]
    Required,
    /// It works without.
    Optional,
    /// It was needed to build or test it only.
    Development,
}

/// How the presence of a component is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trust {
    /// A cataloger found the thing itself, or the package manager's record of it.
    #[default]
    Observed,
    /// A document that came along says so: an SBOM inside the image, for example.
    Claimed,
}

/// Where a component was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// The file.
    pub path: TreePath,
    /// The path inside that file, for archives in archives (`lib/a.jar!/lib/b.jar`); empty for the file itself.
    pub inside: String,
    /// diffID of the layer that the file comes from; absent outside images.
    pub layer: Option<Digest>,
}

/// A source package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourcePackage {
    /// Its name.
    pub name: String,
    /// Its version, where it may differ from the binary package's.
    pub version: String,
}

/// A hash as metadata states it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hash {
    /// Which.
    pub algorithm: HashAlgorithm,
    /// Lower-case hexadecimal.
    pub hex: String,
}

/// Hash algorithms that package metadata uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HashAlgorithm {
    /// MD5.
    Md5,
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

/// As the standards name them (`SHA-256`).
impl fmt::Display for HashAlgorithm {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA-1",
            Self::Sha256 => "SHA-256",
            Self::Sha512 => "SHA-512",
        })
    }
}

/// The algorithm, then the hash.
impl fmt::Display for Hash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.algorithm, self.hex)
    }
}

impl Component {
    /// A component with nothing but its identity.
    pub fn new(
        purl: Purl,
        name: impl Into<String>,
        version: Option<String>,
        cataloger: &'static str,
    ) -> Self {
        Self {
            purl,
            name: name.into(),
            version,
            kind: ComponentKind::default(),
            scope: Scope::default(),
            trust: Trust::default(),
            licenses: Vec::new(),
            concluded: Vec::new(),
            supplier: None,
            locations: Vec::new(),
            source: None,
            owned_by: None,
            hashes: Vec::new(),
            introduced: None,
            properties: BTreeMap::new(),
            cataloger,
        }
    }
}
