//! Scans: in-toto vulnerabilities v0.1 and v0.2, and cosign's, which have these fields in common.
//!
//! <https://github.com/in-toto/attestation/blob/v1.1.0/spec/predicates/vulns_02.md>,
//! <https://github.com/sigstore/cosign/blob/v2.4.1/specs/COSIGN_VULN_ATTESTATION_SPEC.md>. What was found is not read: in
//! cosign's it has the form of whichever scanner it was.

use super::field::Fields;
use crate::Error;
use jiff::Timestamp;
use serde_json::{Map, Value};

/// What a scan says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanClaims {
    /// The scanner.
    pub scanner: Option<String>,
    /// Its version.
    pub scanner_version: Option<String>,
    /// Its advisories.
    pub db: Option<String>,
    /// Their version.
    pub db_version: Option<String>,
    /// When they were last updated.
    pub db_updated: Option<Timestamp>,
    /// When the scan began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub finished: Option<Timestamp>,
}

pub(super) fn read(predicate: &Map<String, Value>) -> Result<ScanClaims, Error> {
    let fields = Fields::of("a statement of vulnerabilities", predicate);
    let scanner = fields.object("scanner")?;
    let db = scanner.object("db")?;
    let metadata = fields.object("metadata")?;
    Ok(ScanClaims {
        scanner: scanner.text("uri")?,
        scanner_version: scanner.text("version")?,
        db: db.text("uri")?,
        db_version: db.text("version")?,
        db_updated: db.time("lastUpdate")?,
        started: metadata.time("scanStartedOn")?,
        finished: metadata.time("scanFinishedOn")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::Claims;
    use crate::claims::tests::{claims, empty, refused};
    use serde_json::json;

    const TYPES: [&str; 3] = [
        "https://in-toto.io/attestation/vulns/v0.1",
        "https://in-toto.io/attestation/vulns/v0.2",
        "https://cosign.sigstore.dev/attestation/vuln/v1",
    ];

    #[test]
    fn the_three_forms_are_read_alike() {
        let predicate = json!({
            "invocation": {"parameters": null, "uri": "https://x", "event_id": "", "builder.id": ""},
            "scanner": {
                "uri": "pkg:github/aquasecurity/trivy@244fd47e07d1004f0aed9c",
                "version": "0.19.2",
                "db": {
                    "uri": "pkg:github/aquasecurity/trivy-db/commit/4c76bb580b2736d67751410fa4ab66d2b6b9b27d",
                    "version": "v1-2021080612",
                    "lastUpdate": "2021-08-06T17:45:50.52Z",
                },
                "result": {"any": ["thing"]},
            },
            "metadata": {
                "scanStartedOn": "2021-08-06T17:45:50.52Z",
                "scanFinishedOn": "2021-08-06T17:50:50+00:00",
            },
        });
        let expect = ScanClaims {
            scanner: Some("pkg:github/aquasecurity/trivy@244fd47e07d1004f0aed9c".to_owned()),
            scanner_version: Some("0.19.2".to_owned()),
            db: Some(
                "pkg:github/aquasecurity/trivy-db/commit/4c76bb580b2736d67751410fa4ab66d2b6b9b27d"
                    .to_owned(),
            ),
            db_version: Some("v1-2021080612".to_owned()),
            db_updated: Some("2021-08-06T17:45:50.52Z".parse().unwrap()),
            started: Some("2021-08-06T17:45:50.52Z".parse().unwrap()),
            finished: Some("2021-08-06T17:50:50Z".parse().unwrap()),
        };
        for kind in TYPES {
            assert_eq!(claims(kind, &predicate), Claims::Scan(Box::new(expect.clone())), "{kind}");
        }
    }

    #[test]
    fn what_is_absent_is_none_and_another_form_is_refused() {
        let found = read(&empty()).unwrap();
        assert_eq!((found.scanner, found.db, found.finished), (None, None, None));
        for kind in TYPES {
            refused(kind, json!({"scanner": []}), "scanner");
            refused(kind, json!({"scanner": {"db": "x"}}), "scanner.db");
            refused(kind, json!({"scanner": {"version": 1}}), "scanner.version");
            let late = json!({"metadata": {"scanFinishedOn": "yesterday"}});
            refused(kind, late, "metadata.scanFinishedOn");
            refused(kind, json!({"metadata": {"scanFinishedOn": 1}}), "metadata.scanFinishedOn");
        }
    }
}
