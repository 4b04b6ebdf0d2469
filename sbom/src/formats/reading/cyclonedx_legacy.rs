//! CycloneDX 1.2 to 1.5 JSON.
//!
//! The crate `cyclonedx-bom` knows the grammar of 1.3 to 1.5 and refuses what is not of it. What it accepts is then read as
//! later versions are, so that a document means the same whatever its version: the crate would drop some of it.

use super::{cyclonedx, found::Found};
use crate::Error;
use cyclonedx_bom::prelude::{Bom, SpecVersion};

/// Reads a document of one of these versions.
pub(crate) fn read(bytes: &[u8], version: SpecVersion) -> Result<Found, Error> {
    Bom::parse_from_json_with_version(bytes, version)
        .map_err(|source| Error::CycloneDx { source })?;
    cyclonedx::read(bytes)
}
