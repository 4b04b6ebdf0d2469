//! Arguments of `plimsoll base`.

use super::{IndexArguments, KeyArguments, LedgerArguments, RootArguments};
use crate::{exit, report};
use camino::Utf8PathBuf;
use clap::{Args, Subcommand};
use jiff::civil::Date;
use plimsoll_model::Reference;

/// `base`.
#[derive(Debug, Subcommand)]
pub(crate) enum BaseCommand {
    /// Approve a base image: its digests and layers go into the signed lock.
    Approve(Box<BaseApproveArguments>),
    /// List the approved base images.
    List(BaseLockArguments),
    /// Verify the lock: its signature, that its approvals hold, and that the registries serve what was approved.
    #[command(after_help = exit::table())]
    Verify(BaseLockArguments),
    /// List approved bases that a newer image has overtaken, and the recorded builds to do again.
    #[command(after_help = exit::table())]
    Outdated(BaseOutdatedArguments),
}

/// `base approve`.
#[derive(Debug, Args)]
pub(crate) struct BaseApproveArguments {
    /// The base image.
    #[arg(value_name = "SUBJECT")]
    pub subject: Reference,
    /// The name under which builds refer to it, where the subject is a file [default: the subject].
    #[arg(long = "as", value_name = "REGISTRY/REPOSITORY:TAG")]
    pub alias: Option<plimsoll_model::reference::ImageName>,
    /// Who approves.
    #[arg(long, value_name = "NAME")]
    pub approver: String,
    /// Last day of the approval [default: 90 days from today].
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub expires: Option<Date>,
    /// The lock [default: the policy's, else bases.lock].
    #[arg(long, value_name = "FILE")]
    pub lock: Option<Utf8PathBuf>,
    /// Approve the images of an index for all platforms [default: for this machine's].
    #[arg(long)]
    pub all_platforms: bool,
    #[command(flatten)]
    pub index: IndexArguments,
    #[command(flatten)]
    pub root: RootArguments,
    #[command(flatten)]
    pub key: KeyArguments,
}

/// `base list` and `base verify`.
#[derive(Debug, Args)]
pub(crate) struct BaseLockArguments {
    /// The lock [default: the policy's, else bases.lock].
    #[arg(long, value_name = "FILE")]
    pub lock: Option<Utf8PathBuf>,
    /// Public key that the lock has to be signed with [default: the policy's, else the local key].
    #[arg(long = "key", value_name = "FILE")]
    pub keys: Vec<Utf8PathBuf>,
    /// Report format: table or json.
    #[arg(short, long = "output", value_name = "FORMAT[=FILE]", value_parser = report::Output::parse)]
    pub output: Vec<report::Output>,
}

/// `base outdated`.
#[derive(Debug, Args)]
pub(crate) struct BaseOutdatedArguments {
    #[command(flatten)]
    pub of: BaseLockArguments,
    /// Fetch newer bases that no recorded build is of, to tell what is aboard [default: what that clears is not known then].
    #[arg(long)]
    pub scan: bool,
    #[command(flatten)]
    pub index: IndexArguments,
    #[command(flatten)]
    pub ledger: LedgerArguments,
}
