//! Fetches advisories. The only place of this crate that knows a network.

use crate::{
    Error,
    builder::{Builder, Imported},
    source::{LARGEST_ARCHIVE, read_zip},
};
use backon::{ExponentialBuilder, Retryable as _};
use reqwest::{Client, Response, StatusCode, header::RETRY_AFTER, redirect};
use std::{collections::BTreeSet, time::Duration};
use url::Url;

/// The largest list of ecosystems, in bytes (1 MiB).
const LARGEST_LIST: u64 = 1 << 20;
/// How long a connection may take to come up.
const CONNECT: Duration = Duration::from_secs(15);
/// How long a server may be silent.
const SILENCE: Duration = Duration::from_mins(1);
/// The longest wait that a server can ask for; one that asks for more is given up.
const LONGEST_WAIT: Duration = Duration::from_mins(2);
/// Attempts after the first.
const RETRIES: usize = 4;
/// Redirects of one request.
const REDIRECTS: usize = 5;

/// Fetches the archives of `ecosystems` from `base` and takes their records; without any, of all that `base` lists.
///
/// `base` is laid out like OSV's export: <https://google.github.io/osv.dev/data/#data-dumps>. `progress` is told the
/// ecosystem and the bytes fetched so far.
pub async fn update(
    base: &Url,
    ecosystems: &[String],
    builder: &mut Builder,
    progress: &(dyn Fn(&str, u64) + Sync),
) -> Result<Vec<Imported>, Error> {
    let feed = Feed::new(base)?;
    let names = if ecosystems.is_empty() {
        feed.listed().await?
    } else {
        ecosystems.iter().map(|name| ecosystem_name(name)).collect::<Result<_, _>>()?
    };
    let mut imported = Vec::new();
    for name in names {
        let bytes = feed
            .fetch(&[&name, "all.zip"], LARGEST_ARCHIVE, &|bytes| progress(&name, bytes))
            .await
            .map_err(|failure| failure.about(&name, base))?;
        let (limit, ecosystem) = (builder.limit(), name.clone());
        let outcomes = tokio::task::spawn_blocking(move || read_zip(&ecosystem, &bytes, limit))
            .await
            .map_err(|source| Error::Task { source })??;
        imported.push(builder.take(&name, outcomes));
    }
    Ok(imported)
}

/// A place in OSV's layout, and how patiently it is asked.
struct Feed<'a> {
    base: &'a Url,
    client: Client,
    attempts: ExponentialBuilder,
}

impl<'a> Feed<'a> {
    fn new(base: &'a Url) -> Result<Self, Error> {
        if !matches!(base.scheme(), "http" | "https") || base.cannot_be_a_base() {
            return Err(Error::FeedUrl { base: base.to_string() });
        }
        let attempts = ExponentialBuilder::default().with_max_times(RETRIES).with_jitter();
        Ok(Self { base, client: client()?, attempts })
    }

    /// The ecosystems that the feed lists, without the empty one and those of single releases.
    async fn listed(&self) -> Result<BTreeSet<String>, Error> {
        let list = "ecosystems.txt";
        let bytes = self
            .fetch(&[list], LARGEST_LIST, &|_| {})
            .await
            .map_err(|failure| failure.about(list, self.base))?;
        let unusable = || Error::EcosystemList { url: self.address(&[list]).to_string() };
        let text = String::from_utf8(bytes).ok().ok_or_else(unusable)?;
        let names = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && *line != "[EMPTY]" && !line.contains(':'))
            .map(ecosystem_name)
            .collect::<Result<BTreeSet<_>, _>>()?;
        if names.is_empty() { Err(unusable()) } else { Ok(names) }
    }

    fn address(&self, parts: &[&str]) -> Url {
        let mut url = self.base.clone();
        // It fails for addresses that can not be a base, which `new` has refused.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(parts);
        }
        url
    }

    async fn fetch(
        &self,
        parts: &[&str],
        limit: u64,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Vec<u8>, Failure> {
        let url = self.address(parts);
        (|| attempt(&self.client, &url, limit, progress))
            .retry(self.attempts)
            .when(Failure::is_passing)
            .adjust(|failure, wait| match failure {
                Failure::Status { wait: Some(asked), .. } => wait.map(|wait| wait.max(*asked)),
                Failure::Status { .. } | Failure::Transport { .. } | Failure::TooLarge { .. } => {
                    wait
                }
            })
            .await
    }
}

/// A name that stays one segment of a path; of `Debian:12` the archive is that of `Debian`.
fn ecosystem_name(name: &str) -> Result<String, Error> {
    let name = crate::ecosystem::base(name.trim());
    let is_plain = |char: char| char.is_ascii_alphanumeric() || " .-_".contains(char);
    if name.is_empty() || !name.chars().all(is_plain) || name.chars().all(|char| char == '.') {
        return Err(Error::EcosystemName { name: name.to_owned() });
    }
    Ok(name.to_owned())
}

fn client() -> Result<Client, Error> {
    Client::builder()
        .user_agent(concat!("plimsoll/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .read_timeout(SILENCE)
        .redirect(redirect::Policy::custom(|attempt| {
            if is_downgrade(attempt.previous(), attempt.url()) {
                attempt.error("the server redirects from https to http")
            } else if attempt.previous().len() > REDIRECTS {
                attempt.error("the server redirects too often")
            } else {
                attempt.follow()
            }
        }))
        .build()
        .map_err(|source| Error::Client { source })
}

/// Whether what began over https would go on over anything else.
fn is_downgrade(previous: &[Url], next: &Url) -> bool {
    previous.iter().any(|url| url.scheme() == "https") && next.scheme() != "https"
}

/// Why one attempt failed.
#[derive(Debug)]
enum Failure {
    Transport { url: String, source: reqwest::Error },
    Status { url: String, status: StatusCode, wait: Option<Duration> },
    TooLarge { limit: u64 },
}

impl Failure {
    fn about(self, ecosystem: &str, base: &Url) -> Error {
        match self {
            Self::Transport { url, source } => Error::Fetch { url, source },
            Self::Status { status: StatusCode::NOT_FOUND, .. } => {
                Error::EcosystemAbsent { ecosystem: ecosystem.to_owned(), base: base.to_string() }
            }
            Self::Status { url, status, .. } => Error::Status { url, status: status.as_u16() },
            Self::TooLarge { limit } => Error::SourceTooLarge { name: ecosystem.to_owned(), limit },
        }
    }

    /// Whether another attempt may end otherwise.
    fn is_passing(&self) -> bool {
        match self {
            Self::Transport { source, .. } => !source.is_builder() && !source.is_redirect(),
            Self::Status { status, wait, .. } => {
                (*status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error())
                    && wait.is_none_or(|wait| wait <= LONGEST_WAIT)
            }
            Self::TooLarge { .. } => false,
        }
    }
}

async fn attempt(
    client: &Client,
    url: &Url,
    limit: u64,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Vec<u8>, Failure> {
    let failed = |source: reqwest::Error| Failure::Transport {
        url: url.to_string(),
        source: source.without_url(),
    };
    let mut response = client.get(url.clone()).send().await.map_err(failed)?;
    if response.status() != StatusCode::OK {
        let wait = retry_after(&response);
        return Err(Failure::Status { url: url.to_string(), status: response.status(), wait });
    }
    let mut bytes = Vec::new();
    let mut count = 0_u64;
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        count = count.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
        if count > limit {
            return Err(Failure::TooLarge { limit });
        }
        bytes.extend_from_slice(&chunk);
        progress(count);
    }
    Ok(bytes)
}

/// In seconds; the form with a date is rare and would need a clock.
fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests;
