//! What can go wrong with inventories and SBOMs as a whole. What is wrong with one file of a subject is not here: it
//! becomes an [`plimsoll_model::inventory::Unknown`] of the inventory.

use plimsoll_model::{Class, Classify};
use std::io;

/// Why an SBOM could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The SBOM has more bytes than [`plimsoll_model::Limits::sbom`].
    #[error("the SBOM is {size} bytes, more than the limit of {limit}")]
    SbomTooLarge {
        /// Its size.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// The SBOM has more components than [`plimsoll_model::Limits::sbom_components`].
    #[error("the SBOM has {count} components, more than the limit of {limit}")]
    TooManySbomComponents {
        /// How many it has, nested ones included.
        count: usize,
        /// The limit.
        limit: usize,
    },
    /// It is JSON or XML, and neither CycloneDX nor SPDX.
    #[error(
        "cannot tell what SBOM this is: expected `bomFormat` with `CycloneDX`, `spdxVersion`, or a `@graph` of SPDX 3"
    )]
    UnknownSbomFormat,
    /// It is of a version that is not read.
    #[error("cannot read {format} of version `{}`: expected {supported}", plimsoll_model::Printable(.version))]
    UnsupportedSbomVersion {
        /// The format.
        format: &'static str,
        /// The version found.
        version: String,
        /// The versions that are read.
        supported: &'static str,
    },
    /// It is no JSON, nests deeper than 128 levels, or a field is not of the type that the format gives it.
    #[error("cannot parse the SBOM as JSON")]
    SbomSyntax {
        /// Where and why.
        source: serde_json::Error,
    },
    /// It is no XML.
    #[error("cannot parse the SBOM as XML")]
    SbomXml {
        /// Where and why.
        source: Box<quick_xml::Error>,
    },
    /// It is XML that is not read.
    #[error("cannot read the SBOM as XML: {reason}")]
    SbomXmlRefused {
        /// Why: a sentence without a final period.
        reason: &'static str,
    },
    /// It says to be CycloneDX 1.3 to 1.5 and can not be read as that.
    #[error("cannot parse the SBOM as CycloneDX")]
    CycloneDx {
        /// Where and why.
        source: cyclonedx_bom::errors::JsonReadError,
    },
    /// The SBOM could not be serialised by the crate `cyclonedx-bom`.
    #[error("cannot write the SBOM as CycloneDX JSON")]
    WriteCycloneDxJson {
        /// Why.
        source: cyclonedx_bom::errors::JsonWriteError,
    },
    /// The SBOM could not be serialised as XML by the crate `cyclonedx-bom`.
    #[error("cannot write the SBOM as CycloneDX XML")]
    WriteCycloneDxXml {
        /// Why.
        source: cyclonedx_bom::errors::XmlWriteError,
    },
    /// Whatever the SBOM was written to did not take it.
    #[error("cannot write the SBOM")]
    Output {
        /// Why.
        source: io::Error,
    },
    /// The SBOM could not be serialised.
    #[error("cannot write the SBOM as JSON")]
    WriteSbom {
        /// Why.
        source: serde_json::Error,
    },
}

impl Classify for Error {
    fn class(&self) -> Class {
        match self {
            Self::SbomTooLarge { .. }
            | Self::TooManySbomComponents { .. }
            | Self::UnknownSbomFormat
            | Self::UnsupportedSbomVersion { .. }
            | Self::SbomSyntax { .. }
            | Self::SbomXml { .. }
            | Self::SbomXmlRefused { .. }
            | Self::CycloneDx { .. } => Class::Rejected,
            Self::Output { .. } => Class::Action,
            Self::WriteSbom { .. }
            | Self::WriteCycloneDxJson { .. }
            | Self::WriteCycloneDxXml { .. } => Class::Bug,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownSbomFormat | Self::UnsupportedSbomVersion { .. } => Some(
                "write the SBOM as CycloneDX 1.2 to 1.7, as SPDX 2.2 or 2.3, or as SPDX 3.0.1"
                    .to_owned(),
            ),
            Self::SbomTooLarge { .. }
            | Self::TooManySbomComponents { .. }
            | Self::SbomSyntax { .. }
            | Self::SbomXml { .. }
            | Self::SbomXmlRefused { .. }
            | Self::CycloneDx { .. }
            | Self::WriteCycloneDxJson { .. }
            | Self::WriteCycloneDxXml { .. }
            | Self::WriteSbom { .. }
            | Self::Output { .. } => None,
        }
    }
}
