//! A registry in memory, on this machine, that can be made to misbehave.

mod answer;
mod contents;

use bytes::Bytes;
use contents::Contents;
use http_body_util::BodyExt as _;
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use plimsoll_model::Digest;
use std::{
    collections::BTreeMap,
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// How the registry behaves when nothing is made to go wrong.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Whether it has the referrers API.
    pub referrers: ReferrersApi,
    /// What it asks for before it answers.
    pub login: Login,
    /// How many referrers it lists on one page; all, where nothing is said.
    pub page: Option<usize>,
}

/// Whether a registry has the referrers API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReferrersApi {
    /// It lists referrers, and says so when one is written.
    #[default]
    Present,
    /// It answers 404 for the API, as registries of old do.
    Absent,
}

/// What a registry asks for before it answers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Login {
    /// Nothing.
    #[default]
    None,
    /// Name and password with every request.
    Basic {
        /// The name.
        username: String,
        /// The password.
        password: String,
    },
    /// A token, which `/token` gives for name and password.
    Token {
        /// The name.
        username: String,
        /// The password.
        password: String,
    },
}

/// A request that the registry saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// `GET`, `PUT`, …
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Headers, by lower-case name.
    pub headers: BTreeMap<String, String>,
    /// Body.
    pub body: Bytes,
}

impl Seen {
    /// Whether it changes what the registry holds, or begins to.
    pub fn is_write(&self) -> bool {
        matches!(self.method.as_str(), "POST" | "PUT" | "PATCH" | "DELETE")
            && self.path.starts_with("/v2/")
    }
}

/// What goes wrong with one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// This is answered, and the request has no effect.
    Answer {
        /// Status.
        status: u16,
        /// Headers.
        headers: Vec<(&'static str, String)>,
        /// Body.
        body: Bytes,
    },
    /// The true answer, with this header.
    Header(&'static str, String),
    /// The true answer, with this body and its length.
    Body(Bytes),
    /// The true answer, and the connection is closed after so many bytes of its body.
    Cut(usize),
    /// The true answer's headers, and a body that never ends.
    Endless,
    /// No answer, and the connection stays open.
    Hang,
    /// No answer, and the connection is closed.
    Drop,
}

impl Fault {
    /// A status with nothing else.
    pub const fn status(status: u16) -> Self {
        Self::Answer { status, headers: Vec::new(), body: Bytes::new() }
    }
}

type Hook = dyn Fn(&Seen) -> Option<Fault> + Send + Sync;

/// A running registry. It ends when it is dropped.
pub struct Registry {
    address: SocketAddr,
    state: Arc<State>,
    serving: JoinHandle<()>,
}

struct State {
    address: SocketAddr,
    options: Options,
    contents: Mutex<Contents>,
    log: Mutex<Vec<Seen>>,
    hook: Mutex<Option<Arc<Hook>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Registry {
    /// Starts a registry on a free port of this machine.
    pub async fn start(options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            address,
            options,
            contents: Mutex::default(),
            log: Mutex::default(),
            hook: Mutex::default(),
        });
        let serving = tokio::spawn(serve(listener, Arc::clone(&state)));
        Ok(Self { address, state, serving })
    }

    /// Where it listens.
    pub const fn addr(&self) -> SocketAddr {
        self.address
    }

    /// The name of an image in it: `127.0.0.1:PORT/` and `rest`.
    pub fn name(&self, rest: &str) -> String {
        format!("{}/{rest}", self.address)
    }

    /// From now on, asks `hook` what goes wrong with each request.
    pub fn misbehave(&self, hook: impl Fn(&Seen) -> Option<Fault> + Send + Sync + 'static) {
        *lock(&self.state.hook) = Some(Arc::new(hook));
    }

    /// From now on, nothing goes wrong.
    pub fn behave(&self) {
        *lock(&self.state.hook) = None;
    }

    /// What it was asked since the last call, in order.
    pub fn take_log(&self) -> Vec<Seen> {
        std::mem::take(&mut lock(&self.state.log))
    }

    /// Puts a blob in.
    pub fn put_blob(&self, repository: &str, bytes: impl Into<Bytes>) -> Digest {
        lock(&self.state.contents).put_blob(repository, bytes.into())
    }

    /// Puts a manifest in, whatever it is, under a tag if one is given.
    pub fn put_manifest(
        &self,
        repository: &str,
        media_type: &str,
        bytes: impl Into<Bytes>,
        tag: Option<&str>,
    ) -> Digest {
        lock(&self.state.contents).put_manifest(repository, media_type, bytes.into(), tag)
    }

    /// Takes a manifest or blob out.
    pub fn remove(&self, repository: &str, digest: &Digest) {
        lock(&self.state.contents).remove(repository, digest);
    }

    /// The bytes of a manifest.
    pub fn manifest(&self, repository: &str, digest: &Digest) -> Option<Bytes> {
        lock(&self.state.contents).manifest(repository, digest).map(|(_, bytes)| bytes)
    }

    /// The tags of a repository, and what they stand for.
    pub fn tags(&self, repository: &str) -> BTreeMap<String, Digest> {
        lock(&self.state.contents).tags(repository)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Registry({})", self.address)
    }
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((connection, _)) = listener.accept().await {
        connections.spawn(converse(connection, Arc::clone(&state)));
    }
}

async fn converse(connection: TcpStream, state: Arc<State>) {
    let service = service_fn(move |request| respond(request, Arc::clone(&state)));
    // A client that goes away is no concern of the registry's.
    drop(http1::Builder::new().serve_connection(TokioIo::new(connection), service).await);
}

async fn respond(request: Request<Incoming>, state: Arc<State>) -> io::Result<answer::Answer> {
    let headers = request.headers().iter();
    let headers = headers
        .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())));
    let mut seen = Seen {
        method: request.method().to_string(),
        path: request.uri().to_string(),
        headers: headers.collect(),
        body: Bytes::new(),
    };
    seen.body = request.into_body().collect().await.map_err(io::Error::other)?.to_bytes();
    lock(&state.log).push(seen.clone());
    let hook = lock(&state.hook).clone();
    let fault = hook.and_then(|hook| hook(&seen));
    answer::to(&seen, fault, &state).await
}
