//! Promotion: the digest stays, the evidence comes along, the tag moves last, and an interruption leaves no tag.

use crate::support::{Outcome, Port, Sandbox, port, root, run, sandbox};
use plimsoll_oci::testing::registry::{Fault, Options, ReferrersApi, Seen};
use std::{
    collections::BTreeSet,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
};

/// A registry with or without the referrers API.
fn open(referrers: ReferrersApi) -> Port {
    port(Options { referrers, ..Options::default() })
}

const POLICY: &str = "
version: 1
gate: {fail: [{severity: high}]}
evidence: {require: [provenance, sbom, vulnerabilities]}
promotion: {immutable-tags: ['v*']}
rules: {IMG-001: deny, IMG-002: warn}
";

struct Yard {
    sandbox: Sandbox,
    advisories: String,
}

impl Yard {
    fn new() -> Self {
        let sandbox = sandbox();
        sandbox.write("plimsoll.yaml", POLICY);
        let advisories = root().join("examples/advisories").to_string();
        let yard = Self { sandbox, advisories };
        yard.plimsoll(&["db", "import", &yard.advisories]).expect_status(0);
        yard
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.sandbox.plimsoll();
        command.args(arguments);
        command
    }

    fn plimsoll(&self, arguments: &[&str]) -> Outcome {
        run(&mut self.command(arguments))
    }

    /// Brings an example image with its evidence to a place.
    fn stow(&self, image: &str, to: &str) {
        let archive = format!("oci-archive:{}", root().join("examples/images").join(image));
        self.plimsoll(&["run", &archive, "--promote-to", to]).expect_status(0);
    }

    fn promote(&self, from: &str, to: &str) -> Outcome {
        self.plimsoll(&["promote", from, to])
    }
}

const APIS: [ReferrersApi; 2] = [ReferrersApi::Present, ReferrersApi::Absent];

#[test]
fn the_digest_stays_and_the_evidence_comes_along_with_and_without_the_referrers_api() {
    for (from_api, to_api) in APIS.iter().flat_map(|from| APIS.iter().map(move |to| (*from, *to))) {
        let (yard, source, destination) = (Yard::new(), open(from_api), open(to_api));
        let (from, to) = (source.name("build/app:2"), destination.name("prod/app:2"));
        yard.stow("good.tar", &from);
        yard.promote(&from, &to).expect_status(0);

        let digest = source.tag("build/app", "2").unwrap();
        assert_eq!(destination.tag("prod/app", "2"), Some(digest));
        assert_eq!(
            destination.manifest("prod/app", &digest),
            source.manifest("build/app", &digest)
        );
        yard.plimsoll(&["verify", &to]).expect_status(0);

        destination.take_log();
        yard.promote(&from, &to).expect_status(0);
        let writes: Vec<_> = destination.take_log().into_iter().filter(Seen::is_write).collect();
        assert_eq!(writes, [], "a second promotion uploads nothing");
    }
}

#[test]
fn between_registry_and_layout_both_ways() {
    let (yard, port) = (Yard::new(), open(ReferrersApi::Present));
    let (first, back) = (port.name("build/app:2"), port.name("prod/app:2"));
    yard.stow("good.tar", &first);
    yard.promote(&first, "oci-layout:hold:2").expect_status(0);
    yard.plimsoll(&["verify", "oci-layout:hold:2"]).expect_status(0);
    yard.promote("oci-layout:hold:2", &back).expect_status(0);
    yard.plimsoll(&["verify", &back]).expect_status(0);
    assert_eq!(port.tag("prod/app", "2"), port.tag("build/app", "2"));
    assert!(port.tag("prod/app", "2").is_some());
}

/// Starts a promotion that is stopped dead when it is about to write for the `nth` time; `None` when it wrote less often.
fn killed_at(yard: &Yard, port: &Port, (from, to): (&str, &str), nth: usize) -> Option<()> {
    let (reached, wait) = mpsc::channel();
    let written = Arc::new(AtomicUsize::new(0));
    port.misbehave(move |seen| {
        if !seen.is_write() || written.fetch_add(1, Ordering::SeqCst) + 1 < nth {
            return None;
        }
        // The program may be gone already, and the test with it.
        reached.send(()).ok();
        Some(Fault::Hang)
    });
    let mut child = yard
        .command(&["promote", from, to])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let was_reached = wait_for(&mut child, &wait);
    port.behave();
    was_reached.then_some(())
}

/// Whether the step was reached; the program is dead then, killed at it.
fn wait_for(child: &mut Child, reached: &mpsc::Receiver<()>) -> bool {
    loop {
        if reached.recv_timeout(std::time::Duration::from_millis(5)).is_ok() {
            child.kill().unwrap();
            child.wait().unwrap();
            return true;
        }
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "{status}");
            return false;
        }
    }
}

#[test]
fn f19_killed_at_any_step_there_is_no_tag_and_the_next_run_converges() {
    let (yard, port) = (Yard::new(), open(ReferrersApi::Absent));
    let from = port.name("build/app:2");
    yard.stow("good.tar", &from);
    let digest = port.tag("build/app", "2").unwrap();
    let mut steps = 0;
    loop {
        let repository = format!("prod/app-{steps}");
        let to = port.name(&format!("{repository}:2"));
        if killed_at(&yard, &port, (&from, &to), steps + 1).is_none() {
            break;
        }
        assert_eq!(port.tag(&repository, "2"), None, "killed at write {}", steps + 1);
        // Every third is taken up again: the others are stopped at the same kinds of request.
        if steps % 3 == 0 {
            yard.promote(&from, &to).expect_status(0);
            assert_eq!(port.tag(&repository, "2"), Some(digest));
            yard.plimsoll(&["verify", &to]).expect_status(0);
        }
        steps += 1;
    }
    // Three blobs, a manifest, the evidence with its fallback tag, the receipt and the tag are more than this.
    assert!(steps > 12, "a promotion writes {steps} times");
}

#[test]
fn c16_an_immutable_tag_does_not_move_to_another_digest() {
    let (yard, port) = (Yard::new(), open(ReferrersApi::Present));
    let to = port.name("prod/app:v1");
    yard.stow("good.tar", &to);
    let taken = port.tag("prod/app", "v1");
    yard.sandbox.write("plimsoll.yaml", POLICY.replace("IMG-001: deny", "IMG-001: off"));
    let base = format!("oci-archive:{}", root().join("examples/images/base.tar"));
    let refused = yard.plimsoll(&["run", &base, "--promote-to", &to]).expect_status(4);
    assert!(refused.stderr.contains("immutable by policy"), "{}", refused.stderr);
    assert_eq!(port.tag("prod/app", "v1"), taken);
    // The same digest is no move.
    yard.sandbox.write("plimsoll.yaml", POLICY);
    yard.stow("good.tar", &to);
}

#[test]
fn c10_a_tag_that_moves_after_it_was_read_changes_nothing() {
    let (yard, port) = (Yard::new(), open(ReferrersApi::Present));
    let (from, to) = (port.name("build/app:2"), port.name("prod/app:2"));
    yard.stow("good.tar", &from);
    let digest = port.tag("build/app", "2").unwrap();
    let evil = br#"{"schemaVersion":2,"manifests":[]}"#;
    let reads = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&reads);
    port.misbehave(move |seen| {
        let is_tag = seen.method != "PUT" && seen.path.ends_with("/build/app/manifests/2");
        let is_again = is_tag && counted.fetch_add(1, Ordering::SeqCst) > 0;
        is_again.then(|| Fault::Body(evil.to_vec().into()))
    });
    yard.promote(&from, &to).expect_status(0);
    assert_eq!(port.tag("prod/app", "2"), Some(digest));
    assert_eq!(reads.load(Ordering::SeqCst), 1, "a tag is read once");
}

#[test]
fn c13_referrers_that_are_withheld_are_not_taken_for_none() {
    let (yard, port) = (Yard::new(), open(ReferrersApi::Present));
    let (from, to) = (port.name("build/app:2"), port.name("prod/app:2"));
    yard.stow("good.tar", &from);
    for status in [403, 500] {
        port.misbehave(move |seen| {
            (seen.path.contains("/build/app/referrers/")).then(|| Fault::status(status))
        });
        yard.promote(&from, &to).expect_status(3);
        port.behave();
        assert_eq!(port.tag("prod/app", "2"), None);
    }
}

#[test]
fn policy_says_from_where_to_where() {
    let (yard, port) = (Yard::new(), open(ReferrersApi::Present));
    let from = port.name("build/app:2");
    yard.stow("good.tar", &from);
    let policy = POLICY.replace(
        "{immutable-tags",
        "{from: '127.0.0.1:*/build/*', to: '127.0.0.1:*/prod/*', immutable-tags",
    );
    yard.sandbox.write("plimsoll.yaml", policy);
    let refused = yard.promote(&from, &port.name("elsewhere/app:2")).expect_status(2);
    assert!(refused.stderr.contains("permits no promotion"), "{}", refused.stderr);
    yard.promote(&from, &port.name("prod/app:2")).expect_status(0);
    let untagged = yard.promote(&from, &port.name("prod/app")).expect_status(2);
    assert!(untagged.stderr.contains("names no tag"), "{}", untagged.stderr);
}

#[test]
fn what_a_promotion_leaves_at_the_destination() {
    let (yard, port) = (Yard::new(), open(ReferrersApi::Present));
    yard.stow("good.tar", &port.name("prod/app:2"));
    let verified =
        yard.plimsoll(&["verify", &port.name("prod/app:2"), "-o", "json"]).expect_status(0);
    let report: serde_json::Value = serde_json::from_str(&verified.stdout).unwrap();
    let types: BTreeSet<_> = report["candidates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|candidate| candidate["predicateType"].as_str().unwrap())
        .collect();
    let expect = BTreeSet::from([
        "https://cyclonedx.org/bom",
        "https://in-toto.io/attestation/vulns/v0.2",
        "https://slsa.dev/provenance/v1",
        "https://slsa.dev/verification_summary/v1",
    ]);
    assert_eq!(types, expect);
}

#[test]
fn a25_evidence_that_can_not_be_attached_is_not_said_to_be_and_the_build_is_recorded() {
    let (yard, port) = (Yard::new(), open(ReferrersApi::Present));
    let (from, to) = (port.name("build/app:2"), port.name("prod/app:2"));
    yard.stow("good.tar", &from);
    port.misbehave(|seen| {
        (seen.is_write() && seen.path.contains("/build/")).then(|| Fault::status(403))
    });
    let run = ["run", &from, "--promote-to", &to, "-o", "json=report.json"];
    let failed = yard.plimsoll(&run).expect_status(4);
    assert!(failed.stderr.contains("passed, but cannot attach the evidence"), "{}", failed.stderr);
    assert!(yard.sandbox.join("report.json").exists());
    assert_eq!(port.tag("prod/app", "2"), None);
    let list = yard.plimsoll(&["ledger", "list", "-o", "json"]).expect_status(0);
    let list: serde_json::Value = serde_json::from_str(&list.stdout).unwrap();
    assert_eq!(list["builds"][0]["subject"], port.name("build/app"));
    assert_eq!(list["builds"][0]["promotedTo"], serde_json::Value::Null);
    // What does not pass stays so.
    yard.sandbox.write("plimsoll.yaml", POLICY.replace("IMG-002: warn", "BASE-050: deny"));
    let undecided = yard.plimsoll(&run).expect_status(3);
    assert!(!undecided.stderr.contains("passed"), "{}", undecided.stderr);
}
