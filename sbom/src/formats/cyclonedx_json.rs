//! CycloneDX as JSON (ECMA-424): 1.6, and by `@` other versions: <https://cyclonedx.org/docs/1.6/json/>.
//!
//! The same document gives the same bytes; the serial number is made from the content. Versions before 1.6 are written by
//! the crate `cyclonedx-bom`, which knows what each of them has no word for.

use super::{
    Document, Format,
    shared::{
        cyclonedx::{self, Version},
        cyclonedx_legacy::{self, Text},
        json,
    },
};
use crate::Error;
use cyclonedx_bom::prelude::SpecVersion;
use std::io::Write;

/// CycloneDX 1.6 JSON.
pub(crate) const FORMAT: Format = Format {
    id: "cyclonedx-json",
    description: "CycloneDX 1.6 as JSON: components, dependencies, where each was found",
    write: |document, out| write(document, Version::V1_6, out),
};

/// The other versions.
pub(crate) const VERSIONS: &[Format] = &[
    Format {
        id: "cyclonedx-json@1.3",
        description: "CycloneDX 1.3 as JSON",
        write: |document, out| legacy(document, SpecVersion::V1_3, out),
    },
    Format {
        id: "cyclonedx-json@1.4",
        description: "CycloneDX 1.4 as JSON",
        write: |document, out| legacy(document, SpecVersion::V1_4, out),
    },
    Format {
        id: "cyclonedx-json@1.5",
        description: "CycloneDX 1.5 as JSON",
        write: |document, out| legacy(document, SpecVersion::V1_5, out),
    },
    Format {
        id: "cyclonedx-json@1.7",
        description: "CycloneDX 1.7 as JSON",
        write: |document, out| write(document, Version::V1_7, out),
    },
];

fn write(document: &Document<'_>, version: Version, out: &mut dyn Write) -> Result<(), Error> {
    cyclonedx::with_bom(document, version, |bom| json::write(bom, out))
}

fn legacy(
    document: &Document<'_>,
    version: SpecVersion,
    mut out: &mut dyn Write,
) -> Result<(), Error> {
    cyclonedx_legacy::bom(document, version, Text::Json)?
        .output_as_json(&mut out, version)
        .map_err(|source| Error::WriteCycloneDxJson { source })?;
    out.write_all(b"\n").map_err(|source| Error::Output { source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::tests::{document, inventory};

    #[test]
    fn every_version_says_which_it_is_and_is_read_again() {
        let inventory = inventory();
        for format in VERSIONS.iter().chain([&FORMAT]) {
            let bytes = format.to_vec(&document(&inventory)).unwrap();
            let limits = plimsoll_model::Limits::STANDARD;
            let sbom = super::super::read_document(&bytes, &limits).unwrap();
            let version = format.id.split_once('@').map_or("1.6", |(_, version)| version);
            assert_eq!(sbom.facts.version, version);
            assert_eq!(sbom.inventory.components().len(), inventory.components().len());
        }
    }
}
