//! Attestations that GitHub keeps for a repository.
//!
//! <https://docs.github.com/en/rest/repos/attestations?apiVersion=2022-11-28>. What comes from there is verified like what
//! comes from anywhere else. The token goes to the API alone: bundles lie in storage elsewhere, behind signed addresses.

use crate::{
    Error, json,
    signers::keyless::{
        Patience,
        http::{Absent, Answer, Exchange, LONGEST_ANSWER},
        identity::Secret,
        services::check_transport,
    },
};
use bytes::Bytes;
use plimsoll_model::{Digest, Limits};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use std::{collections::BTreeSet, fmt, str::FromStr};
use tokio::time::Instant;
use url::Url;

const SERVICE: &str = "GitHub's API";
const STORAGE: &str = "GitHub's storage of bundles";
/// How many attestations are asked for at once: as many as there may be.
const PER_PAGE: usize = 100;
/// How many pages a list may have.
const PAGES: usize = 100;
/// The longest page of a list, in bytes (256 MiB): bundles may be in it.
const LONGEST_PAGE: u64 = 256 << 20;

/// A repository on GitHub: `OWNER/REPO`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct GitHubRepository {
    owner: String,
    name: String,
}

/// It is no `OWNER/REPO`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected `OWNER/REPO`")]
pub struct NoRepository;

impl FromStr for GitHubRepository {
    type Err = NoRepository;

    fn from_str(text: &str) -> Result<Self, NoRepository> {
        let is_name = |text: &str, marks: &str| {
            let is_allowed = |char: char| char.is_ascii_alphanumeric() || marks.contains(char);
            (1..=100).contains(&text.len()) && text.chars().all(is_allowed)
        };
        match text.split_once('/') {
            Some((owner, name))
                if is_name(owner, "-_") && is_name(name, "-_.") && !matches!(name, "." | "..") =>
            {
                Ok(Self { owner: owner.to_owned(), name: name.to_owned() })
            }
            _ => Err(NoRepository),
        }
    }
}

impl fmt::Display for GitHubRepository {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.owner, self.name)
    }
}

/// GitHub's API, and how it is asked.
#[derive(Debug)]
pub struct GitHub {
    api: Url,
    client: Client,
    token: Option<Secret>,
    patience: Patience,
    limits: Limits,
}

impl GitHub {
    /// The API at an address (`https://api.github.com`), with a token where there is one; `client` has to follow no
    /// redirects.
    ///
    /// [`Error::Unusable`] for what is no address, [`Error::OpenTransport`] where others could see the token.
    pub fn new(
        api: &str,
        (client, token): (Client, Option<&str>),
        (patience, limits): (Patience, &Limits),
    ) -> Result<Self, Error> {
        let what = "the address of GitHub's API";
        let api =
            Url::parse(api).map_err(|source| Error::Unusable { what, source: source.into() })?;
        check_transport(&api)?;
        let (token, limits) = (token.map(Secret::new), limits.clone());
        Ok(Self { api, client, token, patience, limits })
    }

    /// The bundles that a repository has about `digest`; none, where GitHub says that there are none.
    ///
    /// # Errors
    /// Whenever it could not be told, whatever the reason: [`Error::ServiceRefused`], [`Error::ServiceUnavailable`],
    /// [`Error::ServiceAnswer`].
    pub async fn find(
        &self,
        repository: &GitHubRepository,
        digest: Digest,
    ) -> Result<Vec<Vec<u8>>, Error> {
        let deadline = self.deadline();
        let mut url = self.url(repository, &["attestations", &digest.to_string()])?;
        url.query_pairs_mut().append_pair("per_page", &PER_PAGE.to_string());
        let (mut pages, mut found) = (BTreeSet::new(), Vec::new());
        loop {
            if pages.len() >= PAGES || !pages.insert(url.clone()) {
                return Err(answer(&url, "its pages do not end"));
            }
            let asked = self.exchange(deadline, LONGEST_PAGE);
            let (page, links) =
                match asked.ask_for_page(self.request(self.client.get(url.clone()))).await {
                    Ok((Answer::Done(page), links)) => (page, links),
                    Ok(_) => return Err(answer(&url, "it answered to something else")),
                    // Of a repository that may not be seen GitHub says the same as of one without attestations.
                    Err(Error::ServiceRefused { status: 404, .. }) if pages.len() == 1 => {
                        self.is_visible(repository, deadline).await?;
                        return Ok(Vec::new());
                    }
                    Err(error) => return Err(error),
                };
            for attestation in Self::attestations(&url, &page)? {
                let limit = self.limits.referrers_fetched;
                if found.len() >= limit {
                    return Err(answer(&url, &format!("it has more than {limit} attestations")));
                }
                found.push(self.bundle(&url, &attestation, deadline).await?);
            }
            match self.next(&url, &links)? {
                Some(next) => url = next,
                None => return Ok(found),
            }
        }
    }

    /// Keeps a bundle for a repository.
    ///
    /// [`Error::ServiceRefused`] where the token may not; [`Error::ServiceUnavailable`].
    pub async fn keep(&self, repository: &GitHubRepository, bundle: &[u8]) -> Result<(), Error> {
        let url = self.url(repository, &["attestations"])?;
        let bundle = json::parse(bundle)
            .map_err(|source| Error::Malformed { what: "a Sigstore bundle", source })?;
        let body = json!({"bundle": bundle}).to_string();
        let request = self.request(self.client.post(url)).body(body);
        let request = request.header("content-type", "application/json");
        self.exchange(self.deadline(), LONGEST_ANSWER).ask(request).await.map(drop)
    }

    /// That the repository may be seen: what GitHub says of its attestations is true then.
    async fn is_visible(
        &self,
        repository: &GitHubRepository,
        deadline: Instant,
    ) -> Result<(), Error> {
        let url = self.url(repository, &[])?;
        let request = self.request(self.client.get(url));
        self.exchange(deadline, LONGEST_ANSWER).ask(request).await.map(drop)
    }

    fn attestations(url: &Url, page: &[u8]) -> Result<Vec<Value>, Error> {
        let mut page = json::parse(page).map_err(|source| Error::ServiceAnswer {
            service: SERVICE,
            url: shown(url),
            source: source.into(),
        })?;
        match page.get_mut("attestations").map(Value::take) {
            Some(Value::Array(attestations)) => Ok(attestations),
            _ => Err(answer(url, "it has no list of attestations")),
        }
    }

    /// The bundle of an attestation: in the list, or where the list says it is.
    async fn bundle(
        &self,
        url: &Url,
        attestation: &Value,
        deadline: Instant,
    ) -> Result<Vec<u8>, Error> {
        if let Some(bundle) = attestation.get("bundle").filter(|bundle| bundle.is_object()) {
            return Ok(bundle.to_string().into_bytes());
        }
        let elsewhere = attestation.get("bundle_url").and_then(Value::as_str);
        let elsewhere = elsewhere.and_then(|text| Url::parse(text).ok());
        let elsewhere = elsewhere
            .ok_or_else(|| answer(url, "an attestation has neither a bundle nor its address"))?;
        // What is open is for an API on this machine alone.
        if elsewhere.scheme() != "https" && elsewhere.host() != self.api.host() {
            return Err(Error::OpenTransport { url: shown(&elsewhere) });
        }
        check_transport(&elsewhere)?;
        // Without the token: the address is all it takes.
        let request = self.client.get(elsewhere.clone());
        let longest = self.limits.evidence;
        let exchange =
            Exchange { service: STORAGE, secret: None, ..self.exchange(deadline, longest) };
        match exchange.ask(request).await? {
            Answer::Done(compressed) => inflate(&elsewhere, &compressed, longest),
            Answer::Known(_) | Answer::Stale => Err(answer(&elsewhere, "it is no bundle")),
        }
    }

    /// The page that follows, on the same origin: the token goes along.
    fn next(&self, url: &Url, links: &[String]) -> Result<Option<Url>, Error> {
        let mut links = links.iter().flat_map(|links| links.split(','));
        let Some(link) = links.find_map(next_link) else { return Ok(None) };
        let next = url.join(link).ok().filter(|next| next.origin() == self.api.origin());
        next.map(Some).ok_or_else(|| answer(url, "the next page is elsewhere"))
    }

    fn url(&self, repository: &GitHubRepository, rest: &[&str]) -> Result<Url, Error> {
        let mut url = self.api.clone();
        match url.path_segments_mut() {
            Ok(mut path) => {
                path.pop_if_empty().extend(["repos", &repository.owner, &repository.name]);
                path.extend(rest);
            }
            Err(()) => return Err(answer(&self.api, "it is no address of an API")),
        }
        Ok(url)
    }

    fn request(&self, request: RequestBuilder) -> RequestBuilder {
        let request = request
            .header("accept", "application/vnd.github+json")
            .header("x-github-api-version", "2022-11-28");
        match &self.token {
            Some(token) => request.bearer_auth(token.expose()),
            None => request,
        }
    }

    fn deadline(&self) -> Instant {
        let now = Instant::now();
        now.checked_add(self.patience.budget).unwrap_or(now)
    }

    const fn exchange(&self, deadline: Instant, longest: u64) -> Exchange<'_> {
        Exchange {
            service: SERVICE,
            patience: &self.patience,
            deadline,
            stale: None,
            absent: Absent::ForGood,
            longest,
            secret: self.token.as_ref(),
        }
    }
}

/// A raw block of snappy: <https://github.com/google/snappy/blob/1.2.2/format_description.txt>. It says first how long it
/// will be.
fn inflate(url: &Url, compressed: &Bytes, longest: u64) -> Result<Vec<u8>, Error> {
    let failed = |source: snap::Error| Error::ServiceAnswer {
        service: STORAGE,
        url: shown(url),
        source: source.into(),
    };
    let length = snap::raw::decompress_len(compressed).map_err(failed)?;
    if u64::try_from(length).map_or(true, |length| length > longest) {
        return Err(Error::TooLarge { what: "a bundle", limit: longest });
    }
    snap::raw::Decoder::new().decompress_vec(compressed).map_err(failed)
}

fn answer(url: &Url, what: &str) -> Error {
    Error::ServiceAnswer { service: SERVICE, url: shown(url), source: what.into() }
}

/// An address without what it may hold that nobody is to see.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.to_string()
}

/// The address of a link whose relation is `next`.
fn next_link(link: &str) -> Option<&str> {
    let (address, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
    let mut parameters = parameters.split(';').map(str::trim);
    parameters.any(|one| matches!(one, "rel=\"next\"" | "rel=next")).then_some(address)
}

#[cfg(test)]
#[cfg(feature = "testing")]
mod tests;
