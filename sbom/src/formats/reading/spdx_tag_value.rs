//! SPDX 2.2 and 2.3 as lines of tag and value: <https://spdx.github.io/spdx-spec/v2.3/>, with `<text>…</text>` over several
//! lines. Made into what its JSON would be, and read as that.

use super::{
    found::Found,
    spdx::{
        self, Annotation, Checksum, ExternalRef, ExtractedLicense, Package, Relationship, Spdx,
    },
};
use crate::Error;
use plimsoll_model::Limits;
use std::collections::BTreeMap;

const OPEN: &str = "<text>";
const CLOSE: &str = "</text>";

/// Whether this is how a document of this kind begins: after comments and empty lines its first tag is that of the version.
pub(crate) fn is_it(bytes: &[u8]) -> bool {
    let start = bytes.get(..bytes.len().min(65_536)).unwrap_or(bytes);
    let text = String::from_utf8_lossy(start);
    let mut lines = text.lines().map(str::trim);
    let first = lines.find(|line| !line.is_empty() && !line.starts_with('#'));
    first.is_some_and(|line| line.starts_with("SPDXVersion:"))
}

/// Reads a document, and says of what version it is.
pub(crate) fn read(bytes: &[u8], limits: &Limits) -> Result<(Found, &'static str), Error> {
    // Bytes that are no text are replaced; they can only be in values.
    let text = String::from_utf8_lossy(bytes);
    let mut document = Reading {
        spdx: Spdx::default(),
        annotations: Vec::new(),
        version: "",
        part: Part::Document,
        limits,
    };
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let line = line.trim();
        let Some((tag, value)) = line.split_once(':').filter(|_| !line.starts_with('#')) else {
            continue;
        };
        let value = whole(value.trim(), &mut lines);
        document.take(tag.trim(), &value)?;
    }
    document.annotate();
    match document.version.strip_prefix("SPDX-") {
        Some("2.2") => Ok((spdx::of_spdx(&document.spdx), "2.2")),
        Some("2.3") => Ok((spdx::of_spdx(&document.spdx), "2.3")),
        _ => Err(Error::UnsupportedSbomVersion {
            format: "SPDX",
            version: document.version.to_owned(),
            supported: "SPDX-2.2, SPDX-2.3 and 3.0.1",
        }),
    }
}

/// A value with the lines that it goes on over. A text that never ends takes everything, as it says.
fn whole(value: &str, lines: &mut std::str::Lines<'_>) -> String {
    let Some(first) = value.strip_prefix(OPEN) else { return value.to_owned() };
    if let Some(text) = first.strip_suffix(CLOSE) {
        return text.to_owned();
    }
    let mut text = first.to_owned();
    for line in lines {
        text.push('\n');
        match line.trim_end().strip_suffix(CLOSE) {
            Some(last) => {
                text.push_str(last);
                break;
            }
            None => text.push_str(line),
        }
    }
    text
}

/// What the lines are about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Document,
    Package,
    /// Files and snippets, which are not read.
    Other,
}

struct Reading<'a> {
    spdx: Spdx,
    /// What each annotation says and whom it is about, where it says so.
    annotations: Vec<(Option<String>, String)>,
    version: &'static str,
    part: Part,
    limits: &'a Limits,
}

impl Reading<'_> {
    fn take(&mut self, tag: &str, value: &str) -> Result<(), Error> {
        match tag {
            "PackageName" => return self.begin(value),
            "FileName" | "SnippetSPDXID" | "SnippetSPDXIdentifier" => self.part = Part::Other,
            "SPDXVersion" => {
                self.version = match value {
                    "SPDX-2.2" => "SPDX-2.2",
                    "SPDX-2.3" => "SPDX-2.3",
                    _ => return self.unsupported(value),
                }
            }
            "DocumentNamespace" => self.spdx.document_namespace = Some(value.to_owned()),
            "Creator" => self.spdx.creation_info.creators.push(value.to_owned()),
            "Created" => self.spdx.creation_info.created = Some(value.to_owned()),
            "Relationship" => self.relationship(value),
            "LicenseID" => {
                let license =
                    ExtractedLicense { id: value.to_owned(), ..ExtractedLicense::default() };
                self.spdx.licenses.push(license);
            }
            "ExtractedText" => {
                if let Some(license) = self.spdx.licenses.last_mut() {
                    value.clone_into(&mut license.text);
                }
            }
            "Annotator" => self.annotations.push((None, String::new())),
            "AnnotationComment" => {
                if let Some((_, comment)) = self.annotations.last_mut() {
                    value.clone_into(comment);
                }
            }
            "SPDXREF" => {
                if let Some((about, _)) = self.annotations.last_mut() {
                    *about = Some(value.to_owned());
                }
            }
            _ if self.part == Part::Package => {
                if let Some(package) = self.spdx.packages.last_mut() {
                    describe(package, tag, value);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn unsupported(&self, version: &str) -> Result<(), Error> {
        Err(Error::UnsupportedSbomVersion {
            format: "SPDX",
            version: version.to_owned(),
            supported: "SPDX-2.2, SPDX-2.3 and 3.0.1",
        })
    }

    fn begin(&mut self, name: &str) -> Result<(), Error> {
        self.part = Part::Package;
        let (count, limit) =
            (self.spdx.packages.len().saturating_add(1), self.limits.sbom_components);
        if count > limit {
            return Err(Error::TooManySbomComponents { count, limit });
        }
        self.spdx.packages.push(Package { name: name.to_owned(), ..Package::default() });
        Ok(())
    }

    /// `SPDXRef-a DEPENDS_ON SPDXRef-b`.
    fn relationship(&mut self, value: &str) {
        let mut words = value.split_whitespace();
        if let (Some(from), Some(kind), Some(to)) = (words.next(), words.next(), words.next()) {
            let (from, kind, to) = (from.to_owned(), kind.to_owned(), to.to_owned());
            self.spdx.relationships.push(Relationship { from, kind, to });
        }
    }

    /// Gives each annotation to what it is about.
    fn annotate(&mut self) {
        let places: BTreeMap<String, usize> = (0..)
            .zip(&self.spdx.packages)
            .map(|(place, package)| (package.id.clone(), place))
            .collect();
        for (about, comment) in std::mem::take(&mut self.annotations) {
            let place = about.as_ref().and_then(|id| places.get(id));
            match place.and_then(|place| self.spdx.packages.get_mut(*place)) {
                Some(package) => package.annotations.push(Annotation { comment }),
                None => self.spdx.annotations.push(Annotation { comment }),
            }
        }
    }
}

fn describe(package: &mut Package, tag: &str, value: &str) {
    let some = || Some(value.to_owned());
    match tag {
        "SPDXID" => value.clone_into(&mut package.id),
        "PackageVersion" => package.version_info = some(),
        "PackageSupplier" => package.supplier = some(),
        "PackageOriginator" => package.originator = some(),
        "PackageFileName" => package.package_file_name = some(),
        "PackageDownloadLocation" => package.download_location = some(),
        "PackageLicenseDeclared" => package.license_declared = some(),
        "PackageLicenseConcluded" => package.license_concluded = some(),
        "PackageCopyrightText" => package.copyright_text = some(),
        "PackageSummary" => package.summary = some(),
        "PrimaryPackagePurpose" => package.purpose = some(),
        "PackageChecksum" => {
            if let Some((algorithm, digits)) = value.split_once(':') {
                package.checksums.push(Checksum {
                    algorithm: algorithm.trim().to_owned(),
                    checksum_value: digits.trim().to_owned(),
                });
            }
        }
        // `PACKAGE-MANAGER purl pkg:npm/a@1`.
        "ExternalRef" => {
            let mut words = value.split_whitespace().skip(1);
            if let (Some(kind), Some(locator)) = (words.next(), words.next()) {
                package.external_refs.push(ExternalRef {
                    reference_type: kind.to_owned(),
                    reference_locator: locator.to_owned(),
                });
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# made by hand
SPDXVersion: SPDX-2.3
DataLicense: CC0-1.0
SPDXID: SPDXRef-DOCUMENT
DocumentNamespace: https://example.org/1
Creator: Organization: Example (a@example.org)
Creator: Tool: t-1
Created: 2026-11-22T12:00:00Z
Relationship: SPDXRef-DOCUMENT DESCRIBES SPDXRef-a

PackageName: a
SPDXID: SPDXRef-a
PackageVersion: 1
PackageSupplier: Organization: A
PackageLicenseDeclared: MIT AND LicenseRef-1
PackageCopyrightText: <text>2026 A
PackageName: not one</text>
PackageChecksum: SHA1: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
ExternalRef: PACKAGE-MANAGER purl pkg:npm/a@1

FileName: ./x
SPDXID: SPDXRef-x

PackageName: b
SPDXID: SPDXRef-b
Relationship: SPDXRef-a DEPENDS_ON SPDXRef-b

Annotator: Tool: t-1
AnnotationDate: 2026-11-22T12:00:00Z
AnnotationType: OTHER
SPDXREF: SPDXRef-a
AnnotationComment: <text>plimsoll:scope=development</text>

LicenseID: LicenseRef-1
ExtractedText: <text>mine</text>
";

    #[test]
    fn documents_of_others_are_read() {
        assert!(is_it(TEXT.as_bytes()));
        let (found, version) = read(TEXT.as_bytes(), &Limits::STANDARD).unwrap();
        let sbom = found.into_sbom();
        assert_eq!(version, "2.3");
        assert_eq!(sbom.facts.authors, ["Example (a@example.org)"]);
        let [a] = sbom.inventory.components() else { panic!("{:?}", sbom.inventory) };
        assert_eq!((a.purl.as_str(), a.version.as_deref()), ("pkg:npm/a@1", Some("1")));
        assert_eq!(a.licenses, ["MIT", "mine"]);
        assert_eq!(a.hashes.len(), 1);
        assert_eq!(a.scope, plimsoll_model::component::Scope::Development);
        assert_eq!(a.supplier.as_deref(), Some("A"));
        let reasons: Vec<_> = sbom.inventory.unknowns.iter().map(|one| &one.reason).collect();
        assert_eq!(reasons, ["component `b` of the SBOM has no package URL"]);
        assert_eq!(sbom.facts.subject.map(|subject| subject.name).as_deref(), Some("a"));
    }

    #[test]
    fn broken_and_hostile_documents_say_so_or_are_read_as_far_as_they_go() {
        let of = |text: &str| read(text.as_bytes(), &Limits::STANDARD);
        assert!(matches!(of("SPDXVersion: SPDX-9"), Err(Error::UnsupportedSbomVersion { .. })));
        assert!(matches!(of("PackageName: a"), Err(Error::UnsupportedSbomVersion { .. })));
        assert!(!is_it(b"PackageName: a\nSPDXVersion: SPDX-2.3"));
        let endless = TEXT.replace("not one</text>", "not one");
        assert_eq!(of(&endless).unwrap().0.into_sbom().facts.components.len(), 1);
        let twice = TEXT.replace("SPDXID: SPDXRef-b", "SPDXID: SPDXRef-a");
        assert_eq!(of(&twice).unwrap().0.into_sbom().facts.components.len(), 2);
        let limits = Limits { sbom_components: 1, ..Limits::STANDARD };
        let error = read(TEXT.as_bytes(), &limits).unwrap_err();
        assert!(matches!(error, Error::TooManySbomComponents { count: 2, limit: 1 }), "{error:?}");
    }
}
