//! What several fuzz targets need: files in a tree, and inputs that are a path and the file that lies there.

mod named;
mod tree;

pub use named::{Named, mutate};
pub use tree::{MemoryTree, interest};

use jiff::Timestamp;
use plimsoll_model::{Inventory, Limits, Purl, Tree, TreePath, component::Component};
use plimsoll_oci::testing::{image::LayerBuilder, layers::stack};
use plimsoll_sbom::formats::{ALL, Document, DocumentSubject};
use std::sync::{LazyLock, Once};

/// Catalogs a tree on one thread: the same input goes the same way, and no other thread has to be woken for it.
pub fn catalog(tree: &dyn Tree) -> Inventory {
    static POOL: Once = Once::new();
    POOL.call_once(|| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread();
        pool.build_global().expect("nobody has made the pool before");
    });
    plimsoll_sbom::catalog(tree, &Limits::STANDARD)
}

/// An inventory of packages with these URLs; what is none is passed over.
pub fn inventory<'a>(purls: impl IntoIterator<Item = &'a str>) -> Inventory {
    let components = purls.into_iter().filter_map(|text| {
        let purl: Purl = text.parse().ok()?;
        let name = purl.name().to_owned();
        let version = purl.version().map(str::to_owned);
        Some(Component::new(purl, name, version, "fuzz"))
    });
    Inventory::new(None, components.collect(), Vec::new(), Vec::new())
}

/// Catalogs the file that an input is, beside a system with one package. What is found can be written.
pub fn catalog_named(input: &[u8]) {
    const SYSTEM: [(&[u8], &[u8]); 2] = [
        (b"etc/os-release", b"ID=debian\nVERSION_ID=12\n"),
        (b"var/lib/dpkg/status", b"Package: a\nStatus: install ok installed\nVersion: 1\n\n"),
    ];
    let Some(Named { path, bytes }) = Named::parse(input) else { return };
    let (path, log) = split_log(path);
    let (bytes, log) = bytes.split_at_checked(log.unwrap_or(bytes.len())).unwrap_or((bytes, b""));
    let mut tree = MemoryTree::default();
    let with_log = [path, b"-wal"].concat();
    for (path, bytes) in SYSTEM.into_iter().chain([(path, bytes), (&with_log, log)]) {
        if let Ok(path) = TreePath::parse(path) {
            tree.add(path, bytes);
        }
    }
    let inventory = catalog(&tree);
    let subject =
        DocumentSubject { name: "fuzz".to_owned(), digest: None, platform: None, image_tag: None };
    let timestamp = Timestamp::UNIX_EPOCH;
    let document = Document { inventory: &inventory, subject, timestamp, tool_version: "0.0.0" };
    // One format for each input: to write all of them takes longer than to read the file.
    if let Some(format) = bytes.len().checked_rem(ALL.len()).and_then(|at| ALL.get(at)) {
        format.to_vec(&document).expect("what was found can be written");
    }
}

/// The number behind the last blank of a path: how long the file is, if a log follows.
fn split_log(path: &[u8]) -> (&[u8], Option<usize>) {
    let number = |text: &[u8]| std::str::from_utf8(text).ok()?.parse().ok();
    let blank = path.iter().rposition(|byte| *byte == b' ');
    match blank.and_then(|at| Some((path.get(..at)?, number(path.get(at + 1..)?)?))) {
        Some((path, length)) => (path, Some(length)),
        None => (path, None),
    }
}

/// Puts a layer on top of another and reads every file of the view.
pub fn layer(blob: &[u8]) {
    static LOWER: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let layer = LayerBuilder::new().directory("d").file("d/a", "1").symlink("l", "d/e");
        let layer = layer.directory("d/e").file("d/e/b", "2").symlink("loop", "loop");
        layer.file("var/lib/dpkg/status", "Package: a\n\n").file("Cargo.lock", "").tar()
    });
    let limits = &Limits::STANDARD;
    let Ok(tree) = stack(&[&LOWER, blob], interest(), limits) else { return };
    let entries: Vec<_> = tree.entries().collect();
    assert!(entries.is_sorted_by(|left, right| left.path < right.path));
    for entry in entries {
        assert_eq!(tree.entry(&entry.path).as_ref(), Some(&entry));
        // What can not be read is said, and what can is as long as it was said to be.
        if let (Ok(file), Ok(bytes)) =
            (tree.resolve(&entry.path), tree.read(&entry.path, limits.file))
        {
            assert_eq!(u64::try_from(bytes.len()), Ok(file.size));
        }
        tree.earlier(&entry.path);
    }
}
