//! What goes before the outbox, and lies in the loop's read buffer for the length of a turn. That buffer is far below 4 GiB.

use super::Outbox;
use core::ops::Range;

impl Outbox {
    /// So many bytes more lie in front, behind those that did.
    #[inline]
    pub(crate) fn add_front(&mut self, n: usize) {
        self.front += n as u32;
    }

    /// `n` bytes at `at` lie in front, too, if nothing does, or what does ends there, and does not begin where the loop's buffer
    /// does: behind that only copies follow. Whether they do.
    #[inline]
    pub(crate) fn extend_front(&mut self, at: usize, n: usize) -> bool {
        if self.front == 0 {
            self.front_at = at as u32;
        } else if self.front_at == 0 || self.front_range().end != at {
            return false;
        }
        self.front += n as u32;
        true
    }

    /// Where more may be put in front: behind what lies there, if that begins where the loop's buffer does.
    #[inline]
    pub(crate) fn front_end(&self) -> Option<usize> {
        (self.front_at == 0).then_some(self.front as usize)
    }

    /// Where what lies in front ends, if it begins elsewhere.
    #[inline]
    pub(crate) fn moved_front_end(&self) -> Option<usize> {
        (self.front_at > 0).then(|| self.front_range().end)
    }

    /// Where in the loop's buffer it lies.
    #[inline]
    pub(crate) fn front_range(&self) -> Range<usize> {
        let at = self.front_at as usize;
        at..at + self.front as usize
    }

    /// The socket took the next `n` bytes. What lay in front lies there no longer: returns how much of it is not sent, and
    /// has to be given back at once.
    #[inline]
    pub(crate) fn take_front(&mut self, n: usize) -> usize {
        let of_front = n.min(self.front as usize);
        let left = self.front as usize - of_front;
        self.front = 0;
        self.front_at = 0;
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
            self.pieces.push_front(self.start, rest.to_vec().into());
        }
    }
}
