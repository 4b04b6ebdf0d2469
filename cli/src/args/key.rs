//! Who signs.

use camino::Utf8PathBuf;
use clap::Args;
use std::{convert::Infallible, str::FromStr};

/// Who signs, and whom to believe.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct KeyArguments {
    /// Private key to sign with, or `exec:` and the command of a program that has it [default: plimsoll/key.pem in
    /// `XDG_STATE_HOME` or ~/.local/state, made on first use].
    #[arg(long, value_name = "FILE|exec:COMMAND", env = "PLIMSOLL_KEY")]
    pub key: Option<PrivateKey>,
}

/// Where a private key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PrivateKey {
    /// In a file.
    File(Utf8PathBuf),
    /// Wherever this command has it.
    Program(String),
}

impl FromStr for PrivateKey {
    type Err = Infallible;

    /// A file whose name begins with `exec:` is `./exec:…`.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text.strip_prefix("exec:") {
            Some(command) => Self::Program(command.to_owned()),
            None => Self::File(text.into()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_told_from_a_file() {
        let read = |text: &str| text.parse::<PrivateKey>().unwrap();
        assert_eq!(read("key.pem"), PrivateKey::File("key.pem".into()));
        assert_eq!(read("exec:a 'b c'"), PrivateKey::Program("a 'b c'".to_owned()));
        assert_eq!(read("./exec:a"), PrivateKey::File("./exec:a".into()));
        assert_eq!(read("exec:"), PrivateKey::Program(String::new()));
    }
}
