//! Bytes on their way.

use crate::error::Error;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream, stream::BoxStream};
use plimsoll_model::{Digest, digest::Digester};

/// The bytes of a blob as they arrive.
///
/// Every stream this crate hands out is verified: it ends with an error instead of its last chunk
/// when size or digest are not the promised ones.
pub type ByteStream = BoxStream<'static, Result<Bytes, Error>>;

/// `stream`, which has to be `size` bytes with the digest `digest`; nothing past `size` is read.
///
/// The last chunk is held back until the digest has been checked, so nobody can finish on forged bytes.
pub(crate) fn verified(stream: ByteStream, digest: Digest, size: u64, from: &str) -> ByteStream {
    let state = Verifying {
        stream,
        digester: Some(Digester::new()),
        seen: 0,
        held: None,
        from: from.to_owned(),
    };
    stream::unfold(state, move |mut state| async move {
        let next = state.next(digest, size).await?;
        Some((next, state))
    })
    // Readers may ask once more after the end.
    .fuse()
    .boxed()
}

struct Verifying {
    stream: ByteStream,
    /// Taken when the stream has ended, well or badly.
    digester: Option<Digester>,
    seen: u64,
    held: Option<Bytes>,
    from: String,
}

impl Verifying {
    async fn next(&mut self, digest: Digest, size: u64) -> Option<Result<Bytes, Error>> {
        self.digester.as_ref()?;
        loop {
            match self.stream.next().await {
                Some(Ok(chunk)) if chunk.is_empty() => {}
                Some(Ok(chunk)) => {
                    self.seen =
                        self.seen.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
                    if self.seen > size {
                        return Some(Err(self.fail(Error::Size {
                            digest,
                            from: self.from.clone(),
                            expected: size,
                            found: None,
                        })));
                    }
                    if let Some(digester) = &mut self.digester {
                        digester.update(&chunk);
                    }
                    if let Some(ready) = self.held.replace(chunk) {
                        return Some(Ok(ready));
                    }
                }
                Some(Err(error)) => return Some(Err(self.fail(error))),
                None => return self.finish(digest, size),
            }
        }
    }

    fn finish(&mut self, digest: Digest, size: u64) -> Option<Result<Bytes, Error>> {
        let found = self.digester.take()?.finish();
        if self.seen != size {
            return Some(Err(Error::Size {
                digest,
                from: self.from.clone(),
                expected: size,
                found: Some(self.seen),
            }));
        }
        if found != digest {
            return Some(Err(Error::Digest { from: self.from.clone(), expected: digest, found }));
        }
        self.held.take().map(Ok)
    }

    fn fail(&mut self, error: Error) -> Error {
        self.digester = None;
        self.held = None;
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn check(chunks: &[&'static [u8]], promised: &[u8], size: u64) -> Result<Vec<u8>, Error> {
        let chunks: Vec<_> = chunks.iter().map(|chunk| Ok(Bytes::from_static(chunk))).collect();
        let mut stream = verified(stream::iter(chunks).boxed(), Digest::of(promised), size, "here");
        let mut read = Vec::new();
        while let Some(chunk) = stream.next().await {
            read.extend_from_slice(&chunk?);
        }
        Ok(read)
    }

    #[tokio::test]
    async fn what_was_promised_passes() {
        assert_eq!(check(&[b"ab", b"", b"c"], b"abc", 3).await.unwrap(), b"abc");
        assert_eq!(check(&[], b"", 0).await.unwrap(), b"");
    }

    #[tokio::test]
    async fn anything_else_is_an_error_before_the_last_chunk() {
        assert!(matches!(check(&[b"ab", b"x"], b"abc", 3).await, Err(Error::Digest { .. })));
        assert!(matches!(
            check(&[b"ab"], b"abc", 3).await,
            Err(Error::Size { expected: 3, found: Some(2), .. })
        ));
        assert!(matches!(
            check(&[b"abc", b"d"], b"abc", 3).await,
            Err(Error::Size { expected: 3, found: None, .. })
        ));
    }
}
