//! What waits to be sent: small frames in one contiguous buffer, large owned payloads as they are.

#[cfg(feature = "std")]
mod front;
mod piece;
mod pieces;
mod pongs;
#[cfg(feature = "std")]
mod write;

pub use piece::Piece;
use pieces::Pieces;
pub(crate) use pieces::Queue;
use pongs::Pongs;

use crate::{
    event::Payload,
    frame::{Encoded, HEADER},
    spares::{self, Lent},
};
use alloc::{boxed::Box, vec::Vec};
use core::mem;

/// Owned payloads of so many bytes are moved into the outbox, smaller ones are copied.
pub(crate) const LARGE: usize = 4096;

/// What waits to be sent, in order.
///
/// A driver writes [`chunk`](Outbox::chunk), or several chunks at once, tells [`advance`](Outbox::advance) how much the
/// socket took, and goes on until [`is_empty`](Outbox::is_empty); once [`is_finished`](Outbox::is_finished), it
/// half-closes. Drivers for completion-based I/O use [`take`](Outbox::take) and [`restore`](Outbox::restore) instead.
#[derive(Debug, Default)]
pub struct Outbox {
    buffer: Vec<u8>,
    /// How much of `buffer` is sent.
    start: usize,
    /// Payloads that go between the bytes of `buffer`.
    pieces: Pieces,
    /// Bytes that `take` gave out.
    taken: usize,
    /// Bytes of the piece at the front, or of the one that `take` gave out, that are sent and still kept.
    spent: usize,
    /// Bytes that go before all these, and lie in the loop's read buffer for this turn.
    #[cfg(feature = "std")]
    front: u32,
    /// Where they begin there.
    #[cfg(feature = "std")]
    front_at: u32,
    /// Whether `buffer` is the loop's, for this turn.
    lent: bool,
    /// What the loop has lent, likewise.
    pub(crate) spares: Lent,
    /// No frame will follow.
    finished: bool,
    /// There is nobody to take it.
    abandoned: bool,
    /// The driver has half-closed its socket.
    #[cfg(feature = "std")]
    pub(crate) shut: bool,
    /// The driver's socket took bytes that it may still keep.
    #[cfg(feature = "std")]
    pub(crate) unflushed: bool,
    /// The pongs that wait, where there are any.
    pongs: Option<Box<Pongs>>,
    /// All bytes that were ever sent.
    sent: u64,
}

impl Outbox {
    /// Whether nothing waits.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.has_only_front() && self.fronted() == 0
    }

    /// How many bytes wait.
    #[inline]
    pub fn len(&self) -> usize {
        self.fronted() + self.buffer.len() - self.start + self.pieces.bytes() + self.taken
    }

    /// How many bytes are kept: those that wait, and what of their first piece is sent already.
    #[inline]
    pub(crate) fn retained(&self) -> usize {
        self.len() + self.spent
    }

    /// Whether everything is sent and nothing will follow: time to half-close the socket (RFC 6455 7.1.1).
    #[inline]
    pub fn is_finished(&self) -> bool {
        self.finished && self.is_empty()
    }

    /// Whether the socket has yet to be half-closed, once nothing waits.
    #[cfg(feature = "std")]
    #[inline]
    pub(crate) fn owes_end(&self) -> bool {
        self.finished && !self.shut && self.is_empty()
    }

    /// The next contiguous bytes; empty when nothing waits, or all that waits is taken.
    #[inline]
    pub fn chunk(&self) -> &[u8] {
        match self.pieces.front() {
            _ if self.taken > 0 => &[],
            None => &self.buffer[self.start..],
            Some(placed) if placed.at == self.start => &placed.piece,
            Some(placed) => &self.buffer[self.start..placed.at],
        }
    }

    /// The socket took the next `n` bytes.
    ///
    /// # Panics
    /// If `n` is more than waits.
    #[inline]
    pub fn advance(&mut self, n: usize) {
        assert!(n <= self.len() - self.fronted() - self.taken, "more was sent than waited");
        self.sent += n as u64;
        if self.pieces.is_empty() {
            self.start += n;
        } else {
            self.advance_pieces(n);
        }
        self.settle();
    }

    fn advance_pieces(&mut self, mut n: usize) {
        while let Some(placed) = self.pieces.front() {
            let buffered = n.min(placed.at - self.start);
            self.start += buffered;
            n -= buffered;
            if self.start < placed.at {
                return;
            }
            let of_piece = n.min(placed.piece.len());
            let is_sent = of_piece == placed.piece.len();
            self.pieces.advance(of_piece);
            n -= of_piece;
            if !is_sent {
                self.spent = self.pieces.front().map_or(0, |placed| placed.piece.spent());
                return;
            }
            self.spent = 0;
            if let Some(buffer) = self.pieces.pop_front().and_then(Piece::into_buffer) {
                spares::give(&mut self.spares, buffer);
            }
        }
        self.start += n;
    }

    /// Gives back what a drained outbox needs no longer, so that an idle connection owns no buffer.
    #[inline]
    fn settle(&mut self) {
        if self.start == self.buffer.len() && self.pieces.is_empty() {
            self.start = 0;
            if self.lent {
                self.buffer.clear();
            } else {
                self.buffer = Vec::new();
            }
            if let Some(queue) = self.pieces.0.take()
                && let Some(spares) = &mut self.spares
            {
                spares.give_queue(queue);
            }
        } else if self.start > LARGE && self.start > self.buffer.len() / 2 && !self.lent {
            self.compact();
            self.buffer.shrink_to(self.buffer.len() + STEP);
        }
        if self.pongs.is_some() {
            self.settle_pongs();
        }
    }

    /// Takes the next piece by value, for completion-based I/O: the kernel owns it until the write completes. `None` when
    /// nothing waits, or while a piece is out. What is sent meanwhile gathers behind it. Give it back with
    /// [`restore`](Outbox::restore).
    pub fn take(&mut self) -> Option<Piece> {
        if self.taken > 0 || self.is_empty() {
            return None;
        }
        let piece = match self.pieces.front() {
            Some(placed) if placed.at == self.start => self.pieces.pop_front()?,
            Some(placed) => {
                let at = placed.at;
                let piece = Piece::from(self.buffer[self.start..at].to_vec());
                self.start = at;
                piece
            }
            None => {
                self.spent = self.start;
                let piece = Piece::new(mem::take(&mut self.buffer), mem::take(&mut self.start));
                self.lent = false;
                piece
            }
        };
        self.taken = piece.len();
        Some(piece)
    }

    /// Gives back a piece of which the first `n` bytes were sent. The rest goes first again.
    ///
    /// # Panics
    /// If `n` is more than the piece has.
    pub fn restore(&mut self, mut piece: Piece, n: usize) {
        assert!(n <= piece.len(), "more was sent than the piece has");
        self.taken = 0;
        self.spent = 0;
        self.sent += n as u64;
        if self.abandoned {
            return;
        }
        piece.advance(n);
        if !piece.is_empty() {
            self.spent = piece.spent();
            self.pieces.push_front(self.start, piece);
        }
        self.settle();
    }

    /// Lends the loop's scratch buffer for one turn, so that the connection needs none of its own. Does nothing while
    /// it has one: that would come back, and stay.
    #[inline]
    pub fn lend(&mut self, scratch: &mut Vec<u8>) {
        if self.buffer.capacity() == 0 && !self.lent {
            mem::swap(&mut self.buffer, scratch);
            self.lent = true;
        }
    }

    /// Takes the scratch buffer back, empty; what still waits moves to a buffer of the connection's own.
    #[inline]
    pub fn reclaim(&mut self, scratch: &mut Vec<u8>) {
        if !self.lent {
            return;
        }
        self.lent = false;
        mem::swap(&mut self.buffer, scratch);
        if self.start < scratch.len() || !self.pieces.is_empty() {
            self.keep(scratch);
        }
        scratch.clear();
        self.start = 0;
    }

    #[cold]
    fn keep(&mut self, scratch: &[u8]) {
        self.buffer = scratch[self.start..].to_vec();
        self.pieces.move_up(self.start);
    }

    /// Appends bytes of a frame, or of the opening handshake.
    /// Returns the payload as it lies there.
    #[inline]
    pub(crate) fn push(&mut self, header: &[u8], payload: &[u8]) -> &mut [u8] {
        self.reserve(header.len() + payload.len());
        self.buffer.extend_from_slice(header);
        let at = self.buffer.len();
        self.buffer.extend_from_slice(payload);
        &mut self.buffer[at..]
    }

    /// The same, without a copy where the payload is owned and large.
    #[inline]
    pub(crate) fn push_payload(&mut self, header: &[u8], payload: Payload<'_>) {
        match payload {
            Payload::Owned(bytes) if bytes.len() >= LARGE => self.push_piece(header, bytes.into()),
            Payload::Shared(bytes) if bytes.len() >= LARGE => {
                self.push_piece(header, bytes.into());
            }
            payload => {
                self.push(header, payload.as_bytes());
                self.recycle(payload);
            }
        }
    }

    /// What is copied may be used again.
    #[inline]
    pub(crate) fn recycle(&mut self, payload: Payload<'_>) {
        if let Payload::Owned(buffer) = payload {
            spares::give(&mut self.spares, buffer);
        }
    }

    /// Appends a frame with a small payload. A copy of fixed length is an instruction or two, one of any length is a call.
    #[inline]
    pub(crate) fn push_small(&mut self, header: Encoded, payload: &[u8]) {
        self.reserve(HEADER + payload.len());
        let at = self.buffer.len() + header.size;
        for half in header.halves() {
            self.buffer.extend_from_slice(&half);
        }
        self.buffer.truncate(at);
        self.buffer.extend_from_slice(payload);
    }

    /// Makes room for `more` bytes.
    #[inline]
    fn reserve(&mut self, more: usize) {
        if more > self.buffer.capacity() - self.buffer.len() {
            self.grow(more);
        }
    }

    /// What was sent makes room before memory does, or an outbox that is never quite empty would grow for ever. Work stays
    /// linear, since at most eight bytes move for each that was sent, and memory stays near to what waits.
    #[cold]
    fn grow(&mut self, more: usize) {
        if self.start >= (self.buffer.len() - self.start) / 8 {
            self.compact();
        }
        if more <= self.buffer.capacity() - self.buffer.len() {
            return;
        }
        let step = if self.lent { self.buffer.len() } else { self.buffer.len() / 8 };
        self.buffer.reserve_exact(more.max(step).max(STEP));
    }

    /// Whether nothing waits but what lies in front.
    #[inline]
    pub(crate) fn has_only_front(&self) -> bool {
        self.start == self.buffer.len() && self.pieces.is_empty() && self.taken == 0
    }

    /// How many bytes lie in front.
    #[inline]
    pub(crate) fn fronted(&self) -> usize {
        #[cfg(feature = "std")]
        return self.front as usize;
        #[cfg(not(feature = "std"))]
        0
    }

    /// Gives up the room of what was sent.
    fn compact(&mut self) {
        self.buffer.drain(..self.start);
        self.pieces.move_up(self.start);
        self.start = 0;
    }

    fn push_piece(&mut self, header: &[u8], piece: Piece) {
        if self.pieces.0.is_none()
            && let Some(spares) = &mut self.spares
        {
            self.pieces.0 = spares.take_queue();
        }
        self.reserve(header.len());
        self.buffer.extend_from_slice(header);
        self.pieces.push_back(self.buffer.len(), piece);
    }

    /// Nothing will follow.
    pub(crate) fn finish(&mut self) {
        self.flush_late_pong();
        self.finished = true;
    }

    /// Drops what waits: there is nobody to take it.
    pub(crate) fn abandon(&mut self) {
        self.clear();
        self.abandoned = true;
    }

    /// Drops what waits: it can not be said any more.
    pub(crate) fn clear(&mut self) {
        if self.lent {
            self.buffer.clear();
        } else {
            self.buffer = Vec::new();
        }
        self.start = 0;
        #[cfg(feature = "std")]
        {
            self.front = 0;
            self.front_at = 0;
        }
        self.pieces = Pieces::default();
        self.taken = 0;
        self.spent = 0;
        self.pongs = None;
        self.finished = true;
    }

    /// Whether it was dropped.
    #[cfg(feature = "std")]
    #[inline]
    pub(crate) fn is_abandoned(&self) -> bool {
        self.abandoned
    }

    /// All bytes that were ever sent, to see progress by.
    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }
}

/// So many unsent pongs wait at most; then they are coalesced to the newest.
pub(crate) const PONGS: usize = 32;
/// Bytes that a small outbox grows by.
const STEP: usize = 512;

#[cfg(all(test, feature = "std"))]
mod tests;
