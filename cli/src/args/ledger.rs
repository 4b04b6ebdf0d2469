//! `ledger`: builds over time, and what is said of them.

use super::{IndexArguments, LedgerArguments, VexArguments};
use crate::{exit, report};
use clap::{Args, Subcommand};

/// The longest text that a mark carries, in bytes.
const LONGEST: usize = 1000;

/// `ledger`.
#[derive(Debug, Subcommand)]
pub(crate) enum LedgerCommand {
    /// List recorded builds, newest first.
    List {
        /// Only builds of this name or digest.
        #[arg(value_name = "NAME|DIGEST")]
        of: Option<String>,
        /// At most this many.
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: usize,
        #[command(flatten)]
        ledger: LedgerArguments,
        /// Report format: table or json.
        #[arg(short, long = "output", value_name = "FORMAT[=FILE]", value_parser = report::Output::parse)]
        output: Vec<report::Output>,
    },
    /// Show one recorded build.
    Show {
        /// Its number.
        #[arg(value_name = "ID")]
        id: plimsoll_ledger::RecordId,
        #[command(flatten)]
        ledger: LedgerArguments,
        /// Report format: table or json.
        #[arg(short, long = "output", value_name = "FORMAT[=FILE]", value_parser = report::Output::parse)]
        output: Vec<report::Output>,
    },
    /// Put a recorded build on the list of flagged ones: `run` and `promote` refuse it from then on.
    Flag(MarkArguments),
    /// Take a recorded build off the list of flagged ones.
    Clear(MarkArguments),
    /// Judge every build that passed again, by today's advisories and policy, and list those that went bad.
    #[command(after_help = exit::table())]
    Flagged {
        /// Put those that would be blocked on the list of flagged builds.
        #[arg(long)]
        flag: bool,
        #[command(flatten)]
        index: IndexArguments,
        #[command(flatten)]
        vex: VexArguments,
        #[command(flatten)]
        ledger: LedgerArguments,
        /// Report format: table or json.
        #[arg(short, long = "output", value_name = "FORMAT[=FILE]", value_parser = report::Output::parse)]
        output: Vec<report::Output>,
    },
}

/// `ledger flag`, `ledger clear`.
#[derive(Debug, Args)]
pub(crate) struct MarkArguments {
    /// The number of the build.
    #[arg(value_name = "ID")]
    pub id: plimsoll_ledger::RecordId,
    /// Why.
    #[arg(long, value_name = "TEXT", value_parser = line)]
    pub reason: String,
    /// Who says so: a person or a team.
    #[arg(long, value_name = "WHO", value_parser = line)]
    pub by: String,
    #[command(flatten)]
    pub ledger: LedgerArguments,
}

/// A text of one line that says something.
fn line(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.len() > LONGEST || text.contains(char::is_control) {
        return Err(format!("expected one line of 1 to {LONGEST} bytes"));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_line_that_says_something() {
        assert_eq!(line(" stolen key "), Ok("stolen key".to_owned()));
        assert_eq!(line(&"x".repeat(LONGEST)).map(|text| text.len()), Ok(LONGEST));
        for text in ["", " \t ", "a\nb", "a\u{1b}[2Jb", &"x".repeat(LONGEST + 1)] {
            assert!(line(text).is_err(), "{text:?}");
        }
    }
}
