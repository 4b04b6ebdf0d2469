//! Lists of referrers, and what becomes of them.

use super::*;

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
async fn a25_c14_a_registry_that_notes_a_referrer_but_does_not_list_it_is_found_out() {
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
