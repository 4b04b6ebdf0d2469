//! Arguments about the policy, and what it decides over.

use super::{Form, GateArguments};
use camino::Utf8PathBuf;
use clap::{Args, Subcommand, ValueEnum};

/// `policy`.
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Write a commented policy file to start from.
    Init {
        /// File to write; one that is there already is left alone.
        #[arg(value_name = "FILE", default_value = "plimsoll.yaml")]
        path: Utf8PathBuf,
    },
    /// Check that the policy file is valid.
    Check {
        /// File to check [default: the one that the other commands would read].
        #[arg(value_name = "FILE")]
        path: Option<Utf8PathBuf>,
    },
    /// Print the policy in force: every value, and what it comes from.
    Show {
        /// Form of the output.
        #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t = Form::Text)]
        output: Form,
        #[command(flatten)]
        gate: GateArguments,
    },
    /// Judge cases by a policy, and hold what comes of it against what each case expects.
    Test {
        /// Directory with the cases: every NAME.test.yaml in it and below it.
        #[arg(value_name = "DIR")]
        directory: Utf8PathBuf,
    },
}

/// Where the facts go that were decided over.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct FactsArguments {
    /// Write what was decided over as JSON: for OPA and conftest, and for `policy test`. No value of a secret is in it.
    #[arg(long, value_name = "FILE")]
    pub facts_out: Option<Utf8PathBuf>,
}

/// What there is a JSON Schema of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Schema {
    /// The policy file.
    Policy,
    /// What `--facts-out` writes.
    Facts,
    /// What `-o json` writes.
    Report,
}
