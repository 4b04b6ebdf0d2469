//! `plimsoll man`.

use crate::{
    args::Arguments,
    env,
    error::Error,
    exit::{self, ExitStatus},
    report,
};
use clap::{Command, CommandFactory as _};
use std::{
    collections::BTreeMap,
    io::{self, Write as _},
};

/// Prints the manual page: the commands, the environment and the exit statuses.
pub(crate) fn man() -> Result<&'static ExitStatus, Error> {
    let mut page = Vec::new();
    render(&Arguments::command(), &mut page)
        .map_err(|source| Error::Write { path: "stdout".into(), source })?;
    report::to_stdout(&page)?;
    Ok(&exit::PASSED)
}

fn render(command: &Command, page: &mut Vec<u8>) -> io::Result<()> {
    let man = clap_mangen::Man::new(command.clone());
    man.render_title(page)?;
    man.render_name_section(page)?;
    man.render_synopsis_section(page)?;
    man.render_description_section(page)?;
    // Not clap's own section: it names pages that are not there.
    writeln!(page, ".SH COMMANDS\nThe options of each are in `plimsoll COMMAND --help`.")?;
    for subcommand in command.get_subcommands() {
        let about = subcommand.get_about().map(ToString::to_string).unwrap_or_default();
        entry(page, subcommand.get_name(), &about)?;
    }
    man.render_options_section(page)?;
    writeln!(page, ".SH ENVIRONMENT")?;
    for variable in env::ALL {
        entry(page, variable.name, variable.meaning)?;
    }
    let mut options = BTreeMap::new();
    options_by_variable(command, &mut options);
    for (variable, option) in options {
        entry(page, &variable, &format!("as --{option}; where both are given, the option counts"))?;
    }
    writeln!(page, ".SH EXIT STATUS")?;
    for status in exit::ALL {
        entry(page, &status.code.to_string(), status.meaning)?;
    }
    man.render_version_section(page)
}

/// The long options that can be set by a variable, of a command and those below it.
fn options_by_variable(command: &Command, options: &mut BTreeMap<String, String>) {
    for argument in command.get_arguments() {
        if let (Some(variable), Some(option)) = (argument.get_env(), argument.get_long()) {
            options.insert(variable.to_string_lossy().into_owned(), option.to_owned());
        }
    }
    for subcommand in command.get_subcommands() {
        options_by_variable(subcommand, options);
    }
}

/// A name, and below it what it means. Our texts begin with no control character of roff.
fn entry(page: &mut Vec<u8>, name: &str, meaning: &str) -> io::Result<()> {
    writeln!(page, ".TP\n\\fB{name}\\fR\n{}", meaning.replace('\\', "\\\\").replace('-', "\\-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_every_command_and_variable_and_status() {
        let mut page = Vec::new();
        render(&Arguments::command(), &mut page).unwrap();
        let page = String::from_utf8(page).unwrap();
        for line in [
            "\\fBverify\\fR",
            "\\fBPLIMSOLL_KEY_PASSWORD\\fR",
            "\\fBPLIMSOLL_FAIL_ON\\fR\nas \\-\\-fail\\-on; where both are given, the option counts",
            "\\fB143\\fR\nterminated",
        ] {
            assert!(page.contains(&format!(".TP\n{line}\n")), "{line}");
        }
        assert!(!page.contains("(1)\n"), "there is one page");
    }
}
