//! The ledger in one SQLite file.
//!
//! The rollback journal, not the write-ahead log: it leaves one file when nothing is being written, and works where
//! processes of several machines share a directory. A writer takes the lock before it reads the head of the chain, so
//! that appends of several processes come one after the other.

mod schema;

use crate::{
    Entry, Filter, Record, RecordId, RecordedVerdict,
    chain::{Head, Row},
    error::{Break, Error},
    record::RecordedMarkKind,
};
use camino::{Utf8Path, Utf8PathBuf};
use plimsoll_model::Digest;
use rusqlite::{
    Connection, ErrorCode, OpenFlags, OptionalExtension as _, Params, TransactionBehavior,
    config::DbConfig, params,
};
use schema::State;
use std::{
    collections::BTreeMap,
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
        let path = path.to_owned();
        match schema::prepare(&mut connection).map_err(&fail)? {
            State::Current => Ok(Self { connection, path }),
            State::Newer { found, supported } => Err(Error::NewerSchema { path, found, supported }),
            State::Foreign => Err(Error::NotALedger { path }),
        }
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

    /// The newest promoted entry about subjects of this name.
    pub fn latest_promoted(&self, name: &str) -> Result<Option<Entry>, Error> {
        let sql = format!(
            "SELECT {COLUMNS} FROM entry WHERE name = ?1 AND verdict = ?2 ORDER BY id DESC"
        );
        // Where it was promoted to is in the record alone. The newest is nearly always the first or second.
        let fail = failure(&self.path);
        let mut statement = self.connection.prepare(&sql).map_err(&fail)?;
        let parameters = [name, RecordedVerdict::Passed.as_str()];
        let mut rows = statement.query(parameters).map_err(&fail)?;
        while let Some(row) = rows.next().map_err(&fail)? {
            let entry = read(row).map_err(&fail)?.into_entry()?;
            if entry.record.promoted_to.is_some() {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    /// The entries by which builds with one of these digests are flagged and not cleared, oldest first, without inventories.
    ///
    /// The newest mark of each pair of image and manifest counts: clearing one platform of an image clears no other. Every
    /// record is checked on the way, so that a flag that was taken out is noticed; inventories are not.
    ///
    /// # Errors
    /// [`Error::ChainBroken`] with the first record that was changed, taken out or put in.
    pub fn flags(&self, digests: &[Digest]) -> Result<Vec<Entry>, Error> {
        let mut newest = BTreeMap::new();
        let columns = COLUMNS.replace("inventory", "x'' AS inventory");
        self.walk(&columns, |row, at| {
            let entry = row.follow_without_inventory(at)?;
            let head = Head { id: entry.id, hash: entry.hash };
            let about = (entry.record.digest, entry.record.manifest);
            let is_meant = digests.contains(&about.0) || digests.contains(&about.1);
            if is_meant && entry.record.mark.is_some() {
                newest.insert(about, entry);
            }
            Ok(head)
        })?;
        let is_flag = |entry: &Entry| {
            let mark = entry.record.mark.as_ref();
            mark.is_some_and(|mark| mark.kind == RecordedMarkKind::Flagged)
        };
        let mut flags: Vec<_> = newest.into_values().filter(is_flag).collect();
        flags.sort_by_key(|entry| entry.id);
        Ok(flags)
    }

    /// Checks every entry and its place in the chain, and gives how many there are.
    ///
    /// # Errors
    /// [`Error::ChainBroken`] with the first entry that was changed, taken out or put in.
    pub fn verify_chain(&self) -> Result<u64, Error> {
        self.walk(COLUMNS, Row::follow)
    }

    /// Takes every row, in order, from one head of the chain to the next, and gives how many there are.
    fn walk(
        &self,
        columns: &str,
        mut follow: impl FnMut(Row, Head) -> Result<Head, Error>,
    ) -> Result<u64, Error> {
        let fail = failure(&self.path);
        // One transaction, so that rows and head are of the same moment.
        let transaction = self.connection.unchecked_transaction().map_err(&fail)?;
        let sql = format!("SELECT {columns} FROM entry ORDER BY id");
        let mut statement = transaction.prepare(&sql).map_err(&fail)?;
        let mut rows = statement.query(()).map_err(&fail)?;
        let (mut at, mut count) = (Head::START, 0_u64);
        while let Some(row) = rows.next().map_err(&fail)? {
            at = follow(read(row).map_err(&fail)?, at)?;
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
    query_head(connection, "SELECT id, hash FROM head")
}

/// The entry with the highest position.
fn newest(connection: &Connection) -> rusqlite::Result<Head> {
    query_head(connection, "SELECT id, hash FROM entry ORDER BY id DESC LIMIT 1")
}

fn query_head(connection: &Connection, sql: &str) -> rusqlite::Result<Head> {
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Head { id: RecordId(row.get(0)?), hash: Digest::from_bytes(row.get(1)?) })
    };
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
        let is_of_wrong_type = matches!(
            source,
            rusqlite::Error::FromSqlConversionFailure(..) | rusqlite::Error::InvalidColumnType(..)
        );
        match source.sqlite_error_code() {
            _ if is_of_wrong_type => Error::Damaged { path, source },
            Some(ErrorCode::NotADatabase) => Error::NotADatabase { path },
            Some(ErrorCode::DatabaseCorrupt) => Error::Damaged { path, source },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Error::Locked { path },
            Some(ErrorCode::ReadOnly) => Error::ReadOnly { path },
            _ => Error::Database { path, source },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{RecordedMark, tests::record};
    use plimsoll_model::{Class, Classify as _};
    use std::os::unix::fs::PermissionsExt as _;

    /// A directory with a path for a ledger in it.
    struct Place(tempfile::TempDir);

    impl Place {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn path(&self) -> Utf8PathBuf {
            Utf8PathBuf::from_path_buf(self.0.path().join("new/ledger.db")).unwrap()
        }

        fn open(&self) -> Ledger {
            Ledger::open(&self.path()).unwrap()
        }

        /// Changes the file behind the ledger's back.
        fn tamper(&self, sql: &str) {
            Connection::open(self.path()).unwrap().execute_batch(sql).unwrap();
        }

        /// A ledger with three entries.
        fn with_three() -> Self {
            let place = Self::new();
            let mut ledger = place.open();
            for number in 1..=3 {
                assert_eq!(ledger.append(&record(number)).unwrap(), RecordId(number));
            }
            place
        }
    }

    #[test]
    fn the_newest_promoted_build_of_a_name_is_found() {
        let place = Place::new();
        let mut ledger = place.open();
        let named = |number, to: Option<&str>, verdict| Record {
            name: "r.example/app".to_owned(),
            promoted_to: to.map(str::to_owned),
            verdict,
            ..record(number)
        };
        for one in [
            named(1, Some("prod"), RecordedVerdict::Passed),
            named(2, Some("prod"), RecordedVerdict::Passed),
            named(3, None, RecordedVerdict::Passed),
            named(4, Some("prod"), RecordedVerdict::Blocked),
        ] {
            ledger.append(&one).unwrap();
        }
        let newest = |name: &str| ledger.latest_promoted(name).unwrap().map(|entry| entry.id);
        assert_eq!(newest("r.example/app"), Some(RecordId(2)));
        assert_eq!(newest("r.example/ap"), None);
    }

    fn marked(number: i64, kind: RecordedMarkKind) -> Record {
        let mark = RecordedMark { kind, reason: "r".to_owned(), by: "b".to_owned() };
        let verdict = RecordedVerdict::Blocked;
        Record { mark: Some(mark), inventory: vec![], verdict, ..record(number) }
    }

    #[test]
    fn flags_are_about_the_image_and_about_its_manifest() {
        let place = Place::with_three();
        let mut ledger = place.open();
        let (one, two) = (record(1), record(2));
        assert_eq!(ledger.flags(&[one.digest, one.manifest]).unwrap(), []);
        let flag = marked(1, RecordedMarkKind::Flagged);
        ledger.append(&flag).unwrap();
        let ids = |ledger: &Ledger, digests: &[Digest]| -> Vec<_> {
            ledger.flags(digests).unwrap().into_iter().map(|entry| entry.id).collect()
        };
        // By another name, or without its index, it is the same.
        assert_eq!(ids(&ledger, &[one.digest]), [RecordId(4)]);
        assert_eq!(ids(&ledger, &[one.manifest]), [RecordId(4)]);
        assert_eq!(ids(&ledger, &[two.digest, two.manifest]), []);
        // Another platform of the same image is cleared: this one is not.
        let other = Record { digest: one.digest, ..marked(2, RecordedMarkKind::Cleared) };
        ledger.append(&other).unwrap();
        assert_eq!(ids(&ledger, &[one.digest, one.manifest]), [RecordId(4)]);
        // A build that passes later takes no flag away.
        ledger.append(&one).unwrap();
        assert_eq!(ids(&ledger, &[one.digest]), [RecordId(4)]);
        ledger.append(&marked(1, RecordedMarkKind::Cleared)).unwrap();
        assert_eq!(ids(&ledger, &[one.digest, one.manifest]), []);
        ledger.append(&flag).unwrap();
        assert_eq!(ids(&ledger, &[one.digest]), [RecordId(8)]);
        assert_eq!(ledger.verify_chain().unwrap(), 8);
        // Marks are no builds that passed.
        let passed = ledger.latest_passed().unwrap();
        assert!(passed.iter().all(|entry| entry.record.mark.is_none()));
    }

    #[test]
    fn a_flag_that_was_taken_out_or_changed_is_noticed() {
        let digest = record(1).digest;
        for (tampering, reason) in [
            ("DELETE FROM entry WHERE id = 4", Break::Missing),
            ("DELETE FROM entry WHERE id = 2", Break::Missing),
            ("UPDATE entry SET subject = 'sha256:0' WHERE id = 4", Break::Columns),
            (
                "UPDATE entry SET record = CAST(replace(CAST(record AS TEXT), 'flagged', 'cleared') AS BLOB)",
                Break::Record,
            ),
        ] {
            let place = Place::with_three();
            place.open().append(&marked(1, RecordedMarkKind::Flagged)).unwrap();
            assert_eq!(place.open().flags(&[digest]).unwrap().len(), 1);
            place.tamper(tampering);
            let error = place.open().flags(&[digest]).unwrap_err();
            assert!(
                matches!(error, Error::ChainBroken { reason: found, .. } if found == reason),
                "{tampering}: {error}"
            );
        }
    }

    #[test]
    fn what_is_appended_comes_back_newest_first() {
        let place = Place::new();
        let mut ledger = place.open();
        assert_eq!(ledger.verify_chain().unwrap(), 0);
        let blocked = Record { verdict: RecordedVerdict::Blocked, ..record(2) };
        let again = Record { digest: record(1).digest, ..record(3) };
        for one in [&record(1), &blocked, &again] {
            ledger.append(one).unwrap();
        }
        drop(ledger);
        let ledger = place.open();
        let ids =
            |entries: Vec<Entry>| -> Vec<i64> { entries.iter().map(|entry| entry.id.0).collect() };
        let list = |filter: Filter| ids(ledger.list(&filter).unwrap());
        let all = Filter::default();
        assert_eq!(list(all.clone()), [3, 2, 1]);
        assert_eq!(list(Filter { limit: 1, ..all.clone() }), [3]);
        assert_eq!(list(Filter { limit: 0, ..all.clone() }), [0; 0]);
        assert_eq!(list(Filter { subject: Some(again.digest), ..all.clone() }), [3, 1]);
        assert_eq!(
            list(Filter { name: Some("registry.example/app2".to_owned()), ..all.clone() }),
            [2]
        );
        assert_eq!(list(Filter { name: Some("%' OR 1=1 --".to_owned()), ..all.clone() }), [0; 0]);
        assert_eq!(list(Filter { verdict: Some(RecordedVerdict::Blocked), ..all }), [2]);
        assert_eq!(ids(ledger.latest_passed().unwrap()), [3]);
        assert_eq!(ledger.get(RecordId(2)).unwrap().unwrap().record, blocked);
        assert_eq!(ledger.get(RecordId(4)).unwrap(), None);
        assert_eq!(ledger.verify_chain().unwrap(), 3);
    }

    #[test]
    fn the_file_is_the_owners_alone_and_the_only_one() {
        let place = Place::with_three();
        let path = place.path();
        let mode = |path: &Utf8Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
        assert_eq!(path.parent().unwrap().read_dir_utf8().unwrap().count(), 1);
    }

    #[track_caller]
    fn check_break(sql: &str, id: i64, reason: Break) {
        let place = Place::with_three();
        place.tamper(sql);
        let error = place.open().verify_chain().unwrap_err();
        assert!(
            matches!(error, Error::ChainBroken { id: found, reason: why } if found == RecordId(id) && why == reason),
            "{sql}: {error}"
        );
    }

    #[test]
    fn every_tampering_is_told_with_its_entry() {
        let forged = "CAST(replace(CAST(record AS TEXT), 'app2', 'evil') AS BLOB)";
        check_break(&format!("UPDATE entry SET record = {forged} WHERE id = 2"), 2, Break::Record);
        check_break("UPDATE entry SET hash = zeroblob(32) WHERE id = 2", 2, Break::Record);
        check_break("UPDATE entry SET verdict = 'blocked' WHERE id = 2", 2, Break::Columns);
        check_break("UPDATE entry SET subject = '' WHERE id = 2", 2, Break::Columns);
        check_break("UPDATE entry SET name = 'x' WHERE id = 2", 2, Break::Columns);
        check_break("UPDATE entry SET inventory = x'00' WHERE id = 2", 2, Break::Inventory);
        check_break(
            "UPDATE entry SET inventory = (SELECT inventory FROM entry WHERE id = 1) WHERE id = 2",
            2,
            Break::Inventory,
        );
        check_break("DELETE FROM entry WHERE id = 1", 1, Break::Missing);
        check_break("DELETE FROM entry WHERE id = 2", 2, Break::Missing);
        check_break("DELETE FROM entry WHERE id = 3", 3, Break::Missing);
        check_break("DELETE FROM entry", 1, Break::Missing);
        check_break(
            "DELETE FROM entry WHERE id = 2; UPDATE entry SET id = 2 WHERE id = 3",
            2,
            Break::Link,
        );
        check_break(
            "UPDATE entry SET id = 9 WHERE id = 2; UPDATE entry SET id = 2 WHERE id = 3;
             UPDATE entry SET id = 3 WHERE id = 9",
            2,
            Break::Link,
        );
        check_break("DELETE FROM head", 3, Break::Head);
        check_break("UPDATE head SET hash = zeroblob(32)", 3, Break::Head);
        check_break("UPDATE head SET id = 2", 3, Break::Head);
    }

    #[test]
    fn an_entry_forged_with_its_hash_breaks_the_next() {
        for (id, at, reason) in [(2, 3, Break::Link), (3, 3, Break::Head)] {
            let place = Place::with_three();
            let ledger = place.open();
            let before = ledger.get(RecordId(id - 1)).unwrap().unwrap();
            let forged = Record { command: "forged".to_owned(), ..record(id) };
            let row = Row::following(Head { id: before.id, hash: before.hash }, &forged).unwrap();
            let sql = "UPDATE entry SET hash = ?1, record = ?2 WHERE id = ?3";
            let changed =
                ledger.connection.execute(sql, params![row.hash.as_bytes(), row.record, id]);
            assert_eq!(changed.unwrap(), 1);
            let error = ledger.verify_chain().unwrap_err();
            assert!(
                matches!(error, Error::ChainBroken { id, reason: why } if id == RecordId(at) && why == reason),
                "{error}"
            );
        }
    }

    #[test]
    fn nothing_is_appended_where_the_newest_entry_is_gone() {
        let place = Place::with_three();
        place.tamper("DELETE FROM entry WHERE id = 3");
        let error = place.open().append(&record(4)).unwrap_err();
        assert!(
            matches!(error, Error::ChainBroken { id: RecordId(3), reason: Break::Head }),
            "{error}"
        );
        assert_eq!(place.open().list(&Filter::default()).unwrap().len(), 2);
    }

    #[test]
    fn a_tampered_entry_is_never_shown() {
        let place = Place::with_three();
        place.tamper("UPDATE entry SET verdict = 'blocked' WHERE id = 2");
        let ledger = place.open();
        assert!(matches!(ledger.get(RecordId(2)), Err(Error::ChainBroken { id: RecordId(2), .. })));
        assert!(matches!(
            ledger.list(&Filter::default()),
            Err(Error::ChainBroken { id: RecordId(2), .. })
        ));
    }

    #[test]
    fn other_files_are_refused_and_left_alone() {
        let place = Place::new();
        let path = place.path();
        std::fs::create_dir(path.parent().unwrap()).unwrap();
        let text =
            "not a database, but long enough for the header of one to be read from it".repeat(10);
        std::fs::write(&path, &text).unwrap();
        assert!(matches!(Ledger::open(&path), Err(Error::NotADatabase { .. })));
        assert_eq!(std::fs::metadata(&path).unwrap().len(), u64::try_from(text.len()).unwrap());

        std::fs::remove_file(&path).unwrap();
        place.tamper("CREATE TABLE other (x)");
        assert!(matches!(Ledger::open(&path), Err(Error::NotALedger { .. })));
        place.tamper("PRAGMA user_version = 1");
        assert!(matches!(Ledger::open(&path), Err(Error::NotALedger { .. })));
    }

    #[test]
    fn a_newer_schema_is_refused_with_the_remedy() {
        let place = Place::with_three();
        place.tamper("PRAGMA user_version = 2");
        let error = Ledger::open(&place.path()).unwrap_err();
        assert!(matches!(error, Error::NewerSchema { found: 2, supported: 1, .. }), "{error}");
        assert_eq!(error.class(), Class::Usage);
        assert!(error.hint().unwrap().contains("a newer Plimsoll"));
        place.tamper("PRAGMA user_version = -1");
        assert!(matches!(Ledger::open(&place.path()), Err(Error::NotALedger { .. })));
    }

    #[test]
    fn a_damaged_file_is_told_wherever_it_was_cut() {
        let place = Place::new();
        let big = Record { tool_version: "x".repeat(100_000), ..record(1) };
        place.open().append(&big).unwrap();
        let whole = std::fs::metadata(place.path()).unwrap().len();
        for size in [whole - 4096, whole / 2, 4096, 1000, 100, 50] {
            let file = OpenOptions::new().write(true).open(place.path()).unwrap();
            file.set_len(size).unwrap();
            let error =
                Ledger::open(&place.path()).and_then(|ledger| ledger.verify_chain()).unwrap_err();
            assert!(
                matches!(error, Error::Damaged { .. } | Error::NotADatabase { .. }),
                "{size}: {error}"
            );
            assert_eq!(error.class(), Class::Rejected);
        }
    }

    #[test]
    fn what_another_process_holds_is_told() {
        let place = Place::with_three();
        let mut ledger = Ledger::open_with_patience(&place.path(), Duration::ZERO).unwrap();
        let other = Connection::open(place.path()).unwrap();
        other.execute_batch("BEGIN EXCLUSIVE").unwrap();
        let error = Ledger::open_with_patience(&place.path(), Duration::ZERO).unwrap_err();
        assert!(matches!(error, Error::Locked { .. }), "{error}");
        assert!(matches!(ledger.append(&record(4)), Err(Error::Locked { .. })));
        assert!(matches!(ledger.verify_chain(), Err(Error::Locked { .. })));
        other.execute_batch("ROLLBACK").unwrap();
        assert_eq!(ledger.append(&record(4)).unwrap(), RecordId(4));
    }

    #[test]
    fn places_that_can_not_be_written_to() {
        let place = Place::with_three();
        let inside = place.path().join("below/ledger.db");
        assert!(matches!(Ledger::open(&inside), Err(Error::CreateDirectory { .. })));
        assert!(matches!(Ledger::open(place.path().parent().unwrap()), Err(Error::Open { .. })));
        // Nobody may make files there, not even root.
        let error = Ledger::open("/proc/ledger.db".into()).unwrap_err();
        assert!(matches!(error, Error::Open { .. }), "{error}");
        assert_eq!(error.class(), Class::Action);
    }

    #[test]
    fn a_database_that_turned_read_only_is_told() {
        let place = Place::with_three();
        let mut ledger = place.open();
        ledger.connection.pragma_update(None, "query_only", true).unwrap();
        assert!(matches!(ledger.append(&record(4)), Err(Error::ReadOnly { .. })));
        assert_eq!(ledger.verify_chain().unwrap(), 3);
    }

    #[test]
    fn several_processes_make_one_ledger() {
        for _ in 0..20 {
            let place = Place::new();
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| drop(place.open()));
                }
            });
            assert_eq!(place.open().verify_chain().unwrap(), 0);
        }
    }

    #[test]
    fn several_processes_keep_one_chain() {
        const WRITERS: i64 = 4;
        const EACH: i64 = 12;
        let place = Place::new();
        std::thread::scope(|scope| {
            for writer in 0..WRITERS {
                let path = place.path();
                scope.spawn(move || {
                    let mut ledger = Ledger::open(&path).unwrap();
                    for number in 0..EACH {
                        ledger.append(&record(writer * EACH + number)).unwrap();
                    }
                });
            }
        });
        let ledger = place.open();
        assert_eq!(ledger.verify_chain().unwrap(), u64::try_from(WRITERS * EACH).unwrap());
        let mut names: Vec<_> = ledger
            .list(&Filter { limit: usize::MAX, ..Filter::default() })
            .unwrap()
            .into_iter()
            .map(|entry| entry.record.name)
            .collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), usize::try_from(WRITERS * EACH).unwrap());
    }

    #[test]
    fn an_append_that_fails_leaves_nothing() {
        let place = Place::with_three();
        place
            .tamper("CREATE TRIGGER no BEFORE UPDATE ON head BEGIN SELECT RAISE(ABORT, 'no'); END");
        let mut ledger = place.open();
        assert!(matches!(ledger.append(&record(4)), Err(Error::Database { .. })));
        assert_eq!(ledger.get(RecordId(4)).unwrap(), None);
        assert_eq!(ledger.verify_chain().unwrap(), 3);
    }
}
