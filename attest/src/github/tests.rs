//! What GitHub's API answers, and what is made of it.

use super::*;
use crate::{
    IN_TOTO_PAYLOAD_TYPE, sign_payload,
    signers::{KeyKind, KeySigner, keyless::client},
    testing::{Fault, GITHUB_TOKEN, Kept, Seen, Sigstore},
};
use std::time::Duration;

const PATIENCE: Patience = Patience {
    budget: Duration::from_secs(5),
    attempt: Duration::from_secs(5),
    first_wait: Duration::from_millis(1),
};

fn subject() -> Digest {
    Digest::of(b"app")
}

fn acme() -> GitHubRepository {
    "acme/app".parse().unwrap()
}

fn github(sigstore: &Sigstore, token: Option<&str>) -> GitHub {
    let client = client("test", Duration::from_secs(5)).unwrap();
    let limits = &Limits { evidence: 1 << 16, ..Limits::STANDARD };
    GitHub::new(&sigstore.url("/github"), (client, token), (PATIENCE, limits)).unwrap()
}

/// A bundle with a statement about the subject, by number.
fn bundle(number: usize) -> Value {
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "app", "digest": {"sha256": subject().hex()}}],
        "predicateType": "https://example.org/number",
        "predicate": {"number": number},
    });
    let key = KeySigner::generate(KeyKind::Ed25519).unwrap();
    let payload = statement.to_string();
    let envelope = sign_payload(IN_TOTO_PAYLOAD_TYPE, payload.as_bytes(), &key).unwrap();
    let envelope: Value = serde_json::from_slice(&envelope.to_bytes()).unwrap();
    json!({
        "mediaType": crate::BUNDLE_MEDIA_TYPE,
        "verificationMaterial": {"publicKey": {"hint": key.public_key().hint()}},
        "dsseEnvelope": envelope,
    })
}

/// With so many attestations of the subject.
async fn holding(count: usize) -> (Sigstore, Vec<Vec<u8>>) {
    let sigstore = Sigstore::start().await.unwrap();
    let bundles: Vec<_> = (0..count).map(bundle).collect();
    for bundle in &bundles {
        sigstore.put_attestation("acme/app", bundle);
    }
    (sigstore, bundles.iter().map(|bundle| bundle.to_string().into_bytes()).collect())
}

fn authorised(log: &[Seen]) -> Vec<bool> {
    log.iter().map(|seen| seen.headers.contains_key("authorization")).collect()
}

#[test]
fn a_repository_is_an_owner_and_a_name() {
    assert_eq!(acme().to_string(), "acme/app");
    assert!("ac-me/.github".parse::<GitHubRepository>().is_ok());
    let long = "a".repeat(101);
    for text in [
        "",
        "acme",
        "acme/",
        "/app",
        "acme/..",
        "acme/.",
        "a/b/c",
        "a b/c",
        "a/b?c",
        "a.b/c",
        &format!("a/{long}"),
    ] {
        assert_eq!(text.parse::<GitHubRepository>(), Err(NoRepository), "{text}");
    }
}

#[tokio::test]
async fn bundles_are_read_from_the_list_page_by_page() {
    let (sigstore, bundles) = holding(120).await;
    let found = github(&sigstore, None).find(&acme(), subject()).await.unwrap();
    assert_eq!(found, bundles);
    let log = sigstore.take_log();
    assert_eq!(authorised(&log), [false, false]);
    let first = format!("/github/repos/acme/app/attestations/{}?per_page=100", subject());
    assert_eq!(log[0].path, first);
}

#[tokio::test]
async fn the_token_goes_to_the_api_and_not_to_where_the_bundles_are() {
    let (sigstore, bundles) = holding(2).await;
    sigstore.keep_attestations(Kept::InStorage);
    let github = github(&sigstore, Some(GITHUB_TOKEN));
    assert_eq!(github.find(&acme(), subject()).await.unwrap(), bundles);
    let log = sigstore.take_log();
    assert_eq!(authorised(&log), [true, false, false]);
    assert!(log[1].path.starts_with("/github/storage/"), "{}", log[1].path);
    assert!(!format!("{github:?}").contains(GITHUB_TOKEN));
}

#[tokio::test]
async fn that_there_is_nothing_is_believed_of_a_repository_that_may_be_seen() {
    let (sigstore, _) = holding(0).await;
    let github = github(&sigstore, Some(GITHUB_TOKEN));
    assert_eq!(github.find(&acme(), subject()).await.unwrap(), Vec::<Vec<u8>>::new());
    let hidden = "acme/hidden".parse().unwrap();
    let found = github.find(&hidden, subject()).await;
    assert!(matches!(found, Err(Error::ServiceRefused { status: 404, .. })), "{found:?}");
}

#[tokio::test]
async fn c13_what_github_does_not_tell_is_an_error() {
    let (sigstore, bundles) = holding(1).await;
    let github = github(&sigstore, Some(GITHUB_TOKEN));
    assert_eq!(github.find(&acme(), subject()).await.unwrap(), bundles);
    let limited = |status, remaining: &str| Fault::Answer {
        status,
        headers: vec![
            ("x-ratelimit-remaining", remaining.to_owned()),
            ("retry-after", "3600".to_owned()),
        ],
        body: r#"{"message":"API rate limit exceeded"}"#.into(),
    };
    // It says when it will answer, which is too late; a refusal is not asked again.
    sigstore.misbehave(move |_| Some(limited(429, "0")));
    let found = github.find(&acme(), subject()).await;
    assert!(matches!(found, Err(Error::ServiceUnavailable { attempts: 1, .. })), "{found:?}");
    for status in [401, 403, 301, 410, 451] {
        sigstore.misbehave(move |_| Some(limited(status, "0")));
        let found = github.find(&acme(), subject()).await;
        assert!(
            matches!(&found, Err(Error::ServiceRefused { status: said, .. }) if *said == status),
            "{found:?}"
        );
    }
    for body in [
        "",
        "[]",
        "{}",
        r#"{"attestations":{}}"#,
        r#"{"attestations":[{}]}"#,
        r#"{"attestations":[{"bundle":null,"bundle_url":"x"}]}"#,
        r#"{"attestations":[],"attestations":[]}"#,
    ] {
        let fault = Fault::Answer { status: 200, headers: vec![], body: body.into() };
        sigstore.misbehave(move |_| Some(fault.clone()));
        let found = github.find(&acme(), subject()).await;
        assert!(matches!(found, Err(Error::ServiceAnswer { .. })), "{body}: {found:?}");
    }
    // What fails once is asked again.
    sigstore.fail("/github/", [Fault::status(502), Fault::Drop]);
    assert_eq!(github.find(&acme(), subject()).await.unwrap(), bundles);
}

#[tokio::test]
async fn c6_pages_and_bundles_that_lie_elsewhere_are_not_asked_with_the_token() {
    let (sigstore, _) = holding(1).await;
    let github = github(&sigstore, Some(GITHUB_TOKEN));
    let stranger = Sigstore::start().await.unwrap();
    let address = |host: &str| stranger.url("/github/x").replace("127.0.0.1", host);
    let link = format!("<{}>; rel=\"next\"", address("127.0.0.1"));
    sigstore.misbehave(move |_| {
        let headers = vec![("link", link.clone())];
        Some(Fault::Answer { status: 200, headers, body: r#"{"attestations":[]}"#.into() })
    });
    let found = github.find(&acme(), subject()).await;
    assert!(matches!(found, Err(Error::ServiceAnswer { .. })), "{found:?}");
    // In the open, and not where the API is.
    for url in [
        address("localhost"),
        "http://169.254.169.254/latest".to_owned(),
        "file:///etc/passwd".to_owned(),
    ] {
        let list = json!({"attestations": [{"bundle_url": url}]}).to_string();
        sigstore.misbehave(move |_| {
            Some(Fault::Answer { status: 200, headers: vec![], body: list.clone().into() })
        });
        let found = github.find(&acme(), subject()).await;
        assert!(matches!(found, Err(Error::OpenTransport { .. })), "{url}: {found:?}");
    }
    assert_eq!(stranger.take_log(), []);
}

#[tokio::test]
async fn b11_lists_and_bundles_without_end_are_given_up() {
    let (sigstore, _) = holding(201).await;
    let github = github(&sigstore, None);
    let found = github.find(&acme(), subject()).await;
    assert!(matches!(found, Err(Error::ServiceAnswer { .. })), "{found:?}");

    let link = format!("<{}>; rel=\"next\"", sigstore.url("/github/again"));
    sigstore.misbehave(move |_| {
        let headers = vec![("link", link.clone())];
        Some(Fault::Answer { status: 200, headers, body: r#"{"attestations":[]}"#.into() })
    });
    let found = github.find(&acme(), subject()).await;
    assert!(matches!(found, Err(Error::ServiceAnswer { .. })), "{found:?}");
    assert_eq!(sigstore.take_log().len(), 3 + 2);

    // Short as it comes, and longer than a bundle may be.
    let (sigstore, _) = holding(1).await;
    let bomb = snap::raw::Encoder::new().compress_vec(&vec![b' '; (1 << 16) + 1]).unwrap();
    let github = self::github(&sigstore, None);
    sigstore.keep_attestations(Kept::InStorage);
    for (body, is_long) in
        [(bomb, true), (b"\xff\xff\xff\xff\x0f".to_vec(), true), (b"x".to_vec(), false)]
    {
        sigstore.misbehave(move |seen| {
            let fault = Fault::Answer { status: 200, headers: vec![], body: body.clone().into() };
            seen.path.starts_with("/github/storage/").then_some(fault)
        });
        match github.find(&acme(), subject()).await {
            Err(Error::TooLarge { limit: 65_536, .. }) => assert!(is_long),
            Err(Error::ServiceAnswer { .. }) => assert!(!is_long),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_bundle_that_is_kept_is_found_and_without_a_token_none_is_kept() {
    let (sigstore, _) = holding(0).await;
    let kept = bundle(1).to_string().into_bytes();
    let found = github(&sigstore, None).keep(&acme(), &kept).await;
    assert!(matches!(found, Err(Error::ServiceRefused { status: 403, .. })), "{found:?}");
    let found = github(&sigstore, Some("another")).keep(&acme(), &kept).await;
    assert!(matches!(found, Err(Error::ServiceRefused { status: 401, .. })), "{found:?}");
    let github = github(&sigstore, Some(GITHUB_TOKEN));
    github.keep(&acme(), &kept).await.unwrap();
    assert_eq!(github.find(&acme(), subject()).await.unwrap(), [kept]);
    assert!(matches!(github.keep(&acme(), b"x").await, Err(Error::Malformed { .. })));
}
