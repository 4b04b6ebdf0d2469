//! The entries of a layer, kept small: there may be millions, and layers wait in memory for those below them.

use super::{Content, KeptBudget};
use crate::{
    error::Error,
    packed::{ContentId, Contents, OwnerId, Owners, Span, Texts},
};
use plimsoll_model::TreePath;

/// The entries of a layer.
#[derive(Debug, Default)]
pub(crate) struct LayerFiles {
    /// Paths that it removes from the layers below.
    pub(crate) whiteouts: Vec<TreePath>,
    /// Directories that it empties of what the layers below have in them.
    pub(crate) opaques: Vec<TreePath>,
    entries: Vec<Packed>,
    texts: Texts,
    owners: Owners,
    contents: Contents,
    /// The bytes of all this in memory, without content. They count as kept: names alone can fill a machine.
    cost: usize,
}

/// Something that a layer adds.
#[derive(Debug)]
pub(crate) struct LayerEntry<'a> {
    /// The directory that it lies in, as the layer spells it. That of the entry before it is often the same.
    pub(crate) directory: &'a [u8],
    /// Its name there; empty for the root itself.
    pub(crate) name: &'a [u8],
    pub(crate) kind: LayerEntryKind<'a>,
    pub(crate) size: u64,
    pub(crate) mode: u32,
    pub(crate) uid: u64,
    pub(crate) gid: u64,
}

#[derive(Debug)]
pub(crate) enum LayerEntryKind<'a> {
    File(Content),
    Directory,
    /// With its target.
    Symlink(&'a [u8]),
    /// To a path that is there already, in this layer or below.
    Hardlink(&'a [u8]),
    Special,
}

/// An entry among those of its layer.
#[derive(Debug, Clone, Copy)]
struct Packed {
    directory: Span,
    name: Span,
    kind: PackedKind,
    size: u64,
    mode: u32,
    owner: OwnerId,
}

#[derive(Debug, Clone, Copy)]
enum PackedKind {
    File(ContentId),
    Directory,
    Symlink(Span),
    Hardlink(Span),
    Special,
}

impl LayerEntry<'_> {
    /// The whole path, as the layer spells it.
    pub(crate) fn path(&self) -> Vec<u8> {
        let parts = [self.directory, self.name];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(&b'/')
    }
}

impl LayerFiles {
    /// Adds an entry behind the others.
    ///
    /// # Errors
    /// [`Error::KeptTooLarge`].
    pub(crate) fn push(&mut self, entry: LayerEntry<'_>, kept: &KeptBudget) -> Result<(), Error> {
        kept.take(size_of::<Packed>())?;
        let before = self.texts.as_bytes().len();
        let last = self.entries.last().map(|last| last.directory);
        let directory = match last.filter(|last| self.texts.get(*last) == entry.directory) {
            Some(same) => same,
            None => self.texts.add(entry.directory, kept)?,
        };
        let kind = match entry.kind {
            LayerEntryKind::File(content) => PackedKind::File(self.contents.add(content)),
            LayerEntryKind::Directory => PackedKind::Directory,
            LayerEntryKind::Symlink(target) => PackedKind::Symlink(self.texts.add(target, kept)?),
            LayerEntryKind::Hardlink(target) => PackedKind::Hardlink(self.texts.add(target, kept)?),
            LayerEntryKind::Special => PackedKind::Special,
        };
        self.entries.push(Packed {
            directory,
            name: self.texts.add(entry.name, kept)?,
            kind,
            size: entry.size,
            mode: entry.mode,
            owner: self.owners.add(entry.uid, entry.gid),
        });
        let texts = self.texts.as_bytes().len().saturating_sub(before);
        self.cost = self.cost.saturating_add(texts).saturating_add(size_of::<Packed>());
        Ok(())
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The entries, in order.
    pub(crate) fn entries(&self) -> impl Iterator<Item = LayerEntry<'_>> {
        self.entries.iter().map(|packed| {
            let (uid, gid) = self.owners.get(packed.owner);
            LayerEntry {
                directory: self.texts.get(packed.directory),
                name: self.texts.get(packed.name),
                kind: match packed.kind {
                    PackedKind::File(id) => LayerEntryKind::File(self.contents.get(id).clone()),
                    PackedKind::Directory => LayerEntryKind::Directory,
                    PackedKind::Symlink(target) => LayerEntryKind::Symlink(self.texts.get(target)),
                    PackedKind::Hardlink(target) => {
                        LayerEntryKind::Hardlink(self.texts.get(target))
                    }
                    PackedKind::Special => LayerEntryKind::Special,
                },
                size: packed.size,
                mode: packed.mode,
                uid,
                gid,
            }
        })
    }

    /// Gives back what was taken of the budget for names, when they are not needed any more.
    pub(crate) fn release(self, kept: &KeptBudget) {
        kept.give_back(self.cost);
    }

    /// Takes what a whiteout costs.
    pub(super) fn charge(&mut self, path: &TreePath, kept: &KeptBudget) -> Result<(), Error> {
        let cost = size_of::<TreePath>().saturating_add(path.as_bytes().len());
        self.cost = self.cost.saturating_add(cost);
        kept.take(cost)
    }

    /// Gives back memory that growing has left over.
    pub(super) fn shrink(&mut self) {
        self.entries.shrink_to_fit();
        self.texts.shrink();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_back_as_they_were_put_in() {
        let kept = KeptBudget::new(10_000);
        let mut files = LayerFiles::default();
        let entry = |directory, name, kind| LayerEntry {
            directory,
            name,
            kind,
            size: 3,
            mode: 0o644,
            uid: 1,
            gid: 2,
        };
        for (directory, name, kind) in [
            (&b""[..], &b""[..], LayerEntryKind::Directory),
            (b"a", b"x", LayerEntryKind::File(Content::Unasked)),
            (b"a", b"y", LayerEntryKind::Symlink(b"../t")),
            (b"b", b"z", LayerEntryKind::Hardlink(b"a/x")),
        ] {
            files.push(entry(directory, name, kind), &kept).unwrap();
        }
        let seen: Vec<_> = files
            .entries()
            .map(|entry| {
                let link = match entry.kind {
                    LayerEntryKind::Symlink(to) | LayerEntryKind::Hardlink(to) => to,
                    LayerEntryKind::File(_)
                    | LayerEntryKind::Directory
                    | LayerEntryKind::Special => b"",
                };
                [entry.directory, entry.name, link].map(|text| String::from_utf8_lossy(text))
            })
            .collect();
        assert_eq!(seen, [["", "", ""], ["a", "x", ""], ["a", "y", "../t"], ["b", "z", "a/x"]]);
        files.release(&kept);
        assert!(kept.take(10_000).is_ok(), "everything was given back");
    }
}
