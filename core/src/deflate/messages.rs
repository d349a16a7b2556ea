//! What a connection does with compression: RSV1 marks the messages that are compressed (RFC 7692 6).

use super::{Codec, DeflateParameters, inflate::Limits};
use crate::{
    Config, Connection, Fragment, Kind, Role, Violation,
    connection::Frame,
    event::Payload,
    frame::{self, Opcode, RSV1},
    mask,
    receive::Received,
};
use std::{borrow::Cow, mem, sync::Arc};

/// Fragments that are delivered as they are inflated have about so many bytes at most.
const FRAGMENT: usize = 16 << 10;
/// Inflated in a turn, before others have theirs.
const MUCH: usize = 1 << 20;
/// Bytes of input for each step towards such a fragment: what is unmasked and not used is masked again.
const STEP: usize = 4 << 10;

impl Connection {
    /// Either side, after somebody else has done the opening handshake and agreed on compression in it. There is no
    /// [`Event::Open`](crate::Event).
    ///
    /// ```
    /// use std::sync::Arc;
    /// use timtow_core::{Config, Connection, DeflateParameters, Role};
    ///
    /// // The answer was `permessage-deflate; client_no_context_takeover; server_max_window_bits=12`.
    /// let agreed = DeflateParameters {
    ///     client_no_context_takeover: true,
    ///     server_max_window_bits: 12,
    ///     ..DeflateParameters::default()
    /// };
    /// let ws = Connection::upgraded_with_deflate(Role::Server, Arc::new(Config::default()), agreed);
    /// # drop(ws);
    /// ```
    pub fn upgraded_with_deflate(role: Role, config: Arc<Config>, agreed: DeflateParameters) -> Self {
        let deflate = Some(Codec::new(agreed, role, &config));
        Connection { deflate, ..Self::upgraded(role, config) }
    }

    /// Whether a fragment waits to be delivered, without more input.
    #[inline]
    pub(crate) fn has_inflated(&self) -> bool {
        self.deflate.as_ref().is_some_and(|deflate| deflate.inflater.has_more())
    }

    /// A turn begins: nothing was inflated in it yet.
    #[inline]
    pub(crate) fn begin_turn(&mut self) {
        if let Some(deflate) = &mut self.deflate {
            deflate.inflated = 0;
        }
    }

    /// Whether so much was inflated in this turn that it is the turn of others: one read can inflate to a thousand times as
    /// much.
    #[inline]
    pub(crate) fn has_inflated_much(&self) -> bool {
        self.deflate.as_ref().is_some_and(|deflate| deflate.inflated > MUCH)
    }

    /// Whether nothing can be done for this frame without more input, or before the outbox has room: one read can inflate to
    /// a thousand times as many fragments.
    #[inline]
    pub(crate) fn waits(&self, frame: Frame, input: &[u8]) -> bool {
        if !self.compressed || frame.opcode.is_control() {
            return frame.left > 0 && input.is_empty();
        }
        frame.left > 0 && input.is_empty() && !self.has_inflated() || self.config.fragments && self.is_paused()
    }

    /// The next piece of a compressed payload.
    pub(crate) fn receive_compressed<'b>(&mut self, mut frame: Frame, input: &mut &'b mut [u8]) -> Received<'b> {
        let (Some(kind), Some(deflate)) = (self.message, self.deflate.as_deref_mut()) else { return Ok(None) };
        self.timers.heard = true;
        if self.config.fragments {
            return self.receive_inflated_fragment(kind, frame, input);
        }
        let end = frame.left.min(input.len());
        let (piece, rest) = mem::take(input).split_at_mut(end);
        *input = rest;
        frame.mask = mask::apply(piece, frame.mask);
        frame.left -= end;
        self.frame = (frame.left > 0).then_some(frame);
        let (inflater, assembly, limits) = (&mut deflate.inflater, &mut self.assembly, limits(&self.config));
        let mut compressed = &*piece;
        loop {
            let inflated = inflater.step(&mut compressed, assembly.bytes(), limits)?;
            if inflated.is_empty() && compressed.is_empty() {
                break;
            }
            deflate.inflated += inflated.len();
            assembly.reserve(inflated.len(), limits.message)?;
            assembly.push(kind, inflated, 0, &mut self.outbox.spares)?;
        }
        if frame.left > 0 {
            return Ok(None);
        }
        inflater.begin_frame();
        if !frame.fin {
            return Ok(None);
        }
        inflater.finish(assembly.bytes())?;
        self.end_assembly(kind).map(Some)
    }

    /// A fragment for an application that wants those.
    fn receive_inflated_fragment<'b>(
        &mut self,
        kind: Kind,
        mut frame: Frame,
        input: &mut &'b mut [u8],
    ) -> Received<'b> {
        let Some(deflate) = self.deflate.as_deref_mut() else { return Ok(None) };
        let (inflater, limits) = (&mut deflate.inflater, limits(&self.config));
        let mut output = Vec::new();
        loop {
            let end = frame.left.min(input.len()).min(STEP);
            mask::apply(&mut input[..end], frame.mask);
            let mut compressed = &input[..end];
            while output.len() < FRAGMENT {
                let inflated = match inflater.step(&mut compressed, &[], limits) {
                    Ok(inflated) => inflated,
                    // What lies before goes before.
                    Err(_) if kind == Kind::Text && !self.assembly.check_text(&output, false) => {
                        return Err(Violation::TextNotUtf8);
                    }
                    Err(violation) => return Err(violation),
                };
                if inflated.is_empty() && compressed.is_empty() {
                    break;
                }
                output.extend_from_slice(inflated);
                deflate.inflated += inflated.len();
                let len = inflated.len();
                inflater.remember(&output[output.len() - len..]);
            }
            let used = end - compressed.len();
            frame.mask.rotate_left(used % 4);
            mask::apply(&mut input[used..end], frame.mask);
            *input = &mut mem::take(input)[used..];
            frame.left -= used;
            if output.len() >= FRAGMENT || frame.left == 0 || input.is_empty() {
                break;
            }
        }
        let complete = frame.left == 0 && !inflater.has_more();
        self.frame = (!complete).then_some(frame);
        let fin = complete && frame.fin;
        if complete {
            inflater.begin_frame();
        }
        if fin {
            inflater.finish(&[])?;
        }
        self.receive_fragment(Fragment { kind, payload: Cow::Owned(output), fin, message_len: None })
    }

    /// Queues a message, compressed where that makes it smaller.
    pub(crate) fn push_message(&mut self, kind: Kind, payload: Payload<'_>) {
        let first = frame::first(true, kind.into());
        match self.deflate.as_mut().and_then(|deflate| deflate.compressor.compress(payload.as_bytes())) {
            Some(compressed) => self.push_first(first | RSV1, Payload::Owned(compressed)),
            None => self.push_first(first, payload),
        }
    }

    /// Queues a fragment, compressed where the message is.
    pub(crate) fn push_fragment(&mut self, fin: bool, opcode: Opcode, payload: Payload<'_>) {
        let first = frame::first(fin, opcode);
        if let Some(deflate) = self.deflate.as_mut() {
            let bytes = payload.as_bytes();
            let is_first = opcode != Opcode::Continuation;
            let (marked, compressed) = deflate.compressor.begin_fragment(is_first, bytes.len(), fin);
            if compressed {
                let bytes = deflate.compressor.fragment(bytes, fin);
                // RFC 7692 6: the first frame alone says that the message is compressed.
                return self.push_first(if marked { first | RSV1 } else { first }, Payload::Owned(bytes));
            }
        }
        self.push_first(first, payload);
    }
}

fn limits(config: &Config) -> Limits {
    Limits { message: config.max_message, frame: config.max_frame }
}
