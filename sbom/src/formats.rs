//! How inventories are written down for others, and read back.
//!
//! Nothing is lost on the way out that the way back would need: what a format has no field for is written as a
//! property whose name begins with `plimsoll:`. Nothing that a foreign document states is dropped silently either:
//! what makes no component becomes an [`plimsoll_model::inventory::Unknown`].

mod shared {
    //! What all formats have in common.
    mod contested;
    pub(crate) mod cyclonedx;
    pub(crate) mod cyclonedx_legacy;
    pub(crate) mod graph;
    pub(crate) mod hash;
    pub(crate) mod id;
    pub(crate) mod json;
    pub(crate) mod license;
    pub(crate) mod location;
    pub(crate) mod property;
    pub(crate) mod spdx;
    pub(crate) mod spelling;
    pub(crate) mod supplier;
    pub(crate) mod vulnerability;
}
mod reading {
    //! From the documents of others to an inventory.
    pub(crate) mod count;
    pub(crate) mod cyclonedx;
    pub(crate) mod cyclonedx_legacy;
    pub(crate) mod cyclonedx_xml;
    pub(crate) mod distribution;
    pub(crate) mod facts;
    pub(crate) mod found;
    mod lenient;
    pub(crate) mod source;
    pub(crate) mod spdx;
    pub(crate) mod spdx3;
    pub(crate) mod spdx_tag_value;
}

use crate::Error;
use cyclonedx_bom::prelude::SpecVersion;
use jiff::{Timestamp, tz::TimeZone};
use plimsoll_model::{
    Digest, Inventory, Limits, Purl, component::ComponentId, platform::Platform, scan::Match,
};
use reading::count::Probe;
pub use reading::facts::{ComponentFacts, Facts, Field, Sbom};
pub(crate) use shared::hash::is_well_formed;
use std::io::Write;

/// What an SBOM is made from.
#[derive(Debug, Clone)]
pub struct Document<'a> {
    /// What is aboard.
    pub inventory: &'a Inventory,
    /// What it is aboard of.
    pub subject: DocumentSubject,
    /// When the document is made.
    pub timestamp: Timestamp,
    /// Version of the tool that makes it.
    pub tool_version: &'a str,
}

/// The thing an SBOM is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentSubject {
    /// The repository of an image (`registry.example/team/app`), else what the user called it.
    pub name: String,
    /// Digest of an image; what has none is described as an application, not as a container.
    pub digest: Option<Digest>,
    /// The platform of an image.
    pub platform: Option<Platform>,
    /// The tag that an image was found under.
    pub image_tag: Option<String>,
}

impl Document<'_> {
    /// The time as both formats want it: UTC, whole seconds.
    fn created(&self) -> String {
        self.timestamp.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }
}

impl DocumentSubject {
    /// `pkg:oci/name@sha256:…` with repository, tag and architecture, where a digest is known and the name allows it.
    pub fn purl(&self) -> Option<Purl> {
        let digest = self.digest?.to_string();
        let name = self.name.rsplit('/').next()?.to_ascii_lowercase();
        let has_registry = self
            .name
            .split_once('/')
            .is_some_and(|(registry, _)| registry == "localhost" || registry.contains(['.', ':']));
        let qualifiers = [
            ("arch", self.platform.as_ref().map_or("", |platform| platform.architecture.as_str())),
            ("repository_url", if has_registry { self.name.as_str() } else { "" }),
            ("tag", self.image_tag.as_deref().unwrap_or_default()),
        ];
        Purl::new("oci", None, &name, Some(&digest), &qualifiers).ok()
    }
}

/// One way to write an SBOM.
#[derive(Debug)]
pub struct Format {
    /// How users name it (`cyclonedx-json`).
    pub id: &'static str,
    /// One line for people.
    pub description: &'static str,
    /// Writes it: the same document gives the same bytes. What they are written to should have a buffer.
    pub write: fn(&Document<'_>, &mut dyn Write) -> Result<(), Error>,
}

impl Format {
    /// Writes it into memory.
    ///
    /// # Errors
    /// Those of the format.
    pub fn to_vec(&self, document: &Document<'_>) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        (self.write)(document, &mut bytes)?;
        Ok(bytes)
    }
}

macro_rules! formats {
    ($($module:ident),* $(,)?) => {
        $(mod $module;)*
        /// Every format in the version that is written unless another is asked for, in the order of their ids.
        pub const ALL: &[&Format] = &[$(&$module::FORMAT),*];
        /// The other versions of each: `cyclonedx-json@1.7`.
        pub const OTHER_VERSIONS: &[&[Format]] = &[$($module::VERSIONS),*];
    };
}
formats! {
    cyclonedx_json,
    cyclonedx_xml,
    spdx_json,
    spdx3_json,
}

/// The format with this id: one of [`ALL`], or with `@` and a version one of [`OTHER_VERSIONS`].
pub fn find(id: &str) -> Option<&'static Format> {
    let others = OTHER_VERSIONS.iter().copied().flatten();
    ALL.iter().copied().chain(others).find(|format| format.id == id)
}

/// What an advisory says of a component, for a document that tells of flaws too.
#[derive(Debug, Clone)]
pub struct Flaw<'a> {
    /// The component.
    pub component: ComponentId,
    /// The advisory, and all that is known of it.
    pub found: &'a Match,
    /// How to be rid of it.
    pub remedy: String,
    /// What somebody has decided about it, where somebody has; nothing is claimed of whether it can be exploited.
    pub decided: Option<String>,
}

/// Writes CycloneDX 1.6 as JSON with the flaws of its components: a vulnerability disclosure report.
///
/// # Errors
/// [`Error::WriteSbom`], [`Error::Output`].
pub fn write_with_flaws(
    document: &Document<'_>,
    flaws: &[Flaw<'_>],
    out: &mut dyn Write,
) -> Result<(), Error> {
    let version = shared::cyclonedx::Version::V1_6;
    shared::cyclonedx::with_flaws(document, version, flaws, |bom| shared::json::write(bom, out))
}

/// The inventory of an SBOM by anyone: see [`read_document`].
///
/// # Errors
/// As [`read_document`].
pub fn read(bytes: &[u8], limits: &Limits) -> Result<Inventory, Error> {
    Ok(read_document(bytes, limits)?.inventory)
}

/// Reads an SBOM by anyone, with what it says of itself; what it is, is told by its content.
///
/// CycloneDX 1.2 to 1.7 as JSON and XML, SPDX 2.2 and 2.3 as JSON and tag-value, SPDX 3.0.1 as JSON-LD. At most
/// [`Limits::sbom`] bytes and [`Limits::sbom_components`] components, nested ones included; 128 levels deep.
///
/// # Errors
/// [`Error::SbomTooLarge`], [`Error::TooManySbomComponents`], [`Error::UnknownSbomFormat`],
/// [`Error::UnsupportedSbomVersion`], [`Error::SbomSyntax`], [`Error::SbomXml`], [`Error::SbomXmlRefused`],
/// [`Error::CycloneDx`].
pub fn read_document(bytes: &[u8], limits: &Limits) -> Result<Sbom, Error> {
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if size > limits.sbom {
        return Err(Error::SbomTooLarge { size, limit: limits.sbom });
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.trim_ascii_start().starts_with(b"<") {
        let (mut found, version) = reading::cyclonedx_xml::read(bytes, limits)?;
        found.facts.format = "CycloneDX";
        found.facts.version = version;
        return Ok(found.into_sbom());
    }
    if reading::spdx_tag_value::is_it(bytes) {
        let (mut found, version) = reading::spdx_tag_value::read(bytes, limits)?;
        found.facts.format = "SPDX";
        version.clone_into(&mut found.facts.version);
        return Ok(found.into_sbom());
    }
    read_json(bytes, limits)
}

fn read_json(bytes: &[u8], limits: &Limits) -> Result<Sbom, Error> {
    let probe: Probe =
        serde_json::from_slice(bytes).map_err(|source| Error::SbomSyntax { source })?;
    let count = probe.components();
    if count > limits.sbom_components {
        return Err(Error::TooManySbomComponents { count, limit: limits.sbom_components });
    }
    if let (Some(version), None, None) = (probe.spdx_3(), &probe.bom_format, &probe.spdx_version) {
        if !version.starts_with("3.0.") {
            return Err(Error::UnsupportedSbomVersion {
                format: "SPDX",
                version: version.to_owned(),
                supported: "SPDX-2.2, SPDX-2.3 and 3.0.1",
            });
        }
        let mut found = reading::spdx3::read(bytes)?;
        found.facts.format = "SPDX";
        return Ok(found.into_sbom());
    }
    let (mut found, format, version) =
        match (probe.bom_format.as_deref(), probe.spdx_version.as_deref()) {
            (Some("CycloneDX"), None) => {
                let version = probe.spec_version.as_deref().unwrap_or_default();
                (read_cyclonedx(bytes, version)?, "CycloneDX", version)
            }
            (None, Some("SPDX-2.2")) => (reading::spdx::read(bytes)?, "SPDX", "2.2"),
            (None, Some("SPDX-2.3")) => (reading::spdx::read(bytes)?, "SPDX", "2.3"),
            (None, Some(other)) => {
                return Err(Error::UnsupportedSbomVersion {
                    format: "SPDX",
                    version: other.to_owned(),
                    supported: "SPDX-2.2, SPDX-2.3 and 3.0.1",
                });
            }
            _ => return Err(Error::UnknownSbomFormat),
        };
    found.facts.format = format;
    version.clone_into(&mut found.facts.version);
    Ok(found.into_sbom())
}

fn read_cyclonedx(bytes: &[u8], version: &str) -> Result<reading::found::Found, Error> {
    match version {
        "1.2" | "1.6" | "1.7" => reading::cyclonedx::read(bytes),
        "1.3" => reading::cyclonedx_legacy::read(bytes, SpecVersion::V1_3),
        "1.4" => reading::cyclonedx_legacy::read(bytes, SpecVersion::V1_4),
        "1.5" => reading::cyclonedx_legacy::read(bytes, SpecVersion::V1_5),
        other => Err(Error::UnsupportedSbomVersion {
            format: "CycloneDX",
            version: other.to_owned(),
            supported: "1.2 to 1.7",
        }),
    }
}

#[cfg(test)]
mod tests;
