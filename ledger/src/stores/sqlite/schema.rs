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

/// What a database is, once it has been prepared.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum State {
    /// A ledger of today's schema.
    Current,
    /// A ledger of a newer schema.
    Newer {
        /// Its schema.
        found: i64,
        /// The newest that is known.
        supported: i64,
    },
    /// Something else.
    Foreign,
}

enum Seen {
    /// Empty, or a ledger of an older schema: of so many migrations.
    Behind(usize),
    Is(State),
}

/// Brings a database up to date and says what it is then; fails when it is no database.
///
/// Only one that is behind is written to, in one transaction that looks again: another process may have been faster.
pub(super) fn prepare(connection: &mut Connection) -> rusqlite::Result<State> {
    if let Seen::Is(state) = look(&connection.transaction()?)? {
        return Ok(state);
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    match look(&transaction)? {
        Seen::Is(state) => Ok(state),
        Seen::Behind(done) => {
            apply(&transaction, MIGRATIONS.get(done..).unwrap_or_default())?;
            transaction.commit()?;
            Ok(State::Current)
        }
    }
}

/// Reads several values, which only inside a transaction are of the same moment.
fn look(transaction: &Transaction<'_>) -> rusqlite::Result<Seen> {
    let number = |name| transaction.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (application, version) = (number("application_id")?, number("user_version")?);
    let count = "SELECT count(*) FROM sqlite_schema";
    let objects: i64 = transaction.query_row(count, (), |row| row.get(0))?;
    let supported = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    Ok(match (application, version) {
        (0, 0) if objects == 0 => Seen::Behind(0),
        (APPLICATION, found) if found > supported => Seen::Is(State::Newer { found, supported }),
        (APPLICATION, found) if found == supported => Seen::Is(State::Current),
        (APPLICATION, found) if found > 0 => {
            Seen::Behind(usize::try_from(found).unwrap_or(usize::MAX))
        }
        _ => Seen::Is(State::Foreign),
    })
}

fn apply(transaction: &Transaction<'_>, migrations: &[&str]) -> rusqlite::Result<()> {
    for migration in migrations {
        transaction.execute_batch(migration)?;
    }
    let version = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", version)
}
