//! The database of rpm: headers of packages in a table of SQLite. Both are read here, with a bound for everything.

pub(crate) mod header;
pub(crate) mod sqlite;
