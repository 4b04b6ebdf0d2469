//! Which files of Debian's packages a later layer than theirs has brought.
//!
//! dpkg writes the list of a package's files (`/var/lib/dpkg/info/NAME.list`) when it installs the package or another version of
//! it, so the layer of the list is the one that the package came with. A file of the list that a higher layer brought is
//! one that no installation wrote. What packages leave to be changed, below `/etc` and `/var`, is not meant.

use plimsoll_model::{
    Limits, Tree, TreePath,
    tree::{Entry, EntryKind, LayerIndex, TreeError},
};
use std::{borrow::Cow, collections::BTreeMap};

const LISTS: &[u8] = b"var/lib/dpkg/info/";
/// What is changed after it was installed.
const CHANGING: [&[u8]; 4] = [b"dev/", b"etc/", b"run/", b"var/"];
/// The most files that are named.
const MOST: usize = 10_000;

/// A file of a package that a later layer has brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rewritten {
    /// The package, as its list is named.
    pub(crate) package: String,
    /// The file.
    pub(crate) path: TreePath,
    /// The layer that brought it.
    pub(crate) layer: LayerIndex,
    /// The layer that the package came with.
    pub(crate) installed: LayerIndex,
}

/// What became of the files of packages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Packages {
    /// In path order.
    pub(crate) rewritten: Vec<Rewritten>,
    /// Lists that can not be read.
    pub(crate) unread: Vec<(TreePath, LayerIndex, TreeError)>,
    /// How many rewritten files are not named.
    pub(crate) left_out: usize,
}

/// Whether it is the list of a package.
pub(super) fn is_list(path: &TreePath) -> bool {
    let bytes = path.as_bytes();
    bytes.starts_with(LISTS) && bytes.ends_with(b".list")
}

/// Looks after the files of the packages that have these lists.
pub(super) fn read(tree: &dyn Tree, lists: &[Entry], limits: &Limits) -> Packages {
    let mut packages = Packages::default();
    let mut rewritten: BTreeMap<TreePath, Rewritten> = BTreeMap::new();
    for list in lists {
        match tree.read(&list.path, limits.user_file) {
            Ok(text) => {
                for file in files(tree, &text).filter(|file| list.layer < file.layer) {
                    if rewritten.len() >= MOST {
                        packages.left_out = packages.left_out.saturating_add(1);
                        continue;
                    }
                    let (path, layer, installed) = (file.path, file.layer, list.layer);
                    let package = name(list);
                    let of = Rewritten { package, path: path.clone(), layer, installed };
                    rewritten.insert(path, of);
                }
            }
            Err(error) => packages.unread.push((list.path.clone(), list.layer, error)),
        }
    }
    // A later package may have taken a file over.
    let lowest = rewritten.values().map(|file| file.layer).min();
    for list in lists.iter().filter(|list| lowest.is_some_and(|lowest| lowest <= list.layer)) {
        let text = tree.read(&list.path, limits.user_file).unwrap_or(Cow::Borrowed(b""));
        for file in files(tree, &text).filter(|file| file.layer <= list.layer) {
            rewritten.remove(&file.path);
        }
    }
    packages.rewritten = rewritten.into_values().collect();
    packages
}

fn name(list: &Entry) -> String {
    let name = list.path.file_name();
    String::from_utf8_lossy(name.strip_suffix(b".list").unwrap_or(name)).into_owned()
}

/// The regular files of a list that are there, links among their directories followed.
fn files<'t>(tree: &'t dyn Tree, text: &'t [u8]) -> impl Iterator<Item = Entry> + 't {
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.filter_map(|line| {
        let path = TreePath::parse(line).ok()?;
        let bytes = path.as_bytes();
        if CHANGING.iter().any(|place| bytes.starts_with(place)) {
            return None;
        }
        let entry = tree.entry(&path).or_else(|| {
            let directory = tree.resolve(&path.parent()?).ok()?;
            let real = [directory.path.as_bytes(), path.file_name()].join(&b'/');
            tree.entry(&TreePath::parse(&real).ok()?)
        })?;
        (entry.kind == EntryKind::File).then_some(entry)
    })
}
