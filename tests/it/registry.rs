//! `plimsoll registry audit` against Debian's docker-registry as it is installed, with a login, and with TLS; and against a
//! registry that lies.

use crate::support::{
    Guard, Outcome, RegistryOptions, Sandbox, oracle, port, registry_with, root, run, sandbox,
};
use plimsoll_oci::testing::registry::{Fault, Options};
use serde_json::Value;
use std::collections::BTreeMap;

/// Denies what is judged at all, and names what is private.
const POLICY: &str = "version: 1\nrules: {REG-002: {action: deny, private: ['*/**']}}\n";
/// `user` and `hunter2`, as `htpasswd -B` writes them.
const HTPASSWD: &str = "user:$2y$04$H920YUTXg2UGmStjmPFkI.DhPbivH3ILMDP2PZZhmUinMlUa9NSsS\n";

fn audit(sandbox: &Sandbox, arguments: &[&str]) -> Outcome {
    let mut command = sandbox.plimsoll();
    run(command.args(["registry", "audit", "-o", "json"]).args(arguments))
}

/// Of each rule that found something: whether it failed or could not tell, and what that came to.
fn findings(outcome: &Outcome) -> BTreeMap<String, String> {
    let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let findings = report["decision"]["findings"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let pair = |finding: &Value| {
        let title = text(&finding["title"]);
        let is_untold = [" can not be told", " was not looked at"];
        let is_untold = is_untold.iter().any(|end| title.ends_with(end));
        let outcome = if is_untold { "unknown" } else { "fail" };
        let said = format!("{outcome} {}", text(&finding["action"]));
        (text(&finding["rule"]), said)
    };
    findings.map(pair).collect()
}

#[track_caller]
fn check(outcome: &Outcome, expect: &[(&str, &str)]) {
    let expect: Vec<_> =
        expect.iter().map(|(rule, said)| ((*rule).to_owned(), (*said).to_owned())).collect();
    let found: Vec<_> = findings(outcome).into_iter().collect();
    assert_eq!(found, expect, "{}\n{}", outcome.stdout, outcome.stderr);
}

/// Pushes an image with skopeo.
fn fill(sandbox: &Sandbox, options: &[&str], reference: &str) -> Option<()> {
    let skopeo = oracle("skopeo")?;
    let from = format!("oci-archive:{}", root().join("examples/images/good.tar"));
    let mut command = sandbox.command(skopeo);
    command.args(["--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false"]);
    run(command.args(options).arg(from).arg(format!("docker://{reference}"))).expect_status(0);
    Some(())
}

#[test]
fn a_registry_as_installed_lets_everybody_in() {
    let Some(registry) = registry_with(&RegistryOptions::default()) else { return };
    let sandbox = sandbox();
    let (name, image) = (registry.reference("prod/app"), registry.reference("prod/app:1"));
    let Some(()) = fill(&sandbox, &[], &image) else { return };
    sandbox.write("plimsoll.yaml", POLICY);
    // Without consent nothing is tried, and that is said.
    let looked = audit(&sandbox, &[&name]).expect_status(1);
    check(
        &looked,
        &[
            ("REG-001", "fail warn"),
            ("REG-002", "fail deny"),
            ("REG-003", "unknown inform"),
            ("REG-004", "fail warn"),
            ("REG-005", "unknown inform"),
            ("REG-006", "fail inform"),
            ("REG-009", "unknown inform"),
            ("REG-010", "unknown inform"),
            ("REG-011", "unknown inform"),
        ],
    );
    let tried = audit(&sandbox, &[&name, "--probe-write"]).expect_status(1);
    check(
        &tried,
        &[
            ("REG-001", "fail warn"),
            ("REG-002", "fail deny"),
            ("REG-003", "fail deny"),
            ("REG-004", "fail warn"),
            ("REG-005", "fail warn"),
            ("REG-006", "fail inform"),
            ("REG-009", "fail deny"),
            ("REG-010", "unknown inform"),
            ("REG-011", "unknown inform"),
        ],
    );
    // The tag that was tried is gone, and so is the upload.
    let tags = audit(&sandbox, &[&image, "-q"]);
    assert!(!tags.stdout.contains("plimsoll-audit"), "{}", tags.stdout);
    let mut skopeo = sandbox.command(oracle("skopeo").unwrap());
    let tags = run(skopeo.args(["list-tags", "--tls-verify=false", &format!("docker://{name}")]));
    assert!(tags.stdout.contains("\"1\"") && !tags.stdout.contains("audit"), "{}", tags.stdout);
    assert_eq!(registry.uploads(), [""; 0]);
}

#[test]
fn a_registry_that_deletes_nothing_keeps_the_tag_that_was_tried_and_that_is_said() {
    let options = RegistryOptions { delete: false, ..RegistryOptions::default() };
    let Some(registry) = registry_with(&options) else { return };
    let sandbox = sandbox();
    let Some(()) = fill(&sandbox, &[], &registry.reference("prod/app:1")) else { return };
    let tried = audit(&sandbox, &[&registry.reference("prod/app:1"), "--probe-write"]);
    let tried = tried.expect_status(1);
    // Nobody may delete.
    assert!(!findings(&tried).contains_key("REG-009"), "{}", tried.stdout);
    assert!(tried.stdout.contains("the audit left tag `plimsoll-audit-"), "{}", tried.stdout);
}

#[test]
fn a_registry_with_a_login_passes() {
    let options = RegistryOptions { htpasswd: Some(HTPASSWD), ..RegistryOptions::default() };
    let Some(registry) = registry_with(&options) else { return };
    let sandbox = sandbox();
    let (name, image) = (registry.reference("prod/app"), registry.reference("prod/app:1"));
    let Some(()) = fill(&sandbox, &["--dest-creds=user:hunter2"], &image) else { return };
    sandbox.write("plimsoll.yaml", POLICY);
    let login = "{\"username\":\"user\",\"password\":\"hunter2\"}";
    let auths = format!("{{\"auths\":{{\"{}\":{login}}}}}", registry.address());
    let auth = sandbox.write("auth.json", auths);
    let with = ["--registry-auth", auth.as_str(), &name, "--probe-write"];
    let tried = audit(&sandbox, &with).expect_status(0);
    check(
        &tried,
        &[
            ("REG-001", "fail warn"),
            ("REG-005", "fail warn"),
            ("REG-006", "fail inform"),
            // The password stands in a file; what it allows can not be told.
            ("REG-008", "unknown warn"),
            ("REG-010", "unknown inform"),
            ("REG-011", "unknown inform"),
        ],
    );
    assert!(tried.stdout.contains("the password for the registry is kept in a file"));
    assert!(!tried.stdout.contains("hunter2"));
    // Who may push to what is approved.
    sandbox.write(
        "plimsoll.yaml",
        "version: 1\npromotion: {to: '127.0.0.1:*/prod/*'}\nrules: {REG-010: deny}\n",
    );
    let approved = audit(&sandbox, &with).expect_status(1);
    assert_eq!(findings(&approved)["REG-010"], "fail deny");
    // Without credentials nothing is known of the images, and what has to be is undecided.
    let anonymous = audit(&sandbox, &[&name, "--probe-write"]).expect_status(3);
    let said = findings(&anonymous);
    assert_eq!((said.get("REG-003"), said.get("REG-009")), (None, None), "{said:?}");
    assert_eq!(said["REG-007"], "unknown deny");
}

#[test]
fn tls_is_judged_by_the_authorities_of_this_machine() {
    let sandbox = sandbox();
    let Some(certificates) = certificates(&sandbox) else { return };
    let options = RegistryOptions { tls: Some(certificates), ..RegistryOptions::default() };
    let Some(registry) = registry_with(&options) else { return };
    // The same machine, by an address that is not taken for it: TLS is spoken.
    let port = registry.address().rsplit_once(':').unwrap().1;
    let name = format!("[::ffff:127.0.0.1]:{port}/prod/app");
    let unknown = audit(&sandbox, &[&name]).expect_status(1);
    assert_eq!(findings(&unknown)["REG-001"], "fail deny");
    assert!(unknown.stdout.contains("there is no secure connection"), "{}", unknown.stdout);
    assert_eq!(findings(&unknown)["REG-007"], "unknown deny");
    // Its authority is known to this machine.
    let mut command = sandbox.plimsoll();
    command.env("SSL_CERT_FILE", sandbox.join("ca.pem"));
    let known = run(command.args(["registry", "audit", "-o", "json", "--probe-write", &name]));
    assert_eq!(findings(&known).get("REG-001"), None, "{}", known.stdout);
    assert!(known.stdout.contains("pushing by everybody is allowed"), "{}", known.stdout);
    // That address is one of this machine's after all, to which nobody is sent on: the upload can not be given up, and that is said.
    assert!(known.stdout.contains("the audit left an unfinished upload behind"));
}

#[test]
fn tls_of_old_versions_is_found() {
    let sandbox = sandbox();
    let Some((_, key)) = certificates(&sandbox) else { return };
    let port = free_port();
    let accept = format!("127.0.0.1:{port}");
    let mut openssl = sandbox.command(oracle("openssl").unwrap());
    let certificate = sandbox.join("server.pem");
    openssl.args(["s_server", "-accept", &accept, "-cert", certificate.as_str(), "-key"]);
    openssl.args([key.as_str(), "-www", "-cipher", "ALL:@SECLEVEL=0", "-min_protocol", "TLSv1"]);
    let server = Guard::start(&mut openssl, &accept);
    let name = format!("[::ffff:127.0.0.1]:{port}/prod/app");
    let mut command = sandbox.plimsoll();
    command.env("SSL_CERT_FILE", sandbox.join("ca.pem"));
    let known = run(command.args(["registry", "audit", "-o", "json", &name]));
    drop(server);
    assert_eq!(findings(&known)["REG-001"], "fail deny", "{}", known.stderr);
    assert!(known.stdout.contains("TLS 1.1 or 1.0 is agreed to"), "{}", known.stdout);
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A certificate and its key for the loopback address, by an authority of its own in `ca.pem`.
fn certificates(sandbox: &Sandbox) -> Option<(camino::Utf8PathBuf, camino::Utf8PathBuf)> {
    let openssl = oracle("openssl")?;
    let extensions =
        "subjectAltName=IP:127.0.0.1,IP:::ffff:7f00:1,DNS:localhost\nextendedKeyUsage=serverAuth\n";
    sandbox.write("extensions", extensions);
    let new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"];
    for arguments in [
        [&["req", "-x509", "-days", "3", "-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.pem"], &new[..]].concat(),
        [&["req", "-new", "-subj", "/CN=r", "-keyout", "server.key", "-out", "server.csr"], &new[..]].concat(),
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -days 3 -extfile extensions -out server.pem"
            .split(' ')
            .collect(),
    ] {
        run(sandbox.command(&openssl).args(arguments)).expect_status(0);
    }
    Some((sandbox.join("server.pem"), sandbox.join("server.key")))
}

#[test]
fn c2_a_registry_that_lies_about_digests_blocks_and_its_words_are_made_printable() {
    let (sandbox, port) = (sandbox(), port(Options::default()));
    let type_ = "application/vnd.oci.image.index.v1+json";
    port.put_manifest("app", type_, r#"{"schemaVersion":2,"manifests":[]}"#, Some("1"));
    let lie = Fault::Answer {
        status: 200,
        headers: vec![("docker-content-digest", "sha256:\u{9b}2J".to_owned())],
        body: r#"{"schemaVersion":2,"manifests":[]}"#.into(),
    };
    port.misbehave(move |seen| seen.path.ends_with("/manifests/1").then(|| lie.clone()));
    let name = port.name("app:1");
    let found = audit(&sandbox, &[&name]).expect_status(1);
    assert_eq!(findings(&found)["REG-007"], "fail deny");
    for format in
        ["table", "markdown", "sarif", "junit", "csv", "html", "github", "gitlab-codequality"]
    {
        let mut command = sandbox.plimsoll();
        let shown = run(command.args(["registry", "audit", "-o", format, &name])).expect_status(1);
        assert!(shown.stdout.contains("REG-007"), "{format}: {}", shown.stdout);
        assert!(!shown.stdout.contains('\u{9b}'), "{format}: {}", shown.stdout);
    }
}

#[test]
fn no_answer_is_undecided_and_no_network_is_not_asked() {
    let (sandbox, port) = (sandbox(), port(Options::default()));
    let name = port.name("app:1");
    port.misbehave(|seen| (seen.path != "/v2/").then(|| Fault::status(403)));
    audit(&sandbox, &[&name, "--probe-write"]).expect_status(3);
    port.take_log();
    let offline = audit(&sandbox, &["--offline", &name]).expect_status(3);
    assert!(offline.stderr.contains("the network is not to be used"), "{}", offline.stderr);
    assert_eq!(port.take_log(), []);
    let wrong = audit(&sandbox, &["oci-layout:here"]).expect_status(2);
    assert!(wrong.stderr.contains("oci-layout:here"), "{}", wrong.stderr);
}
