//! The arguments of `plimsoll registry`.

use super::{FactsArguments, OutputArguments};
use crate::exit;
use clap::{Args, Subcommand};
use plimsoll_model::{Reference, reference::ImageName};

/// `registry`.
#[derive(Debug, Subcommand)]
pub(crate) enum RegistryCommand {
    /// Ask a registry who may do what in a repository, and judge its answers by the rules.
    Audit(RegistryAuditArguments),
}

/// `registry audit`.
#[derive(Debug, Args)]
#[command(after_help = exit::table())]
pub(crate) struct RegistryAuditArguments {
    /// Repository: REGISTRY/REPOSITORY, and :TAG or @DIGEST of an image to ask for [default: one of those that are there].
    #[arg(value_name = "REPO", value_parser = image_name)]
    pub repository: ImageName,
    /// Also try what writes: begin uploads and give them up, push a tag of its own twice and delete it, delete what is not there.
    #[arg(long)]
    pub probe_write: bool,
    #[command(flatten)]
    pub facts: FactsArguments,
    #[command(flatten)]
    pub output: OutputArguments,
}

/// The name of an image in a registry; nothing else has one to be asked.
fn image_name(text: &str) -> Result<ImageName, String> {
    match text.parse::<Reference>() {
        Ok(Reference::Registry(name)) => Ok(name),
        Ok(_) => {
            Err("expected REGISTRY/REPOSITORY: what lies in a file has no registry".to_owned())
        }
        Err(error) => Err(error.to_string()),
    }
}
