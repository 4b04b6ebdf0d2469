//! Tags, which move.

use super::*;

#[tokio::test]
async fn c2_the_digest_header_is_not_believed() {
    let server = server().await;
    let image = image(&server, b"layer");
    let lie = Digest::of(b"lie").to_string();
    server.misbehave(always("/manifests/", Fault::Header("docker-content-digest", lie)));
    assert_eq!(resolve(&server, &access(|_| ())).await.unwrap(), image.digest);
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
