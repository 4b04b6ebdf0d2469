//! The arguments of `plimsoll trust`, and of the commands that ask whose word counts.

use crate::report;
use camino::Utf8PathBuf;
use clap::{Args, Subcommand};

/// `trust`.
#[derive(Debug, Subcommand)]
pub(crate) enum TrustCommand {
    /// Fetch the trusted roots of Sigstore and of GitHub by TUF, or that of a private instance, and keep them.
    Update {
        #[command(flatten)]
        tuf: TufArguments,
    },
    /// Say which trusted roots are believed, where they are from, and how long they hold.
    Status {
        #[command(flatten)]
        tuf: TufArguments,
        /// Report format: table or json.
        #[arg(short, long = "output", value_name = "FORMAT[=FILE]", value_parser = report::Output::parse)]
        output: Vec<report::Output>,
    },
}

/// Where the trusted root of a private instance is.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct TufArguments {
    /// TUF repository with the trusted root of a private instance, which is believed in place of all others
    /// [default: the policy's].
    #[arg(long, value_name = "URL", requires = "tuf_root", env = "PLIMSOLL_TUF_URL")]
    pub tuf_url: Option<String>,
    /// With `--tuf-url`, the file with the root of TUF (`root.json`) that it is verified from.
    #[arg(long, value_name = "FILE", requires = "tuf_url", env = "PLIMSOLL_TUF_ROOT")]
    pub tuf_root: Option<Utf8PathBuf>,
}

/// Whose word counts.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct RootArguments {
    /// Whose word counts for certificates, logs and times: the trusted root of a Sigstore instance, or several of them
    /// [default: the policy's, else Sigstore's and GitHub's, as `plimsoll trust update` fetched them, else as built in].
    #[arg(long, value_name = "FILE", conflicts_with = "tuf_url", env = "PLIMSOLL_TRUSTED_ROOT")]
    pub trusted_root: Option<Utf8PathBuf>,
    #[command(flatten)]
    pub tuf: TufArguments,
}
