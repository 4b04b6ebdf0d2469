//! SPDX, by `plimsoll-sbom`.

use super::{Format, Report, Style};
use crate::error::Error;

/// SPDX JSON.
pub(crate) const FORMAT: Format =
    Format { id: "spdx-json", description: "SBOM in SPDX 2.3 JSON", write };

fn write(report: &Report<'_>, _style: Style) -> Result<Vec<u8>, Error> {
    sbom(report, FORMAT.id)
}

/// The report's inventory as an SBOM.
pub(crate) fn sbom(report: &Report<'_>, format: &'static str) -> Result<Vec<u8>, Error> {
    report
        .cataloged
        .ok_or(Error::Format {
            format,
            command: report.command,
            needs: "the inventory of an image",
        })?
        .sbom(format)
}
