//! How registries are reached.

use super::{retry::Retry, token::Authorization};
use crate::{
    auth::Credentials,
    error::{Attempt, Error},
};
use plimsoll_model::Limits;
use reqwest::{Certificate, Client, ClientBuilder, redirect};
use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};
use tokio::sync::Mutex;

/// How registries are reached. Cheap to clone; clones share connections and tokens.
#[derive(Clone)]
pub struct Access(Arc<Inner>);

struct Inner {
    options: AccessOptions,
    http: Client,
    tokens: Mutex<BTreeMap<String, Authorization>>,
    /// Held while a list of referrers is read, changed and written: registries have no compare-and-swap.
    fallback: Mutex<()>,
}

/// What is known of how registries are to be reached.
#[derive(Debug, Clone)]
pub struct AccessOptions {
    /// Who we are.
    pub credentials: Credentials,
    /// Registries (`host` or `host:port`) that speak plain http, besides those on this machine.
    pub plain_http: Vec<String>,
    /// Hosts (`host` or `host:port`) that may do the login for registries of another name.
    pub trusted_realms: Vec<String>,
    /// Sent with every request.
    pub user_agent: String,
    /// Whether the network may be used.
    pub network: Network,
    /// How much is read.
    pub limits: Limits,
    /// How often one thing is attempted.
    pub attempts: u32,
    /// How long nothing may move.
    pub timeout: Duration,
    /// How long may be waited in all before one thing is attempted for the last time.
    pub retry_budget: Duration,
}

/// Whether the network may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// It may.
    Allowed,
    /// It may not: nothing opens a socket.
    Refused,
}

impl Access {
    /// Sets up the client. Nothing is asked yet.
    ///
    /// # Errors
    /// [`Error::Client`] where TLS can not be set up.
    pub fn new(options: AccessOptions) -> Result<Self, Error> {
        let http = client(&options)?;
        let inner = Inner { options, http, tokens: Mutex::default(), fallback: Mutex::default() };
        Ok(Self(Arc::new(inner)))
    }

    /// The same without any credentials: what everybody is.
    ///
    /// # Errors
    /// [`Error::Client`] where TLS can not be set up.
    pub(super) fn anonymous(&self) -> Result<Self, Error> {
        let credentials = Credentials::anonymous();
        Self::new(AccessOptions { credentials, ..self.0.options.clone() })
    }

    /// How much is read.
    pub fn limits(&self) -> &Limits {
        &self.0.options.limits
    }

    pub(crate) fn options(&self) -> &AccessOptions {
        &self.0.options
    }

    pub(super) fn http(&self) -> &Client {
        &self.0.http
    }

    pub(super) fn tokens(&self) -> &Mutex<BTreeMap<String, Authorization>> {
        &self.0.tokens
    }

    pub(super) fn fallback(&self) -> &Mutex<()> {
        &self.0.fallback
    }

    pub(crate) fn retry(&self) -> Retry {
        Retry::new(self.0.options.attempts, self.0.options.retry_budget)
    }

    /// Refuses the attempt when the network is not to be used.
    pub(crate) fn online(&self, attempt: &Attempt) -> Result<(), Error> {
        match self.0.options.network {
            Network::Allowed => Ok(()),
            Network::Refused => Err(Error::Offline { attempt: attempt.clone() }),
        }
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Access").field("options", &self.0.options).finish_non_exhaustive()
    }
}

/// A client with the certificates of this machine, and with Mozilla's where it has none (an image made `FROM scratch`).
/// Only then: a machine whose own list is short has its reasons.
fn client(options: &AccessOptions) -> Result<Client, Error> {
    let builder = || -> ClientBuilder {
        Client::builder()
            .user_agent(&options.user_agent)
            .redirect(redirect::Policy::none())
            .referer(false)
            .connect_timeout(options.timeout)
    };
    builder().build().or_else(|_| {
        let roots =
            webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().map(|root| Certificate::from_der(root));
        let roots =
            roots.collect::<Result<Vec<_>, _>>().map_err(|source| Error::Client { source })?;
        builder().tls_certs_merge(roots).build().map_err(|source| Error::Client { source })
    })
}
