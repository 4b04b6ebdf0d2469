//! The database of rpm: headers of packages, in one of three kinds of file. All are read here, with a bound for everything.

mod bdb;
pub(crate) mod header;
pub(crate) mod ndb;
mod sqlite;
pub(crate) mod sums;
mod wal;

use bdb::BdbError;
use ndb::NdbError;
use sqlite::{SqliteError, Value};
use std::borrow::Cow;

/// Name of the file of changes that wait to be written into `rpmdb.sqlite`.
pub(crate) const LOG: &str = "rpmdb.sqlite-wal";

/// Why a database, or a part of it, could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RpmdbError {
    /// Of Berkeley DB.
    #[error(transparent)]
    Bdb(#[from] BdbError),
    /// Of rpm's own kind.
    #[error(transparent)]
    Ndb(#[from] NdbError),
    /// Of SQLite.
    #[error(transparent)]
    Sqlite(#[from] SqliteError),
}

/// Headers, not yet parsed, and why there are no more of them.
pub(crate) type Headers<'a> = (Vec<Cow<'a, [u8]>>, Vec<RpmdbError>);

/// The headers in a database of this file name. `log` is what waits to be written into it; empty where nothing does.
pub(crate) fn headers<'a>(name: &[u8], bytes: &'a [u8], log: &'a [u8]) -> Headers<'a> {
    match name {
        b"Packages" => errors(bdb::values(bytes)),
        b"Packages.db" => errors(ndb::blobs(bytes)),
        _ => sqlite(bytes, log),
    }
}

fn errors<E: Into<RpmdbError>>((headers, errors): (Vec<Cow<'_, [u8]>>, Vec<E>)) -> Headers<'_> {
    (headers, errors.into_iter().map(Into::into).collect())
}

fn sqlite<'a>(bytes: &'a [u8], log: &'a [u8]) -> Headers<'a> {
    let (rows, errors) = match sqlite::Database::open(bytes, log) {
        Ok(database) => database.rows("Packages"),
        Err(error) => (Vec::new(), vec![error]),
    };
    let header = |row: Vec<Value>| match row.into_iter().nth(1) {
        Some(Value::Bytes(blob)) => Cow::Owned(blob),
        // No header can be made of it, and that is then said.
        Some(Value::Integer(_) | Value::Other) | None => Cow::Borrowed(&[][..]),
    };
    (rows.into_iter().map(header).collect(), errors.into_iter().map(Into::into).collect())
}
