//! The commonest message, on the shortest way: not in fragments, not compressed, whole in the input of an open connection on
//! which nothing else is under way.

use crate::{
    Connection, Message, Role, State, Violation,
    frame::{self, Expect, Opcode},
    mask, utf8,
};
use alloc::borrow::Cow;
use core::mem;

impl Connection {
    /// Finds out whether the next message may go the shortest way.
    pub(crate) fn see_fast(&mut self) {
        self.fast = self.state == State::Open
            && self.message.is_none()
            && self.frame.is_none()
            && self.header_len == 0
            && self.stash.is_empty()
            && !self.eof
            && self.ending.is_none()
            && !self.held
            && !self.is_hixie()
            && !self.config.fragments;
    }

    /// The commonest case, without any state: an unfragmented message that lies whole in the input. `None`: it is something
    /// else, or has `most` bytes or more, for [`receive`](Connection::receive). Not made of `whole_message` and `take_message`: they
    /// take a tenth more instructions for the shortest messages (`.ci/cost.sh`).
    #[inline(always)]
    pub(crate) fn receive_message<'b>(&mut self, input: &mut &'b mut [u8], most: usize) -> Option<Message<'b>> {
        if !self.fast {
            return None;
        }
        let header = frame::parse_short(input, self.expected())?;
        let end = header.size + header.len;
        if header.len >= most || input.len() < end || self.is_paused() {
            return None;
        }
        let (frame, rest) = mem::take(input).split_at_mut(end);
        *input = rest;
        self.counting.bytes_received(end);
        let payload = &mut frame[header.size..];
        if self.role == Role::Server {
            mask::apply(payload, header.mask);
        }
        self.message_of(header.opcode, payload)
    }

    /// The header with which `input` begins, if it is that of an unfragmented message of less than 64 KiB that lies whole there,
    /// and is due.
    #[cfg(feature = "std")]
    #[inline(always)]
    pub(crate) fn whole_message(&self, input: &[u8]) -> Option<frame::Header> {
        if !self.fast || self.is_paused() {
            return None;
        }
        let header = frame::parse_short(input, self.expected())?;
        if input.len() - header.size < header.len {
            return None;
        }
        Some(header)
    }

    /// The same for a message of 64 KiB or more.
    #[cfg(feature = "std")]
    pub(crate) fn long_message(&self, input: &[u8]) -> Option<frame::Header> {
        if !self.fast || self.is_paused() {
            return None;
        }
        frame::parse_long(input, self.expected()).filter(|header| input.len() - header.size >= header.len)
    }

    /// That message, unmasked. `None`: what [`receive`](Connection::receive) tells next.
    #[cfg(feature = "std")]
    #[inline(always)]
    pub(crate) fn take_message<'b>(&mut self, header: frame::Header, payload: &'b mut [u8]) -> Option<Message<'b>> {
        self.counting.bytes_received(header.size + header.len);
        self.message_of(header.opcode, payload)
    }

    #[inline(always)]
    fn expected(&self) -> Expect {
        Expect {
            role: self.role,
            in_message: false,
            rsv1: false,
            max_frame: self.config.max_frame,
            max_message: self.config.max_message,
        }
    }

    /// `None`: text that is none.
    #[inline(always)]
    fn message_of<'b>(&mut self, opcode: Opcode, payload: &'b mut [u8]) -> Option<Message<'b>> {
        let message = if opcode == Opcode::Binary {
            Message::Binary(Cow::Borrowed(payload))
        } else {
            match utf8::text(payload) {
                Some(text) => Message::Text(Cow::Borrowed(text)),
                None => {
                    self.fail_soon(Violation::TextNotUtf8);
                    return None;
                }
            }
        };
        self.counting.message_received(true);
        Some(message)
    }
}
