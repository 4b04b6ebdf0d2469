//! The services before a client and a verifier by others.

use super::*;
use serde_json::{Value, json};
use sigstore_sign::{SigningContext, SigningServices, oidc::IdentityToken};
use sigstore_trust_root::{SigningConfig, TrustedRoot};
use sigstore_types::{Bundle, Sha256Hash};
use sigstore_verify::{VerificationPolicy, VerificationResult, Verifier};

const ARTIFACT: &[u8] = b"an image";

fn statement() -> String {
    let digest = plimsoll_model::Digest::of(ARTIFACT).hex();
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "app", "digest": {"sha256": digest}}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {},
    })
    .to_string()
}

/// What sigstore-sign makes here.
async fn sign(
    sigstore: &Sigstore,
    instance: Instance,
    claims: &Claims,
) -> sigstore_sign::Result<Bundle> {
    let services = match instance {
        Instance::RekorV1WithoutTsa => {
            SigningServices::new(sigstore.url("/fulcio"), sigstore.url("/rekor"))
        }
        Instance::RekorV1 | Instance::RekorV2 => {
            let config = SigningConfig::from_json(&sigstore.signing_config(instance)).unwrap();
            SigningServices::from_signing_config(&config).unwrap()
        }
    };
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let context = SigningContext::new(services).with_http_client(client);
    let token = IdentityToken::from_jwt(&sigstore.token(claims)).unwrap();
    context.signer(token).sign_raw_statement(statement().as_bytes()).await
}

/// What sigstore-verify says of it.
fn verify(sigstore: &Sigstore, bundle: &Bundle) -> sigstore_verify::Result<VerificationResult> {
    let root = TrustedRoot::from_json(&sigstore.trusted_root()).unwrap();
    let artifact = Sha256Hash::new(keys::sha256(ARTIFACT));
    Verifier::new(&root)?.verify(artifact, bundle, &VerificationPolicy::any_identity())
}

#[tokio::test]
async fn what_is_signed_with_them_verifies() {
    let sigstore = Sigstore::start().await.unwrap();
    for instance in [Instance::RekorV1, Instance::RekorV1WithoutTsa, Instance::RekorV2] {
        // The second entry has another entry beside it.
        for claims in [Claims::github("acme/app"), Claims::gitlab("acme/app")] {
            let bundle = sign(&sigstore, instance, &claims).await.unwrap();
            let verified = verify(&sigstore, &bundle).unwrap();
            assert_eq!(verified.identity().unwrap().as_str(), claims.identity(), "{instance:?}");
            assert_eq!(verified.issuer(), Some(claims.text("iss")));
            assert!(verified.sct_verified() && verified.tlog_verified());
        }
    }
}

#[tokio::test]
async fn certificates_say_all_that_the_token_says() {
    let sigstore = Sigstore::start().await.unwrap();
    let claims = Claims::github("acme/app").with("environment", "production");
    let bundle = sign(&sigstore, Instance::RekorV1, &claims).await.unwrap();
    let verified = verify(&sigstore, &bundle).unwrap();
    let said = &verified.certificate().unwrap().ci_claims;
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(said.source_repository_uri, some("https://github.com/acme/app"));
    assert_eq!(said.source_repository_owner_uri, some("https://github.com/acme"));
    assert_eq!(
        said.build_config_uri,
        some("https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main")
    );
    assert_eq!(
        said.run_invocation_uri,
        some("https://github.com/acme/app/actions/runs/8123456789/attempts/1")
    );
    assert_eq!(said.deployment_environment, some("production"));
    assert_eq!(said.token_subject, some("repo:acme/app:ref:refs/heads/main"));
    assert_eq!(said.deprecated_github.workflow_repository, some("acme/app"));
    assert_eq!(said.runner_environment, some("github-hosted"));
}

#[tokio::test]
async fn flaws_are_seen_by_others() {
    let sigstore = Sigstore::start().await.unwrap();
    let claims = Claims::github("acme/app");
    for (flaw, reason) in [
        (Flaw::WrongSct, "SCT"),
        (Flaw::WrongLogKey, "SET verification failed"),
        (Flaw::FutureTime, "in the future"),
    ] {
        sigstore.set_flaws([flaw]);
        let bundle = sign(&sigstore, Instance::RekorV1, &claims).await.unwrap();
        let refused = verify(&sigstore, &bundle).unwrap_err().to_string();
        assert!(refused.contains(reason), "{flaw:?}: {refused}");
    }
    sigstore.set_flaws([Flaw::WrongNonce]);
    let refused = sign(&sigstore, Instance::RekorV1, &claims).await.unwrap_err().to_string();
    assert!(refused.contains("nonce mismatch"), "{refused}");
}

#[tokio::test]
async fn tokens_that_are_not_for_fulcio_get_no_certificate() {
    let sigstore = Sigstore::start().await.unwrap();
    let claims = Claims::github("acme/app");
    for wrong in [
        claims.clone().with("aud", "nobody"),
        claims.clone().with("exp", 1_000_000_000),
        claims.clone().with("nbf", 4_000_000_000_i64),
    ] {
        let refused = sign(&sigstore, Instance::RekorV1, &wrong).await.unwrap_err().to_string();
        assert!(refused.contains("identity token"), "{refused}");
    }
    // Signed by somebody else.
    let other = Sigstore::start().await.unwrap();
    let answer = ask(
        &sigstore,
        "/fulcio/api/v2/signingCert",
        Some(json!({"credentials": {"oidcIdentityToken": other.token(&claims)}})),
    );
    assert_eq!(answer.await.0, 401);
}

async fn ask(sigstore: &Sigstore, path: &str, body: Option<Value>) -> (u16, String) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = match body {
        Some(body) => client.post(sigstore.url(path)).body(body.to_string()),
        None => client.get(sigstore.url(path)).bearer_auth(oidc::REQUEST_TOKEN),
    };
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn an_entry_is_taken_once_and_can_be_read_again() {
    let sigstore = Sigstore::start().await.unwrap();
    sign(&sigstore, Instance::RekorV1, &Claims::github("acme/app")).await.unwrap();
    let log = sigstore.take_log();
    let entry = log.iter().find(|seen| seen.path == "/rekor/api/v1/log/entries").unwrap();
    let proposed: Value = serde_json::from_slice(&entry.body).unwrap();
    let (status, said) = ask(&sigstore, "/rekor/api/v1/log/entries", Some(proposed)).await;
    assert_eq!(status, 409, "{said}");
    let said: Value = serde_json::from_str(&said).unwrap();
    let uuid = said["message"].as_str().unwrap().rsplit(' ').next().unwrap();
    let (status, by_uuid) =
        ask(&sigstore, &format!("/rekor/api/v1/log/entries/{uuid}"), None).await;
    assert_eq!(status, 200);
    let by_uuid: Value = serde_json::from_str(&by_uuid).unwrap();
    let index = by_uuid[uuid]["logIndex"].as_u64().unwrap();
    let path = format!("/rekor/api/v1/log/entries?logIndex={index}");
    let (status, by_index) = ask(&sigstore, &path, None).await;
    let by_index: Value = serde_json::from_str(&by_index).unwrap();
    assert_eq!((status, &by_index[uuid]["body"]), (200, &by_uuid[uuid]["body"]));
    assert_eq!(ask(&sigstore, "/rekor/api/v1/log/entries?logIndex=1", None).await.0, 404);
}

#[tokio::test]
async fn jobs_get_tokens_and_faults_come_in_order() {
    let sigstore = Sigstore::start().await.unwrap();
    sigstore.fail("/oidc/github", [Fault::status(503), Fault::status(429)]);
    let path = "/oidc/github/token?api-version=2.0&audience=sigstore";
    assert_eq!(ask(&sigstore, path, None).await.0, 503);
    assert_eq!(ask(&sigstore, path, None).await.0, 429);
    let (status, said) = ask(&sigstore, path, None).await;
    assert_eq!(status, 200);
    let said: Value = serde_json::from_str(&said).unwrap();
    let claims = lock(&sigstore.services.issuer).read(said["value"].as_str().unwrap()).unwrap();
    assert_eq!((claims.text("aud"), claims.text("repository")), ("sigstore", "acme/app"));
    let (_, keys) = ask(&sigstore, "/oidc/.well-known/jwks", None).await;
    assert!(keys.contains("P-256"), "{keys}");
}
