//! Rules against checkov's: two judges of the same files, and every difference looked at.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that runs a program of others on files of ours"
)]

mod dockerfiles;
mod kubernetes;
#[path = "../support/mod.rs"]
mod support;
