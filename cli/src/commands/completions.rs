//! `plimsoll completions`.

use crate::{
    args::Arguments,
    error::Error,
    exit::{self, ExitStatus},
    report,
};
use clap::CommandFactory as _;

/// Prints a completion script.
pub(crate) fn completions(shell: clap_complete::Shell) -> Result<&'static ExitStatus, Error> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "plimsoll", &mut script);
    report::to_stdout(&script)?;
    Ok(&exit::PASSED)
}
