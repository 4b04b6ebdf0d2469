//! Whether a registry with TLS answers without it too.

use super::{Asking, words};
use crate::{
    error::Error,
    registry::{Registry, address::authority},
};
use plimsoll_model::registry::{Connection, OldTls, PlainAnswer, Told};
use reqwest::{Response, header::LOCATION};
use std::{error::Error as _, io, iter, sync::atomic::AtomicU64, time::Duration};
use tokio::time;
use url::Url;

/// How long an address may stay silent before what it would say is taken for untold.
const SILENCE: Duration = Duration::from_secs(5);

/// What registries say that they are by, whatever else they answer.
const API_VERSION: &str = "docker-distribution-api-version";

/// What an address said.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    /// It answers as a registry does.
    Registry(u16),
    /// It does not, or nothing does.
    NoRegistry,
    /// It can not be told.
    Untold(String),
}

impl Asking<'_> {
    /// The addresses at which the registry answers without TLS: its own port, and 80 for a registry at 443.
    pub(super) async fn plain_http(&self, connection: &Connection) -> Told<Vec<PlainAnswer>> {
        if *connection != Connection::Secure {
            return Told::Is(Vec::new());
        }
        let mut url = self.own.origin.clone();
        // A port that is 80 by default for this scheme; another one stays.
        if url.set_scheme("http").is_err() {
            return Told::Untold("its address has no form without TLS".to_owned());
        }
        url.set_path("/v2/");
        match self.anonymous.say(&url).await {
            Said::Registry(status) => {
                let address = format!("http://{}", authority(&url));
                Told::Is(vec![PlainAnswer { address, status }])
            }
            Said::NoRegistry => Told::Is(Vec::new()),
            Said::Untold(why) => Told::Untold(why),
        }
    }

    /// Whether versions of TLS before 1.2 are spoken.
    pub(super) async fn old_tls(&self, connection: &Connection) -> Told<OldTls> {
        if *connection != Connection::Secure {
            return Told::Untold("it is not reached by TLS".to_owned());
        }
        let told = super::old_tls::ask(&self.own.origin);
        time::timeout(SILENCE, told)
            .await
            .unwrap_or_else(|_| Told::Untold("nothing was answered".to_owned()))
    }
}

impl Registry {
    /// What an address without TLS says, to who has no credentials.
    async fn say(&self, url: &Url) -> Said {
        let attempt = self.attempt("ask without TLS for the registry of", "");
        let request = self.access.http().get(url.clone());
        let none = AtomicU64::new(0);
        let sent = self.access.send(request, &attempt, &none);
        match time::timeout(SILENCE, sent).await {
            Ok(Ok(response)) => said(url, &response),
            Ok(Err(Error::Transport { source, .. })) if is_turned_away(&source) => Said::NoRegistry,
            Ok(Err(error)) => Said::Untold(words(&error)),
            Err(_) => Said::Untold(format!("{url} stays silent")),
        }
    }
}

/// What an answer says of who gives it: a proxy on the way answers too, where there is a registry for others.
fn said(url: &Url, response: &Response) -> Said {
    let status = response.status().as_u16();
    match status {
        // Nothing goes there without TLS.
        300..=399 if is_to_tls(url, response) => Said::NoRegistry,
        _ if response.headers().contains_key(API_VERSION) => Said::Registry(status),
        200 | 401 => Said::Registry(status),
        300..=399 | 403 | 407 | 408 | 429 | 500.. => {
            Said::Untold(format!("{url} answers {status}"))
        }
        _ => Said::NoRegistry,
    }
}

/// Whether an answer sends on to the same host with TLS. What sends elsewhere may be a network that asks for a login.
fn is_to_tls(url: &Url, response: &Response) -> bool {
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    location
        .and_then(|to| url.join(to).ok())
        .is_some_and(|to| to.scheme() == "https" && to.host() == url.host())
}

/// Whether nothing listens there, or what does closes the connection or speaks no HTTP. No answer at all is something else.
fn is_turned_away(error: &reqwest::Error) -> bool {
    let mut causes = iter::successors(error.source(), |&cause| cause.source());
    let is_closed = |cause: &io::Error| {
        matches!(
            cause.kind(),
            io::ErrorKind::ConnectionRefused
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
        )
    };
    !error.is_timeout()
        && (!error.is_connect()
            || causes.any(|cause| cause.downcast_ref::<io::Error>().is_some_and(is_closed)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{
        access,
        registry::{Fault, Options, Registry as Server},
    };
    use bytes::Bytes;

    /// What is said where the server does this, and its address.
    async fn ask(fault: Fault) -> (Said, Url) {
        let server = Server::start(Options::default()).await.unwrap();
        server.misbehave(move |_| Some(fault.clone()));
        let access = access(|options| options.timeout = Duration::from_millis(200));
        let registry = Registry::new(server.name("app").parse().unwrap(), &access).unwrap();
        let url: Url = format!("http://{}/v2/", server.addr()).parse().unwrap();
        (registry.say(&url).await, url)
    }

    fn with(status: u16, name: &'static str, value: &str) -> Fault {
        Fault::Answer { status, headers: vec![(name, value.to_owned())], body: Bytes::new() }
    }

    #[tokio::test]
    async fn a_registry_is_told_by_its_status_or_its_header() {
        for status in [200, 401] {
            assert_eq!(ask(Fault::status(status)).await.0, Said::Registry(status));
        }
        for status in [302, 400, 403, 404, 429, 503] {
            let named = with(status, API_VERSION, "registry/2.0");
            assert_eq!(ask(named).await.0, Said::Registry(status));
        }
    }

    #[tokio::test]
    async fn what_others_than_a_registry_may_have_answered_can_not_be_told() {
        for status in [302, 403, 407, 408, 429, 500, 502, 503] {
            let (said, url) = ask(Fault::status(status)).await;
            assert_eq!(said, Said::Untold(format!("{url} answers {status}")));
        }
        for elsewhere in ["https://portal.example/login", "/v2/elsewhere", "http://127.0.0.1/"] {
            let (said, url) = ask(with(302, "location", elsewhere)).await;
            assert_eq!(said, Said::Untold(format!("{url} answers 302")), "{elsewhere}");
        }
        let (said, _) = ask(Fault::Hang).await;
        assert!(matches!(said, Said::Untold(_)), "{said:?}");
    }

    #[tokio::test]
    async fn what_is_no_registry_is_none() {
        for status in [400, 404] {
            assert_eq!(ask(Fault::status(status)).await.0, Said::NoRegistry);
        }
        let to_tls = with(301, "location", "https://127.0.0.1/v2/");
        assert_eq!(ask(to_tls).await.0, Said::NoRegistry);
        // The connection is closed; then nothing listens any more.
        let (said, url) = ask(Fault::Drop).await;
        assert_eq!(said, Said::NoRegistry);
        let closed = format!("{}/app", url.authority()).parse().unwrap();
        let registry = Registry::new(closed, &access(|_| ())).unwrap();
        assert_eq!(registry.say(&url).await, Said::NoRegistry);
    }
}
