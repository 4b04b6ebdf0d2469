//! The header of an rpm package, as its database keeps it.
//!
//! Format: <https://rpm-software-management.github.io/rpm/manual/format_header.html>, without the magic.

/// A header, its entries not yet read.
#[derive(Debug)]
pub(crate) struct Header<'a> {
    index: &'a [u8],
    data: &'a [u8],
}

/// Tags: <https://rpm-software-management.github.io/rpm/manual/tags.html>.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tag(u32);

impl Tag {
    pub(crate) const NAME: Self = Self(1000);
    pub(crate) const VERSION: Self = Self(1001);
    pub(crate) const RELEASE: Self = Self(1002);
    pub(crate) const EPOCH: Self = Self(1003);
    pub(crate) const VENDOR: Self = Self(1011);
    pub(crate) const LICENSE: Self = Self(1014);
    pub(crate) const ARCH: Self = Self(1022);
    pub(crate) const OLD_FILE_NAMES: Self = Self(1027);
    pub(crate) const FILE_STATES: Self = Self(1029);
    pub(crate) const FILE_MODES: Self = Self(1030);
    pub(crate) const FILE_DIGESTS: Self = Self(1035);
    pub(crate) const FILE_FLAGS: Self = Self(1037);
    pub(crate) const SOURCE_RPM: Self = Self(1044);
    pub(crate) const FILE_VERIFY_FLAGS: Self = Self(1045);
    pub(crate) const PROVIDE_NAME: Self = Self(1047);
    pub(crate) const REQUIRE_NAME: Self = Self(1049);
    pub(crate) const DIR_INDEXES: Self = Self(1116);
    pub(crate) const BASE_NAMES: Self = Self(1117);
    pub(crate) const DIR_NAMES: Self = Self(1118);
    pub(crate) const FILE_DIGEST_ALGORITHM: Self = Self(5011);
    pub(crate) const MODULARITY_LABEL: Self = Self(5096);
}

/// Length of an entry of the index: tag, type, offset and count.
const ENTRY: usize = 16;

/// How many directories the files of one package may lie in.
const MOST_DIRECTORIES: usize = 1_000_000;

const CHAR: u32 = 1;
const INT8: u32 = 2;
const INT16: u32 = 3;
const INT32: u32 = 4;
const STRING: u32 = 6;
const STRING_ARRAY: u32 = 8;
const I18N_STRING: u32 = 9;

impl<'a> Header<'a> {
    /// The header that `bytes` are; `None` where the lengths in it do not fit.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (entries, rest) = word(bytes)?;
        let (length, rest) = word(rest)?;
        let index = usize::try_from(entries).ok()?.checked_mul(ENTRY)?;
        let (index, data) = rest.split_at_checked(index)?;
        let data = data.get(..usize::try_from(length).ok()?)?;
        Some(Self { index, data })
    }

    /// Type, count and data of the first entry with this tag.
    fn entry(&self, tag: Tag) -> Option<(u32, usize, &'a [u8])> {
        self.index.chunks_exact(ENTRY).find_map(|entry| {
            let (found, rest) = word(entry)?;
            let (kind, rest) = word(rest)?;
            let (offset, rest) = word(rest)?;
            let (count, _) = word(rest)?;
            let data = self.data.get(usize::try_from(offset).ok()?..)?;
            (found == tag.0).then_some((kind, usize::try_from(count).ok()?, data))
        })
    }

    /// One text; of a list the first.
    pub(crate) fn text(&self, tag: Tag) -> Option<&'a str> {
        self.texts(tag).next()
    }

    /// A list of texts; as many as can be read.
    pub(crate) fn texts(&self, tag: Tag) -> impl Iterator<Item = &'a str> + use<'a> {
        let (count, mut rest) = match self.entry(tag) {
            Some((STRING | STRING_ARRAY | I18N_STRING, count, data)) => (count, data),
            Some(_) | None => (0, &[][..]),
        };
        let texts = std::iter::from_fn(move || {
            let (text, after) = rest.split_at_checked(memchr::memchr(0, rest)?)?;
            rest = after.get(1..)?;
            std::str::from_utf8(text).ok()
        });
        texts.take(count)
    }

    /// A list of numbers of up to 32 bits; as many as can be read.
    pub(crate) fn numbers(&self, tag: Tag) -> impl Iterator<Item = u32> + use<'a> {
        let (width, count, data) = match self.entry(tag) {
            Some((CHAR | INT8, count, data)) => (1, count, data),
            Some((INT16, count, data)) => (2, count, data),
            Some((INT32, count, data)) => (4, count, data),
            Some(_) | None => (1, 0, &[][..]),
        };
        let number = |bytes: &[u8]| bytes.iter().fold(0, |all, byte| all << 8 | u32::from(*byte));
        data.chunks_exact(width).take(count).map(number)
    }

    /// How many values an entry says that it has; none where there is no entry.
    pub(crate) fn count(&self, tag: Tag) -> usize {
        self.entry(tag).map_or(0, |(_, count, _)| count)
    }

    /// The files of the package with absolute paths of at most `limit` bytes, directories included, each with its position among
    /// all of them.
    pub(crate) fn files(&self, limit: usize) -> impl Iterator<Item = (usize, String)> + use<'a> {
        let directories: Vec<_> = self.texts(Tag::DIR_NAMES).take(MOST_DIRECTORIES).collect();
        let files = self.numbers(Tag::DIR_INDEXES).zip(self.texts(Tag::BASE_NAMES)).enumerate();
        let files = files.filter_map(move |(at, (index, name))| {
            let directory = *directories.get(usize::try_from(index).ok()?)?;
            let is_short = directory.len().saturating_add(name.len()) <= limit;
            is_short.then(|| (at, format!("{directory}{name}")))
        });
        files.chain(self.texts(Tag::OLD_FILE_NAMES).map(str::to_owned).enumerate())
    }

    /// Whether [`Header::files`] gives every file that the package says it has.
    pub(crate) fn has_all_files(&self, limit: usize) -> bool {
        let said = self.count(Tag::BASE_NAMES).saturating_add(self.count(Tag::OLD_FILE_NAMES));
        self.files(limit).count() == said
    }
}

/// The big-endian number that `bytes` begin with, and what comes after it.
fn word(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (word, rest) = bytes.split_first_chunk::<4>()?;
    Some((u32::from_be_bytes(*word), rest))
}

/// Headers for tests.
#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// A value of an entry.
    pub(crate) enum Entry<'a> {
        Text(&'a str),
        Texts(&'a [&'a str]),
        Numbers(&'a [u32]),
    }

    /// A header with these entries.
    pub(crate) fn header(entries: &[(Tag, Entry<'_>)]) -> Vec<u8> {
        let (mut index, mut data) = (Vec::new(), Vec::new());
        for (tag, entry) in entries {
            let offset = data.len();
            let (kind, count) = match entry {
                Entry::Text(text) => {
                    data.extend_from_slice(text.as_bytes());
                    data.push(0);
                    (STRING, 1)
                }
                Entry::Texts(texts) => {
                    for text in *texts {
                        data.extend_from_slice(text.as_bytes());
                        data.push(0);
                    }
                    (STRING_ARRAY, texts.len())
                }
                Entry::Numbers(numbers) => {
                    data.extend(numbers.iter().flat_map(|number| number.to_be_bytes()));
                    (INT32, numbers.len())
                }
            };
            let words =
                [tag.0, kind, u32::try_from(offset).unwrap(), u32::try_from(count).unwrap()];
            index.extend(words.into_iter().flat_map(u32::to_be_bytes));
        }
        let lengths = [entries.len(), data.len()];
        let lengths =
            lengths.into_iter().flat_map(|length| u32::try_from(length).unwrap().to_be_bytes());
        lengths.chain(index).chain(data).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{
        testing::{Entry, header},
        *,
    };
    use proptest::prelude::*;

    #[test]
    fn entries_and_files() {
        let bytes = header(&[
            (Tag::NAME, Entry::Text("bash")),
            (Tag::EPOCH, Entry::Numbers(&[1])),
            (Tag::DIR_NAMES, Entry::Texts(&["/usr/bin/", "/etc/"])),
            (Tag::DIR_INDEXES, Entry::Numbers(&[1, 0, 7])),
            (Tag::BASE_NAMES, Entry::Texts(&["bashrc", "bash", "lost"])),
        ]);
        let header = Header::parse(&bytes).unwrap();
        assert_eq!(header.text(Tag::NAME), Some("bash"));
        assert_eq!(header.numbers(Tag::EPOCH).collect::<Vec<_>>(), [1]);
        let files = |limit| header.files(limit).collect::<Vec<_>>();
        let bashrc = (0, "/etc/bashrc".to_owned());
        assert_eq!(files(99), [bashrc.clone(), (1, "/usr/bin/bash".to_owned())]);
        assert_eq!(files(11), [bashrc]);
        assert!(!header.has_all_files(99));
        assert_eq!(header.text(Tag::VENDOR), None);
        assert_eq!(header.text(Tag::EPOCH), None);
        assert_eq!(header.numbers(Tag::NAME).next(), None);
    }

    #[test]
    fn lengths_that_do_not_fit_are_refused() {
        let bytes = header(&[(Tag::NAME, Entry::Text("bash"))]);
        assert!(Header::parse(&bytes).is_some());
        for cut in 0..bytes.len() {
            assert!(Header::parse(&bytes[..cut]).is_none(), "{cut}");
        }
        let mut huge = bytes.clone();
        huge[..4].fill(0xff);
        assert!(Header::parse(&huge).is_none());
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Some(header) = Header::parse(&bytes) {
                prop_assert!(header.files(99).count() <= bytes.len());
            }
        }
    }
}
