//! The accounts of an image, from its `/etc/passwd`.
//!
//! They decide who a `USER` is: runtimes look it up there first, as a name and as a number, and only a number that is not
//! in it stands for itself. Format: `passwd(5)`.

use plimsoll_model::{Limits, Tree, TreePath, tree::TreeError};

const PASSWD: &[u8] = b"etc/passwd";

/// What is known of the accounts of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Users {
    /// These there are, in the order of the file.
    Known(Vec<Account>),
    /// There is no `/etc/passwd`.
    Absent,
    /// There is one that can not be read.
    Unreadable(TreeError),
}

/// One account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// Its number; one that is malformed is 0, as runtimes take it.
    pub id: u64,
}

impl Users {
    /// Whether this file has to be kept for [`Users::read`].
    pub fn want(path: &TreePath) -> bool {
        path.as_bytes() == PASSWD
    }

    /// The accounts of an image.
    pub fn read(tree: &dyn Tree, limits: &Limits) -> Self {
        let Ok(path) = TreePath::parse(PASSWD) else { return Self::Absent };
        match tree.read(&path, limits.user_file) {
            Ok(bytes) => Self::parse(&String::from_utf8_lossy(&bytes)),
            Err(TreeError::Absent) => Self::Absent,
            Err(error) => Self::Unreadable(error),
        }
    }

    /// The accounts in the text of a `passwd` file.
    pub fn parse(text: &str) -> Self {
        let account = |line: &str| {
            let mut fields = line.trim().split(':');
            let name = fields.next().filter(|name| !name.is_empty())?.to_owned();
            let id = fields.nth(1).and_then(|id| id.parse().ok()).unwrap_or(0);
            Some(Account { name, id })
        };
        Self::Known(text.lines().filter_map(account).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_read_as_runtimes_read_them() {
        let account = |name: &str, id| Account { name: name.to_owned(), id };
        assert_eq!(
            Users::parse(
                "root:x:0:0:root:/root:/bin/sh\n\n app:x:1000:1000::/:\nodd:x:?:1\nshort\n"
            ),
            Users::Known(vec![
                account("root", 0),
                account("app", 1000),
                account("odd", 0),
                account("short", 0)
            ])
        );
    }
}
