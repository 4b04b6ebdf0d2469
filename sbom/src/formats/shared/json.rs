//! JSON, as all formats write it: indented, with a line break at the end.

use crate::Error;
use serde::Serialize;
use std::io::Write;

/// Writes a value.
pub(crate) fn write(value: &impl Serialize, mut out: &mut dyn Write) -> Result<(), Error> {
    serde_json::to_writer_pretty(&mut out, value).map_err(|source| {
        if source.is_io() {
            Error::Output { source: source.into() }
        } else {
            Error::WriteSbom { source }
        }
    })?;
    out.write_all(b"\n").map_err(|source| Error::Output { source })
}
