//! The pipe between inflating a layer and walking through it.

use crate::tarball::Skip;
use plimsoll_model::{Digest, digest::Digester};
use std::{
    io::{self, BufRead, Read},
    mem,
    sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel},
};

/// How many pieces may wait in the pipe.
const WAITING: usize = 4;
/// Size of a piece.
const PIECE: usize = 1 << 17;

/// Bytes on their way through the pipe.
#[derive(Debug, Default)]
pub(super) struct Piece {
    bytes: Vec<u8>,
    filled: usize,
}

/// The end of the pipe that inflated bytes are put into.
#[derive(Debug)]
pub(super) struct Intake {
    sender: SyncSender<Piece>,
    /// Pieces that were read at the other end, to be filled again.
    empty: Receiver<Piece>,
}

/// Inflated bytes in pieces, hashed as they arrive.
#[derive(Debug)]
pub(super) struct Chunks {
    receiver: Receiver<Piece>,
    empty: Sender<Piece>,
    chunk: Piece,
    /// How much of the chunk has been read.
    at: usize,
    digester: Digester,
}

/// Whether somebody still takes what is put into the pipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    Yes,
    No,
}

impl Piece {
    /// Fills the piece as far as `from` gives bytes.
    pub(super) fn fill(&mut self, from: &mut impl Read) -> io::Result<usize> {
        self.bytes.resize(PIECE, 0);
        self.filled = 0;
        while let Some(rest) = self.bytes.get_mut(self.filled..).filter(|rest| !rest.is_empty()) {
            match from.read(rest) {
                Ok(0) => break,
                Ok(count) => self.filled = self.filled.saturating_add(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.filled)
    }

    fn filled(&self) -> &[u8] {
        self.bytes.get(..self.filled).unwrap_or_default()
    }
}

impl Intake {
    /// A piece to be filled.
    pub(super) fn piece(&self) -> Piece {
        self.empty.try_recv().unwrap_or_default()
    }

    /// Hands a piece on; waits while there are too many.
    pub(super) fn put(&self, piece: Piece) -> Taken {
        if self.sender.send(piece).is_ok() { Taken::Yes } else { Taken::No }
    }
}

impl Chunks {
    pub(super) fn channel() -> (Intake, Self) {
        let (sender, receiver) = sync_channel(WAITING);
        let (emptied, empty) = channel();
        let (chunk, digester) = (Piece::default(), Digester::new());
        (Intake { sender, empty }, Self { receiver, empty: emptied, chunk, at: 0, digester })
    }

    /// The digest of everything, after what was not read has been hashed too.
    pub(super) fn finish(mut self) -> Digest {
        while self.next_chunk() {}
        self.digester.finish()
    }

    /// Waits for the next piece; false when there is none.
    fn next_chunk(&mut self) -> bool {
        let next = self.receiver.recv();
        let is_more = next.is_ok();
        let read = mem::replace(&mut self.chunk, next.unwrap_or_default());
        self.at = 0;
        self.digester.update(self.chunk.filled());
        // Where nothing comes any more nothing has to be filled.
        self.empty.send(read).ok();
        is_more
    }

    /// The bytes that can be had without waiting, after waiting for one; empty at the end.
    fn ready(&mut self) -> &[u8] {
        while self.at >= self.chunk.filled && self.next_chunk() {}
        self.chunk.filled().get(self.at..).unwrap_or_default()
    }
}

impl BufRead for Chunks {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        Ok(self.ready())
    }

    fn consume(&mut self, count: usize) {
        self.at = self.at.saturating_add(count);
    }
}

impl Read for Chunks {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let ready = self.ready();
        let count = ready.len().min(into.len());
        if let (Some(into), Some(ready)) = (into.get_mut(..count), ready.get(..count)) {
            into.copy_from_slice(ready);
        }
        self.at = self.at.saturating_add(count);
        Ok(count)
    }
}

impl Skip for Chunks {
    fn skip(&mut self, mut count: u64) -> io::Result<()> {
        while count > 0 {
            let ready = self.ready().len();
            if ready == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let step = usize::try_from(count).unwrap_or(usize::MAX).min(ready);
            self.at = self.at.saturating_add(step);
            count = count.saturating_sub(u64::try_from(step).unwrap_or(u64::MAX));
        }
        Ok(())
    }
}
