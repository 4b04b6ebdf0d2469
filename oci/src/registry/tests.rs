//! Rows of the tables of threats (C) and faults (F), each against a registry that does just that.

use super::*;
use crate::{
    auth::{Credentials, Helpers, Secret},
    manifest::{Descriptor, Manifest, OCI_INDEX, OCI_MANIFEST},
    source::Source,
    store::{Artifact, Store},
    testing::{
        access,
        registry::{Fault, Login, Options, ReferrersApi, Registry as Server, Seen},
    },
};
use bytes::Bytes;
use plimsoll_model::{Limits, Reference};
use serde_json::json;
use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

const OLD: ReferrersApi = ReferrersApi::Absent;
const NEW: ReferrersApi = ReferrersApi::Present;

async fn server() -> Server {
    Server::start(Options::default()).await.unwrap()
}

async fn server_with(referrers: ReferrersApi) -> Server {
    Server::start(Options { referrers, ..Options::default() }).await.unwrap()
}

async fn server_with_login(login: Login) -> Server {
    Server::start(Options { login, ..Options::default() }).await.unwrap()
}

fn token_login() -> Login {
    Login::Token { username: "user".to_owned(), password: "hunter2".to_owned() }
}

/// Access as `user` to this server.
fn logged_in(server: &Server) -> Access {
    let registry = server.addr().to_string();
    access(|options| {
        options.credentials =
            Credentials::anonymous().with(&registry, "user", Secret::new("hunter2".to_owned()));
    })
}

fn repository(server: &Server, access: &Access) -> Registry {
    Registry::new(server.name("app").parse().unwrap(), access).unwrap()
}

fn anonymous(server: &Server) -> Registry {
    repository(server, &access(|_| ()))
}

fn descriptor(bytes: &[u8]) -> Descriptor {
    Descriptor::of("application/octet-stream", bytes)
}

/// An image with one layer, at the tag `1`; its manifest's descriptor.
fn image(server: &Server, layer: &'static [u8]) -> Descriptor {
    server.put_blob("app", layer);
    server.put_blob("app", "{}");
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": descriptor(b"{}").to_json(),
        "layers": [descriptor(layer).to_json()],
    })
    .to_string();
    let descriptor = Descriptor::of(OCI_MANIFEST, manifest.as_bytes());
    server.put_manifest("app", OCI_MANIFEST, manifest, Some("1"));
    descriptor
}

/// What goes wrong with the first so many requests whose path has `part`.
fn first(
    times: usize,
    part: &'static str,
    fault: Fault,
) -> impl Fn(&Seen) -> Option<Fault> + Send + Sync {
    let left = AtomicUsize::new(times);
    move |seen| {
        let is_meant = seen.path.contains(part)
            && left
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
                .is_ok();
        is_meant.then(|| fault.clone())
    }
}

fn always(part: &'static str, fault: Fault) -> impl Fn(&Seen) -> Option<Fault> + Send + Sync {
    first(usize::MAX, part, fault)
}

fn answer(status: u16, name: &'static str, value: &str) -> Fault {
    Fault::Answer { status, headers: vec![(name, value.to_owned())], body: Bytes::new() }
}

async fn resolve(server: &Server, access: &Access) -> Result<Digest, Error> {
    let reference: Reference = server.name("app:1").parse().unwrap();
    let source = Source::open(&reference, access).await?;
    Ok(source.resolve(&reference).await?.digest)
}

fn no_authorization(log: &[Seen]) -> bool {
    log.iter().all(|seen| !seen.headers.contains_key("authorization"))
}

#[tokio::test]
async fn c1_manifest_bytes_are_not_the_requested_digest() {
    let server = server().await;
    let image = image(&server, b"layer");
    let registry = anonymous(&server);
    assert_eq!(registry.manifest(&image.digest).await.unwrap().descriptor, image);
    let lie = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}).to_string();
    server.misbehave(always("/manifests/", Fault::Body(lie.clone().into())));
    let error = registry.manifest(&image.digest).await.unwrap_err();
    let found_lie = Digest::of(lie.as_bytes());
    assert!(
        matches!(error, Error::Digest { expected, found, .. } if expected == image.digest && found == found_lie)
    );
}

#[tokio::test]
async fn c2_the_digest_header_is_not_believed() {
    let server = server().await;
    let image = image(&server, b"layer");
    let lie = Digest::of(b"lie").to_string();
    server.misbehave(always("/manifests/", Fault::Header("docker-content-digest", lie)));
    assert_eq!(resolve(&server, &access(|_| ())).await.unwrap(), image.digest);
}

#[tokio::test]
async fn c3_blobs_that_are_longer_shorter_or_endless_are_refused() {
    let server = server().await;
    server.put_blob("app", "abc");
    let registry = anonymous(&server);
    let read = || async { registry.read_blob(&descriptor(b"abc"), 100).await };
    assert_eq!(read().await.unwrap(), "abc");
    for (body, length) in [("abcd", 4), ("ab", 2)] {
        server.misbehave(always("/blobs/", Fault::Body(body.into())));
        assert!(
            matches!(read().await, Err(Error::Size { expected: 3, found: Some(found), .. }) if found == length)
        );
    }
    server.misbehave(always("/blobs/", Fault::Body("abd".into())));
    assert!(matches!(read().await, Err(Error::Digest { .. })));
    server.misbehave(always("/blobs/", Fault::Endless));
    assert!(matches!(read().await, Err(Error::Size { expected: 3, found: None, .. })));
    server.behave();
    let claim = Descriptor { size: 10 << 30, ..descriptor(b"abc") };
    assert!(matches!(
        registry.read_blob(&claim, 100).await,
        Err(Error::TooLarge { limit: 100, .. })
    ));
    assert!(matches!(registry.has_blob(&claim).await, Err(Error::Size { found: Some(3), .. })));
}

#[tokio::test]
async fn f9_an_endless_manifest_stops_at_the_limit() {
    let server = server().await;
    let image = image(&server, b"layer");
    server.misbehave(always("/manifests/", Fault::Endless));
    let registry = repository(
        &server,
        &access(|options| options.limits = Limits { manifest: 10_000, ..Limits::STANDARD }),
    );
    assert!(matches!(
        registry.manifest(&image.digest).await,
        Err(Error::TooLarge { limit: 10_000, .. })
    ));
}

#[tokio::test]
async fn c5_a_content_type_that_the_document_contradicts() {
    let server = server().await;
    let image = image(&server, b"layer");
    let bytes = server.manifest("app", &image.digest).unwrap();
    server.put_manifest("app", OCI_INDEX, bytes, None);
    assert!(matches!(
        anonymous(&server).manifest(&image.digest).await,
        Err(Error::Ambiguous { .. })
    ));
}

#[tokio::test]
async fn c6_a_foreign_realm_gets_no_request() {
    let (server, thief) = (server().await, server().await);
    image(&server, b"layer");
    let realm = format!("Bearer realm=\"http://{}/token\",service=\"x\"", thief.addr());
    server.misbehave(always("/v2/", answer(401, "www-authenticate", &realm)));
    let found = resolve(&server, &logged_in(&server)).await;
    let Err(Error::ForeignRealm { registry, realm }) = found else { panic!("{found:?}") };
    assert_eq!((registry, realm), (server.addr().to_string(), thief.addr().to_string()));
    assert!(matches!(resolve(&server, &access(|_| ())).await, Err(Error::ForeignRealm { .. })));
    assert_eq!(thief.take_log(), []);
    assert!(no_authorization(&server.take_log()));
}

#[tokio::test]
async fn c6_a_trusted_realm_gets_the_password_and_the_registry_does_not() {
    let server = server_with_login(token_login()).await;
    let login = server_with_login(token_login()).await;
    let image = image(&server, b"layer");
    let realm = format!("Bearer realm=\"http://{}/token\",service=\"x\"", login.addr());
    server.misbehave(first(1, "/v2/", answer(401, "www-authenticate", &realm)));
    let (registry, trusted) = (server.addr().to_string(), login.addr().to_string());
    let access = access(|options| {
        options.trusted_realms = vec![trusted];
        options.credentials =
            Credentials::anonymous().with(&registry, "user", Secret::new("hunter2".to_owned()));
    });
    assert_eq!(resolve(&server, &access).await.unwrap(), image.digest);
    assert_eq!(login.take_log().len(), 1);
    let given: Vec<_> = server
        .take_log()
        .iter()
        .filter_map(|seen| seen.headers.get("authorization").cloned())
        .collect();
    assert_eq!(given, ["Bearer granted"]);
}

#[tokio::test]
async fn c8_an_upload_to_another_host_gets_no_credentials() {
    let server = server_with_login(token_login()).await;
    let other = Server::start(Options::default()).await.unwrap();
    let registry = repository(&server, &logged_in(&server));
    let upload = registry.begin_upload(&descriptor(b"abc")).await.unwrap();
    drop(upload);
    let location = format!("http://{}/v2/app/blobs/uploads/session", other.addr());
    server.misbehave(first(1, "/uploads/", answer(202, "location", &location)));
    let store = Store::Registry(registry);
    store.put_blob_bytes("text/plain", Bytes::from_static(b"abc")).await.unwrap();
    let log = other.take_log();
    assert_eq!(log.iter().map(|seen| seen.method.as_str()).collect::<Vec<_>>(), ["PUT"]);
    assert_eq!(log[0].body, "abc");
    assert!(no_authorization(&log));
}

#[tokio::test]
async fn c9_a_redirect_to_another_host_gets_no_credentials() {
    let server = server_with_login(token_login()).await;
    let other = Server::start(Options::default()).await.unwrap();
    other.put_blob("app", "abc");
    let location = format!("http://{}/v2/app/blobs/{}", other.addr(), Digest::of(b"abc"));
    let registry = repository(&server, &logged_in(&server));
    server.misbehave(move |seen| {
        let is_known = seen.headers.contains_key("authorization") && seen.path.contains("/blobs/");
        is_known.then(|| answer(307, "location", &location))
    });
    assert_eq!(registry.read_blob(&descriptor(b"abc"), 10).await.unwrap(), "abc");
    let log = other.take_log();
    assert_eq!(log.len(), 1);
    assert!(no_authorization(&log));
}

#[tokio::test]
async fn c9_redirects_end_and_do_not_lead_astray() {
    let server = server().await;
    let registry = anonymous(&server);
    server.misbehave(always("/v2/", answer(307, "location", "/v2/app/again")));
    let blob = descriptor(b"abc");
    assert!(matches!(registry.read_blob(&blob, 10).await, Err(Error::Redirects { limit: 5, .. })));
    assert_eq!(server.take_log().len(), 6);
    server.misbehave(always("/v2/", answer(307, "location", "http://registry.example/x")));
    let error = registry.read_blob(&blob, 10).await.unwrap_err();
    assert!(matches!(error, Error::Redirect { to, .. } if to == "http://registry.example"));
    server.misbehave(always("/v2/", Fault::status(307)));
    assert!(matches!(
        registry.read_blob(&blob, 10).await,
        Err(Error::Header { header: "Location", .. })
    ));
}

#[tokio::test]
async fn c10_f17_a_tag_that_moves_does_not_move_what_was_resolved() {
    let server = server().await;
    let before = image(&server, b"one");
    let digest = resolve(&server, &access(|_| ())).await.unwrap();
    let after = image(&server, b"two");
    assert_ne!(before.digest, after.digest);
    let registry = anonymous(&server);
    assert_eq!(registry.manifest(&digest).await.unwrap().descriptor.digest, before.digest);
    server.remove("app", &digest);
    assert!(matches!(registry.manifest(&digest).await, Err(Error::NotFound { .. })));
}

#[tokio::test]
async fn offline_opens_no_socket() {
    let server = server().await;
    image(&server, b"layer");
    let offline = access(|options| options.network = Network::Refused);
    assert!(matches!(resolve(&server, &offline).await, Err(Error::Offline { .. })));
    assert_eq!(server.take_log(), []);
}

fn artifact(text: &str) -> Artifact {
    Artifact {
        artifact_type: "application/vnd.dev.sigstore.bundle.v0.3+json".to_owned(),
        media_type: "application/vnd.dev.sigstore.bundle.v0.3+json".to_owned(),
        bytes: Bytes::copy_from_slice(text.as_bytes()),
        annotations: BTreeMap::from([(
            "dev.sigstore.bundle.content".to_owned(),
            "dsse-envelope".to_owned(),
        )]),
    }
}

#[tokio::test]
async fn what_is_attached_is_listed_with_and_without_the_api() {
    for api in [NEW, OLD] {
        let server = server_with(api).await;
        let image = image(&server, b"layer");
        let store = Store::Registry(anonymous(&server));
        assert_eq!(store.as_source().referrers(&image.digest).await.unwrap(), []);
        let one = store.attach(&image, artifact("one")).await.unwrap();
        let two = store.attach(&image, artifact("two")).await.unwrap();
        let mut expect = vec![one.clone(), two];
        expect.sort_by_key(|referrer| referrer.digest);
        assert_eq!(store.as_source().referrers(&image.digest).await.unwrap(), expect);
        assert_eq!(
            one.artifact_type.as_deref(),
            Some("application/vnd.dev.sigstore.bundle.v0.3+json")
        );
        let tag = format!("sha256-{}", image.digest.hex());
        assert_eq!(server.tags("app").contains_key(&tag), api == OLD);
        // Once more the same changes nothing.
        store.attach(&image, artifact("one")).await.unwrap();
        assert_eq!(store.as_source().referrers(&image.digest).await.unwrap(), expect);
    }
}

#[tokio::test]
async fn what_is_attached_has_the_form_of_a_sigstore_bundle() {
    let server = server().await;
    let image = image(&server, b"layer");
    let store = Store::Registry(anonymous(&server));
    let attached = store.attach(&image, artifact("bundle")).await.unwrap();
    let found: serde_json::Value =
        serde_json::from_slice(&server.manifest("app", &attached.digest).unwrap()).unwrap();
    let bundle = "application/vnd.dev.sigstore.bundle.v0.3+json";
    assert_eq!(
        found,
        json!({
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": bundle,
            "config": {
                "mediaType": "application/vnd.oci.empty.v1+json",
                "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
                "size": 2,
            },
            "layers": [{"mediaType": bundle, "digest": Digest::of(b"bundle"), "size": 6}],
            "subject": {"mediaType": OCI_MANIFEST, "digest": image.digest, "size": image.size},
            "annotations": {"dev.sigstore.bundle.content": "dsse-envelope"},
        })
    );
}

#[tokio::test]
async fn c13_referrers_that_could_not_be_listed_are_never_none() {
    for api in [NEW, OLD] {
        let server = server_with(api).await;
        let image = image(&server, b"layer");
        let store = Store::Registry(anonymous(&server));
        store.attach(&image, artifact("one")).await.unwrap();
        let source = store.as_source();
        for part in ["/referrers/", "/manifests/sha256-"] {
            let with = |fault| {
                server.misbehave(always(part, fault));
                source.referrers(&image.digest)
            };
            assert!(
                matches!(with(Fault::status(401)).await, Err(Error::Unauthorized { .. })),
                "{part}"
            );
            assert!(
                matches!(with(Fault::status(403)).await, Err(Error::Forbidden { .. })),
                "{part}"
            );
            assert!(
                matches!(with(Fault::status(400)).await, Err(Error::Status { status: 400, .. })),
                "{part}"
            );
            let limited = answer(429, "retry-after", "3600");
            assert!(matches!(with(limited).await, Err(Error::RateLimited { .. })), "{part}");
            let down = answer(500, "retry-after", "0");
            assert!(
                matches!(with(down).await, Err(Error::Unavailable { status: 500, .. })),
                "{part}"
            );
            let page = Fault::Answer { status: 200, headers: vec![], body: "<html>".into() };
            assert!(matches!(with(page).await, Err(Error::Json { .. })), "{part}");
        }
        // What is listed, but can not be read, is not passed over either.
        server.behave();
        let digest = source.referrers(&image.digest).await.unwrap()[0].digest;
        server.misbehave(move |seen| {
            seen.path.contains(&digest.to_string()).then(|| Fault::status(404))
        });
        assert!(matches!(source.referrers(&image.digest).await, Err(Error::NotFound { .. })));
    }
}

#[tokio::test]
async fn c14_what_is_listed_but_about_something_else_is_dropped() {
    let server = server_with(OLD).await;
    let image = image(&server, b"layer");
    let store = Store::Registry(anonymous(&server));
    let true_one = store.attach(&image, artifact("true")).await.unwrap();
    let other = Descriptor::of(OCI_MANIFEST, b"another image");
    let false_one = store.attach(&other, artifact("false")).await.unwrap();
    let garbage = server.put_manifest("app", OCI_MANIFEST, "garbage", None);
    let entries = [&true_one, &false_one, &image, &Descriptor { digest: garbage, ..image.clone() }];
    let list =
        json!({"schemaVersion": 2, "manifests": entries.map(Descriptor::to_json)}).to_string();
    let tag = format!("sha256-{}", image.digest.hex());
    server.put_manifest("app", OCI_INDEX, list, Some(&tag));
    assert_eq!(store.as_source().referrers(&image.digest).await.unwrap(), [true_one]);
}

#[tokio::test]
async fn c14_a_fallback_tag_that_stands_for_an_image_lists_nothing() {
    let server = server_with(OLD).await;
    let image = image(&server, b"layer");
    let bytes = server.manifest("app", &image.digest).unwrap();
    let tag = format!("sha256-{}", image.digest.hex());
    server.put_manifest("app", OCI_MANIFEST, bytes, Some(&tag));
    let store = Store::Registry(anonymous(&server));
    assert_eq!(store.as_source().referrers(&image.digest).await.unwrap(), []);
    let one = store.attach(&image, artifact("one")).await.unwrap();
    assert_eq!(store.as_source().referrers(&image.digest).await.unwrap(), [one]);
}

#[tokio::test]
async fn c15_f16_many_writers_of_one_list_lose_nothing() {
    let server = server_with(OLD).await;
    let image = image(&server, b"layer");
    let store = Store::Registry(anonymous(&server));
    let texts: Vec<String> = (0..20).map(|number| number.to_string()).collect();
    let writing = texts.iter().map(|text| store.attach(&image, artifact(text)));
    let attached = futures_util::future::try_join_all(writing).await.unwrap();
    assert_eq!(attached.len(), 20);
    assert_eq!(store.as_source().referrers(&image.digest).await.unwrap().len(), 20);
}

#[tokio::test]
async fn c15_f14_a_list_that_somebody_else_overwrites_is_written_again_or_it_is_said() {
    let server = server_with(OLD).await;
    let image = image(&server, b"layer");
    let store = Store::Registry(anonymous(&server));
    // As if another writer had overwritten what we wrote.
    let lost = |times| {
        let lose = first(times, "/manifests/sha256-", Fault::status(201));
        move |seen: &Seen| if seen.method == "PUT" { lose(seen) } else { None }
    };
    server.misbehave(lost(1));
    let one = store.attach(&image, artifact("one")).await.unwrap();
    server.misbehave(lost(usize::MAX));
    let two = store.attach(&image, artifact("two")).await;
    assert!(
        matches!(two, Err(Error::ReferrerLost { subject, .. }) if subject == image.digest),
        "{two:?}"
    );
    server.behave();
    assert_eq!(store.as_source().referrers(&image.digest).await.unwrap(), [one]);
}

#[tokio::test]
async fn c14_a_registry_that_notes_a_referrer_but_does_not_list_it_is_found_out() {
    let server = server_with(OLD).await;
    let image = image(&server, b"layer");
    let subject = image.digest.to_string();
    server.misbehave(move |seen| {
        (seen.method == "PUT").then(|| Fault::Header("oci-subject", subject.clone()))
    });
    let store = Store::Registry(repository(&server, &access(|options| options.attempts = 1)));
    let found = store.attach(&image, artifact("one")).await;
    assert!(matches!(found, Err(Error::ReferrerLost { .. })), "{found:?}");
}

#[tokio::test]
async fn c16_a_tag_is_moved_only_from_where_it_was_expected() {
    let server = server().await;
    let one = image(&server, b"one");
    let two = image(&server, b"two");
    let store = Store::Registry(anonymous(&server));
    let source = store.as_source();
    let (one, two): (Manifest, Manifest) =
        (source.manifest(&one.digest).await.unwrap(), source.manifest(&two.digest).await.unwrap());
    let (first, second) = (one.descriptor.digest, two.descriptor.digest);
    let tag = "1".parse().unwrap();
    assert_eq!(store.current_tag(&tag).await.unwrap(), Some(second));
    for expected in [None, Some(first)] {
        let found = store.set_tag(&tag, &one, expected).await;
        assert!(
            matches!(found, Err(Error::TagMoved { found: Some(found), .. }) if found == second)
        );
    }
    store.set_tag(&tag, &one, Some(second)).await.unwrap();
    store.set_tag(&tag, &one, None).await.unwrap();
    assert_eq!(server.tags("app")["1"], first);
    // Somebody else writes at the same moment, and is the last.
    server.misbehave(|seen| (seen.method == "PUT").then(|| Fault::status(201)));
    let found = store.set_tag(&tag, &two, Some(first)).await;
    assert!(matches!(found, Err(Error::TagMoved { found: Some(found), .. }) if found == first));
    assert_eq!(store.current_tag(&"2".parse().unwrap()).await.unwrap(), None);
}

#[tokio::test]
async fn a_tag_is_not_set_on_what_is_not_there() {
    let server = server().await;
    let there = image(&server, b"one");
    let store = Store::Registry(anonymous(&server));
    let manifest = store.as_source().manifest(&there.digest).await.unwrap();
    server.remove("app", &there.digest);
    let found = store.set_tag(&"2".parse().unwrap(), &manifest, None).await;
    assert!(matches!(found, Err(Error::NotFound { .. })));
    assert!(!server.tags("app").contains_key("2"));
}

#[tokio::test]
async fn f1_rate_limits_are_waited_out_or_said() {
    let server = server().await;
    let image = image(&server, b"layer");
    server.misbehave(first(2, "/v2/", answer(429, "retry-after", "0")));
    assert_eq!(resolve(&server, &access(|_| ())).await.unwrap(), image.digest);
    assert_eq!(server.take_log().len(), 3);
    server.misbehave(always("/v2/", answer(429, "retry-after", "3600")));
    let error = resolve(&server, &access(|_| ())).await.unwrap_err();
    assert!(
        matches!(error, Error::RateLimited { retry_after: Some(after), .. } if after == Duration::from_hours(1))
    );
    assert_eq!(server.take_log().len(), 1);
}

#[tokio::test]
async fn f2_a_server_in_trouble_is_asked_again_so_often_and_no_more() {
    for status in [408, 500, 502, 503, 504, 522] {
        let server = server().await;
        let image = image(&server, b"layer");
        server.misbehave(first(2, "/v2/", answer(status, "retry-after", "0")));
        assert_eq!(resolve(&server, &access(|_| ())).await.unwrap(), image.digest);
        server.take_log();
        server.misbehave(always("/v2/", answer(status, "retry-after", "0")));
        let error = resolve(&server, &access(|_| ())).await.unwrap_err();
        assert!(matches!(error, Error::Unavailable { status: found, .. } if found == status));
        assert_eq!(server.take_log().len(), 3);
    }
    let server = server().await;
    server.misbehave(always("/v2/", Fault::status(403)));
    assert!(matches!(resolve(&server, &access(|_| ())).await, Err(Error::Forbidden { .. })));
    assert_eq!(server.take_log().len(), 1);
}

#[tokio::test]
async fn f3_a_server_that_is_not_there() {
    let gone = server().await;
    let address = gone.addr();
    drop(gone);
    let access = access(|options| options.attempts = 1);
    let registry = Registry::new(format!("{address}/app").parse().unwrap(), &access).unwrap();
    let error = registry.tagged("1").await.unwrap_err();
    assert!(
        matches!(error, Error::Transport { ref attempt, .. } if attempt.on == format!("{address}/app:1"))
    );
    // It speaks no TLS: that will not change by asking again.
    let server = server().await;
    let url = format!("https://{}/", server.addr()).parse().unwrap();
    let mut registry = anonymous(&server);
    registry.origin = url;
    let error = registry.tagged("1").await.unwrap_err();
    assert!(matches!(error, Error::Tls { .. }), "{error:?}");
}

#[tokio::test]
async fn f4_a_connection_that_breaks_is_taken_up_again_where_it_broke() {
    let server = server().await;
    let image = image(&server, b"layer");
    server.misbehave(first(1, "/v2/", Fault::Drop));
    assert_eq!(resolve(&server, &access(|_| ())).await.unwrap(), image.digest);
    let bytes: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
    server.put_blob("app", bytes.clone());
    server.take_log();
    server.misbehave(first(1, "/blobs/", Fault::Cut(70_001)));
    let read = anonymous(&server).read_blob(&descriptor(&bytes), 1 << 20).await.unwrap();
    assert_eq!(read, bytes);
    let log = server.take_log();
    assert_eq!(log.len(), 2);
    assert_eq!(log[1].headers["range"], "bytes=70001-399999");
}

#[tokio::test]
async fn f4_a_connection_that_always_breaks_is_an_error() {
    let server = server().await;
    let bytes = vec![7_u8; 100_000];
    server.put_blob("app", bytes.clone());
    server.misbehave(always("/blobs/", Fault::Cut(0)));
    let read = anonymous(&server).read_blob(&descriptor(&bytes), 1 << 20).await;
    assert!(matches!(read, Err(Error::Transport { .. })), "{read:?}");
}

#[tokio::test]
async fn f5_a_server_that_says_nothing_is_not_waited_for() {
    let server = server().await;
    server.misbehave(always("/v2/", Fault::Hang));
    let access = access(|options| {
        options.timeout = Duration::from_millis(50);
        options.attempts = 1;
    });
    assert!(matches!(resolve(&server, &access).await, Err(Error::Stalled { .. })));
}

#[tokio::test]
async fn f6_f7_what_was_spoilt_on_its_way_is_fetched_again_once() {
    let server = server().await;
    let image = image(&server, b"layer");
    let mut flipped = server.manifest("app", &image.digest).unwrap().to_vec();
    flipped[20] ^= 1;
    for spoilt in [Fault::Body(flipped.clone().into()), Fault::Body(flipped[..30].to_vec().into())]
    {
        let registry = anonymous(&server);
        server.misbehave(first(1, "/manifests/", spoilt.clone()));
        assert_eq!(registry.manifest(&image.digest).await.unwrap().descriptor, image);
        server.misbehave(always("/manifests/", spoilt));
        server.take_log();
        assert!(matches!(registry.manifest(&image.digest).await, Err(Error::Digest { .. })));
        assert_eq!(server.take_log().len(), 2);
    }
    server.misbehave(first(1, "/manifests/", Fault::Cut(10)));
    assert_eq!(anonymous(&server).manifest(&image.digest).await.unwrap().descriptor, image);
}

#[tokio::test]
async fn f8_ranges_that_are_ignored_or_answered_wrongly() {
    let server = server().await;
    let bytes: Vec<u8> = (0..50_000_u32).flat_map(u32::to_le_bytes).collect();
    server.put_blob("app", bytes.clone());
    let registry = anonymous(&server);
    let whole = Bytes::from(bytes.clone());
    let with = |fault: Fault| {
        server.misbehave(move |seen| {
            let is_resumed = seen.headers.contains_key("range");
            Some(if is_resumed { fault.clone() } else { Fault::Cut(10_000) })
        });
        let blob = descriptor(&bytes);
        let registry = &registry;
        async move { registry.read_blob(&blob, 1 << 20).await }
    };
    let ignored = Fault::Answer { status: 200, headers: vec![], body: whole.clone() };
    assert_eq!(with(ignored).await.unwrap(), whole);
    let shifted = Fault::Header("content-range", "bytes 9999-199999/200000".to_owned());
    assert!(matches!(with(shifted).await, Err(Error::Header { header: "Content-Range", .. })));
    assert!(matches!(with(Fault::status(416)).await, Err(Error::Status { status: 416, .. })));
}

#[tokio::test]
async fn f10_a_token_that_is_no_longer_taken_is_renewed_once() {
    let server = server_with_login(token_login()).await;
    let image = image(&server, b"layer");
    let access = logged_in(&server);
    assert_eq!(resolve(&server, &access).await.unwrap(), image.digest);
    let paths = |log: Vec<Seen>| -> Vec<String> {
        log.into_iter()
            .map(|seen| {
                seen.path.split_once('?').map_or(seen.path.clone(), |(path, _)| path.to_owned())
            })
            .collect()
    };
    assert_eq!(paths(server.take_log()), ["/v2/app/manifests/1", "/token", "/v2/app/manifests/1"]);
    // The token is kept.
    resolve(&server, &access).await.unwrap();
    assert_eq!(paths(server.take_log()), ["/v2/app/manifests/1"]);
    let expired = format!("Bearer realm=\"http://{}/token\"", server.addr());
    server.misbehave(first(1, "/v2/", answer(401, "www-authenticate", &expired)));
    resolve(&server, &access).await.unwrap();
    assert_eq!(paths(server.take_log()), ["/v2/app/manifests/1", "/token", "/v2/app/manifests/1"]);
    server.misbehave(always("/v2/", answer(401, "www-authenticate", &expired)));
    assert!(matches!(resolve(&server, &access).await, Err(Error::Unauthorized { .. })));
    assert_eq!(paths(server.take_log()), ["/v2/app/manifests/1", "/token", "/v2/app/manifests/1"]);
}

#[tokio::test]
async fn tokens_are_asked_for_with_our_scope_alone() {
    let server = server_with_login(token_login()).await;
    image(&server, b"layer");
    let greedy = format!(
        "Bearer realm=\"http://{}/token\",service=\"s\",scope=\"repository:other:pull,push\"",
        server.addr()
    );
    server.misbehave(first(1, "/v2/", answer(401, "www-authenticate", &greedy)));
    resolve(&server, &logged_in(&server)).await.unwrap();
    let log = server.take_log();
    assert_eq!(log[1].path, "/token?service=s&scope=repository%3Aapp%3Apull");
}

fn from_config(server: &Server, login: &serde_json::Value) -> Access {
    let registry = server.addr().to_string();
    let config = json!({"auths": {registry: login}}).to_string();
    let helpers = Helpers { path: "".into(), timeout: Duration::from_secs(1) };
    let credentials = Credentials::from_docker_config(config.as_bytes(), helpers).unwrap();
    access(|options| options.credentials = credentials)
}

#[tokio::test]
async fn an_identity_token_is_exchanged_and_a_registry_token_is_used() {
    let server = server_with_login(token_login()).await;
    let image = image(&server, b"layer");
    let granted = Fault::Answer {
        status: 200,
        headers: vec![],
        body: r#"{"access_token":"granted"}"#.into(),
    };
    server.misbehave(always("/token", granted));
    let identity = from_config(&server, &json!({"identitytoken": "it/is me"}));
    assert_eq!(resolve(&server, &identity).await.unwrap(), image.digest);
    let log = server.take_log();
    assert_eq!((log[1].method.as_str(), log[1].path.as_str()), ("POST", "/token"));
    assert!(!log[1].headers.contains_key("authorization"));
    assert_eq!(
        log[1].body,
        "grant_type=refresh_token&client_id=plimsoll&refresh_token=it%2Fis+me&scope=repository%3Aapp%3Apull&service=test"
    );
    assert_eq!(log[2].headers["authorization"], "Bearer granted");
    let registry = from_config(&server, &json!({"registrytoken": "granted"}));
    assert_eq!(resolve(&server, &registry).await.unwrap(), image.digest);
    assert_eq!(server.take_log().len(), 2);
}

#[tokio::test]
async fn a_token_that_is_none_is_an_error() {
    let server = server_with_login(token_login()).await;
    let with = |body: &'static str| {
        server.misbehave(always(
            "/token",
            Fault::Answer { status: 200, headers: vec![], body: body.into() },
        ));
        let access = logged_in(&server);
        let server = &server;
        async move { resolve(server, &access).await }
    };
    assert!(matches!(with("{}").await, Err(Error::Incomplete { field: "token", .. })));
    assert!(matches!(with("<html>").await, Err(Error::Json { .. })));
    assert!(matches!(with(r#"{"token":"wrong"}"#).await, Err(Error::Unauthorized { .. })));
    assert!(matches!(with(r#"{"token":"a\nb"}"#).await, Err(Error::Unauthorized { .. })));
}

#[tokio::test]
async fn basic_logins_are_for_who_asks() {
    let login = Login::Basic { username: "user".to_owned(), password: "hunter2".to_owned() };
    let server = server_with_login(login).await;
    let image = image(&server, b"layer");
    assert_eq!(resolve(&server, &logged_in(&server)).await.unwrap(), image.digest);
    assert!(!server.take_log()[0].headers.contains_key("authorization"));
    assert!(matches!(resolve(&server, &access(|_| ())).await, Err(Error::Unauthorized { .. })));
    let port = server.addr().port();
    // The same machine under another name is another registry.
    let elsewhere = logged_in(&server);
    let registry =
        Registry::new(format!("localhost:{port}/app").parse().unwrap(), &elsewhere).unwrap();
    assert!(matches!(registry.tagged("1").await, Err(Error::Unauthorized { .. })));
    assert!(no_authorization(&server.take_log()));
}

#[tokio::test]
async fn f12_a_registry_that_does_not_know_the_api_is_asked_for_the_tag() {
    let server = server_with(OLD).await;
    let image = image(&server, b"layer");
    let store = Store::Registry(anonymous(&server));
    let one = store.attach(&image, artifact("one")).await.unwrap();
    for status in [404, 405] {
        server.misbehave(always("/referrers/", Fault::status(status)));
        assert_eq!(
            store.as_source().referrers(&image.digest).await.unwrap(),
            std::slice::from_ref(&one)
        );
    }
    server.misbehave(|seen| (seen.method == "POST").then(|| Fault::status(403)));
    assert!(matches!(store.attach(&image, artifact("two")).await, Err(Error::Forbidden { .. })));
}

#[tokio::test]
async fn f13_pages_are_followed_and_loops_are_not() {
    let server = Server::start(Options { page: Some(2), ..Options::default() }).await.unwrap();
    let image = image(&server, b"layer");
    let store = Store::Registry(anonymous(&server));
    for text in ["1", "2", "3", "4", "5"] {
        store.attach(&image, artifact(text)).await.unwrap();
    }
    let source = store.as_source();
    assert_eq!(source.referrers(&image.digest).await.unwrap().len(), 5);
    let with = |link: String| {
        server.misbehave(always("/referrers/", Fault::Header("link", link)));
        source.referrers(&image.digest)
    };
    let found = with(format!("</v2/app/referrers/{}>; rel=\"next\"", image.digest)).await;
    assert!(matches!(found, Err(Error::Pagination { .. })), "{found:?}");
    let found = with("<http://127.0.0.1:1/v2/app/referrers/x>; rel=\"next\"".to_owned()).await;
    assert!(matches!(found, Err(Error::Header { header: "Link", .. })), "{found:?}");
}

#[tokio::test]
async fn f13_too_many_referrers_are_said_to_be_too_many() {
    let server = server().await;
    let image = image(&server, b"layer");
    let store = Store::Registry(anonymous(&server));
    for text in ["1", "2", "3"] {
        store.attach(&image, artifact(text)).await.unwrap();
    }
    for (children, referrers_fetched, expect) in [(10, 3, None), (10, 2, Some(2)), (2, 10, Some(2))]
    {
        let limits = Limits { children, referrers_fetched, ..Limits::STANDARD };
        let source =
            Source::Registry(repository(&server, &access(|options| options.limits = limits)));
        match (source.referrers(&image.digest).await, expect) {
            (Ok(found), None) => assert_eq!(found.len(), 3),
            (Err(Error::TooMany { limit: found, .. }), Some(limit)) => assert_eq!(found, limit),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn f18_an_upload_that_the_registry_gave_up_is_begun_again() {
    let server = server().await;
    let store = Store::Registry(anonymous(&server));
    let lost = first(1, "/uploads/session", Fault::status(404));
    server.misbehave(lost);
    let blob = store.put_blob_bytes("text/plain", Bytes::from_static(b"abc")).await.unwrap();
    assert!(store.has_blob(&blob).await.unwrap());
    server.misbehave(always("/uploads/session", Fault::status(404)));
    let found = store.put_blob_bytes("text/plain", Bytes::from_static(b"abcd")).await;
    assert!(matches!(found, Err(Error::UploadLost { .. })));
    server.misbehave(always("/uploads/", Fault::status(202)));
    let found = store.put_blob_bytes("text/plain", Bytes::from_static(b"abcd")).await;
    assert!(matches!(found, Err(Error::Header { header: "Location", .. })));
}

#[tokio::test]
async fn e8_no_secret_is_in_any_error() {
    let server = server_with_login(token_login()).await;
    server.misbehave(always("/token", Fault::status(403)));
    let access = logged_in(&server);
    let error = resolve(&server, &access).await.unwrap_err();
    let shown = format!("{error} {error:?} {access:?}");
    assert!(!shown.contains("hunter2") && !shown.contains("aHVudGVyMg"), "{shown}");
}
