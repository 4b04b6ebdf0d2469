//! The ledger: every build, append-only, and which of them went bad.
