//! Bytes that are kept of files: compressed where that saves memory, for most of what is kept is text and is read once.

use bytes::Bytes;
use std::{borrow::Cow, cell::RefCell, io};
use zstd::bulk::{Compressor, Decompressor};

/// Below this, in bytes, little is saved.
const WORTHWHILE: usize = 4096;

/// zstd's fastest ordinary level; a higher one costs more than the memory is worth.
pub(crate) const LEVEL: i32 = 1;

/// Bytes that are kept.
#[derive(Debug, Clone)]
pub(crate) enum Kept {
    /// As they are.
    Plain(Bytes),
    /// Compressed, and how many they are otherwise.
    Compressed(Bytes, usize),
}

thread_local! {
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

impl Kept {
    /// Keeps bytes as they are, without room to grow.
    pub(crate) fn plain(bytes: Vec<u8>) -> Self {
        Self::Plain(exact(bytes))
    }

    /// Keeps bytes, compressed where that is worthwhile.
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        if bytes.len() >= WORTHWHILE
            && let Ok(compressed) = compress(&bytes)
            && compressed.len() < bytes.len() / 2
        {
            return Self::Compressed(exact(compressed), bytes.len());
        }
        Self::plain(bytes)
    }

    /// How many they are when they are read.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Plain(bytes) => bytes.len(),
            Self::Compressed(_, len) => *len,
        }
    }

    /// The bytes as they were; `None` if what is compressed is damaged, as it may be where it was stored meanwhile.
    pub(crate) fn read(&self) -> Option<Cow<'_, [u8]>> {
        match self {
            Self::Plain(bytes) => Some(Cow::Borrowed(bytes)),
            Self::Compressed(bytes, len) => {
                let whole = decompress(bytes, *len).ok().filter(|whole| whole.len() == *len)?;
                Some(Cow::Owned(whole))
            }
        }
    }
}

fn exact(bytes: Vec<u8>) -> Bytes {
    Bytes::from(bytes.into_boxed_slice())
}

fn compress(bytes: &[u8]) -> io::Result<Vec<u8>> {
    COMPRESSOR.with_borrow_mut(|slot| match slot {
        Some(compressor) => compressor.compress(bytes),
        None => slot.insert(Compressor::new(LEVEL)?).compress(bytes),
    })
}

fn decompress(bytes: &[u8], len: usize) -> io::Result<Vec<u8>> {
    DECOMPRESSOR.with_borrow_mut(|slot| match slot {
        Some(decompressor) => decompressor.decompress(bytes, len),
        None => slot.insert(Decompressor::new()?).decompress(bytes, len),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_again_and_takes_less_where_it_is_text() {
        let text = b"/usr/share/doc/\n".repeat(1_000);
        let kept = Kept::new(text.clone());
        assert!(matches!(&kept, Kept::Compressed(bytes, 16_000) if bytes.len() < 1_000));
        assert_eq!((kept.len(), kept.read().as_deref()), (16_000, Some(text.as_slice())));
        for plain in [b"short".to_vec(), (0..5_000_u32).flat_map(noise).collect()] {
            let kept = Kept::new(plain.clone());
            assert!(matches!(&kept, Kept::Plain(bytes) if *bytes == plain));
            assert_eq!(kept.read().as_deref(), Some(plain.as_slice()));
        }
    }

    /// Bytes in which there is nothing to compress.
    fn noise(seed: u32) -> [u8; 32] {
        *plimsoll_model::Digest::of(&seed.to_le_bytes()).as_bytes()
    }

    #[test]
    fn what_was_damaged_meanwhile_is_nothing() {
        let Kept::Compressed(bytes, len) = Kept::new(vec![b'x'; 10_000]) else { panic!() };
        for (bytes, len) in [
            (bytes.slice(..bytes.len() - 1), len),
            (Bytes::from_static(b"no zstd"), len),
            (bytes.clone(), len - 1),
            (bytes, len + 1),
        ] {
            assert_eq!(Kept::Compressed(bytes, len).read(), None);
        }
    }
}
