//! Pongs in the outbox: so many wait at most, and then the newest.

use super::{Outbox, PONGS};
use alloc::collections::VecDeque;

impl Outbox {
    /// How many pongs wait, the one that was coalesced not counted.
    #[inline]
    pub(crate) fn unsent_pongs(&self) -> usize {
        self.pongs.len()
    }

    /// A pong was pushed.
    pub(crate) fn note_pong(&mut self) {
        self.pongs.push_back(self.sent + self.len() as u64);
    }

    /// Keeps a pong to be sent when fewer than [`PONGS`] wait; an older one that was kept is dropped.
    pub(crate) fn set_late_pong(&mut self, frame: &[u8]) {
        self.late_pong = Some(frame.into());
    }

    /// Queues the pong that was kept.
    #[cold]
    pub(crate) fn flush_late_pong(&mut self) {
        if let Some(frame) = self.late_pong.take() {
            self.push(&frame, &[]);
            self.note_pong();
        }
    }

    #[cold]
    pub(super) fn settle_pongs(&mut self) {
        while self.pongs.front().is_some_and(|end| *end <= self.sent) {
            self.pongs.pop_front();
        }
        if self.pongs.is_empty() {
            self.pongs = VecDeque::new();
        }
        if self.pongs.len() < PONGS {
            self.flush_late_pong();
        }
    }
}
