//! Many images at once, evidence in a file of its own, and what the first line says where something is wrong.

use crate::support::{Outcome, Port, Sandbox, harbour, oracle, port, run, sandbox};
use plimsoll_attest::testing::{Claims, GITHUB, Instance};
use plimsoll_model::Digest;
use plimsoll_oci::testing::{
    image::{BuiltImage, ImageBuilder, LayerBuilder},
    registry::{Fault, Options},
};
use serde_json::Value;
use std::{
    fs,
    io::Write as _,
    process::{Command, Stdio},
};

fn image(name: &str) -> BuiltImage {
    let layer = LayerBuilder::new()
        .file("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n")
        .file("etc/name", name);
    ImageBuilder::new().user("1000").layer(layer).build()
}

/// A registry with images, and somebody who signs SBOMs by the local key and verifies by it.
struct Fleet {
    sandbox: Sandbox,
    registry: Port,
}

impl Fleet {
    fn new() -> Self {
        Self { sandbox: sandbox(), registry: port(Options::default()) }
    }

    /// An image of this name.
    fn push(&self, name: &str) -> Digest {
        let (image, repository) = (image(name), format!("fleet/{name}"));
        for bytes in image.blobs.values() {
            self.registry.put_blob(&repository, bytes.clone());
        }
        let manifest = image.blobs[&image.manifest.digest].clone();
        self.registry.put_manifest(&repository, &image.manifest.media_type, manifest, Some("1"));
        image.manifest.digest
    }

    /// The same, with a signed SBOM attached.
    fn push_signed(&self, name: &str) -> Digest {
        let digest = self.push(name);
        let mut plimsoll = self.sandbox.plimsoll();
        run(plimsoll.args(["attest", &self.name(name), "--type", "sbom"])).expect_status(0);
        digest
    }

    fn name(&self, name: &str) -> String {
        self.registry.name(&format!("fleet/{name}:1"))
    }

    fn verify(&self, arguments: &[&str]) -> Outcome {
        run(&mut verify(&self.sandbox, arguments))
    }

    /// The lines about images, and the last line.
    #[track_caller]
    fn lines(&self, arguments: &[&str], status: i32) -> Vec<String> {
        let said = self.verify(arguments).expect_status(status).stdout;
        let is_row = |line: &&str| {
            let about = ["verified", "not verified", "undecided"];
            about.iter().any(|word| line.starts_with(word))
                || line.contains(" images, ")
                || line.contains(" image, ")
        };
        said.lines().filter(is_row).map(str::to_owned).collect()
    }
}

fn verify(sandbox: &Sandbox, arguments: &[&str]) -> Command {
    let mut plimsoll = sandbox.plimsoll();
    plimsoll.args(["-q", "verify", "--type", "sbom"]).args(arguments);
    plimsoll
}

fn read(sandbox: &Sandbox, path: &str) -> Value {
    serde_json::from_slice(&fs::read(sandbox.join(path)).unwrap()).unwrap()
}

#[test]
fn many_images_are_verified_in_the_order_in_which_they_are_named() {
    let fleet = Fleet::new();
    let (a, b) = (fleet.push_signed("a"), fleet.push("b"));
    let [one, two] = ["a", "b"].map(|name| fleet.name(name));
    let verified = format!("verified     {one}@{a}");
    let refused = format!("not verified {two}@{b}: no evidence: sbom: there is none");
    assert_eq!(
        fleet.lines(&[&one, &two, &one], 1),
        [
            &verified,
            &refused,
            &verified,
            "NOT VERIFIED: 3 images, 2 verified, 1 not verified, 0 undecided"
        ]
    );
    assert_eq!(
        fleet.lines(&[&one, &one, "--jobs", "1"], 0),
        [&verified, &verified, "VERIFIED: 2 images, 2 verified, 0 not verified, 0 undecided"]
    );
    // What is not there could not be judged, and that outweighs what is refused.
    let gone = fleet.name("gone");
    let lines = fleet.lines(&[&two, &gone, "-o", "table", "-o", "json=report.json"], 3);
    assert_eq!(lines[0], refused);
    assert!(lines[1].starts_with(&format!("undecided    {gone}: could not tell: ")), "{lines:?}");
    assert_eq!(lines[2], "UNDECIDED: 2 images, 0 verified, 1 not verified, 1 undecided");
    let report = read(&fleet.sandbox, "report.json");
    assert_eq!((&report["version"], &report["exitStatus"]), (&1.into(), &3.into()));
    let images = report["images"].as_array().unwrap();
    let told = |key: &str| images.iter().map(|image| image[key].clone()).collect::<Vec<_>>();
    assert_eq!(told("exitStatus"), [1, 3]);
    assert_eq!(told("fault"), ["absent", "could-not-tell"]);
    assert_eq!(told("digest"), [Value::from(b.to_string()), Value::Null]);
}

#[test]
fn the_same_digest_is_looked_up_once() {
    let fleet = Fleet::new();
    let digest = fleet.push_signed("a");
    let one = fleet.name("a");
    let pinned = fleet.registry.name(&format!("fleet/a@{digest}"));
    fleet.registry.take_log();
    fleet.lines(&[&one, &pinned, &one, &pinned], 0);
    let log = fleet.registry.take_log();
    let asked = |part: &str| log.iter().filter(|seen| seen.path.contains(part)).count();
    assert_eq!((asked("/manifests/1"), asked("/referrers/")), (1, 1), "{log:?}");
}

#[test]
fn a_list_comes_from_a_file_or_from_standard_input() {
    let fleet = Fleet::new();
    let digest = fleet.push_signed("a");
    let one = fleet.name("a");
    let list = format!("# ours\n\n{one}\n");
    fleet.sandbox.write("list", &list);
    let row = |place: &str| format!("verified     {one}@{digest} ({place}:3)");
    let last = "VERIFIED: 1 image, 1 verified, 0 not verified, 0 undecided";
    let lines = fleet.lines(&["--list", "list"], 0);
    assert_eq!(lines.first(), Some(&row("list")));
    assert_eq!(lines.last().unwrap(), last);
    let mut child = verify(&fleet.sandbox, &["--list", "-"]);
    let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(list.as_bytes()).unwrap();
    let said = child.wait_with_output().unwrap();
    assert_eq!(said.status.code(), Some(0));
    assert!(String::from_utf8(said.stdout).unwrap().starts_with(&row("standard input")));
    fleet.sandbox.write("list", format!("{one}\nno image\n"));
    let said = fleet.verify(&["--list", "list"]).expect_status(2).stderr;
    assert!(said.starts_with("error: list:2: malformed "), "{said}");
}

#[test]
fn a17_nothing_to_verify_is_no_pass() {
    let fleet = Fleet::new();
    fleet.push_signed("a");
    fleet.lines(&[&fleet.name("a")], 0);
    let said = fleet.verify(&[]).expect_status(2).stderr;
    assert!(said.contains("no image is named: there is nothing to verify"), "{said}");
    for (flag, text) in [("--list", "# none\n"), ("--kubernetes", "---\n"), ("--compose", "")] {
        fleet.sandbox.write("file", text);
        let said = fleet.verify(&[flag, "file"]).expect_status(3).stdout;
        assert_eq!(
            said.lines().last().unwrap(),
            "UNDECIDED: 0 images, 0 verified, 0 not verified, 0 undecided"
        );
    }
}

#[test]
fn compose_files_and_manifests_are_verified_whole() {
    let fleet = Fleet::new();
    let (a, b) = (fleet.push_signed("a"), fleet.push("b"));
    let [one, two] = ["a", "b"].map(|name| fleet.name(name));
    let base = fleet.registry.name("fleet");
    let compose = format!(
        "services:\n  web: {{image: '{base}/a:${{TAG:-1}}'}}\n  tool: {{build: .}}\n  db: {{image: '{base}/b:${{TAG}}'}}\n"
    );
    fleet.sandbox.write("compose.yaml", &compose);
    assert_eq!(
        fleet.lines(&["--compose", "compose.yaml"], 3),
        [
            format!("verified     {one}@{a} (compose.yaml:2:16, service web)"),
            "undecided    service tool (compose.yaml:3:9, service tool): could not tell: it is built here and names no image: build it, push it, and name it".to_owned(),
            format!("undecided    service db (compose.yaml:4:15, service db): could not tell: `{base}/b:${{TAG}}` depends on `${{TAG}}`, which is not set"),
            "UNDECIDED: 3 images, 1 verified, 0 not verified, 2 undecided".to_owned(),
        ]
    );
    let manifests = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec: {{template: {{spec: {{containers: [{{name: app, image: '{one}'}}]}}}}}}\n\
        ---\napiVersion: example.com/v1\nkind: Machine\nmetadata: {{name: hidden}}\nspec: {{parts: [{{containers: [{{image: '{two}'}}]}}]}}\n"
    );
    fleet.sandbox.write("app.yaml", &manifests);
    assert_eq!(
        fleet.lines(&["--kubernetes", "app.yaml"], 1),
        [
            format!("verified     {one}@{a} (app.yaml:4:58, Deployment web, container app)"),
            format!(
                "not verified {two}@{b} (app.yaml:9:38, Machine hidden): no evidence: sbom: there is none"
            ),
            "NOT VERIFIED: 2 images, 1 verified, 1 not verified, 0 undecided".to_owned(),
        ]
    );
    // A template is none that can be read, and nothing of it counts as good.
    fleet.sandbox.write("app.yaml", manifests.replace("kind: Machine", "kind: {{ .Values.kind }}"));
    let said = fleet.verify(&["--kubernetes", "app.yaml"]).expect_status(3);
    assert!(
        said.stderr.starts_with("error: cannot read the manifest `app.yaml`: 7:"),
        "{}",
        said.stderr
    );
    assert_eq!(said.stdout, "");
}

#[test]
fn an_evidence_file_answers_where_nobody_can_be_asked() {
    let fleet = Fleet::new();
    let (a, b) = (fleet.push_signed("a"), fleet.push("b"));
    let [one, two] = ["a", "b"].map(|name| fleet.name(name));
    fleet.verify(&[&one, &two, "--export", "e.tar"]).expect_status(1);
    fleet.verify(&[&one, &two, "--export", "again.tar"]).expect_status(1);
    let bytes = fs::read(fleet.sandbox.join("e.tar")).unwrap();
    assert!(bytes == fs::read(fleet.sandbox.join("again.tar")).unwrap());
    let Some(tar) = oracle("tar") else { return };
    let listed = run(fleet.sandbox.command(tar).args(["-tf", "e.tar"])).expect_status(0).stdout;
    assert_eq!(listed.lines().next(), Some("index.json"));
    assert!(listed.lines().skip(1).all(|line| line.starts_with("blobs/sha256/")), "{listed}");
    let place = fleet.registry.name("fleet");
    let Fleet { sandbox, registry } = fleet;
    drop(registry);

    let verify = |arguments: &[&str]| run(&mut verify(&sandbox, arguments));
    let said = verify(&["--offline", "--evidence", "e.tar"]).expect_status(1).stdout;
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines[0], format!("verified     {place}/a@{a}"));
    assert_eq!(lines[1], format!("not verified {place}/b@{b}: no evidence: sbom: there is none"));
    let pinned = format!("{place}/a@{a}");
    let said = verify(&["--evidence", "e.tar", &pinned]).expect_status(0).stdout;
    assert_eq!(said.lines().next().unwrap(), format!("subject {pinned}"));
    assert_eq!(said.lines().last(), Some("VERIFIED"));
    // What is not in the file was not looked for, and what a tag names the file does not say.
    let other = format!("{place}/c@{}", Digest::of(b"c"));
    let said = verify(&["--evidence", "e.tar", &other]).expect_status(3).stdout;
    assert_eq!(
        said.lines().next(),
        Some("could not tell: sbom: the evidence file: it says nothing about this digest")
    );
    let said = verify(&["--evidence", "e.tar", &one]).expect_status(2).stderr;
    assert!(said.contains("is named by a tag"), "{said}");
}

#[test]
fn nobody_is_believed_because_an_evidence_file_says_so() {
    let fleet = Fleet::new();
    fleet.push_signed("a");
    fleet.verify(&[&fleet.name("a"), "--export", "e.tar"]).expect_status(0);
    let bytes = fs::read(fleet.sandbox.join("e.tar")).unwrap();
    // Whoever has no key of his own believes nobody, unless he says that he believes the maker of the file.
    let stranger = sandbox();
    stranger.write("e.tar", &bytes);
    let verify = |arguments: &[&str]| run(&mut verify(&stranger, arguments));
    let said = verify(&["--evidence", "e.tar"]).expect_status(2).stderr;
    assert!(said.contains("there is nobody to believe"), "{said}");
    let trusting =
        ["--evidence", "e.tar", "--trust-evidence-file", "-o", "table", "-o", "json=r.json"];
    let said = verify(&trusting).expect_status(0).stdout;
    assert!(
        said.contains(
            "\ntrust as the maker of the evidence file chose it, by --trust-evidence-file\n"
        ),
        "{said}"
    );
    assert_eq!(read(&stranger, "r.json")["trust"]["chosenBy"], "evidence-file");
    // By another key, the same file proves nothing.
    let other = Fleet::new();
    other.push_signed("other");
    let key = fs::read(other.sandbox.join("home/state/plimsoll/key.pub")).unwrap();
    stranger.write("other.pub", key);
    let said = verify(&["--evidence", "e.tar", "--key", "other.pub"]).expect_status(1).stdout;
    assert!(said.contains(": not trusted: sbom: expected key sha256:"), "{said}");
    // Nor does it when a bit of it is not what it was.
    for at in [100, bytes.len() / 2, bytes.len() - 1] {
        let mut twin = bytes.clone();
        twin[at] ^= 1;
        stranger.write("e.tar", twin);
        let said = verify(&trusting[..3]).expect_status(3).stderr;
        assert!(said.starts_with("error: cannot read the evidence file: "), "{said}");
    }
    stranger.write("e.tar", "");
    verify(&trusting[..3]).expect_status(3);
    let said = run(stranger.plimsoll().args(["verify", "a.io/b", "--trust-evidence-file"]))
        .expect_status(2);
    assert!(said.stderr.contains("--evidence <FILE>"), "{}", said.stderr);
}

#[test]
fn what_could_not_be_told_is_packed_as_that() {
    let fleet = Fleet::new();
    fleet.push_signed("a");
    fleet.registry.misbehave(|seen| {
        let refusal = Fault::Answer {
            status: 500,
            headers: vec![("retry-after", "0".to_owned())],
            body: Vec::new().into(),
        };
        seen.path.contains("/referrers/").then_some(refusal)
    });
    fleet.verify(&[&fleet.name("a"), "--export", "e.tar"]).expect_status(3);
    fleet.registry.behave();
    let said = fleet.verify(&["--evidence", "e.tar"]).expect_status(3).stdout;
    assert!(said.contains(": could not tell: sbom: "), "{said}");
}

/// The bundle of an image, signed without a key by a job of `acme/app`.
struct Signed {
    sandbox: Sandbox,
    bundle: String,
    identity: String,
}

impl Signed {
    fn new() -> Self {
        let (sandbox, harbour) = (sandbox(), harbour());
        image("a").write_layout(&sandbox.join("a"), Some("1"));
        image("b").write_layout(&sandbox.join("b"), Some("1"));
        let mut plimsoll = sandbox.plimsoll();
        plimsoll.args(["attest", "oci-layout:a:1", "--type", "sbom", "--bundles", "bundles"]);
        plimsoll.args(harbour.arguments(&sandbox, Instance::RekorV1)).envs(harbour.environment());
        let said = run(&mut plimsoll).expect_status(0).stdout;
        let bundle = said.split(' ').next().unwrap().to_owned();
        Self { sandbox, bundle, identity: Claims::github("acme/app").identity() }
    }

    /// The first line about an image by its bundle, where this identity is believed, and what the report says is wrong.
    #[track_caller]
    fn first_line(
        &self,
        subject: &str,
        identity: &str,
        more: &[&str],
        status: i32,
    ) -> (String, Value) {
        let mut plimsoll = verify(&self.sandbox, &[subject, "--bundle", &self.bundle]);
        plimsoll.args(["--identity", identity, "--issuer", GITHUB]).args(more);
        let said = run(plimsoll.args(["-o", "table", "-o", "json=r.json"])).expect_status(status);
        let report = read(&self.sandbox, "r.json");
        let line = said.stdout.lines().next().unwrap().to_owned();
        assert_eq!(report["refusal"].as_str().is_some_and(|refusal| refusal == line), status != 0);
        (line, report["fault"].clone())
    }
}

#[test]
fn the_first_line_says_whether_repository_ref_digest_or_trust_is_wrong() {
    let signed = Signed::new();
    let identity = signed.identity.as_str();
    let root = ["--trusted-root", "trusted_root.json"];
    let (line, fault) = signed.first_line("oci-layout:a:1", identity, &root, 0);
    assert!(line.starts_with("subject oci-layout:a@sha256:"), "{line}");
    assert_eq!(fault, Value::Null);

    let other = identity.replace("acme/app", "acme/other");
    let (line, fault) = signed.first_line("oci-layout:a:1", &other, &root, 1);
    let found =
        format!("found {identity} (issuer {GITHUB}): identity `{identity}` instead of `{other}`");
    assert_eq!(
        line,
        format!("wrong repository: sbom: expected identity {other} by {GITHUB}, {found}")
    );
    assert_eq!(fault, "repository");

    let (workflow, _) = identity.split_once('@').unwrap();
    let other = format!("{workflow}@refs/tags/v1");
    let (line, fault) = signed.first_line("oci-layout:a:1", &other, &root, 1);
    let found =
        format!("found {identity} (issuer {GITHUB}): identity `{identity}` instead of `{other}`");
    assert_eq!(line, format!("wrong ref: sbom: expected identity {other} by {GITHUB}, {found}"));
    assert_eq!(fault, "ref");

    let (line, fault) = signed.first_line("oci-layout:b:1", identity, &root, 1);
    let (a, b) = (image("a").manifest.digest, image("b").manifest.digest);
    assert!(
        line.starts_with(&format!("wrong digest: sbom: expected a subject with {b}, found ")),
        "{line}"
    );
    assert!(line.contains(&a.to_string()), "{line}");
    assert_eq!(fault, "digest");

    let (line, fault) = signed.first_line("oci-layout:a:1", identity, &[], 1);
    assert!(line.starts_with("not trusted: sbom: expected "), "{line}");
    assert_eq!(fault, "trust");
}
