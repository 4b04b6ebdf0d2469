//! `plimsoll policy`.

use crate::{
    args::PolicyCommand,
    context::Context,
    error::Error,
    exit::{self, ExitStatus},
    files, report,
};
use plimsoll_policy::Policy;

/// Writes or checks a policy file.
pub(crate) fn policy(ctx: &Context, command: &PolicyCommand) -> Result<&'static ExitStatus, Error> {
    match command {
        PolicyCommand::Init { path } => {
            if path.exists() {
                return Err(Error::usage(
                    format!("`{path}` is there already"),
                    "remove it first, or name another file",
                ));
            }
            files::write(path, plimsoll_policy::template::POLICY_TEMPLATE.as_bytes())?;
            report::to_stdout(
                format!("wrote {path}; `plimsoll policy check {path}` checks it\n").as_bytes(),
            )?;
        }
        PolicyCommand::Check { path } => {
            let policy = match path {
                Some(path) => Policy::parse(&files::read_text(path, ctx.limits.user_file)?, path)?,
                None => ctx.policy()?,
            };
            let name =
                policy.path().map_or_else(|| "built-in baseline".to_owned(), ToString::to_string);
            report::to_stdout(format!("{name} is valid ({})\n", policy.digest()).as_bytes())?;
        }
    }
    Ok(&exit::PASSED)
}
