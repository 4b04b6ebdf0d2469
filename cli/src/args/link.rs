//! `plimsoll link`.

use super::KeyArguments;
use crate::exit;
use camino::Utf8PathBuf;
use clap::Args;

/// `link`.
#[derive(Debug, Args)]
#[command(after_help = exit::table())]
pub(crate) struct LinkArguments {
    /// The step, as the layout calls it.
    #[arg(long, value_name = "NAME")]
    pub step: String,
    /// Files that the step took, by the names that the layout knows.
    #[arg(long = "materials", value_name = "FILE", num_args = 1..)]
    pub materials: Vec<Utf8PathBuf>,
    /// Files that the step made.
    #[arg(long = "products", value_name = "FILE", num_args = 1..)]
    pub products: Vec<Utf8PathBuf>,
    /// Directory to write `NAME.KEYID.link` into.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub links: Utf8PathBuf,
    #[command(flatten)]
    pub key: KeyArguments,
}
