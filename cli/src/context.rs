//! What a run has of the world: made once, handed to everything.

use crate::{
    args::Shared,
    env::{self, Environment},
    error::Error,
    files, policy_file,
    ui::{self, Paint, Ui},
};
use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;
use plimsoll_attest::RootCache;
use plimsoll_model::Limits;
use plimsoll_oci::{
    LayerCache,
    auth::{Credentials, Helpers},
    source::{Access, AccessOptions, Network},
};
use plimsoll_policy::Policy;
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

/// The version of this program.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The most that layers take in the layer cache, in bytes: what build services let a project keep is ten times that.
const LAYER_CACHE_LIMIT: u64 = 1 << 30;

/// Clock, environment, limits, output and settings of one run.
#[derive(Debug)]
pub(crate) struct Context {
    /// The flags that all commands share.
    pub shared: Shared,
    /// The environment.
    pub environment: Environment,
    /// When the run began: the time that policy judges by.
    pub now: Timestamp,
    /// The time that documents carry, where `SOURCE_DATE_EPOCH` fixes one. Nothing is judged by it.
    pub document_time: Option<Timestamp>,
    /// The limits on what is read.
    pub limits: Limits,
    /// The voice on stderr.
    pub ui: Ui,
    /// Whether stdout may carry colour.
    pub paint: Paint,
    /// Made when it is asked for first: many commands reach no registry.
    access: OnceLock<Access>,
}

impl Context {
    /// Looks at clock, environment and terminal, for the one time.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    pub(crate) fn new(shared: Shared, environment: Environment) -> Result<Self, Error> {
        Ui::listen(&shared);
        let ui = Ui::new(&shared, &environment);
        let document_time =
            environment.get(&env::SOURCE_DATE_EPOCH).map(parse_epoch).transpose()?;
        let paint = ui::paint(shared.color, &environment, ui::Stream::of(&std::io::stdout()));
        let now = Timestamp::now();
        Ok(Self {
            shared,
            environment,
            now,
            document_time,
            limits: Limits::STANDARD,
            ui,
            paint,
            access: OnceLock::new(),
        })
    }

    /// How registries are reached.
    /// One for the whole run: logins and connections are kept in it.
    pub(crate) fn access(&self) -> Result<&Access, Error> {
        match self.access.get() {
            Some(access) => Ok(access),
            None => self.make_access().map(|made| self.access.get_or_init(|| made)),
        }
    }

    fn make_access(&self) -> Result<Access, Error> {
        Ok(Access::new(AccessOptions {
            credentials: self.credentials()?,
            plain_http: self.shared.plain_http.clone(),
            trusted_realms: self.shared.trusted_realm.clone(),
            user_agent: format!("plimsoll/{VERSION}"),
            network: if self.shared.offline { Network::Refused } else { Network::Allowed },
            limits: self.limits.clone(),
            attempts: 5,
            timeout: self.shared.timeout,
            retry_budget: Duration::from_mins(2),
        })?)
    }

    /// Credentials from the first of: `--registry-auth`, `REGISTRY_AUTH_FILE`, `DOCKER_AUTH_CONFIG`, docker's `config.json`.
    fn credentials(&self) -> Result<Credentials, Error> {
        let helpers = Helpers {
            path: self.environment.get(&env::PATH).unwrap_or_default().into(),
            timeout: self.shared.timeout,
        };
        let from_file = |file: &Utf8Path| {
            Ok(Credentials::from_docker_config(
                &files::read(file, self.limits.user_file)?,
                helpers.clone(),
            )?)
        };
        if let Some(file) = &self.shared.registry_auth {
            return from_file(file);
        }
        if let Some(file) = self.environment.get(&env::REGISTRY_AUTH_FILE) {
            return from_file(Utf8Path::new(file));
        }
        if let Some(text) = self.environment.get(&env::DOCKER_AUTH_CONFIG) {
            return Ok(Credentials::from_docker_config(text.as_bytes(), helpers)?);
        }
        let directory =
            match (self.environment.get(&env::DOCKER_CONFIG), self.environment.get(&env::HOME)) {
                (Some(directory), _) => Utf8PathBuf::from(directory),
                (None, Some(home)) => Utf8Path::new(home).join(".docker"),
                (None, None) => return Ok(Credentials::anonymous()),
            };
        let file = directory.join("config.json");
        if file.exists() { from_file(&file) } else { Ok(Credentials::anonymous()) }
    }

    /// What was read of layers before, where it is asked for. One that can not be used costs time, and nothing else.
    pub(crate) fn layer_cache(&self) -> Option<Arc<LayerCache>> {
        let path = self.shared.layer_cache.as_deref()?;
        match LayerCache::open(path, LAYER_CACHE_LIMIT) {
            Ok(cache) => Some(Arc::new(cache)),
            Err(error) => {
                let source = std::error::Error::source(&error);
                let reason = source.map(|source| format!(": {source}")).unwrap_or_default();
                self.ui.warn(&format!("{error}{reason}; all layers are read"));
                None
            }
        }
    }

    /// The policy in force, for the environment that is chosen.
    pub(crate) fn policy(&self) -> Result<Policy, Error> {
        policy_file::in_force(self)
    }

    /// The policy in a file, for the environment that is chosen.
    pub(crate) fn policy_at(&self, path: &Utf8Path) -> Result<Policy, Error> {
        let text = files::read_text(path, self.limits.user_file)?;
        let policy = Policy::parse_for(&text, path, self.shared.environment.as_deref())?;
        policy_file::with_custom(policy, self.limits.user_file)
    }

    /// The socket of the engine on this machine: that of `DOCKER_HOST`, else Docker's own.
    pub(crate) fn engine(&self) -> Result<Utf8PathBuf, Error> {
        match self.environment.get(&env::DOCKER_HOST) {
            None => Ok("/var/run/docker.sock".into()),
            Some(host) => match host.strip_prefix("unix://") {
                Some(path) => Ok(path.into()),
                None => Err(Error::usage(
                    format!("DOCKER_HOST is `{host}`: expected `unix://` and a path"),
                    "engines elsewhere are not asked; push the image to a registry, or use `docker-archive:` with what `docker save` writes",
                )),
            },
        }
    }

    /// Where the advisory index lies.
    pub(crate) fn index_path(&self, flag: Option<&Utf8Path>) -> Result<Utf8PathBuf, Error> {
        match flag {
            Some(path) => Ok(path.to_owned()),
            None => self
                .cache_dir()
                .map(|directory| directory.join("advisories.index"))
                .ok_or(Error::NoHome { variable: env::XDG_CACHE_HOME.name }),
        }
    }

    /// Where updated trusted roots lie; nowhere without a home.
    pub(crate) fn root_cache(&self) -> Option<RootCache> {
        self.cache_dir().map(|directory| RootCache::new(directory.join("trust")))
    }

    fn cache_dir(&self) -> Option<Utf8PathBuf> {
        self.shared.cache_dir.clone().or_else(|| self.environment.cache_dir())
    }

    /// A file in the state directory.
    pub(crate) fn state_path(
        &self,
        flag: Option<&Utf8Path>,
        name: &str,
    ) -> Result<Utf8PathBuf, Error> {
        match flag {
            Some(path) => Ok(path.to_owned()),
            None => self
                .environment
                .state_dir()
                .map(|directory| directory.join(name))
                .ok_or(Error::NoHome { variable: env::XDG_STATE_HOME.name }),
        }
    }

    /// A path in a policy file, which is meant from that file's directory.
    pub(crate) fn beside_policy(policy: &Policy, path: &Utf8Path) -> Utf8PathBuf {
        policy
            .path()
            .and_then(Utf8Path::parent)
            .map_or_else(|| path.to_owned(), |directory| directory.join(path))
    }
}

fn parse_epoch(text: &str) -> Result<Timestamp, Error> {
    let wrong = || {
        Error::usage(
            format!("SOURCE_DATE_EPOCH is `{text}`: expected seconds since 1970"),
            "unset it, or set it to the output of `git log -1 --format=%ct`",
        )
    };
    text.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok()).ok_or_else(wrong)
}
