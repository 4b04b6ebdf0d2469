//! Layers on top of each other: the files as a container sees them.
//!
//! Within a layer, whiteouts and opaque markers come first, whatever their place in the archive: they apply to the layers
//! below and never to their own (layer specification, "Whiteouts"). An entry lands where its parent directories lead,
//! symbolic links of lower layers followed, as it does when the layer is unpacked; an opaque marker empties the
//! directory of that name and never what a link of that name leads to.
//!
//! Image specification v1.1.0: <https://github.com/opencontainers/image-spec/blob/v1.1.0/layer.md>.

mod follow;
mod tree;
mod trie;

pub use tree::LayeredTree;
pub(crate) use tree::{ReadAgain, Wanted};

use crate::{
    error::Error,
    layer::{Content, KeptBudget, LayerEntry, LayerEntryKind, LayerFiles, LayerFlaw, flawed, text},
    packed::{Contents, OwnerId, Owners},
};
use follow::{Landing, Last, follow};
use plimsoll_model::{
    TreePath,
    image::Layer,
    tree::{Interest, LayerIndex},
};
use std::collections::BTreeMap;
use trie::{Naming, Node, NodeId, NodeKind, ROOT, Trie};

/// The bits of a mode that let a program run as its owner or its group.
const SET_ID: u32 = 0o6000;

/// A view that grows, layer by layer.
pub(crate) struct Squash<'a> {
    trie: Trie,
    contents: Contents,
    owners: Owners,
    root: OwnerId,
    /// The most symbolic links that lead to one file.
    links: usize,
    /// What names take from: a short entry may imply long ones.
    kept: &'a KeptBudget,
    /// Says which files' earlier content is remembered.
    interest: &'a dyn Interest,
    earlier: tree::Earlier,
    /// What was noted of files, by where they came from.
    notes: tree::Notes,
    capabilities: tree::Capabilities,
}

/// A layer that is being put on top.
struct Applying<'a> {
    index: LayerIndex,
    layer: &'a Layer,
    /// What its whiteouts and opaque markers have taken away, and by path, once that is asked for.
    removed: Vec<NodeId>,
    by_path: Option<BTreeMap<Vec<u8>, NodeId>>,
    /// Where the directory of the last entry is, while nothing has changed that leads there.
    last: Option<(Vec<u8>, NodeId, Naming)>,
}

impl<'a> Squash<'a> {
    /// A root with nothing in it.
    pub(crate) fn new(links: usize, kept: &'a KeptBudget, interest: &'a dyn Interest) -> Self {
        let mut owners = Owners::default();
        let root = owners.add(0, 0);
        let trie = Trie::new(Node::implied(LayerIndex(0), root));
        let (contents, earlier) = (Contents::default(), tree::Earlier::new());
        let (notes, capabilities) = (tree::Notes::new(), tree::Capabilities::new());
        Self { trie, contents, owners, root, links, kept, interest, earlier, notes, capabilities }
    }

    /// Puts a layer on top.
    ///
    /// # Errors
    /// [`LayerFlaw::HardLink`], [`LayerFlaw::Links`], [`Error::KeptTooLarge`].
    pub(crate) fn apply(
        &mut self,
        index: LayerIndex,
        layer: &Layer,
        mut files: LayerFiles,
    ) -> Result<(), Error> {
        let notes: BTreeMap<u32, Vec<u8>> = std::mem::take(&mut files.notes).into_iter().collect();
        let mut applying =
            Applying { index, layer, removed: Vec::new(), by_path: None, last: None };
        for path in &files.whiteouts {
            let landing = self.land(path.as_bytes(), Last::Stays, layer)?;
            if landing.missing.is_empty() && landing.at != ROOT {
                let at = landing.at;
                applying.removed.extend(self.trie.remove(at));
            }
        }
        for directory in &files.opaques {
            self.empty(directory.as_bytes(), &mut applying)?;
        }
        for (ordinal, entry) in (0..).zip(files.entries()) {
            self.add(&entry, ordinal, &mut applying)?;
            if let Some(note) = notes.get(&ordinal)
                && let Ok(path) = TreePath::parse(&entry.path())
            {
                self.notes.insert((index, ordinal), (path, note.clone()));
            }
        }
        for id in applying.removed {
            self.remember(id, index);
        }
        files.release(self.kept);
        Ok(())
    }

    /// Puts an entry where its directories lead.
    fn add(
        &mut self,
        entry: &LayerEntry<'_>,
        ordinal: u32,
        applying: &mut Applying<'_>,
    ) -> Result<(), Error> {
        let (directory, naming) = self.directory(entry, applying)?;
        let node = self.node(entry, (ordinal, naming), applying)?;
        let there = match entry.name {
            b"" => Some(ROOT),
            name => self.trie.child(directory, name),
        };
        if matches!(node.kind, NodeKind::Symlink(_)) {
            // The way to the directory may lead by this name.
            applying.last = None;
        }
        let Some(there) = there else {
            self.trie.insert(directory, entry.name, node, self.kept)?;
            return Ok(());
        };
        let was = self.trie.node(there).map(|node| node.kind);
        let stays = node.kind == NodeKind::Directory && was == Some(NodeKind::Directory);
        if !stays {
            // What led through here leads elsewhere now.
            applying.last = None;
            self.remember(there, applying.index);
            for id in self.trie.remove_below(there) {
                self.remember(id, applying.index);
            }
        }
        if let Some(place) = self.trie.node_mut(there) {
            *place = node;
        }
        Ok(())
    }

    /// The directory that an entry lands in, made if it is not there.
    fn directory(
        &mut self,
        entry: &LayerEntry<'_>,
        applying: &mut Applying<'_>,
    ) -> Result<(NodeId, Naming), Error> {
        if let Some((_, id, naming)) =
            applying.last.as_ref().filter(|(last, ..)| last == entry.directory)
        {
            return Ok((*id, *naming));
        }
        let too_many = || LayerFlaw::Links { path: text(&entry.path()) };
        let landing = follow(&self.trie, entry.directory, Last::Followed, self.links)
            .ok_or_else(|| flawed(applying.layer, too_many()))?;
        let (naming, at) = (landing.naming, landing.at);
        let missing: Vec<Vec<u8>> = landing.missing.iter().map(|name| name.to_vec()).collect();
        let id = self.make(at, &missing, applying)?;
        applying.last = Some((entry.directory.to_vec(), id, naming));
        Ok((id, naming))
    }

    /// Makes directories below what is there, which becomes a directory if it is none.
    fn make(
        &mut self,
        mut at: NodeId,
        names: &[Vec<u8>],
        applying: &mut Applying<'_>,
    ) -> Result<NodeId, Error> {
        let implied = Node::implied(applying.index, self.root);
        if self.trie.node(at).is_some_and(|node| node.kind != NodeKind::Directory) {
            self.remember(at, applying.index);
            applying.last = None;
            if let Some(place) = self.trie.node_mut(at) {
                *place = implied;
            }
        }
        for name in names {
            at = self.trie.insert(at, name, implied, self.kept)?;
        }
        Ok(at)
    }

    /// What an entry comes to. A hard link comes to what it links to, now.
    fn node(
        &mut self,
        entry: &LayerEntry<'_>,
        (ordinal, naming): (u32, Naming),
        applying: &mut Applying<'_>,
    ) -> Result<Node, Error> {
        let layer = applying.index;
        let kind = match &entry.kind {
            LayerEntryKind::File(content) => NodeKind::File(self.contents.add(content.clone())),
            LayerEntryKind::Directory => NodeKind::Directory,
            LayerEntryKind::Symlink(to) => NodeKind::Symlink(self.trie.add_text(to, self.kept)?),
            LayerEntryKind::Device => NodeKind::Device,
            LayerEntryKind::Special => NodeKind::Special,
            LayerEntryKind::Hardlink(target) => {
                let linked = self.linked(target, applying)?;
                let linked = linked.filter(|node| node.kind != NodeKind::Directory);
                let node = linked.ok_or_else(|| {
                    let (path, target) = (text(&entry.path()), text(target));
                    flawed(applying.layer, LayerFlaw::HardLink { path, target })
                })?;
                self.grant(node.origin, entry)?;
                // Runtimes set the mode of a link as they set that of a file.
                let mode = node.mode | entry.mode & SET_ID;
                return Ok(Node { layer, mode, naming: Naming::Otherwise, ..node });
            }
        };
        self.grant((layer, ordinal), entry)?;
        let owner = self.owners.add(entry.uid, entry.gid);
        let LayerEntry { size, mode, .. } = *entry;
        Ok(Node { kind, size, mode, owner, layer, origin: (layer, ordinal), naming })
    }

    /// Takes note of the capabilities that an entry gives to its content.
    fn grant(&mut self, origin: (LayerIndex, u32), entry: &LayerEntry<'_>) -> Result<(), Error> {
        if !entry.capabilities.is_empty() {
            let place = size_of::<((LayerIndex, u32), Box<[u8]>)>();
            self.kept.take(place.saturating_add(entry.capabilities.len()))?;
            self.capabilities.insert(origin, entry.capabilities.into());
        }
        Ok(())
    }

    /// What a hard link leads to. A name that the same layer removes can still be linked to: which came first is not told.
    fn linked(&self, target: &[u8], applying: &mut Applying<'_>) -> Result<Option<Node>, Error> {
        let landing = self.land(target, Last::Stays, applying.layer)?;
        if landing.missing.is_empty() {
            return Ok(self.trie.node(landing.at).copied());
        }
        let removed = &applying.removed;
        let by_path = applying
            .by_path
            .get_or_insert_with(|| removed.iter().map(|id| (self.trie.path(*id), *id)).collect());
        let id = by_path.get(&landing.path(&self.trie));
        Ok(id.and_then(|id| self.trie.node(*id)).copied())
    }

    /// Lets a directory be there with nothing in it. A link or a file of that name is masked, not followed.
    fn empty(&mut self, path: &[u8], applying: &mut Applying<'_>) -> Result<(), Error> {
        let Landing { at, missing, .. } = self.land(path, Last::Stays, applying.layer)?;
        let missing: Vec<Vec<u8>> = missing.iter().map(|name| name.to_vec()).collect();
        if missing.is_empty()
            && self.trie.node(at).is_some_and(|node| node.kind == NodeKind::Directory)
        {
            applying.removed.extend(self.trie.remove_below(at));
            return Ok(());
        }
        if !missing.is_empty() {
            return self.make(at, &missing, applying).map(drop);
        }
        let (parent, name) = (self.trie.parent(at), self.trie.name(at).to_vec());
        applying.removed.extend(self.trie.remove(at));
        self.make(parent, &[name], applying).map(drop)
    }

    /// Where `path` lands: symbolic links in the place of its parents followed.
    fn land<'p>(&'p self, path: &'p [u8], last: Last, layer: &Layer) -> Result<Landing<'p>, Error> {
        follow(&self.trie, path, last, self.links)
            .ok_or_else(|| flawed(layer, LayerFlaw::Links { path: text(path) }))
    }

    /// Keeps the content of what a layer replaces or has removed, where it is wanted.
    fn remember(&mut self, id: NodeId, by: LayerIndex) {
        let Some(Node { kind: NodeKind::File(content), layer, .. }) = self.trie.node(id) else {
            return;
        };
        if let (Content::Kept(kept), true) = (self.contents.get(*content), *layer < by)
            && let Ok(path) = TreePath::parse(&self.trie.path(id))
            && self.interest.wants_earlier(&path)
        {
            let earlier = (*layer, kept.clone());
            self.earlier.entry(path).or_default().push(earlier);
        }
    }

    /// The view, which grows no more.
    pub(crate) fn finish(self, layers: &[Layer]) -> LayeredTree {
        let Self { trie, contents, owners, links, earlier, notes, capabilities, .. } = self;
        LayeredTree::new((trie, contents, owners), layers, links, (earlier, notes, capabilities))
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod notes_tests;
#[cfg(test)]
#[cfg(feature = "testing")]
mod tests;
