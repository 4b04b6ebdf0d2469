//! The beginnings of files, for those who want no more of them.

use plimsoll_model::tree::Condense;
use std::ops::ControlFlow;

/// Keeps so many bytes of the beginning of a file, and reads no more of it.
#[derive(Debug, Default)]
pub(crate) struct Head<const MOST: usize>(Vec<u8>);

impl<const MOST: usize> Condense for Head<MOST> {
    fn take(&mut self, piece: &[u8]) -> ControlFlow<()> {
        let room = MOST.saturating_sub(self.0.len());
        self.0.extend_from_slice(piece.get(..room).unwrap_or(piece));
        if self.0.len() < MOST { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }

    fn finish(self: Box<Self>) -> Option<Vec<u8>> {
        Some(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ends_with_the_last_byte_that_is_kept() {
        let mut head = Box::new(Head::<3>::default());
        assert_eq!(head.take(b"ab"), ControlFlow::Continue(()));
        assert_eq!(head.take(b"cd"), ControlFlow::Break(()));
        assert_eq!(head.finish(), Some(b"abc".to_vec()));
        assert_eq!(Box::new(Head::<3>::default()).finish(), Some(Vec::new()));
    }
}
