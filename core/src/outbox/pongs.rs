//! Pongs in the outbox: so many wait at most, and then the newest.

use super::{Outbox, PONGS};
use alloc::{boxed::Box, collections::VecDeque};

/// Pongs that wait.
#[derive(Debug, Default)]
pub(super) struct Pongs {
    /// Where each ends, counted as the outbox counts what is sent.
    ends: VecDeque<u64>,
    /// The newest of those that were coalesced, as a frame; it is queued when there is room for it.
    late: Option<Box<[u8]>>,
}

impl Outbox {
    /// How many pongs wait, the one that was coalesced not counted.
    #[inline]
    pub(crate) fn unsent_pongs(&self) -> usize {
        self.pongs.as_ref().map_or(0, |pongs| pongs.ends.len())
    }

    /// A pong was pushed.
    pub(crate) fn note_pong(&mut self) {
        let end = self.sent + self.len() as u64;
        self.pongs.get_or_insert_default().ends.push_back(end);
    }

    /// Keeps a pong to be sent when fewer than [`PONGS`] wait; an older one that was kept is dropped.
    pub(crate) fn set_late_pong(&mut self, frame: &[u8]) {
        self.pongs.get_or_insert_default().late = Some(frame.into());
    }

    /// Queues the pong that was kept.
    #[cold]
    pub(crate) fn flush_late_pong(&mut self) {
        if let Some(frame) = self.pongs.as_mut().and_then(|pongs| pongs.late.take()) {
            self.push(&frame, &[]);
            self.note_pong();
        }
    }

    #[cold]
    pub(super) fn settle_pongs(&mut self) {
        let Some(pongs) = &mut self.pongs else { return };
        while pongs.ends.front().is_some_and(|end| *end <= self.sent) {
            pongs.ends.pop_front();
        }
        if pongs.ends.len() < PONGS && pongs.late.is_some() {
            self.flush_late_pong();
        } else if pongs.ends.is_empty() {
            self.pongs = None;
        }
    }

    /// Appends what gathered elsewhere: control frames, of which nothing was sent.
    pub(crate) fn append(&mut self, other: Outbox) {
        let start = self.sent + self.len() as u64;
        self.push(&other.buffer, &[]);
        if let Some(others) = other.pongs {
            let pongs = self.pongs.get_or_insert_default();
            pongs.ends.extend(others.ends.iter().map(|end| start + end));
            pongs.late = others.late;
        }
    }
}
