use super::{ReadOptions, open_image, read_tree};
use crate::{
    Error, Source,
    fixture::{Everything, Sum, block_on, directory, image, listing, noise, open, read},
    layout::Layout,
    manifest::Descriptor,
    testing::image::{BuiltImage, ImageBuilder, LayerBuilder, Storage},
    testing::{
        access,
        registry::{Fault, Options, Registry},
    },
};
use futures_util::future::poll_immediate;
use plimsoll_model::{
    Digest, Limits, Pinned, Reference, TreePath,
    platform::Platform,
    reference::Place,
    tree::{Interest, Want},
};
use serde_json::json;
use std::sync::{Arc, Mutex, mpsc};

mod oracles;

fn everything() -> ReadOptions {
    ReadOptions {
        interest: Arc::new(Everything),
        limits: Limits::STANDARD,
        cache: None,
        threads: None,
    }
}

fn platform(text: &str) -> Platform {
    text.parse().unwrap()
}

fn image_for(text: &str) -> BuiltImage {
    ImageBuilder::new()
        .platform(platform(text))
        .layer(LayerBuilder::new().file("for", text))
        .build()
}

/// Marked as BuildKit marks what it attaches.
fn attached(mut built: BuiltImage) -> BuiltImage {
    let mark = ("vnd.docker.reference.type".to_owned(), "attestation-manifest".to_owned());
    built.manifest.annotations.extend([mark]);
    built
}

fn attestation() -> BuiltImage {
    attached(ImageBuilder::new().platform(platform("unknown/unknown")).build())
}

#[track_caller]
fn check(built: &BuiltImage, asked: Option<&str>, expect: &str) {
    assert_eq!(open(built, asked).unwrap().platform.to_string(), expect);
}

#[track_caller]
fn offers(built: &BuiltImage, asked: Option<&str>, expect: &[&str]) {
    match open(built, asked) {
        Err(Error::NoPlatform { offered, .. }) => {
            assert_eq!(offered.iter().map(Platform::to_string).collect::<Vec<_>>(), expect);
        }
        other => panic!("expected no image for the platform, found {other:?}"),
    }
}

#[test]
fn the_image_for_the_platform_is_chosen() {
    let host = Platform::host().to_string();
    let built = BuiltImage::index([
        image_for("linux/s390x"),
        image_for(&host),
        image_for("linux/arm/v7"),
        attestation(),
    ]);
    check(&built, None, &host);
    check(&built, Some("linux/arm"), "linux/arm/v7");
    check(&built, Some("linux/s390x"), "linux/s390x");
    offers(&built, Some("windows/amd64"), &[&host, "linux/arm/v7", "linux/s390x"]);
    offers(&built, Some("linux/arm/v6"), &[&host, "linux/arm/v7", "linux/s390x"]);
    offers(&built, Some("unknown/unknown"), &[&host, "linux/arm/v7", "linux/s390x"]);
    let foreign = BuiltImage::index([image_for("linux/s390x"), image_for("linux/mips64le")]);
    offers(&foreign, None, &["linux/mips64le", "linux/s390x"]);
}

#[test]
fn what_a_runtime_would_run_is_not_passed_over() {
    let (evil, good) = (ImageBuilder::new().user("evil"), ImageBuilder::new().user("good"));
    let user = |built: &BuiltImage| open(built, Some("linux/amd64")).unwrap().config.user.unwrap();
    assert_eq!(
        user(&BuiltImage::index([attached(evil.clone().build()), good.clone().build()])),
        "evil"
    );
    let newer = evil.platform(platform("linux/amd64/v2"));
    assert_eq!(user(&BuiltImage::index([newer.clone().build(), good.build()])), "good");
    assert_eq!(user(&BuiltImage::index([newer.build()])), "evil");
}

#[test]
fn the_only_image_is_taken_unless_another_platform_was_asked_for() {
    let only = BuiltImage::index([image_for("linux/s390x"), attestation()]);
    check(&only, None, "linux/s390x");
    offers(&only, Some("linux/amd64"), &["linux/s390x"]);
    let plain = image_for("linux/s390x");
    check(&plain, None, "linux/s390x");
    check(&plain, Some("linux/s390x"), "linux/s390x");
    offers(&plain, Some("linux/amd64"), &["linux/s390x"]);
    let mut silent = image_for("linux/s390x");
    silent.manifest.platform = None;
    check(&BuiltImage::index([silent.clone()]), Some("linux/s390x"), "linux/s390x");
    offers(&BuiltImage::index([silent]), Some("linux/amd64"), &["linux/s390x"]);
    offers(&BuiltImage::index([attestation()]), None, &[]);
}

#[test]
fn an_index_that_lies_about_a_platform_is_refused() {
    let mut lying = image_for("linux/s390x");
    lying.manifest.platform = Some(platform("linux/arm64"));
    offers(&BuiltImage::index([lying]), Some("linux/arm64"), &["linux/s390x"]);
    let mut sized = image_for("linux/s390x");
    sized.manifest.size += 1;
    assert!(matches!(
        open(&BuiltImage::index([sized]), None),
        Err(Error::Size { found: Some(_), .. })
    ));
}

#[test]
fn indexes_in_indexes_end() {
    let nested = |depth: usize| {
        (0..depth).fold(image_for("linux/amd64"), |inner, _| BuiltImage::index([inner]))
    };
    check(&nested(4), None, "linux/amd64");
    assert!(matches!(open(&nested(6), None), Err(Error::NestedIndexes { limit: 4, .. })));
}

#[test]
fn what_an_image_says_of_itself_is_read() {
    let built = ImageBuilder::new()
        .user("1000")
        .healthcheck(&["CMD", "true"])
        .label("a", "b")
        .layer(LayerBuilder::new().file("a", "1").created_by("ADD rootfs"))
        .top(
            "history",
            json!([{"created_by": "ADD rootfs"}, {"created_by": "USER 1000", "empty_layer": true}]),
        )
        .manifest("annotations", json!({"k": "v"}))
        .build();
    let found = open(&built, None).unwrap();
    assert_eq!(found.manifest, built.manifest.digest);
    assert_eq!(Some(found.config_digest), built.config);
    assert_eq!(found.config.user.as_deref(), Some("1000"));
    assert_eq!(found.config.healthcheck.unwrap().test, ["CMD", "true"]);
    assert_eq!(found.config.labels["a"], "b");
    assert_eq!(found.annotations["k"], "v");
    assert_eq!(found.layers.len(), 1);
    assert_eq!(found.layers[0].digest, built.layers[0].digest);
    assert_eq!(found.layers[0].created_by.as_deref(), Some("ADD rootfs"));
}

#[test]
fn manifest_and_configuration_count_the_same_layers() {
    let two = || ImageBuilder::new().layer(LayerBuilder::new()).layer(LayerBuilder::new());
    let step = json!({"created_by": "x"});
    let commands = |history| {
        let image = open(&two().top("history", history).build(), None).unwrap();
        image.layers.into_iter().map(|layer| layer.created_by).collect::<Vec<_>>()
    };
    assert_eq!(commands(json!([step, step])), [Some("x".to_owned()), Some("x".to_owned())]);
    for miscounted in [json!([]), json!([step]), json!([step, step, step])] {
        assert_eq!(commands(miscounted), [None, None]);
    }
    let diff_ids = json!({"type": "layers", "diff_ids": [Digest::of(b"")]});
    let found = open(&two().top("rootfs", diff_ids).build(), None);
    assert!(matches!(found, Err(Error::LayerCount { layers: 2, found: 1, .. })), "{found:?}");
}

#[test]
fn what_is_no_image_is_not_read_as_one() {
    let config = Descriptor::of("application/vnd.cncf.helm.config.v1+json", b"{}");
    let chart =
        json!({"mediaType": config.media_type, "digest": config.digest, "size": config.size});
    let built = ImageBuilder::new().manifest("config", chart).build();
    assert!(matches!(open(&built, None), Err(Error::NotAnImage { .. })));
}

#[test]
fn f7_forged_manifests_and_configurations_are_seen() {
    let built = image_for("linux/amd64");
    for digest in [built.manifest.digest, built.config.unwrap()] {
        for at in [0, 40, 90] {
            let found = open(&built.clone().flip(&digest, at), None);
            assert!(
                matches!(found, Err(Error::Digest { expected, .. }) if expected == digest),
                "{found:?}"
            );
        }
        let found = open(&built.clone().without(&digest), None);
        assert!(
            matches!(found, Err(Error::MissingBlob { digest: missing, .. }) if missing == digest),
            "{found:?}"
        );
    }
}

#[test]
fn many_layers_come_to_the_same_tree_whichever_is_read_first() {
    let layers = |order: fn(usize) -> usize| {
        image((0..40).map(|number| {
            LayerBuilder::new()
                .file("top", number.to_string())
                .file(&format!("of-{number:02}"), "x".repeat(order(number) * 5_000))
        }))
    };
    for order in [|number| number, |number| 40 - number] {
        let tree = read(&layers(order), Everything, &Limits::STANDARD).unwrap();
        let listing = listing(&tree);
        assert_eq!(listing.len(), 41);
        assert_eq!(listing.last().unwrap(), "top=39");
    }
}

#[test]
fn of_several_broken_layers_one_is_named_and_there_is_no_tree() {
    let built = image((0..8).map(|number: u8| LayerBuilder::new().file("a", vec![number; 1_000])));
    let forged =
        built.layers.iter().fold(built.clone(), |forged, layer| forged.flip(&layer.digest, 20));
    let result = read(&forged, Everything, &Limits::STANDARD);
    assert!(matches!(result, Err(Error::Digest { .. })), "{result:?}");
}

/// Puts an image into a registry and reads it from there, while `fault` goes wrong.
async fn through_a_registry(
    built: &BuiltImage,
    fault: Option<(Digest, Fault)>,
) -> Result<Vec<String>, Error> {
    let registry = Registry::start(Options::default()).await.unwrap();
    for bytes in built.blobs.values() {
        registry.put_blob("app", bytes.clone());
    }
    let manifest = built.blobs[&built.manifest.digest].clone();
    registry.put_manifest("app", &built.manifest.media_type, manifest, Some("1"));
    registry.misbehave(move |seen| {
        let (digest, fault) = fault.as_ref()?;
        seen.path.ends_with(&digest.to_string()).then(|| fault.clone())
    });
    let reference: Reference = registry.name("app:1").parse().unwrap();
    let source = Source::open(&reference, &access(|_| ())).await?;
    let pinned = source.resolve(&reference).await?;
    let image = open_image(&source, &pinned, None).await?;
    let tree = read_tree(&source, &image, &everything(), &Sum::default()).await?;
    Ok(listing(&tree))
}

fn large() -> BuiltImage {
    image([
        LayerBuilder::new().file("noise", noise(400_000)).whiteout("x"),
        LayerBuilder::new().file("noise", "2"),
    ])
}

#[test]
fn layers_of_a_registry_are_read_as_they_arrive_on_one_thread() {
    assert_eq!(block_on(through_a_registry(&large(), None)).unwrap(), ["noise=2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn layers_of_a_registry_are_read_as_they_arrive_on_several_threads() {
    assert_eq!(through_a_registry(&large(), None).await.unwrap(), ["noise=2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn f7_f9_forged_and_endless_layers_of_a_registry_are_seen() {
    let built = large();
    let layer = built.layers[0].digest;
    let mut forged = built.blobs[&layer].to_vec();
    forged[200_000] ^= 1;
    let found = through_a_registry(&built, Some((layer, Fault::Body(forged.into())))).await;
    assert!(matches!(found, Err(Error::Digest { expected, .. }) if expected == layer), "{found:?}");
    let found = through_a_registry(&built, Some((layer, Fault::Endless))).await;
    assert!(matches!(found, Err(Error::Size { digest, .. }) if digest == layer), "{found:?}");
    let found = through_a_registry(&built, Some((layer, Fault::status(404)))).await;
    assert!(matches!(found, Err(Error::NotFound { .. })), "{found:?}");
}

/// Tells that it was asked, then waits until it may answer.
struct Slow {
    asked: mpsc::SyncSender<()>,
    go: Mutex<mpsc::Receiver<()>>,
}

impl Interest for Slow {
    fn want(&self, _: &TreePath, _: u64, _: u32) -> Want {
        self.asked.send(()).unwrap();
        self.go.lock().unwrap().recv().unwrap();
        Want::Content
    }
}

#[test]
fn reading_ends_soon_after_nobody_waits_for_it() {
    const FILES: usize = 100;
    let (_kept, path) = directory();
    let add = |layer: LayerBuilder, number| layer.file(&format!("{number}"), vec![1; 100_000]);
    let layer = (0..FILES).fold(LayerBuilder::new().storage(Storage::Plain), add);
    let built = image([layer]);
    built.write_layout(&path, None);
    let source = Source::Layout(Layout::open(&path, &Limits::STANDARD).unwrap());
    let pinned = Pinned { place: Place::OciLayout(path), digest: built.manifest.digest };
    let ((asked, is_asked), (go, may_go)) = (mpsc::sync_channel(FILES), mpsc::sync_channel(FILES));
    let interest = Arc::new(Slow { asked, go: Mutex::new(may_go) });
    block_on(async {
        let image = open_image(&source, &pinned, None).await.unwrap();
        let told = Sum::default();
        let options = ReadOptions { interest, ..everything() };
        let mut reading = Box::pin(read_tree(&source, &image, &options, &told));
        assert!(poll_immediate(&mut reading).await.is_none());
        is_asked.recv().unwrap();
        drop(reading);
        (0..FILES).for_each(|_| go.send(()).unwrap());
    });
    // The runtime waited for its threads to end. What was in the pipe already may have been walked through.
    let more = is_asked.try_iter().count();
    assert!(more < FILES / 2, "{more} files were still read");
}

/// Reading what other programs wrote.
mod archives {
    use super::{Arc, Everything, Limits, Source, block_on};
    use crate::{fixture::read_from, squash::LayeredTree, testing::access};
    use camino::Utf8Path;
    use plimsoll_model::Reference;

    pub(super) fn read(kind: &str, file: &Utf8Path) -> LayeredTree {
        let kind = if kind == "oci" { "oci-layout" } else { kind };
        let reference: Reference = format!("{kind}:{file}").parse().unwrap();
        let (source, pinned) = block_on(async {
            let source = Source::open(&reference, &access(|_| ())).await.unwrap();
            let pinned = source.resolve(&reference).await.unwrap();
            (source, pinned)
        });
        read_from(&source, &pinned, Arc::new(Everything), &Limits::STANDARD).unwrap()
    }
}
