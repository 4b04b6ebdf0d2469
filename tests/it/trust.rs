//! Trusted roots by TUF: what is fetched is believed as far as it verifies and holds, and nothing stands in for it.

use crate::support::{Harbour, Outcome, Sandbox, harbour, run, sandbox};
use camino::{Utf8Path, Utf8PathBuf};
use plimsoll_attest::testing::{Claims, Fault, GITHUB, Instance, Role};
use plimsoll_oci::testing::image::{ImageBuilder, LayerBuilder};
use serde_json::{Value, json};
use std::{
    fs,
    process::{Command, Stdio},
};

/// A private instance whose root is known by TUF alone, and an image with a bundle that it has signed.
struct Desk {
    sandbox: Sandbox,
    harbour: Harbour,
    subject: String,
    bundle: Utf8PathBuf,
}

impl Desk {
    fn new() -> Self {
        let (sandbox, harbour) = (sandbox(), harbour());
        let layer = LayerBuilder::new().file("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n");
        let image = ImageBuilder::new().user("1000").layer(layer).build();
        image.write_layout(&sandbox.join("layout"), Some("1"));
        let subject = format!("oci-layout:{}:1", sandbox.join("layout"));
        let mut plimsoll = sandbox.plimsoll();
        plimsoll.args(["attest", &subject, "--type", "sbom", "--bundles", "bundles"]);
        plimsoll.args(harbour.arguments(&sandbox, Instance::RekorV1)).envs(harbour.environment());
        let said = run(&mut plimsoll).expect_status(0).stdout;
        let bundle = sandbox.join(said.split(' ').next().unwrap());
        fs::remove_file(sandbox.join("trusted_root.json")).unwrap();
        sandbox.write("root.json", harbour.tuf_root());
        harbour.take_log();
        Self { sandbox, harbour, subject, bundle }
    }

    /// A command about the private instance.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut plimsoll = self.sandbox.plimsoll();
        plimsoll.args(arguments).args(["--tuf-root", "root.json", "--tuf-url"]);
        plimsoll.arg(self.harbour.url("/tuf"));
        plimsoll
    }

    fn update(&self) -> Outcome {
        run(&mut self.command(&["trust", "update"]))
    }

    /// An update that is not waited for, because nothing will come.
    fn update_in_vain(&self) -> Outcome {
        run(&mut self.command(&["trust", "update", "--timeout", "1s"])).expect_status(3)
    }

    fn status(&self) -> Outcome {
        run(&mut self.command(&["trust", "status"]))
    }

    fn verify(&self, more: &[&str]) -> Outcome {
        let identity = Claims::github("acme/app").identity();
        let arguments =
            ["verify", &self.subject, "--bundle", self.bundle.as_str(), "--type", "sbom"];
        let believed = ["--offline", "--identity", &identity, "--issuer", GITHUB];
        run(&mut self.command(&[&arguments[..], &believed, more].concat()))
    }

    fn address(&self) -> String {
        self.harbour.url("/tuf/")
    }

    /// The one file that is kept.
    #[track_caller]
    fn kept(&self) -> Utf8PathBuf {
        let folder = self.sandbox.join("home/cache/plimsoll/trust");
        let files = folder.read_dir_utf8().unwrap().map(|entry| entry.unwrap().into_path());
        let kept: Vec<_> = files.filter(|path| path.extension() == Some("json")).collect();
        let [kept] = &kept[..] else { panic!("{kept:?}") };
        kept.clone()
    }
}

fn text(path: &Utf8Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn an_updated_root_verifies_offline_and_is_named_with_its_date() {
    let desk = Desk::new();
    let said = desk.update().expect_status(0).stdout;
    let held = "holds until 2045-01-01T00:00:00Z\n";
    assert_eq!(said, format!("{}: version 1, new, {held}", desk.address()));
    let said = desk.update().expect_status(0).stdout;
    assert_eq!(said, format!("{}: version 1, unchanged, {held}", desk.address()));
    desk.harbour.take_log();
    let verified = desk.verify(&[]).expect_status(0).stdout;
    let line = verified.lines().find(|line| line.starts_with("root ")).unwrap();
    let (known, rest) = line.split_once(", updated ").unwrap();
    assert_eq!(known, format!("root {}: version 1", desk.address()));
    assert!(rest.ends_with(&format!(" from {}, {}", desk.address(), held.trim())), "{rest}");
    let json = desk.verify(&["-o", "json"]).expect_status(0).stdout;
    let json: Value = serde_json::from_str(&json).unwrap();
    let instance = &json["trust"]["root"]["instances"][0];
    assert_eq!(
        (&instance["source"], &instance["from"], &instance["version"], &instance["expires"]),
        (&json!("updated"), &json!(desk.address()), &json!(1), &json!("2045-01-01T00:00:00Z"))
    );
    assert!(instance["date"].as_str().unwrap().starts_with("20"));
    let status = desk.status().expect_status(0).stdout;
    assert!(status.starts_with(&format!("{}: version 1, updated ", desk.address())), "{status}");
    assert_eq!(desk.harbour.take_log(), [], "nobody is asked but by an update");
}

#[test]
fn without_an_update_the_public_roots_are_those_that_are_built_in() {
    let desk = Desk::new();
    let status = run(desk.sandbox.plimsoll().args(["trust", "status"])).expect_status(0).stdout;
    assert_eq!(status, "sigstore.dev: built in, of 2026-10-23\nGitHub: built in, of 2026-10-23\n");
    let mut json = desk.sandbox.plimsoll();
    json.args(["trust", "status", "-o", "json"]);
    let json: Value = serde_json::from_str(&run(&mut json).expect_status(0).stdout).unwrap();
    let built_in = |name| json!({"name": name, "source": "built-in", "date": "2026-10-23"});
    assert_eq!(json["instances"], json!([built_in("sigstore.dev"), built_in("GitHub")]));
    // A file that is named, and the policy's, come first.
    let root = desk.sandbox.write("named.json", desk.harbour.trusted_root());
    desk.sandbox.write("plimsoll.yaml", "version: 1\nevidence: {trusted-root: named.json}\n");
    let identity = Claims::github("acme/app").identity();
    let mut verify = desk.sandbox.plimsoll();
    verify.args(["verify", &desk.subject, "--bundle", desk.bundle.as_str(), "--type", "sbom"]);
    verify.args(["--identity", &identity, "--issuer", GITHUB]);
    let said = run(&mut verify).expect_status(0).stdout;
    assert!(said.contains("\nroot named.json: from a file\n"), "{said}");
    let said = run(verify.args(["--trusted-root", root.as_str()])).expect_status(0).stdout;
    assert!(said.contains(&format!("\nroot {root}: from a file\n")), "{said}");
}

#[test]
fn a_policy_may_name_the_repository_and_a_job_signs_by_its_root() {
    let desk = Desk::new();
    let tuf = format!("{{url: \"{}\", root: root.json}}", desk.harbour.url("/tuf"));
    desk.sandbox.write("plimsoll.yaml", format!("version: 1\nevidence: {{tuf: {tuf}}}\n"));
    let config = desk.sandbox.write("config.json", desk.harbour.signing_config(Instance::RekorV1));
    let attest = || {
        let mut plimsoll = desk.sandbox.plimsoll();
        plimsoll.args([
            "attest",
            &desk.subject,
            "--type",
            "sbom",
            "--bundles",
            "more",
            "--keyless",
        ]);
        run(plimsoll.args(["--signing-config", config.as_str()]).envs(desk.harbour.environment()))
    };
    let cold = attest().expect_status(3).stderr;
    let expect = format!("error: there is no trusted root of `{}` yet\n", desk.address());
    assert!(cold.contains(&expect), "{cold}");
    run(desk.sandbox.plimsoll().args(["trust", "update"])).expect_status(0);
    attest().expect_status(0);
}

#[test]
fn f26_cold_and_out_of_reach_is_undecided() {
    let desk = Desk::new();
    let absent = format!("{}: never updated\n", desk.address());
    assert!(desk.status().expect_status(3).stdout.starts_with(&absent));
    let said = desk.verify(&[]).expect_status(3);
    assert_eq!(said.stdout, "");
    let hint =
        "hint: fetch it with `plimsoll trust update` and the same `--tuf-url` and `--tuf-root`\n";
    assert!(said.stderr.ends_with(hint), "{}", said.stderr);
    desk.harbour.misbehave(|_| Some(Fault::status(503)));
    let said = desk.update_in_vain();
    assert_eq!(said.stdout, "");
    assert!(said.stderr.contains("error: the TUF repository at "), "{}", said.stderr);
    // Nobody listens there at all.
    let mut nowhere = desk.sandbox.plimsoll();
    nowhere.args(["trust", "update", "--timeout", "1s", "--tuf-root", "root.json"]);
    run(nowhere.args(["--tuf-url", "http://127.0.0.1:9/"])).expect_status(3);
    let mut offline = desk.command(&["trust", "update", "--offline"]);
    let said = run(&mut offline).expect_status(2).stderr;
    assert!(said.starts_with("error: trusted roots can not be fetched: --offline forbids it\n"));
    // Warm, it works while the repository is away.
    desk.harbour.behave();
    desk.update().expect_status(0);
    desk.harbour.misbehave(|_| Some(Fault::Drop));
    desk.update_in_vain();
    desk.verify(&[]).expect_status(0);
}

#[test]
fn a21_f26_what_has_expired_is_not_believed_and_says_so() {
    let desk = Desk::new();
    desk.update().expect_status(0);
    desk.verify(&[]).expect_status(0);
    // A server that has nothing new any more, and what was kept of it then.
    let files = desk.harbour.change_tuf(|tuf| {
        tuf.set_end(Role::Timestamp, "2020-01-01T00:00:00Z");
        tuf.publish();
        tuf.files().clone()
    });
    let expect = "holds no more: its timestamp metadata expired at 2020-01-01T00:00:00Z, ";
    let hint = " days ago\nhint: fetch a new one with `plimsoll trust update`";
    let said = desk.update().expect_status(3).stderr;
    assert!(said.contains(expect) && said.contains(hint), "{said}");
    let kept = desk.kept();
    let mut old: Value = serde_json::from_str(&text(&kept)).unwrap();
    for (name, published) in [
        ("timestamp.json", "timestamp.json"),
        ("snapshot.json", "2.snapshot.json"),
        ("targets.json", "2.targets.json"),
    ] {
        old["files"][name] = String::from_utf8(files[published].clone()).unwrap().into();
    }
    fs::write(&kept, old.to_string()).unwrap();
    let said = desk.verify(&[]).expect_status(3);
    assert_eq!(said.stdout, "");
    assert!(said.stderr.contains(expect) && said.stderr.contains(hint), "{}", said.stderr);
    let status = desk.status().expect_status(3).stdout;
    assert!(status.contains(": not believed: ") && status.contains(expect), "{status}");
}

#[test]
fn a21_an_older_root_is_refused_and_the_newer_one_stays() {
    let desk = Desk::new();
    let old = desk.harbour.change_tuf(|tuf| tuf.files().clone());
    desk.harbour.change_tuf(plimsoll_attest::testing::Tuf::publish);
    desk.update().expect_status(0);
    let before = text(&desk.kept());
    desk.harbour.change_tuf(|tuf| tuf.set_files(old));
    let said = desk.update().expect_status(3).stderr;
    let expect = "rollback detected for timestamp: trusted version 2 > new version 1";
    assert!(said.contains(expect), "{said}");
    assert_eq!(text(&desk.kept()), before);
    desk.verify(&[]).expect_status(0);
}

#[test]
fn a22_a_role_or_target_that_leads_elsewhere_writes_nothing_there() {
    let desk = Desk::new();
    desk.harbour.change_tuf(|tuf| {
        tuf.delegate("../../../../evil");
        tuf.publish();
    });
    desk.update().expect_status(0);
    desk.kept();
    desk.harbour.change_tuf(|tuf| {
        tuf.set_digest("../../../evil");
        tuf.publish();
    });
    let said = desk.update().expect_status(3).stderr;
    assert!(said.contains("leads out of the repository"), "{said}");
    let asked = desk.harbour.take_log();
    assert!(asked.iter().all(|seen| seen.path.starts_with("/tuf/")), "{asked:?}");
    for place in ["evil", "evil.json", "home/evil.json", "home/cache/evil.json"] {
        assert!(!desk.sandbox.join(place).exists(), "{place}");
    }
}

#[test]
fn a23_a_mirror_is_shown_no_credentials() {
    let desk = Desk::new();
    let host = desk.harbour.url("");
    let host = host.trim_start_matches("http://");
    let auth = json!({"auths": {host: {"auth": "dXNlcjpwYXNzd29yZA=="}}}).to_string();
    let folder = desk.sandbox.join("home/.docker");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("config.json"), &auth).unwrap();
    let netrc = desk.sandbox.write("home/.netrc", "machine 127.0.0.1 login user password secret\n");
    let token = desk.sandbox.write("token", desk.harbour.token(&Claims::github("acme/app")));
    let mut update = desk.command(&["trust", "update"]);
    update.env("DOCKER_AUTH_CONFIG", &auth).env("NETRC", &netrc);
    update.env("PLIMSOLL_IDENTITY_TOKEN", &token).envs(desk.harbour.environment());
    run(&mut update).expect_status(0);
    let asked = desk.harbour.take_log();
    assert_eq!(asked.len(), 5, "{asked:?}");
    for seen in asked {
        assert_eq!(seen.method, "GET");
        let names: Vec<_> = seen.headers.keys().map(String::as_str).collect();
        assert_eq!(names, ["accept", "accept-encoding", "host", "user-agent"], "{}", seen.path);
    }
    let mut named = desk.sandbox.plimsoll();
    named.args(["trust", "update", "--tuf-root", "root.json", "--tuf-url"]);
    let said = run(named.arg(format!("http://user:secret@{host}/tuf/"))).expect_status(2).stderr;
    assert!(said.contains("error: cannot use the address of the TUF repository"), "{said}");
    assert!(!said.contains("secret"), "{said}");
    assert_eq!(desk.harbour.take_log(), []);
}

#[test]
fn e10_a_poisoned_cache_is_refused_and_mended_by_an_update() {
    let desk = Desk::new();
    desk.update().expect_status(0);
    let kept = desk.kept();
    let good = text(&kept);
    // Somebody puts in a root of his own, under good metadata.
    let mut poisoned: Value = serde_json::from_str(&good).unwrap();
    poisoned["files"]["targets/trusted_root.json"] = harbour().trusted_root().into();
    fs::write(&kept, poisoned.to_string()).unwrap();
    let said = desk.verify(&[]).expect_status(3).stderr;
    assert!(said.contains(&format!("error: will not use the trusted root at `{kept}`")), "{said}");
    let status = desk.status().expect_status(3).stdout;
    assert!(status.contains(": not believed: "), "{status}");
    let said = desk.update().expect_status(0).stderr;
    assert!(said.contains(&format!("what was kept in {kept} did not verify")), "{said}");
    desk.verify(&[]).expect_status(0);
}

#[test]
fn f30_updates_and_readers_at_once_disturb_nobody() {
    let desk = Desk::new();
    desk.update().expect_status(0);
    for _ in 0..3 {
        desk.harbour.change_tuf(plimsoll_attest::testing::Tuf::publish);
        let start =
            |arguments: &[&str]| desk.command(arguments).stdout(Stdio::null()).spawn().unwrap();
        let updates = [start(&["trust", "update", "-q"]), start(&["trust", "update", "-q"])];
        desk.verify(&[]).expect_status(0);
        for mut update in updates {
            assert!(update.wait().unwrap().success());
        }
    }
    let said = desk.status().expect_status(0).stdout;
    assert!(said.contains(": version 4, "), "{said}");
}
