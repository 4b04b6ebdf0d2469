//! A tree in memory, and inventories in words.

mod corpus;
mod good;

pub(crate) use good::good;

use crate::{catalog, catalog_to_judge, interest, owned_files};
use plimsoll_model::{
    Digest, Inventory, Limits, Tree, TreePath,
    inventory::RelationKind,
    owned::OwnedFiles,
    tree::{Condenser, Entry, EntryKind, LayerIndex, LayerInfo, TreeError, Want},
};
use std::{borrow::Cow, collections::BTreeMap};

/// A tree in memory. Like a real one it keeps only what [`interest`] asks for.
#[derive(Debug)]
pub(crate) struct TestTree {
    entries: BTreeMap<TreePath, (Entry, Content)>,
    layers: Vec<LayerInfo>,
    earlier: BTreeMap<TreePath, Vec<(LayerIndex, Vec<u8>)>>,
}

/// What is kept of a file.
#[derive(Debug, Clone)]
enum Content {
    Nothing,
    Whole(Vec<u8>),
    Condensed(&'static Condenser, Option<Vec<u8>>),
}

impl TestTree {
    pub(crate) fn new() -> Self {
        Self { entries: BTreeMap::new(), layers: Vec::new(), earlier: BTreeMap::new() }.next_layer()
    }

    /// With one more layer, which everything that follows is of.
    pub(crate) fn next_layer(mut self) -> Self {
        let number = self.layers.len();
        self.layers.push(LayerInfo {
            digest: Digest::of(format!("blob {number}").as_bytes()),
            diff_id: Digest::of(format!("layer {number}").as_bytes()),
            created_by: None,
        });
        self
    }

    /// With a regular file, and the directories above it.
    pub(crate) fn file(mut self, path: impl AsRef<[u8]>, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        let at = TreePath::parse(path.as_ref()).unwrap();
        let size = u64::try_from(bytes.len()).unwrap();
        let kept = match interest().want(&at, size, 0o755) {
            Want::Nothing => Content::Nothing,
            Want::Content => Content::Whole(bytes.to_vec()),
            Want::Condensed(by) => Content::Condensed(by, by.condense(bytes)),
        };
        self.remember(&at);
        self.insert(at, EntryKind::File, size, kept);
        self
    }

    /// Keeps what lies at a path for [`Tree::earlier`], where it is wanted.
    fn remember(&mut self, path: &TreePath) {
        let now = u32::try_from(self.layers.len() - 1).unwrap();
        if let Some((entry, Content::Whole(bytes))) = self.entries.get(path)
            && entry.layer.0 < now
            && interest().wants_earlier(path)
        {
            let earlier = (entry.layer, bytes.clone());
            self.earlier.entry(path.clone()).or_default().push(earlier);
        }
    }

    /// With a symbolic link, and the directories above it.
    pub(crate) fn link(mut self, path: &str, target: &str) -> Self {
        let at = TreePath::parse(path.as_bytes()).unwrap();
        self.insert(at, EntryKind::Symlink(target.as_bytes().to_vec()), 0, Content::Nothing);
        self
    }

    /// Without a file that a layer below has: this one removes it.
    pub(crate) fn without(mut self, path: &str) -> Self {
        let at = TreePath::parse(path.as_bytes()).unwrap();
        self.remember(&at);
        assert!(self.entries.remove(&at).is_some(), "{path}");
        self
    }

    fn insert(&mut self, path: TreePath, kind: EntryKind, size: u64, content: Content) {
        let mut above = path.parent();
        while let Some(directory) = above {
            above = directory.parent();
            let entry = self.make(directory.clone(), EntryKind::Directory, 0);
            self.entries.entry(directory).or_insert((entry, Content::Nothing));
        }
        let entry = self.make(path.clone(), kind, size);
        self.entries.insert(path, (entry, content));
    }

    fn make(&self, path: TreePath, kind: EntryKind, size: u64) -> Entry {
        let layer = LayerIndex(u32::try_from(self.layers.len() - 1).unwrap());
        Entry { path, kind, size, mode: 0o755, uid: 0, gid: 0, capabilities: Box::default(), layer }
    }

    /// What is aboard.
    pub(crate) fn catalog(&self) -> Inventory {
        catalog(self, &Limits::STANDARD)
    }

    /// What the databases of packages say of its files: the same whoever is asked.
    pub(crate) fn owned(&self) -> OwnedFiles {
        let (inventory, owned) = catalog_to_judge(self, &Limits::STANDARD);
        assert_eq!(inventory, self.catalog());
        assert_eq!(owned_files(self, &Limits::STANDARD), owned);
        owned
    }

    /// What is aboard, as lines: components (`purl`, and `(owned by purl)`), then relations, then unknowns.
    pub(crate) fn lines(&self) -> Vec<String> {
        lines(&self.catalog())
    }
}

impl TestTree {
    /// Which layer brought what: number of the layer, from 1, or `?`, and name of each component.
    pub(crate) fn introduced(&self) -> Vec<String> {
        let number = |digest| {
            let place = self.layers.iter().position(|layer| Some(layer.diff_id) == digest);
            place.map_or_else(|| "?".to_owned(), |place| (place + 1).to_string())
        };
        let inventory = self.catalog();
        let components = inventory.components().iter();
        components.map(|found| format!("{} {}", number(found.introduced), found.name)).collect()
    }
}

/// An inventory in words.
pub(crate) fn lines(inventory: &Inventory) -> Vec<String> {
    let name = |id| inventory.component(id).unwrap().purl.as_str();
    let components = inventory.components().iter().map(|component| match component.owned_by {
        Some(owner) => format!("{} (owned by {})", component.purl, name(owner)),
        None => component.purl.to_string(),
    });
    let relations = inventory.relations().iter().map(|relation| {
        let word = match relation.kind {
            RelationKind::DependsOn => "needs",
            RelationKind::Contains => "contains",
        };
        format!("{} {word} {}", name(relation.from), name(relation.to))
    });
    let unknowns = inventory
        .unknowns
        .iter()
        .map(|unknown| format!("{}: {}: {}", unknown.cataloger, unknown.path, unknown.reason));
    components.chain(relations).chain(unknowns).collect()
}

impl Tree for TestTree {
    fn entries(&self) -> Box<dyn Iterator<Item = Entry> + '_> {
        Box::new(self.entries.values().map(|(entry, _)| entry.clone()))
    }

    fn entry(&self, path: &TreePath) -> Option<Entry> {
        self.entries.get(path).map(|(entry, _)| entry.clone())
    }

    fn resolve(&self, path: &TreePath) -> Result<Entry, TreeError> {
        let mut left: Vec<Vec<u8>> = parts(path.as_bytes()).rev().collect();
        let mut at = Vec::<Vec<u8>>::new();
        let mut links = 0;
        while let Some(part) = left.pop() {
            if part == b".." {
                at.pop();
                continue;
            }
            at.push(part);
            let here = TreePath::parse(&at.join(&b'/')).unwrap();
            let (entry, _) = self.entries.get(&here).ok_or(TreeError::Absent)?;
            if let EntryKind::Symlink(target) = &entry.kind {
                links += 1;
                if links > 40 {
                    return Err(TreeError::TooManyLinks);
                }
                at.pop();
                if target.starts_with(b"/") {
                    at.clear();
                }
                left.extend(parts(target).rev());
            }
        }
        self.entry(&TreePath::parse(&at.join(&b'/')).unwrap()).ok_or(TreeError::Absent)
    }

    fn read(&self, path: &TreePath, limit: u64) -> Result<Cow<'_, [u8]>, TreeError> {
        let entry = self.resolve(path)?;
        if entry.kind != EntryKind::File {
            return Err(TreeError::NotAFile);
        }
        if entry.size > limit {
            return Err(TreeError::TooLarge { size: entry.size, limit });
        }
        match self.entries.get(&entry.path).map(|(_, content)| content) {
            Some(Content::Whole(bytes)) => Ok(Cow::Borrowed(bytes)),
            _ => Err(TreeError::NotKept),
        }
    }

    fn condensed(
        &self,
        path: &TreePath,
        condenser: &'static Condenser,
    ) -> Result<Option<Cow<'_, [u8]>>, TreeError> {
        let entry = self.resolve(path)?;
        match self.entries.get(&entry.path).map(|(_, content)| content) {
            Some(Content::Whole(bytes)) => Ok(condenser.condense(bytes).map(Cow::Owned)),
            Some(Content::Condensed(by, made)) if by.answers(condenser) => {
                Ok(made.as_deref().map(Cow::Borrowed))
            }
            _ => Err(TreeError::NotKept),
        }
    }

    fn earlier(&self, path: &TreePath) -> Vec<(LayerIndex, Cow<'_, [u8]>)> {
        let contents = self.earlier.get(path).into_iter().flatten();
        contents.map(|(layer, bytes)| (*layer, Cow::Borrowed(bytes.as_slice()))).collect()
    }

    fn layers(&self) -> &[LayerInfo] {
        &self.layers
    }
}

fn parts(path: &[u8]) -> impl DoubleEndedIterator<Item = Vec<u8>> {
    path.split(|byte| *byte == b'/')
        .filter(|part| !part.is_empty() && *part != b".")
        .map(<[u8]>::to_vec)
}
