//! The entries of an evidence file: `index.json`, then `blobs/sha256/…` in the order of their names.
//!
//! <https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html>, ustar interchange format.

use super::{index_v1::Blobs, malformed};
use crate::Error;
use plimsoll_model::{Digest, Limits};

const BLOCK: usize = 512;
const INDEX: &str = "index.json";
const BLOBS: &str = "blobs/sha256/";

/// The archive of an index and its blobs.
pub(super) fn write(index: &[u8], blobs: &Blobs<'_>) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    entry(&mut out, INDEX, index)?;
    for (digest, bytes) in blobs {
        entry(&mut out, &name(*digest), bytes)?;
    }
    out.extend([0; 2 * BLOCK]);
    Ok(out)
}

fn name(digest: Digest) -> String {
    format!("{BLOBS}{}", digest.hex())
}

fn entry(out: &mut Vec<u8>, name: &str, bytes: &[u8]) -> Result<(), Error> {
    out.extend(header(name, u64::try_from(bytes.len()).unwrap_or(u64::MAX))?);
    out.extend(bytes);
    out.resize(out.len().next_multiple_of(BLOCK), 0);
    Ok(())
}

/// The one header that an entry of this name and size has.
fn header(name: &str, size: u64) -> Result<[u8; BLOCK], Error> {
    let mut header = tar::Header::new_ustar();
    header.set_path(name).map_err(|error| malformed(error.to_string()))?;
    header.set_entry_type(tar::EntryType::Regular);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size);
    header.set_cksum();
    Ok(*header.as_bytes())
}

/// Index and blobs of an archive. Every blob is what its name says, and none is there twice.
pub(super) fn read<'a>(bytes: &'a [u8], limits: &Limits) -> Result<(&'a [u8], Blobs<'a>), Error> {
    let mut rest = bytes;
    let (first, index) = take(&mut rest, limits.user_file)?;
    if first != INDEX {
        return Err(malformed(format!("expected `{INDEX}` first, found `{first}`")));
    }
    let mut blobs = Blobs::default();
    // What ends an archive: nothing else comes behind.
    while rest != [0; 2 * BLOCK] {
        let (found, bytes) = take(&mut rest, limits.evidence)?;
        let digest = Digest::of(bytes);
        if found != name(digest) {
            let expected = name(digest);
            return Err(malformed(format!("`{found}` has the content of `{expected}`")));
        }
        if blobs.last_key_value().is_some_and(|(last, _)| *last >= digest) {
            return Err(malformed(format!("`{found}` is twice there, or out of order")));
        }
        blobs.insert(digest, bytes.into());
    }
    Ok((index, blobs))
}

/// The next entry: its name, and its content of at most `limit` bytes.
fn take<'a>(rest: &mut &'a [u8], limit: u64) -> Result<(String, &'a [u8]), Error> {
    let short = || malformed("it ends in the middle");
    let (found, after) = rest.split_first_chunk::<BLOCK>().ok_or_else(short)?;
    let read = tar::Header::from_byte_slice(found);
    let size = read.size().map_err(|error| malformed(error.to_string()))?;
    let name = String::from_utf8_lossy(&read.path_bytes()).into_owned();
    // Made anew and compared, so that it says nothing but the two.
    if !header(&name, size).is_ok_and(|expected| expected == *found) {
        return Err(malformed(format!("`{name}` is no entry as evidence files have them")));
    }
    if size > limit {
        return Err(malformed(format!("`{name}` is larger than {limit} bytes")));
    }
    let size = usize::try_from(size).map_err(|_too_large| short())?;
    let (bytes, after) = after.split_at_checked(size).ok_or_else(short)?;
    let padding = size.next_multiple_of(BLOCK).saturating_sub(size);
    let (padding, after) = after.split_at_checked(padding).ok_or_else(short)?;
    if padding.iter().any(|byte| *byte != 0) {
        return Err(malformed(format!("something lies behind `{name}`")));
    }
    *rest = after;
    Ok((name, bytes))
}
