//! Whether a registry with TLS answers without it too.

use super::Asking;
use crate::registry::{Registry, address::authority};
use plimsoll_model::registry::{Connection, OldTls, PlainAnswer, Told};
use reqwest::header::LOCATION;
use std::{sync::atomic::AtomicU64, time::Duration};
use tokio::time;
use url::Url;

/// How long an address without TLS may stay silent before nothing is taken to answer there: what drops packets answers nobody.
const SILENCE: Duration = Duration::from_secs(5);

/// What an address said.
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
        let Ok(Ok(response)) = time::timeout(SILENCE, sent).await else { return Said::NoRegistry };
        let status = response.status().as_u16();
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        match status {
            200 | 401 => Said::Registry(status),
            300..=399 if location.is_some_and(|to| to.starts_with("https://")) => Said::NoRegistry,
            300..=399 | 500.. => Said::Untold(format!("{url} answers {status}")),
            _ => Said::NoRegistry,
        }
    }
}
