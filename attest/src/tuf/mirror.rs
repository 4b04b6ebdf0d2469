//! A TUF repository behind HTTP. Nobody is shown a credential, and no redirect is followed.

use crate::{
    Error,
    signers::keyless::{Answer, Exchange, Patience},
};
use reqwest::Client;
use sigstore_tuf::{Repository, transport::FetchFuture};
use tokio::time::Instant;
use url::Url;

/// What it is called in errors.
const SERVICE: &str = "the TUF repository";

/// A repository at an address.
pub(super) struct Mirror {
    client: Client,
    /// Ends in a slash.
    base: Url,
    /// For one file.
    patience: Patience,
}

impl Mirror {
    pub(super) const fn new(client: Client, base: Url, patience: Patience) -> Self {
        Self { client, base, patience }
    }

    /// A file below the address. What is not there is none; object stores say 403 of that.
    async fn fetch(&self, path: &str, limit: u64) -> sigstore_tuf::Result<Option<Vec<u8>>> {
        // Names come from metadata, and may be made to lead elsewhere (CVE-2026-24686).
        let url = self.base.join(path).ok();
        let url = url.filter(|url| url.as_str().starts_with(self.base.as_str()));
        let url = url.ok_or_else(|| {
            sigstore_tuf::Error::Malformed(format!("`{path}` leads out of the repository"))
        })?;
        let now = Instant::now();
        let deadline = now.checked_add(self.patience.budget).unwrap_or(now);
        let exchange = Exchange::new(SERVICE, &self.patience, deadline);
        let bytes = match exchange.ask(self.client.get(url)).await {
            Ok(Answer::Done(bytes)) => bytes,
            Ok(Answer::Known(_) | Answer::Stale) => {
                return Err(sigstore_tuf::Error::transport("another answer than a file"));
            }
            Err(Error::ServiceRefused { status: 403 | 404, .. }) => return Ok(None),
            Err(error) => {
                return Err(sigstore_tuf::Error::transport_with_source(SERVICE, error));
            }
        };
        if u64::try_from(bytes.len()).is_ok_and(|length| length <= limit) {
            return Ok(Some(bytes.into()));
        }
        let error = Error::TooLarge { what: "a file of the TUF repository", limit };
        Err(sigstore_tuf::Error::transport_with_source(SERVICE, error))
    }
}

impl Repository for Mirror {
    fn fetch_metadata<'a>(&'a self, name: &'a str, limit: u64) -> FetchFuture<'a> {
        Box::pin(self.fetch(name, limit))
    }

    fn fetch_target<'a>(&'a self, path: &'a str, limit: u64) -> FetchFuture<'a> {
        Box::pin(async move { self.fetch(&format!("targets/{path}"), limit).await })
    }
}
