use crate::{
    Source,
    cache::LayerCache,
    fixture::{Sum, block_on, directory, image, path, read},
    image::{ReadOptions, condense_again, open_image, read_tree},
    layout::Layout,
    testing::image::{BuiltImage, LayerBuilder},
};
use plimsoll_model::{
    Limits, Pinned, TreePath,
    reference::Place,
    tree::{Condense, Condenser, Interest, LayerIndex, Note, Tree as _, Want},
};
use std::{ops::ControlFlow, sync::Arc};

/// Notes every file that begins with `!`, by its first four bytes, whatever is wanted of it besides.
struct Marked(Want);

struct Head(Vec<u8>);

impl Condense for Head {
    fn take(&mut self, piece: &[u8]) -> ControlFlow<()> {
        self.0.extend_from_slice(piece);
        if self.0.len() >= 4 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn finish(self: Box<Self>) -> Option<Vec<u8>> {
        self.0.starts_with(b"!").then(|| self.0[..4.min(self.0.len())].to_vec())
    }
}

static ALL: Condenser = Condenser { id: "all", also: None, begin: |_| Box::new(Whole(Vec::new())) };

static HEAD: Condenser =
    Condenser { id: "head", also: None, begin: |_| Box::new(Head(Vec::new())) };

static CONDENSERS: &[&Condenser] = &[&ALL];

struct Whole(Vec<u8>);

impl Condense for Whole {
    fn take(&mut self, piece: &[u8]) -> ControlFlow<()> {
        self.0.extend_from_slice(piece);
        ControlFlow::Continue(())
    }

    fn finish(self: Box<Self>) -> Option<Vec<u8>> {
        Some(self.0)
    }
}

impl Interest for Marked {
    fn want(&self, _: &TreePath, _: u64, _: u32) -> Want {
        self.0
    }

    fn inspect(&self, _: &TreePath, _: u64) -> Option<Box<dyn Condense>> {
        Some(Box::new(Head(Vec::new())))
    }

    fn id(&self) -> Option<&str> {
        Some("marked")
    }

    fn condensers(&self) -> &[&'static Condenser] {
        CONDENSERS
    }
}

fn layer() -> LayerBuilder {
    LayerBuilder::new()
}

fn note(layer: u32, at: &str, remains: Option<&str>) -> Note {
    let (path, remains) = (path(at), remains.map(path));
    Note { layer: LayerIndex(layer), path, remains, bytes: b"!abc".to_vec() }
}

fn built() -> BuiltImage {
    image([
        layer().file("a", "!abcdef").file("b", "!abc").file("c/d", "!abc").file("e", "nothing"),
        layer().whiteout("a").file("b", "other").symlink("l", "c").opaque("c"),
        layer().file("f", "!abc").file("f", "again").file("l/g", "!abc"),
    ])
}

fn expected() -> Vec<Note> {
    vec![
        note(0, "a", None),
        note(0, "b", None),
        note(0, "c/d", None),
        note(2, "f", None),
        note(2, "l/g", Some("c/g")),
    ]
}

#[test]
fn files_of_every_layer_are_shown_and_those_that_are_gone_are_told_apart() {
    for want in [Want::Nothing, Want::Content, Want::Condensed(&ALL)] {
        let tree = read(&built(), Marked(want), &Limits::STANDARD).unwrap();
        assert_eq!(tree.notes(), expected(), "{want:?}");
        let whole = tree.condensed(&path("c/g"), &ALL).map(|bytes| bytes.map(|b| b.to_vec()));
        assert_eq!(whole.is_ok(), want != Want::Nothing);
    }
}

#[test]
fn what_a_hard_link_holds_on_to_is_not_gone() {
    let image =
        image([layer().file("a", "!abc"), layer().hardlink("b", "a"), layer().whiteout("a")]);
    let tree = read(&image, Marked(Want::Nothing), &Limits::STANDARD).unwrap();
    assert_eq!(tree.notes(), [note(0, "a", Some("b"))]);
}

#[test]
fn notes_count_as_kept() {
    let mut limits = Limits::STANDARD;
    let image = image([(0..64).fold(layer(), |layer, at| layer.file(&format!("{at}"), "!abc"))]);
    limits.kept = 64 * 1_024;
    assert_eq!(read(&image, Marked(Want::Nothing), &limits).unwrap().notes().len(), 64);
    limits.kept = 100;
    assert!(read(&image, Marked(Want::Nothing), &limits).is_err());
}

#[test]
fn what_was_noted_comes_out_of_the_cache_as_well() {
    let ((_one, layout), (_other, at)) = (directory(), directory());
    let built = built();
    built.write_layout(&layout, None);
    let cache = Arc::new(LayerCache::open(&at.join("layers"), 1 << 20).unwrap());
    let read = || {
        let source = Source::Layout(Layout::open(&layout, &Limits::STANDARD).unwrap());
        let place = Place::OciLayout(layout.clone());
        let pinned = Pinned { place, digest: built.manifest.digest };
        let options = ReadOptions {
            interest: Arc::new(Marked(Want::Nothing)),
            limits: Limits::STANDARD,
            cache: Some(Arc::clone(&cache)),
            threads: None,
        };
        block_on(async {
            let image = open_image(&source, &pinned, None).await.unwrap();
            let tree = read_tree(&source, &image, &options, &Sum::default()).await.unwrap();
            tree.notes().to_vec()
        })
    };
    assert_eq!(read(), expected());
    for layer in &built.layers {
        std::fs::remove_file(layout.join("blobs/sha256").join(layer.digest.hex())).unwrap();
    }
    assert_eq!(read(), expected());
}

/// Wants the whole of `kept`.
struct OfKept;

impl Interest for OfKept {
    fn want(&self, at: &TreePath, _: u64, _: u32) -> Want {
        if at.as_bytes() == b"kept" { Want::Content } else { Want::Nothing }
    }
}

#[test]
fn files_are_read_again_by_what_only_the_tree_tells() {
    let (_one, layout) = directory();
    let built = image([
        layer().file("kept", "whole").file("usr/b", "lower").file("c", "unasked"),
        layer().file("usr/b", "upper").hardlink("hard", "usr/b").symlink("soft", "usr/b"),
        layer().file("other", "x").file("marked", "!y"),
    ]);
    built.write_layout(&layout, None);
    let source = Source::Layout(Layout::open(&layout, &Limits::STANDARD).unwrap());
    let pinned = Pinned { place: Place::OciLayout(layout.clone()), digest: built.manifest.digest };
    let options = ReadOptions {
        interest: Arc::new(OfKept),
        limits: Limits::STANDARD,
        cache: None,
        threads: None,
    };
    block_on(async {
        let image = open_image(&source, &pinned, None).await.unwrap();
        let tree = Arc::new(read_tree(&source, &image, &options, &Sum::default()).await.unwrap());
        // Layers in which nothing is wanted are not read again.
        std::fs::remove_file(layout.join("blobs/sha256").join(built.layers[0].digest.hex()))
            .unwrap();
        let again = |paths: &[(&str, &'static Condenser)]| {
            let wanted = paths.iter().map(|(at, by)| (path(at), *by)).collect();
            let (source, image, options) = (&source, &image, &options);
            let tree = Arc::clone(&tree);
            async move { condense_again(source, image, options, (tree, wanted), &Sum::default()).await }
        };
        let all = ["absent", "hard", "kept", "other", "soft", "usr", "usr/b"].map(|at| (at, &ALL));
        let made = again(&all).await.unwrap();
        let made: Vec<_> = made.iter().map(|(at, made)| (at.to_string(), &**made)).collect();
        let expect: [(&str, &[u8]); 4] =
            [("/hard", b"upper"), ("/kept", b"whole"), ("/other", b"x"), ("/usr/b", b"upper")];
        assert_eq!(made, expect.map(|(at, made)| (at.to_owned(), made)));
        // Of what a condenser makes nothing there is nothing.
        assert_eq!(again(&[("other", &HEAD)]).await.unwrap().len(), 0);
        let marked = again(&[("marked", &HEAD)]).await.unwrap();
        assert_eq!(marked.into_iter().collect::<Vec<_>>(), [(path("marked"), b"!y".to_vec())]);
        assert!(again(&[("c", &ALL)]).await.is_err());
    });
}
