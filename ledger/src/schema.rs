//! The tables of a ledger, and how older ones become today's.

use rusqlite::{Connection, Transaction, TransactionBehavior};

/// Marks a database as a ledger of ours (`PLIM`).
const APPLICATION: i64 = 0x504c_494d;

/// Each makes the schema one newer; the first makes it from nothing.
const MIGRATIONS: &[&str] = &["
    CREATE TABLE entry (
        id        INTEGER PRIMARY KEY,
        previous  BLOB NOT NULL,  -- hash of the entry before, 32 bytes
        hash      BLOB NOT NULL,  -- SHA-256 of previous and record
        record    BLOB NOT NULL,  -- JSON
        inventory BLOB NOT NULL,  -- CycloneDX JSON, zlib
        subject   TEXT NOT NULL,  -- the rest repeats the record, for looking up
        name      TEXT NOT NULL,
        verdict   TEXT NOT NULL
    ) STRICT;
    CREATE INDEX entry_by_subject ON entry (subject, id);
    CREATE INDEX entry_by_name ON entry (name, id);
    CREATE TABLE head (
        single INTEGER PRIMARY KEY CHECK (single = 1),
        id     INTEGER NOT NULL,  -- the newest entry
        hash   BLOB NOT NULL
    ) STRICT;
"];

/// What a database is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// A ledger of today's schema.
    Current,
    /// Empty, or a ledger of an older schema: of so many migrations.
    Behind(usize),
    /// A ledger of a newer schema.
    Newer { found: i64, supported: i64 },
    /// Something else.
    Foreign,
}

/// What the database is; fails when it is no database.
pub(crate) fn state(connection: &Connection) -> rusqlite::Result<State> {
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (application, version) = (number("application_id")?, number("user_version")?);
    let count = "SELECT count(*) FROM sqlite_schema";
    let objects: i64 = connection.query_row(count, (), |row| row.get(0))?;
    let supported = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    Ok(match (application, version) {
        (0, 0) if objects == 0 => State::Behind(0),
        (APPLICATION, version) if version > supported => State::Newer { found: version, supported },
        (APPLICATION, version) if version == supported => State::Current,
        (APPLICATION, version) if version > 0 => {
            State::Behind(usize::try_from(version).unwrap_or(usize::MAX))
        }
        _ => State::Foreign,
    })
}

/// Brings a database that is behind up to date, in one transaction; what another process does meanwhile is respected.
pub(crate) fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if let State::Behind(done) = state(&transaction)? {
        apply(&transaction, MIGRATIONS.get(done..).unwrap_or_default())?;
    }
    transaction.commit()
}

fn apply(transaction: &Transaction<'_>, migrations: &[&str]) -> rusqlite::Result<()> {
    for migration in migrations {
        transaction.execute_batch(migration)?;
    }
    let version = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", version)
}
