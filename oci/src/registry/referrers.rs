//! What refers to a manifest: the referrers API, and the tag that stands in for it.
//!
//! Distribution specification v1.1.0, "Listing Referrers". There are three answers to whether something refers to a
//! manifest: these do, none do, and an error. A list that could not be read whole is never an empty one.

use super::{Registry, exchange::Call, manifests::Noted, token::Scope};
use crate::{
    error::{Attempt, Error},
    manifest::{Content, Descriptor, Manifest, OCI_INDEX},
};
use plimsoll_model::{Digest, reference::Tag};
use reqwest::{
    Method, Response,
    header::{ACCEPT, LINK},
};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use url::Url;

/// How many pages a list may have.
const PAGES: usize = 100;
/// How often a referrer is written into the fallback tag when somebody else overwrites it.
const ROUNDS: usize = 5;

impl Registry {
    /// The digests that the API and the fallback tag list, each once, in order.
    pub(crate) async fn listed_referrers(
        &self,
        subject: &Digest,
    ) -> Result<BTreeSet<Digest>, Error> {
        let mut listed = self.referrers_by_api(subject).await?.unwrap_or_default();
        // The tag is looked at where there is an API too: it may be older than the API.
        listed.extend(self.referrers_by_tag(subject).await?);
        let limit = self.access.limits().children;
        if listed.len() > limit {
            let from = self.attempt_by_digest("", subject).on;
            return Err(Error::TooMany { from, what: "referrers", limit });
        }
        Ok(listed)
    }

    /// What the API lists; nothing where there is no API, which the specification has a registry say by 404.
    pub(super) async fn referrers_by_api(
        &self,
        subject: &Digest,
    ) -> Result<Option<BTreeSet<Digest>>, Error> {
        let attempt = self.attempt_by_digest("list referrers of", subject);
        let mut url = self.url(&format!("referrers/{subject}"));
        let mut listed = BTreeSet::new();
        let mut pages = BTreeSet::new();
        loop {
            if pages.len() >= PAGES || !pages.insert(url.clone()) {
                return Err(Error::Pagination { attempt });
            }
            let call = Call::new(Method::GET, url, Scope::pull(&self.repository), attempt.clone())
                .header(ACCEPT, OCI_INDEX);
            // Only the first page can say that there is no API.
            let accepted: &[u16] = if pages.len() == 1 { &[200, 404, 405] } else { &[200] };
            let response = self.call(&call, accepted).await?;
            if response.status().as_u16() != 200 {
                return Ok(None);
            }
            let next = self.next_page(&response, &attempt)?;
            let limits = self.access.limits();
            let bytes = self.access.body(response, limits.manifest, &attempt).await?;
            let page = Manifest::parse(bytes, Some(OCI_INDEX), &attempt.on, limits)?;
            listed.extend(children(&page));
            if listed.len() > limits.children {
                return Err(Error::TooMany {
                    from: attempt.on,
                    what: "referrers",
                    limit: limits.children,
                });
            }
            match next {
                Some(next) => url = next,
                None => return Ok(Some(listed)),
            }
        }
    }

    /// `Link: <…>; rel="next"`, on the same origin.
    fn next_page(&self, response: &Response, attempt: &Attempt) -> Result<Option<Url>, Error> {
        let headers = response.headers().get_all(LINK).iter();
        let mut links =
            headers.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
        let Some(link) = links.find_map(next_link) else { return Ok(None) };
        let header = || Error::Header { attempt: attempt.clone(), header: "Link" };
        let url = response.url().join(link).ok().ok_or_else(header)?;
        if url.origin() == self.origin.origin() { Ok(Some(url)) } else { Err(header()) }
    }

    pub(super) async fn referrers_by_tag(
        &self,
        subject: &Digest,
    ) -> Result<BTreeSet<Digest>, Error> {
        let tagged = self.tagged(fallback_tag(subject)?.as_str()).await?;
        Ok(tagged.as_ref().map(|index| children(index).collect()).unwrap_or_default())
    }

    /// Makes sure that the list of referrers of its subject has `manifest`, which is there already or is written now.
    ///
    /// # Errors
    /// [`Error::ReferrerLost`] when others overwrite the fallback tag again and again.
    pub(crate) async fn put_referrer(
        &self,
        manifest: &Manifest,
        subject: &Digest,
    ) -> Result<(), Error> {
        if self.put_manifest(manifest, None).await? == Noted::Yes {
            return Ok(());
        }
        self.add_to_fallback(manifest, subject).await
    }

    /// Whether the list of referrers has it.
    pub(crate) async fn lists_referrer(
        &self,
        subject: &Digest,
        referrer: &Digest,
    ) -> Result<bool, Error> {
        Ok(self.listed_referrers(subject).await?.contains(referrer))
    }

    /// Reads, merges, writes, and reads again: registries have no compare-and-swap, so what was written may be
    /// overwritten by somebody who read before (C15, F14).
    async fn add_to_fallback(&self, manifest: &Manifest, subject: &Digest) -> Result<(), Error> {
        let tag = fallback_tag(subject)?;
        let referrer = manifest.as_referrer();
        let _writing = self.access.fallback().lock().await;
        for _ in 0..ROUNDS {
            let before = self.tagged(tag.as_str()).await?;
            if before
                .as_ref()
                .is_some_and(|index| children(index).any(|child| child == referrer.digest))
            {
                return Ok(());
            }
            let merged = self.merged(before.as_ref(), &referrer)?;
            self.put_manifest(&merged, Some(&tag)).await?;
        }
        Err(Error::ReferrerLost {
            place: Box::new(self.place()),
            subject: *subject,
            referrer: referrer.digest,
        })
    }

    /// The index with one more entry. What the entries say that we do not know stays as it is.
    fn merged(&self, before: Option<&Manifest>, referrer: &Descriptor) -> Result<Manifest, Error> {
        let from = self.repository.to_string();
        let malformed = |source| Error::Json { from: from.clone(), source };
        let mut index = match before {
            Some(Manifest { content: Content::Index(_), bytes, .. }) => {
                serde_json::from_slice(bytes).map_err(malformed)?
            }
            // Off-spec: ghcr.io answers for an absent fallback tag with the image itself.
            Some(Manifest { content: Content::Image(_), .. }) | None => {
                json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []})
            }
        };
        if let Some(entries) = index.get_mut("manifests").and_then(Value::as_array_mut) {
            entries.push(referrer.to_json());
        }
        let bytes = serde_json::to_vec(&index).map_err(malformed)?;
        Manifest::parse(bytes.into(), Some(OCI_INDEX), &from, self.access.limits())
    }
}

fn children(manifest: &Manifest) -> impl Iterator<Item = Digest> {
    let entries = match &manifest.content {
        Content::Index(index) => index.manifests.as_slice(),
        Content::Image(_) => &[],
    };
    entries.iter().map(|entry| entry.digest)
}

/// `sha256-` and the digits: the tag that holds the list where there is no API.
fn fallback_tag(subject: &Digest) -> Result<Tag, Error> {
    let text = format!("sha256-{}", subject.hex());
    text.parse().ok().ok_or(Error::NotAnImage { reference: text })
}

/// The address of a link whose relation is `next`.
fn next_link(link: &str) -> Option<&str> {
    let (address, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
    let mut parameters =
        parameters.split(';').filter_map(|parameter| parameter.trim().split_once('='));
    let is_next = |(name, value): (&str, &str)| {
        name.trim().eq_ignore_ascii_case("rel") && value.trim().trim_matches('"') == "next"
    };
    parameters.any(is_next).then_some(address)
}
