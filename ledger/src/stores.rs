//! Where ledgers are kept.

pub(crate) mod sqlite;
