//! What lies at which path, every name kept once: a hundred thousand paths have most of their beginnings in common.

use crate::{
    error::Error,
    layer::KeptBudget,
    packed::{ContentId, OwnerId, Span, Texts},
};
use hashbrown::HashTable;
use plimsoll_model::tree::LayerIndex;
use std::{
    cmp::Ordering,
    hash::{BuildHasher as _, RandomState},
};

/// What lies at one path.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    pub(super) kind: NodeKind,
    pub(super) size: u64,
    pub(super) mode: u32,
    pub(super) owner: OwnerId,
    /// The layer that put it there.
    pub(super) layer: LayerIndex,
    /// The layer that the content came with, and its position there; for a hard link not its own.
    pub(super) origin: (LayerIndex, u32),
    pub(super) naming: Naming,
}

/// Whether the path of an entry is the one that its layer was asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Naming {
    AsSpelled,
    /// By a hard link, or by links among its directories.
    Otherwise,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NodeKind {
    File(ContentId),
    Directory,
    /// With its target.
    Symlink(Span),
    Device,
    Special,
}

/// A path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct NodeId(u32);

/// The root of the tree.
pub(super) const ROOT: NodeId = NodeId(0);

/// Nodes with their names and what lies in them.
pub(super) struct Trie {
    slots: Vec<Slot>,
    texts: Texts,
    /// By directory and name. Never iterated over: nothing depends on its order.
    index: HashTable<NodeId>,
    hasher: RandomState,
}

struct Slot {
    node: Node,
    parent: NodeId,
    name: Span,
    /// How long its path is, in bytes.
    length: usize,
    /// What lies in it, in no order.
    first: Option<Link>,
    next: Option<Link>,
    previous: Option<Link>,
}

/// A node's number plus one, so that none costs nothing.
type Link = std::num::NonZeroU32;

impl NodeId {
    fn link(self) -> Option<Link> {
        Link::new(self.0.saturating_add(1))
    }

    fn of(link: Link) -> Self {
        Self(link.get().saturating_sub(1))
    }

    fn index(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl Node {
    /// A directory that no layer has an entry for.
    pub(super) const fn implied(layer: LayerIndex, owner: OwnerId) -> Self {
        Self {
            kind: NodeKind::Directory,
            size: 0,
            mode: 0o755,
            owner,
            layer,
            origin: (layer, u32::MAX),
            naming: Naming::AsSpelled,
        }
    }
}

impl Trie {
    /// A root with nothing in it.
    pub(super) fn new(root: Node) -> Self {
        let slot = Slot {
            node: root,
            parent: ROOT,
            name: Span::default(),
            length: 0,
            first: None,
            next: None,
            previous: None,
        };
        Self {
            slots: vec![slot],
            texts: Texts::default(),
            index: HashTable::new(),
            hasher: RandomState::new(),
        }
    }

    /// What lies at a path.
    pub(super) fn node(&self, id: NodeId) -> Option<&Node> {
        self.slots.get(id.index()).map(|slot| &slot.node)
    }

    /// What lies at a path, to be changed.
    pub(super) fn node_mut(&mut self, id: NodeId) -> Option<&mut Node> {
        self.slots.get_mut(id.index()).map(|slot| &mut slot.node)
    }

    /// The directory that it lies in; the root lies in itself.
    pub(super) fn parent(&self, id: NodeId) -> NodeId {
        self.slots.get(id.index()).map_or(ROOT, |slot| slot.parent)
    }

    /// A text that was added.
    pub(super) fn text(&self, span: Span) -> &[u8] {
        self.texts.get(span)
    }

    /// Adds a text.
    pub(super) fn add_text(&mut self, text: &[u8], kept: &KeptBudget) -> Result<Span, Error> {
        self.texts.add(text, kept)
    }

    /// The name in its directory.
    pub(super) fn name(&self, id: NodeId) -> &[u8] {
        self.slots.get(id.index()).map_or(&[], |slot| self.texts.get(slot.name))
    }

    /// What lies in a directory under a name.
    pub(super) fn child(&self, parent: NodeId, name: &[u8]) -> Option<NodeId> {
        let hash = self.hasher.hash_one((parent.0, name));
        let is_it = |id: &NodeId| self.parent(*id) == parent && self.name(*id) == name;
        self.index.find(hash, is_it).copied()
    }

    /// Puts a node into a directory, under a name that is free there.
    ///
    /// # Errors
    /// [`Error::KeptTooLarge`].
    pub(super) fn insert(
        &mut self,
        parent: NodeId,
        name: &[u8],
        node: Node,
        kept: &KeptBudget,
    ) -> Result<NodeId, Error> {
        // A short entry may imply long paths, or land at the end of one; and whoever walks through the view spells each out.
        let above = self.slots.get(parent.index()).map_or(0, |slot| slot.length);
        let length = above.saturating_add(name.len()).saturating_add(1);
        kept.take(size_of::<Slot>().saturating_add(length))?;
        let number = u32::try_from(self.slots.len()).map_err(|_too_many| kept.exceeded())?;
        let id = NodeId(number);
        let name = self.texts.add(name, kept)?;
        let next = self.slots.get_mut(parent.index()).and_then(|parent| {
            let next = parent.first;
            parent.first = id.link();
            next
        });
        if let Some(next) = next.and_then(|next| self.slots.get_mut(NodeId::of(next).index())) {
            next.previous = id.link();
        }
        self.slots.push(Slot { node, parent, name, length, first: None, next, previous: None });
        let (slots, texts, hasher) = (&self.slots, &self.texts, &self.hasher);
        let hash = |id: &NodeId| {
            let slot = slots.get(id.index());
            let key = slot.map(|slot| (slot.parent.0, texts.get(slot.name))).unwrap_or_default();
            hasher.hash_one(key)
        };
        self.index.insert_unique(hash(&id), id, hash);
        Ok(id)
    }

    /// What lies in a directory, in no order.
    fn children(&self, id: NodeId) -> impl Iterator<Item = NodeId> {
        let slot = |id: NodeId| self.slots.get(id.index());
        let first = slot(id).and_then(|slot| slot.first).map(NodeId::of);
        std::iter::successors(first, move |id| slot(*id)?.next.map(NodeId::of))
    }

    /// Takes away what lies at a path, and below it; gives all of it. Its path can still be told.
    pub(super) fn remove(&mut self, id: NodeId) -> Vec<NodeId> {
        self.unlink(id);
        self.forget(id);
        let mut gone = vec![id];
        gone.extend(self.remove_below(id));
        gone
    }

    /// Takes away what lies below a path; gives all of it.
    pub(super) fn remove_below(&mut self, id: NodeId) -> Vec<NodeId> {
        let mut gone: Vec<NodeId> = self.children(id).collect();
        if let Some(slot) = self.slots.get_mut(id.index()) {
            slot.first = None;
        }
        let mut done = 0;
        while let Some(next) = gone.get(done).copied() {
            done = done.saturating_add(1);
            self.forget(next);
            let below: Vec<NodeId> = self.children(next).collect();
            gone.extend(below);
        }
        gone
    }

    /// Takes a node out of the list of what lies beside it.
    fn unlink(&mut self, id: NodeId) {
        let Some(slot) = self.slots.get(id.index()) else { return };
        let (parent, next, previous) = (slot.parent, slot.next, slot.previous);
        match previous {
            Some(previous) => {
                if let Some(previous) = self.slots.get_mut(NodeId::of(previous).index()) {
                    previous.next = next;
                }
            }
            None => {
                if let Some(parent) = self.slots.get_mut(parent.index()) {
                    parent.first = next;
                }
            }
        }
        if let Some(next) = next.and_then(|next| self.slots.get_mut(NodeId::of(next).index())) {
            next.previous = previous;
        }
    }

    /// Lets nothing be found at a path any more.
    fn forget(&mut self, id: NodeId) {
        let hash = self.hasher.hash_one((self.parent(id).0, self.name(id)));
        if let Ok(found) = self.index.find_entry(hash, |found| *found == id) {
            found.remove();
        }
    }

    /// The path, without a leading slash.
    pub(super) fn path(&self, id: NodeId) -> Vec<u8> {
        let up = std::iter::successors((id != ROOT).then_some(id), |id| {
            let parent = self.parent(*id);
            (parent != ROOT).then_some(parent)
        });
        let names: Vec<&[u8]> = up.map(|id| self.name(id)).collect();
        let mut path = Vec::with_capacity(self.slots.get(id.index()).map_or(0, |slot| slot.length));
        for name in names.iter().rev() {
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(name);
        }
        path
    }

    /// Everything, by path: `a`, then `a-b`, then `a/b`, as the bytes are.
    pub(super) fn in_order(&self) -> Vec<NodeId> {
        let mut order = vec![ROOT];
        let mut ahead = self.steps(ROOT);
        while let Some(step) = ahead.pop() {
            match step {
                Step::Itself(id) => order.push(id),
                Step::Below(id) => ahead.extend(self.steps(id)),
            }
        }
        order
    }

    /// What lies in a directory, and what lies below that, last first.
    fn steps(&self, id: NodeId) -> Vec<Step> {
        let mut steps = Vec::new();
        for child in self.children(id) {
            steps.push(Step::Itself(child));
            if self.children(child).next().is_some() {
                steps.push(Step::Below(child));
            }
        }
        steps.sort_unstable_by(|left, right| self.compare(*right, *left));
        steps
    }

    fn compare(&self, left: Step, right: Step) -> Ordering {
        let (left, left_end) = self.key(left);
        let (right, right_end) = self.key(right);
        let common = left.len().min(right.len());
        let rest = |name: &[u8], end: &'static [u8]| {
            name.get(common..).unwrap_or_default().iter().chain(end).copied().next()
        };
        left.get(..common)
            .cmp(&right.get(..common))
            .then_with(|| rest(left, left_end).cmp(&rest(right, right_end)))
    }

    /// How paths there begin.
    fn key(&self, step: Step) -> (&[u8], &'static [u8]) {
        match step {
            Step::Itself(id) => (self.name(id), b""),
            Step::Below(id) => (self.name(id), b"/"),
        }
    }
}

#[derive(Clone, Copy)]
enum Step {
    Itself(NodeId),
    Below(NodeId),
}

impl std::fmt::Debug for Trie {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Trie").field("nodes", &self.slots.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn trie() -> (Trie, KeptBudget) {
        let root = Node::implied(LayerIndex(0), OwnerId(0));
        (Trie::new(root), KeptBudget::new(u64::MAX))
    }

    /// Puts a path there, with the directories above it.
    fn put(trie: &mut Trie, kept: &KeptBudget, path: &[u8]) -> NodeId {
        path.split(|byte| *byte == b'/').fold(ROOT, |at, name| {
            let node = Node::implied(LayerIndex(0), OwnerId(0));
            trie.child(at, name).unwrap_or_else(|| trie.insert(at, name, node, kept).unwrap())
        })
    }

    fn paths(trie: &Trie) -> Vec<Vec<u8>> {
        trie.in_order().into_iter().map(|id| trie.path(id)).collect()
    }

    #[test]
    fn what_is_removed_is_found_no_more_and_what_lies_beside_it_still_is() {
        let (mut trie, kept) = trie();
        for path in [&b"a/b/c"[..], b"a/b/d", b"a/e", b"f"] {
            put(&mut trie, &kept, path);
        }
        let b = put(&mut trie, &kept, b"a/b");
        assert_eq!(trie.remove(b).len(), 3);
        assert_eq!(paths(&trie), [&b""[..], b"a", b"a/e", b"f"]);
        let (e, f) = (put(&mut trie, &kept, b"a/e"), put(&mut trie, &kept, b"f"));
        assert_eq!((trie.remove(e).len(), trie.remove(f).len()), (1, 1));
        assert_eq!(paths(&trie), [&b""[..], b"a"]);
        put(&mut trie, &kept, b"a/b");
        assert_eq!(trie.remove_below(ROOT).len(), 2);
        assert_eq!(paths(&trie), [b""]);
    }

    proptest! {
        #[test]
        fn order_is_that_of_the_bytes(
            names in prop::collection::vec(prop::collection::vec("[-.0a/]{1,2}", 1..4), 0..20),
        ) {
            let (mut trie, kept) = trie();
            let mut expect = BTreeSet::from([Vec::new()]);
            for parts in names {
                let parts: Vec<_> = parts.iter().map(|part| part.replace('/', "b")).collect();
                for end in 1..=parts.len() {
                    expect.insert(parts[..end].join("/").into_bytes());
                }
                put(&mut trie, &kept, parts.join("/").as_bytes());
            }
            prop_assert_eq!(paths(&trie), expect.into_iter().collect::<Vec<_>>());
        }
    }
}
