//! Signing with services that do their work, and with services that do not.
#![cfg(feature = "testing")]

use super::*;
use crate::testing::{Claims, Fault, Flaw, Instance, Seen, Sigstore};
use plimsoll_model::{Class, Classify as _, Digest};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

/// Tests wait for nothing that is not there: all of it is on this machine.
const IMPATIENT: Patience = Patience {
    budget: Duration::from_secs(20),
    attempt: Duration::from_secs(10),
    first_wait: Duration::from_millis(1),
};
const BRIEF: Duration = Duration::from_millis(200);

#[expect(clippy::disallowed_methods, reason = "the services are of today")]
fn now() -> Timestamp {
    Timestamp::now()
}

fn options(sigstore: &Sigstore, instance: Instance) -> KeylessOptions {
    let config = sigstore.signing_config(instance);
    let now_seconds = now().as_second();
    let claims = Claims::github("acme/app").with("nbf", now_seconds - 3600);
    let token = sigstore.token(&claims.with("exp", now_seconds + 300));
    KeylessOptions {
        services: Services::from_signing_config(&config, now()).unwrap(),
        trust_root: TrustRoot::parse(&sigstore.trusted_root(), "sigstore").unwrap(),
        client: Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap(),
        identity: IdentitySource::Token(IdentityToken::parse(&token).unwrap()),
        patience: IMPATIENT,
        now: now(),
    }
}

fn statement(name: &str) -> Statement {
    let subject = StatementSubject { name: name.into(), digest: Digest::of(b"app") };
    Statement::new(vec![subject], "https://slsa.dev/provenance/v1", json!({"of": name})).unwrap()
}

async fn sign(options: KeylessOptions) -> Result<Bundle, Error> {
    KeylessSigner::new(options).sign(&statement("app")).await
}

fn json_of(bundle: &Bundle) -> Value {
    serde_json::from_slice(&bundle.to_bytes()).unwrap()
}

fn asked(sigstore: &Sigstore) -> Vec<String> {
    sigstore.take_log().into_iter().map(|seen| format!("{} {}", seen.method, seen.path)).collect()
}

const CERTIFICATE: &str = "POST /fulcio/api/v2/signingCert";
const TIMESTAMP: &str = "POST /tsa/api/v1/timestamp";
const ENTRY: &str = "POST /rekor/api/v1/log/entries";

#[tokio::test]
async fn each_service_is_asked_once_and_the_bundle_says_everything_explicitly() {
    let sigstore = Sigstore::start().await.unwrap();
    let signer = KeylessSigner::new(options(&sigstore, Instance::RekorV1));
    assert_eq!(signer.holder().await, None);
    let bundle = signer.sign(&statement("app")).await.unwrap();
    assert_eq!(asked(&sigstore), [CERTIFICATE, TIMESTAMP, ENTRY]);
    assert_eq!(
        signer.holder().await.unwrap(),
        Holder {
            identity: Claims::github("acme/app").identity(),
            issuer: crate::testing::GITHUB.to_owned(),
        }
    );
    let json = json_of(&bundle);
    assert_eq!(json["mediaType"], crate::BUNDLE_MEDIA_TYPE);
    let material = &json["verificationMaterial"];
    assert!(material["certificate"]["rawBytes"].is_string());
    let proof = &material["tlogEntries"][0]["inclusionProof"];
    assert_eq!((&proof["logIndex"], &proof["hashes"]), (&json!("0"), &json!([])));
    assert_eq!(proof["treeSize"], "1");
    assert_eq!(
        material["tlogEntries"][0]["kindVersion"],
        json!({"kind": "dsse", "version": "0.0.1"})
    );
    let timestamps = &material["timestampVerificationData"]["rfc3161Timestamps"];
    assert_eq!(timestamps.as_array().unwrap().len(), 1);
    // The next statement is signed with the same certificate.
    signer.sign(&statement("other")).await.unwrap();
    assert_eq!(asked(&sigstore), [TIMESTAMP, ENTRY]);
}

#[tokio::test]
async fn other_instances_are_signed_with_as_well() {
    let sigstore = Sigstore::start().await.unwrap();
    let bundle = json_of(&sign(options(&sigstore, Instance::RekorV2)).await.unwrap());
    let entry = &bundle["verificationMaterial"]["tlogEntries"][0];
    assert_eq!(entry["kindVersion"], json!({"kind": "hashedrekord", "version": "0.0.2"}));
    assert_eq!(entry["inclusionProof"]["logIndex"], "0");
    assert_eq!(entry["inclusionProof"]["hashes"], json!([]));
    let bundle = json_of(&sign(options(&sigstore, Instance::RekorV1WithoutTsa)).await.unwrap());
    assert_eq!(bundle["verificationMaterial"]["timestampVerificationData"], json!({}));
    // By address, and a job of GitLab's.
    let url = |path: &str| sigstore.url(path).parse().unwrap();
    let services = Services::new(url("/fulcio/"), Log::RekorV1(url("/rekor")), None).unwrap();
    let token = sigstore.token(&Claims::gitlab("acme/app"));
    let identity = IdentitySource::Token(IdentityToken::parse(&token).unwrap());
    let more = options(&sigstore, Instance::RekorV1);
    let signer = KeylessSigner::new(KeylessOptions { services, identity, ..more });
    signer.sign(&statement("app")).await.unwrap();
    assert_eq!(
        signer.holder().await.unwrap().identity,
        "https://gitlab.com/acme/app//.gitlab-ci.yml@refs/heads/main"
    );
}

#[tokio::test]
async fn f22_f23_what_passes_by_itself_is_waited_for() {
    let sigstore = Sigstore::start().await.unwrap();
    let limited = || Fault::Answer {
        status: 429,
        headers: vec![("retry-after", "0".to_owned())],
        body: bytes::Bytes::new(),
    };
    for (path, service) in [("/fulcio", CERTIFICATE), ("/tsa", TIMESTAMP), ("/rekor", ENTRY)] {
        let passing = [408, 500, 502, 503, 504, 522].map(Fault::status);
        let faults = passing.into_iter().chain([limited(), Fault::Drop]);
        sigstore.fail(path, faults);
        sign(options(&sigstore, Instance::RekorV1)).await.unwrap();
        let asked = asked(&sigstore);
        assert_eq!(asked.iter().filter(|one| *one == service).count(), 9, "{asked:?}");
        assert_eq!(asked.len(), 11);
    }
}

#[tokio::test]
async fn f23_a_log_that_never_works_is_given_up_when_the_budget_ends() {
    let sigstore = Sigstore::start().await.unwrap();
    sigstore.misbehave(|seen| seen.path.starts_with("/rekor").then(|| Fault::status(502)));
    let mut brief = options(&sigstore, Instance::RekorV1);
    brief.patience.budget = BRIEF * 2;
    let since = Instant::now();
    let error = sign(brief).await.unwrap_err();
    assert!(since.elapsed() < Duration::from_secs(10));
    assert!(
        matches!(
            &error,
            Error::ServiceUnavailable {
                service: "Rekor",
                attempts: 2..,
                source: Failure::Status { status: 502, .. },
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(error.class(), Class::Undecided);
}

#[tokio::test]
async fn f1_who_asks_for_more_time_than_there_is_has_answered() {
    let sigstore = Sigstore::start().await.unwrap();
    for wait in ["3600", "Sun, 22 Nov 2026 12:00:00 GMT"] {
        let headers = vec![
            ("retry-after", wait.to_owned()),
            ("date", "Sun, 22 Nov 2026 11:00:00 GMT".to_owned()),
        ];
        let limited = Fault::Answer { status: 429, headers, body: bytes::Bytes::new() };
        sigstore.fail("/fulcio", [limited]);
        let error = sign(options(&sigstore, Instance::RekorV1)).await.unwrap_err();
        let hour = Duration::from_hours(1);
        assert!(
            matches!(
                &error,
                Error::ServiceUnavailable { attempts: 1, source: Failure::Status { status: 429, retry_after: Some(wait) }, .. }
                    if *wait == hour
            ),
            "{error:?}"
        );
        assert_eq!(asked(&sigstore), [CERTIFICATE]);
    }
}

#[tokio::test]
async fn f22_silence_is_no_answer() {
    let sigstore = Sigstore::start().await.unwrap();
    sigstore.fail("/fulcio", [Fault::Hang]);
    let mut brief = options(&sigstore, Instance::RekorV1);
    brief.patience.attempt = BRIEF;
    sign(brief).await.unwrap();
    sigstore.misbehave(|_| Some(Fault::Hang));
    let mut brief = options(&sigstore, Instance::RekorV1);
    brief.patience.budget = BRIEF;
    let error = sign(brief).await.unwrap_err();
    assert!(
        matches!(error, Error::ServiceUnavailable { source: Failure::Silent, .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn f22_a_no_is_final_and_told_without_the_token() {
    let sigstore = Sigstore::start().await.unwrap();
    for status in [400, 401, 403, 404, 307] {
        sigstore.misbehave(move |seen| {
            let token = serde_json::from_slice::<Value>(&seen.body).ok()?;
            let token = token["credentials"]["oidcIdentityToken"].as_str()?.to_owned();
            let body = format!("no entry for you, {token}").into();
            Some(Fault::Answer { status, headers: vec![("location", "/elsewhere".into())], body })
        });
        let error = sign(options(&sigstore, Instance::RekorV1)).await.unwrap_err();
        assert!(
            matches!(&error, Error::ServiceRefused { service: "Fulcio", said, .. } if said.is_empty()),
            "{error:?}"
        );
        assert_eq!(asked(&sigstore), [CERTIFICATE]);
    }
    sigstore.misbehave(|seen| {
        let body = "{\"message\":\n \"no\"}".into();
        seen.path.starts_with("/fulcio").then(|| Fault::Answer {
            status: 403,
            headers: vec![],
            body,
        })
    });
    let error = sign(options(&sigstore, Instance::RekorV1)).await.unwrap_err().to_string();
    assert!(error.ends_with("refused with status 403: {\"message\": \"no\"}"), "{error}");
}

#[tokio::test]
async fn f23_an_entry_whose_answer_was_lost_is_read_again() {
    let sigstore = Sigstore::start().await.unwrap();
    let missing = Arc::new(AtomicU32::new(0));
    let seen_before = Arc::clone(&missing);
    sigstore.misbehave(move |seen| match (seen.method.as_str(), seen.path.as_str()) {
        ("POST", "/rekor/api/v1/log/entries") => {
            (seen_before.fetch_add(1, Ordering::SeqCst) == 0).then_some(Fault::Lose)
        }
        // The replica that is asked does not have it yet.
        ("GET", _) => (seen_before.fetch_add(1, Ordering::SeqCst) < 4).then(|| Fault::status(404)),
        _ => None,
    });
    let bundle = sign(options(&sigstore, Instance::RekorV1)).await.unwrap();
    let entries = &json_of(&bundle)["verificationMaterial"]["tlogEntries"];
    assert_eq!(entries.as_array().unwrap().len(), 1);
    let asked = asked(&sigstore);
    let gets = asked.iter().filter(|one| one.starts_with("GET /rekor/api/v1/log/entries/")).count();
    assert_eq!(gets, 3, "{asked:?}");
    assert_eq!(missing.load(Ordering::SeqCst), 5);
}

#[tokio::test]
async fn f23_what_a_log_of_tiles_has_and_does_not_give_is_signed_again() {
    let sigstore = Sigstore::start().await.unwrap();
    sigstore.fail("/rekor2", [Fault::Lose]);
    sign(options(&sigstore, Instance::RekorV2)).await.unwrap();
    let entry = "POST /rekor2/api/v2/log/entries";
    assert_eq!(asked(&sigstore), [CERTIFICATE, TIMESTAMP, entry, entry, TIMESTAMP, entry]);
    sigstore.misbehave(|seen| seen.path.starts_with("/rekor2").then(|| Fault::status(409)));
    let error = sign(options(&sigstore, Instance::RekorV2)).await.unwrap_err();
    assert!(matches!(error, Error::ServiceAnswer { service: "Rekor", .. }), "{error:?}");
    assert_eq!(asked(&sigstore).iter().filter(|one| *one == entry).count(), 3);
}

#[tokio::test]
async fn f23_a_conflict_without_an_entry_is_no_success() {
    let sigstore = Sigstore::start().await.unwrap();
    for location in ["", "/api/v1/log/entries/", "https://evil.test/../../secrets", "/x/00"] {
        let headers = vec![("location", location.to_owned())];
        sigstore
            .fail("/rekor", [Fault::Answer { status: 409, headers, body: bytes::Bytes::new() }]);
        let error = sign(options(&sigstore, Instance::RekorV1)).await.unwrap_err();
        assert!(matches!(error, Error::ServiceAnswer { service: "Rekor", .. }), "{error:?}");
        assert_eq!(asked(&sigstore), [CERTIFICATE, TIMESTAMP, ENTRY]);
    }
}

#[tokio::test]
async fn f23_the_entry_of_another_signature_is_refused() {
    let sigstore = Sigstore::start().await.unwrap();
    sign(options(&sigstore, Instance::RekorV1)).await.unwrap();
    let first = sigstore.take_log().pop().unwrap();
    let client = Client::builder().no_proxy().build().unwrap();
    let again = client.post(sigstore.url(&first.path)).body(first.body).send().await.unwrap();
    let location = again.headers()["location"].to_str().unwrap().to_owned();
    let headers = vec![("location", location)];
    sigstore.fail("/rekor", [Fault::Answer { status: 409, headers, body: bytes::Bytes::new() }]);
    let error = sign(options(&sigstore, Instance::RekorV1)).await.unwrap_err();
    assert!(matches!(error, Error::Unverifiable { .. }), "{error:?}");
}

/// So much later, for the signer and for the services.
async fn pass(sigstore: &Sigstore, time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
    sigstore.advance(time);
}

/// An hour ago, with a token that holds for an hour: what passes is no future to those who look at the clock.
fn lasting(sigstore: &Sigstore) -> KeylessOptions {
    let then = now() - SignedDuration::from_hours(1);
    sigstore.set_time(then);
    let claims = Claims::github("acme/app").with("exp", then.as_second() + 3600);
    let identity = IdentityToken::parse(&sigstore.token(&claims)).unwrap();
    let more = options(sigstore, Instance::RekorV1);
    KeylessOptions { identity: IdentitySource::Token(identity), now: then, ..more }
}

#[tokio::test]
async fn f23_a_certificate_that_is_about_to_end_is_replaced() {
    let sigstore = Sigstore::start().await.unwrap();
    let signer = KeylessSigner::new(lasting(&sigstore));
    signer.sign(&statement("one")).await.unwrap();
    pass(&sigstore, Duration::from_mins(7)).await;
    signer.sign(&statement("two")).await.unwrap();
    assert_eq!(asked(&sigstore), [CERTIFICATE, TIMESTAMP, ENTRY, TIMESTAMP, ENTRY]);
    pass(&sigstore, Duration::from_mins(1)).await;
    signer.sign(&statement("three")).await.unwrap();
    assert_eq!(asked(&sigstore), [CERTIFICATE, TIMESTAMP, ENTRY]);
}

#[tokio::test]
async fn f23_a_log_that_is_slower_than_a_certificate_lasts_gets_another() {
    let sigstore = Sigstore::start().await.unwrap();
    let (heard, hanging) = (Arc::new(tokio::sync::Notify::new()), AtomicU32::new(0));
    let hear = Arc::clone(&heard);
    sigstore.misbehave(move |seen| {
        let is_log = seen.path.starts_with("/rekor");
        let is_first = is_log && hanging.fetch_add(1, Ordering::SeqCst) == 0;
        is_first.then(|| {
            hear.notify_one();
            Fault::Hang
        })
    });
    let mut patient = lasting(&sigstore);
    patient.patience.budget = Duration::from_hours(1);
    let signing = tokio::spawn(sign(patient));
    heard.notified().await;
    pass(&sigstore, Duration::from_mins(9)).await;
    signing.await.unwrap().unwrap();
    assert_eq!(asked(&sigstore), [CERTIFICATE, TIMESTAMP, ENTRY, CERTIFICATE, TIMESTAMP, ENTRY]);
}

#[tokio::test]
async fn f27_a_certificate_that_has_ended_before_it_came_is_not_asked_for_again() {
    let sigstore = Sigstore::start().await.unwrap();
    sigstore.set_time(now() - SignedDuration::from_mins(9));
    let error = sign(options(&sigstore, Instance::RekorV1)).await.unwrap_err();
    assert!(matches!(error, Error::CertificateTooShort { .. }), "{error:?}");
    assert!(error.hint().unwrap().contains("clock"));
    assert_eq!(asked(&sigstore), [CERTIFICATE]);
}

#[tokio::test]
async fn f28_nothing_is_sent_with_a_token_that_is_not_for_it() {
    let sigstore = Sigstore::start().await.unwrap();
    let claims = Claims::github("acme/app");
    let with = |claims: &Claims| {
        let identity = IdentityToken::parse(&sigstore.token(claims)).unwrap();
        let more = options(&sigstore, Instance::RekorV1);
        KeylessSigner::new(KeylessOptions { identity: IdentitySource::Token(identity), ..more })
    };
    let wrong = with(&claims.clone().with("aud", "https://github.com/acme"));
    assert!(matches!(wrong.prepare().await, Err(Error::TokenAudience { .. })));
    assert!(matches!(wrong.sign(&statement("app")).await, Err(Error::TokenAudience { .. })));
    for left in [-3600, 0, 10] {
        let late = with(&claims.clone().with("exp", now().as_second() + left));
        assert!(matches!(late.prepare().await, Err(Error::TokenExpired { .. })));
        assert!(matches!(late.sign(&statement("app")).await, Err(Error::TokenExpired { .. })));
    }
    assert_eq!(sigstore.take_log(), Vec::<Seen>::new());
    let good = with(&claims);
    good.prepare().await.unwrap();
    assert_eq!(sigstore.take_log(), Vec::<Seen>::new());
    good.sign(&statement("app")).await.unwrap();
}

#[tokio::test]
async fn f27_a_clock_that_is_ahead_is_named_and_nothing_is_sent() {
    let sigstore = Sigstore::start().await.unwrap();
    let mut ahead = options(&sigstore, Instance::RekorV1);
    ahead.now = now() + SignedDuration::from_hours(24);
    let error = sign(ahead).await.unwrap_err();
    assert!(matches!(error, Error::TokenExpired { .. }));
    assert!(error.hint().unwrap().contains("set the clock"));
    assert_eq!(sigstore.take_log(), Vec::<Seen>::new());
}

#[tokio::test]
async fn f22_f24_what_does_not_verify_is_not_used() {
    let sigstore = Sigstore::start().await.unwrap();
    for instance in [Instance::RekorV1, Instance::RekorV2] {
        // Certificates and timestamps are refused before the log hears of anything.
        for flaw in [Flaw::WrongSct, Flaw::FutureTime] {
            sigstore.set_flaws([flaw]);
            let error = sign(options(&sigstore, instance)).await.unwrap_err();
            assert!(matches!(error, Error::Unverifiable { .. }), "{flaw:?}: {error:?}");
            assert_eq!(asked(&sigstore), [CERTIFICATE, TIMESTAMP], "{flaw:?}");
            assert_eq!(error.class(), Class::Rejected);
        }
        sigstore.set_flaws([Flaw::WrongNonce]);
        let error = sign(options(&sigstore, instance)).await.unwrap_err();
        assert!(matches!(error, Error::TimestampNonce { .. }), "{error:?}");
        assert_eq!(asked(&sigstore), [CERTIFICATE, TIMESTAMP]);
        // a13: the key of a log is the trust root's, whatever the log says.
        sigstore.set_flaws([Flaw::WrongLogKey]);
        let error = sign(options(&sigstore, instance)).await.unwrap_err();
        assert!(matches!(error, Error::Unverifiable { .. }), "{error:?}");
        sigstore.set_flaws([]);
        sigstore.take_log();
    }
    // Where nothing is dated but by the log, the log is asked first; nothing comes of it all the same.
    sigstore.set_flaws([Flaw::WrongSct]);
    let error = sign(options(&sigstore, Instance::RekorV1WithoutTsa)).await.unwrap_err();
    assert!(matches!(error, Error::Unverifiable { .. }));
    // The trust root of somebody else.
    sigstore.set_flaws([]);
    let mut other = options(&sigstore, Instance::RekorV1);
    other.trust_root = TrustRoot::embedded().unwrap();
    assert!(matches!(sign(other).await, Err(Error::Unverifiable { .. })));
}

#[tokio::test]
async fn a8_a_certificate_of_an_authority_that_has_expired_is_refused_before_it_is_logged() {
    let [begin, past, end] = ["2020-01-01", "2021-01-01", "2045-01-01"]
        .map(|day| format!("{day}T00:00:00Z").parse::<Timestamp>().unwrap());
    let sigstore = Sigstore::start_with_intermediate([begin, end]).await.unwrap();
    sign(options(&sigstore, Instance::RekorV1)).await.unwrap();
    let sigstore = Sigstore::start_with_intermediate([begin, past]).await.unwrap();
    let Err(Error::Unverifiable { source }) = sign(options(&sigstore, Instance::RekorV1)).await
    else {
        panic!("an authority that has expired signs nothing");
    };
    let expect = "certificate: issued by an authority that was not valid at that time";
    assert_eq!(source.to_string(), expect);
    assert_eq!(asked(&sigstore), [CERTIFICATE, TIMESTAMP]);
}

#[tokio::test]
async fn f24_the_next_authority_is_asked() {
    let (sigstore, other) = (Sigstore::start().await.unwrap(), Sigstore::start().await.unwrap());
    other.set_flaws([Flaw::WrongNonce]);
    let url = |sigstore: &Sigstore| sigstore.url("/tsa/api/v1/timestamp").parse().unwrap();
    let mut several = options(&sigstore, Instance::RekorV1);
    several.services.authorities = vec![url(&other), url(&sigstore)];
    sign(several).await.unwrap();
    assert_eq!(asked(&other), [TIMESTAMP]);
    assert_eq!(asked(&sigstore), [CERTIFICATE, TIMESTAMP, ENTRY]);
}

#[tokio::test]
async fn a_job_on_github_is_given_its_token_and_another_when_that_has_ended() {
    let sigstore = Sigstore::start().await.unwrap();
    let environment = sigstore.environment();
    let environment = environment.into_iter().map(|(name, value)| (name.to_owned(), value));
    let identity = IdentitySource::detect(&environment.collect()).unwrap();
    let more = options(&sigstore, Instance::RekorV1);
    sigstore.fail("/oidc", [Fault::status(503)]);
    let signer = KeylessSigner::new(KeylessOptions { identity, ..more });
    signer.prepare().await.unwrap();
    let token = "GET /oidc/github/token?api-version=2.0&audience=sigstore";
    assert_eq!(asked(&sigstore), [token, token]);
    signer.sign(&statement("app")).await.unwrap();
    assert_eq!(asked(&sigstore), [CERTIFICATE, TIMESTAMP, ENTRY]);
    // Refused, without what it was asked with.
    sigstore.misbehave(|seen| {
        let body = seen.headers["authorization"].clone().into();
        Some(Fault::Answer { status: 403, headers: vec![], body })
    });
    let error = ambient_error(&sigstore).await;
    assert!(matches!(&error, Error::ServiceRefused { said, .. } if said.is_empty()), "{error:?}");
    let body = bytes::Bytes::from("{\"value\": \"no token\"}");
    sigstore.fail("/oidc", [Fault::Answer { status: 200, headers: vec![], body }]);
    assert!(matches!(ambient_error(&sigstore).await, Error::TokenMalformed));
}

async fn ambient_error(sigstore: &Sigstore) -> Error {
    let environment = sigstore.environment();
    let environment = environment.into_iter().map(|(name, value)| (name.to_owned(), value));
    let identity = IdentitySource::detect(&environment.collect()).unwrap();
    let more = options(sigstore, Instance::RekorV1);
    let signer = KeylessSigner::new(KeylessOptions { identity, ..more });
    signer.prepare().await.unwrap_err()
}

#[tokio::test]
async fn answers_that_nobody_gives_are_told_from_silence() {
    let sigstore = Sigstore::start().await.unwrap();
    for (path, service) in
        [("/fulcio", "Fulcio"), ("/tsa", "the timestamp authority"), ("/rekor", "Rekor")]
    {
        for body in ["", "{}", "[]", "\u{0}", r#"{"a": {}, "b": {}}"#] {
            let answer = Fault::Answer { status: 200, headers: vec![], body: body.into() };
            sigstore.fail(path, [answer]);
            let error = sign(options(&sigstore, Instance::RekorV1)).await.unwrap_err();
            assert!(
                matches!(&error, Error::ServiceAnswer { service: found, .. } if *found == service),
                "{path} {body}: {error:?}"
            );
        }
        let endless = bytes::Bytes::from(vec![b' '; 2 << 20]);
        sigstore.fail(path, [Fault::Answer { status: 200, headers: vec![], body: endless }]);
        let error = sign(options(&sigstore, Instance::RekorV1)).await.unwrap_err();
        assert!(matches!(error, Error::TooLarge { .. }), "{path}: {error:?}");
    }
}

#[tokio::test]
async fn what_the_token_says_of_the_job_is_known_before_anything_is_signed() {
    let sigstore = Sigstore::start().await.unwrap();
    let signer = KeylessSigner::new(options(&sigstore, Instance::RekorV1));
    assert_eq!(signer.claims().await, None);
    signer.prepare().await.unwrap();
    let claims = signer.claims().await.unwrap().0;
    let said = |name: &str| claims.get(name).map(String::as_str);
    assert_eq!(said("repository"), Some("acme/app"));
    assert!(said("job_workflow_ref").unwrap().starts_with("acme/app/.github/workflows/"));
    // Texts and numbers, and nothing of what the token is for.
    assert_eq!((said("aud"), said("sub")), (None, None));
}

/// What comes of signing where whatever is below this path goes wrong in this way for as long as there is time.
async fn error_of(sigstore: &Sigstore, path: &'static str, fault: fn() -> Fault) -> Error {
    sigstore.misbehave(move |seen| seen.path.starts_with(path).then(fault));
    let mut brief = options(sigstore, Instance::RekorV1);
    brief.patience = Patience { budget: BRIEF * 2, attempt: BRIEF, ..IMPATIENT };
    sign(brief).await.unwrap_err()
}

/// What is signed with where whoever does not answer is soon given up.
fn hurried(sigstore: &Sigstore) -> KeylessOptions {
    let mut hurried = options(sigstore, Instance::RekorV1);
    hurried.patience.budget = BRIEF;
    hurried
}

#[tokio::test]
async fn f25_no_answer_and_5xx_are_an_outage_and_nothing_else_is() {
    let sigstore = Sigstore::start().await.unwrap();
    for path in ["/fulcio", "/tsa", "/rekor"] {
        let outages: [fn() -> Fault; 5] = [
            || Fault::Hang,
            || Fault::Drop,
            || Fault::status(500),
            || Fault::status(503),
            || Fault::status(599),
        ];
        for outage in outages {
            let error = error_of(&sigstore, path, outage).await;
            assert!(error.is_outage(), "{path}: {error:?}");
        }
        let others: [fn() -> Fault; 7] = [
            || Fault::status(400),
            || Fault::status(401),
            || Fault::status(403),
            || Fault::status(404),
            || Fault::status(408),
            || Fault::status(429),
            || Fault::status(302),
        ];
        for other in others {
            let error = error_of(&sigstore, path, other).await;
            assert!(!error.is_outage(), "{path}: {error:?}");
        }
        let empty = || Fault::Answer { status: 200, headers: vec![], body: bytes::Bytes::new() };
        let error = error_of(&sigstore, path, empty).await;
        assert!(matches!(error, Error::ServiceAnswer { .. }) && !error.is_outage(), "{error:?}");
    }
    sigstore.behave();
    for flaw in [Flaw::WrongSct, Flaw::WrongNonce, Flaw::FutureTime, Flaw::WrongLogKey] {
        sigstore.set_flaws([flaw]);
        let error = sign(options(&sigstore, Instance::RekorV1)).await.unwrap_err();
        assert!(!error.is_outage(), "{flaw:?}: {error:?}");
    }
}

#[tokio::test]
async fn f25_who_gives_tokens_is_none_of_the_services() {
    let sigstore = Sigstore::start().await.unwrap();
    sigstore.misbehave(|seen| seen.path.starts_with("/oidc").then(|| Fault::status(503)));
    let environment = sigstore.environment();
    let environment = environment.into_iter().map(|(name, value)| (name.to_owned(), value));
    let identity = IdentitySource::detect(&environment.collect()).unwrap();
    let error = sign(KeylessOptions { identity, ..hurried(&sigstore) }).await.unwrap_err();
    assert!(matches!(error, Error::ServiceUnavailable { .. }) && !error.is_outage(), "{error:?}");
}

#[tokio::test]
async fn f25_one_who_does_not_speak_tls_has_answered() {
    let sigstore = Sigstore::start().await.unwrap();
    let mut plain = options(&sigstore, Instance::RekorV1);
    let fulcio = sigstore.url("/fulcio").replace("http://", "https://");
    plain.services.fulcio = fulcio.parse().unwrap();
    let error = sign(plain).await.unwrap_err();
    assert!(
        matches!(&error, Error::ServiceUnavailable { source: Failure::Handshake(_), .. }),
        "{error:?}"
    );
    assert!(!error.is_outage());
}

/// Somebody on this machine who answers everybody with these bytes and hangs up; and where.
async fn answering(bytes: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut seen = [0; 4096];
            if stream.read(&mut seen).await.is_ok() {
                stream.write_all(bytes.as_bytes()).await.ok();
            }
        }
    });
    url
}

#[tokio::test]
async fn f25_a_proxy_that_says_no_has_answered() {
    let sigstore = Sigstore::start().await.unwrap();
    let behind = async |proxy: String| {
        let mut behind = hurried(&sigstore);
        let proxy = reqwest::Proxy::all(proxy).unwrap();
        behind.client = Client::builder().proxy(proxy).build().unwrap();
        behind.services.fulcio = "https://fulcio.test/".parse().unwrap();
        sign(behind).await.unwrap_err()
    };
    for answer in [
        "HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n",
        "220 mail.test ESMTP\r\n\r\n",
    ] {
        let error = behind(answering(answer).await).await;
        assert!(
            matches!(&error, Error::ServiceUnavailable { source: Failure::Tunnel(_), .. }),
            "{answer}: {error:?}"
        );
        assert!(!error.is_outage());
    }
    // A proxy that nobody runs is no answer.
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = behind(format!("http://{nobody}")).await;
    assert!(
        matches!(&error, Error::ServiceUnavailable { source: Failure::Connection(_), .. }),
        "{error:?}"
    );
    assert!(error.is_outage());
}

#[tokio::test]
async fn f25_one_who_does_not_speak_http_has_answered() {
    let sigstore = Sigstore::start().await.unwrap();
    let answered = async |answer: &'static str| {
        let mut hurried = hurried(&sigstore);
        hurried.services.fulcio = answering(answer).await.parse().unwrap();
        sign(hurried).await.unwrap_err()
    };
    for answer in [
        "SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nno number\r\n",
    ] {
        let error = answered(answer).await;
        assert!(
            matches!(&error, Error::ServiceUnavailable { source: Failure::Garbled(_), .. }),
            "{answer}: {error:?}"
        );
        assert!(!error.is_outage());
    }
    // Who says nothing, or not all of it, has hung up.
    for answer in ["", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"] {
        let error = answered(answer).await;
        assert!(
            matches!(&error, Error::ServiceUnavailable { source: Failure::Connection(_), .. }),
            "{answer}: {error:?}"
        );
        assert!(error.is_outage());
    }
}

#[tokio::test]
async fn f25_who_is_asked_when_the_time_is_over_is_not_out() {
    let sigstore = Sigstore::start().await.unwrap();
    let failure = async |patience: &Patience| {
        let client = options(&sigstore, Instance::RekorV1).client;
        let request = client.get(sigstore.url("/rekor/"));
        // The time begins when all is made: of what is left of it, a slow machine takes the more.
        let exchange = Exchange::new("Rekor", patience, Instant::now() + BRIEF);
        let error = exchange.ask(request).await.unwrap_err();
        let Error::ServiceUnavailable { source, .. } = error else { panic!("{error:?}") };
        source
    };
    sigstore.misbehave(|_| Some(Fault::Hang));
    // Those before it have left it a hundredth of the time.
    let late = failure(&IMPATIENT).await;
    assert!(matches!(late, Failure::NoTime) && !late.is_outage(), "{late:?}");
    // All that is given to any answer is a fair share.
    let brief = Patience { attempt: BRIEF / 4, ..IMPATIENT };
    let silent = failure(&brief).await;
    assert!(matches!(silent, Failure::Silent) && silent.is_outage(), "{silent:?}");
    // What it said before counts, for either.
    for (status, is_outage) in [(429, false), (503, true)] {
        let first = AtomicU32::new(0);
        sigstore.misbehave(move |_| {
            let is_first = first.fetch_add(1, Ordering::SeqCst) == 0;
            Some(if is_first { Fault::status(status) } else { Fault::Hang })
        });
        let said = failure(&IMPATIENT).await;
        assert!(matches!(said, Failure::Status { status: found, .. } if found == status));
        assert_eq!(said.is_outage(), is_outage, "{status}");
    }
}

#[tokio::test]
async fn f25_an_authority_that_is_out_does_not_hide_one_that_is_wrong() {
    let [sigstore, wrong] = [Sigstore::start().await.unwrap(), Sigstore::start().await.unwrap()];
    wrong.set_flaws([Flaw::WrongNonce]);
    sigstore.misbehave(|seen| seen.path.starts_with("/tsa").then(|| Fault::status(503)));
    let url = |sigstore: &Sigstore| sigstore.url("/tsa/api/v1/timestamp").parse().unwrap();
    for authorities in [[url(&wrong), url(&sigstore)], [url(&sigstore), url(&wrong)]] {
        let mut several = options(&sigstore, Instance::RekorV1);
        several.patience.budget = BRIEF * 4;
        several.services.authorities = authorities.into();
        let error = sign(several).await.unwrap_err();
        assert!(matches!(error, Error::TimestampNonce { .. }), "{error:?}");
    }
    let mut all = options(&sigstore, Instance::RekorV1);
    all.patience.budget = BRIEF * 2;
    all.services.authorities = vec![url(&sigstore), url(&sigstore)];
    assert!(sign(all).await.unwrap_err().is_outage());
}
