//! Images in temporary layouts, and what is seen of them.

use crate::{
    Error, Source,
    image::{Progress, ReadOptions, open_image, read_tree},
    layout::Layout,
    squash::LayeredTree,
    testing::image::{BuiltImage, ImageBuilder, LayerBuilder},
};
use camino::{Utf8Path, Utf8PathBuf};
use plimsoll_model::{
    Limits, Pinned, TreePath,
    image::Image,
    platform::Platform,
    reference::Place,
    tree::{EntryKind, Interest, Tree as _, Want},
};
use std::{
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// Wants every file.
pub(crate) struct Everything;

impl Interest for Everything {
    fn want(&self, _: &TreePath, _: u64, _: u32) -> Want {
        Want::Content
    }
}

/// Wants the files with these paths.
pub(crate) struct Paths(pub(crate) &'static [&'static str], pub(crate) Want);

impl Interest for Paths {
    fn want(&self, path: &TreePath, _: u64, _: u32) -> Want {
        if self.0.iter().any(|wanted| wanted.as_bytes() == path.as_bytes()) {
            self.1
        } else {
            Want::Nothing
        }
    }
}

/// Adds up what it hears.
#[derive(Default)]
pub(crate) struct Sum(pub(crate) AtomicU64);

impl Progress for Sum {
    fn bytes(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }
}

pub(crate) fn directory() -> (tempfile::TempDir, Utf8PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = Utf8Path::from_path(directory.path()).unwrap().to_owned();
    (directory, path)
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Opens an image that lies in a layout.
pub(crate) fn open(image: &BuiltImage, platform: Option<&str>) -> Result<Image, Error> {
    let (_directory, path) = directory();
    image.write_layout(&path, None);
    let source = Source::Layout(Layout::open(&path, &Limits::STANDARD)?);
    let pinned = Pinned { place: Place::OciLayout(path), digest: image.manifest.digest };
    let platform: Option<Platform> = platform.map(|platform| platform.parse().unwrap());
    block_on(open_image(&source, &pinned, platform.as_ref()))
}

/// Opens an image in a source and reads all of it.
pub(crate) fn read_from(
    source: &Source,
    pinned: &Pinned,
    interest: Arc<dyn Interest>,
    limits: &Limits,
) -> Result<LayeredTree, Error> {
    block_on(async {
        let image = open_image(source, pinned, None).await?;
        let told = Sum::default();
        let options = ReadOptions { interest, limits: limits.clone(), cache: None, threads: None };
        let tree = read_tree(source, &image, &options, &told).await?;
        let size: u64 = image.layers.iter().map(|layer| layer.size).sum();
        assert!(told.0.load(Ordering::Relaxed) >= size, "all bytes are told");
        Ok(tree)
    })
}

/// Reads an image that lies in a layout.
pub(crate) fn read(
    image: &BuiltImage,
    interest: impl Interest + 'static,
    limits: &Limits,
) -> Result<LayeredTree, Error> {
    let (_directory, path) = directory();
    image.write_layout(&path, None);
    let source = Source::Layout(Layout::open(&path, limits)?);
    let pinned = Pinned { place: Place::OciLayout(path), digest: image.manifest.digest };
    read_from(&source, &pinned, Arc::new(interest), limits)
}

pub(crate) fn image(layers: impl IntoIterator<Item = LayerBuilder>) -> BuiltImage {
    layers.into_iter().fold(ImageBuilder::new(), ImageBuilder::layer).build()
}

pub(crate) fn tree(layers: impl IntoIterator<Item = LayerBuilder>) -> Result<LayeredTree, Error> {
    read(&image(layers), Everything, &Limits::STANDARD)
}

/// One line for each entry: `directory/`, `file=content`, `link->target`, `special!`. Without the root.
pub(crate) fn listing(tree: &LayeredTree) -> Vec<String> {
    let line = |entry: plimsoll_model::tree::Entry| {
        let path = String::from_utf8_lossy(entry.path.as_bytes()).into_owned();
        match &entry.kind {
            EntryKind::Directory => format!("{path}/"),
            EntryKind::File => {
                let content = tree.read(&entry.path, u64::MAX).map(Cow::into_owned);
                format!(
                    "{path}={}",
                    content.map_or_else(
                        |error| error.to_string(),
                        |bytes| String::from_utf8_lossy(&bytes).into_owned()
                    )
                )
            }
            EntryKind::Symlink(target) => format!("{path}->{}", String::from_utf8_lossy(target)),
            EntryKind::Device | EntryKind::Special => format!("{path}!"),
        }
    };
    tree.entries().filter(|entry| !entry.path.as_bytes().is_empty()).map(line).collect()
}

#[expect(clippy::disallowed_methods, reason = "a test reads no more than it wrote")]
pub(crate) fn bytes_of(file: &Utf8Path) -> Vec<u8> {
    std::fs::read(file).unwrap()
}

pub(crate) fn path(text: &str) -> TreePath {
    TreePath::parse(text.as_bytes()).unwrap()
}

/// Bytes that do not compress well.
pub(crate) fn noise(count: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes().first().copied().unwrap()
    };
    std::iter::repeat_with(&mut next).take(count).collect()
}
