//! Every environment variable that Plimsoll reads, in one place.

use camino::Utf8PathBuf;
use std::collections::BTreeMap;

/// One variable.
#[derive(Debug)]
pub(crate) struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub meaning: &'static str,
}

macro_rules! variables {
    ($($name:ident: $meaning:literal;)*) => {
        $(#[doc = $meaning] pub(crate) const $name: Variable = Variable { name: stringify!($name), meaning: $meaning };)*
        /// Every variable, for the manual.
        pub(crate) const ALL: &[&Variable] = &[$(&$name),*];
    };
}

variables! {
    PLIMSOLL_KEY_PASSWORD: "password of the signing key, where it is encrypted";
    REGISTRY_AUTH_FILE: "credentials file, as podman and skopeo write it";
    DOCKER_AUTH_CONFIG: "credentials as JSON text, as GitLab hands them to a job";
    DOCKER_CONFIG: "directory with docker's `config.json`";
    DOCKER_HOST: "engine that `docker-daemon:` asks, as `unix://` and the path of its socket (default /var/run/docker.sock)";
    GITHUB_TOKEN: "token for GitHub's API, where attestations are read from there or written there; sent to no other host";
    GITHUB_API_URL: "where GitHub's API is (default `https://api.github.com`)";
    GITHUB_EVENT_NAME: "what started a job on GitHub: for a pull request, the policy is that of the branch it is to be merged into";
    GITHUB_BASE_REF: "that branch";
    GITHUB_EVENT_PATH: "file with what GitHub says of it, the commit of that branch among it";
    GITHUB_SHA: "commit that a job on GitHub is for; that of the branch, where a job runs for it (`pull_request_target`)";
    GITHUB_REPOSITORY: "repository of that branch, as `owner/name`";
    GITHUB_SERVER_URL: "where that repository is";
    GITHUB_WORKSPACE: "where a job on GitHub checks out: policy files elsewhere are no part of a change";
    CI_MERGE_REQUEST_TARGET_BRANCH_NAME: "branch that a merge request on GitLab is to be merged into: the policy is that of this branch";
    CI_MERGE_REQUEST_TARGET_BRANCH_SHA: "last commit of that branch";
    CI_MERGE_REQUEST_PROJECT_PATH: "project of that branch, with its groups";
    CI_SERVER_HOST: "where that project is";
    CI_PROJECT_DIR: "where a job on GitLab checks out";
    XDG_CACHE_HOME: "where the advisory index is kept (default ~/.cache)";
    XDG_STATE_HOME: "where the ledger and the local key are kept (default ~/.local/state)";
    HOME: "home directory";
    PATH: "where credential helpers and programs that sign are looked up";
    HTTPS_PROXY: "proxy for what goes over TLS; `HTTP_PROXY` for the rest, `ALL_PROXY` for both, `NO_PROXY` for the exceptions";
    SOURCE_DATE_EPOCH: "seconds since 1970 that documents are dated with, for reproducible output";
    BUILDKIT_SCAN_SOURCE: "root file system that `plimsoll buildkit-scan` lists, as BuildKit sets it";
    BUILDKIT_SCAN_SOURCE_EXTRAS: "directory with further ones";
    BUILDKIT_SCAN_DESTINATION: "directory that `plimsoll buildkit-scan` writes to; with it set and without arguments, that is what `plimsoll` does";
    CI: "set: no progress bars";
    NO_COLOR: "set: no colour";
    FORCE_COLOR: "set: colour even where stdout is no terminal";
    CLICOLOR_FORCE: "as `FORCE_COLOR`";
}

/// The environment as it was when the program started.
#[derive(Debug, Clone, Default)]
pub(crate) struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Reads the whole environment; variables that are not UTF-8 are left out.
    pub(crate) fn read() -> Self {
        Self(
            std::env::vars_os()
                .filter_map(|(name, value)| {
                    Some((name.into_string().ok()?, value.into_string().ok()?))
                })
                .collect(),
        )
    }

    /// An environment of these variables, for tests.
    #[cfg(test)]
    pub(crate) fn of(variables: &[(&str, &str)]) -> Self {
        Self(
            variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        )
    }

    /// The value of a variable; an empty one counts as unset.
    pub(crate) fn get(&self, variable: &Variable) -> Option<&str> {
        self.0.get(variable.name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Whether the variable of this name is set to nothing.
    pub(crate) fn is_empty(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(String::is_empty)
    }

    /// Whether it is set to anything.
    pub(crate) fn has(&self, variable: &Variable) -> bool {
        self.get(variable).is_some()
    }

    /// All of it, for the builders that describe a CI run.
    pub(crate) const fn all(&self) -> &BTreeMap<String, String> {
        &self.0
    }

    /// `$XDG_CACHE_HOME/plimsoll`, or its default.
    pub(crate) fn cache_dir(&self) -> Option<Utf8PathBuf> {
        self.xdg(&XDG_CACHE_HOME, ".cache")
    }

    /// `$XDG_STATE_HOME/plimsoll`, or its default.
    pub(crate) fn state_dir(&self) -> Option<Utf8PathBuf> {
        self.xdg(&XDG_STATE_HOME, ".local/state")
    }

    fn xdg(&self, variable: &Variable, default: &str) -> Option<Utf8PathBuf> {
        let base = match self.get(variable) {
            Some(directory) => Utf8PathBuf::from(directory),
            None => Utf8PathBuf::from(self.get(&HOME)?).join(default),
        };
        Some(base.join("plimsoll"))
    }
}
