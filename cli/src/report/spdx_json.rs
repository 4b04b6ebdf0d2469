//! SPDX, by `plimsoll-sbom`.

use super::{Format, Report, Style};
use crate::error::Error;
use std::io::Write;

/// SPDX JSON.
pub(crate) const FORMAT: Format =
    Format { id: "spdx-json", description: "SBOM in SPDX 2.3 JSON", write };

fn write(report: &Report<'_>, _style: Style, out: &mut dyn Write) -> Result<(), Error> {
    report.sbom(FORMAT.id, out)
}

#[cfg(test)]
mod tests {
    use super::{super::tests::to_vec, *};
    use crate::{stages::inventory::Cataloged, ui::Paint};
    use plimsoll_model::Severity;

    const STYLE: Style = Style { paint: Paint::Plain, show: Severity::Info };

    #[test]
    fn an_sbom_names_its_subject_and_is_dated_as_told() {
        let cataloged = Cataloged::nothing();
        let report =
            Report { cataloged: Some(&cataloged), ..Report::new("sbom", "app".to_owned()) };
        let sbom: serde_json::Value =
            serde_json::from_slice(&to_vec(&FORMAT, &report, STYLE).unwrap()).unwrap();
        assert_eq!(sbom["spdxVersion"], "SPDX-2.3");
        assert_eq!(sbom["packages"][0]["name"], "app");
        assert_eq!(sbom["creationInfo"]["created"], "1970-01-01T00:00:00Z");
    }

    #[test]
    fn without_an_inventory_there_is_no_sbom() {
        let refused = to_vec(&FORMAT, &Report::new("check", "Dockerfile".to_owned()), STYLE);
        assert!(matches!(
            refused,
            Err(Error::Format {
                format: "spdx-json",
                command: "check",
                needs: "the inventory of an image"
            })
        ));
    }
}
