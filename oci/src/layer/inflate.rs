//! From the bytes of a blob to those of the archive in it.

use super::{
    LayerFlaw, Reading, flawed,
    pipe::{Intake, Taken},
};
use crate::error::Error;
use flate2::bufread::GzDecoder;
use plimsoll_model::{digest::Digester, image::Layer};
use std::{
    io::{self, BufRead, BufReader, Read},
    sync::atomic::Ordering,
};

/// Size of the pieces that are read.
const PIECE: usize = 1 << 17;
/// How many of the first bytes tell how a layer is compressed.
const MAGIC: u64 = 4;
/// Up to here a layer may inflate however small it is stored.
const RATIO_FLOOR: u64 = 64 << 20;

/// How a layer is compressed, by its first bytes; what the media type says is not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    Gzip,
    Zstd,
    None,
}

impl Compression {
    /// RFC 1952, section 2.3.1; RFC 8878, sections 3.1.1 and 3.1.2 (skippable frames).
    pub(crate) fn of(bytes: &[u8]) -> Self {
        match bytes {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            _ => Self::None,
        }
    }
}

/// Inflates a blob into `to`, then reads it to its end and verifies it.
///
/// That nobody takes what is inflated any more is no error here: whoever stopped has one.
pub(super) fn inflate(
    blob: impl Read,
    layer: &Layer,
    reading: &Reading<'_>,
    to: &Intake,
) -> Result<(), Error> {
    let blob = Blob { inner: blob, digester: Digester::new(), seen: 0, layer, reading };
    let mut blob = BufReader::with_capacity(PIECE, blob);
    let inflated = decompress(&mut blob, layer, reading, to);
    if let Err(error) = &inflated
        && !matches!(error, Error::Layer { .. })
    {
        return inflated;
    }
    verify(blob)?;
    inflated
}

/// Reads on to the end of the blob and compares its size and its digest.
fn verify(mut blob: BufReader<Blob<'_, impl Read>>) -> Result<(), Error> {
    loop {
        let count = blob.fill_buf().map_err(|error| downcast(error, Error::GivenUp))?.len();
        if count == 0 {
            return blob.into_inner().finish();
        }
        blob.consume(count);
    }
}

fn decompress(
    blob: &mut impl BufRead,
    layer: &Layer,
    reading: &Reading<'_>,
    to: &Intake,
) -> Result<(), Error> {
    let by_ratio = layer.size.saturating_mul(reading.limits.layer_ratio).max(RATIO_FLOOR);
    let limit = by_ratio.min(reading.limits.layer_inflated);
    let mut output = Output { to, layer, limit, seen: 0 };
    // A piece that has arrived may be shorter than what tells.
    let mut start = Vec::new();
    let told = io::copy(&mut Read::by_ref(blob).take(MAGIC), &mut start);
    told.map_err(|error| output.failed(error))?;
    let compression = Compression::of(&start);
    let mut blob = start.as_slice().chain(blob);
    match compression {
        Compression::Gzip => gunzip(&mut blob, &mut output),
        Compression::Zstd => {
            let decoder = zstd::stream::read::Decoder::with_buffer(blob);
            output.copy(decoder.map_err(|error| output.failed(error))?).map(drop)
        }
        Compression::None => output.copy(blob).map(drop),
    }
}

/// Inflates one gzip member after the other, as pigz and eStargz write them. Zeros may follow, as tapes have them.
fn gunzip(mut blob: &mut impl BufRead, output: &mut Output<'_>) -> Result<(), Error> {
    loop {
        let mut member = GzDecoder::new(blob);
        if output.copy(&mut member)? == Taken::No {
            return Ok(());
        }
        blob = member.into_inner();
        match blob.fill_buf().map_err(|error| output.failed(error))? {
            [] => return Ok(()),
            [0x1f, ..] => {}
            _ => return zeros(blob, output),
        }
    }
}

fn zeros(blob: &mut impl BufRead, output: &Output<'_>) -> Result<(), Error> {
    loop {
        let rest = blob.fill_buf().map_err(|error| output.failed(error))?;
        if rest.iter().any(|byte| *byte != 0) {
            return Err(flawed(output.layer, LayerFlaw::TrailingBytes));
        }
        let count = rest.len();
        if count == 0 {
            return Ok(());
        }
        blob.consume(count);
    }
}

/// Where inflated bytes go, as long as they are not too many.
struct Output<'a> {
    to: &'a Intake,
    layer: &'a Layer,
    limit: u64,
    seen: u64,
}

impl Output<'_> {
    fn copy(&mut self, mut from: impl Read) -> Result<Taken, Error> {
        loop {
            let mut piece = self.to.piece();
            let filled = piece.fill(&mut from).map_err(|error| self.failed(error))?;
            if filled == 0 {
                return Ok(Taken::Yes);
            }
            self.seen = self.seen.saturating_add(u64::try_from(filled).unwrap_or(u64::MAX));
            if self.seen > self.limit {
                return Err(flawed(self.layer, LayerFlaw::TooLarge { limit: self.limit }));
            }
            if self.to.put(piece) == Taken::No {
                return Ok(Taken::No);
            }
        }
    }

    /// What a failed read means: the blob's own error, or that what it holds cannot be inflated.
    fn failed(&self, error: io::Error) -> Error {
        match error.downcast::<Error>() {
            Ok(own) => own,
            Err(error) => flawed(self.layer, LayerFlaw::Inflate(error)),
        }
    }
}

/// The bytes of a blob, counted and hashed. Its errors carry an [`Error`].
struct Blob<'a, R> {
    inner: R,
    digester: Digester,
    seen: u64,
    layer: &'a Layer,
    reading: &'a Reading<'a>,
}

impl<R: Read> Read for Blob<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.reading.given_up.load(Ordering::Relaxed) {
            return Err(io::Error::other(Error::GivenUp));
        }
        let count = loop {
            match self.inner.read(into) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(count) => break count,
                Err(error) => {
                    let path = format!("layer {}", self.layer.digest).into();
                    let error = error
                        .downcast::<Error>()
                        .unwrap_or_else(|source| Error::Read { path, source });
                    return Err(io::Error::other(error));
                }
            }
        };
        let more = u64::try_from(count).unwrap_or(u64::MAX);
        self.seen = self.seen.saturating_add(more);
        if self.seen > self.layer.size {
            return Err(io::Error::other(self.wrong_size(None)));
        }
        self.digester.update(into.get(..count).unwrap_or_default());
        self.reading.progress.bytes(more);
        Ok(count)
    }
}

impl<R> Blob<'_, R> {
    fn finish(self) -> Result<(), Error> {
        if self.seen != self.layer.size {
            return Err(self.wrong_size(Some(self.seen)));
        }
        let expected = self.layer.digest;
        let found = self.digester.finish();
        if found == expected {
            Ok(())
        } else {
            Err(Error::Digest { from: format!("layer {expected}"), expected, found })
        }
    }

    fn wrong_size(&self, found: Option<u64>) -> Error {
        Error::Size {
            from: format!("layer {}", self.layer.digest),
            digest: self.layer.digest,
            expected: self.layer.size,
            found,
        }
    }
}

fn downcast(error: io::Error, otherwise: Error) -> Error {
    error.downcast().unwrap_or(otherwise)
}
