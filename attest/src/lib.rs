//! Evidence: statements, signatures, bundles, and their verification.
