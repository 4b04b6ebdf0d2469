//! What evidence states is judged, and not only that it is there.

use super::*;

const PASSED: &str = "<testsuites><testsuite name='unit' tests='2' failures='0'>\
    <testcase classname='app' name='starts'/><testcase classname='app' name='stops'/></testsuite></testsuites>";
const FAILED: &str = "<testsuites><testsuite name='unit' tests='2' failures='1'>\
    <testcase classname='app' name='starts'/><testcase classname='app' name='stops'><failure/></testcase>\
    </testsuite></testsuites>";

/// Writes a policy that believes the signer by his key.
fn policy(signer: &Signer, evidence: &str, rest: &str) {
    signer.sandbox.write("ours.pub", fs::read(&signer.public).unwrap());
    let text = format!(
        "version: 1\nevidence:\n  signers: [{{key: ours.pub, unlogged: accept}}]\n  {evidence}\n{rest}"
    );
    signer.sandbox.write("plimsoll.yaml", text);
}

/// Judges the image without stating anything, and says what stands in the way.
#[track_caller]
fn judge(signer: &Signer, subject: &str, status: i32) -> BTreeMap<String, String> {
    let mut plimsoll = signer.sandbox.plimsoll();
    plimsoll.args(["run", subject, "--no-attest", "--source", ".", "-o", "json=report.json"]);
    plimsoll.arg("--advisories").arg(root().join("examples/advisories"));
    run(&mut plimsoll).expect_status(status);
    in_the_way(&read(&signer.sandbox.join("report.json")))
}

fn state_tests(signer: &Signer, subject: &str, report: &str) -> Outcome {
    signer.sandbox.write("report.xml", report);
    let more = ["--type", "test-result", "--junit", "report.xml"];
    signer.try_attest(subject, &more)
}

#[test]
fn tests_that_passed_are_stated_and_required_and_tests_that_failed_block() {
    let Some(signer) = Signer::ecdsa() else { return };
    policy(&signer, "require: [tests]", "");
    let subject = layout(&signer);
    assert_eq!(judge(&signer, &subject, 1)["ATT-012"], "none");
    let verify = || run(signer.sandbox.plimsoll().args(["verify", &subject]));
    assert!(verify().expect_status(1).stdout.contains("tests: absent: there is none"));

    let said = state_tests(&signer, &subject, PASSED).expect_status(0).stdout;
    let sentence = "tests PASSED: 2 passed, 0 passed when run again, 0 skipped, 0 failed\n";
    assert!(said.ends_with(sentence), "{said}");
    assert!(verify().expect_status(0).stdout.contains("tests: present (1 verified)"));
    assert_eq!(judge(&signer, &subject, 0), BTreeMap::new());

    // One that failed outweighs the one that passed.
    let said = state_tests(&signer, &subject, FAILED).expect_status(0);
    assert!(said.stdout.ends_with("1 failed: app.stops\n"), "{}", said.stdout);
    assert!(
        said.stderr.contains("it is stated that the tests failed: tests FAILED"),
        "{}",
        said.stderr
    );
    let said = verify().expect_status(1).stdout;
    assert!(
        said.contains(
            "tests: absent: 2 candidates, none verifies; the closest fails at verdict: a failure"
        ),
        "{said}"
    );
    let found = judge(&signer, &subject, 1)["ATT-012"].clone();
    assert_eq!(found, "none that verifies; 2 candidates were refused");
}

#[test]
fn a_report_of_tests_that_is_none_is_refused_before_anything_is_signed() {
    let Some(signer) = Signer::ecdsa() else { return };
    let subject = layout(&signer);
    for (report, status, expect) in [
        ("<testsuite><testcase name='a'/>", 3, "`report.xml` is no report of tests"),
        ("<!DOCTYPE x [<!ENTITY a 'b'>]><testsuite/>", 3, "`report.xml` is no report of tests"),
        ("<testsuite/>", 2, "no test was run"),
        ("<testsuite><testcase name='a'><skipped/></testcase></testsuite>", 2, "no test was run"),
    ] {
        let refused = state_tests(&signer, &subject, report);
        let said = refused.expect_status(status).stderr;
        assert!(said.contains(expect), "{said}");
    }
    let said = signer.try_attest(&subject, &["--type", "test-result"]).expect_status(2).stderr;
    assert!(said.contains("hint: give the reports of the run"), "{said}");
    let said = signer.try_attest(&subject, &["--junit", "report.xml"]).expect_status(2).stderr;
    assert!(said.contains("hint: add `--type test-result`"), "{said}");
    let (none, _) = Verifier::new().verify(&subject, &signer.public, &["--type", "test-result"]);
    assert!(none.expect_status(1).stdout.contains("tests: absent: there is none"));
}

#[test]
fn b07_a_build_of_a_type_or_with_a_parameter_that_is_not_listed_blocks() {
    let Some(signer) = Signer::ecdsa() else { return };
    let subject = layout(&signer);
    signer.attach(&subject);
    let local = "https://github.com/plimsoll-dev/plimsoll/buildtypes/local/v1";
    let demand = |kind: &str| {
        format!(
            "require: [provenance, sbom, vulnerabilities]\n  provenance: {{build-types: [{kind}]}}"
        )
    };
    policy(&signer, &demand(local), "");
    assert_eq!(judge(&signer, &subject, 0), BTreeMap::new());
    policy(&signer, &demand("https://actions.github.io/buildtypes/workflow/v1"), "");
    assert_eq!(judge(&signer, &subject, 1)["ATT-002"], format!("`{local}`"));
    let source = "require: [provenance]\n  provenance: {repository: https://github.com/acme/app}";
    policy(&signer, source, "");
    assert_eq!(judge(&signer, &subject, 3)["ATT-003"], "the provenance does not say");
}

#[test]
fn b07_a_builder_is_bound_to_the_signer_and_a_verifier_to_his_summaries() {
    let Some(signer) = Signer::ecdsa() else { return };
    let subject = layout(&signer);
    signer.attach(&subject);
    policy(&signer, "require: [provenance, sbom, vulnerabilities]", "");
    assert_eq!(judge(&signer, &subject, 0), BTreeMap::new());
    let text = fs::read_to_string(signer.sandbox.join("plimsoll.yaml")).unwrap();
    let bound = "unlogged: accept, builders: [\"https://github.com/acme/ci/.github/workflows/*@refs/tags/*\"]";
    signer.sandbox.write("plimsoll.yaml", text.replace("unlogged: accept", bound));
    let found = judge(&signer, &subject, 1);
    assert_eq!(
        found.into_iter().collect::<Vec<_>>(),
        [("ATT-002".to_owned(), "none that verifies; 3 candidates were refused".to_owned())]
    );
}

#[test]
fn the_sbom_of_the_image_agrees_with_it_in_both_forms() {
    let Some(signer) = Signer::ecdsa() else { return };
    let subject = layout(&signer);
    signer.try_attest(&subject, &["--type", "sbom", "--type", "spdx"]).expect_status(0);
    policy(&signer, "require: [sbom]", "rules: {ATT-010: deny}\n");
    assert_eq!(judge(&signer, &subject, 0), BTreeMap::new());
}

#[test]
fn a_lock_file_that_is_not_the_attested_one_blocks() {
    let Some(signer) = Signer::ecdsa() else { return };
    let subject = layout(&signer);
    signer.sandbox.write("Cargo.lock", "version = 4\n");
    signer.attach(&subject);
    policy(&signer, "require: [provenance, sbom, vulnerabilities]", "rules: {ATT-013: deny}\n");
    assert_eq!(judge(&signer, &subject, 0), BTreeMap::new());
    signer.sandbox.write("Cargo.lock", "version = 4\n# another\n");
    assert_eq!(judge(&signer, &subject, 1)["ATT-013"], "`Cargo.lock`");
    // Nothing at hand contradicts nothing, and is not agreement either.
    fs::remove_file(signer.sandbox.join("Cargo.lock")).unwrap();
    let found = judge(&signer, &subject, 3);
    assert_eq!(found["ATT-013"], "no lock file and no image that both are known here and stated");
}

#[test]
fn b9_a_scan_that_is_too_old_blocks_however_well_it_is_signed() {
    let Some(signer) = Signer::ecdsa() else { return };
    let subject = layout(&signer);
    signer.attach(&subject);
    let demand = |age: &str| format!("require: [vulnerabilities]\n  max-scan-age: {age}");
    policy(&signer, &demand("1d"), "gate: {max-advisory-age: off}\n");
    assert_eq!(judge(&signer, &subject, 0), BTreeMap::new());
    policy(&signer, "require: []\n  max-scan-age: 1d", "gate: {max-advisory-age: off}\n");
    let other = signer.sandbox.join("other");
    image("1:1.2.13.dfsg-1").write_layout(&other, Some("1"));
    assert_eq!(judge(&signer, &format!("oci-layout:{other}:1"), 1)["ATT-009"], "none");
}
