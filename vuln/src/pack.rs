//! An index as it travels: compressed with Zstandard.

use crate::{Error, source::read_at_most};
use std::io;

/// Media type of a packed index.
pub const MEDIA_TYPE: &str = "application/vnd.plimsoll.advisories.v1.index+zstd";
/// Type of the artifact that has one as its only layer.
pub const ARTIFACT_TYPE: &str = "application/vnd.plimsoll.advisories.v1";
/// The largest packed index, in bytes (2 GiB).
pub const LARGEST_PACKED: u64 = 2 << 30;
/// The largest index, in bytes (8 GiB).
const LARGEST_INDEX: u64 = 8 << 30;
/// Beyond it, time doubles for the last few per cent.
const LEVEL: i32 = 9;

/// Packs an index. The same index gives the same bytes.
pub fn pack(index: &[u8]) -> Result<Vec<u8>, Error> {
    zstd::stream::encode_all(index, LEVEL).map_err(|source| Error::Pack { source })
}

/// Unpacks an index, whatever it turns out to be: `install` looks.
pub fn unpack(packed: &[u8]) -> Result<Vec<u8>, Error> {
    unpack_at_most(packed, LARGEST_INDEX)
}

fn unpack_at_most(packed: &[u8], limit: u64) -> Result<Vec<u8>, Error> {
    let name = "the packed index";
    let failed = |source: io::Error| Error::List { name: name.to_owned(), source };
    let reader = zstd::stream::read::Decoder::new(packed).map_err(failed)?;
    read_at_most(reader, limit)
        .map_err(failed)?
        .ok_or_else(|| Error::SourceTooLarge { name: name.to_owned(), limit })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::index_bytes;

    #[test]
    fn an_index_comes_back_and_every_cut_is_noticed() {
        let bytes = index_bytes(&[r#"{"id":"X"}"#]);
        let packed = pack(&bytes).unwrap();
        assert_eq!(pack(&bytes).unwrap(), packed);
        assert_eq!(unpack(&packed).unwrap(), bytes);
        for length in 1..packed.len() {
            assert!(matches!(unpack(&packed[..length]), Err(Error::List { .. })), "{length}");
        }
    }

    #[test]
    fn a_bomb_is_not_unpacked_past_the_limit() {
        let packed = pack(&vec![0; 10 << 20]).unwrap();
        assert!(packed.len() < 10_000);
        assert!(matches!(
            unpack_at_most(&packed, 1_000),
            Err(Error::SourceTooLarge { limit: 1_000, .. })
        ));
    }
}
