//! The header of an index: which format it has, and whether the file is whole.

use crate::{Error, wire::Reader};
use jiff::Timestamp;
use plimsoll_model::Digest;
use std::ops::Range;

/// The first bytes of an index.
pub(crate) const MAGIC: [u8; 8] = *b"plimsidx";
/// The format that this Plimsoll reads and writes.
pub(crate) const FORMAT: u32 = 3;
/// Length of the header.
pub(crate) const HEADER: usize = 80;
/// Where the CRC lies in the header; everything before it is covered by it.
pub(crate) const CHECKSUM: Range<usize> = 44..48;
/// Where the digest lies in the header.
pub(crate) const DIGEST: Range<usize> = 48..HEADER;

/// What an index begins with.
pub(super) struct Header {
    /// Length of the tables.
    pub(super) tables: usize,
    pub(super) records: u64,
    pub(super) built: Timestamp,
    /// Of everything before it, and of the tables.
    pub(super) checksum: u32,
    pub(super) digest: Digest,
}

impl Header {
    pub(super) fn read(all: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader(all);
        if reader.bytes(MAGIC.len()) != Some(&MAGIC) {
            return Err(Error::NotAnIndex);
        }
        let found = u64::try_from(all.len()).unwrap_or(u64::MAX);
        let expected = u64::try_from(HEADER).unwrap_or(u64::MAX);
        let short = || Error::Truncated { expected, found };
        let format = reader.u32().ok_or_else(short)?;
        if format < FORMAT {
            return Err(Error::OlderFormat { found: format, expected: FORMAT });
        }
        if format > FORMAT {
            return Err(Error::NewerFormat { found: format, expected: FORMAT });
        }
        let tables = reader.count().ok_or_else(short)?;
        let expected = reader.u64().ok_or_else(short)?;
        if expected != found {
            return Err(Error::Truncated { expected, found });
        }
        let rest = (|| {
            Some(Self {
                tables,
                records: reader.u64()?,
                built: reader.time()?,
                checksum: reader.u32()?,
                digest: Digest::from_bytes(*reader.bytes(32)?.first_chunk()?),
            })
        })();
        rest.ok_or(Error::Damaged { part: "header or tables" })
    }
}
