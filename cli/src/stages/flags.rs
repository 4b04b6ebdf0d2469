//! The ledger's list of flagged builds: asked by what promotes, added to by people and by `ledger flagged`.

use crate::context::{Context, VERSION};
use camino::Utf8Path;
use plimsoll_ledger::{
    Entry, Error, Ledger, RecordId, RecordedVerdict,
    record::{Record, RecordedFinding, RecordedMark, RecordedMarkKind},
};
use plimsoll_model::image::Image;
use plimsoll_policy::{Flag, Flags};

/// What the list says of an image. Where there is no ledger, nobody was flagged.
pub(crate) fn flags(ledger: &Utf8Path, image: &Image) -> Flags {
    match read(ledger, image) {
        Ok(flags) => Flags::Known(flags),
        Err(error) => Flags::Untold(crate::error::Error::from(error).chain()),
    }
}

fn read(path: &Utf8Path, image: &Image) -> Result<Vec<Flag>, Error> {
    let is_there = path.try_exists();
    if !is_there.map_err(|source| Error::Open { path: path.to_owned(), source })? {
        return Ok(Vec::new());
    }
    let entries = Ledger::open(path)?.flags(&[image.pinned.digest, image.manifest])?;
    let flag = |entry: Entry| {
        let mark = entry.record.mark?;
        let (entry, at) = (entry.id.to_string(), entry.record.at);
        Some(Flag { entry, at, by: mark.by, reason: mark.reason })
    };
    Ok(entries.into_iter().filter_map(flag).collect())
}

/// Puts the build of an entry on the list, or takes it off.
pub(crate) fn mark(
    ctx: &Context,
    ledger: &mut Ledger,
    entry: &Entry,
    mark: RecordedMark,
    findings: &[RecordedFinding],
) -> Result<RecordId, Error> {
    let (command, verdict) = match mark.kind {
        RecordedMarkKind::Flagged => ("ledger flag", RecordedVerdict::Blocked),
        // Nothing was judged.
        RecordedMarkKind::Cleared => ("ledger clear", RecordedVerdict::Undecided),
    };
    ledger.append(&Record {
        at: ctx.now,
        command: command.to_owned(),
        verdict,
        findings: findings.to_vec(),
        promoted_to: None,
        mark: Some(mark),
        inventory: Vec::new(),
        tool_version: VERSION.to_owned(),
        ..entry.record.clone()
    })
}
