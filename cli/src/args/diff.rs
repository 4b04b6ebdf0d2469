//! The arguments of `plimsoll diff`.

use super::{IndexArguments, LedgerArguments, ReadingArguments};
use crate::{exit, report};
use camino::Utf8PathBuf;
use clap::Args;
use plimsoll_model::{Severity, platform::Platform};

/// `diff`.
#[derive(Debug, Args)]
#[command(after_help = exit::table())]
pub(crate) struct DiffArguments {
    /// The build before: an SBOM by anyone, a subject as `scan` takes it, record:ID of the ledger, or promoted:NAME, the
    /// newest build of that name that was promoted.
    #[arg(value_name = "BEFORE")]
    pub before: String,
    /// The build after, likewise.
    #[arg(value_name = "AFTER")]
    pub after: String,
    /// Platform to compare where an image is for several [default: linux on this machine's architecture].
    #[arg(long, value_name = "OS/ARCH", env = "PLIMSOLL_PLATFORM")]
    pub platform: Option<Platform>,
    /// Exit with 1 when a finding of this severity (critical, high, medium, low, info, unknown) or worse is new, and with 3
    /// when something can no longer be told; without a value any finding counts.
    #[arg(long, value_name = "SEVERITY", num_args = 0..=1, require_equals = true, default_missing_value = "unknown")]
    pub fail_on_new: Option<Severity>,
    /// Advisory index that the build before is judged by, in place of today's: tells what the advisories changed.
    #[arg(long, value_name = "FILE")]
    pub before_db: Option<Utf8PathBuf>,
    #[command(flatten)]
    pub reading: ReadingArguments,
    #[command(flatten)]
    pub index: IndexArguments,
    #[command(flatten)]
    pub ledger: LedgerArguments,
    /// Report format: table or json.
    #[arg(short, long = "output", value_name = "FORMAT[=FILE]", value_parser = report::Output::parse)]
    pub output: Vec<report::Output>,
}
