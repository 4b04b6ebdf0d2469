//! SPDX 3, by `plimsoll-sbom`.

use super::{Format, Report, Style};
use crate::error::Error;
use std::io::Write;

/// SPDX 3.0.1 JSON-LD.
pub(crate) const FORMAT: Format =
    Format { id: "spdx3-json", description: "SBOM in SPDX 3.0.1 JSON-LD", write };

fn write(report: &Report<'_>, _style: Style, out: &mut dyn Write) -> Result<(), Error> {
    report.sbom(FORMAT.id, out)
}

#[cfg(test)]
mod tests {
    use super::{super::tests::to_vec, *};
    use crate::{stages::inventory::Cataloged, ui::Paint};
    use plimsoll_model::Severity;

    #[test]
    fn an_sbom_is_a_graph_that_says_its_version() {
        let style = Style { paint: Paint::Plain, show: Severity::Info };
        let cataloged = Cataloged::nothing();
        let report =
            Report { cataloged: Some(&cataloged), ..Report::new("sbom", "app".to_owned()) };
        let sbom: serde_json::Value =
            serde_json::from_slice(&to_vec(&FORMAT, &report, style).unwrap()).unwrap();
        assert_eq!(sbom["@graph"][0]["specVersion"], "3.0.1");
        assert_eq!(sbom["@graph"][1]["name"], "app");
    }
}
