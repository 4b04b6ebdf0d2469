//! The ledger in one SQLite file.
//!
//! The rollback journal, not the write-ahead log: it leaves one file when nothing is being written, and works where
//! processes of several machines share a directory. A writer takes the lock before it reads the head of the chain, so
//! that appends of several processes come one after the other.

use crate::{
    Entry, Filter, Record, RecordId, RecordedVerdict,
    chain::{Head, Row},
    error::{Break, Error},
    schema::{self, State},
};
use camino::{Utf8Path, Utf8PathBuf};
use plimsoll_model::Digest;
use rusqlite::{
    Connection, ErrorCode, OpenFlags, OptionalExtension as _, Params, TransactionBehavior,
    config::DbConfig, params,
};
use std::{
    fs::{DirBuilder, OpenOptions},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    time::Duration,
};

/// How long another process's lock is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

const COLUMNS: &str = "id, previous, hash, record, inventory, subject, name, verdict";

/// Every build, in one file; several processes may hold it at once.
#[derive(Debug)]
pub struct Ledger {
    connection: Connection,
    path: Utf8PathBuf,
}

impl Ledger {
    /// Opens the ledger; makes it, readable by its owner alone, with the directories above it, where there is none.
    pub fn open(path: &Utf8Path) -> Result<Self, Error> {
        Self::open_with_patience(path, PATIENCE)
    }

    fn open_with_patience(path: &Utf8Path, patience: Duration) -> Result<Self, Error> {
        create(path)?;
        let fail = failure(path);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags).map_err(&fail)?;
        connection.busy_timeout(patience).map_err(&fail)?;
        // The file may come from anywhere: what its schema defines runs nothing.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false).map_err(&fail)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true).map_err(&fail)?;
        match schema::state(&connection).map_err(&fail)? {
            State::Current => {}
            State::Behind(_) => schema::migrate(&mut connection).map_err(&fail)?,
            State::Newer { found, supported } => {
                return Err(Error::NewerSchema { path: path.to_owned(), found, supported });
            }
            State::Foreign => return Err(Error::NotALedger { path: path.to_owned() }),
        }
        Ok(Self { connection, path: path.to_owned() })
    }

    /// Adds a record at the end of the chain.
    pub fn append(&mut self, record: &Record) -> Result<RecordId, Error> {
        let fail = failure(&self.path);
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(&fail)?;
        let head = head(&transaction).map_err(&fail)?;
        if head != newest(&transaction).map_err(&fail)? {
            return Err(Error::ChainBroken { id: head.id, reason: Break::Head });
        }
        let row = Row::following(head, record)?;
        insert(&transaction, &row).map_err(&fail)?;
        transaction.commit().map_err(&fail)?;
        Ok(row.id)
    }

    /// The entries that the filter wants, newest first.
    pub fn list(&self, filter: &Filter) -> Result<Vec<Entry>, Error> {
        let sql = format!(
            "SELECT {COLUMNS} FROM entry
             WHERE (?1 IS NULL OR subject = ?1) AND (?2 IS NULL OR name = ?2)
               AND (?3 IS NULL OR verdict = ?3)
             ORDER BY id DESC LIMIT ?4"
        );
        let limit = i64::try_from(filter.limit).unwrap_or(i64::MAX);
        let subject = filter.subject.map(|digest| digest.to_string());
        let verdict = filter.verdict.map(RecordedVerdict::as_str);
        self.entries(&sql, params![subject, filter.name, verdict, limit])
    }

    /// The entry at a position.
    pub fn get(&self, id: RecordId) -> Result<Option<Entry>, Error> {
        let sql = format!("SELECT {COLUMNS} FROM entry WHERE id = ?1");
        Ok(self.entries(&sql, [id.0])?.pop())
    }

    /// The newest passed entry about each subject, newest first: what may be in production.
    pub fn latest_passed(&self) -> Result<Vec<Entry>, Error> {
        let sql = format!(
            "SELECT {COLUMNS} FROM entry
             WHERE id IN (SELECT max(id) FROM entry WHERE verdict = ?1 GROUP BY subject)
             ORDER BY id DESC"
        );
        self.entries(&sql, [RecordedVerdict::Passed.as_str()])
    }

    /// Checks every entry and its place in the chain, and gives how many there are.
    ///
    /// # Errors
    /// [`Error::ChainBroken`] with the first entry that was changed, taken out or put in.
    pub fn verify_chain(&self) -> Result<u64, Error> {
        let fail = failure(&self.path);
        // One transaction, so that rows and head are of the same moment.
        let transaction = self.connection.unchecked_transaction().map_err(&fail)?;
        let sql = format!("SELECT {COLUMNS} FROM entry ORDER BY id");
        let mut statement = transaction.prepare(&sql).map_err(&fail)?;
        let mut rows = statement.query(()).map_err(&fail)?;
        let (mut at, mut count) = (Head::START, 0_u64);
        while let Some(row) = rows.next().map_err(&fail)? {
            at = read(row).map_err(&fail)?.follow(at)?;
            count = count.saturating_add(1);
        }
        let head = head(&transaction).map_err(&fail)?;
        if at.id < head.id {
            let id = RecordId(at.id.0.saturating_add(1));
            return Err(Error::ChainBroken { id, reason: Break::Missing });
        }
        if at != head {
            return Err(Error::ChainBroken { id: at.id, reason: Break::Head });
        }
        Ok(count)
    }

    fn entries(&self, sql: &str, parameters: impl Params) -> Result<Vec<Entry>, Error> {
        let fail = failure(&self.path);
        let mut statement = self.connection.prepare(sql).map_err(&fail)?;
        let mut rows = statement.query(parameters).map_err(&fail)?;
        let mut entries = Vec::new();
        while let Some(row) = rows.next().map_err(&fail)? {
            entries.push(read(row).map_err(&fail)?.into_entry()?);
        }
        Ok(entries)
    }
}

/// Makes the file, empty, where there is none: SQLite would make it readable by everyone.
fn create(path: &Utf8Path) -> Result<(), Error> {
    if let Some(directory) = path.parent().filter(|directory| !directory.as_str().is_empty()) {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(|source| Error::CreateDirectory { path: path.to_owned(), source })?;
    }
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map(drop)
        .map_err(|source| Error::Open { path: path.to_owned(), source })
}

/// What was appended last.
fn head(connection: &Connection) -> rusqlite::Result<Head> {
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Head { id: RecordId(row.get(0)?), hash: Digest::from_bytes(row.get(1)?) })
    };
    let head = connection.query_row("SELECT id, hash FROM head", (), read).optional()?;
    Ok(head.unwrap_or(Head::START))
}

/// The entry with the highest position.
fn newest(connection: &Connection) -> rusqlite::Result<Head> {
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Head { id: RecordId(row.get(0)?), hash: Digest::from_bytes(row.get(1)?) })
    };
    let sql = "SELECT id, hash FROM entry ORDER BY id DESC LIMIT 1";
    Ok(connection.query_row(sql, (), read).optional()?.unwrap_or(Head::START))
}

fn insert(connection: &Connection, row: &Row) -> rusqlite::Result<()> {
    connection.execute(
        &format!("INSERT INTO entry ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"),
        params![
            row.id.0,
            row.previous.as_bytes(),
            row.hash.as_bytes(),
            row.record,
            row.inventory,
            row.subject,
            row.name,
            row.verdict,
        ],
    )?;
    connection.execute(
        "INSERT INTO head (single, id, hash) VALUES (1, ?1, ?2)
         ON CONFLICT (single) DO UPDATE SET id = excluded.id, hash = excluded.hash",
        params![row.id.0, row.hash.as_bytes()],
    )?;
    Ok(())
}

/// A row in the order of [`COLUMNS`].
fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    Ok(Row {
        id: RecordId(row.get(0)?),
        previous: Digest::from_bytes(row.get(1)?),
        hash: Digest::from_bytes(row.get(2)?),
        record: row.get(3)?,
        inventory: row.get(4)?,
        subject: row.get(5)?,
        name: row.get(6)?,
        verdict: row.get(7)?,
    })
}

/// Tells apart what a caller could treat differently.
fn failure(path: &Utf8Path) -> impl Fn(rusqlite::Error) -> Error {
    let path = path.to_owned();
    move |source| {
        let path = path.clone();
        match &source {
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::InvalidColumnType(..) => Error::Damaged { path, source },
            _ => match source.sqlite_error_code() {
                Some(ErrorCode::NotADatabase) => Error::NotADatabase { path },
                Some(ErrorCode::DatabaseCorrupt) => Error::Damaged { path, source },
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Error::Locked { path },
                Some(ErrorCode::ReadOnly) => Error::ReadOnly { path },
                _ => Error::Database { path, source },
            },
        }
    }
}
