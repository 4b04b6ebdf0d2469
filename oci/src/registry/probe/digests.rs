//! Whether answers are about the digest that was asked for, and what is listed is there.

use super::{Asking, untold};
use crate::{
    error::Error,
    manifest::{Content, Manifest},
    registry::{Registry, exchange::Call, manifests::CONTENT_DIGEST, token::Scope},
};
use bytes::Bytes;
use plimsoll_model::{
    Digest,
    reference::{ImageName, Tag},
    registry::{Lie, ReferrersApi, Told},
};
use reqwest::{Method, Response};
use serde::Deserialize;
use std::collections::BTreeSet;

/// How much of a list of tags is read, in bytes.
const TAGS_LIMIT: u64 = 4 << 20;
/// How many manifests are looked for that others name.
const LOOKED_FOR: usize = 32;
/// How much of a header is kept, in characters.
const SHOWN: usize = 100;

/// What there is to ask about.
pub(super) enum Known {
    /// This manifest.
    Image(Raw),
    /// There is nothing.
    Nothing,
    /// It can not be told, for this reason.
    Untold(String),
}

/// A manifest as it was sent, whatever it is.
pub(super) struct Raw {
    /// The tag or the digest that was asked for.
    pub(super) reference: String,
    /// The digest of the bytes.
    pub(super) digest: Digest,
    bytes: Bytes,
    /// What the registry says that the digest is.
    stated: Option<String>,
}

#[derive(Deserialize)]
struct Tags {
    tags: Option<Vec<String>>,
}

impl Raw {
    /// `:1.4`, `@sha256:…`.
    pub(super) fn shown(&self) -> String {
        shown(&self.reference)
    }

    /// Where the registry says that the digest is another one than this. Other algorithms are not compared.
    fn denies(&self, digest: &Digest) -> Option<String> {
        let stated = self.stated.as_deref()?;
        (stated.starts_with("sha256:") && stated != digest.to_string())
            .then(|| stated.chars().take(SHOWN).collect())
    }
}

fn shown(reference: &str) -> String {
    format!("{}{reference}", if reference.contains(':') { '@' } else { ':' })
}

impl Registry {
    /// One of the tags; nothing where there is none.
    pub(super) async fn first_tag(&self) -> Result<Option<Tag>, Error> {
        let attempt = self.attempt("list the tags of", "");
        let mut url = self.url("tags/list");
        url.set_query(Some("n=10"));
        let call = Call::new(Method::GET, url, Scope::pull(&self.repository), attempt);
        let response = self.call_once(&call, &[200]).await?;
        let body = self.access.body(response, TAGS_LIMIT, &call.attempt).await?;
        let list: Tags = serde_json::from_slice(&body).map_err(|source| Error::Json {
            from: format!("the tags of {}", self.repository),
            source,
        })?;
        Ok(list.tags.unwrap_or_default().iter().find_map(|tag| tag.parse().ok()))
    }

    /// The manifest as it comes, if there is one.
    async fn raw(&self, reference: &str) -> Result<Option<Raw>, Error> {
        let call = self.get_manifest(reference, &shown(reference));
        let response = self.call_once(&call, &[200, 404]).await?;
        if response.status().as_u16() == 404 {
            return Ok(None);
        }
        let stated = stated(&response);
        let limit = self.access.limits().manifest;
        let bytes = self.access.body(response, limit, &call.attempt).await?;
        let digest = Digest::of(&bytes);
        Ok(Some(Raw { reference: reference.to_owned(), digest, bytes, stated }))
    }

    /// What the registry says of a manifest without sending it: the digest it states, where the manifest is there.
    async fn head(&self, digest: &Digest) -> Result<Option<String>, Error> {
        let call = self.get_manifest(&digest.to_string(), &format!("@{digest}"));
        let call = Call { method: Method::HEAD, ..call };
        Ok(stated(&self.call_once(&call, &[200, 404]).await?))
    }
}

fn stated(response: &Response) -> Option<String> {
    let value = response.headers().get(CONTENT_DIGEST)?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

impl Asking<'_> {
    /// The image to ask about: the one that is named, else one of those that are there.
    pub(super) async fn known(&self, name: &ImageName) -> Known {
        let named = name.digest.map(|digest| digest.to_string());
        let named = named.or_else(|| name.tag.as_ref().map(Tag::to_string));
        let asked = self.in_time(async {
            let reference = match named {
                Some(reference) => Some(reference),
                None => match self.own.first_tag().await {
                    Ok(tag) => tag.map(|tag| tag.to_string()),
                    Err(Error::NotFound { .. }) => None,
                    Err(error) => return untold(&error),
                },
            };
            let Some(reference) = reference else { return Told::Is(None) };
            self.own.raw(&reference).await.map_or_else(|error| untold(&error), Told::Is)
        });
        match asked.await {
            Told::Is(Some(image)) => Known::Image(image),
            Told::Is(None) | Told::NoConsent => Known::Nothing,
            Told::Untold(why) => Known::Untold(why),
        }
    }

    /// Answers that are not about what was asked.
    pub(super) async fn lies(&self, known: &Known) -> Told<Vec<Lie>> {
        self.in_time(async {
            let mut lies = match self.lie_about_nothing().await {
                Ok(lie) => Vec::from_iter(lie),
                Err(error) => return untold(&error),
            };
            let image = match known {
                Known::Image(image) => image,
                // One lie is enough, and no proof of honesty is in what is not there.
                _ if !lies.is_empty() => return Told::Is(lies),
                Known::Nothing => {
                    return Told::Untold(
                        "there is no image whose digest could be compared".to_owned(),
                    );
                }
                Known::Untold(why) => return Told::Untold(why.clone()),
            };
            lies.extend(lies_about(image));
            match self.lies_by_digest(&image.digest).await {
                Ok(more) => lies.extend(more),
                Err(error) if lies.is_empty() => return untold(&error),
                Err(_) => {}
            }
            Told::Is(lies)
        })
        .await
    }

    /// Whether there is something by a digest that nothing has.
    async fn lie_about_nothing(&self) -> Result<Option<Lie>, Error> {
        let nobodys = self.nobodys_digest();
        Ok(self.own.raw(&nobodys.to_string()).await?.map(|raw| Lie {
            asked: format!("GET manifests/{nobodys}"),
            found: format!("a document whose digest is {}", raw.digest),
            expected: "404: nothing has this digest".to_owned(),
        }))
    }

    /// What was sent under a tag, asked for again by its digest.
    async fn lies_by_digest(&self, digest: &Digest) -> Result<Vec<Lie>, Error> {
        let Some(again) = self.own.raw(&digest.to_string()).await? else {
            let attempt = self.own.attempt_by_digest("read manifest", digest);
            return Err(Error::NotFound { attempt, reason: crate::error::Reason::default() });
        };
        let mut lies = lies_about(&again);
        let said = self.own.head(digest).await?;
        let head = Raw { stated: said, ..again };
        lies.extend(head.denies(digest).map(|found| Lie {
            asked: format!("HEAD manifests/{digest}"),
            found: format!("Docker-Content-Digest: {found}"),
            expected: digest.to_string(),
        }));
        Ok(lies)
    }

    /// How referrers are listed. Without an image, that the API does not answer tells nothing.
    pub(super) async fn referrers(&self, known: &Known) -> Told<ReferrersApi> {
        self.in_time(async {
            let (digest, is_known) = match known {
                Known::Image(image) => (image.digest, true),
                Known::Nothing | Known::Untold(_) => (self.nobodys_digest(), false),
            };
            match self.own.referrers_by_api(&digest).await {
                Ok(Some(_)) => Told::Is(ReferrersApi::Present),
                Ok(None) if is_known => Told::Is(ReferrersApi::Absent),
                Ok(None) => {
                    Told::Untold("there is no image whose referrers could be listed".to_owned())
                }
                Err(error) => untold(&error),
            }
        })
        .await
    }

    /// The manifests that are named by what is there, and are gone.
    pub(super) async fn gone(&self, known: &Known) -> Told<Vec<Digest>> {
        self.in_time(async {
            let image = match known {
                Known::Image(image) => image,
                Known::Nothing => return Told::Untold("there is no image to look at".to_owned()),
                Known::Untold(why) => return Told::Untold(why.clone()),
            };
            self.named_and_gone(image).await.unwrap_or_else(|error| untold(&error))
        })
        .await
    }

    async fn named_and_gone(&self, image: &Raw) -> Result<Told<Vec<Digest>>, Error> {
        let limits = self.own.access().limits();
        let manifest = Manifest::parse(image.bytes.clone(), None, &image.shown(), limits)?;
        let mut named: BTreeSet<Digest> = match &manifest.content {
            Content::Index(index) => index.manifests.iter().map(|child| child.digest).collect(),
            Content::Image(_) => BTreeSet::new(),
        };
        named.extend(self.own.listed_referrers(&image.digest).await?);
        let count = named.len();
        let mut gone = Vec::new();
        for digest in named.into_iter().take(LOOKED_FOR) {
            if !self.own.has_manifest(&digest).await? {
                gone.push(digest);
            }
        }
        if gone.is_empty() && count > LOOKED_FOR {
            let why =
                format!("{LOOKED_FOR} of {count} that are listed were looked for, and are there");
            return Ok(Told::Untold(why));
        }
        Ok(Told::Is(gone))
    }
}

/// What one answer says that is not so.
fn lies_about(raw: &Raw) -> Vec<Lie> {
    let asked = format!("GET manifests/{}", raw.reference);
    let mut lies = Vec::new();
    if let Ok(digest) = raw.reference.parse::<Digest>()
        && digest != raw.digest
    {
        let found = format!("a document whose digest is {}", raw.digest);
        lies.push(Lie { asked: asked.clone(), found, expected: digest.to_string() });
    }
    lies.extend(raw.denies(&raw.digest).map(|found| Lie {
        asked,
        found: format!("Docker-Content-Digest: {found}"),
        expected: format!("{}, the digest of what was sent", raw.digest),
    }));
    lies
}
