//! How a connection reads: bytes in, events out.

use crate::{
    Closed, Connection, Event, Fragment, Kind, Message, Role, State, Violation,
    connection::{Frame, Opening},
    event::Cause,
    frame::{self, Expect, Header, Opcode},
    handshake, mask,
    state::Step,
    utf8,
};
use alloc::{borrow::Cow, boxed::Box};
use core::mem;

pub(crate) type Received<'b> = Result<Option<Event<'b>>, Violation>;

impl Connection {
    /// Takes what was read from the socket, and returns the next event. Call it until it returns `None`: all of `input`
    /// is then consumed, and the buffer is yours again. Call it so after every read, and with an empty input after
    /// [`accept`](Connection::accept), [`reject`](Connection::reject), [`receive_eof`](Connection::receive_eof) and
    /// [`handle_timeout`](Connection::handle_timeout), and after draining the outbox where
    /// [`wants_receive`](Connection::wants_receive).
    ///
    /// Payloads are unmasked in place. Events borrow `input`, never the connection, so a reply can be sent at once:
    ///
    /// ```
    /// # use timtow_core::{Connection, Event, SendError};
    /// fn echo(ws: &mut Connection, mut input: &mut [u8]) -> Result<(), SendError> {
    ///     while let Some(event) = ws.receive(&mut input) {
    ///         if let Event::Message(message) = event {
    ///             ws.send(message)?;
    ///         }
    ///     }
    ///     Ok(())
    /// }
    /// ```
    #[inline(always)]
    pub fn receive<'b>(&mut self, input: &mut &'b mut [u8]) -> Option<Event<'b>> {
        if self.fast && input.is_empty() {
            return None;
        }
        if let Some(message) = self.receive_message(input, usize::MAX) {
            return Some(Event::Message(message));
        }
        let before = input.len();
        let event = self.receive_slow(input);
        self.counting.received(before - input.len(), event.as_ref());
        event
    }

    /// The peer sends no more: the transport ended, or was half-closed. Call [`receive`](Connection::receive) afterwards.
    /// Replies that wait are still to be sent.
    pub fn receive_eof(&mut self) {
        self.eof = true;
        self.fast = false;
        if self.state == State::Lingering {
            self.outbox.finish();
        }
    }

    /// The transport failed, in either direction: nothing can be sent any more. Call [`receive`](Connection::receive)
    /// afterwards.
    pub fn receive_error(&mut self) {
        self.end_soon(Cause::Lost);
        self.receive_eof();
        self.outbox.abandon();
    }

    #[inline(never)]
    fn receive_slow<'b>(&mut self, input: &mut &'b mut [u8]) -> Option<Event<'b>> {
        if let Some(opened) = self.opened.take() {
            return Some(Event::Open(opened));
        }
        if let Some(closed) = self.ending.take() {
            *input = &mut [];
            return Some(self.end(*closed));
        }
        let received = match self.state {
            State::Connecting => return self.receive_opening(input),
            State::Requested => {
                self.set_aside(input);
                return None;
            }
            State::Open | State::Closing if self.stash.is_empty() => self.receive_frames(input),
            State::Open | State::Closing => self.receive_stash(input),
            State::Lingering | State::Closed => {
                *input = &mut [];
                return None;
            }
        };
        match received {
            Err(violation) => return Some(self.fail(violation, input)),
            Ok(Some(event)) if self.state.is_over() => {
                *input = &mut [];
                return Some(event);
            }
            Ok(Some(event)) => {
                self.see_fast();
                return Some(event);
            }
            Ok(None) => {}
        }
        if !input.is_empty() {
            self.set_aside(input);
        }
        if self.eof && self.stash.is_empty() && !self.held && !self.has_inflated() {
            return Some(self.end(self.ended_by_transport()));
        }
        self.see_fast();
        None
    }

    /// Keeps input that may not be parsed yet.
    pub(crate) fn set_aside(&mut self, input: &mut &mut [u8]) {
        self.stash.push(input);
        self.fast = false;
        *input = &mut [];
    }

    /// Parses what was set aside; its events own their bytes, since the stash does not outlive them.
    fn receive_stash(&mut self, input: &mut &mut [u8]) -> Received<'static> {
        let (mut stash, start) = self.stash.take();
        let len = stash.len();
        let mut rest = &mut stash[start..];
        let event = self.receive_frames(&mut rest)?.map(Event::into_owned);
        let start = len - rest.len();
        if start < len {
            // What is behind the end is not kept.
            if !self.state.is_over() {
                self.stash.restore(stash, start);
            }
        } else if event.is_none() {
            return Ok(self.receive_frames(input)?.map(Event::into_owned));
        }
        Ok(event)
    }

    fn receive_opening(&mut self, input: &mut &mut [u8]) -> Option<Event<'static>> {
        match self.opening.as_deref_mut() {
            Some(Opening::Server(opening)) => match opening.receive(input, &self.config) {
                Ok(Some((request, asked))) => {
                    let opening = if request.is_upgrade() { Opening::Asked(asked) } else { Opening::Get };
                    self.opening = Some(Box::new(opening));
                    self.step(Step::Requested);
                    self.trace.request(&request.target);
                    return Some(Event::Request(Box::new(request)));
                }
                Ok(None) => {}
                Err(refusal) => {
                    *input = &mut [];
                    self.outbox.push(&handshake::refusal_bytes(&refusal, &self.config, opening.is_head), &[]);
                    return Some(self.end(Closed::lost(Cause::Refused(refusal))));
                }
            },
            Some(Opening::Client(opening)) => match opening.receive(input, &self.config) {
                Ok(Some(opened)) => {
                    self.open(opened);
                    return self.opened.take().map(Event::Open);
                }
                Ok(None) if self.eof => {
                    let error = opening.receive_eof();
                    return Some(self.end(Closed::lost(Cause::Failed(Box::new(error)))));
                }
                Ok(None) => {}
                Err(error) => {
                    *input = &mut [];
                    return Some(self.end(Closed::lost(Cause::Failed(Box::new(error)))));
                }
            },
            Some(Opening::Asked(_) | Opening::Get) | None => {}
        }
        self.eof.then(|| self.end(Closed::lost(Cause::Lost)))
    }

    /// Reads frames until there is an event, the input ends, or the rest must wait.
    fn receive_frames<'b>(&mut self, input: &mut &'b mut [u8]) -> Received<'b> {
        #[cfg(feature = "legacy")]
        if self.is_hixie() {
            return self.receive_hixie(input);
        }
        loop {
            let event = match self.frame {
                Some(frame) if self.waits(frame, input) => return Ok(None),
                // The pieces of one frame are events that wait to be asked for, too.
                Some(_) if self.held && self.config.fragments => return Ok(None),
                Some(frame) => self.receive_payload(frame, input)?,
                None => {
                    if input.is_empty() || self.is_paused() {
                        return Ok(None);
                    }
                    let Some(header) = self.receive_header(input)? else {
                        return Ok(None);
                    };
                    self.begin_frame(header)?;
                    self.receive_whole_frame(header, input)?
                }
            };
            if event.is_some() {
                return Ok(event);
            }
        }
    }

    /// The next header, from the input, or from the pieces of it that came before.
    fn receive_header(&mut self, input: &mut &mut [u8]) -> Result<Option<Header>, Violation> {
        let expect = Expect {
            role: self.role,
            in_message: self.message.is_some(),
            rsv1: self.deflate.is_some(),
            max_frame: self.config.max_frame,
            max_message: self.config.max_message.saturating_sub(self.message_len),
        };
        let before = usize::from(self.header_len);
        let come = input.len().min(self.header.len() - before);
        self.header[before..before + come].copy_from_slice(&input[..come]);
        let header = frame::parse(&self.header[..before + come], expect)?;
        let taken = header.map_or(come, |header| header.size - before);
        *input = &mut mem::take(input)[taken..];
        self.header_len = if header.is_some() { 0 } else { (before + come) as u8 };
        Ok(header)
    }

    fn begin_frame(&mut self, header: Header) -> Result<(), Violation> {
        let Header { fin, opcode, rsv1, mask, len, .. } = header;
        self.frame = Some(Frame { fin, opcode, mask, left: len });
        match opcode {
            Opcode::Text => (self.message, self.compressed) = (Some(Kind::Text), rsv1),
            Opcode::Binary => (self.message, self.compressed) = (Some(Kind::Binary), rsv1),
            Opcode::Continuation => {}
            Opcode::Close | Opcode::Ping | Opcode::Pong => return Ok(()),
        }
        self.message_len += len;
        self.fragments += 1;
        match self.config.max_fragments {
            Some(max) if self.fragments > max => Err(Violation::TooManyFragments),
            _ => Ok(()),
        }
    }

    /// A frame whose payload is all there needs no copy, unless it is a fragment to be assembled.
    fn receive_whole_frame<'b>(&mut self, header: Header, input: &mut &'b mut [u8]) -> Received<'b> {
        let unfragmented = header.fin && header.opcode != Opcode::Continuation;
        let unfragmented = unfragmented && !self.config.fragments && !self.compressed;
        if input.len() < header.len || !(header.opcode.is_control() || unfragmented) {
            return Ok(None);
        }
        self.frame = None;
        let (payload, rest) = mem::take(input).split_at_mut(header.len);
        *input = rest;
        if self.role == Role::Server {
            mask::apply(payload, header.mask);
        }
        if header.opcode.is_control() {
            return self.receive_control(header.opcode, Cow::Borrowed(payload));
        }
        match self.end_message() {
            Some(kind) => Ok(Some(Event::Message(whole(kind, payload)?))),
            None => Ok(None),
        }
    }

    /// The next piece of a payload.
    fn receive_payload<'b>(&mut self, mut frame: Frame, input: &mut &'b mut [u8]) -> Received<'b> {
        if self.compressed && !frame.opcode.is_control() {
            return self.receive_compressed(frame, input);
        }
        let end = frame.left.min(input.len());
        let (piece, rest) = mem::take(input).split_at_mut(end);
        *input = rest;
        let is_whole = frame.fin && frame.opcode != Opcode::Continuation;
        let message_len = (is_whole && frame.left == self.message_len).then_some(frame.left);
        if self.role == Role::Server {
            frame.mask = mask::apply(piece, frame.mask);
        }
        frame.left -= piece.len();
        self.frame = (frame.left > 0).then_some(frame);
        self.timers.heard = true;
        if frame.opcode.is_control() {
            self.control.get_or_insert_default().push(piece);
            if frame.left > 0 {
                return Ok(None);
            }
            let control = self.control.take().unwrap_or_default();
            return self.receive_control(frame.opcode, Cow::Owned(control.payload().into()));
        }
        let Some(kind) = self.message else { return Ok(None) };
        let fin = frame.fin && frame.left == 0;
        if self.config.fragments {
            return self.receive_fragment(Fragment { kind, payload: Cow::Borrowed(piece), fin, message_len });
        }
        self.assembly.push(kind, piece, frame.left, &mut self.outbox.spares)?;
        if fin { self.end_assembly(kind).map(Some) } else { Ok(None) }
    }

    /// The message that was assembled.
    pub(crate) fn end_assembly<'b>(&mut self, kind: Kind) -> Result<Event<'b>, Violation> {
        self.end_message();
        Ok(Event::Message(match kind {
            Kind::Text => Message::Text(Cow::Owned(self.assembly.take_text().ok_or(Violation::TextNotUtf8)?)),
            Kind::Binary => Message::Binary(Cow::Owned(self.assembly.take_binary())),
        }))
    }

    pub(crate) fn end_message(&mut self) -> Option<Kind> {
        self.message_len = 0;
        self.fragments = 0;
        self.message.take()
    }

    /// As [`fail`](Connection::fail), but that the next `receive` says so.
    #[cold]
    pub(crate) fn fail_soon(&mut self, violation: Violation) {
        if self.state == State::Open {
            self.push_close(Some(violation.close_code()), "");
        }
        self.end_soon(Cause::Violation(violation));
    }

    /// The peer broke the protocol: it is told so, once, and the connection is over (RFC 6455 7.1.7).
    #[cold]
    fn fail(&mut self, violation: Violation, input: &mut &mut [u8]) -> Event<'static> {
        *input = &mut [];
        if self.state == State::Open {
            self.push_close(Some(violation.close_code()), "");
        }
        self.end(Closed::lost(Cause::Violation(violation)))
    }
}

/// A message that lies whole in the caller's buffer.
#[inline]
fn whole(kind: Kind, payload: &[u8]) -> Result<Message<'_>, Violation> {
    Ok(match kind {
        Kind::Text => Message::Text(Cow::Borrowed(utf8::text(payload).ok_or(Violation::TextNotUtf8)?)),
        Kind::Binary => Message::Binary(Cow::Borrowed(payload)),
    })
}
