mod docker_registry;

use super::*;
use crate::{
    source::Access,
    store::Artifact,
    testing::{
        access,
        image::{BuiltImage, ImageBuilder, LayerBuilder},
        registry::{Fault, Options, ReferrersApi, Registry as Server, Seen},
    },
};
use bytes::Bytes;
use camino::Utf8Path;
use plimsoll_model::{Reference, platform::Platform};
use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
};

const APIS: [ReferrersApi; 2] = [ReferrersApi::Present, ReferrersApi::Absent];

/// Sees every step, and stops the copy at one of them.
struct StopAt {
    step: usize,
    seen: AtomicUsize,
}

impl StopAt {
    fn step(step: usize) -> Self {
        Self { step, seen: AtomicUsize::new(0) }
    }

    fn never() -> Self {
        Self::step(usize::MAX)
    }
}

impl Observer for StopAt {
    fn step(&self, _: &CopyStep) -> Result<(), Error> {
        if self.seen.fetch_add(1, Ordering::SeqCst) == self.step {
            return Err(Error::NotAnImage { reference: "stopped".to_owned() });
        }
        Ok(())
    }
}

async fn server(referrers: ReferrersApi) -> Server {
    Server::start(Options { referrers, ..Options::default() }).await.unwrap()
}

fn artifact(text: &str) -> Artifact {
    Artifact {
        artifact_type: "application/vnd.example".to_owned(),
        media_type: "application/json".to_owned(),
        bytes: Bytes::copy_from_slice(text.as_bytes()),
        annotations: BTreeMap::new(),
    }
}

fn reference(server: &Server, rest: &str) -> Reference {
    server.name(rest).parse().unwrap()
}

async fn store(server: &Server, repository: &str, access: &Access) -> Store {
    Store::open(&reference(server, repository), access).await.unwrap()
}

fn built() -> BuiltImage {
    let image = |architecture: &str, text: &str| {
        ImageBuilder::new()
            .platform(Platform::linux(architecture))
            .layer(LayerBuilder::default().file("shared", "the same in both"))
            .layer(LayerBuilder::default().file("own", text))
            .build()
    };
    BuiltImage::index([image("amd64", "one"), image("arm64", "two")])
}

fn push(server: &Server, repository: &str, built: &BuiltImage, tag: &str) {
    for (digest, bytes) in &built.blobs {
        let tag = (*digest == built.manifest.digest).then_some(tag);
        match Manifest::parse(bytes.clone(), None, "built", &Limits::STANDARD) {
            Ok(manifest) => {
                server.put_manifest(
                    repository,
                    &manifest.descriptor.media_type,
                    bytes.clone(),
                    tag,
                );
            }
            Err(_) => {
                server.put_blob(repository, bytes.clone());
            }
        }
    }
}

/// An index of two images at `build/app:1`, with a referrer of the index, one of a child, one of that, and a signature
/// of old beside the other child.
async fn filled(server: &Server, access: &Access) -> (Pinned, BTreeMap<Digest, Bytes>) {
    let built = built();
    push(server, "build/app", &built, "1");
    let store = store(server, "build/app", access).await;
    let source = store.as_source();
    let pinned = source.resolve(&reference(server, "build/app:1")).await.unwrap();
    let index = source.manifest(&pinned.digest).await.unwrap();
    let Content::Index(children) = &index.content else { panic!("an index was built") };
    let (one, two) = (&children.manifests[0], &children.manifests[1]);
    let mut all = vec![pinned.digest, one.digest, two.digest];
    all.push(store.attach(&index.descriptor, artifact("of the index")).await.unwrap().digest);
    let signature = store.attach(one, artifact("of a child")).await.unwrap();
    all.push(signature.digest);
    all.push(store.attach(&signature, artifact("of a referrer")).await.unwrap().digest);
    let old =
        ImageBuilder::new().layer(LayerBuilder::default().file("signature", "of old")).build();
    push(server, "build/app", &old, &format!("sha256-{}.sig", two.digest.hex()));
    all.push(old.manifest.digest);
    let bytes = all
        .into_iter()
        .map(|digest| (digest, server.manifest("build/app", &digest).unwrap()))
        .collect();
    (pinned, bytes)
}

async fn run(
    from: &Store,
    pinned: &Pinned,
    to: &Store,
    observer: &StopAt,
) -> Result<CopyReport, Error> {
    copy(&from.as_source(), pinned, to, &Limits::STANDARD, observer).await
}

fn assert_holds(server: &Server, repository: &str, manifests: &BTreeMap<Digest, Bytes>) {
    for (digest, bytes) in manifests {
        assert_eq!(server.manifest(repository, digest).as_ref(), Some(bytes), "{digest}");
    }
}

/// The tags that are not lists or signatures.
fn people_tags(server: &Server, repository: &str) -> Vec<String> {
    server.tags(repository).into_keys().filter(|tag| !tag.starts_with("sha256-")).collect()
}

#[tokio::test]
async fn c11_everything_arrives_byte_for_byte_and_a_second_run_writes_nothing() {
    for (from_api, to_api) in APIS.into_iter().flat_map(|from| APIS.map(|to| (from, to))) {
        let (from, to) = (server(from_api).await, server(to_api).await);
        let access = access(|_| ());
        let (pinned, manifests) = filled(&from, &access).await;
        let (source, target) =
            (store(&from, "build/app", &access).await, store(&to, "prod/app", &access).await);
        let report = run(&source, &pinned, &target, &StopAt::never()).await.unwrap();
        assert_holds(&to, "prod/app", &manifests);
        assert_eq!(people_tags(&to, "prod/app"), Vec::<String>::new());
        assert_eq!(
            (report.manifests_written, report.manifests_present, report.referrers),
            (7, 0, 4)
        );
        assert_eq!((report.blobs_mounted, report.blobs_present), (0, 0));
        for digest in manifests.keys() {
            let listed = |store: &Store| {
                let source = store.as_source();
                async move { source.referrers(digest).await.unwrap() }
            };
            assert_eq!(listed(&target).await, listed(&source).await);
        }
        to.take_log();
        let again = run(&source, &pinned, &target, &StopAt::never()).await.unwrap();
        let writes: Vec<_> = to.take_log().into_iter().filter(Seen::is_write).collect();
        assert_eq!(writes, []);
        let expect = CopyReport {
            blobs_present: report.blobs_uploaded,
            manifests_present: 7,
            referrers: 4,
            ..CopyReport::default()
        };
        assert_eq!(again, expect);
    }
}

#[tokio::test]
async fn within_a_registry_blobs_are_mounted() {
    let server = server(ReferrersApi::Present).await;
    let access = access(|_| ());
    let (pinned, manifests) = filled(&server, &access).await;
    let (source, target) =
        (store(&server, "build/app", &access).await, store(&server, "prod/app", &access).await);
    let report = run(&source, &pinned, &target, &StopAt::never()).await.unwrap();
    assert_eq!((report.blobs_uploaded, report.bytes_uploaded), (0, 0));
    assert!(report.blobs_mounted > 0);
    assert_holds(&server, "prod/app", &manifests);
}

#[tokio::test]
async fn a_mount_that_the_registry_declines_becomes_an_upload() {
    let server = server(ReferrersApi::Present).await;
    let access = access(|_| ());
    let (pinned, manifests) = filled(&server, &access).await;
    let (source, target) =
        (store(&server, "build/app", &access).await, store(&server, "prod/app", &access).await);
    server.misbehave(|seen| {
        seen.path.contains("mount=").then(|| Fault::Answer {
            status: 202,
            headers: vec![("location", "/v2/prod/app/blobs/uploads/declined".to_owned())],
            body: Bytes::new(),
        })
    });
    let report = run(&source, &pinned, &target, &StopAt::never()).await.unwrap();
    assert_eq!(report.blobs_mounted, 0);
    assert!(report.bytes_uploaded > 0);
    assert_holds(&server, "prod/app", &manifests);
}

#[tokio::test]
async fn f19_stopped_at_any_step_there_is_no_tag_and_the_next_run_does_the_rest() {
    for api in APIS {
        let from = server(api).await;
        let access = access(|_| ());
        let (pinned, manifests) = filled(&from, &access).await;
        let source = store(&from, "build/app", &access).await;
        let (to, whole) = (server(api).await, StopAt::never());
        run(&source, &pinned, &store(&to, "prod/app", &access).await, &whole).await.unwrap();
        let steps = whole.seen.load(Ordering::SeqCst);
        assert!(steps > 10);
        for step in 0..steps {
            let to = server(api).await;
            let target = store(&to, "prod/app", &access).await;
            let stopped = run(&source, &pinned, &target, &StopAt::step(step)).await;
            assert!(matches!(stopped, Err(Error::NotAnImage { .. })), "{step}");
            assert_eq!(people_tags(&to, "prod/app"), Vec::<String>::new());
            run(&source, &pinned, &target, &StopAt::never()).await.unwrap();
            assert_holds(&to, "prod/app", &manifests);
            to.take_log();
            run(&source, &pinned, &target, &StopAt::never()).await.unwrap();
            assert!(to.take_log().iter().all(|seen| !seen.is_write()), "{step}");
        }
    }
}

#[tokio::test]
async fn a_spoilt_layer_is_not_copied_and_neither_is_its_image() {
    let (from, to) = (server(ReferrersApi::Present).await, server(ReferrersApi::Present).await);
    let access = access(|_| ());
    let (pinned, _) = filled(&from, &access).await;
    let (source, target) =
        (store(&from, "build/app", &access).await, store(&to, "prod/app", &access).await);
    let index = source.as_source().manifest(&pinned.digest).await.unwrap();
    let Content::Index(children) = &index.content else { panic!("an index was built") };
    let child = source.as_source().manifest(&children.manifests[0].digest).await.unwrap();
    let Content::Image(image) = &child.content else { panic!("an image was built") };
    let spoilt = vec![b'x'; usize::try_from(image.layers[0].size).unwrap()];
    let path = format!("/blobs/{}", image.layers[0].digest);
    from.misbehave(move |seen| {
        let is_meant = seen.method == "GET" && seen.path.ends_with(&path);
        is_meant.then(|| Fault::Body(spoilt.clone().into()))
    });
    let found = run(&source, &pinned, &target, &StopAt::never()).await;
    assert!(
        matches!(&found, Err(Error::Digest { expected, .. }) if *expected == image.layers[0].digest),
        "{found:?}"
    );
    assert_eq!(to.manifest("prod/app", &child.descriptor.digest), None);
    assert_eq!(to.manifest("prod/app", &pinned.digest), None);
    from.behave();
    run(&source, &pinned, &target, &StopAt::never()).await.unwrap();
}

#[tokio::test]
async fn f17_a_manifest_that_vanishes_is_a_clean_failure() {
    let (from, to) = (server(ReferrersApi::Present).await, server(ReferrersApi::Present).await);
    let access = access(|_| ());
    let (pinned, _) = filled(&from, &access).await;
    let (source, target) =
        (store(&from, "build/app", &access).await, store(&to, "prod/app", &access).await);
    from.remove("build/app", &pinned.digest);
    let found = run(&source, &pinned, &target, &StopAt::never()).await;
    assert!(matches!(found, Err(Error::NotFound { .. })), "{found:?}");
    assert!(to.take_log().is_empty());
}

#[tokio::test]
async fn c13_referrers_that_can_not_be_listed_end_the_copy() {
    let (from, to) = (server(ReferrersApi::Present).await, server(ReferrersApi::Present).await);
    let access = access(|_| ());
    let (pinned, _) = filled(&from, &access).await;
    let (source, target) =
        (store(&from, "build/app", &access).await, store(&to, "prod/app", &access).await);
    from.misbehave(|seen| seen.path.contains("/referrers/").then(|| Fault::status(403)));
    let found = run(&source, &pinned, &target, &StopAt::never()).await;
    assert!(matches!(found, Err(Error::Forbidden { .. })), "{found:?}");
    assert!(to.take_log().is_empty());
}

#[tokio::test]
async fn a_flood_of_referrers_ends_the_copy() {
    let server = server(ReferrersApi::Present).await;
    let access = access(|_| ());
    let (pinned, _) = filled(&server, &access).await;
    let (source, target) =
        (store(&server, "build/app", &access).await, store(&server, "prod/app", &access).await);
    let limits = Limits { children: 5, ..Limits::STANDARD };
    let found = copy(&source.as_source(), &pinned, &target, &limits, &StopAt::never()).await;
    assert!(matches!(found, Err(Error::TooMany { limit: 5, .. })), "{found:?}");
}

#[tokio::test]
async fn a_signature_of_somebody_else_at_the_destination_stays() {
    let (from, to) = (server(ReferrersApi::Present).await, server(ReferrersApi::Present).await);
    let access = access(|_| ());
    let (pinned, _) = filled(&from, &access).await;
    let (source, target) =
        (store(&from, "build/app", &access).await, store(&to, "prod/app", &access).await);
    let tag = from.tags("build/app").into_keys().find(|tag| tag.starts_with("sha256-")).unwrap();
    let theirs =
        ImageBuilder::new().layer(LayerBuilder::default().file("signature", "theirs")).build();
    push(&to, "prod/app", &theirs, &tag);
    let found = run(&source, &pinned, &target, &StopAt::never()).await;
    assert!(matches!(found, Err(Error::TagMoved { .. })), "{found:?}");
    assert_eq!(to.tags("prod/app")[&tag], theirs.manifest.digest);
}

#[tokio::test]
async fn from_a_registry_to_a_layout_and_back() {
    let (from, to) = (server(ReferrersApi::Absent).await, server(ReferrersApi::Present).await);
    let access = access(|_| ());
    let (pinned, manifests) = filled(&from, &access).await;
    let directory = tempfile::tempdir().unwrap();
    let path = Utf8Path::from_path(directory.path()).unwrap().join("layout");
    let layout: Reference = format!("oci-layout:{path}").parse().unwrap();
    let middle = Store::open(&layout, &access).await.unwrap();
    let source = store(&from, "build/app", &access).await;
    let there = run(&source, &pinned, &middle, &StopAt::never()).await.unwrap();
    assert_eq!((there.manifests_written, there.referrers), (7, 4));
    let again = run(&source, &pinned, &middle, &StopAt::never()).await.unwrap();
    assert_eq!((again.manifests_written, again.blobs_uploaded), (0, 0));
    let tag = "1".parse().unwrap();
    assert_eq!(middle.current_tag(&tag).await.unwrap(), None);
    let index = middle.as_source().manifest(&pinned.digest).await.unwrap();
    middle.set_tag(&tag, &index, None).await.unwrap();
    assert_eq!(middle.current_tag(&tag).await.unwrap(), Some(pinned.digest));
    let here = Source::open(&layout, &access).await.unwrap().resolve(&layout).await.unwrap();
    assert_eq!(here.digest, pinned.digest);
    let target = store(&to, "prod/app", &access).await;
    let back = run(&middle, &here, &target, &StopAt::never()).await.unwrap();
    assert_holds(&to, "prod/app", &manifests);
    assert_eq!((back.manifests_written, back.referrers), (7, 4));
}

#[tokio::test]
async fn legacy_tags_that_stand_for_each_other_are_copied_once() {
    let (from, to) = (server(ReferrersApi::Present).await, server(ReferrersApi::Present).await);
    let access = access(|_| ());
    let image =
        |text| ImageBuilder::new().layer(LayerBuilder::default().file("file", text)).build();
    let (one, two) = (image("one"), image("two"));
    let tag = |built: &BuiltImage| format!("sha256-{}.sig", built.manifest.digest.hex());
    push(&from, "build/app", &one, &tag(&two));
    push(&from, "build/app", &two, &tag(&one));
    let (source, target) =
        (store(&from, "build/app", &access).await, store(&to, "prod/app", &access).await);
    let pinned = Pinned { place: source.place(), digest: one.manifest.digest };
    let report = run(&source, &pinned, &target, &StopAt::never()).await.unwrap();
    assert_eq!((report.manifests_written, report.referrers), (3, 2));
    assert_eq!(to.tags("prod/app"), from.tags("build/app"));
}

#[tokio::test]
async fn archives_are_not_written_to() {
    let access = access(|_| ());
    for text in ["oci-archive:x.tar", "docker-archive:x.tar"] {
        let found = Store::open(&text.parse().unwrap(), &access).await;
        assert!(matches!(found, Err(Error::ReadOnly { .. })), "{text}");
    }
    assert!(matches!(
        Store::open(&"sbom:x".parse().unwrap(), &access).await,
        Err(Error::NotAnImage { .. })
    ));
}

/// Compiles only while a copy can be sent to another thread.
#[expect(dead_code, reason = "that it compiles is the test")]
fn a_copy_is_send(source: &Source, pinned: &Pinned, store: &Store, observer: &StopAt) -> impl Send {
    copy(source, pinned, store, &Limits::STANDARD, observer)
}
