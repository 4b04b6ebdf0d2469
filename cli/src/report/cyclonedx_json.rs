//! CycloneDX, by `plimsoll-sbom`.

use super::{Format, Report, Style};
use crate::error::Error;
use std::io::Write;

/// CycloneDX JSON.
pub(crate) const FORMAT: Format =
    Format { id: "cyclonedx-json", description: "SBOM in CycloneDX 1.6 JSON", write };

/// The other versions.
pub(crate) const VERSIONS: &[Format] = &[
    Format {
        id: "cyclonedx-json@1.3",
        description: "SBOM in CycloneDX 1.3 JSON",
        write: |report, _style, out| report.sbom("cyclonedx-json@1.3", out),
    },
    Format {
        id: "cyclonedx-json@1.4",
        description: "SBOM in CycloneDX 1.4 JSON",
        write: |report, _style, out| report.sbom("cyclonedx-json@1.4", out),
    },
    Format {
        id: "cyclonedx-json@1.5",
        description: "SBOM in CycloneDX 1.5 JSON",
        write: |report, _style, out| report.sbom("cyclonedx-json@1.5", out),
    },
    Format {
        id: "cyclonedx-json@1.7",
        description: "SBOM in CycloneDX 1.7 JSON",
        write: |report, _style, out| report.sbom("cyclonedx-json@1.7", out),
    },
];

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
        assert_eq!(
            (&sbom["bomFormat"], &sbom["specVersion"]),
            (&"CycloneDX".into(), &"1.6".into())
        );
        assert_eq!(sbom["metadata"]["component"]["name"], "app");
        assert_eq!(sbom["metadata"]["timestamp"], "1970-01-01T00:00:00Z");
    }

    #[test]
    fn without_an_inventory_there_is_no_sbom() {
        let refused = to_vec(&FORMAT, &Report::new("check", "Dockerfile".to_owned()), STYLE);
        assert!(matches!(
            refused,
            Err(Error::Format {
                format: "cyclonedx-json",
                command: "check",
                needs: "the inventory of an image"
            })
        ));
    }
}
