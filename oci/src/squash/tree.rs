//! The merged view, for reading.

use crate::layer::Content;
use bytes::Bytes;
use plimsoll_model::{
    TreePath,
    image::Layer,
    tree::{Condenser, Entry, EntryKind, Interest, LayerIndex, LayerInfo, Tree, TreeError, Want},
};
use std::{borrow::Cow, collections::BTreeMap, ops::Bound};

/// The files of an image after all its layers.
#[derive(Debug)]
pub struct LayeredTree {
    /// In path order.
    files: Vec<File>,
    layers: Vec<LayerInfo>,
    links: usize,
    earlier: Earlier,
}

/// What files held in the views of lower layers, lowest first.
pub(super) type Earlier = BTreeMap<Box<[u8]>, Vec<(LayerIndex, Bytes)>>;

/// An entry with what is known of its content.
#[derive(Debug)]
pub(super) struct File {
    pub(super) entry: Entry,
    pub(super) content: Content,
    pub(super) origin: (LayerIndex, u32),
}

/// Which content is wanted of a layer, by position among its entries.
pub(crate) type Wanted = BTreeMap<LayerIndex, BTreeMap<u32, Want>>;

impl LayeredTree {
    pub(super) fn new(files: Vec<File>, layers: &[Layer], links: usize, earlier: Earlier) -> Self {
        let layers = layers
            .iter()
            .map(|layer| LayerInfo {
                digest: layer.digest,
                diff_id: layer.diff_id,
                created_by: layer.created_by.clone(),
            })
            .collect();
        Self { files, layers, links, earlier }
    }

    /// Content that is wanted under the name it has ended up with, and was not under the one it came with: that of
    /// hard links, of what symbolic links lead to, and of files that landed elsewhere.
    pub(crate) fn unread(&self, interest: &dyn Interest) -> Wanted {
        let mut wanted = Wanted::new();
        for named in &self.files {
            let file = match named.entry.kind {
                EntryKind::File => named,
                EntryKind::Symlink(_) => match self.find(&named.entry.path) {
                    Ok(file) if file.entry.kind == EntryKind::File => file,
                    _ => continue,
                },
                EntryKind::Directory | EntryKind::Special => continue,
            };
            let want = interest.want(&named.entry.path, file.entry.size, file.entry.mode);
            let is_known = match &file.content {
                Content::Kept(_) => true,
                Content::Condensed(by, _) => want == Want::Condensed(by),
                Content::Refused(refused) => *refused == want,
                Content::Unasked => false,
            };
            if want != Want::Nothing && !is_known {
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
    pub(crate) fn supply(&mut self, read: &BTreeMap<(LayerIndex, u32), Content>) {
        for file in self.files.iter_mut().filter(|file| file.entry.kind == EntryKind::File) {
            if let Some(content) = read.get(&file.origin) {
                file.content = content.clone();
            }
        }
    }

    fn at(&self, path: &[u8]) -> Option<&File> {
        let at = self.files.binary_search_by(|file| file.entry.path.as_bytes().cmp(path)).ok()?;
        self.files.get(at)
    }

    fn find(&self, path: &TreePath) -> Result<&File, TreeError> {
        let kind = |path: &[u8]| self.at(path).map(|file| &file.entry.kind);
        let path = follow(path.as_bytes(), Last::Followed, self.links, kind)
            .ok_or(TreeError::TooManyLinks)?;
        self.at(&path).ok_or(TreeError::Absent)
    }
}

impl Tree for LayeredTree {
    fn entries(&self) -> Box<dyn Iterator<Item = Entry> + '_> {
        Box::new(self.files.iter().map(|file| file.entry.clone()))
    }

    fn entry(&self, path: &TreePath) -> Option<Entry> {
        self.at(path.as_bytes()).map(|file| file.entry.clone())
    }

    fn resolve(&self, path: &TreePath) -> Result<Entry, TreeError> {
        self.find(path).map(|file| file.entry.clone())
    }

    fn read(&self, path: &TreePath, limit: u64) -> Result<Cow<'_, [u8]>, TreeError> {
        let file = self.find(path)?;
        if file.entry.kind != EntryKind::File {
            return Err(TreeError::NotAFile);
        }
        if file.entry.size > limit {
            return Err(TreeError::TooLarge { size: file.entry.size, limit });
        }
        match &file.content {
            Content::Kept(bytes) => Ok(Cow::Borrowed(bytes)),
            Content::Condensed(..) | Content::Unasked | Content::Refused(_) => {
                Err(TreeError::NotKept)
            }
        }
    }

    fn condensed(
        &self,
        path: &TreePath,
        condenser: &'static Condenser,
    ) -> Result<Option<Cow<'_, [u8]>>, TreeError> {
        let file = self.find(path)?;
        if file.entry.kind != EntryKind::File {
            return Err(TreeError::NotAFile);
        }
        match &file.content {
            Content::Kept(bytes) => Ok(condenser.condense(bytes).map(Cow::Owned)),
            Content::Condensed(by, bytes) if *by == condenser => Ok(Some(Cow::Borrowed(bytes))),
            Content::Refused(want) if *want == Want::Condensed(condenser) => Ok(None),
            Content::Condensed(..) | Content::Unasked | Content::Refused(_) => {
                Err(TreeError::NotKept)
            }
        }
    }

    fn earlier(&self, path: &TreePath) -> Vec<(LayerIndex, Cow<'_, [u8]>)> {
        let contents = self.earlier.get(path.as_bytes()).into_iter().flatten();
        contents.map(|(layer, bytes)| (*layer, Cow::Borrowed(bytes.as_ref()))).collect()
    }

    fn layers(&self) -> &[LayerInfo] {
        &self.layers
    }
}

/// Whether a link in the place of a path's last component is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Last {
    Followed,
    Stays,
}

/// The most components of link targets that are walked through for one path: forty links of Linux' longest would take
/// as long as reading the layer.
const TARGETS: usize = 1_024;

/// The path without symbolic links that `path` leads to, never out of the root; `None` after too many links.
///
/// What is not there is taken for a directory, so that something can be put there.
pub(super) fn follow<'a>(
    path: &[u8],
    last: Last,
    limit: usize,
    kind: impl Fn(&[u8]) -> Option<&'a EntryKind>,
) -> Option<Vec<u8>> {
    let parts = |path: &[u8]| -> Vec<Vec<u8>> {
        path.split(|byte| *byte == b'/').rev().map(<[u8]>::to_vec).collect()
    };
    // What is still to be walked, last component first.
    let mut ahead = parts(path);
    let mut at = Vec::with_capacity(path.len());
    let (mut links, mut walked) = (0_usize, 0_usize);
    while let Some(part) = ahead.pop() {
        match part.as_slice() {
            b"" | b"." => continue,
            b".." => {
                at.truncate(at.iter().rposition(|byte| *byte == b'/').unwrap_or(0));
                continue;
            }
            _ => {}
        }
        let parent = at.len();
        if !at.is_empty() {
            at.push(b'/');
        }
        at.extend_from_slice(&part);
        if ahead.is_empty() && last == Last::Stays {
            break;
        }
        if let Some(EntryKind::Symlink(target)) = kind(&at) {
            links = links.saturating_add(1);
            if links > limit {
                return None;
            }
            at.truncate(if target.starts_with(b"/") { 0 } else { parent });
            let target = parts(target);
            walked = walked.saturating_add(target.len());
            if walked > TARGETS {
                return None;
            }
            ahead.extend(target);
        }
    }
    Some(at)
}

/// A range of paths.
type Below = (Bound<Box<[u8]>>, Bound<Box<[u8]>>);

/// The range of everything below a directory, without itself.
pub(super) fn below(path: &[u8]) -> Below {
    if path.is_empty() {
        return (Bound::Excluded(Box::default()), Bound::Unbounded);
    }
    let with = |last: u8| [path, &[last]].concat().into_boxed_slice();
    // `0` is the byte after `/`.
    (Bound::Included(with(b'/')), Bound::Excluded(with(b'0')))
}
