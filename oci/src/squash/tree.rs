//! The merged view, for reading.

use super::{
    follow::{Last, follow},
    trie::{Naming, Node, NodeId, NodeKind, Trie},
};
use crate::{
    kept::Kept,
    layer::Content,
    packed::{Contents, Owners},
};
use plimsoll_model::{
    TreePath,
    image::Layer,
    tree::{
        Condenser, Entry, EntryKind, Interest, LayerIndex, LayerInfo, Note, Tree, TreeError, Want,
    },
};
use std::{borrow::Cow, collections::BTreeMap, fmt};

/// The files of an image after all its layers.
pub struct LayeredTree {
    trie: Trie,
    /// By path.
    order: Vec<NodeId>,
    contents: Contents,
    owners: Owners,
    layers: Vec<LayerInfo>,
    links: usize,
    earlier: Earlier,
    notes: Vec<Note>,
    capabilities: Capabilities,
}

/// What files held in the views of lower layers, lowest first.
pub(super) type Earlier = BTreeMap<TreePath, Vec<(LayerIndex, Kept)>>;

/// What was noted of files: by the layer and the position in it, the path there and the note.
pub(super) type Notes = BTreeMap<(LayerIndex, u32), (TreePath, Vec<u8>)>;
/// What `security.capability` attributes hold, by where the content of the file came from: hard links share theirs.
pub(super) type Capabilities = BTreeMap<(LayerIndex, u32), Box<[u8]>>;

/// Which content is wanted of a layer, by position among its entries.
pub(crate) type Wanted = BTreeMap<LayerIndex, BTreeMap<u32, Want>>;
/// What was read later, by the layer and the position in it.
pub(crate) type ReadAgain = BTreeMap<(LayerIndex, u32), Content>;

impl LayeredTree {
    pub(super) fn new(
        (trie, contents, owners): (Trie, Contents, Owners),
        layers: &[Layer],
        links: usize,
        (earlier, notes, capabilities): (Earlier, Notes, Capabilities),
    ) -> Self {
        let layers = layers
            .iter()
            .map(|layer| LayerInfo {
                digest: layer.digest,
                diff_id: layer.diff_id,
                created_by: layer.created_by.clone(),
            })
            .collect();
        let order = trie.in_order();
        let notes = placed(&trie, &order, notes);
        Self { trie, order, contents, owners, layers, links, earlier, notes, capabilities }
    }

    /// What [`Interest::inspect`] made of the files of all layers, lowest layer first, those that are gone included.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Content that is wanted under the name it has ended up with, and was not under the one it came with: that of
    /// hard links, of what symbolic links lead to, and of files that landed elsewhere.
    pub(crate) fn unread(&self, interest: &dyn Interest) -> Wanted {
        let mut wanted = Wanted::new();
        for id in &self.order {
            let Some(named) = self.trie.node(*id) else { continue };
            let is_link = matches!(named.kind, NodeKind::Symlink(_));
            if !is_link && named.naming == Naming::AsSpelled {
                continue;
            }
            let Ok(path) = TreePath::parse(&self.trie.path(*id)) else { continue };
            let file = if is_link { self.find(&path).ok() } else { Some(named) };
            let Some((file, content)) = file.and_then(|file| match file.kind {
                NodeKind::File(content) => Some((file, self.contents.get(content))),
                NodeKind::Directory
                | NodeKind::Symlink(_)
                | NodeKind::Device
                | NodeKind::Special => None,
            }) else {
                continue;
            };
            let want = if is_link {
                interest.want_by_link(&path, file.size, file.mode)
            } else {
                interest.want(&path, file.size, file.mode)
            };
            if want != Want::Nothing && !answers(content, want) {
                let (layer, ordinal) = file.origin;
                let wants = wanted.entry(layer).or_default().entry(ordinal).or_insert(want);
                // Two different wishes are both granted by keeping it.
                if *wants != want {
                    *wants = Want::Content;
                }
            }
        }
        wanted
    }

    /// Takes in content that was read later.
    pub(crate) fn supply(&mut self, read: ReadAgain) {
        let read: BTreeMap<_, _> = read
            .into_iter()
            .map(|(origin, content)| (origin, self.contents.add(content)))
            .collect();
        for id in &self.order {
            if let Some(Node { kind: NodeKind::File(content), origin, .. }) =
                self.trie.node_mut(*id)
                && let Some(later) = read.get(origin)
                && !is_worse(self.contents.get(*later), self.contents.get(*content))
            {
                *content = *later;
            }
        }
    }

    /// What has to be read again for these files: of those that are held nothing.
    pub(crate) fn unmade(&self, wanted: &BTreeMap<TreePath, &'static Condenser>) -> Wanted {
        let mut unmade = Wanted::new();
        for (path, condenser) in wanted {
            let Some((origin, content)) = self.file_at(path) else { continue };
            if !matches!(content, Content::Kept(_)) {
                let (layer, ordinal) = origin;
                let want = Want::Condensed(condenser);
                unmade.entry(layer).or_default().entry(ordinal).or_insert(want);
            }
        }
        unmade
    }

    /// What the condensers make of these files, of which some were read again.
    pub(crate) fn made(
        &self,
        wanted: &BTreeMap<TreePath, &'static Condenser>,
        read: &ReadAgain,
    ) -> BTreeMap<TreePath, Vec<u8>> {
        let made = wanted.iter().filter_map(|(path, condenser)| {
            let (origin, held) = self.file_at(path)?;
            let made = match read.get(&origin).unwrap_or(held) {
                Content::Kept(kept) => condenser.condense(&kept.read()?)?,
                Content::Condensed(by, kept) if by == condenser => kept.read()?.into_owned(),
                Content::Condensed(..) | Content::Unasked | Content::Hole | Content::Refused(_) => {
                    return None;
                }
            };
            Some((path.clone(), made))
        });
        made.collect()
    }

    /// Where the regular file at exactly this path came from, and what is known of it.
    fn file_at(&self, path: &TreePath) -> Option<((LayerIndex, u32), &Content)> {
        let node = self.trie.node(self.at(path)?)?;
        match node.kind {
            NodeKind::File(content) => Some((node.origin, self.contents.get(content))),
            NodeKind::Directory | NodeKind::Symlink(_) | NodeKind::Device | NodeKind::Special => {
                None
            }
        }
    }

    /// What is at exactly this path: a link on the way is not followed.
    fn at(&self, path: &TreePath) -> Option<NodeId> {
        let mut parts = path.as_bytes().split(|byte| *byte == b'/').filter(|part| !part.is_empty());
        parts.try_fold(super::trie::ROOT, |at, name| self.trie.child(at, name))
    }

    /// Whether something may be wanted of what lies at a path. What was asked about under that path, and of which a
    /// condenser made nothing, has nothing for anybody: most files are no programs.
    fn is_asked(&self, node: &Node) -> bool {
        match node.kind {
            NodeKind::File(content) => match self.contents.get(content) {
                Content::Unasked => false,
                Content::Refused(Want::Condensed(_)) => node.naming == Naming::Otherwise,
                Content::Refused(Want::Content | Want::Nothing)
                | Content::Kept(_)
                | Content::Condensed(..)
                | Content::Hole => true,
            },
            NodeKind::Symlink(_) => true,
            NodeKind::Directory | NodeKind::Device | NodeKind::Special => false,
        }
    }

    fn find(&self, path: &TreePath) -> Result<&Node, TreeError> {
        self.trie.node(self.lead(path, Last::Followed)?).ok_or(TreeError::Absent)
    }

    fn lead(&self, path: &TreePath, last: Last) -> Result<NodeId, TreeError> {
        let landing =
            follow(&self.trie, path.as_bytes(), last, self.links).ok_or(TreeError::TooManyLinks)?;
        if landing.missing.is_empty() { Ok(landing.at) } else { Err(TreeError::Absent) }
    }

    fn content(&self, path: &TreePath) -> Result<(&Node, &Content), TreeError> {
        let node = self.find(path)?;
        match node.kind {
            NodeKind::File(content) => Ok((node, self.contents.get(content))),
            NodeKind::Directory | NodeKind::Symlink(_) | NodeKind::Device | NodeKind::Special => {
                Err(TreeError::NotAFile)
            }
        }
    }

    fn entry_of(&self, id: NodeId) -> Option<Entry> {
        let node = self.trie.node(id)?;
        let (uid, gid) = self.owners.get(node.owner);
        Some(Entry {
            path: TreePath::parse(&self.trie.path(id)).ok()?,
            kind: match node.kind {
                NodeKind::File(_) => EntryKind::File,
                NodeKind::Directory => EntryKind::Directory,
                NodeKind::Symlink(target) => EntryKind::Symlink(self.trie.text(target).to_vec()),
                NodeKind::Device => EntryKind::Device,
                NodeKind::Special => EntryKind::Special,
            },
            size: node.size,
            mode: node.mode,
            uid,
            gid,
            capabilities: self.capabilities.get(&node.origin).cloned().unwrap_or_default(),
            layer: node.layer,
        })
    }
}

/// The notes, each with where its file still is. A hard link keeps what is removed under another name.
fn placed(trie: &Trie, order: &[NodeId], notes: Notes) -> Vec<Note> {
    let mut remains: BTreeMap<(LayerIndex, u32), NodeId> = BTreeMap::new();
    for id in order.iter().filter(|_| !notes.is_empty()) {
        if let Some(Node { kind: NodeKind::File(_), origin, .. }) = trie.node(*id)
            && notes.contains_key(origin)
        {
            remains.entry(*origin).or_insert(*id);
        }
    }
    let placed = notes.into_iter().map(|(origin, (path, bytes))| {
        let remains = remains.get(&origin).and_then(|id| TreePath::parse(&trie.path(*id)).ok());
        Note { layer: origin.0, path, remains, bytes }
    });
    placed.collect()
}

impl fmt::Debug for LayeredTree {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { order, layers, .. } = self;
        out.debug_struct("LayeredTree")
            .field("entries", &order.len())
            .field("layers", layers)
            .finish_non_exhaustive()
    }
}

/// What is kept of a file, whole.
fn whole(kept: &Kept) -> Result<Cow<'_, [u8]>, TreeError> {
    kept.read().ok_or_else(|| TreeError::Unreadable {
        reason: "what was kept of it is damaged".to_owned(),
    })
}

/// Whether a later reading has given less than the first: larger than any reader takes, though it was condensed.
const fn is_worse(later: &Content, first: &Content) -> bool {
    matches!(later, Content::Refused(_) | Content::Unasked | Content::Hole)
        && matches!(first, Content::Kept(_) | Content::Condensed(..))
}

/// Whether what is known of a content is what is wanted of it.
fn answers(content: &Content, want: Want) -> bool {
    match content {
        Content::Kept(_) => true,
        Content::Condensed(by, _) | Content::Refused(Want::Condensed(by)) => {
            matches!(want, Want::Condensed(wanted) if by.answers(wanted))
        }
        Content::Refused(refused) => *refused == want,
        Content::Unasked | Content::Hole => false,
    }
}

impl Tree for LayeredTree {
    fn entries(&self) -> Box<dyn Iterator<Item = Entry> + '_> {
        Box::new(self.order.iter().filter_map(|id| self.entry_of(*id)))
    }

    fn asked(&self) -> Box<dyn Iterator<Item = Entry> + '_> {
        let is_asked = |id: &&NodeId| self.trie.node(**id).is_some_and(|node| self.is_asked(node));
        Box::new(self.order.iter().filter(is_asked).filter_map(|id| self.entry_of(*id)))
    }

    fn entry(&self, path: &TreePath) -> Option<Entry> {
        self.entry_of(self.at(path)?)
    }

    fn resolve(&self, path: &TreePath) -> Result<Entry, TreeError> {
        self.entry_of(self.lead(path, Last::Followed)?).ok_or(TreeError::Absent)
    }

    fn read(&self, path: &TreePath, limit: u64) -> Result<Cow<'_, [u8]>, TreeError> {
        let (node, content) = self.content(path)?;
        if node.size > limit {
            return Err(TreeError::TooLarge { size: node.size, limit });
        }
        match content {
            Content::Kept(kept) => whole(kept),
            Content::Condensed(..) | Content::Unasked | Content::Hole | Content::Refused(_) => {
                Err(TreeError::NotKept)
            }
        }
    }

    fn condensed(
        &self,
        path: &TreePath,
        condenser: &'static Condenser,
    ) -> Result<Option<Cow<'_, [u8]>>, TreeError> {
        match self.content(path)?.1 {
            Content::Kept(kept) => Ok(condenser.condense(&whole(kept)?).map(Cow::Owned)),
            Content::Condensed(by, kept) if by.answers(condenser) => whole(kept).map(Some),
            Content::Refused(Want::Condensed(by)) if by.answers(condenser) => Ok(None),
            Content::Condensed(..) | Content::Unasked | Content::Hole | Content::Refused(_) => {
                Err(TreeError::NotKept)
            }
        }
    }

    fn earlier(&self, path: &TreePath) -> Vec<(LayerIndex, Cow<'_, [u8]>)> {
        let contents = self.earlier.get(path).into_iter().flatten();
        contents.filter_map(|(layer, kept)| Some((*layer, kept.read()?))).collect()
    }

    fn layers(&self) -> &[LayerInfo] {
        &self.layers
    }
}
