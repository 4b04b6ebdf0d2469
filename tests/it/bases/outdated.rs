//! What building anew on a newer base clears: never more than is known.

use super::{Dock, POLICY, UNDECIDED, advisory, app, built, lowest};
use crate::support::registry;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use plimsoll_attest::signers::{KeyKind, KeySigner};
use plimsoll_oci::testing::image::{BuiltImage, ImageBuilder, LayerBuilder};
use serde_json::{Value, json};

const GATE: &str = "gate: {fail: [{malicious: true}]}\nevidence: {require: []}\n";
const NEWER_OF_THE_BASE: &str =
    "no build of the ledger is of the newer base, and `--scan` was not given";

/// A layer with packages of Debian.
fn packages(listed: &[(&str, &str)]) -> LayerBuilder {
    with_packages(lowest(), listed)
}

fn with_packages(layer: LayerBuilder, packages: &[(&str, &str)]) -> LayerBuilder {
    let package = |(name, version): &(&str, &str)| {
        format!(
            "Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n\n"
        )
    };
    layer.file("var/lib/dpkg/status", packages.iter().map(package).collect::<String>())
}

const OLD: [(&str, &str); 4] = [("alpha", "1"), ("beta", "1"), ("delta", "1"), ("epsilon", "1")];

fn old() -> LayerBuilder {
    packages(&OLD)
}

fn newer() -> LayerBuilder {
    packages(&[("alpha", "2"), ("beta", "1"), ("delta", "2"), ("gamma", "1"), ("zeta", "1")])
}

fn base(layer: LayerBuilder) -> BuiltImage {
    ImageBuilder::new().layer(layer).build()
}

/// What is put on top of the base has flaws of its own, and writes the list of Debian's packages again.
fn on_top() -> LayerBuilder {
    let package = r#"{"name": "own", "version": "1.0.0"}"#;
    let listed = [&OLD[..], &[("gamma", "1")]].concat();
    with_packages(app(), &listed).file("srv/node_modules/own/package.json", package)
}

/// A build on the older base that was recorded, and a newer base that was approved.
struct Overtaken {
    dock: Dock,
    newer: BuiltImage,
    app: BuiltImage,
}

fn overtaken(newer: LayerBuilder) -> Overtaken {
    let dock = Dock::new();
    dock.sandbox.write("plimsoll.yaml", format!("{POLICY}{GATE}"));
    let mut own = advisory("own", "9.0.0");
    own["affected"][0]["package"]["ecosystem"] = json!("npm");
    own["affected"][0]["ranges"][0]["type"] = json!("SEMVER");
    let of = |name: &str, fixed: &str| advisory(name, fixed);
    let records = [
        ("alpha", of("alpha", "2")),
        ("beta", of("beta", "9")),
        ("gamma", of("gamma", "9")),
        ("zeta", of("zeta", "9")),
        ("epsilon", of("epsilon", "9")),
        ("own", own),
    ];
    for (name, record) in records {
        dock.sandbox.write(format!("advisories/{name}.json"), record.to_string());
    }
    dock.approve(&base(old()), &["--advisories", "advisories"]).expect_status(0);
    let app = built([old(), on_top()]).build();
    dock.lay(&app);
    run(&dock, "image");
    let newer = base(newer);
    dock.approve(&newer, &["--advisories", "advisories"]).expect_status(0);
    Overtaken { dock, newer, app }
}

/// Records a run on a layout, whatever it comes to.
fn run(dock: &Dock, layout: &str) {
    let image = format!("oci-layout:{layout}:1");
    let arguments = ["run", &image, "--advisories", "advisories", "--ledger", "ledger"];
    let outcome = dock.plimsoll(&arguments);
    assert!(dock.sandbox.join("ledger").exists(), "{}", outcome.stderr);
}

impl Overtaken {
    /// Records a run on the newer base itself.
    fn record_newer(&self) {
        let layout = self.dock.sandbox.join("newer");
        self.newer.write_layout(&layout, Some("1"));
        run(&self.dock, "newer");
    }

    fn outdated(&self, more: &[&str]) -> Vec<String> {
        let arguments = ["base", "outdated", "--offline", "--ledger", "ledger"];
        let said = self.dock.plimsoll(&[&arguments[..], more].concat()).expect_status(3).stdout;
        said.lines().map(str::to_owned).collect()
    }

    /// The one build that is to be done again.
    #[track_caller]
    fn rebuild(&self, more: &[&str]) -> Value {
        let arguments = ["base", "outdated", "--offline", "--ledger", "ledger", "-o", "json"];
        let outcome = self.dock.plimsoll(&[&arguments[..], more].concat()).expect_status(3);
        let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
        let all = report["outdated"].as_array().unwrap().iter();
        let [age] = &all.filter(|age| !age["newer"].is_null()).collect::<Vec<_>>()[..] else {
            panic!("{report}")
        };
        let [rebuild] = &age["rebuild"].as_array().unwrap()[..] else { panic!("{report}") };
        assert_eq!(rebuild["digest"], json!(self.app.manifest.digest));
        rebuild.clone()
    }

    #[track_caller]
    fn untold(&self, more: &[&str], reason: &str) {
        let rebuild = self.rebuild(more);
        assert_eq!((&rebuild["clears"], &rebuild["clearsUntold"]), (&Value::Null, &json!(reason)));
    }

    /// The lock with something changed in it, signed by another key that is believed.
    fn changed_lock(&self, change: impl FnOnce(&mut Value)) -> [String; 4] {
        let text = std::fs::read_to_string(self.dock.sandbox.join("bases.lock")).unwrap();
        let envelope: Value = serde_json::from_str(&text).unwrap();
        let payload = STANDARD.decode(envelope["payload"].as_str().unwrap()).unwrap();
        let mut lock = serde_json::from_slice(&payload).unwrap();
        change(&mut lock);
        let key = KeySigner::generate(KeyKind::EcdsaP256).unwrap();
        self.dock.sandbox.write("own.pub", key.public_key().to_pem());
        let kind = envelope["payloadType"].as_str().unwrap();
        let signed =
            plimsoll_attest::sign_payload(kind, lock.to_string().as_bytes(), &key).unwrap();
        self.dock.sandbox.write("own.lock", signed.to_bytes());
        ["--lock", "own.lock", "--key", "own.pub"].map(str::to_owned)
    }
}

fn ids(changes: &Value) -> Vec<&str> {
    changes.as_array().unwrap().iter().map(|change| change["id"].as_str().unwrap()).collect()
}

const JUDGED: &[&str] = &["--advisories", "advisories"];

#[test]
fn what_comes_with_the_base_and_is_not_in_the_newer_one_is_cleared() {
    let case = overtaken(newer());
    case.record_newer();
    let rebuild = case.rebuild(JUDGED);
    let clears = &rebuild["clears"];
    assert_eq!(rebuild["clearsUntold"], Value::Null);
    // `own` and `gamma` are on top of the base, and stay; so the newer base brings `gamma` no flaw.
    assert_eq!(ids(&clears["findings"]), ["TEST-alpha", "TEST-epsilon"]);
    assert_eq!(ids(&clears["brings"]), ["TEST-zeta"]);
    assert_eq!(ids(&clears["untold"]), Vec::<&str>::new());
    assert_eq!((&clears["ofBase"], &clears["knownByBuild"]), (&json!(3), &json!("2")));
    let alpha = &clears["findings"][0];
    assert_eq!(alpha["package"], "pkg:deb/debian/alpha");
    assert_eq!((&alpha["versionsBefore"], &alpha["versionsAfter"]), (&json!(["1"]), &json!(["2"])));
    let lines = case.outdated(JUDGED);
    let from = lines.iter().position(|line| line.starts_with("  rebuild ")).unwrap();
    assert_eq!(
        lines[from + 1..from + 4],
        [
            "    clears 2 of 3 findings that come with the base: TEST-alpha (critical, pkg:deb/debian/alpha), TEST-epsilon (critical, pkg:deb/debian/epsilon)",
            "    brings 1: TEST-zeta (critical, pkg:deb/debian/zeta)",
            "  later releases of it are built, as of 2026-08-21: 13",
        ]
    );
}

#[test]
fn a_flaw_that_is_on_top_of_the_base_as_well_is_not_cleared() {
    let case = overtaken(newer());
    let twice = old();
    let own = |version: &str| {
        twice.clone().file(
            "usr/lib/node_modules/own/package.json",
            format!(r#"{{"name": "own", "version": "{version}"}}"#),
        )
    };
    case.dock.approve(&base(own("1.0.0")), JUDGED).expect_status(0);
    let app = built([own("1.0.0"), on_top()]).build();
    case.dock.lay(&app);
    run(&case.dock, "image");
    let newest = base(own("9.0.0"));
    case.dock.approve(&newest, JUDGED).expect_status(0);
    let case = Overtaken { newer: newest, app, ..case };
    case.record_newer();
    let clears = &case.rebuild(JUDGED)["clears"];
    assert_eq!(clears["ofBase"], 4);
    assert_eq!(ids(&clears["findings"]), Vec::<&str>::new());
}

#[test]
fn what_nobody_has_looked_at_is_not_known_and_never_nothing() {
    let case = overtaken(newer());
    case.untold(JUDGED, NEWER_OF_THE_BASE);
    let lines = case.outdated(JUDGED);
    let said = format!("    what that clears is not known: {NEWER_OF_THE_BASE}");
    assert!(lines.contains(&said), "{lines:?}");
    case.untold(&[], "there are no advisories (`plimsoll db update`)");
    case.record_newer();
    case.untold(&[], "there are no advisories (`plimsoll db update`)");
    // An index that somebody names has to be there.
    let missing = ["base", "outdated", "--offline", "--ledger", "ledger", "--db", "nowhere"];
    case.dock.plimsoll(&missing).expect_status(UNDECIDED);
}

#[test]
fn other_layers_than_were_approved_say_nothing() {
    let case = overtaken(newer());
    case.record_newer();
    let newer = json!(case.newer.manifest.digest);
    let other = json!(plimsoll_model::Digest::of(b"other"));
    let with = |is_newer: bool, key: &'static str, value: Value| {
        let newer = newer.clone();
        case.changed_lock(move |lock| {
            let bases = lock["bases"].as_array_mut().unwrap().iter_mut();
            let platforms = bases.map(|base| &mut base["platforms"][0]);
            for platform in platforms.filter(|one| (one["manifest"] == newer) == is_newer) {
                platform[key] = value.clone();
            }
        })
    };
    let judge = |lock: &[String; 4], reason: &str| {
        let lock: Vec<&str> =
            lock.iter().map(String::as_str).chain(JUDGED.iter().copied()).collect();
        case.untold(&lock, reason);
    };
    let other_newer = with(true, "diff_ids", json!([other]));
    judge(&other_newer, "what is known of the newer base is of other layers than were approved");
    let other_older = with(false, "diff_ids", json!([other]));
    judge(&other_older, "the layers in its record are not those of the base");
    let elsewhere = with(true, "platform", json!("linux/arm64"));
    judge(&elsewhere, "the newer base is not approved for linux/amd64");
}

#[test]
fn what_may_be_hidden_in_the_newer_base_is_not_cleared() {
    for (layer, reason) in [
        (
            newer().file("srv/node_modules/x/package.json", "{"),
            "1 files of the newer base could not be read",
        ),
        (
            with_packages(LayerBuilder::new(), &[("alpha", "2"), ("beta", "1"), ("gamma", "1")]),
            "3 packages of its kind in the newer base can not be evaluated",
        ),
    ] {
        let case = overtaken(layer);
        case.record_newer();
        let rebuild = case.rebuild(JUDGED);
        let clears = &rebuild["clears"];
        let untold = clears["untold"].as_array().unwrap();
        let epsilon = untold.iter().find(|one| one["id"] == "TEST-epsilon");
        assert_eq!(epsilon.unwrap()["reason"], reason, "{rebuild}");
        assert!(!ids(&clears["findings"]).contains(&"TEST-epsilon"), "{rebuild}");
    }
}

#[test]
fn a_newer_base_is_fetched_where_that_is_asked_for() {
    let Some(registry) = registry() else { return };
    let case = overtaken(newer());
    let dock = &case.dock;
    let approve = |layer: LayerBuilder| {
        let image = base(layer);
        dock.lay(&image);
        let name = registry.push(&dock.sandbox.join("image"), "1", "base:1")?;
        let arguments = ["base", "approve", &name, "--approver", "test", "--lock", "own.lock"];
        dock.plimsoll(&[&arguments[..], JUDGED].concat()).expect_status(0);
        Some(image)
    };
    let Some(_) = approve(old()) else { return };
    dock.sandbox
        .write("plimsoll.yaml", format!("{POLICY}{GATE}").replace("bases.lock", "own.lock"));
    let app = built([old(), on_top()]).build();
    dock.lay(&app);
    run(dock, "image");
    approve(newer()).unwrap();
    let outdated = |more: &[&str], status: i32| -> Value {
        let arguments =
            ["base", "outdated", "--lock", "own.lock", "--ledger", "ledger", "-o", "json"];
        let outcome = dock.plimsoll(&[&arguments[..], JUDGED, more].concat()).expect_status(status);
        let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
        let mut all = report["outdated"].as_array().unwrap().iter();
        let age = all.find(|age| !age["newer"].is_null()).unwrap().clone();
        age["rebuild"][0].clone()
    };
    assert_eq!(outdated(&[], 1)["clearsUntold"], NEWER_OF_THE_BASE);
    let clears = outdated(&["--scan"], 1)["clears"].clone();
    assert_eq!(ids(&clears["findings"]), ["TEST-alpha", "TEST-epsilon"]);
    assert_eq!((&clears["knownByBuild"], &clears["ofBase"]), (&Value::Null, &json!(3)));
    // What can not be fetched is not known.
    let offline = outdated(&["--scan", "--offline"], 3);
    assert_eq!(offline["clears"], Value::Null);
    drop(registry);
    let gone = outdated(&["--scan"], 3);
    assert_eq!(gone["clears"], Value::Null);
    assert!(gone["clearsUntold"].is_string(), "{gone}");
}
