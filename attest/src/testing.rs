//! A Sigstore in memory, on this machine, that can be made to misbehave.
//!
//! It plays an issuer of identity tokens, Fulcio with a CT log, Rekor v1 and v2, a timestamp authority, the TUF repository
//! of its trusted root, and GitHub's API for attestations, all below one address, with keys of its own that are new each time.
//!
//! ```no_run
//! # async fn test() -> std::io::Result<()> {
//! use plimsoll_attest::testing::{Claims, Instance, Sigstore};
//!
//! let sigstore = Sigstore::start().await?;
//! let root = sigstore.trusted_root();                      // for whoever verifies
//! let config = sigstore.signing_config(Instance::RekorV1); // for whoever signs
//! let token = sigstore.token(&Claims::github("acme/app")); // who signs
//! # Ok(())
//! # }
//! ```

mod checkpoint;
mod claims;
mod clock;
mod der;
mod fulcio;
mod github;
mod keys;
mod merkle;
mod oidc;
mod rekor_v1;
mod rekor_v2;
mod server;
#[cfg(test)]
mod tests;
mod trust;
mod tsa;
mod tuf;
mod x509;

pub use claims::{COMMIT, Claims, GITHUB, GITLAB};
pub use github::{GITHUB_TOKEN, Kept};
pub use server::{Fault, Seen};
pub use trust::Instance;
pub use tuf::{Role, Tuf};

use clock::Clock;
use fulcio::Fulcio;
use github::GitHub;
use jiff::{Timestamp, ToSpan as _};
use oidc::Issuer;
use rekor_v1::RekorV1;
use rekor_v2::RekorV2;
use server::Reply;
use std::{
    collections::BTreeSet,
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{net::TcpListener, task::JoinHandle};
use tsa::Tsa;

/// What a service does wrong, every time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Flaw {
    /// Fulcio's certificates carry a timestamp that the CT log did not sign.
    WrongSct,
    /// Rekor signs with a key that the trust root does not have.
    WrongLogKey,
    /// The timestamp authority answers with another nonce than it was asked with.
    WrongNonce,
    /// The timestamp authority and Rekor v1 are an hour ahead.
    FutureTime,
}

type Hook = dyn Fn(&Seen) -> Option<Fault> + Send + Sync;

/// A running Sigstore. It ends when it is dropped.
pub struct Sigstore {
    address: SocketAddr,
    services: Arc<Services>,
    serving: JoinHandle<()>,
}

pub(crate) struct Services {
    base: String,
    clock: Clock,
    issuer: Mutex<Issuer>,
    fulcio: Fulcio,
    rekor_v1: Mutex<RekorV1>,
    rekor_v2: Mutex<RekorV2>,
    tsa: Tsa,
    tuf: Mutex<Tuf>,
    github: Mutex<GitHub>,
    flaws: Mutex<BTreeSet<Flaw>>,
    log: Mutex<Vec<Seen>>,
    hook: Mutex<Option<Arc<Hook>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// When the clocks of services with [`Flaw::FutureTime`] are.
fn in_an_hour(now: Timestamp) -> Timestamp {
    now + 1.hour()
}

/// The lifetime of all authorities: longer than any time that a test sets.
fn valid() -> [Timestamp; 2] {
    ["2020-01-01T00:00:00Z", "2045-01-01T00:00:00Z"].map(|time| time.parse().expect("a time"))
}

impl Sigstore {
    /// Starts it on a free port of this machine.
    pub async fn start() -> io::Result<Self> {
        Self::start_with_intermediate(valid()).await
    }

    /// The same with a certificate authority whose intermediate certificate holds from when until when.
    pub async fn start_with_intermediate(intermediate: [Timestamp; 2]) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let services = Arc::new(Services {
            base: format!("http://{address}"),
            clock: Clock::default(),
            issuer: Mutex::new(Issuer::new()),
            fulcio: Fulcio::new(valid(), intermediate),
            rekor_v1: Mutex::new(RekorV1::new()),
            rekor_v2: Mutex::new(RekorV2::new()),
            tsa: Tsa::new(valid()),
            tuf: Mutex::new(Tuf::new()),
            github: Mutex::default(),
            flaws: Mutex::default(),
            log: Mutex::default(),
            hook: Mutex::default(),
        });
        lock(&services.tuf).set_target(&trust::trusted_root(&services).to_string());
        let serving = tokio::spawn(server::serve(listener, Arc::clone(&services)));
        Ok(Self { address, services, serving })
    }

    /// Where a service is: `/oidc`, `/fulcio`, `/rekor`, `/rekor2`, `/github`, `/tsa/api/v1/timestamp` or `/tuf/`.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.services.base)
    }

    /// `trusted_root.json`: what it takes to believe these services.
    pub fn trusted_root(&self) -> String {
        trust::trusted_root(&self.services).to_string()
    }

    /// `root.json`: what it takes to believe the TUF repository of the trusted root.
    pub fn tuf_root(&self) -> String {
        lock(&self.services.tuf).anchor()
    }

    /// Changes what the TUF repository serves.
    pub fn change_tuf<T>(&self, change: impl FnOnce(&mut Tuf) -> T) -> T {
        change(&mut lock(&self.services.tuf))
    }

    /// `signing_config.json`, version 0.2: where these services are.
    pub fn signing_config(&self, instance: Instance) -> String {
        trust::signing_config(&self.services.base, instance).to_string()
    }

    /// Both, as sigstore-python's `--trust-config` takes them.
    pub fn client_trust_config(&self, instance: Instance) -> String {
        trust::client_trust_config(&self.services, &self.services.base, instance).to_string()
    }

    /// An identity token with these claims, which holds for five minutes where they do not say otherwise.
    pub fn token(&self, claims: &Claims) -> String {
        lock(&self.services.issuer).token(claims, self.services.clock.now())
    }

    /// From now on, jobs that ask for a token are given these claims; until then, those of `acme/app` on GitHub.
    pub fn set_job(&self, claims: Claims) {
        lock(&self.services.issuer).job = claims;
    }

    /// The variables by which a job on GitHub, or on GitLab, gets its token.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let job = lock(&self.services.issuer).job.clone();
        if job.text("iss") == GITLAB {
            return vec![("GITLAB_CI", "true".to_owned()), ("SIGSTORE_ID_TOKEN", self.token(&job))];
        }
        vec![
            ("GITHUB_ACTIONS", "true".to_owned()),
            ("ACTIONS_ID_TOKEN_REQUEST_URL", self.url("/oidc/github/token?api-version=2.0")),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", oidc::REQUEST_TOKEN.to_owned()),
        ]
    }

    /// Puts a bundle into GitHub's API, as an attestation of a repository (`acme/app`).
    pub fn put_attestation(&self, repository: &str, bundle: &serde_json::Value) {
        lock(&self.services.github).put(repository, bundle).expect("a bundle with a statement");
    }

    /// From now on, this is where the bundles are that GitHub's API lists.
    pub fn keep_attestations(&self, kept: Kept) {
        lock(&self.services.github).kept = kept;
    }

    /// From now on, asks `hook` what goes wrong with each request.
    pub fn misbehave(&self, hook: impl Fn(&Seen) -> Option<Fault> + Send + Sync + 'static) {
        *lock(&self.services.hook) = Some(Arc::new(hook));
    }

    /// From now on, as many requests whose path begins like this go wrong as there are faults here, each in its way.
    pub fn fail(&self, path: &'static str, faults: impl IntoIterator<Item = Fault>) {
        let faults = Mutex::new(faults.into_iter().collect::<std::collections::VecDeque<_>>());
        self.misbehave(move |seen| {
            seen.path.starts_with(path).then(|| lock(&faults).pop_front()).flatten()
        });
    }

    /// From now on, no request goes wrong. Flaws stay.
    pub fn behave(&self) {
        *lock(&self.services.hook) = None;
    }

    /// From now on, what the services sign has these flaws and no others.
    pub fn set_flaws(&self, flaws: impl IntoIterator<Item = Flaw>) {
        *lock(&self.services.flaws) = flaws.into_iter().collect();
    }

    /// From now on it is this time, and stays so.
    pub fn set_time(&self, time: Timestamp) {
        self.services.clock.set(time);
    }

    /// From now on it is so much later, and stays so.
    pub fn advance(&self, by: Duration) {
        self.services.clock.advance(by);
    }

    /// What it was asked since the last call, in order.
    pub fn take_log(&self) -> Vec<Seen> {
        std::mem::take(&mut lock(&self.services.log))
    }
}

impl Services {
    /// Remembers a request, and says what goes wrong with it.
    fn meet(&self, seen: &Seen) -> Option<Fault> {
        lock(&self.log).push(seen.clone());
        let hook = lock(&self.hook).clone();
        hook.and_then(|hook| hook(seen))
    }

    /// The true answer.
    fn answer(&self, seen: &Seen) -> Reply {
        let (now, flaws) = (self.clock.now(), lock(&self.flaws).clone());
        let path = seen.path.split('?').next().unwrap_or_default();
        let (service, rest) = match path.get(1..).and_then(|path| path.find('/')) {
            Some(end) => path.split_at(end + 1),
            None => (path, ""),
        };
        match service {
            "/oidc" => lock(&self.issuer).answer(rest, seen, &self.base, now),
            "/fulcio" => self.fulcio.answer(rest, seen, (&lock(&self.issuer), &flaws, now)),
            "/rekor" => lock(&self.rekor_v1).answer(rest, seen, (&flaws, now)),
            "/rekor2" => lock(&self.rekor_v2).answer(rest, seen, &flaws),
            "/tuf" => lock(&self.tuf).answer(rest),
            "/tsa" => self.tsa.answer(rest, seen, (&flaws, now)),
            "/github" => lock(&self.github).answer(rest, seen, &self.base),
            _ => Reply::status(404),
        }
    }
}

impl Drop for Sigstore {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl fmt::Debug for Sigstore {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Sigstore({})", self.address)
    }
}
