//! Fetches advisories. The only place of this crate that knows a network.

mod archive;
mod kept;
mod listed;

pub use kept::Kept;

use crate::{
    Error,
    builder::{Builder, Imported},
    extra::{LARGEST_LIST, List},
    source::read_file,
};
use archive::{Updating, blocking};
use backon::{ExponentialBuilder, Retryable as _};
use camino::Utf8PathBuf;
use kept::{Tag, Version};
use plimsoll_model::{Digest, scan::SourceKind};
use reqwest::{
    Client, Response, StatusCode,
    header::{ETAG, HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, RETRY_AFTER},
    redirect,
};
use std::{collections::BTreeSet, time::Duration};
use url::Url;

/// The largest list of ecosystems, in bytes (1 MiB).
const LARGEST_NAMES: u64 = 1 << 20;
/// How long a connection may take to come up.
const CONNECT: Duration = Duration::from_secs(15);
/// The longest wait that a server can ask for; one that asks for more is given up.
const LONGEST_WAIT: Duration = Duration::from_mins(2);
/// Attempts after the first.
const RETRIES: usize = 4;
/// Redirects of one request.
const REDIRECTS: usize = 5;

/// What to fetch.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Laid out like OSV's export: <https://google.github.io/osv.dev/data/#data-dumps>.
    pub base: Url,
    /// The ecosystems to fetch; without any, all that `base` lists.
    pub ecosystems: Vec<String>,
    /// Lists of exploited flaws, of scores and of lifetimes, each with what it has to be.
    pub lists: Vec<(SourceKind, Location)>,
    /// How long a server may be silent, and how long all waiting between the attempts at one thing may be.
    pub patience: Duration,
}

/// Where a list is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// At an address.
    Url(Url),
    /// On this machine.
    File(Utf8PathBuf),
}

/// Fetches what is planned, as far as it is not kept already, and takes it. `progress` is told what is fetched and the bytes
/// of it so far.
///
/// # Errors
/// The first failure ends it: what was fetched until then is kept, and nothing is to be built of it.
pub async fn update(
    plan: &Plan,
    kept: &Kept,
    builder: &mut Builder,
    progress: &(dyn Fn(&str, u64) + Sync),
) -> Result<Vec<Imported>, Error> {
    let feed = Feed::new(&plan.base, plan.patience)?;
    let names = if plan.ecosystems.is_empty() {
        feed.listed().await?
    } else {
        plan.ecosystems.iter().map(|name| ecosystem_name(name)).collect::<Result<_, _>>()?
    };
    let updating = Updating { feed: &feed, kept, limit: builder.limit(), progress };
    let mut imported = Vec::new();
    for name in names {
        let outcomes = updating.records(&name).await?;
        imported.push(builder.take_fetched(&name, &shown(&plan.base), outcomes));
    }
    for (kind, location) in &plan.lists {
        let (list, from) = match location {
            Location::Url(url) => (list_at(&feed, kept, url, progress).await?, Some(shown(url))),
            Location::File(path) => {
                let name = path.to_string();
                let path = path.clone();
                (
                    blocking(move || List::read(&name, &read_file(&path, LARGEST_LIST)?)).await??,
                    None,
                )
            }
        };
        let list = list.filter(|list| list.kind() == *kind);
        let list = list.ok_or_else(|| Error::OtherList {
            name: location.to_string(),
            expected: kind.as_str(),
        })?;
        imported.push(builder.take_list(list, from.as_deref()));
    }
    Ok(imported)
}

/// Fetches a list, unless it is the one that is kept.
async fn list_at(
    feed: &Feed<'_>,
    kept: &Kept,
    url: &Url,
    progress: &(dyn Fn(&str, u64) + Sync),
) -> Result<Option<List>, Error> {
    if !is_fetchable(url) {
        return Err(Error::FeedUrl { base: url.to_string() });
    }
    let name = shown(url);
    let file = format!("lists/{}", Digest::of(name.as_bytes()).short());
    let held = {
        let (kept, file, name) = (kept.clone(), file.clone(), name.clone());
        blocking(move || kept.read(&file, &name, LARGEST_LIST)).await?
    };
    let known = held.as_ref().map(|held| &held.tag.version);
    let answer = feed
        .fetch(url, LARGEST_LIST, known, &|bytes| progress(&name, bytes))
        .await
        .map_err(|failure| failure.plain(&name))?;
    let kept = kept.clone();
    let read = move || match (answer, held) {
        (Answer::Unchanged, Some(held)) => List::read(&name, &held.bytes),
        (Answer::Unchanged, None) => Err(Error::Status { url: name, status: 304 }),
        (Answer::Body { bytes, version }, _) => {
            let list = List::read(&name, &bytes)?;
            if list.is_some() {
                kept.write(&file, &bytes, Tag::new(&name, version, Version::default()))?;
            }
            Ok(list)
        }
    };
    blocking(read).await?
}

impl std::fmt::Display for Location {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Url(url) => out.write_str(&shown(url)),
            Self::File(path) => out.write_str(path.as_str()),
        }
    }
}

/// An address without what may be secret in it.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // It fails for addresses that have no place for them.
    url.set_username("").ok();
    url.set_password(None).ok();
    url.set_query(None);
    url.set_fragment(None);
    url.to_string()
}

fn is_fetchable(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https") && !url.cannot_be_a_base()
}

/// A place in OSV's layout, and how patiently it is asked.
struct Feed<'a> {
    base: &'a Url,
    client: Client,
    attempts: ExponentialBuilder,
}

impl<'a> Feed<'a> {
    fn new(base: &'a Url, patience: Duration) -> Result<Self, Error> {
        if !is_fetchable(base) {
            return Err(Error::FeedUrl { base: base.to_string() });
        }
        let attempts = ExponentialBuilder::default()
            .with_max_times(RETRIES)
            .with_total_delay(Some(patience))
            .with_jitter();
        Ok(Self { base, client: client(patience)?, attempts })
    }

    /// The ecosystems that the feed lists, without the empty one and those of single releases.
    async fn listed(&self) -> Result<BTreeSet<String>, Error> {
        let list = "ecosystems.txt";
        let url = self.address(&[list]);
        let answer = self.fetch(&url, LARGEST_NAMES, None, &|_| {}).await;
        let Answer::Body { bytes, .. } = answer.map_err(|failure| failure.plain(url.as_str()))?
        else {
            return Err(Error::Status { url: url.to_string(), status: 304 });
        };
        let unusable = || Error::EcosystemList { url: url.to_string() };
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

    /// What is at an address, unless it is what is `known`.
    async fn fetch(
        &self,
        url: &Url,
        limit: u64,
        known: Option<&Version>,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Answer, Failure> {
        let known = known.filter(|known| known.is_known());
        (|| attempt(&self.client, url, (limit, known), progress))
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

/// What a server says.
#[derive(Debug)]
enum Answer {
    Body { bytes: Vec<u8>, version: Version },
    Unchanged,
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

fn client(silence: Duration) -> Result<Client, Error> {
    Client::builder()
        .user_agent(concat!("plimsoll/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .read_timeout(silence)
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
        if self.is_absent() {
            return Error::EcosystemAbsent { ecosystem: ecosystem.to_owned(), base: shown(base) };
        }
        self.plain(ecosystem)
    }

    fn plain(self, name: &str) -> Error {
        match self {
            Self::Transport { url, source } => Error::Fetch { url, source },
            Self::Status { url, status, .. } => Error::Status { url, status: status.as_u16() },
            Self::TooLarge { limit } => Error::SourceTooLarge { name: name.to_owned(), limit },
        }
    }

    /// Whether there is nothing at the address.
    fn is_absent(&self) -> bool {
        matches!(self, Self::Status { status: StatusCode::NOT_FOUND | StatusCode::GONE, .. })
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
    (limit, known): (u64, Option<&Version>),
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Answer, Failure> {
    let failed = |source: reqwest::Error| Failure::Transport {
        url: shown(url),
        source: source.without_url(),
    };
    let mut request = client.get(url.clone());
    if let Some(known) = known {
        for (header, value) in [(IF_NONE_MATCH, &known.etag), (IF_MODIFIED_SINCE, &known.modified)]
        {
            if let Some(value) = value {
                request = request.header(header, value);
            }
        }
    }
    let mut response = request.send().await.map_err(failed)?;
    if response.status() == StatusCode::NOT_MODIFIED && known.is_some() {
        return Ok(Answer::Unchanged);
    }
    if response.status() != StatusCode::OK {
        let wait = retry_after(&response);
        return Err(Failure::Status { url: shown(url), status: response.status(), wait });
    }
    let text = |name: HeaderName| {
        response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    };
    let version = Version { etag: text(ETAG), modified: text(LAST_MODIFIED) };
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
    Ok(Answer::Body { bytes, version })
}

/// In seconds; the form with a date is rare and would need a clock.
fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests;
