//! The hash chain and the bytes that it runs over.

use crate::{
    Entry, RecordId,
    error::{Break, Error},
    record::{
        Record,
        v1::{VERSION, Versioned, Wire},
    },
};
use flate2::{Compression, read::ZlibDecoder, write::ZlibEncoder};
use plimsoll_model::{Digest, Limits, digest::Digester};
use std::io::{Read as _, Write as _};

/// What the first entry continues.
pub(crate) const GENESIS: Digest = Digest::from_bytes([0; 32]);

/// The largest inventory that is kept, in bytes before deflation.
const INVENTORY_LIMIT: u64 = Limits::STANDARD.sbom;

/// A row as stored.
pub(crate) struct Row {
    /// Its position.
    pub(crate) id: RecordId,
    /// Hash of the entry before it.
    pub(crate) previous: Digest,
    /// Hash over `previous` and `record`.
    pub(crate) hash: Digest,
    /// The record as JSON.
    pub(crate) record: Vec<u8>,
    /// The inventory, deflated (zlib).
    pub(crate) inventory: Vec<u8>,
    /// Digest of the subject, for looking up.
    pub(crate) subject: String,
    /// Name of the subject, for looking up.
    pub(crate) name: String,
    /// The verdict, for looking up.
    pub(crate) verdict: String,
}

/// The newest entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    /// Its position; 0 before the first.
    pub(crate) id: RecordId,
    /// Its hash.
    pub(crate) hash: Digest,
}

impl Head {
    /// Before the first entry.
    pub(crate) const START: Self = Self { id: RecordId(0), hash: GENESIS };
}

impl Row {
    /// The row that continues the chain with a record.
    pub(crate) fn following(head: Head, record: &Record) -> Result<Self, Error> {
        let bytes =
            serde_json::to_vec(&Wire::from(record)).map_err(|source| Error::Encode { source })?;
        Ok(Self {
            id: RecordId(head.id.0.saturating_add(1)),
            previous: head.hash,
            hash: hash(head.hash, &bytes),
            record: bytes,
            inventory: deflate(&record.inventory)?,
            subject: record.digest.to_string(),
            name: record.name.clone(),
            verdict: record.verdict.as_str().to_owned(),
        })
    }

    /// The entry, if the row is what was appended.
    pub(crate) fn into_entry(self) -> Result<Entry, Error> {
        let broken = |reason| Error::ChainBroken { id: self.id, reason };
        // 1., 2. The record has the hash of the row, and is of a version that is known.
        let wire = self.wire()?;
        // 3. The inventory has the digest that the record names.
        let inventory = match inflate(&self.inventory, INVENTORY_LIMIT) {
            Err(Error::Inventory { .. }) => return Err(broken(Break::Inventory)),
            inflated => inflated?,
        };
        if Digest::of(&inventory) != wire.inventory {
            return Err(broken(Break::Inventory));
        }
        // 4. What is looked up is what the record says.
        self.into_entry_of(wire.into_record(inventory))
    }

    /// Checks that the row follows `head`, and gives the entry without its inventory, which is not looked at.
    pub(crate) fn follow_without_inventory(self, head: Head) -> Result<Entry, Error> {
        self.check_place(head)?;
        let record = self.wire()?.into_record(Vec::new());
        self.into_entry_of(record)
    }

    fn wire(&self) -> Result<Wire, Error> {
        if hash(self.previous, &self.record) != self.hash {
            return Err(Error::ChainBroken { id: self.id, reason: Break::Record });
        }
        decode(self.id, &self.record)
    }

    fn into_entry_of(self, record: Record) -> Result<Entry, Error> {
        if (self.subject.as_str(), self.name.as_str(), self.verdict.as_str())
            != (record.digest.to_string().as_str(), record.name.as_str(), record.verdict.as_str())
        {
            return Err(Error::ChainBroken { id: self.id, reason: Break::Columns });
        }
        Ok(Entry { id: self.id, hash: self.hash, record })
    }

    /// Checks that the row follows `head`, and gives the new head.
    pub(crate) fn follow(self, head: Head) -> Result<Head, Error> {
        self.check_place(head)?;
        let entry = self.into_entry()?;
        Ok(Head { id: entry.id, hash: entry.hash })
    }

    fn check_place(&self, head: Head) -> Result<(), Error> {
        let expected = RecordId(head.id.0.saturating_add(1));
        if self.id != expected {
            return Err(Error::ChainBroken { id: expected, reason: Break::Missing });
        }
        if self.previous != head.hash {
            return Err(Error::ChainBroken { id: self.id, reason: Break::Link });
        }
        Ok(())
    }
}

fn hash(previous: Digest, record: &[u8]) -> Digest {
    let mut digester = Digester::new();
    digester.update(previous.as_bytes());
    digester.update(record);
    digester.finish()
}

fn decode(id: RecordId, bytes: &[u8]) -> Result<Wire, Error> {
    let fail = |source| Error::Decode { id, source };
    let Versioned { version } = serde_json::from_slice(bytes).map_err(fail)?;
    if version != VERSION {
        return Err(Error::UnsupportedRecord { id, found: version, supported: VERSION });
    }
    serde_json::from_slice(bytes).map_err(fail)
}

fn deflate(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    if u64::try_from(bytes.len()).is_ok_and(|size| size > INVENTORY_LIMIT) {
        return Err(Error::InventoryTooLarge { limit: INVENTORY_LIMIT });
    }
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder
        .write_all(bytes)
        .and_then(|()| encoder.finish())
        .map_err(|source| Error::Inventory { source })
}

fn inflate(bytes: &[u8], limit: u64) -> Result<Vec<u8>, Error> {
    let mut inflated = Vec::new();
    let mut limited = ZlibDecoder::new(bytes).take(limit.saturating_add(1));
    #[expect(clippy::disallowed_methods, reason = "the reader is limited")]
    let size = limited.read_to_end(&mut inflated).map_err(|source| Error::Inventory { source })?;
    if u64::try_from(size).is_ok_and(|size| size > limit) {
        return Err(Error::InventoryTooLarge { limit });
    }
    Ok(inflated)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::record;

    fn row_of(record: &[u8]) -> Row {
        Row { record: record.to_vec(), hash: hash(GENESIS, record), ..row() }
    }

    fn row() -> Row {
        Row::following(Head::START, &record(1)).unwrap()
    }

    #[test]
    fn the_hash_is_that_of_the_one_before_and_the_record() {
        let row = row();
        let mut bytes = vec![0; 32];
        bytes.extend_from_slice(&row.record);
        assert_eq!(row.hash, Digest::of(&bytes));
        assert_eq!(row.id, RecordId(1));
        let second = Row::following(Head { id: row.id, hash: row.hash }, &record(1)).unwrap();
        assert_eq!((second.previous, second.id), (row.hash, RecordId(2)));
        assert_ne!(second.hash, row.hash);
    }

    #[test]
    fn records_of_other_versions_and_broken_ones_are_told_apart() {
        let error = row_of(br#"{"version":2,"all":"new"}"#).into_entry().unwrap_err();
        assert!(
            matches!(error, Error::UnsupportedRecord { id: RecordId(1), found: 2, supported: 1 }),
            "{error}"
        );
        for broken in [&b"{}"[..], b"", br#"{"version":1}"#, br#"{"version":"1"}"#, b"\xff"] {
            let error = row_of(broken).into_entry().unwrap_err();
            assert!(matches!(error, Error::Decode { id: RecordId(1), .. }), "{error}");
        }
    }

    #[test]
    fn an_inventory_that_inflates_past_the_limit_is_refused() {
        let deflated = deflate(&[0; 10_000]).unwrap();
        assert!(deflated.len() < 100);
        assert_eq!(inflate(&deflated, 10_000).unwrap(), [0; 10_000]);
        let error = inflate(&deflated, 9_999).unwrap_err();
        assert!(matches!(error, Error::InventoryTooLarge { limit: 9_999 }), "{error}");
    }
}
