//! Passwords of accounts that are none, or are kept in a way that is no protection. Format: `shadow(5)`, `crypt(5)`.

use plimsoll_model::TreePath;
use serde::{Deserialize, Serialize};

/// Where passwords are.
pub(super) const SHADOW: &[u8] = b"etc/shadow";
/// Where they may be as well.
const PASSWD: &[u8] = b"etc/passwd";

/// An account that is open, or nearly so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeakAccount {
    /// Its name, not yet fit for a terminal.
    pub name: String,
    /// What is wrong with its password.
    pub password: Password,
}

/// What is wrong with a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Password {
    /// There is none: nobody is asked for one.
    Empty,
    /// Its hash is that of DES: eight characters count, and all of them are tried in hours.
    Des,
    /// Its hash is that of MD5.
    Md5,
    /// It is there in the clear: it is no hash of any kind.
    Clear,
}

impl Password {
    /// What is wrong, for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "an empty password",
            Self::Des => "a password hashed with DES",
            Self::Md5 => "a password hashed with MD5",
            Self::Clear => "a password that is not hashed",
        }
    }
}

/// The open accounts of a file, where it is one of accounts.
pub(super) fn read(path: &TreePath, bytes: &[u8]) -> Vec<WeakAccount> {
    if ![SHADOW, PASSWD].contains(&path.as_bytes()) {
        return Vec::new();
    }
    let account = |line: &str| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty() && !name.starts_with('#'))?;
        let password = weakness(fields.next()?)?;
        Some(WeakAccount { name: name.to_owned(), password })
    };
    String::from_utf8_lossy(bytes).lines().filter_map(account).collect()
}

/// What is wrong with the second field; nothing where no password fits, or the hash is a good one.
fn weakness(field: &str) -> Option<Password> {
    let is_of_crypt =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"./".contains(&byte));
    match field {
        "" => Some(Password::Empty),
        // In `passwd`: it is in `shadow`.
        "x" => None,
        _ if field.starts_with(['!', '*']) => None,
        _ if field.starts_with("$1$") => Some(Password::Md5),
        _ if field.starts_with('_') && field.len() == 20 => Some(Password::Des),
        _ if field.starts_with('$') => None,
        _ if field.len() == 13 && is_of_crypt(field) => Some(Password::Des),
        // Words such as `NP` and `LK` lock an account elsewhere: no hash is that short.
        _ if field.len() <= 4 => None,
        _ => Some(Password::Clear),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, text: &str, expect: &[(&str, Password)]) {
        let found = read(&TreePath::parse(path.as_bytes()).unwrap(), text.as_bytes());
        let found: Vec<_> =
            found.iter().map(|account| (account.name.as_str(), account.password)).collect();
        assert_eq!(found, expect, "{text}");
    }

    #[test]
    fn open_accounts_are_named() {
        check("etc/shadow", "root:::0:::::\nbin:!::0:::::\n", &[("root", Password::Empty)]);
        check(
            "etc/shadow",
            "a:$1$ab$x:1\nb:ab01FAX.bQRSU:1\nc:hunter2:1\n",
            &[("a", Password::Md5), ("b", Password::Des), ("c", Password::Clear)],
        );
        check("etc/passwd", "root::0:0::/:/bin/sh\napp:x:1:1::/:\n", &[("root", Password::Empty)]);
    }

    #[test]
    fn locked_accounts_and_good_hashes_pass() {
        let text = "root:*:1\ndaemon:!:1\nx:!!:1\ny:!$1$a$b:1\nz:$y$j9T$a$b:1\nw:$6$a$b:1\nv:x:1\nu:NP:1\n#c::1\n\nshort";
        check("etc/shadow", text, &[]);
        check("srv/etc/shadow", "root::1", &[]);
    }
}
