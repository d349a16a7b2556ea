//! Messages that are sent as one frame though not all of it is there yet: the header announces the length, and the pieces
//! follow. Control frames come between frames, never inside one (RFC 6455 5.4): they wait for its end.

use crate::{
    Connection, Outbox, Role, SendError,
    event::Payload,
    frame::{self, Opcode},
};
use alloc::boxed::Box;
use core::mem;

/// The frame whose payload is being sent in pieces.
#[derive(Debug)]
pub(crate) struct Announced {
    left: usize,
    /// As it is due for the next piece.
    mask: Option<[u8; 4]>,
    /// Control frames that wait for the frame's end; of pongs as many as an outbox holds, and the newest.
    waiting: Outbox,
}

/// The longest payload that a header can announce.
const MAX_FRAME: u64 = u64::MAX >> 1;

/// Whether a piece belongs to an announced frame.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    /// It is a frame of its own.
    Apart,
    /// It begins a frame of so many bytes.
    First(usize),
    /// It goes on with one.
    Inside,
}

impl Connection {
    /// Whether the outbox ends inside a frame.
    #[inline]
    pub(crate) fn is_amid_frame(&self) -> bool {
        self.announced.as_ref().is_some_and(|announced| announced.left > 0)
    }

    /// Where a piece of so many bytes goes, if it fits there.
    pub(crate) fn place(&self, message_len: Option<usize>, len: usize, fin: bool) -> Result<Place, SendError> {
        let (place, left) = match (&self.announced, message_len) {
            (Some(announced), _) => (Place::Inside, announced.left),
            (None, None) => return Ok(Place::Apart),
            // It is all there.
            (None, Some(left)) if fin && len == left => return Ok(Place::Apart),
            // RFC 6455 5.2: the most significant bit of a length is 0.
            (None, Some(left)) if left as u64 > MAX_FRAME => return Err(SendError::WrongLength),
            (None, Some(left)) => (Place::First(left), left),
        };
        if len > left || (fin && len < left) { Err(SendError::WrongLength) } else { Ok(place) }
    }

    /// Queues the header of a frame of `len` bytes.
    pub(crate) fn announce(&mut self, opcode: Opcode, len: usize) {
        // Later it would come inside the frame.
        self.outbox.flush_late_pong();
        let mask = (self.role == Role::Client).then(|| self.config.masks.mask());
        let header = frame::encode(frame::first(true, opcode), len, mask);
        self.outbox.push(&header.bytes()[..header.size], &[]);
        self.announced = Some(Box::new(Announced { left: len, mask, waiting: Outbox::default() }));
    }

    /// Queues a piece of the announced frame, and behind its last what waited for that.
    pub(crate) fn push_piece(&mut self, payload: Payload<'_>, fin: bool) {
        let Some(mut announced) = self.announced.take() else { return };
        announced.left -= payload.as_bytes().len();
        match announced.mask {
            None => self.outbox.push_payload(&[], payload),
            Some(mask) => announced.mask = Some(self.push_masked(&[], payload, mask)),
        }
        if announced.left == 0 {
            self.outbox.append(mem::take(&mut announced.waiting));
        }
        self.announced = (!fin).then_some(announced);
    }

    /// Queues control frames: behind the announced frame, where there is one.
    #[inline]
    pub(crate) fn between_frames(&mut self, push: impl FnOnce(&mut Self)) {
        if !self.is_amid_frame() {
            return push(self);
        }
        self.swap_waiting();
        push(self);
        self.swap_waiting();
    }

    fn swap_waiting(&mut self) {
        if let Some(announced) = &mut self.announced {
            mem::swap(&mut announced.waiting, &mut self.outbox);
        }
    }
}
