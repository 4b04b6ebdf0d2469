//! `plimsoll man`.

use crate::{
    args::Arguments,
    env,
    error::Error,
    exit::{self, ExitStatus},
    report,
};
use clap::CommandFactory as _;

/// Prints the manual page: the commands, the environment and the exit statuses.
pub(crate) fn man() -> Result<&'static ExitStatus, Error> {
    let mut page = Vec::new();
    let write = |source| Error::Write { path: "stdout".into(), source };
    clap_mangen::Man::new(Arguments::command()).render(&mut page).map_err(write)?;
    page.extend_from_slice(b".SH ENVIRONMENT\n");
    for variable in env::ALL {
        page.extend_from_slice(
            format!(".TP\n\\fB{}\\fR\n{}\n", variable.name, variable.meaning).as_bytes(),
        );
    }
    page.extend_from_slice(b".SH EXIT STATUS\n");
    for status in exit::ALL {
        page.extend_from_slice(
            format!(".TP\n\\fB{}\\fR\n{}\n", status.code, status.meaning).as_bytes(),
        );
    }
    report::to_stdout(&page)?;
    Ok(&exit::PASSED)
}
