//! The lock afterwards: whether it is signed, what moved at the registries, and which builds are to be done again.

use super::{BASE_FILES, Dock, NO_KEY, POLICY, UNDECIDED, advisory, app, base_with, built, lowest};
use crate::support::{Registry, registry};
use plimsoll_attest::signers::{KeyKind, KeySigner, create_key_file};
use plimsoll_oci::testing::image::{BuiltImage, ImageBuilder, LayerBuilder};
use serde_json::{Value, json};

#[test]
fn a_lock_is_verified_offline_by_signature_and_day() {
    let dock = Dock::new();
    let verify = ["base", "verify", "--offline", "-o", "json"];
    let outcome = dock.plimsoll(&verify).expect_status(0);
    let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(report["exitStatus"], 0);
    let [entry] = &report["entries"].as_array().unwrap()[..] else { panic!() };
    assert_eq!(
        (&entry["expired"], &entry["overtakenBy"], &entry["served"]["state"]),
        (&json!(false), &Value::Null, &json!("not-asked"))
    );
    // A bit of the lock, and the lock of somebody else.
    let text = std::fs::read_to_string(dock.sandbox.join("bases.lock")).unwrap();
    let payload = text.find("\"payload\"").unwrap() + 30;
    let mut bytes = text.clone().into_bytes();
    bytes[payload] = if bytes[payload] == b'A' { b'B' } else { b'A' };
    for forged in [bytes, std::fs::read(Dock::new().sandbox.join("bases.lock")).unwrap()] {
        dock.sandbox.write("bases.lock", forged);
        dock.plimsoll(&verify).expect_status(3);
    }
    dock.sandbox.write("bases.lock", text);
    dock.plimsoll(&verify).expect_status(0);
}

#[test]
fn approvals_by_digest_alone_do_not_overtake_each_other() {
    let dock = Dock::new();
    let images = [base_with("one"), base_with("two")];
    for image in &images {
        dock.lay(image);
        let name = format!("docker.io/library/tool@{}", image.manifest.digest);
        let approve = ["base", "approve", "oci-layout:image:1", "--approver", "test"];
        let own = ["--as", &name, "--lock", "own.lock"];
        dock.plimsoll(&[&approve[..], &own].concat()).expect_status(0);
    }
    let of_lock = |command: &str, name: &str| {
        let arguments = ["base", command, "--lock", "own.lock", "-o", "json"];
        let offline: &[&str] = if command == "list" { &[] } else { &["--offline"] };
        let outcome = dock.plimsoll(&[&arguments, offline].concat()).expect_status(0);
        let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
        let entries = report["entries"].as_array().unwrap();
        entries.iter().map(|entry| entry[name].clone()).collect::<Vec<_>>()
    };
    assert_eq!(of_lock("verify", "overtakenBy"), [Value::Null, Value::Null]);
    assert_eq!(of_lock("list", "replaces"), [Value::Null, Value::Null]);
    // No tag could stand for another image: of digests everything is known offline.
    let outdated = ["base", "outdated", "--lock", "own.lock", "--offline"];
    let said = dock.plimsoll(&outdated).expect_status(0).stdout;
    assert_eq!(said, "nothing rests on a base that is outdated\n");
}

#[test]
fn a_lock_that_the_key_for_outages_has_signed_is_not_believed() {
    let dock = Dock::new();
    for name in ["outage", "own"] {
        let key = KeySigner::generate(KeyKind::EcdsaP256).unwrap();
        let path = dock.sandbox.join(format!("{name}.pem"));
        create_key_file(&path, &key, None).unwrap();
        dock.sandbox.write(format!("{name}.pub"), key.public_key().to_pem());
        let lock = format!("{name}.lock");
        dock.approve(&dock.base, &["--key", path.as_str(), "--lock", &lock]).expect_status(0);
    }
    let list = |lock: &str, evidence: &str, status: i32| {
        dock.sandbox.write("plimsoll.yaml", format!("{POLICY}evidence: {{{evidence}}}\n"));
        dock.plimsoll(&["base", "list", "--lock", lock]).expect_status(status);
    };
    let queue = "outage: {queue: {key: outage.pub}}";
    list("outage.lock", "signers: [{key: outage.pub}]", 0);
    list("outage.lock", &format!("signers: [{{key: outage.pub}}], {queue}"), NO_KEY);
    let both = format!("signers: [{{key: outage.pub}}, {{key: own.pub}}], {queue}");
    list("own.lock", &both, 0);
    list("outage.lock", &both, UNDECIDED);
    // Where nobody else is listed the local key is not believed in its place.
    list("bases.lock", queue, 0);
    list("bases.lock", &format!("signers: [{{key: outage.pub}}], {queue}"), NO_KEY);
    // Nor does it count for being the local key.
    let local = dock.sandbox.join("home/state/plimsoll/key.pub");
    dock.sandbox.write("outage.pub", std::fs::read(local).unwrap());
    list("bases.lock", queue, NO_KEY);
}

/// A lock about `base:1` in a registry.
fn moored(dock: &Dock, registry: &Registry, image: &BuiltImage, approve: &[&str]) -> Option<()> {
    dock.lay(image);
    let name = registry.push(&dock.sandbox.join("image"), "1", "base:1")?;
    if !approve.is_empty() {
        let arguments = ["base", "approve", &name, "--approver", "test", "--lock", "own.lock"];
        dock.plimsoll(&arguments).expect_status(0);
    }
    Some(())
}

#[test]
fn what_moved_in_the_registry_is_told_and_a_registry_that_does_not_answer_is_undecided() {
    let (dock, Some(registry)) = (Dock::new(), registry()) else { return };
    let Some(()) = moored(&dock, &registry, &dock.base, &["approve"]) else { return };
    let verify = ["base", "verify", "--lock", "own.lock", "-o", "json"];
    let served = |status: i32| {
        let outcome = dock.plimsoll(&verify).expect_status(status);
        let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
        report["entries"][0]["served"].clone()
    };
    assert_eq!(served(0), json!({"state": "same"}));
    let outdated = ["base", "outdated", "--lock", "own.lock", "-o", "json"];
    dock.plimsoll(&outdated).expect_status(0);
    // The tag goes to another image.
    let newer = base_with("newer");
    moored(&dock, &registry, &newer, &[]).unwrap();
    assert_eq!(served(1), json!({"state": "moved", "serves": newer.manifest.digest}));
    let outcome = dock.plimsoll(&outdated).expect_status(1);
    let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let expect = json!({"digest": newer.manifest.digest, "approved": null});
    assert_eq!(report["outdated"][0]["newer"], expect);
    // Approved anew, the old approval is history.
    moored(&dock, &registry, &newer, &["approve"]).unwrap();
    let outcome = dock.plimsoll(&verify).expect_status(0);
    let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let entries = report["entries"].as_array().unwrap();
    let overtaken =
        entries.iter().find(|entry| entry["digest"] == json!(dock.base.manifest.digest));
    assert_eq!(overtaken.unwrap()["overtakenBy"], json!(newer.manifest.digest));
    // Unless a build rests on it, which without a ledger nobody knows.
    let outcome = dock.plimsoll(&outdated).expect_status(3);
    let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let [old] = &report["outdated"].as_array().unwrap()[..] else { panic!("{report}") };
    assert_eq!(old["newer"]["digest"], json!(newer.manifest.digest));
    assert_eq!((&old["rebuild"], &report["exitStatus"]), (&Value::Null, &json!(3)));
    let said = dock.plimsoll(&outdated[..4]).expect_status(3).stdout;
    assert!(said.ends_with("\n  which builds rest on it is not known\n"), "{said}");
    drop(registry);
    dock.plimsoll(&verify).expect_status(3);
    dock.plimsoll(&outdated).expect_status(3);
    dock.plimsoll(&[&verify[..], &["--offline"]].concat()).expect_status(0);
}

#[test]
fn the_recorded_builds_on_a_base_that_was_overtaken_are_to_be_done_again() {
    let dock = Dock::new();
    dock.sandbox.write("plimsoll.yaml", format!("{POLICY}evidence: {{require: []}}\n"));
    let lowest = || lowest().file("var/lib/dpkg/status", BASE_FILES);
    let base = |tool: &str| {
        let tool = LayerBuilder::new().file("usr/bin/tool", tool);
        ImageBuilder::new().layer(lowest()).layer(tool).build()
    };
    dock.sandbox.write("advisories/a.json", advisory("base-files", "1").to_string());
    dock.approve(&base("old"), &["--advisories", "advisories"]).expect_status(0);
    let tool = LayerBuilder::new().file("usr/bin/tool", "old").created_by("RUN x");
    let app = built([lowest().created_by("ADD rootfs.tar /"), tool, app()]).build();
    dock.lay(&app);
    let run = ["run", "oci-layout:image:1", "--advisories", "advisories", "--ledger", "ledger"];
    dock.plimsoll(&run).expect_status(0);
    let outdated = ["base", "outdated", "--offline", "--ledger", "ledger", "-o", "json"];
    let report = |status: i32| {
        let outcome = dock.plimsoll(&outdated).expect_status(status);
        let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
        report["outdated"].as_array().unwrap().clone()
    };
    // Offline nobody knows what the tag of the newest approval stands for; those that it has overtaken are known.
    let [newest] = &report(3)[..] else { panic!() };
    assert_eq!(
        (&newest["digest"], &newest["newer"], &newest["untold"]),
        (&json!(base("old").manifest.digest), &Value::Null, &json!("no registry was asked"))
    );
    dock.approve(&base("newer"), &["--advisories", "advisories"]).expect_status(0);
    let report = report(3);
    let [old] = &report.iter().filter(|age| !age["newer"].is_null()).collect::<Vec<_>>()[..] else {
        panic!("{report:?}")
    };
    assert_eq!(old["digest"], json!(base("old").manifest.digest));
    assert_eq!(old["newer"]["digest"], json!(base("newer").manifest.digest));
    let [build] = &old["rebuild"].as_array().unwrap()[..] else { panic!("{old}") };
    assert_eq!(build["digest"], json!(app.manifest.digest));
    // A ledger that somebody names has to be there.
    let missing = ["base", "outdated", "--offline", "--ledger", "nowhere"];
    dock.plimsoll(&missing).expect_status(2);
}
