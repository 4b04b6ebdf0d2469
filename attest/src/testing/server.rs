//! A server on this machine that plays all services, each below a path of its own, and can be made to misbehave.

use super::Services;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, Response, StatusCode, body::Incoming, header::HeaderValue, server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::{collections::BTreeMap, future, io, sync::Arc};
use tokio::net::{TcpListener, TcpStream};

/// A request that a service saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// `GET`, `POST`, …
    pub method: String,
    /// Path and query: the first part of the path is the service, `/oidc`, `/fulcio`, `/rekor`, `/rekor2`, `/github`, `/tsa` or `/tuf`.
    pub path: String,
    /// Headers, by lower-case name.
    pub headers: BTreeMap<String, String>,
    /// Body.
    pub body: Bytes,
}

impl Seen {
    /// A parameter of the query.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        let (_, query) = self.path.split_once('?')?;
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        pairs.into_iter().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
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
    /// No answer, no effect, and the connection stays open.
    Hang,
    /// No answer, no effect, and the connection is closed.
    Drop,
    /// The request has its effect, and the connection is closed before the answer.
    Lose,
}

impl Fault {
    /// A status with nothing else.
    pub const fn status(status: u16) -> Self {
        Self::Answer { status, headers: Vec::new(), body: Bytes::new() }
    }
}

/// An answer.
pub(super) struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
}

impl Reply {
    /// A status with nothing else.
    pub(super) const fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new() }
    }

    /// A document.
    pub(super) fn json(value: &Value) -> Self {
        Self::bytes("application/json", value.to_string())
    }

    /// Bytes of a media type.
    pub(super) fn bytes(media_type: &str, body: impl Into<Bytes>) -> Self {
        let headers = vec![("content-type", media_type.to_owned())];
        Self { status: 200, headers, body: body.into() }
    }

    /// A refusal with a reason, as gRPC gateways and go-swagger write it.
    pub(super) fn refusal(status: u16, message: &str) -> Self {
        let body = serde_json::json!({"code": status, "message": message});
        Self { status, ..Self::json(&body) }
    }

    /// The same under another status.
    pub(super) const fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// The same with a header more.
    pub(super) fn header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}

/// Serves until it is dropped.
pub(super) async fn serve(listener: TcpListener, services: Arc<Services>) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((connection, _)) = listener.accept().await {
        connections.spawn(converse(connection, Arc::clone(&services)));
    }
}

async fn converse(connection: TcpStream, services: Arc<Services>) {
    let service = service_fn(move |request| respond(request, Arc::clone(&services)));
    // A client that goes away is no concern of the server's.
    drop(http1::Builder::new().serve_connection(TokioIo::new(connection), service).await);
}

async fn respond(
    request: Request<Incoming>,
    services: Arc<Services>,
) -> io::Result<Response<Full<Bytes>>> {
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
    let reply = match services.meet(&seen) {
        Some(Fault::Answer { status, headers, body }) => Reply { status, headers, body },
        Some(Fault::Hang) => return future::pending().await,
        Some(Fault::Drop) => return Err(io::Error::other("dropped")),
        Some(Fault::Lose) => {
            drop(services.answer(&seen));
            return Err(io::Error::other("lost"));
        }
        None => services.answer(&seen),
    };
    let mut answer = Response::new(Full::new(reply.body));
    *answer.status_mut() = StatusCode::from_u16(reply.status).map_err(io::Error::other)?;
    for (name, value) in reply.headers {
        answer.headers_mut().insert(name, HeaderValue::from_str(&value).map_err(io::Error::other)?);
    }
    Ok(answer)
}
