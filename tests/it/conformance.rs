//! The conformance suite of Sigstore, through the whole program.

use crate::support::{run, sandbox, shared};
use camino::Utf8Path;
use plimsoll_model::Digest;
use std::fs;

const IDENTITY: &str = "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main";
const ISSUER: &str = "https://token.actions.githubusercontent.com";

/// What a folder of the suite has for the command line, but for the artifact.
fn arguments(folder: &Utf8Path) -> Vec<String> {
    let word = |name: &str, default: &str| {
        let read = fs::read_to_string(folder.join(name));
        read.map_or(default.to_owned(), |text| text.trim().to_owned())
    };
    let bundle = folder.join("bundle.sigstore.json").to_string();
    let mut arguments = vec!["--bundle".to_owned(), bundle];
    let mut give = |flag: &str, value: String| arguments.extend([flag.to_owned(), value]);
    let (key, root) = (folder.join("key.pub"), folder.join("trusted_root.json"));
    if key.is_file() {
        give("--key", key.to_string());
    } else {
        give("--certificate-identity", word("identity", IDENTITY));
        give("--certificate-oidc-issuer", word("issuer", ISSUER));
    }
    if root.is_file() {
        give("--trusted-root", root.to_string());
    }
    arguments
}

#[test]
fn every_bundle_of_the_suite_is_answered_as_it_says_by_file_and_by_digest() {
    let Some(suite) = shared("data/sigstore-conformance/assets/bundle-verify") else { return };
    let sandbox = sandbox();
    let mut cases = 0;
    for folder in suite.read_dir_utf8().unwrap().map(|entry| entry.unwrap().into_path()) {
        if !folder.is_dir() {
            continue;
        }
        let own = folder.join("artifact");
        let file = if own.is_file() { own } else { suite.join("a.txt") };
        let digest = Digest::of(&fs::read(&file).unwrap()).to_string();
        for artifact in [file.to_string(), digest] {
            let mut plimsoll = sandbox.plimsoll();
            let outcome =
                run(plimsoll.arg("verify-bundle").args(arguments(&folder)).arg(&artifact));
            let is_refused = folder.as_str().ends_with("_fail");
            assert_eq!(outcome.status == 0, !is_refused, "{folder} {artifact}: {outcome:?}");
            // A key or a root that is none is a mistake of whoever gives it; all else is judged.
            assert!([0, 1, 2].contains(&outcome.status), "{folder} {artifact}: {outcome:?}");
            let verdict = outcome.stdout.lines().last();
            match outcome.status {
                0 => assert_eq!(verdict, Some("VERIFIED")),
                1 => assert_eq!(verdict, Some("NOT VERIFIED")),
                _ => assert!(outcome.stderr.starts_with("error: cannot use the "), "{outcome:?}"),
            }
            cases += 1;
        }
    }
    assert_eq!(cases, 140);
}
