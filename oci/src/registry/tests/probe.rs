//! What an audit learns of registries that let everybody in, that let nobody in, and that lie.

use super::*;
use crate::registry::{Consent, probe};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use plimsoll_model::registry::{
    Connection, CredentialKind, Door, Grant, LeftKind, OldTls, ReferrersApi as Api, RegistryFacts,
    TagMoves, Told,
};

async fn audit(server: &Server, access: &Access, consent: Consent) -> RegistryFacts {
    let name = server.name("app").parse().unwrap();
    probe(&name, access, (consent, "test")).await.unwrap()
}

fn is_untold<T>(told: &Told<T>) -> bool {
    matches!(told, Told::Untold(_))
}

/// Writes that the server saw: method, and path without the query.
fn writes(server: &Server) -> Vec<String> {
    let log = server.take_log();
    let writes = log.iter().filter(|seen| seen.is_write());
    let line = |seen: &Seen| {
        format!("{} {}", seen.method, seen.path.split('?').next().unwrap_or_default())
    };
    writes.map(line).collect()
}

#[tokio::test]
async fn an_open_registry_is_open() {
    let server = server().await;
    image(&server, b"layer");
    let facts = audit(&server, &access(|_| ()), Consent::Given).await;
    assert_eq!(facts.connection, Connection::Loopback);
    assert_eq!(facts.pull, Told::Is(Door::Open(200)));
    assert_eq!(facts.push, Told::Is(Door::Open(202)));
    assert_eq!(facts.delete, Told::Is(Door::Open(404)));
    assert_eq!(facts.catalog, Told::Is(Door::Open(200)));
    assert_eq!(facts.tag_moves, Told::Is(TagMoves::Yes("plimsoll-audit-test".to_owned())));
    assert_eq!(facts.referrers, Told::Is(Api::Present));
    assert_eq!((facts.lies, facts.gone), (Told::Is(vec![]), Told::Is(vec![])));
    assert_eq!((facts.credential, facts.leftovers), (CredentialKind::Absent, vec![]));
    // What was written is taken back.
    assert_eq!(server.tags("app").into_keys().collect::<Vec<_>>(), ["1"]);
    let writes = writes(&server);
    let count = |line: &str| writes.iter().filter(|write| write.as_str() == line).count();
    assert_eq!(count("POST /v2/app/blobs/uploads/"), 1);
    assert_eq!(count("DELETE /v2/app/blobs/uploads/session"), 1);
    assert_eq!(count("PUT /v2/app/manifests/plimsoll-audit-test"), 2);
}

#[tokio::test]
async fn nothing_is_written_without_consent() {
    let server = server().await;
    image(&server, b"layer");
    let facts = audit(&server, &access(|_| ()), Consent::Absent).await;
    assert_eq!((facts.push, facts.delete), (Told::NoConsent, Told::NoConsent));
    assert_eq!(facts.tag_moves, Told::NoConsent);
    assert_eq!(writes(&server), [""; 0]);
}

#[tokio::test]
async fn a_registry_with_a_login_is_shut_to_everybody() {
    for login in [
        token_login(),
        Login::Basic { username: "user".to_owned(), password: "hunter2".to_owned() },
    ] {
        let is_token = matches!(login, Login::Token { .. });
        let server = server_with_login(login).await;
        image(&server, b"layer");
        let facts = audit(&server, &logged_in(&server), Consent::Given).await;
        let shut = Told::Is(Door::Shut(401));
        let doors = [facts.pull, facts.push, facts.delete, facts.catalog];
        assert_eq!(doors, [shut, shut_again(), shut_again(), shut_again()]);
        assert_eq!(facts.credential, CredentialKind::Static);
        assert_eq!(facts.own_push, Told::Is(Door::Open(202)));
        let why = if is_token {
            "the token is none that can be read"
        } else {
            "the password itself goes with every request"
        };
        assert_eq!(facts.grants, Told::Untold(why.to_owned()));
    }
}

fn shut_again() -> Told<Door> {
    Told::Is(Door::Shut(401))
}

#[tokio::test]
async fn what_a_token_says_that_it_allows_is_read() {
    let server = server_with_login(token_login()).await;
    image(&server, b"layer");
    let claims = r#"{"access":[{"type":"repository","name":"app","actions":["pull","push"]}]}"#;
    let token = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims));
    server.misbehave(move |seen| {
        let body = format!("{{\"token\":\"{token}\"}}").into();
        (seen.path.starts_with("/token")).then(|| Fault::Body(body))
    });
    let facts = audit(&server, &logged_in(&server), Consent::Absent).await;
    let actions = vec!["pull".to_owned(), "push".to_owned()];
    let grant = Grant { kind: "repository".to_owned(), name: "app".to_owned(), actions };
    let Told::Is(grants) = facts.grants else { panic!("{:?}", facts.grants) };
    assert_eq!((grants.for_pull, grants.for_push), (vec![grant.clone()], vec![grant]));
}

#[tokio::test]
async fn c2_lies_about_digests_are_found() {
    let server = server().await;
    let image = image(&server, b"layer");
    let other = Digest::of(b"other");
    let lies = async || match audit(&server, &access(|_| ()), Consent::Absent).await.lies {
        Told::Is(lies) => lies.into_iter().map(|lie| (lie.asked, lie.found)).collect::<Vec<_>>(),
        told @ (Told::Untold(_) | Told::NoConsent) => panic!("{told:?}"),
    };
    let header = format!("Docker-Content-Digest: {other}");
    // A header that is not so.
    let body = Bytes::from_static(b"{}");
    let answer = move |digest: Digest| Fault::Answer {
        status: 200,
        headers: vec![("docker-content-digest", digest.to_string())],
        body: body.clone(),
    };
    let to_tag = answer(other);
    server.misbehave(move |seen| seen.path.ends_with("/manifests/1").then(|| to_tag.clone()));
    let digest = Digest::of(b"{}");
    server.put_manifest("app", OCI_MANIFEST, "{}", None);
    assert_eq!(lies().await, [("GET manifests/1".to_owned(), header)]);
    // Another document by the digest asked for, whatever is asked for.
    let to_all = answer(image.digest);
    server.misbehave(move |seen| seen.path.contains("/manifests/sha256:").then(|| to_all.clone()));
    let sent = format!("a document whose digest is {digest}");
    let nobodys = Digest::of(b"plimsoll registry audit test");
    let said = |header: Digest| format!("Docker-Content-Digest: {header}");
    let found = lies().await;
    assert_eq!(found[0], (format!("GET manifests/{nobodys}"), sent.clone()));
    assert_eq!(found[1], (format!("GET manifests/{}", image.digest), sent));
    assert_eq!(found[2], (format!("GET manifests/{}", image.digest), said(image.digest)));
    assert_eq!(found.len(), 3);
}

#[tokio::test]
async fn without_an_image_what_needs_one_can_not_be_told() {
    let server = server().await;
    let facts = audit(&server, &access(|_| ()), Consent::Absent).await;
    assert!(is_untold(&facts.lies) && is_untold(&facts.gone), "{facts:?}");
    assert_eq!(
        facts.catalog,
        Told::Untold("the catalog is answered, and lists nothing".to_owned())
    );
}

#[tokio::test]
async fn what_is_listed_and_gone_is_found() {
    let server = server().await;
    let child = image(&server, b"layer");
    let index = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [child.to_json()]});
    server.put_manifest("app", OCI_INDEX, index.to_string(), Some("0"));
    assert_eq!(audit(&server, &access(|_| ()), Consent::Absent).await.gone, Told::Is(vec![]));
    server.remove("app", &child.digest);
    let gone = audit(&server, &access(|_| ()), Consent::Absent).await.gone;
    assert_eq!(gone, Told::Is(vec![child.digest]));
}

#[tokio::test]
async fn more_than_is_looked_for_is_not_taken_to_be_there() {
    let server = server().await;
    let mut children = BTreeMap::new();
    for number in 0..40 {
        let bytes = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [], "annotations": {"n": number.to_string()}});
        let child = Descriptor::of(OCI_INDEX, bytes.to_string().as_bytes());
        server.put_manifest("app", OCI_INDEX, bytes.to_string(), None);
        children.insert(child.digest, child);
    }
    let named: Vec<_> = children.values().map(Descriptor::to_json).collect();
    let index = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": named});
    server.put_manifest("app", OCI_INDEX, index.to_string(), Some("1"));
    let gone = async || audit(&server, &access(|_| ()), Consent::Absent).await.gone;
    let why = "32 of 40 that are listed were looked for, and are there";
    // The last one is not looked for, the first one is.
    let digests: Vec<_> = children.into_keys().collect();
    server.remove("app", &digests[39]);
    assert_eq!(gone().await, Told::Untold(why.to_owned()));
    server.remove("app", &digests[0]);
    assert_eq!(gone().await, Told::Is(vec![digests[0]]));
}

#[tokio::test]
async fn an_immutable_tag_stays_and_is_said_where_it_can_not_be_deleted() {
    let server = server().await;
    image(&server, b"layer");
    let puts = AtomicUsize::new(0);
    server.misbehave(move |seen| {
        let is_probe = seen.path.ends_with("/manifests/plimsoll-audit-test");
        let is_again = is_probe && seen.method == "PUT" && puts.fetch_add(1, Ordering::SeqCst) > 0;
        let is_delete = seen.method == "DELETE" && seen.path.contains("/manifests/");
        (is_again || is_delete).then(|| Fault::status(412))
    });
    let facts = audit(&server, &access(|_| ()), Consent::Given).await;
    assert_eq!(facts.tag_moves, Told::Is(TagMoves::No("plimsoll-audit-test".to_owned())));
    let [left] = &facts.leftovers[..] else { panic!("{:?}", facts.leftovers) };
    assert_eq!((left.kind, &*left.what), (LeftKind::Tag, "tag `plimsoll-audit-test`"));
    assert!(server.tags("app").contains_key("plimsoll-audit-test"));
}

#[tokio::test]
async fn manifests_that_can_not_be_deleted_are_said_though_their_tag_is_gone() {
    let server = server().await;
    image(&server, b"layer");
    server.misbehave(|seen| {
        let is_by_digest = seen.path.contains("/manifests/sha256:");
        (seen.method == "DELETE" && is_by_digest).then(|| Fault::status(405))
    });
    let facts = audit(&server, &access(|_| ()), Consent::Given).await;
    assert!(!server.tags("app").contains_key("plimsoll-audit-test"));
    let [left] = &facts.leftovers[..] else { panic!("{:?}", facts.leftovers) };
    assert_eq!(left.kind, LeftKind::Manifests);
    assert!(left.what.starts_with("manifests of the probe, without a tag (sha256:"), "{left:?}");
    assert_eq!(left.what.matches("sha256:").count(), 2);
    assert!(left.why.contains("405"), "{}", left.why);
}

#[tokio::test]
async fn a_tag_that_goes_with_its_manifests_is_not_left() {
    let server = server().await;
    image(&server, b"layer");
    server.misbehave(|seen| {
        let is_tag = seen.path.ends_with("/manifests/plimsoll-audit-test");
        (seen.method == "DELETE" && is_tag).then(|| Fault::status(405))
    });
    let facts = audit(&server, &access(|_| ()), Consent::Given).await;
    assert_eq!(facts.tag_moves, Told::Is(TagMoves::Yes("plimsoll-audit-test".to_owned())));
    assert_eq!(facts.leftovers, []);
    assert!(!server.tags("app").contains_key("plimsoll-audit-test"));
}

#[tokio::test]
async fn a_tag_that_stays_leaves_what_it_stood_for_before_too() {
    let server = server().await;
    image(&server, b"layer");
    server.misbehave(|seen| {
        let is_manifest = seen.path.contains("/manifests/");
        (seen.method == "DELETE" && is_manifest).then(|| Fault::status(405))
    });
    let facts = audit(&server, &access(|_| ()), Consent::Given).await;
    let kinds: Vec<_> = facts.leftovers.iter().map(|left| left.kind).collect();
    assert_eq!(kinds, [LeftKind::Tag, LeftKind::Manifests]);
    assert_eq!(facts.leftovers[1].what.matches("sha256:").count(), 1);
}

#[tokio::test]
async fn an_upload_that_leads_elsewhere_is_not_followed_and_is_said() {
    let server = server().await;
    image(&server, b"layer");
    let inward = "http://169.254.169.254/latest";
    server.misbehave(first(1, "/uploads/", answer(202, "location", inward)));
    let facts = audit(&server, &access(|_| ()), Consent::Given).await;
    assert_eq!(facts.push, Told::Is(Door::Open(202)));
    let [left] = &facts.leftovers[..] else { panic!("{:?}", facts.leftovers) };
    assert_eq!(left.kind, LeftKind::Upload);
    assert!(left.why.contains("refused to be sent on to `http://169.254.169.254`"), "{}", left.why);
}

#[tokio::test]
async fn what_hides_images_from_everybody_is_not_taken_to_let_them_delete() {
    let login = Login::Basic { username: "user".to_owned(), password: "hunter2".to_owned() };
    let server = server_with_login(login).await;
    image(&server, b"layer");
    let body = Bytes::from_static(br#"{"errors":[{"code":"MANIFEST_UNKNOWN"}]}"#);
    server.misbehave(move |seen| {
        let is_known = seen.headers.contains_key("authorization");
        let hidden = Fault::Answer { status: 404, headers: vec![], body: body.clone() };
        (!is_known && seen.path.contains("/manifests/")).then_some(hidden)
    });
    let facts = audit(&server, &logged_in(&server), Consent::Given).await;
    assert_eq!(facts.pull, Told::Is(Door::Shut(404)));
    assert!(is_untold(&facts.delete), "{:?}", facts.delete);
}

#[tokio::test]
async fn hostile_answers_tell_nothing() {
    let server = server().await;
    image(&server, b"layer");
    let impatient = access(|options| {
        (options.attempts, options.timeout) = (1, Duration::from_millis(200));
        options.limits.manifest = 100_000;
    });
    for fault in [Fault::Endless, Fault::Hang, Fault::Drop, Fault::status(503), Fault::status(302)]
    {
        let shown = format!("{fault:?}");
        server.misbehave(move |seen| (seen.path != "/v2/").then(|| fault.clone()));
        let facts = audit(&server, &impatient, Consent::Given).await;
        let RegistryFacts { pull, push, delete, catalog, tag_moves, lies, gone, .. } = facts;
        assert!(is_untold(&pull) && is_untold(&catalog), "{shown}: {pull:?} {catalog:?}");
        assert!(is_untold(&lies) && is_untold(&gone), "{shown}: {lies:?} {gone:?}");
        assert!(is_untold(&tag_moves), "{shown}: {tag_moves:?}");
        // Both are told by the status; an endless body does not hide that there was none of a refusal.
        if shown != "Endless" {
            assert!(is_untold(&push) && is_untold(&delete), "{shown}: {push:?} {delete:?}");
        }
    }
}

#[tokio::test]
async fn a_registry_that_is_not_there_is_an_error_and_one_without_tls_a_fact() {
    let gone = {
        let server = server().await;
        server.name("app")
    };
    let access = access(|options| options.attempts = 1);
    let found = probe(&gone.parse().unwrap(), &access, (Consent::Absent, "test")).await;
    assert!(matches!(found, Err(Error::Transport { .. })), "{found:?}");
    // This machine's address in a form that is not taken for it: TLS is spoken, and not answered.
    let server = server().await;
    let name = format!("[::ffff:127.0.0.1]:{}/app", server.addr().port());
    let facts = probe(&name.parse().unwrap(), &access, (Consent::Given, "test")).await.unwrap();
    assert!(matches!(facts.connection, Connection::Refused(_)), "{:?}", facts.connection);
    assert!(is_untold(&facts.pull) && is_untold(&facts.push));
    assert_eq!(
        facts.old_tls,
        Told::<OldTls>::Untold("there is no secure connection to ask over".to_owned())
    );
    assert_eq!(server.take_log(), []);
}
