//! Credentials for registries.
//!
//! A secret leaves this module for exactly one place: a request to the registry it is for, or to that registry's
//! login host.

mod docker_config;
mod helper;

use crate::error::Error;
use docker_config::DockerConfig;
use plimsoll_model::{reference::Repository, registry::CredentialKind};
use std::{collections::BTreeMap, ffi::OsString, fmt, time::Duration};

/// A password or a token. It never shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a secret.
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The secret itself: for a request header, and nothing else.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("…")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("…")
    }
}

/// How one registry is logged in to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Login {
    /// A name and a password.
    Password { username: String, password: Secret },
    /// An `OAuth2` refresh token, which Docker calls identity token.
    Identity(Secret),
    /// A token for the registry itself.
    Registry(Secret),
}

/// Where credential helpers are found, and how long they may take.
#[derive(Debug, Clone)]
pub struct Helpers {
    /// The directories to look in, in order, as `PATH` has them; relative ones are passed over.
    pub path: OsString,
    /// How long one may take.
    pub timeout: Duration,
}

/// The names that go with passwords which services give for a job or for some hours: GitLab's job token, ECR's, Google's access
/// token, and Azure's.
const SHORT_LIVED_NAMES: [&str; 4] =
    ["gitlab-ci-token", "AWS", "oauth2accesstoken", "00000000-0000-0000-0000-000000000000"];
/// What the token of a GitHub job begins with.
const SHORT_LIVED_PREFIX: &str = "ghs_";

impl Login {
    fn kind(&self) -> CredentialKind {
        match self {
            Self::Password { username, password } => {
                if SHORT_LIVED_NAMES.contains(&username.as_str()) {
                    CredentialKind::ShortLived(username.clone())
                } else if password.reveal().starts_with(SHORT_LIVED_PREFIX) {
                    CredentialKind::ShortLived(SHORT_LIVED_PREFIX.to_owned())
                } else {
                    CredentialKind::Static
                }
            }
            Self::Identity(_) | Self::Registry(_) => CredentialKind::Token,
        }
    }
}

/// The credentials that a run was given.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    given: BTreeMap<String, Login>,
    config: Option<(DockerConfig, Helpers)>,
}

impl Credentials {
    /// None at all.
    pub fn anonymous() -> Self {
        Self::default()
    }

    /// One name and password, for one registry (`ghcr.io`, `127.0.0.1:5000`).
    #[must_use]
    pub fn with(mut self, registry: &str, username: &str, password: Secret) -> Self {
        let login = Login::Password { username: username.to_owned(), password };
        self.given.insert(registry.to_owned(), login);
        self
    }

    /// What Docker's `config.json` has, podman's and skopeo's `auth.json` (`REGISTRY_AUTH_FILE`), and GitLab's
    /// `DOCKER_AUTH_CONFIG`: one format.
    ///
    /// # Errors
    /// [`Error::Credentials`] and [`Error::HelperName`].
    pub fn from_docker_config(json: &[u8], helpers: Helpers) -> Result<Self, Error> {
        Ok(Self { given: BTreeMap::new(), config: Some((DockerConfig::parse(json)?, helpers)) })
    }

    /// Where the login for a repository comes from. What stands in the file is there, whatever a helper knows besides.
    pub(crate) fn kind(&self, repository: &Repository) -> CredentialKind {
        if let Some(login) = self.given.get(repository.registry()) {
            return login.kind();
        }
        let Some((config, _)) = &self.config else { return CredentialKind::Absent };
        match (config.login(repository), config.helper(repository.registry())) {
            (Some(login), _) => login.kind(),
            (None, Some(helper)) => CredentialKind::Helper(helper.to_owned()),
            (None, None) => CredentialKind::Absent,
        }
    }

    /// The login for a repository, if there is one. May run a credential helper.
    pub(crate) async fn login(&self, repository: &Repository) -> Result<Option<Login>, Error> {
        if let Some(login) = self.given.get(repository.registry()) {
            return Ok(Some(login.clone()));
        }
        let Some((config, helpers)) = &self.config else { return Ok(None) };
        match config.helper(repository.registry()) {
            Some(helper) => {
                let keys = docker_config::server_keys(repository.registry());
                match helper::get(helper, &keys, helpers).await? {
                    Some(login) => Ok(Some(login)),
                    None => Ok(config.login(repository).cloned()),
                }
            }
            None => Ok(config.login(repository).cloned()),
        }
    }
}
