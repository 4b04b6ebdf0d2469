//! Manifests and tags.

use super::{Registry, exchange::Call, token::Scope};
use crate::{
    error::Error,
    manifest::{DOCKER_LIST, DOCKER_MANIFEST, Manifest, OCI_INDEX, OCI_MANIFEST},
};
use plimsoll_model::{Digest, reference::Tag};
use reqwest::{
    Method, Response,
    header::{ACCEPT, CONTENT_TYPE, HeaderName},
};

const SUBJECT: HeaderName = HeaderName::from_static("oci-subject");
pub(super) const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// Whether a registry has taken note of what a manifest is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Noted {
    /// It lists the manifest among the referrers of its subject by itself.
    Yes,
    /// It does not: the fallback tag is for us to write.
    No,
}

impl Registry {
    /// The manifest with the digest.
    pub(crate) async fn manifest(&self, digest: &Digest) -> Result<Manifest, Error> {
        let call = self.get_manifest(&digest.to_string(), &format!("@{digest}"));
        let mut retry = self.access.retry();
        loop {
            let read = match self.call_once(&call, &[200]).await {
                Ok(response) => self.read_manifest(response, &call, Some(digest)).await,
                Err(error) => Err(error),
            };
            match read {
                Ok(manifest) => return Ok(manifest),
                Err(error) => retry.pause(error).await?,
            }
        }
    }

    /// What the tag stands for now, whole, so that nobody has to trust what a header says of it (C2).
    pub(crate) async fn tagged(&self, tag: &str) -> Result<Option<Manifest>, Error> {
        let call = self.get_manifest(tag, &format!(":{tag}"));
        let mut retry = self.access.retry();
        loop {
            let read = match self.call_once(&call, &[200, 404]).await {
                Ok(response) if response.status().as_u16() == 404 => return Ok(None),
                Ok(response) => self.read_manifest(response, &call, None).await,
                Err(error) => Err(error),
            };
            match read {
                Ok(manifest) => return Ok(Some(manifest)),
                Err(error) => retry.pause(error).await?,
            }
        }
    }

    pub(super) fn get_manifest(&self, reference: &str, shown: &str) -> Call {
        let url = self.url(&format!("manifests/{reference}"));
        let attempt = self.attempt("read manifest", shown);
        let accepted = [OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST].join(", ");
        Call::new(Method::GET, url, Scope::pull(&self.repository), attempt)
            .header(ACCEPT, &accepted)
    }

    async fn read_manifest(
        &self,
        response: Response,
        call: &Call,
        expected: Option<&Digest>,
    ) -> Result<Manifest, Error> {
        let limits = self.access.limits();
        let promised = media_type(&response);
        let bytes = self.access.body(response, limits.manifest, &call.attempt).await?;
        let from = &call.attempt.on;
        let found = Digest::of(&bytes);
        if let Some(expected) = expected.filter(|expected| **expected != found) {
            return Err(Error::Digest { from: from.clone(), expected: *expected, found });
        }
        Manifest::parse(bytes, promised.as_deref(), from, limits)
    }

    /// Whether the registry says it has the manifest.
    pub(crate) async fn has_manifest(&self, digest: &Digest) -> Result<bool, Error> {
        let call = Call {
            method: Method::HEAD,
            ..self.get_manifest(&digest.to_string(), &format!("@{digest}"))
        };
        Ok(self.call(&call, &[200, 404]).await?.status().as_u16() == 200)
    }

    /// Writes the manifest by its digest, or under a tag.
    pub(crate) async fn put_manifest(
        &self,
        manifest: &Manifest,
        tag: Option<&Tag>,
    ) -> Result<Noted, Error> {
        let digest = manifest.descriptor.digest;
        let reference = tag.map_or_else(|| digest.to_string(), Tag::to_string);
        let shown = tag.map_or_else(|| format!("@{digest}"), |tag| format!(":{tag}"));
        let attempt = self.attempt("write manifest", &shown);
        let url = self.url(&format!("manifests/{reference}"));
        let mut call = Call::new(Method::PUT, url, Scope::push(&self.repository), attempt)
            .header(CONTENT_TYPE, &manifest.descriptor.media_type);
        call.body = manifest.bytes.clone();
        let response = self.call(&call, &[200, 201]).await?;
        let header = |name| {
            response
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok()?.parse::<Digest>().ok())
        };
        // A registry that stored something else says so here, in its own disfavour only.
        if let Some(found) = header(CONTENT_DIGEST).filter(|found| *found != digest) {
            return Err(Error::Digest { from: call.attempt.on, expected: digest, found });
        }
        let is_noted =
            manifest.subject().is_some_and(|subject| header(SUBJECT) == Some(subject.digest));
        Ok(if is_noted { Noted::Yes } else { Noted::No })
    }
}

/// `Content-Type` without its parameters.
pub(super) fn media_type(response: &Response) -> Option<String> {
    let text = response.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    text.split(';').next().map(|text| text.trim().to_ascii_lowercase())
}
