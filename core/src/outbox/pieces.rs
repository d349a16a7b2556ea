//! The payloads that go between the bytes of an outbox.

use super::Piece;
use alloc::{boxed::Box, collections::VecDeque};

/// `piece` is due when as much of the outbox's buffer is sent as `at` says.
#[derive(Debug)]
pub(crate) struct Placed {
    pub(super) at: usize,
    pub(super) piece: Piece,
}

/// In order, where there are any: an outbox without them is that much smaller.
#[derive(Debug, Default)]
pub(super) struct Pieces(pub(super) Option<Box<Queue>>);

#[derive(Debug, Default)]
pub(crate) struct Queue {
    placed: VecDeque<Placed>,
    /// Bytes in all of them.
    bytes: usize,
}

impl Queue {
    pub(crate) fn capacity(&self) -> usize {
        self.placed.capacity()
    }
}

impl Pieces {
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.0.as_ref().is_none_or(|queue| queue.placed.is_empty())
    }

    /// Bytes in all of them.
    #[inline]
    pub(super) fn bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |queue| queue.bytes)
    }

    #[inline]
    pub(super) fn front(&self) -> Option<&Placed> {
        self.0.as_ref()?.placed.front()
    }

    #[cfg(feature = "std")]
    pub(super) fn iter(&self) -> impl Iterator<Item = &Placed> {
        self.0.iter().flat_map(|queue| &queue.placed)
    }

    /// So much of the buffer is gone.
    pub(super) fn move_up(&mut self, by: usize) {
        self.0.iter_mut().flat_map(|queue| &mut queue.placed).for_each(|placed| placed.at -= by);
    }

    /// `n` bytes of the first are sent.
    pub(super) fn advance(&mut self, n: usize) {
        if let Some(queue) = &mut self.0
            && let Some(first) = queue.placed.front_mut()
        {
            first.piece.advance(n);
            queue.bytes -= n;
        }
    }

    pub(super) fn pop_front(&mut self) -> Option<Piece> {
        let queue = self.0.as_mut()?;
        let piece = queue.placed.pop_front()?.piece;
        queue.bytes -= piece.len();
        Some(piece)
    }

    pub(super) fn push_front(&mut self, at: usize, piece: Piece) {
        let queue = self.0.get_or_insert_default();
        queue.bytes += piece.len();
        queue.placed.push_front(Placed { at, piece });
    }

    pub(super) fn push_back(&mut self, at: usize, piece: Piece) {
        let queue = self.0.get_or_insert_default();
        queue.bytes += piece.len();
        queue.placed.push_back(Placed { at, piece });
    }
}
