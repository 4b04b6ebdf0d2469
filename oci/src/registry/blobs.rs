//! Reading blobs.

use super::{Registry, exchange::Call, retry::Retry, token::Scope};
use crate::{
    error::Error,
    manifest::Descriptor,
    stream::{ByteStream, verified},
};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, stream};
use plimsoll_model::Digest;
use reqwest::{
    Method, Response,
    header::{CONTENT_LENGTH, CONTENT_RANGE, RANGE},
};

impl Registry {
    fn get_blob(&self, method: Method, digest: &Digest) -> Call {
        let url = self.url(&format!("blobs/{digest}"));
        let attempt = self.attempt_by_digest("read blob", digest);
        Call::new(method, url, Scope::pull(&self.repository), attempt)
    }

    /// Whether the registry says it has the blob, in the promised size.
    pub(crate) async fn has_blob(&self, blob: &Descriptor) -> Result<bool, Error> {
        let call = self.get_blob(Method::HEAD, &blob.digest);
        let response = self.call(&call, &[200, 404]).await?;
        match stated_length(&response) {
            _ if response.status().as_u16() == 404 => Ok(false),
            Some(found) if found != blob.size => Err(wrong_size(blob, &call, found)),
            _ => Ok(true),
        }
    }

    /// The bytes of a blob; digest and size are those of the descriptor, or the stream ends with an error.
    pub(crate) async fn blob(&self, blob: &Descriptor) -> Result<ByteStream, Error> {
        let from = self.attempt_by_digest("", &blob.digest).on;
        Ok(verified(self.unverified_blob(blob).await?, blob.digest, blob.size, &from))
    }

    /// The bytes of a blob as they come, for who hashes them himself. A connection that breaks is taken up again where
    /// it broke.
    pub(crate) async fn unverified_blob(&self, blob: &Descriptor) -> Result<ByteStream, Error> {
        let call = self.get_blob(Method::GET, &blob.digest);
        let response = self.call(&call, &[200]).await?;
        if let Some(found) = stated_length(&response).filter(|found| *found != blob.size) {
            return Err(wrong_size(blob, &call, found));
        }
        let reading = Reading {
            registry: self.clone(),
            call,
            size: blob.size,
            response: Some(response),
            at: 0,
            skip: 0,
            retry: self.access.retry(),
            broke_at: 0,
        };
        let bytes = stream::unfold(Some(reading), |reading| async move {
            let mut reading = reading?;
            match reading.next().await {
                Ok(Some(bytes)) => Some((Ok(bytes), Some(reading))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        });
        // Readers may ask once more after the end.
        Ok(bytes.fuse().boxed())
    }

    /// A whole blob of at most `limit` bytes.
    pub(crate) async fn read_blob(&self, blob: &Descriptor, limit: u64) -> Result<Bytes, Error> {
        if blob.size > limit {
            let from = self.attempt_by_digest("", &blob.digest).on;
            return Err(Error::TooLarge { from, limit });
        }
        let mut retry = self.access.retry();
        loop {
            let read = match self.blob(blob).await {
                Ok(stream) => collect(stream).await,
                Err(error) => Err(error),
            };
            match read {
                Ok(bytes) => return Ok(bytes),
                Err(error) => retry.pause(error).await?,
            }
        }
    }
}

/// All of a verified stream, whose size is bounded by its descriptor's.
pub(crate) async fn collect(mut stream: ByteStream) -> Result<Bytes, Error> {
    let mut bytes = BytesMut::new();
    while let Some(chunk) = stream.next().await {
        bytes.extend_from_slice(&chunk?);
    }
    Ok(bytes.freeze())
}

/// A blob on its way.
struct Reading {
    registry: Registry,
    call: Call,
    size: u64,
    /// Absent when the connection broke.
    response: Option<Response>,
    /// How much has been handed on.
    at: u64,
    /// How much of the response has been handed on before.
    skip: u64,
    retry: Retry,
    /// How far it had come when the connection broke last: patience is for standing still.
    broke_at: u64,
}

impl Reading {
    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            let Some(response) = &mut self.response else {
                self.resume().await?;
                continue;
            };
            match self.registry.access.chunk(response, &self.call.attempt).await {
                Ok(None) => return Ok(None),
                Ok(Some(mut bytes)) => {
                    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                    let seen = self.skip.min(length);
                    self.skip = self.skip.saturating_sub(seen);
                    let fresh = bytes
                        .split_off(usize::try_from(seen).unwrap_or(usize::MAX).min(bytes.len()));
                    if fresh.is_empty() {
                        continue;
                    }
                    self.at = self.at.saturating_add(length.saturating_sub(seen));
                    return Ok(Some(fresh));
                }
                Err(error) => {
                    self.response = None;
                    if self.at > self.broke_at {
                        self.broke_at = self.at;
                        self.retry = self.registry.access.retry();
                    }
                    self.retry.pause(error).await?;
                }
            }
        }
    }

    /// Asks for the rest, with both ends of the range named. A server that sends everything again is let do so, and
    /// what was handed on before is passed over (F8).
    async fn resume(&mut self) -> Result<(), Error> {
        let last = self.size.saturating_sub(1);
        if self.at == 0 || self.at > last {
            self.response = Some(self.registry.call(&self.call, &[200]).await?);
            self.skip = self.at;
            return Ok(());
        }
        let call = self.call.clone().header(RANGE, &format!("bytes={}-{last}", self.at));
        let response = self.registry.call(&call, &[200, 206]).await?;
        if response.status().as_u16() == 200 {
            self.skip = self.at;
        } else {
            let begins = format!("bytes {}-", self.at);
            let range = response.headers().get(CONTENT_RANGE).and_then(|range| range.to_str().ok());
            if !range.is_some_and(|range| range.starts_with(&begins)) {
                return Err(Error::Header { attempt: call.attempt, header: "Content-Range" });
            }
            self.skip = 0;
        }
        self.response = Some(response);
        Ok(())
    }
}

fn stated_length(response: &Response) -> Option<u64> {
    response.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn wrong_size(blob: &Descriptor, call: &Call, found: u64) -> Error {
    Error::Size {
        from: call.attempt.on.clone(),
        digest: blob.digest,
        expected: blob.size,
        found: Some(found),
    }
}
