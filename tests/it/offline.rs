//! Verifying asks nobody: strace sees no call of the network, where the same image in a registry makes it see some.

use crate::support::{Harbour, Sandbox, harbour, oracle, port, run, sandbox};
use camino::{Utf8Path, Utf8PathBuf};
use plimsoll_attest::testing::{Claims, GITHUB, Instance};
use plimsoll_oci::testing::{
    image::{BuiltImage, ImageBuilder, LayerBuilder},
    registry::Options,
};
use std::fs;

/// An image in a layout with a bundle attached to it, signed without a key, and the same bundle as a file.
struct Evidence {
    sandbox: Sandbox,
    strace: Utf8PathBuf,
    image: BuiltImage,
    subject: String,
    bundle: Utf8PathBuf,
    /// By whom it is signed, and the authorities of those who signed it.
    believed: Vec<String>,
    /// The same authorities, as they were updated.
    updated: Vec<String>,
}

impl Evidence {
    #[track_caller]
    fn new() -> Option<Self> {
        let (sandbox, strace, harbour) = (sandbox(), oracle("strace")?, harbour());
        let layer = LayerBuilder::new().file("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n");
        let image = ImageBuilder::new().user("1000").layer(layer).build();
        image.write_layout(&sandbox.join("layout"), Some("1"));
        let subject = format!("oci-layout:{}:1", sandbox.join("layout"));
        attest(&sandbox, &harbour, &subject, &[]);
        let said = attest(&sandbox, &harbour, &subject, &["--bundles", "bundles"]);
        let bundle = sandbox.join(said.split(' ').next().unwrap());
        let root = sandbox.join("trusted_root.json");
        let identity = Claims::github("acme/app").identity();
        let believed = ["--identity", &identity, "--issuer", GITHUB, "--trusted-root"];
        let believed = [&believed[..], &[root.as_str()]].concat();
        let believed: Vec<String> = believed.into_iter().map(str::to_owned).collect();
        let (anchor, url) = (sandbox.write("root.json", harbour.tuf_root()), harbour.url("/tuf"));
        let tuf = ["--tuf-url", &url, "--tuf-root", anchor.as_str()].map(str::to_owned);
        run(sandbox.plimsoll().args(["trust", "update"]).args(&tuf)).expect_status(0);
        let updated = [&believed[..4], &tuf].concat();
        // The services are gone from here on: whoever asked them would be told nothing.
        Some(Self { sandbox, strace, image, subject, bundle, believed, updated })
    }

    /// The calls that Plimsoll makes of the network, each from its name on, when it ends with this status.
    #[track_caller]
    fn trace(&self, arguments: &[&str], believed: &[String], status: i32) -> Vec<String> {
        let whole = (0..ATTEMPTS).map(|_| self.try_trace(arguments, believed, status)).find(
            // Of a thread that the end of the process finds in a call, strace may not be able to tell in which: then it is
            // not known what was called, and the trace is made again.
            |calls| !calls.iter().any(|call| call.starts_with("???(")),
        );
        whole.expect("strace could tell every call in one of the traces")
    }

    #[track_caller]
    fn try_trace(&self, arguments: &[&str], believed: &[String], status: i32) -> Vec<String> {
        let trace = self.sandbox.join("trace");
        let mut strace = self.sandbox.command(&self.strace);
        // By seccomp strace stops at these calls alone, and hardly ever misses what a thread is in when it ends.
        strace.args(["-f", "--seccomp-bpf", "-e", "trace=network", "-o", trace.as_str()]);
        strace.arg(crate::support::bin()).args(arguments).args(believed);
        run(&mut strace).expect_status(status);
        calls(&trace)
    }
}

/// How often a trace is made before it is given up.
const ATTEMPTS: usize = 20;

#[track_caller]
fn attest(sandbox: &Sandbox, harbour: &Harbour, subject: &str, more: &[&str]) -> String {
    let mut plimsoll = sandbox.plimsoll();
    plimsoll.args(["attest", subject, "--type", "sbom"]).args(more);
    plimsoll.args(harbour.arguments(sandbox, Instance::RekorV1)).envs(harbour.environment());
    run(&mut plimsoll).expect_status(0).stdout
}

/// The calls of a trace; lines about threads and signals that come and go are none.
fn calls(trace: &Utf8Path) -> Vec<String> {
    let trace = fs::read_to_string(trace).unwrap();
    assert!(trace.contains("+++ exited with "), "strace saw no end: {trace}");
    let lines = trace.lines().map(|line| line.split_once(' ').unwrap().1.trim_start());
    lines
        .filter(|line| !line.starts_with("+++ ") && !line.starts_with("--- "))
        .map(str::to_owned)
        .collect()
}

/// Fails unless there is nothing but the pair of Unix sockets by which tokio tells itself of signals.
///
/// `socketpair(AF_UNIX, …)` connects a process with itself and reaches nobody else. Nothing is allowed beside it: no `socket`,
/// without which there is no `connect`, `bind` or `sendto` to anywhere.
#[track_caller]
fn assert_offline(calls: &[String]) {
    let is_allowed = |call: &&String| call.starts_with("socketpair(AF_UNIX, SOCK_STREAM|");
    let found: Vec<_> = calls.iter().filter(|call| !is_allowed(call)).collect();
    assert!(found.is_empty(), "{found:?}");
    assert!(calls.len() <= 1, "{calls:?}");
}

#[test]
fn evidence_is_verified_without_a_socket() {
    let Some(evidence) = Evidence::new() else { return };
    let digest = evidence.image.manifest.digest.to_string();
    let bundle = ["verify-bundle", "--bundle", evidence.bundle.as_str(), &digest];
    let image = ["verify", &evidence.subject, "--type", "sbom"];
    for arguments in [&bundle[..], &image] {
        assert_offline(&evidence.trace(arguments, &evidence.believed, 0));
        assert_offline(&evidence.trace(arguments, &evidence.updated, 0));
        // The authorities that are built in are not fetched either, and know nothing of this signer.
        let (built_in, _) = evidence.believed.split_at(4);
        assert_offline(&evidence.trace(arguments, built_in, 1));
    }
}

#[test]
fn an_evidence_file_is_verified_without_a_socket() {
    let Some(evidence) = Evidence::new() else { return };
    let mut export = evidence.sandbox.plimsoll();
    export.args(["verify", &evidence.subject, "--type", "sbom", "--export", "e.tar"]);
    run(export.args(&evidence.believed)).expect_status(0);
    let packed = ["verify", "--type", "sbom", "--evidence", "e.tar"];
    assert_offline(&evidence.trace(&packed, &evidence.believed, 0));
    assert_offline(&evidence.trace(&packed, &evidence.believed[..4], 1));
    // The image itself says which of them is meant.
    let image = [&packed[..], &[evidence.subject.as_str()]].concat();
    assert_offline(&evidence.trace(&image, &evidence.believed, 0));
}

#[test]
fn an_image_in_a_registry_is_asked_for_and_seen() {
    let Some(evidence) = Evidence::new() else { return };
    let registry = port(Options::default());
    let manifest = &evidence.image.manifest;
    for bytes in evidence.image.blobs.values() {
        registry.put_blob("build/app", bytes.clone());
    }
    let bytes = evidence.image.blobs[&manifest.digest].clone();
    registry.put_manifest("build/app", &manifest.media_type, bytes, Some("1"));
    let subject = registry.name("build/app:1");
    let arguments = ["verify", &subject, "--type", "sbom", "--bundle", evidence.bundle.as_str()];
    let calls = evidence.trace(&arguments, &evidence.believed, 0);
    let seen = |start: &str, part: &str| {
        let mut calls = calls.iter();
        assert!(calls.any(|call| call.starts_with(start) && call.contains(part)), "{calls:?}");
    };
    seen("socket(AF_INET, SOCK_STREAM|", "");
    seen("connect(", &format!("sin_port=htons({})", registry.addr().port()));
}
