//! What was read of layers, kept for the next image that has them: a layer never changes, and most images share theirs.
//!
//! One file, a SQLite database: several processes may share it, and a build service can keep it between jobs. A layer is
//! found by the digests of what was verified when it was read, as stored and inflated, and by what was wanted of it, so
//! that nothing that another version of the catalogers kept is ever taken for this one's.
//!
//! What it holds is believed, as far as it has not been damaged: it must come from where only trusted builds write. That
//! nothing of it can be used is no error of the reading: the layer is read again.

use camino::{Utf8Path, Utf8PathBuf};
use plimsoll_model::{Digest, Limits, image::Layer};
use rusqlite::{Connection, OptionalExtension as _, params};
use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Marks a database as a layer cache of ours (`PLIL`).
const APPLICATION: i64 = 0x504c_494c;
/// The form of what is kept; another has other tables.
const SCHEMA: i64 = 3;
/// How long another process may write before the cache is done without.
const PATIENCE: Duration = Duration::from_secs(5);

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS layer (
        key   BLOB PRIMARY KEY,   -- SHA-256 of what it is found by
        sum   BLOB NOT NULL,      -- SHA-256 of the content
        used  INTEGER NOT NULL,   -- grows with every use
        files BLOB NOT NULL       -- zstd
    ) STRICT;
";

/// What was read of layers, in one file.
pub struct LayerCache {
    path: Utf8PathBuf,
    connection: Mutex<Connection>,
    /// The most bytes that layers take in it.
    limit: u64,
}

/// Why a cache cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// It cannot be opened, read or written.
    #[error("the layer cache `{path}` can not be used")]
    Database {
        /// Where it is.
        path: Utf8PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// It is a database of something else.
    #[error("`{path}` is no layer cache")]
    Foreign {
        /// Where it is.
        path: Utf8PathBuf,
    },
}

/// By what a layer is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key(Digest);

impl Key {
    /// Everything that decides what is kept of a layer; `wanted` names what was wanted of it.
    pub(crate) fn of(layer: &Layer, wanted: &str, limits: &Limits) -> Self {
        let Layer { digest, diff_id, size, .. } = layer;
        let version = env!("CARGO_PKG_VERSION");
        let what = format!("{SCHEMA}\n{version}\n{digest}\n{diff_id}\n{size}\n{wanted}\n");
        // Every limit counts, and nobody reads it.
        let within = format!("{limits:?}");
        Self(Digest::of([what, within].concat().as_bytes()))
    }
}

impl LayerCache {
    /// Opens the cache at `path`, or begins one, which takes at most `limit` bytes.
    pub fn open(path: &Utf8Path, limit: u64) -> Result<Self, CacheError> {
        let fail = |source| CacheError::Database { path: path.to_owned(), source };
        let connection = Connection::open(path).map_err(fail)?;
        connection.busy_timeout(PATIENCE).map_err(fail)?;
        let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let tables = "SELECT count(*) FROM sqlite_schema";
        let tables: i64 = connection.query_row(tables, (), |row| row.get(0)).map_err(fail)?;
        if tables == 0 {
            connection.pragma_update(None, "auto_vacuum", "FULL").map_err(fail)?;
            connection.pragma_update(None, "application_id", APPLICATION).map_err(fail)?;
            connection.execute_batch(TABLES).map_err(fail)?;
        } else if pragma("application_id").map_err(fail)? != APPLICATION {
            return Err(CacheError::Foreign { path: path.to_owned() });
        }
        Ok(Self { path: path.to_owned(), connection: Mutex::new(connection), limit })
    }

    /// What was kept under a key; nothing where it is damaged.
    pub(crate) fn get(&self, key: &Key) -> Result<Option<Vec<u8>>, CacheError> {
        let connection = self.lock();
        let select = "SELECT files, sum FROM layer WHERE key = ?1";
        let found = connection
            .query_row(select, [key.0.as_bytes()], |row| {
                Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?))
            })
            .optional()
            .map_err(self.failure())?;
        let Some((files, sum)) = found else { return Ok(None) };
        if Digest::of(&files).as_bytes() != sum.as_slice() {
            return Ok(None);
        }
        let update = "UPDATE layer SET used = (SELECT max(used) FROM layer) + 1 WHERE key = ?1";
        // That it was used is worth nothing while somebody else writes.
        if let Err(error) = connection.execute(update, [key.0.as_bytes()]) {
            tracing::debug!(%error, "the use of a cached layer is not noted");
        }
        Ok(Some(files))
    }

    /// Keeps something under a key, and lets go of what was not used for longest.
    pub(crate) fn put(&self, key: &Key, files: &[u8]) -> Result<(), CacheError> {
        let size = u64::try_from(files.len()).unwrap_or(u64::MAX);
        if size > self.limit {
            return Ok(());
        }
        let mut connection = self.lock();
        let write = |connection: &mut Connection| {
            let transaction = connection.transaction()?;
            transaction.execute(
                "INSERT OR REPLACE INTO layer (key, sum, used, files)
                 VALUES (?1, ?2, (SELECT ifnull(max(used), 0) FROM layer) + 1, ?3)",
                params![key.0.as_bytes(), Digest::of(files).as_bytes(), files],
            )?;
            let limit = i64::try_from(self.limit).unwrap_or(i64::MAX);
            transaction.execute(
                "DELETE FROM layer WHERE key IN (
                     SELECT key FROM (
                         SELECT key, sum(length(files)) OVER (ORDER BY used DESC) AS total FROM layer
                     ) WHERE total > ?1)",
                [limit],
            )?;
            transaction.commit()
        };
        write(&mut connection).map_err(self.failure())
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failure(&self) -> impl Fn(rusqlite::Error) -> CacheError + '_ {
        |source| CacheError::Database { path: self.path.clone(), source }
    }
}

impl fmt::Debug for LayerCache {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("LayerCache").field("path", &self.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests {
    use super::*;
    use crate::{
        Error, Source,
        fixture::{block_on, directory, image, listing},
        image::{Progress, ReadOptions, open_image, read_tree},
        layout::Layout,
        testing::image::{BuiltImage, LayerBuilder},
    };
    use plimsoll_model::{
        Pinned, TreePath,
        reference::Place,
        tree::{Interest, Want},
    };
    use std::sync::Arc;

    struct All(&'static str);

    impl Interest for All {
        fn want(&self, _: &TreePath, _: u64, _: u32) -> Want {
            Want::Content
        }

        fn id(&self) -> Option<&str> {
            Some(self.0)
        }
    }

    struct Silent;

    impl Progress for Silent {
        fn bytes(&self, _: u64) {}
    }

    fn built() -> BuiltImage {
        let base = LayerBuilder::new().file("etc/a", "1").file("etc/b", "1").symlink("l", "etc");
        image([base, LayerBuilder::new().file("l/a", "2").whiteout("etc/b").hardlink("h", "etc/a")])
    }

    const EXPECT: [&str; 4] = ["etc/", "etc/a=2", "h=2", "l->etc"];

    fn read(
        layout: &Utf8Path,
        built: &BuiltImage,
        id: &'static str,
        cache: &Arc<LayerCache>,
    ) -> Result<Vec<String>, Error> {
        let source = Source::Layout(Layout::open(layout, &Limits::STANDARD)?);
        let place = Place::OciLayout(layout.to_owned());
        let pinned = Pinned { place, digest: built.manifest.digest };
        let options = ReadOptions {
            interest: Arc::new(All(id)),
            limits: Limits::STANDARD,
            cache: Some(Arc::clone(cache)),
            threads: None,
        };
        block_on(async {
            let image = open_image(&source, &pinned, None).await?;
            Ok(listing(&read_tree(&source, &image, &options, &Silent).await?))
        })
    }

    #[test]
    fn a_layer_that_was_read_is_not_read_again() {
        let ((_one, layout), (_other, at)) = (directory(), directory());
        let built = built();
        built.write_layout(&layout, None);
        let file = at.join("layers");
        let cache = Arc::new(LayerCache::open(&file, 1 << 20).unwrap());
        assert_eq!(read(&layout, &built, "1", &cache).unwrap(), EXPECT);
        for layer in &built.layers {
            std::fs::remove_file(layout.join("blobs/sha256").join(layer.digest.hex())).unwrap();
        }
        let again = Arc::new(LayerCache::open(&file, 1 << 20).unwrap());
        assert_eq!(read(&layout, &built, "1", &again).unwrap(), EXPECT);
        // What was kept for another version of the catalogers is not taken.
        assert!(read(&layout, &built, "2", &again).is_err());
        // Nor what was damaged.
        cache.lock().execute("UPDATE layer SET files = zeroblob(100)", ()).unwrap();
        assert!(read(&layout, &built, "1", &again).is_err());
        built.write_layout(&layout, None);
        assert_eq!(read(&layout, &built, "1", &again).unwrap(), EXPECT);
    }

    #[test]
    fn what_is_no_cache_is_left_alone() {
        let (_kept, at) = directory();
        let file = at.join("notes");
        std::fs::write(&file, "These are notes, and no database at all.".repeat(100)).unwrap();
        assert!(matches!(LayerCache::open(&file, 1), Err(CacheError::Database { .. })));
        let file = at.join("other");
        Connection::open(&file).unwrap().execute_batch("CREATE TABLE a (b)").unwrap();
        assert!(matches!(LayerCache::open(&file, 1), Err(CacheError::Foreign { .. })));
    }

    #[test]
    fn several_may_write_at_once_and_what_was_not_used_for_longest_goes_first() {
        let (_kept, at) = directory();
        let file = at.join("layers");
        let key = |number: u32| Key(Digest::of(&number.to_le_bytes()));
        std::thread::scope(|scope| {
            for from in [0_u32, 10] {
                let file = &file;
                scope.spawn(move || {
                    let cache = LayerCache::open(file, 1_000).unwrap();
                    (from..from + 10).for_each(|number| cache.put(&key(number), &[7; 10]).unwrap());
                });
            }
        });
        let cache = LayerCache::open(&file, 1_000).unwrap();
        assert!((0..20).all(|number| cache.get(&key(number)).unwrap() == Some(vec![7; 10])));
        let small = LayerCache::open(&file, 50).unwrap();
        small.put(&key(99), &[8; 10]).unwrap();
        let kept = (0..20).filter(|number| small.get(&key(*number)).unwrap().is_some());
        assert_eq!(kept.collect::<Vec<_>>(), [16, 17, 18, 19]);
        small.put(&key(98), &[8; 51]).unwrap();
        assert_eq!(small.get(&key(98)).unwrap(), None, "too large to be kept");
    }
}
