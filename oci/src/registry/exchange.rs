//! One request and its answer.

use super::{
    Registry,
    access::Access,
    challenge::{self, Challenge},
    refusal::{REASON_LIMIT, refusal},
    token::{Authorization, Scope},
};
use crate::error::{Attempt, Error};
use bytes::{Bytes, BytesMut};
use reqwest::{
    Method, RequestBuilder, Response, StatusCode,
    header::{AUTHORIZATION, HeaderName, LOCATION, WWW_AUTHENTICATE},
};
use std::{
    error::Error as _,
    io, pin,
    sync::atomic::{AtomicU64, Ordering},
};
use tokio::time;
use url::Url;

/// How often one request may be sent on.
const REDIRECTS: u32 = 5;
/// How many challenges are looked at.
const CHALLENGES: usize = 8;

/// One request, which can be sent again.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: Vec<(HeaderName, String)>,
    pub(super) body: Bytes,
    pub(super) scope: Scope,
    pub(super) attempt: Attempt,
}

impl Call {
    pub(super) fn new(method: Method, url: Url, scope: Scope, attempt: Attempt) -> Self {
        Self { method, url, headers: Vec::new(), body: Bytes::new(), scope, attempt }
    }

    pub(super) fn header(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    fn is_followed(&self) -> bool {
        self.method == Method::GET || self.method == Method::HEAD
    }
}

impl Registry {
    /// Sends the request, again where that may help; the answer has one of the statuses in `accepted`.
    pub(super) async fn call(&self, call: &Call, accepted: &[u16]) -> Result<Response, Error> {
        let mut retry = self.access.retry();
        loop {
            match self.call_once(call, accepted).await {
                Ok(response) => return Ok(response),
                Err(error) => retry.pause(error).await?,
            }
        }
    }

    /// Sends the request, once more with a fresh login when the registry asks for one (F10).
    pub(super) async fn call_once(&self, call: &Call, accepted: &[u16]) -> Result<Response, Error> {
        let known = self.known_authorization(&call.scope).await;
        let response = self.follow(call, known.as_ref()).await?;
        if response.status() != StatusCode::UNAUTHORIZED
            || response.url().origin() != self.origin.origin()
        {
            return self.access.accept(response, &call.attempt, accepted).await;
        }
        match self.log_in(&challenges(&response), &call.scope).await? {
            None => self.access.accept(response, &call.attempt, accepted).await,
            Some(fresh) => {
                let response = self.follow(call, Some(&fresh)).await?;
                self.access.accept(response, &call.attempt, accepted).await
            }
        }
    }

    /// Sends the request, and on where the registry points, without credentials when that is another origin.
    pub(super) async fn follow(
        &self,
        call: &Call,
        authorization: Option<&Authorization>,
    ) -> Result<Response, Error> {
        let mut url = call.url.clone();
        for _ in 0..=REDIRECTS {
            let mut request = self.access.http().request(call.method.clone(), url.clone());
            for (name, value) in &call.headers {
                request = request.header(name, value);
            }
            if !call.body.is_empty() {
                request = request.body(call.body.clone());
            }
            let request = self.authorized(request, &url, authorization);
            let response = self.access.send(request, &call.attempt, &AtomicU64::new(0)).await?;
            if !(response.status().is_redirection() && call.is_followed()) {
                return Ok(response);
            }
            url = self.onward(&response, &call.attempt)?;
        }
        Err(Error::Redirects { attempt: call.attempt.clone(), limit: REDIRECTS })
    }

    /// Credentials are for the registry's own origin only (C8, C9).
    pub(super) fn authorized(
        &self,
        request: RequestBuilder,
        url: &Url,
        authorization: Option<&Authorization>,
    ) -> RequestBuilder {
        match authorization {
            Some(authorization) if url.origin() == self.origin.origin() => {
                request.header(AUTHORIZATION, authorization.header())
            }
            _ => request,
        }
    }

    /// Where an answer points, if we may go there.
    pub(super) fn onward(&self, response: &Response, attempt: &Attempt) -> Result<Url, Error> {
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let url = location.and_then(|location| response.url().join(location).ok());
        let url =
            url.ok_or_else(|| Error::Header { attempt: attempt.clone(), header: "Location" })?;
        self.access.check_onward(response.url(), &url, attempt)?;
        Ok(url)
    }
}

pub(super) fn challenges(response: &Response) -> Vec<Challenge> {
    let headers = response.headers().get_all(WWW_AUTHENTICATE).iter();
    headers
        .filter_map(|value| value.to_str().ok())
        .flat_map(challenge::parse)
        .take(CHALLENGES)
        .collect()
}

impl Access {
    /// Sends a request. `sent` counts the bytes of its body, so that a long upload is not taken for a stalled one.
    pub(super) async fn send(
        &self,
        request: RequestBuilder,
        attempt: &Attempt,
        sent: &AtomicU64,
    ) -> Result<Response, Error> {
        self.online(attempt)?;
        let idle = self.options().timeout;
        let mut response = pin::pin!(request.send());
        let mut before = sent.load(Ordering::Relaxed);
        loop {
            if let Ok(result) = time::timeout(idle, &mut response).await {
                let status = result.as_ref().map_or(0, |response| response.status().as_u16());
                tracing::debug!(action = attempt.action, on = %attempt.on, status, "request");
                return result.map_err(|source| broken(source, attempt));
            }
            let now = sent.load(Ordering::Relaxed);
            if now == before {
                return Err(Error::Stalled { attempt: attempt.clone(), after: idle });
            }
            before = now;
        }
    }

    /// The next bytes of a body.
    pub(super) async fn chunk(
        &self,
        response: &mut Response,
        attempt: &Attempt,
    ) -> Result<Option<Bytes>, Error> {
        let idle = self.options().timeout;
        match time::timeout(idle, response.chunk()).await {
            Ok(chunk) => chunk.map_err(|source| broken(source, attempt)),
            Err(_) => Err(Error::Stalled { attempt: attempt.clone(), after: idle }),
        }
    }

    /// A whole body of at most `limit` bytes.
    pub(super) async fn body(
        &self,
        mut response: Response,
        limit: u64,
        attempt: &Attempt,
    ) -> Result<Bytes, Error> {
        let mut body = BytesMut::new();
        while let Some(chunk) = self.chunk(&mut response, attempt).await? {
            body.extend_from_slice(&chunk);
            if u64::try_from(body.len()).unwrap_or(u64::MAX) > limit {
                return Err(Error::TooLarge { from: attempt.on.clone(), limit });
            }
        }
        Ok(body.freeze())
    }

    /// The answer when its status is one of `accepted`, else what its status means.
    pub(super) async fn accept(
        &self,
        response: Response,
        attempt: &Attempt,
        accepted: &[u16],
    ) -> Result<Response, Error> {
        let status = response.status();
        if accepted.contains(&status.as_u16()) {
            return Ok(response);
        }
        let headers = response.headers().clone();
        // Without a reason the status still says enough.
        let body = self.body(response, REASON_LIMIT, attempt).await.unwrap_or_default();
        Err(refusal(attempt.clone(), status, &headers, &body))
    }
}

/// What a broken connection means. A certificate that was not accepted will not be the next time either.
fn broken(source: reqwest::Error, attempt: &Attempt) -> Error {
    // Addresses that a registry sends us on to carry signatures in their query.
    let source = source.without_url();
    let attempt = attempt.clone();
    if source.is_connect() && is_tls(&source) {
        Error::Tls { attempt, source }
    } else {
        Error::Transport { attempt, source }
    }
}

/// Whether the handshake failed, which the TLS library tells by the kind of an I/O error among the causes.
fn is_tls(error: &reqwest::Error) -> bool {
    let mut next = error.source();
    while let Some(cause) = next {
        next = match cause.downcast_ref::<io::Error>() {
            Some(error) if error.kind() == io::ErrorKind::InvalidData => return true,
            Some(error) => {
                error.get_ref().map(|inner| -> &(dyn std::error::Error + 'static) { inner })
            }
            None => cause.source(),
        };
    }
    false
}
