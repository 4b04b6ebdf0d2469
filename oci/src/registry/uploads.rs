//! Writing blobs.

use super::{Registry, exchange::Call, token::Scope};
use crate::{error::Error, manifest::Descriptor, stream::ByteStream};
use bytes::Bytes;
use futures_util::StreamExt as _;
use plimsoll_model::reference::Repository;
use reqwest::{
    Body, Method,
    header::{CONTENT_LENGTH, CONTENT_TYPE},
};
use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};
use url::Url;

/// What came of asking for a blob of another repository.
#[derive(Debug)]
pub(crate) enum Mount {
    /// It is here now.
    Done,
    /// It has to be uploaded, to this address.
    Upload(Upload),
}

/// Where a blob can be uploaded to.
#[derive(Debug)]
pub(crate) struct Upload {
    location: Url,
    scope: Scope,
}

impl Registry {
    /// Takes a blob over from another repository of the same registry, where the registry can and we may.
    pub(crate) async fn mount(&self, blob: &Descriptor, from: &Repository) -> Result<Mount, Error> {
        let scope = Scope::mount(&self.repository, from);
        let mut url = self.url("blobs/uploads/");
        url.query_pairs_mut()
            .append_pair("mount", &blob.digest.to_string())
            .append_pair("from", from.path());
        let attempt = self.attempt_by_digest("mount blob", &blob.digest);
        let call = Call::new(Method::POST, url, scope.clone(), attempt).header(CONTENT_LENGTH, "0");
        let response = self.call(&call, &[201, 202]).await?;
        if response.status().as_u16() == 201 {
            return Ok(Mount::Done);
        }
        Ok(Mount::Upload(Upload { location: self.onward(&response, &call.attempt)?, scope }))
    }

    /// Asks where a blob can be uploaded to.
    pub(crate) async fn begin_upload(&self, blob: &Descriptor) -> Result<Upload, Error> {
        let scope = Scope::push(&self.repository);
        let attempt = self.attempt_by_digest("begin to write blob", &blob.digest);
        let call = Call::new(Method::POST, self.url("blobs/uploads/"), scope.clone(), attempt)
            .header(CONTENT_LENGTH, "0");
        let response = self.call(&call, &[202]).await?;
        Ok(Upload { location: self.onward(&response, &call.attempt)?, scope })
    }

    /// Uploads a blob in one request. The stream can be read once, so this is attempted once.
    pub(crate) async fn upload(
        &self,
        upload: Upload,
        blob: &Descriptor,
        bytes: ByteStream,
    ) -> Result<(), Error> {
        let attempt = self.attempt_by_digest("write blob", &blob.digest);
        let mut url = upload.location;
        url.query_pairs_mut().append_pair("digest", &blob.digest.to_string());
        let authorization = self.known_authorization(&upload.scope).await;
        let sent = Arc::new(AtomicU64::new(0));
        let failure = Arc::new(Mutex::new(None));
        let request = self
            .access
            .http()
            .put(url.clone())
            .header(CONTENT_TYPE, "application/octet-stream")
            .header(CONTENT_LENGTH, blob.size)
            .body(body(bytes, Arc::clone(&sent), Arc::clone(&failure)));
        let request = self.authorized(request, &url, authorization.as_ref());
        let result = self.access.send(request, &attempt, &sent).await;
        // When the source broke, that is the reason, and not that the request was never finished.
        if let Some(error) = failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Err(error);
        }
        match self.access.accept(result?, &attempt, &[200, 201, 204]).await {
            Ok(_) => Ok(()),
            // Sessions end (F18), and some registries say so with 404.
            Err(Error::NotFound { attempt, reason }) => Err(Error::UploadLost { attempt, reason }),
            Err(error) => Err(error),
        }
    }
}

/// The stream as a request's body: counted, and with its error put aside.
fn body(bytes: ByteStream, sent: Arc<AtomicU64>, failure: Arc<Mutex<Option<Error>>>) -> Body {
    Body::wrap_stream(bytes.map(move |chunk: Result<Bytes, Error>| match chunk {
        Ok(chunk) => {
            sent.fetch_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX), Ordering::Relaxed);
            Ok(chunk)
        }
        Err(error) => {
            *failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            Err(io::Error::other("the blob could not be read"))
        }
    }))
}
