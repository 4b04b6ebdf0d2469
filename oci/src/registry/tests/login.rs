//! Who is told who we are.

use super::*;

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
async fn e8_no_secret_is_in_any_error() {
    let server = server_with_login(token_login()).await;
    server.misbehave(always("/token", Fault::status(403)));
    let access = logged_in(&server);
    let error = resolve(&server, &access).await.unwrap_err();
    let shown = format!("{error} {error:?} {access:?}");
    assert!(!shown.contains("hunter2") && !shown.contains("aHVudGVyMg"), "{shown}");
}
