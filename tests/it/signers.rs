//! Keys of every kind: what one program signs with a key, another verifies with its public half.

use crate::support::{Outcome, Sandbox, oracle, root, run, sandbox};
use base64::{Engine as _, prelude::BASE64_STANDARD as STANDARD};
use camino::{Utf8Path, Utf8PathBuf};
use plimsoll_oci::testing::image::{ImageBuilder, LayerBuilder};
use serde_json::{Value, json};
use std::fs;

const TYPE: &str = "application/vnd.in-toto+json";
const P256: &[&str] = &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
const P384: &[&str] = &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"];
const ED25519: &[&str] = &["-algorithm", "ED25519"];

/// A folder with an image, a key by openssl, and openssl.
struct Bench {
    sandbox: Sandbox,
    openssl: Utf8PathBuf,
    subject: String,
    private: Utf8PathBuf,
    public: Utf8PathBuf,
}

impl Bench {
    #[track_caller]
    fn new(options: &[&str]) -> Option<Self> {
        let (sandbox, openssl) = (sandbox(), oracle("openssl")?);
        let layout = sandbox.join("layout");
        let layer = LayerBuilder::new().file("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n");
        ImageBuilder::new().layer(layer).build().write_layout(&layout, Some("1"));
        let bench = Self {
            subject: format!("oci-layout:{layout}:1"),
            private: sandbox.join("key.pem"),
            public: sandbox.join("key.pub"),
            sandbox,
            openssl,
        };
        bench.openssl(&[&["genpkey"], options, &["-out", "key.pem"]].concat()).expect_status(0);
        bench.openssl(&["pkey", "-in", "key.pem", "-pubout", "-out", "key.pub"]).expect_status(0);
        Some(bench)
    }

    /// Runs openssl in the folder.
    fn openssl(&self, arguments: &[&str]) -> Outcome {
        run(self.sandbox.command(&self.openssl).args(arguments))
    }

    /// Has Plimsoll state what is aboard.
    fn attest(&self, key: &str) -> Outcome {
        let mut plimsoll = self.sandbox.plimsoll();
        plimsoll.args(["attest", &self.subject, "--type", "sbom", "--bundles", "bundles"]);
        run(plimsoll.args(["--key", key]))
    }

    /// The bundle that Plimsoll makes with a key.
    #[track_caller]
    fn bundle(&self, key: &str) -> Value {
        let said = self.attest(key).expect_status(0).stdout;
        let path = said.split(' ').next().unwrap();
        serde_json::from_slice(&fs::read(self.sandbox.join(path)).unwrap()).unwrap()
    }

    /// Has Plimsoll verify a bundle.
    fn verify(&self, bundle: &Value, key: &Utf8Path) -> Outcome {
        let path = self.sandbox.write("bundle.json", bundle.to_string());
        let mut plimsoll = self.sandbox.plimsoll();
        plimsoll.args(["verify", &self.subject, "--type", "sbom", "--bundle", path.as_str()]);
        run(plimsoll.args(["--key", key.as_str()]))
    }
}

/// What is signed of a bundle: `PAE` of DSSE.
fn message(bundle: &Value) -> Vec<u8> {
    let payload = STANDARD.decode(bundle["dsseEnvelope"]["payload"].as_str().unwrap()).unwrap();
    let head = format!("DSSEv1 {} {TYPE} {} ", TYPE.len(), payload.len());
    [head.into_bytes(), payload].concat()
}

fn signature(bundle: &Value) -> Vec<u8> {
    STANDARD.decode(bundle["dsseEnvelope"]["signatures"][0]["sig"].as_str().unwrap()).unwrap()
}

/// The bundle with another signature.
fn with_signature(bundle: &Value, signature: &[u8]) -> Value {
    let mut bundle = bundle.clone();
    let sig = STANDARD.encode(signature);
    bundle["dsseEnvelope"]["signatures"] = json!([{ "sig": sig, "keyid": "" }]);
    bundle
}

/// Signs here and verifies with openssl, then the other way; a changed bit is refused both ways.
#[track_caller]
fn check(options: &[&str], raw: &[&str]) {
    let Some(bench) = Bench::new(options) else { return };
    let bundle = bench.bundle(bench.private.as_str());
    let signed = message(&bundle);
    bench.sandbox.write("message", &signed);
    let verify = [
        &["pkeyutl", "-verify", "-pubin", "-inkey", "key.pub", "-rawin"],
        raw,
        &["-in", "message", "-sigfile", "signature"],
    ]
    .concat();
    bench.sandbox.write("signature", signature(&bundle));
    bench.openssl(&verify).expect_status(0);
    let mut wrong = signature(&bundle);
    *wrong.last_mut().unwrap() ^= 1;
    bench.sandbox.write("signature", &wrong);
    bench.openssl(&verify).expect_status(1);

    check_theirs(&bench, &bundle, raw);
}

/// Verifies here what openssl signs.
#[track_caller]
fn check_theirs(bench: &Bench, bundle: &Value, raw: &[&str]) {
    bench.sandbox.write("message", message(bundle));
    let sign = [
        &["pkeyutl", "-sign", "-inkey", "key.pem", "-rawin"],
        raw,
        &["-in", "message", "-out", "signature"],
    ]
    .concat();
    bench.openssl(&sign).expect_status(0);
    let mut theirs = fs::read(bench.sandbox.join("signature")).unwrap();
    bench.verify(&with_signature(bundle, &theirs), &bench.public).expect_status(0);
    *theirs.last_mut().unwrap() ^= 1;
    let refused = bench.verify(&with_signature(bundle, &theirs), &bench.public).expect_status(1);
    assert!(refused.stdout.contains("✗ "), "{}", refused.stdout);
    assert_eq!(refused.stdout.lines().last(), Some("NOT VERIFIED"));
}

#[test]
fn openssl_and_plimsoll_verify_each_other_on_p256() {
    check(P256, &["-digest", "sha256"]);
}

#[test]
fn openssl_and_plimsoll_verify_each_other_on_p384() {
    check(P384, &["-digest", "sha384"]);
}

#[test]
fn openssl_and_plimsoll_verify_each_other_with_ed25519() {
    check(ED25519, &[]);
}

#[test]
fn openssls_rsa_signatures_are_verified_and_none_is_made() {
    let Some(bench) = Bench::new(&["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]) else {
        return;
    };
    // The local key signs, and openssl signs the same with RSA.
    let mut plimsoll = bench.sandbox.plimsoll();
    plimsoll.args(["attest", &bench.subject, "--type", "sbom", "--bundles", "bundles"]);
    let said = run(&mut plimsoll).expect_status(0).stdout;
    let path = bench.sandbox.join(said.split(' ').next().unwrap());
    let bundle: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let mut hinted = bundle.clone();
    // Whose key it is the bundle says in a hint, which is another's now.
    hinted["verificationMaterial"]["publicKey"]["hint"] = "".into();
    check_theirs(&bench, &hinted, &["-digest", "sha256"]);

    let refused = bench.attest("key.pem").expect_status(2).stderr;
    let expect = "error: cannot use the key in `key.pem`: unsupported kind of key: RSA, expected ECDSA P-256, ECDSA P-384 or Ed25519\n";
    assert!(refused.starts_with(expect), "{refused}");
    // The same key with another padding, and over another hash.
    bench.sandbox.write("message", message(&hinted));
    let pss = ["-digest", "sha256", "-pkeyopt", "rsa_padding_mode:pss"];
    for raw in [&pss[..], &["-digest", "sha512"], &["-digest", "sha1"]] {
        let sign = [
            &["pkeyutl", "-sign", "-inkey", "key.pem", "-rawin"],
            raw,
            &["-in", "message", "-out", "signature"],
        ]
        .concat();
        bench.openssl(&sign).expect_status(0);
        let theirs = fs::read(bench.sandbox.join("signature")).unwrap();
        bench.verify(&with_signature(&hinted, &theirs), &bench.public).expect_status(1);
    }
}

#[test]
fn a19_an_rsa_key_of_1024_bits_verifies_nothing() {
    let Some(bench) = Bench::new(&["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"]) else {
        return;
    };
    let refused = bench.verify(&json!({}), &bench.public).expect_status(2).stderr;
    assert!(
        refused.contains("`: an RSA key of 1024 bits: expected 2048 to 4096\nhint: "),
        "{refused}"
    );
}

#[test]
fn keys_in_openssls_older_form_sign() {
    for curve in ["prime256v1", "secp384r1"] {
        let Some(bench) = Bench::new(P256) else { return };
        bench
            .openssl(&["ecparam", "-name", curve, "-genkey", "-out", "older.pem"])
            .expect_status(0);
        let pem = fs::read_to_string(bench.sandbox.join("older.pem")).unwrap();
        assert!(pem.contains("-----BEGIN EC PARAMETERS-----"), "{pem}");
        assert!(pem.contains("-----BEGIN EC PRIVATE KEY-----"), "{pem}");
        bench.openssl(&["ec", "-in", "older.pem", "-pubout", "-out", "older.pub"]).expect_status(0);
        let bundle = bench.bundle("older.pem");
        bench.verify(&bundle, &bench.sandbox.join("older.pub")).expect_status(0);
        bench.verify(&bundle, &bench.public).expect_status(1);
    }
}

/// Where Debian has the module of `SoftHSM`.
const SOFTHSM: &str = "/usr/lib/softhsm/libsofthsm2.so";

/// A token of `SoftHSM` with a key on it, and the command of the script that signs with it.
struct Token<'a> {
    bench: &'a Bench,
    configuration: Utf8PathBuf,
}

impl<'a> Token<'a> {
    #[track_caller]
    fn new(bench: &'a Bench) -> Option<Self> {
        let (util, tool) = (oracle("softhsm2-util")?, oracle("pkcs11-tool")?);
        fs::create_dir(bench.sandbox.join("tokens")).unwrap();
        let tokens = bench.sandbox.join("tokens");
        let settings = format!("directories.tokendir = {tokens}\nobjectstore.backend = file\n");
        let token = Self { bench, configuration: bench.sandbox.write("softhsm2.conf", settings) };
        let init = ["--init-token", "--free", "--label", "t", "--so-pin", "1234", "--pin", "5678"];
        token.run(&util, &init).expect_status(0);
        let make = ["--keypairgen", "--label", "release", "--key-type"];
        let login = ["--module", SOFTHSM, "--token-label", "t", "--login", "--pin", "5678"];
        token.run(&tool, &[&login[..], &make, &["EC:prime256v1"]].concat()).expect_status(0);
        Some(token)
    }

    fn run(&self, program: &Utf8Path, arguments: &[&str]) -> Outcome {
        let mut command = self.bench.sandbox.command(program);
        run(command.args(arguments).env("SOFTHSM2_CONF", &self.configuration))
    }

    /// Has Plimsoll state what is aboard, signed by a key of the token.
    fn attest(&self, label: &str, pin: &str) -> Outcome {
        let script = root().join("examples/signers/pkcs11.sh");
        let mut plimsoll = self.bench.sandbox.plimsoll();
        plimsoll.args(["attest", &self.bench.subject, "--type", "sbom", "--bundles", "bundles"]);
        plimsoll.arg("--key").arg(format!("exec:'{script}' {SOFTHSM} {label}"));
        plimsoll.env("SOFTHSM2_CONF", &self.configuration).env("PKCS11_PIN", pin);
        run(&mut plimsoll)
    }
}

#[test]
fn a_token_signs_through_a_program_and_the_bundle_verifies() {
    let Some(bench) = Bench::new(P256) else { return };
    let Some(token) = Token::new(&bench) else { return };
    let said = token.attest("release", "5678").expect_status(0).stdout;
    let path = bench.sandbox.join(said.split(' ').next().unwrap());
    let bundle: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let tool = oracle("pkcs11-tool").unwrap();
    let read = ["--module", SOFTHSM, "--read-object", "--type", "pubkey", "--label", "release"];
    token.run(&tool, &[&read[..], &["-o", "token.der"]].concat()).expect_status(0);
    let convert = ["pkey", "-pubin", "-inform", "DER", "-in", "token.der", "-out", "token.pub"];
    bench.openssl(&convert).expect_status(0);
    let verified = bench.verify(&bundle, &bench.sandbox.join("token.pub")).expect_status(0);
    assert_eq!(verified.stdout.lines().last(), Some("VERIFIED"));
    bench.verify(&bundle, &bench.public).expect_status(1);
}

#[test]
fn a25_a_token_that_does_not_sign_leaves_nothing_signed() {
    let Some(bench) = Bench::new(P256) else { return };
    let Some(token) = Token::new(&bench) else { return };
    token.attest("release", "5678").expect_status(0);
    fs::remove_dir_all(bench.sandbox.join("bundles")).unwrap();
    for (label, pin, word) in
        [("release", "0000", "CKR_PIN_INCORRECT"), ("another", "5678", "object not found")]
    {
        let refused = token.attest(label, pin).expect_status(3);
        assert!(refused.stderr.contains("pkcs11.sh`: it failed (exit status: 1): "), "{refused:?}");
        assert!(refused.stderr.contains(word), "{refused:?}");
        assert!(!bench.sandbox.join("bundles").exists(), "nothing may be signed");
    }
}

/// `aws kms`, by openssl: it refuses what the real one refuses.
const AWS: &str = r#"#!/bin/sh
set -eu
[ "$1 $3 $4" = "kms --key-id alias/release" ] || { echo "NotFoundException: Alias is not found" >&2; exit 254; }
case $2 in
get-public-key) [ "$5 $6 $7 $8" = "--query PublicKey --output text" ]; openssl pkey -in key.pem -pubout -outform DER | base64 -w 0; echo;;
sign)
    [ "$5 $7 $8 $9" = "--signing-algorithm --message-type DIGEST --message" ]
    case "$6 $(wc -c < "${10#fileb://}")" in "ECDSA_SHA_256 32" | "ECDSA_SHA_384 48");; *) echo "ValidationException" >&2; exit 254;; esac
    openssl pkeyutl -sign -inkey key.pem -in "${10#fileb://}" | base64 -w 0; echo;;
esac
"#;

#[test]
fn the_script_for_aws_signs_and_says_what_aws_says() {
    for options in [P256, P384] {
        let Some(bench) = Bench::new(options) else { return };
        let aws = bench.sandbox.write("bin/aws", AWS);
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(aws, executable).unwrap();
        let path = format!("{}:{}", bench.sandbox.join("bin"), std::env::var("PATH").unwrap());
        let script = root().join("examples/signers/aws-kms.sh");
        let attest = |alias: &str| {
            let mut plimsoll = bench.sandbox.plimsoll();
            plimsoll.args(["attest", &bench.subject, "--type", "sbom", "--bundles", "bundles"]);
            plimsoll.arg("--key").arg(format!("exec:'{script}' {alias}"));
            run(plimsoll.env("PATH", &path))
        };
        let said = attest("alias/release").expect_status(0).stdout;
        let path = bench.sandbox.join(said.split(' ').next().unwrap());
        let bundle: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        bench.verify(&bundle, &bench.public).expect_status(0);
        let refused = attest("alias/another").expect_status(3).stderr;
        assert!(refused.contains(": NotFoundException: Alias is not found\n"), "{refused}");
    }
}

#[test]
fn c18_a_program_in_the_working_directory_is_not_started_unless_it_is_named_so() {
    let Some(bench) = Bench::new(P256) else { return };
    let trap = bench.sandbox.write("signer", "#!/bin/sh\ntouch trapped\ncat key.pub\n");
    fs::set_permissions(trap, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let attest = |command: &str, path: &str| {
        let mut plimsoll = bench.sandbox.plimsoll();
        plimsoll.args(["attest", &bench.subject, "--type", "sbom", "--bundles", "bundles"]);
        run(plimsoll.args(["--key", command]).env("PATH", path))
    };
    for path in [".", "", ":/usr/bin:/bin:"] {
        let refused = attest("exec:signer", path).expect_status(2).stderr;
        let expect = "error: cannot find the program `signer`: there is no such program\nhint: ";
        assert!(refused.starts_with(expect), "{refused}");
        assert!(!bench.sandbox.join("trapped").exists());
    }
    // By its path it is started, and what it makes is no signature.
    let refused = attest("exec:./signer", "/usr/bin:/bin").expect_status(3).stderr;
    assert!(refused.contains(" bytes it made are no ecdsa-p256-sha256 signature by the key "));
    assert!(bench.sandbox.join("trapped").exists());
    assert!(!bench.sandbox.join("bundles").exists(), "nothing may be signed");
}
