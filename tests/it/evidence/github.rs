//! Attestations that GitHub keeps: written with a token, read where they are asked for.

use super::yard::{Signer, Verifier};
use crate::support::{Outcome, harbour, run};
use plimsoll_attest::testing::{Fault, GITHUB_TOKEN, Kept};
use serde_json::Value;

const FROM: [&str; 2] = ["--from", "github:acme/app"];

/// Verifies with GitHub's API at an address.
fn verify(subject: &str, signer: &Signer, (api, more): (&str, &[&str])) -> (Outcome, Value) {
    let verifier = Verifier::new();
    let mut plimsoll = verifier.0.plimsoll();
    plimsoll.args(["verify", subject, "--key", signer.public.as_str()]).args(more);
    plimsoll.envs([("GITHUB_API_URL", api), ("GITHUB_TOKEN", GITHUB_TOKEN)]);
    let outcome = run(plimsoll.args(["-o", "table", "-o", "json=verified.json"]));
    assert!(!format!("{outcome:?}").contains(GITHUB_TOKEN));
    let report = std::fs::read(verifier.0.join("verified.json")).unwrap_or_default();
    (outcome, serde_json::from_slice(&report).unwrap_or_default())
}

#[test]
fn what_github_keeps_is_found_where_it_is_asked_for() {
    let Some(signer) = Signer::ed25519() else { return };
    let (subject, harbour) = (super::layout(&signer), harbour());
    let api = harbour.url("/github");
    let environment = [("GITHUB_API_URL", api.as_str()), ("GITHUB_TOKEN", GITHUB_TOKEN)];
    let kept = signer.try_attest_in(&subject, &["--to", "github:acme/app"], &environment);
    let said = kept.expect_status(0).stdout;
    assert!(
        said.starts_with("3 statements about ") && said.ends_with(" kept by GitHub for acme/app\n"),
        "{said}"
    );
    harbour.take_log();

    // Nobody is asked elsewhere who was not named.
    let (outcome, _) = verify(&subject, &signer, (&api, &[]));
    outcome.expect_status(1);
    assert_eq!(harbour.take_log(), []);

    for place in [Kept::Inline, Kept::InStorage] {
        harbour.keep_attestations(place);
        let (outcome, report) = verify(&subject, &signer, (&api, &FROM));
        let said = outcome.expect_status(0).stdout;
        assert!(
            said.contains("\nlooked in attestations of acme/app on GitHub: 3 candidates\n"),
            "{said}"
        );
        assert_eq!(report["places"].as_array().unwrap().len(), 1);
        assert_eq!(report["candidates"][0]["foundAt"], "attestation 1 of acme/app on GitHub");
    }
    let other = ["--from", "github:acme/other"];
    let said = verify(&subject, &signer, (&api, &other)).0.expect_status(1).stdout;
    assert!(said.contains("looked in attestations of acme/other on GitHub: nothing"), "{said}");
    let hidden = ["--from", "github:acme/hidden"];
    let said = verify(&subject, &signer, (&api, &hidden)).0.expect_status(3).stdout;
    assert!(said.contains("on GitHub: could not tell: "), "{said}");
}

#[test]
fn c13_github_that_does_not_answer_leaves_it_untold_whatever_verifies_elsewhere() {
    let Some(signer) = Signer::ed25519() else { return };
    let (subject, harbour) = (super::layout(&signer), harbour());
    let api = harbour.url("/github");
    signer.attach(&subject);
    let both = [&["--from", "referrers"][..], &FROM].concat();
    verify(&subject, &signer, (&api, &both)).0.expect_status(0);
    for status in [401, 403, 429, 500] {
        let headers = vec![("retry-after", "3600".to_owned())];
        harbour.misbehave(move |_| {
            Some(Fault::Answer { status, headers: headers.clone(), body: "{}".into() })
        });
        let said = verify(&subject, &signer, (&api, &both)).0.expect_status(3).stdout;
        assert!(said.contains(super::COULD_NOT_TELL), "{status}: {said}");
        assert!(said.contains(": 3 candidates\n"), "{status}: {said}");
    }
    harbour.behave();
    harbour.take_log();
    let offline = [&both[..], &["--offline"]].concat();
    let said = verify(&subject, &signer, (&api, &offline)).0.expect_status(3).stdout;
    assert!(said.contains("`--offline` permits no connection"), "{said}");
    assert_eq!(harbour.take_log(), []);
}

#[test]
fn github_keeps_nothing_without_a_token_and_that_is_said_before_anything_is_signed() {
    let Some(signer) = Signer::ed25519() else { return };
    let (subject, harbour) = (super::layout(&signer), harbour());
    let api = harbour.url("/github");
    let to = ["--to", "github:acme/app"];
    let refused = signer.try_attest_in(&subject, &to, &[("GITHUB_API_URL", &api)]);
    let said = refused.expect_status(2).stderr;
    assert!(said.contains("`GITHUB_TOKEN` is not set"), "{said}");
    let offline = [&to[..], &["--offline"]].concat();
    let environment = [("GITHUB_API_URL", api.as_str()), ("GITHUB_TOKEN", "another-token")];
    signer.try_attest_in(&subject, &offline, &environment).expect_status(2);
    assert_eq!(harbour.take_log(), []);
    // One that may not is refused by GitHub, in words that do not have the token.
    let said = signer.try_attest_in(&subject, &to, &environment).expect_status(3).stderr;
    assert!(said.contains("Bad credentials") && !said.contains("another-token"), "{said}");
    let said =
        signer.try_attest_in(&subject, &["--to", "acme/app"], &environment).expect_status(2).stderr;
    assert!(said.contains("expected `github:OWNER/REPO`"), "{said}");
}
