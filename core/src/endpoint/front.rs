//! Replies that are written over the input that was consumed already, so that a turn needs no second buffer: what comes in
//! and what goes out share the lines of the CPU's cache.

use super::{Endpoint, Output, output::taken};
use crate::{
    Outgoing, Role, SendError,
    copy::copy,
    frame::{self, Encoded, HEADER, Header},
    mask,
    outbox::LARGE,
};
use std::io::IoSlice;

/// What a reply in a turn may be written to: consumed input, and the socket itself. What waits in it goes before all that
/// waits in the outbox, which knows how much that is.
pub(crate) struct Front<'f> {
    room: &'f mut [u8],
    /// Where large replies go, if nothing is left to be received in this turn.
    output: Option<&'f mut (dyn Output + 'f)>,
}

impl<'f> Front<'f> {
    /// With room, where replies may be written to the connection's input. Something must follow it there: what begins where it
    /// ends is then the message that came, and nothing else.
    #[inline]
    pub(super) fn new(is_in_place: bool, room: &'f mut [u8], is_last: bool, output: &'f mut impl Output) -> Self {
        if !is_in_place {
            return Front::none();
        }
        Front { room, output: if is_last { Some(output) } else { None } }
    }

    /// No room: everything goes to the outbox.
    pub(crate) fn none() -> Self {
        Front { room: &mut [], output: None }
    }

    /// The same for a shorter time.
    #[inline]
    pub(crate) fn reborrow(&mut self) -> Front<'_> {
        let output = self.output.as_mut().map(|output| &mut **output as &mut dyn Output);
        Front { room: self.room, output }
    }
}

impl Endpoint {
    /// As [`Connection::send`](crate::Connection::send), to `front` where it has room and nothing else waits.
    #[inline(always)]
    pub(crate) fn send(&mut self, front: &mut Front<'_>, message: Outgoing<'_>) -> Result<(), SendError> {
        if !self.connection.sends_plainly() || message.prepared.is_some() {
            return self.connection.send(message);
        }
        let payload = message.payload.as_bytes();
        if payload.len() >= IN_PLACE {
            return self.send_longer(front, message);
        }
        let header = frame::encode(frame::first(true, message.kind.into()), payload.len(), None);
        if !self.copy_to_front(front, header, payload) {
            return self.connection.send(message);
        }
        self.connection.outbox.recycle(message.payload);
        self.connection.counting.message_sent(true);
        Ok(())
    }

    /// The same for what a copy costs more than a look at where it lies.
    #[inline(never)]
    fn send_longer(&mut self, front: &mut Front<'_>, message: Outgoing<'_>) -> Result<(), SendError> {
        let payload = message.payload.as_bytes();
        let header = frame::encode(frame::first(true, message.kind.into()), payload.len(), None);
        let outbox = &mut self.connection.outbox;
        // The message that came, or its beginning: with its header before it, it is one piece, where it is, and with those that
        // went back before it.
        if payload.as_ptr() == front.room.as_ptr_range().end
            && let Some(at) = front.room.len().checked_sub(header.size)
            && outbox.extend_front(at, header.size + payload.len())
        {
            front.room[at..].copy_from_slice(&header.bytes()[..header.size]);
            self.connection.counting.message_sent(true);
            return Ok(());
        }
        if self.copy_to_front(front, header, payload) {
            self.connection.outbox.recycle(message.payload);
            self.connection.counting.message_sent(true);
            return Ok(());
        }
        let before = self.connection.outbox.front_end().and_then(|used| front.room.get(..used));
        match (before, front.output.take()) {
            (Some(before), Some(output)) if payload.len() >= LARGE && message.payload.is_borrowed() => {
                self.connection.counting.message_sent(true);
                self.write_through(before, &header.bytes()[..header.size], payload, output);
                Ok(())
            }
            _ => self.connection.send(message),
        }
    }

    /// Copies a frame to the front. Whether there was room.
    #[inline(always)]
    fn copy_to_front(&mut self, front: &mut Front<'_>, header: Encoded, payload: &[u8]) -> bool {
        let outbox = &mut self.connection.outbox;
        let end = header.size + payload.len();
        if let Some(used) = outbox.front_end()
            && let Some(room) = front.room.get_mut(used..)
            && end <= room.len()
            && let Some((halves, _)) = room.split_at_mut_checked(HEADER)
        {
            // The payload takes the place of what is no header.
            for (to, half) in halves.as_chunks_mut().0.iter_mut().zip(header.halves()) {
                *to = half;
            }
            copy(&mut room[header.size..end], payload);
            outbox.add_front(end);
            return true;
        }
        false
    }

    /// Unmasks the payload of a whole message, which begins at `from`. Where the one before it went back from where it came,
    /// this one is moved to where it would follow, should it go back, too. Returns where it begins now.
    #[inline]
    pub(super) fn unmask(&self, bytes: &mut [u8], header: Header, from: usize) -> usize {
        if self.connection.role() == Role::Client {
            return from;
        }
        let payload = from..from + header.len;
        if header.len >= IN_PLACE
            && let Some(end) = self.connection.outbox.moved_front_end()
        {
            // A header of ours is shorter, by a mask.
            let to = end + frame::encode(0, header.len, None).size;
            mask::apply_within(bytes, payload, to, header.mask);
            return to;
        }
        mask::apply(&mut bytes[payload], header.mask);
        from
    }

    /// Writes what waits in front and a frame without a copy; what the socket does not take is kept.
    fn write_through(&mut self, front: &[u8], header: &[u8], payload: &[u8], output: &mut dyn Output) {
        let pieces = [front, header, payload];
        let written = output.write(&pieces.map(IoSlice::new)).and_then(taken);
        self.connection.outbox.unflushed |= written.is_ok();
        let outbox = &mut self.connection.outbox;
        let mut n = *written.as_ref().unwrap_or(&0);
        outbox.take_front(n);
        outbox.pass(n.saturating_sub(front.len()));
        for piece in pieces {
            let of_piece = n.min(piece.len());
            outbox.push(&piece[of_piece..], &[]);
            n -= of_piece;
        }
        if let Err(error) = written {
            self.fail(&error);
        }
    }
}

/// What is shorter is heard on the shortest way, and copied where it goes back, which costs no more than to look where it lies.
pub(super) const IN_PLACE: usize = 2048;

impl std::fmt::Debug for Front<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Front").field("room", &self.room.len()).finish_non_exhaustive()
    }
}
