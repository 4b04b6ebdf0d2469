//! The dependencies that `cargo auditable` embeds into Rust programs: JSON, deflated, in a section of its own. Headers of
//! sections come last in a file and may have been stripped; so the data are known by what they inflate to.
//!
//! Format: <https://github.com/rust-secure-code/cargo-auditable/blob/master/PARSING.md>.

use super::facts::{Tag, Writer};
use flate2::{Decompress, FlushDecompress, Status};

/// How every such document begins.
const BEGINNING: &[u8] = b"{\"packages\":";

/// As embedded, and inflated; `cargo auditable` itself reads no more than eight megabytes.
const LONGEST: usize = 4 << 20;
const LONGEST_INFLATED: usize = 32 << 20;

/// Documents in one program.
const MOST: usize = 4;

/// What may be compressed is tried: so often in all, and once more for so many bytes.
const TRIES: u64 = 4096;
const BYTES_A_TRY: u64 = 4096;

/// How much is looked at to tell.
pub(super) const LOOK: usize = 512;

/// The documents that have been seen.
#[derive(Debug)]
pub(super) struct Audits {
    open: Option<Open>,
    whole: Vec<Vec<u8>>,
    flaws: Vec<&'static str>,
    tries: u64,
    probe: Decompress,
}

/// A document on its way.
#[derive(Debug)]
struct Open {
    bytes: Vec<u8>,
    inflate: Decompress,
}

impl Default for Audits {
    fn default() -> Self {
        Self {
            open: None,
            whole: Vec::new(),
            flaws: Vec::new(),
            tries: 0,
            probe: Decompress::new(true),
        }
    }
}

impl Audits {
    /// Looks for beginnings among the first `limit` of `bytes`, which lie at an offset of the file, and of which the first
    /// `now` will not come again.
    pub(super) fn search(&mut self, offset: u64, bytes: &[u8], (limit, now): (usize, usize)) {
        let looked_at = bytes.get(..limit).unwrap_or(bytes);
        for at in memchr::memchr_iter(b'x', looked_at) {
            let candidate = bytes.get(at..).unwrap_or_default();
            if !is_candidate(candidate) {
                continue;
            }
            if self.tries > offset.saturating_div(BYTES_A_TRY).saturating_add(TRIES) {
                self.flaw(
                    "too much looks compressed to look for the dependencies of a Rust program",
                );
                return;
            }
            self.tries = self.tries.saturating_add(1);
            if self.open.is_none() && self.is_beginning(candidate) {
                self.open = Some(Open { bytes: Vec::new(), inflate: Decompress::new(true) });
                self.feed(bytes.get(at..now).unwrap_or_default());
            }
        }
    }

    fn is_beginning(&mut self, bytes: &[u8]) -> bool {
        let mut out = [0; BEGINNING.len()];
        let bytes = bytes.get(..LOOK).unwrap_or(bytes);
        self.probe.reset(true);
        let probed = self.probe.decompress(bytes, &mut out, FlushDecompress::None);
        probed.is_ok() && out == BEGINNING
    }

    /// The next bytes of the file.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        let Some(mut open) = self.open.take() else { return };
        match open.feed(bytes) {
            Ok(Some(document)) if self.whole.len() < MOST => self.whole.push(document),
            Ok(Some(_)) => self.flaw("more documents of dependencies than one program has"),
            Ok(None) => self.open = Some(open),
            Err(flaw) => self.flaw(flaw),
        }
    }

    fn flaw(&mut self, flaw: &'static str) {
        if !self.flaws.contains(&flaw) {
            self.flaws.push(flaw);
        }
    }

    /// Writes them down.
    pub(super) fn finish(mut self, facts: &mut Writer) {
        if self.open.is_some() {
            self.flaw("the dependencies of a Rust program are cut off");
        }
        for document in &self.whole {
            facts.add(Tag::Audit, document);
        }
        for flaw in &self.flaws {
            facts.add(Tag::AuditFlaw, flaw.as_bytes());
        }
    }
}

impl Open {
    /// The document, when it has ended.
    fn feed(&mut self, mut bytes: &[u8]) -> Result<Option<Vec<u8>>, &'static str> {
        let mut out = [0; 4096];
        while !bytes.is_empty() {
            let (read, written) = (self.inflate.total_in(), self.inflate.total_out());
            let status = self.inflate.decompress(bytes, &mut out, FlushDecompress::None);
            let status =
                status.or(Err("the dependencies of a Rust program can not be inflated"))?;
            let read = usize::try_from(self.inflate.total_in().saturating_sub(read)).unwrap_or(0);
            let (taken, rest) = bytes.split_at_checked(read).unwrap_or_default();
            self.bytes.extend_from_slice(taken);
            bytes = rest;
            let inflated = usize::try_from(self.inflate.total_out()).unwrap_or(usize::MAX);
            if self.bytes.len() > LONGEST || inflated > LONGEST_INFLATED {
                return Err("the dependencies of a Rust program are too long");
            }
            if status == Status::StreamEnd {
                return Ok(Some(std::mem::take(&mut self.bytes)));
            }
            if taken.is_empty() && self.inflate.total_out() == written {
                return Err("the dependencies of a Rust program can not be inflated");
            }
        }
        Ok(None)
    }
}

/// Whether bytes can be the beginning of a zlib stream: its header's check, and a first block that is compressed.
fn is_candidate(bytes: &[u8]) -> bool {
    let Some([b'x', flags, block]) = bytes.first_chunk::<3>() else { return false };
    let kind = block >> 1 & 3;
    matches!(flags, 0x01 | 0x5e | 0x9c | 0xda) && (kind == 1 || (kind == 2 && block >> 3 <= 29))
}

/// The document that was embedded.
pub(crate) fn inflate(document: &[u8]) -> Option<Vec<u8>> {
    let mut inflate = Decompress::new(true);
    let mut all = Vec::new();
    let mut out = [0; 4096];
    loop {
        let (read, written) = (inflate.total_in(), inflate.total_out());
        let rest = document.get(usize::try_from(read).ok()?..)?;
        let status = inflate.decompress(rest, &mut out, FlushDecompress::None).ok()?;
        let count = usize::try_from(inflate.total_out().checked_sub(written)?).ok()?;
        all.extend_from_slice(out.get(..count)?);
        if all.len() > LONGEST_INFLATED {
            return None;
        }
        if status == Status::StreamEnd {
            return Some(all);
        }
        if count == 0 && inflate.total_in() == read {
            return None;
        }
    }
}
