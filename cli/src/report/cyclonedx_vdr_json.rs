//! CycloneDX with the flaws of its components, by `plimsoll-sbom`: a vulnerability disclosure report.
//!
//! <https://cyclonedx.org/capabilities/vdr/>. The components are those of `cyclonedx-json`, with the same references.

use super::{Format, Report, Style, findings::accepted, flaws::flaws};
use crate::error::Error;
use plimsoll_sbom::formats::{self, Flaw};
use std::io::Write;

/// CycloneDX with flaws.
pub(crate) const FORMAT: Format = Format {
    id: "cyclonedx-vdr-json",
    description: "SBOM in CycloneDX 1.6 JSON with the flaws of its components (VDR)",
    write,
};

fn write(report: &Report<'_>, _style: Style, out: &mut dyn Write) -> Result<(), Error> {
    let needs = "a scan of an inventory that was made here";
    let missing = Error::Format { format: FORMAT.id, command: report.command, needs };
    let cataloged = report.cataloged.filter(|_| report.scan.is_some()).ok_or(missing)?;
    let flaws = flaws(report, FORMAT.id)?;
    let flaws: Vec<Flaw<'_>> = flaws
        .iter()
        .map(|flaw| Flaw {
            component: flaw.position,
            found: flaw.found,
            remedy: flaw.remedy(),
            decided: flaw.judged.and_then(accepted).map(|how| format!("accepted: {how}")),
        })
        .collect();
    Ok(formats::write_with_flaws(&cataloged.document(), &flaws, out)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::{Case, refuses};
    use serde_json::Value;

    #[test]
    fn every_flaw_is_there_with_its_component() {
        for (name, case) in Case::all() {
            let bom: Value = serde_json::from_str(&case.write(&FORMAT)).unwrap();
            let flaws = bom.get("vulnerabilities").cloned().unwrap_or_default();
            for flaw in flaws.as_array().into_iter().flatten() {
                let affected = &flaw["affects"][0]["ref"];
                let components = bom["components"].as_array().unwrap();
                assert!(components.iter().any(|one| one["bom-ref"] == *affected), "{affected}");
            }
            let flaws = serde_json::to_string_pretty(&flaws).unwrap();
            insta::assert_snapshot!(format!("cyclonedx_vdr_json_{name}"), flaws);
        }
    }

    #[test]
    fn without_a_scan_there_is_no_report() {
        refuses(&FORMAT, "a scan of an inventory that was made here");
    }
}
