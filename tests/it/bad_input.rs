//! Input by an enemy, or by accident: a clear error that names what was attempted on what, the right exit status,
//! nothing half-written, and never "clean". Each case has its honest twin.

use crate::support::{Outcome, Sandbox, port, root, run, sandbox};
use plimsoll_model::Digest;
use plimsoll_oci::testing::{
    image::{BuiltImage, ImageBuilder, LayerBuilder},
    registry::{Fault, Login, Options},
};
use std::time::{Duration, Instant};

const OS_RELEASE: &str = "ID=debian\nVERSION_ID=\"12\"\n";
const STATUS: &str = "Package: zlib1g\nStatus: install ok installed\nArchitecture: amd64\nSource: zlib\nVersion: 1:1.2.13.dfsg-1\n\n";
const POLICY: &str = "version: 1\ngate: {fail: [{severity: high}]}\n";

fn layer() -> LayerBuilder {
    LayerBuilder::new().file("etc/os-release", OS_RELEASE).file("var/lib/dpkg/status", STATUS)
}

fn image(layer: LayerBuilder) -> BuiltImage {
    ImageBuilder::new().user("1000").healthcheck(&["CMD", "true"]).layer(layer).build()
}

struct Dock(Sandbox);

impl Dock {
    fn new() -> Self {
        let sandbox = sandbox();
        sandbox.write("plimsoll.yaml", POLICY);
        Self(sandbox)
    }

    fn plimsoll(&self, arguments: &[&str]) -> Outcome {
        run(self.0.plimsoll().args(arguments))
    }

    /// Runs the pipeline over an image, with a destination that must not come to be unless it passes.
    fn run(&self, image: &BuiltImage) -> Outcome {
        let hold = self.0.join("hold");
        image.write_layout(&hold, Some("1"));
        let advisories = root().join("examples/advisories");
        let outcome = self.plimsoll(&[
            "run",
            "oci-layout:hold:1",
            "--advisories",
            advisories.as_str(),
            "--promote-to",
            "oci-layout:prod:1",
        ]);
        assert_eq!(self.0.join("prod").exists(), outcome.status == 0, "{outcome:?}");
        outcome
    }
}

/// The image is refused with status 3, by a message that has all these words.
#[track_caller]
fn refused(image: &BuiltImage, words: &[&str]) {
    let outcome = Dock::new().run(image).expect_status(3);
    for word in words {
        assert!(outcome.stderr.contains(word), "`{word}` is not in:\n{}", outcome.stderr);
    }
    assert!(!outcome.stdout.contains("PASSED"), "{}", outcome.stdout);
}

/// The digest of the only layer.
fn only_layer(image: &BuiltImage) -> Digest {
    image.layers[0].digest
}

#[test]
fn the_honest_image_passes() {
    Dock::new().run(&image(layer())).expect_status(0);
}

#[test]
fn d7_layers_that_are_not_what_was_promised() {
    let good = image(layer());
    let blob = only_layer(&good);
    let name = blob.to_string();
    let length = good.blobs[&blob].len();
    for at in [0, length / 2, length - 1] {
        refused(&good.clone().flip(&blob, at), &[&name]);
        refused(&good.clone().truncate(&blob, at), &[&name]);
    }
    refused(&good.clone().change(&blob, |bytes| bytes.push(0)), &[&name]);
    refused(&good.without(&blob), &[&name]);
    refused(
        &image(layer().claim_diff_id(Digest::of(b"another"))),
        &["what the configuration promised"],
    );
    refused(&image(layer().claim_size(10_000_000_000)), &["10000000000"]);
}

#[test]
fn d1_paths_that_leave_the_root() {
    refused(&image(layer().entry(b'0', "../../etc/cron.d/x", "", b"x")), &["../../etc/cron.d/x"]);
}

#[test]
fn d2_links_in_a_circle_end() {
    let circle = layer().symlink("a", "b").symlink("b", "a").symlink("usr/lib/os-release", "/a");
    Dock::new().run(&image(circle)).expect_status(0);
    // A database behind a circle can not be read, which is not the same as none.
    let hidden = LayerBuilder::new()
        .file("etc/os-release", OS_RELEASE)
        .symlink("var/lib/dpkg/status", "/var/lib/dpkg/other")
        .symlink("var/lib/dpkg/other", "/var/lib/dpkg/status");
    Dock::new().run(&image(hidden)).expect_status(3);
}

#[test]
fn d5_a_bomb_is_put_out() {
    // 512 MiB of zeros in half a megabyte.
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let block = vec![0; 1 << 20];
    for _ in 0..512 {
        std::io::Write::write_all(&mut encoder, &block).unwrap();
    }
    refused(&image(layer().stored_as(encoder.finish().unwrap())), &["layer"]);
}

#[test]
fn d13_a_broken_package_database_is_undecided() {
    let with = |status: &[u8]| {
        image(
            LayerBuilder::new()
                .file("etc/os-release", OS_RELEASE)
                .file("var/lib/dpkg/status", status),
        )
    };
    for status in [&STATUS.as_bytes()[..60], b"\x00\x01\x02", &[0xff; 64]] {
        let outcome = Dock::new().run(&with(status)).expect_status(3);
        assert!(outcome.stdout.contains("/var/lib/dpkg/status"), "{}", outcome.stdout);
        assert!(outcome.stdout.contains("VUL-004"), "{}", outcome.stdout);
    }
    let rpm = image(
        LayerBuilder::new()
            .file("etc/os-release", "ID=fedora\nVERSION_ID=42\n")
            .file("usr/lib/sysimage/rpm/rpmdb.sqlite", "SQLite format 3\0 and then nothing"),
    );
    let outcome = Dock::new().run(&rpm).expect_status(3);
    assert!(outcome.stdout.contains("rpmdb.sqlite"), "{}", outcome.stdout);
}

#[test]
fn an_image_with_nothing_aboard_is_judged_and_one_of_an_unknown_distribution_is_not() {
    let unknown = image(
        LayerBuilder::new()
            .file("etc/os-release", "ID=nobody\n")
            .file("var/lib/dpkg/status", STATUS),
    );
    Dock::new().run(&unknown).expect_status(3);
}

#[test]
fn a_policy_file_that_is_wrong_says_where() {
    let dock = Dock::new();
    dock.0.write("plimsoll.yaml", "version: 1\ngates:\n  fail: []\n");
    let outcome = dock.run(&image(layer())).expect_status(2);
    assert!(outcome.stderr.contains("plimsoll.yaml:2:1"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("`gate`"), "{}", outcome.stderr);
}

#[test]
fn b14_a_policy_is_a_file_and_is_fetched_from_nowhere() {
    let dock = Dock::new();
    image(layer()).write_layout(&dock.0.join("hold"), Some("1"));
    for policy in ["https://policies.example/plimsoll.yaml", "http://127.0.0.1:1/plimsoll.yaml"] {
        let scan = ["--config", policy, "policy", "check"];
        let outcome = dock.plimsoll(&scan).expect_status(2);
        assert!(outcome.stderr.contains(policy), "{}", outcome.stderr);
    }
}

#[test]
fn no_advisories_are_no_clean_bill() {
    let dock = Dock::new();
    image(layer()).write_layout(&dock.0.join("hold"), Some("1"));
    let outcome = dock.plimsoll(&["scan", "oci-layout:hold:1"]).expect_status(3);
    assert!(outcome.stderr.contains("plimsoll db"), "{}", outcome.stderr);
    dock.0.write("broken/one.json", "{");
    dock.plimsoll(&["scan", "oci-layout:hold:1", "--advisories", "broken"]).expect_status(3);
    dock.0.write("torn.index", "PLIMSOLL");
    dock.plimsoll(&["scan", "oci-layout:hold:1", "--db", "torn.index"]).expect_status(3);
}

#[test]
fn a17_an_sbom_that_lists_nothing_is_no_clean_bill() {
    let dock = Dock::new();
    dock.0.write("empty.json", r#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":[]}"#);
    let advisories = root().join("examples/advisories");
    let scan = ["scan", "sbom:empty.json", "--advisories", advisories.as_str()];
    let outcome = dock.plimsoll(&scan).expect_status(3);
    assert!(outcome.stderr.contains("lists no components"), "{}", outcome.stderr);
}

#[test]
fn what_is_not_there_is_named() {
    let dock = Dock::new();
    for subject in ["oci-layout:nowhere", "oci-archive:nowhere.tar", "docker-archive:nowhere.tar"] {
        let outcome = dock.plimsoll(&["sbom", subject]);
        assert!([2, 3].contains(&outcome.status), "{outcome:?}");
        assert!(outcome.stderr.contains("nowhere"), "{}", outcome.stderr);
    }
    image(layer()).write_layout(&dock.0.join("hold"), Some("1"));
    let outcome = dock.plimsoll(&["sbom", "oci-layout:hold:2"]);
    assert!([2, 3].contains(&outcome.status) && outcome.stderr.contains('2'), "{outcome:?}");
    dock.plimsoll(&["sbom", "registry.example/UPPER:1"]).expect_status(2);
    dock.plimsoll(&["sbom", "--no-such-flag"]).expect_status(2);
}

#[test]
fn root_by_another_name_is_root() {
    let as_user = |user: &str| {
        // That there is another root at all is FS-004's.
        let toor = if user == "toor" { "toor:x:0:0::/:\n" } else { "" };
        let passwd = format!("root:x:0:0::/:\n{toor}app:x:1001:1::/:\n");
        let accounts = layer().file("etc/passwd", passwd);
        ImageBuilder::new().user(user).healthcheck(&["CMD", "true"]).layer(accounts).build()
    };
    Dock::new().run(&as_user("app")).expect_status(0);
    let outcome = Dock::new().run(&as_user("toor")).expect_status(1);
    assert!(outcome.stdout.contains("`toor`, which is user 0"), "{}", outcome.stdout);
    Dock::new().run(&as_user("nobody")).expect_status(3);
}

/// What comes of a registry that behaves like this.
fn against(fault: &Fault) -> (Outcome, Duration) {
    let registry = port(Options::default());
    let fault = fault.clone();
    registry.misbehave(move |_| Some(fault.clone()));
    let dock = Dock::new();
    let started = Instant::now();
    let subject = registry.name("team/app:1");
    let outcome = dock.plimsoll(&["--timeout", "1s", "sbom", &subject]).expect_status(3);
    let took = started.elapsed();
    assert!(outcome.stderr.contains("team/app"), "{}", outcome.stderr);
    assert_eq!(outcome.stdout, "");
    (outcome, took)
}

#[test]
fn f1_to_f5_a_registry_that_does_not_answer_as_it_should() {
    for (status, word) in [
        (401, "not logged in"),
        (403, "not allowed"),
        (404, "not found"),
        (429, "rate limited"),
        (500, "500"),
        (503, "503"),
    ] {
        let headers = vec![("retry-after", "0".to_owned())];
        let (outcome, _) = against(&Fault::Answer { status, headers, body: Vec::new().into() });
        let said = outcome.stderr.to_lowercase();
        assert!(said.contains(word) || said.contains(&status.to_string()), "{status}: {said}");
    }
    for fault in
        [Fault::Drop, Fault::Cut(3), Fault::Body("{}".into()), Fault::Body("no JSON".into())]
    {
        against(&fault);
    }
    let (_, took) = against(&Fault::Hang);
    assert!(took < Duration::from_mins(1), "{took:?}");
}

#[test]
fn c6_a_password_goes_to_its_registry_alone() {
    let start = |login| port(Options { login, ..Options::default() });
    let (ours, theirs) = (
        start(Login::Basic { username: "mate".to_owned(), password: "c4p5t4n".to_owned() }),
        start(Login::None),
    );
    let dock = Dock::new();
    let auth = serde_json::json!({"auths": {ours.addr().to_string(): {"username": "mate", "password": "c4p5t4n"}}});
    dock.0.write("auth.json", auth.to_string());
    let elsewhere = format!("http://{}/v2/team/app/manifests/1", theirs.addr());
    ours.misbehave(move |seen| {
        seen.headers.contains_key("authorization").then(|| Fault::Answer {
            status: 307,
            headers: vec![("location", elsewhere.clone())],
            body: Vec::new().into(),
        })
    });
    let subject = ours.name("team/app:1");
    let outcome = dock
        .plimsoll(&["-v", "-v", "--registry-auth", "auth.json", "sbom", &subject])
        .expect_status(3);
    let seen = theirs.take_log();
    assert!(seen.iter().all(|request| !request.headers.contains_key("authorization")), "{seen:?}");
    assert!(ours.take_log().iter().any(|request| request.headers.contains_key("authorization")));
    for text in [&outcome.stdout, &outcome.stderr] {
        assert!(!text.contains("c4p5t4n") && !text.contains("bWF0ZTpjNHA1dDRu"), "{text}");
    }
}

#[test]
fn e1_text_of_an_artifact_does_not_act_on_the_terminal() {
    let dock = Dock::new();
    let hostile = "\u{1b}]0;owned\u{7}\u{1b}[2J";
    let status = format!("Package: x{hostile}\nStatus: install ok installed\nVersion: 1\n\n");
    let built = image(
        LayerBuilder::new()
            .file(
                "etc/os-release",
                format!("ID=debian\nVERSION_ID=12\nPRETTY_NAME=\"{hostile}\"\n"),
            )
            .file("var/lib/dpkg/status", status)
            .file(&format!("srv/{hostile}/Cargo.lock"), "no toml"),
    );
    let outcome = dock.run(&built);
    let sbom = dock.plimsoll(&["-v", "-v", "sbom", "oci-layout:hold:1"]);
    for text in [outcome.stdout, outcome.stderr, sbom.stdout, sbom.stderr] {
        assert!(!text.contains(['\u{1b}', '\u{7}']), "{text:?}");
    }
}

#[test]
fn offline_opens_no_connection() {
    let registry = port(Options::default());
    let dock = Dock::new();
    let outcome =
        dock.plimsoll(&["--offline", "sbom", &registry.name("team/app:1")]).expect_status(3);
    assert!(outcome.stderr.contains("offline"), "{}", outcome.stderr);
    assert_eq!(registry.take_log(), []);
    assert_eq!(dock.plimsoll(&["--offline", "db", "update"]).status, 2);
}
