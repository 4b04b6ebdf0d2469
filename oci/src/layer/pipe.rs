//! The pipe between inflating a layer and walking through it.

use crate::tarball::Skip;
use plimsoll_model::{Digest, digest::Digester};
use std::{
    io::{self, Read},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
};

/// How many pieces may wait in the pipe.
const WAITING: usize = 4;

/// Inflated bytes in pieces, hashed as they arrive.
#[derive(Debug)]
pub(super) struct Chunks {
    receiver: Receiver<Vec<u8>>,
    chunk: Vec<u8>,
    /// How much of the chunk has been read.
    at: usize,
    digester: Digester,
}

impl Chunks {
    pub(super) fn channel() -> (SyncSender<Vec<u8>>, Self) {
        let (sender, receiver) = sync_channel(WAITING);
        (sender, Self { receiver, chunk: Vec::new(), at: 0, digester: Digester::new() })
    }

    /// The digest of everything, after what was not read has been hashed too.
    pub(super) fn finish(mut self) -> Digest {
        while self.next_chunk() {}
        self.digester.finish()
    }

    /// Waits for the next piece; false when there is none.
    fn next_chunk(&mut self) -> bool {
        let Ok(chunk) = self.receiver.recv() else {
            self.chunk.clear();
            self.at = 0;
            return false;
        };
        self.digester.update(&chunk);
        (self.chunk, self.at) = (chunk, 0);
        true
    }

    /// The bytes that can be had without waiting, after waiting for one; empty at the end.
    fn ready(&mut self) -> &[u8] {
        while self.at >= self.chunk.len() && self.next_chunk() {}
        self.chunk.get(self.at..).unwrap_or_default()
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
