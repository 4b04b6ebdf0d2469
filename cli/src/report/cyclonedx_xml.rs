//! CycloneDX as XML, by `plimsoll-sbom`.

use super::{Format, Report, Style};
use crate::error::Error;
use std::io::Write;

/// CycloneDX XML.
pub(crate) const FORMAT: Format =
    Format { id: "cyclonedx-xml", description: "SBOM in CycloneDX 1.6 XML", write };

/// The other versions.
pub(crate) const VERSIONS: &[Format] = &[
    Format {
        id: "cyclonedx-xml@1.3",
        description: "SBOM in CycloneDX 1.3 XML",
        write: |report, _style, out| report.sbom("cyclonedx-xml@1.3", out),
    },
    Format {
        id: "cyclonedx-xml@1.4",
        description: "SBOM in CycloneDX 1.4 XML",
        write: |report, _style, out| report.sbom("cyclonedx-xml@1.4", out),
    },
    Format {
        id: "cyclonedx-xml@1.5",
        description: "SBOM in CycloneDX 1.5 XML",
        write: |report, _style, out| report.sbom("cyclonedx-xml@1.5", out),
    },
    Format {
        id: "cyclonedx-xml@1.7",
        description: "SBOM in CycloneDX 1.7 XML",
        write: |report, _style, out| report.sbom("cyclonedx-xml@1.7", out),
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

    #[test]
    fn every_version_names_its_name_space() {
        let style = Style { paint: Paint::Plain, show: Severity::Info };
        let cataloged = Cataloged::nothing();
        let report =
            Report { cataloged: Some(&cataloged), ..Report::new("sbom", "app".to_owned()) };
        for format in VERSIONS.iter().chain([&FORMAT]) {
            let xml = String::from_utf8(to_vec(format, &report, style).unwrap()).unwrap();
            let version = format.id.split_once('@').map_or("1.6", |(_, version)| version);
            let expect = format!("xmlns=\"http://cyclonedx.org/schema/bom/{version}\"");
            assert!(xml.contains(&expect), "{xml}");
        }
    }
}
