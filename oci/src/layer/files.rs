//! The entries of a layer, kept small: there may be millions, and layers wait in memory for those below them.

use super::{Content, KeptBudget, keep::Loan};
use crate::{
    error::Error,
    kept::{Kept, LEVEL},
    packed::{ContentId, Contents, OwnerId, Owners, Span, Texts},
};
use bytes::Bytes;
use plimsoll_model::{
    TreePath,
    tree::{Condenser, Want},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, io::Read};

/// The entries of a layer.
#[derive(Debug, Default)]
pub(crate) struct LayerFiles {
    /// Paths that it removes from the layers below.
    pub(crate) whiteouts: Vec<TreePath>,
    /// Directories that it empties of what the layers below have in them.
    pub(crate) opaques: Vec<TreePath>,
    /// What was noted of entries, by their position.
    pub(crate) notes: Vec<(u32, Vec<u8>)>,
    entries: Vec<Packed>,
    texts: Texts,
    owners: Owners,
    contents: Contents,
    /// `security.capability` attributes, by position among the entries: few have one.
    capabilities: BTreeMap<u32, Box<[u8]>>,
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
    /// The attribute `security.capability`; empty where there is none.
    pub(crate) capabilities: &'a [u8],
}

#[derive(Debug)]
pub(crate) enum LayerEntryKind<'a> {
    File(Content),
    Directory,
    /// With its target.
    Symlink(&'a [u8]),
    /// To a path that is there already, in this layer or below.
    Hardlink(&'a [u8]),
    Device,
    Special,
}

/// An entry among those of its layer.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Packed {
    directory: Span,
    name: Span,
    kind: PackedKind,
    size: u64,
    mode: u32,
    owner: OwnerId,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum PackedKind {
    File(ContentId),
    Directory,
    Symlink(Span),
    Hardlink(Span),
    Device,
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
            LayerEntryKind::Device => PackedKind::Device,
            LayerEntryKind::Special => PackedKind::Special,
        };
        self.grant(entry.capabilities, kept)?;
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

    /// Takes note of the capabilities of the entry that comes next.
    fn grant(&mut self, held: &[u8], kept: &KeptBudget) -> Result<(), Error> {
        if held.is_empty() {
            return Ok(());
        }
        let cost = size_of::<(u32, Box<[u8]>)>().saturating_add(held.len());
        kept.take(cost)?;
        self.cost = self.cost.saturating_add(cost);
        let ordinal = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        self.capabilities.insert(ordinal, held.into());
        Ok(())
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The entries, in order.
    pub(crate) fn entries(&self) -> impl Iterator<Item = LayerEntry<'_>> {
        (0..).zip(&self.entries).map(|(ordinal, packed)| {
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
                    PackedKind::Device => LayerEntryKind::Device,
                    PackedKind::Special => LayerEntryKind::Special,
                },
                size: packed.size,
                mode: packed.mode,
                uid,
                gid,
                capabilities: self.capabilities.get(&ordinal).map_or(&[], |held| held),
            }
        })
    }

    /// Gives back what was taken of the budget for names, when they are not needed any more.
    pub(crate) fn release(self, kept: &KeptBudget) {
        kept.give_back(self.cost);
    }

    /// Keeps what was noted of the entry at a position, which stays taken of the budget.
    pub(super) fn note(
        &mut self,
        ordinal: u32,
        note: Vec<u8>,
        kept: &KeptBudget,
    ) -> Result<(), Error> {
        kept.take(note.len())?;
        self.notes.push((ordinal, note));
        Ok(())
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

/// A layer's entries as they are kept for later: this by postcard with its length before it, then all names, then all
/// content, and the whole compressed.
#[derive(Serialize, Deserialize)]
struct Stored {
    whiteouts: Vec<Vec<u8>>,
    opaques: Vec<Vec<u8>>,
    notes: Vec<(u32, Vec<u8>)>,
    entries: Vec<Packed>,
    owners: Vec<(u64, u64)>,
    texts: usize,
    capabilities: Vec<(u32, Vec<u8>)>,
    contents: Vec<StoredContent>,
}

/// A content, without its bytes.
#[derive(Serialize, Deserialize)]
enum StoredContent {
    Unasked,
    Hole,
    Kept(StoredKept),
    Condensed(String, StoredKept),
    Refused(Option<String>),
}

/// How many bytes there are, and how many they are when they are read.
#[derive(Clone, Copy, Serialize, Deserialize)]
enum StoredKept {
    Plain(usize),
    Compressed(usize, usize),
}

impl StoredKept {
    fn of(kept: &Kept) -> (Self, &[u8]) {
        match kept {
            Kept::Plain(bytes) => (Self::Plain(bytes.len()), bytes),
            Kept::Compressed(bytes, len) => (Self::Compressed(bytes.len(), *len), bytes),
        }
    }

    /// What was kept, whose bytes are taken from the beginning of `rest`.
    fn restore(self, rest: &mut Bytes, loan: &mut Loan<'_>) -> Option<Kept> {
        let mut take = |count| (count <= rest.len()).then(|| rest.split_to(count));
        let restored = match self {
            Self::Plain(count) => Kept::Plain(take(count)?),
            Self::Compressed(count, len) => Kept::Compressed(take(count)?, len),
        };
        loan.take(restored.len())?;
        Some(restored)
    }
}

impl StoredContent {
    fn of(content: &Content) -> (Self, &[u8]) {
        match content {
            Content::Unasked => (Self::Unasked, &[]),
            Content::Hole => (Self::Hole, &[]),
            Content::Kept(kept) => {
                let (kept, bytes) = StoredKept::of(kept);
                (Self::Kept(kept), bytes)
            }
            Content::Condensed(by, kept) => {
                let (kept, bytes) = StoredKept::of(kept);
                (Self::Condensed(by.id.to_owned(), kept), bytes)
            }
            Content::Refused(Want::Condensed(by)) => (Self::Refused(Some(by.id.to_owned())), &[]),
            Content::Refused(Want::Content | Want::Nothing) => (Self::Refused(None), &[]),
        }
    }

    /// The content, whose bytes are taken from the beginning of `rest`.
    fn restore(
        self,
        rest: &mut Bytes,
        condensers: &[&'static Condenser],
        loan: &mut Loan<'_>,
    ) -> Option<Content> {
        let condenser = |id: &str| condensers.iter().copied().find(|known| known.id == id);
        Some(match self {
            Self::Unasked => Content::Unasked,
            Self::Hole => Content::Hole,
            Self::Kept(kept) => Content::Kept(kept.restore(rest, loan)?),
            Self::Condensed(by, kept) => {
                Content::Condensed(condenser(&by)?, kept.restore(rest, loan)?)
            }
            Self::Refused(Some(by)) => Content::Refused(Want::Condensed(condenser(&by)?)),
            Self::Refused(None) => Content::Refused(Want::Content),
        })
    }
}

impl LayerFiles {
    /// The entries as bytes; `None` where they can not be written down.
    pub(crate) fn encode(&self) -> Option<Vec<u8>> {
        let raw = |paths: &[TreePath]| paths.iter().map(|path| path.as_bytes().to_vec()).collect();
        let (contents, bytes): (Vec<_>, Vec<_>) =
            self.contents.all().iter().map(StoredContent::of).unzip();
        let stored = Stored {
            whiteouts: raw(&self.whiteouts),
            opaques: raw(&self.opaques),
            notes: self.notes.clone(),
            entries: self.entries.clone(),
            owners: self.owners.all().to_vec(),
            texts: self.texts.as_bytes().len(),
            capabilities: self.capabilities.iter().map(|(at, held)| (*at, held.to_vec())).collect(),
            contents,
        };
        let head = postcard::to_stdvec(&stored).ok()?;
        let length = u64::try_from(head.len()).ok()?.to_le_bytes();
        let parts = [length.as_slice(), &head, self.texts.as_bytes()];
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), LEVEL).ok()?;
        for part in parts.into_iter().chain(bytes) {
            std::io::Write::write_all(&mut encoder, part).ok()?;
        }
        encoder.finish().ok()
    }

    /// Entries that were encoded; `None` where that is not what the bytes are, or where they are more than may be kept.
    pub(crate) fn decode(
        bytes: &[u8],
        condensers: &[&'static Condenser],
        kept: &KeptBudget,
    ) -> Option<Self> {
        let mut decoder = zstd::stream::read::Decoder::new(bytes).ok()?;
        let mut length = [0; 8];
        decoder.read_exact(&mut length).ok()?;
        let length = usize::try_from(u64::from_le_bytes(length)).ok()?;
        // Each part in memory of its own: names are let go of before content is.
        let mut loan = Loan::new(kept);
        let head = part(&mut decoder, length, &mut loan)?;
        let stored: Stored = postcard::from_bytes(&head).ok()?;
        drop(head);
        let texts = Texts::from_bytes(part(&mut decoder, stored.texts, &mut loan)?);
        let mut contents = Vec::new();
        #[expect(clippy::disallowed_methods, reason = "limited right here")]
        decoder.take(kept.limit().saturating_add(1)).read_to_end(&mut contents).ok()?;
        let mut rest = Bytes::from(contents);
        let paths = |raw: Vec<Vec<u8>>| {
            raw.iter().map(|path| TreePath::parse(path).ok()).collect::<Option<Vec<_>>>()
        };
        let mut files = Self {
            whiteouts: paths(stored.whiteouts)?,
            opaques: paths(stored.opaques)?,
            notes: stored.notes,
            entries: stored.entries,
            texts,
            capabilities: stored
                .capabilities
                .into_iter()
                .map(|(at, held)| (at, held.into()))
                .collect(),
            // As it was taken; what content there is stays taken.
            cost: length.saturating_add(stored.texts),
            ..Self::default()
        };
        for (uid, gid) in stored.owners {
            files.owners.add(uid, gid);
        }
        // The first is there already.
        for content in stored.contents {
            files.contents.add(content.restore(&mut rest, condensers, &mut loan)?);
        }
        rest.is_empty().then(|| loan.used())?;
        Some(files)
    }
}

/// The next so many bytes, if there is room for them.
fn part(from: &mut impl Read, length: usize, loan: &mut Loan<'_>) -> Option<Vec<u8>> {
    loan.take(length)?;
    let mut bytes = Vec::new();
    #[expect(clippy::disallowed_methods, reason = "limited right here")]
    from.take(u64::try_from(length).ok()?).read_to_end(&mut bytes).ok()?;
    (bytes.len() == length).then_some(bytes)
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
            capabilities: if name == b"x" { b"held" } else { b"" },
        };
        for (directory, name, kind) in [
            (&b""[..], &b""[..], LayerEntryKind::Directory),
            (b"a", b"x", LayerEntryKind::File(Content::Unasked)),
            (b"a", b"y", LayerEntryKind::Symlink(b"../t")),
            (b"b", b"z", LayerEntryKind::Hardlink(b"a/x")),
            (b"b", b"d", LayerEntryKind::Device),
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
                    | LayerEntryKind::Device
                    | LayerEntryKind::Special => b"",
                };
                [entry.directory, entry.name, link].map(|text| String::from_utf8_lossy(text))
            })
            .collect();
        assert_eq!(
            seen,
            [["", "", ""], ["a", "x", ""], ["a", "y", "../t"], ["b", "z", "a/x"], ["b", "d", ""]]
        );
        let held: Vec<_> = files.entries().map(|entry| entry.capabilities).collect();
        assert_eq!(held, [&b""[..], b"held", b"", b"", b""]);
        let encoded = files.encode().unwrap();
        let again = LayerFiles::decode(&encoded, &[], &kept).unwrap();
        assert_eq!(
            format!("{again:?}").replace(&format!("cost: {}", again.cost), ""),
            format!("{files:?}").replace(&format!("cost: {}", files.cost), "")
        );
        for cut in 0..encoded.len() {
            let kept = KeptBudget::new(10_000);
            assert!(LayerFiles::decode(&encoded[..cut], &[], &kept).is_none());
            assert!(kept.take(10_000).is_ok(), "nothing is kept of what came to nothing");
        }
        files.release(&kept);
        again.release(&kept);
        assert!(kept.take(10_000).is_ok(), "everything was given back");
    }
}
