//! Layers on top of each other: the files as a container sees them.
//!
//! Within a layer, whiteouts and opaque markers come first, whatever their place in the archive: they apply to the layers
//! below and never to their own (layer specification, "Whiteouts"). An entry lands where its parent directories lead,
//! symbolic links of lower layers followed, as it does when the layer is unpacked; an opaque marker empties the
//! directory of that name and never what a link of that name leads to.
//!
//! Image specification v1.1.0: <https://github.com/opencontainers/image-spec/blob/v1.1.0/layer.md>.

mod tree;

pub use tree::LayeredTree;

use crate::{
    error::Error,
    layer::{Content, KeptBudget, LayerEntry, LayerEntryKind, LayerFiles, LayerFlaw, flawed, text},
};
use plimsoll_model::{
    TreePath,
    image::Layer,
    tree::{Entry, EntryKind, Interest, LayerIndex},
};
use std::collections::BTreeMap;

/// What lies at one path.
#[derive(Debug, Clone)]
struct Node {
    kind: EntryKind,
    size: u64,
    mode: u32,
    uid: u64,
    gid: u64,
    /// The layer that put it there.
    layer: LayerIndex,
    content: Content,
    /// The layer that the content came with, and its position there; for a hard link not its own.
    origin: (LayerIndex, u32),
}

/// Nodes by path, in path order.
type Nodes = BTreeMap<Box<[u8]>, Node>;

/// A view that grows, layer by layer.
pub(crate) struct Squash<'a> {
    nodes: Nodes,
    /// The most symbolic links that lead to one file.
    links: usize,
    /// What paths take from: a short entry may imply long ones.
    kept: &'a KeptBudget,
    /// Says which files' earlier content is remembered.
    interest: &'a dyn Interest,
    earlier: tree::Earlier,
}

impl<'a> Squash<'a> {
    /// A root with nothing in it.
    pub(crate) fn new(links: usize, kept: &'a KeptBudget, interest: &'a dyn Interest) -> Self {
        let mut nodes = Nodes::new();
        nodes.insert(Box::default(), Node::implied(LayerIndex(0)));
        Self { nodes, links, kept, interest, earlier: tree::Earlier::new() }
    }

    /// Puts a layer on top.
    ///
    /// # Errors
    /// [`LayerFlaw::HardLink`], [`LayerFlaw::Links`].
    pub(crate) fn apply(
        &mut self,
        index: LayerIndex,
        layer: &Layer,
        files: LayerFiles,
    ) -> Result<(), Error> {
        let (mut removed, mut replaced) = (Nodes::new(), Nodes::new());
        for path in &files.whiteouts {
            let path = self.land(path.as_bytes(), layer)?;
            self.remove(&path, &mut removed);
        }
        for directory in &files.opaques {
            let directory = self.land(directory.as_bytes(), layer)?;
            self.empty(&directory, index, &mut removed)?;
        }
        for (ordinal, entry) in (0..).zip(files.entries) {
            let path = self.land(entry.path.as_bytes(), layer)?;
            let node = self.node(entry, (index, ordinal), layer, &removed)?;
            self.make_parents(&path, index)?;
            self.place(path, node, &mut replaced)?;
        }
        self.remember(index, removed.into_iter().chain(replaced));
        Ok(())
    }

    /// Keeps the content of what a layer replaced or removed, where it is wanted.
    fn remember(&mut self, by: LayerIndex, gone: impl Iterator<Item = (Box<[u8]>, Node)>) {
        for (path, node) in gone.filter(|(_, node)| node.layer < by) {
            let Content::Kept(bytes) = node.content else { continue };
            if TreePath::parse(&path).is_ok_and(|path| self.interest.wants_earlier(&path)) {
                self.earlier.entry(path).or_default().push((node.layer, bytes));
            }
        }
    }

    /// What an entry comes to. A hard link comes to what it links to, now.
    fn node(
        &self,
        entry: LayerEntry,
        origin: (LayerIndex, u32),
        layer: &Layer,
        removed: &Nodes,
    ) -> Result<Node, Error> {
        let LayerEntry { size, mode, uid, gid, .. } = entry;
        let node =
            |kind, content| Node { kind, size, mode, uid, gid, layer: origin.0, content, origin };
        Ok(match entry.kind {
            LayerEntryKind::File(content) => node(EntryKind::File, content),
            LayerEntryKind::Directory => node(EntryKind::Directory, Content::Unasked),
            LayerEntryKind::Symlink(target) => node(EntryKind::Symlink(target), Content::Unasked),
            LayerEntryKind::Special => node(EntryKind::Special, Content::Unasked),
            LayerEntryKind::Hardlink(target) => {
                let from = self.land(target.as_bytes(), layer)?;
                // A name that the same layer removes can still be linked to: which came first is not told.
                let linked =
                    self.nodes.get(from.as_slice()).or_else(|| removed.get(from.as_slice()));
                let is_linkable = |node: &&Node| node.kind != EntryKind::Directory;
                let linked = linked.filter(is_linkable).ok_or_else(|| {
                    let (path, target) = (text(entry.path.as_bytes()), text(target.as_bytes()));
                    flawed(layer, LayerFlaw::HardLink { path, target })
                })?;
                Node { layer: origin.0, ..linked.clone() }
            }
        })
    }

    /// Puts a node at a path whose parents are there.
    fn place(&mut self, path: Vec<u8>, node: Node, replaced: &mut Nodes) -> Result<(), Error> {
        let stays = node.kind == EntryKind::Directory && self.is_directory(&path);
        if !stays {
            self.remove(&path, replaced);
        }
        self.insert(path.into(), node)
    }

    fn insert(&mut self, path: Box<[u8]>, node: Node) -> Result<(), Error> {
        self.kept.take(size_of::<Node>().saturating_add(path.len()))?;
        self.nodes.insert(path, node);
        Ok(())
    }

    fn is_directory(&self, path: &[u8]) -> bool {
        self.nodes.get(path).is_some_and(|node| node.kind == EntryKind::Directory)
    }

    /// Lets every parent of `path` be a directory. They are no links: [`Squash::land`] has followed those.
    fn make_parents(&mut self, path: &[u8], index: LayerIndex) -> Result<(), Error> {
        let slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        for parent in slashes.filter_map(|(at, _)| path.get(..at)) {
            if !self.is_directory(parent) {
                self.insert(parent.into(), Node::implied(index))?;
            }
        }
        Ok(())
    }

    /// Takes away what lies at `path` and below it. The root itself stays.
    fn remove(&mut self, path: &[u8], removed: &mut Nodes) {
        if !path.is_empty()
            && let Some(node) = self.nodes.remove(path)
        {
            if node.kind == EntryKind::Directory {
                self.remove_below(path, removed);
            }
            removed.insert(path.into(), node);
        }
    }

    fn remove_below(&mut self, path: &[u8], removed: &mut Nodes) {
        let below = tree::below(path);
        removed.extend(self.nodes.extract_if(below, |path, _| !path.is_empty()));
    }

    /// Lets a directory be there with nothing in it. A link or a file of that name is masked, not followed.
    fn empty(&mut self, path: &[u8], index: LayerIndex, removed: &mut Nodes) -> Result<(), Error> {
        if self.is_directory(path) {
            self.remove_below(path, removed);
            return Ok(());
        }
        self.remove(path, removed);
        self.make_parents(path, index)?;
        self.insert(path.into(), Node::implied(index))
    }

    /// Where `path` lands: symbolic links in the place of its parents followed, its last component not.
    fn land(&self, path: &[u8], layer: &Layer) -> Result<Vec<u8>, Error> {
        let kind = |path: &[u8]| self.nodes.get(path).map(|node| &node.kind);
        tree::follow(path, tree::Last::Stays, self.links, kind)
            .ok_or_else(|| flawed(layer, LayerFlaw::Links { path: text(path) }))
    }

    /// The view, which grows no more.
    pub(crate) fn finish(self, layers: &[Layer]) -> LayeredTree {
        let files = self.nodes.into_iter().filter_map(|(path, node)| {
            let path = TreePath::parse(&path).ok()?;
            let Node { kind, size, mode, uid, gid, layer, content, origin } = node;
            Some(tree::File {
                entry: Entry { path, kind, size, mode, uid, gid, layer },
                content,
                origin,
            })
        });
        LayeredTree::new(files.collect(), layers, self.links, self.earlier)
    }
}

impl Node {
    /// A directory that no layer has an entry for.
    const fn implied(layer: LayerIndex) -> Self {
        Self {
            kind: EntryKind::Directory,
            size: 0,
            mode: 0o755,
            uid: 0,
            gid: 0,
            layer,
            content: Content::Unasked,
            origin: (layer, u32::MAX),
        }
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests;
