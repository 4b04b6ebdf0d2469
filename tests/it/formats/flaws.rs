//! Formats that tell of flaws, by the judges of each.

use super::{
    example, hostile_image,
    judges::{Judge, Twin},
    read, remove, scan,
};
use crate::support::{Sandbox, root, run, sandbox};
use camino::Utf8PathBuf;
use serde_json::json;

/// What a scan writes in a format of the bad example and of the hostile image.
fn scanned_in(sandbox: &Sandbox, format: &str) -> [Utf8PathBuf; 2] {
    let hostile = hostile_image(sandbox);
    [(example("bad"), 1), (hostile, 3)].map(|(subject, status)| {
        let file = sandbox.join(format!("{status}.{format}"));
        scan(sandbox, &subject, &["-o", &format!("{format}={file}")]).expect_status(status);
        file
    })
}

#[test]
fn cyclonedx_with_flaws_is_accepted_and_its_twins_are_not() {
    let sandbox = sandbox();
    let documents = scanned_in(&sandbox, "cyclonedx-vdr-json");
    Judge::CycloneDx.accepts(&documents);
    let flaws = read(&documents[0])["vulnerabilities"].as_array().unwrap().len();
    assert_eq!(flaws, 3);
    let twins: [Twin; 3] = [
        ("'severe' is not one of", |bom| {
            bom["vulnerabilities"][0]["ratings"][0]["severity"] = json!("severe");
        }),
        ("'flaw' was unexpected", |bom| bom["vulnerabilities"][0]["flaw"] = json!(1)),
        ("'ref' is a required property", |bom| {
            remove(&mut bom["vulnerabilities"][0]["affects"][0], "ref");
        }),
    ];
    Judge::CycloneDx.refuses_twins(&documents[0], &twins);
}

#[test]
fn json_is_what_its_schema_says_and_no_more() {
    let sandbox = sandbox();
    let [bad, hostile] = scanned_in(&sandbox, "json");
    run(sandbox.plimsoll().args(["sbom", &example("good"), "-o", "json=sbom.json"]))
        .expect_status(0);
    let mut plimsoll = sandbox.plimsoll();
    plimsoll.args(["check", root().join("examples/bad").as_str(), "-o", "json=check.json"]);
    run(&mut plimsoll).expect_status(1);
    let documents = [bad, hostile, sandbox.join("sbom.json"), sandbox.join("check.json")];
    Judge::Report.accepts(&documents);
    let twins: [Twin; 4] = [
        ("'findings' is a required property", |report| remove(&mut report["decision"], "findings")),
        ("'more' was unexpected", |report| report["scan"]["matches"][0]["more"] = json!(1)),
        ("is not one of ['base', 'own', 'unknown']", |report| {
            report["scan"]["matches"][0]["origin"] = json!("elsewhere");
        }),
        ("1 was expected", |report| report["version"] = json!(2)),
    ];
    Judge::Report.refuses_twins(&documents[0], &twins);
}
