//! CycloneDX, by `plimsoll-sbom`.

use super::{Format, Report, Style};
use crate::error::Error;

/// CycloneDX JSON.
pub(crate) const FORMAT: Format =
    Format { id: "cyclonedx-json", description: "SBOM in CycloneDX 1.6 JSON", write };

fn write(report: &Report<'_>, _style: Style) -> Result<Vec<u8>, Error> {
    super::spdx_json::sbom(report, FORMAT.id)
}
