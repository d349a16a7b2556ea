//! What goes before the outbox, and lies in the loop's read buffer for the length of a turn.

use super::{Outbox, Placed};
use core::ops::Range;

impl Outbox {
    /// So many bytes more lie in front, behind those that did.
    #[inline]
    pub(crate) fn add_front(&mut self, n: usize) {
        self.front += n;
    }

    /// Nothing lies in front but this.
    #[inline]
    pub(crate) fn set_front(&mut self, at: usize, n: usize) {
        self.front_at = at;
        self.front = n;
    }

    /// Where more may be put in front: behind what lies there, if that begins where the loop's buffer does.
    #[inline]
    pub(crate) fn front_end(&self) -> Option<usize> {
        (self.front_at == 0).then_some(self.front)
    }

    /// Where in the loop's buffer it lies.
    #[inline]
    pub(crate) fn front_range(&self) -> Range<usize> {
        self.front_at..self.front_at + self.front
    }

    /// The socket took the next `n` bytes. What lay in front lies there no longer: returns how much of it is not sent, and
    /// has to be given back at once.
    pub(crate) fn take_front(&mut self, n: usize) -> usize {
        let of_front = n.min(self.front);
        let left = self.front - of_front;
        self.set_front(0, 0);
        self.sent += of_front as u64;
        left
    }

    /// The socket took `n` bytes that were never here.
    pub(crate) fn pass(&mut self, n: usize) {
        self.sent += n as u64;
    }

    /// What was in front goes first again, as bytes of the connection's own.
    #[cold]
    pub(crate) fn keep_front(&mut self, rest: &[u8]) {
        if self.has_only_front() {
            self.push(rest, &[]);
        } else {
            self.placed += rest.len();
            self.pieces.push_front(Placed { at: self.start, piece: rest.to_vec().into() });
        }
    }
}
