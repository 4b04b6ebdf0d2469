//! Between files and streams: reading and writing that blocks happens on threads that may.

use crate::{error::Error, layout::BlobWriter, stream::ByteStream};
use bytes::Bytes;
use camino::{Utf8Path, Utf8PathBuf};
use futures_util::{StreamExt as _, stream};
use std::io::{self, Read};
use tokio::task;

/// How much is read at once, in bytes.
const CHUNK: usize = 256 << 10;

/// Does what blocks where it may.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    task::spawn_blocking(work).await.map_err(|source| Error::Task { source })?
}

/// The bytes of a reader, as a stream. Nothing is verified here.
pub(crate) fn stream_of(reader: Box<dyn Read + Send>, path: &Utf8Path) -> ByteStream {
    stream::unfold(Some((reader, path.to_owned())), |state| async move {
        let (reader, path) = state?;
        match blocking(move || next_chunk(reader, path)).await {
            Ok((bytes, _)) if bytes.is_empty() => None,
            Ok((bytes, rest)) => Some((Ok(bytes), Some(rest))),
            Err(error) => Some((Err(error), None)),
        }
    })
    .boxed()
}

type Rest = (Box<dyn Read + Send>, Utf8PathBuf);

fn next_chunk(mut reader: Box<dyn Read + Send>, path: Utf8PathBuf) -> Result<(Bytes, Rest), Error> {
    let mut buffer = vec![0; CHUNK];
    let length = loop {
        match reader.read(&mut buffer) {
            Ok(length) => break length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(source) => return Err(Error::Read { path, source }),
        }
    };
    buffer.truncate(length);
    Ok((buffer.into(), (reader, path)))
}

/// Writes all of a stream; the blob is there when it has been verified, and only then.
pub(crate) async fn write(mut bytes: ByteStream, mut writer: BlobWriter) -> Result<(), Error> {
    while let Some(chunk) = bytes.next().await {
        let chunk = chunk?;
        writer = blocking(move || writer.write(&chunk).map(|()| writer)).await?;
    }
    blocking(|| writer.finish()).await
}
