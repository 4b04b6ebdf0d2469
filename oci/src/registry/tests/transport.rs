//! Bytes that are wrong, and connections that break.

use super::*;

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
async fn offline_opens_no_socket() {
    let server = server().await;
    image(&server, b"layer");
    let offline = access(|options| options.network = Network::Refused);
    assert!(matches!(resolve(&server, &offline).await, Err(Error::Offline { .. })));
    assert_eq!(server.take_log(), []);
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
