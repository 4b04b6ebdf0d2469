//! A tree of a few files in memory, which like a real one keeps only what somebody asks for.

use plimsoll_model::{
    Digest, Tree, TreePath,
    tree::{Condenser, Entry, EntryKind, Interest, LayerIndex, LayerInfo, TreeError, Want},
};
use std::{borrow::Cow, collections::BTreeMap, sync::LazyLock};

/// What the catalogers want: the same for every input.
pub fn interest() -> &'static dyn Interest {
    static INTEREST: LazyLock<Box<dyn Interest>> = LazyLock::new(plimsoll_sbom::interest);
    INTEREST.as_ref()
}

/// Regular files, and the directories above them, in two layers.
#[derive(Debug)]
pub struct MemoryTree {
    entries: BTreeMap<TreePath, (Entry, Content)>,
    earlier: BTreeMap<TreePath, Vec<u8>>,
    layers: [LayerInfo; 2],
}

/// What is kept of a file.
#[derive(Debug)]
enum Content {
    Nothing,
    Whole(Vec<u8>),
    Condensed(&'static Condenser, Option<Vec<u8>>),
}

impl Default for MemoryTree {
    fn default() -> Self {
        let layer = |name: &[u8]| LayerInfo {
            digest: Digest::of(name),
            diff_id: Digest::of(name),
            created_by: None,
        };
        let layers = [layer(b"lower"), layer(b"upper")];
        Self { entries: BTreeMap::new(), earlier: BTreeMap::new(), layers }
    }
}

impl MemoryTree {
    /// Adds a file of the upper layer. Of a database the lower one had the first half.
    pub fn add(&mut self, path: TreePath, bytes: &[u8]) {
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let content = match interest().want(&path, size, 0o755) {
            Want::Nothing => Content::Nothing,
            Want::Content => Content::Whole(bytes.to_vec()),
            Want::Condensed(by) => Content::Condensed(by, by.condense(bytes)),
        };
        if interest().wants_earlier(&path) {
            let half = bytes.get(..bytes.len() / 2).unwrap_or_default();
            self.earlier.insert(path.clone(), half.to_vec());
        }
        let mut above = path.parent();
        while let Some(directory) = above {
            above = directory.parent();
            let made = entry(directory.clone(), EntryKind::Directory, 0);
            self.entries.entry(directory).or_insert((made, Content::Nothing));
        }
        self.entries.insert(path.clone(), (entry(path, EntryKind::File, size), content));
    }
}

fn entry(path: TreePath, kind: EntryKind, size: u64) -> Entry {
    Entry {
        path,
        kind,
        size,
        mode: 0o755,
        uid: 0,
        gid: 0,
        capabilities: Box::default(),
        layer: LayerIndex(1),
    }
}

impl Tree for MemoryTree {
    fn entries(&self) -> Box<dyn Iterator<Item = Entry> + '_> {
        Box::new(self.entries.values().map(|(entry, _)| entry.clone()))
    }

    fn entry(&self, path: &TreePath) -> Option<Entry> {
        self.entries.get(path).map(|(entry, _)| entry.clone())
    }

    fn resolve(&self, path: &TreePath) -> Result<Entry, TreeError> {
        self.entry(path).ok_or(TreeError::Absent)
    }

    fn read(&self, path: &TreePath, limit: u64) -> Result<Cow<'_, [u8]>, TreeError> {
        let (entry, content) = self.entries.get(path).ok_or(TreeError::Absent)?;
        if entry.kind != EntryKind::File {
            return Err(TreeError::NotAFile);
        }
        if entry.size > limit {
            return Err(TreeError::TooLarge { size: entry.size, limit });
        }
        match content {
            Content::Whole(bytes) => Ok(Cow::Borrowed(bytes)),
            Content::Nothing | Content::Condensed(..) => Err(TreeError::NotKept),
        }
    }

    fn condensed(
        &self,
        path: &TreePath,
        condenser: &'static Condenser,
    ) -> Result<Option<Cow<'_, [u8]>>, TreeError> {
        let (entry, content) = self.entries.get(path).ok_or(TreeError::Absent)?;
        match content {
            _ if entry.kind != EntryKind::File => Err(TreeError::NotAFile),
            Content::Whole(bytes) => Ok(condenser.condense(bytes).map(Cow::Owned)),
            Content::Condensed(by, made) if by.answers(condenser) => {
                Ok(made.as_deref().map(Cow::Borrowed))
            }
            Content::Nothing | Content::Condensed(..) => Err(TreeError::NotKept),
        }
    }

    fn earlier(&self, path: &TreePath) -> Vec<(LayerIndex, Cow<'_, [u8]>)> {
        let half = self.earlier.get(path);
        half.map(|bytes| (LayerIndex(0), Cow::Borrowed(bytes.as_slice()))).into_iter().collect()
    }

    fn layers(&self) -> &[LayerInfo] {
        &self.layers
    }
}
