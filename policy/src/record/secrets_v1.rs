//! Accounts, and secrets by their kind and place: nothing of a value is known here, so nothing of one is recorded.

use super::text::{cut, shown};
use crate::{
    Account, Users,
    secrets::{
        Certainty, Credential, Hit, Named, PATTERNS, Password, SecretFile, Secrets, Seen, State,
        WeakAccount,
    },
};
use plimsoll_model::{Digest, TreePath, tree::TreeError};
use serde::{Deserialize, Serialize};

/// What stands for a secret.
const MASK: &str = "…";

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UsersJson {
    state: UsersStateJson,
    accounts: Vec<AccountJson>,
    /// Why they can not be read.
    reason: Option<String>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum UsersStateJson {
    Known,
    Absent,
    Unreadable,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountJson {
    name: String,
    id: u64,
}

impl UsersJson {
    pub(super) fn of(users: &Users) -> Self {
        let (state, accounts, reason) = match users {
            Users::Known(accounts) => (UsersStateJson::Known, accounts.as_slice(), None),
            Users::Absent => (UsersStateJson::Absent, [].as_slice(), None),
            Users::Unreadable(why) => {
                (UsersStateJson::Unreadable, [].as_slice(), Some(shown(&why.to_string())))
            }
        };
        let account = |account: &Account| AccountJson { name: cut(&account.name), id: account.id };
        Self { state, accounts: accounts.iter().map(account).collect(), reason }
    }

    pub(super) fn read(self) -> Users {
        let account = |account: AccountJson| Account { name: account.name, id: account.id };
        match self.state {
            UsersStateJson::Known => Users::Known(self.accounts.into_iter().map(account).collect()),
            UsersStateJson::Absent => Users::Absent,
            UsersStateJson::Unreadable => {
                let reason = self.reason.unwrap_or_default();
                Users::Unreadable(TreeError::Unreadable { reason })
            }
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SecretsJson {
    files: Vec<SecretFileJson>,
    /// Why the passwords of accounts can not be told.
    shadow_untold: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SecretFileJson {
    path: String,
    layer: Option<Digest>,
    diff_id: Option<Digest>,
    /// Whether a container still sees it.
    remains: bool,
    seen: SeenJson,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state", deny_unknown_fields)]
enum SeenJson {
    Content { hits: Vec<HitJson>, credential: Option<String>, accounts: Vec<WeakJson> },
    TooLarge { size: u64, named: bool },
    Unreadable,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HitJson {
    kind: String,
    line: u32,
    certain: bool,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WeakJson {
    name: String,
    password: PasswordJson,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum PasswordJson {
    Empty,
    Des,
    Md5,
    Clear,
}

super::paired!(PasswordJson, Password, Empty, Des, Md5, Clear);

impl SecretsJson {
    pub(super) fn of(secrets: &Secrets) -> Self {
        Self {
            files: secrets.files.iter().map(SecretFileJson::of).collect(),
            shadow_untold: secrets.shadow_untold.as_deref().map(shown),
        }
    }

    /// Why it is none.
    pub(super) fn read(self) -> Result<Secrets, &'static str> {
        let files = self.files.into_iter().map(SecretFileJson::read);
        Ok(Secrets { files: files.collect::<Result<_, _>>()?, shadow_untold: self.shadow_untold })
    }
}

impl SecretFileJson {
    fn of(file: &SecretFile) -> Self {
        let hit = |hit: &Hit| HitJson {
            kind: hit.pattern.to_owned(),
            line: hit.line,
            certain: hit.certainty == Certainty::Certain,
        };
        let weak = |account: &WeakAccount| WeakJson {
            name: cut(&account.name),
            password: account.password.into(),
        };
        let seen = match &file.seen {
            Seen::Content { hits, credential, accounts } => SeenJson::Content {
                hits: hits.iter().map(hit).collect(),
                credential: credential.map(|credential| credential.id.to_owned()),
                accounts: accounts.iter().map(weak).collect(),
            },
            Seen::TooLarge { size, named } => {
                SeenJson::TooLarge { size: *size, named: *named == Named::Credential }
            }
            Seen::Unreadable => SeenJson::Unreadable,
        };
        Self {
            path: file.path.to_string(),
            layer: file.layer,
            diff_id: file.diff_id,
            remains: file.state == State::Remains,
            seen,
        }
    }

    fn read(self) -> Result<SecretFile, &'static str> {
        let path = TreePath::parse(self.path.as_bytes()).ok();
        let path = path.ok_or("a path leaves the image")?;
        let seen = match self.seen {
            SeenJson::Content { hits, credential, accounts } => Seen::Content {
                hits: hits.into_iter().map(HitJson::read).collect::<Result<_, _>>()?,
                credential: credential
                    .map(|id| Credential::find(&id).ok_or("a kind of credential is not known"))
                    .transpose()?,
                accounts: accounts
                    .into_iter()
                    .map(|weak| WeakAccount { name: weak.name, password: weak.password.into() })
                    .collect(),
            },
            SeenJson::TooLarge { size, named } => {
                let named = if named { Named::Credential } else { Named::Otherwise };
                Seen::TooLarge { size, named }
            }
            SeenJson::Unreadable => Seen::Unreadable,
        };
        let state = if self.remains { State::Remains } else { State::Removed };
        Ok(SecretFile { path, layer: self.layer, diff_id: self.diff_id, state, seen })
    }
}

impl HitJson {
    fn read(self) -> Result<Hit, &'static str> {
        let pattern = PATTERNS.iter().find(|pattern| pattern.id == self.kind);
        let pattern = pattern.ok_or("a kind of secret is not known")?.id;
        let certainty = if self.certain { Certainty::Certain } else { Certainty::Likely };
        let masked = MASK.to_owned();
        Ok(Hit { pattern, line: self.line, offset: 0, length: 0, masked, certainty })
    }
}
