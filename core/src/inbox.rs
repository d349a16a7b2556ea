//! What came on a connection and was not asked for yet.

use crate::{Closed, Connection, Event, Kind, Opened, OwnedFragment, OwnedMessage, Request};
use std::collections::VecDeque;

/// What came on a connection and was not asked for yet, for a `WebSocket` whose events outlive the loop's buffer.
#[derive(Debug, Default)]
pub struct Inbox {
    /// Whole messages, or pieces where the connection wants those.
    pieces: VecDeque<Piece>,
    bytes: usize,
    /// The message that is made of the pieces for who asks for messages.
    begun: Vec<u8>,
    /// The request that waits for its answer.
    pub request: Option<Box<Request>>,
    /// The opening handshake is done.
    pub opened: Option<Box<Opened>>,
    /// How the connection ended.
    pub closed: Option<Closed>,
}

#[derive(Debug)]
enum Piece {
    Whole(OwnedMessage),
    Part(OwnedFragment),
}

impl Piece {
    fn len(&self) -> usize {
        match self {
            Piece::Whole(message) => message.as_bytes().len(),
            Piece::Part(fragment) => fragment.payload.len(),
        }
    }
}

impl Inbox {
    /// Puts an event in. Behind a message or a fragment, `connection` is held until that was asked for. Pings and pongs are
    /// nobody's business here.
    pub fn put(&mut self, connection: &mut Connection, event: Event<'_>) {
        let piece = match event {
            Event::Message(message) => Piece::Whole(message.into()),
            Event::Fragment(fragment) => Piece::Part(fragment.into()),
            Event::Request(request) => return self.request = Some(request),
            Event::Open(opened) => return self.opened = Some(opened),
            Event::Closed(closed) => return self.closed = Some(closed),
            Event::Ping(_) | Event::Pong(_) => return,
        };
        self.bytes += piece.len();
        self.pieces.push_back(piece);
        connection.hold();
    }

    /// Takes from `connection` what it had set aside behind what was asked for last.
    pub fn refill(&mut self, connection: &mut Connection) {
        connection.release();
        while connection.wants_receive()
            && let Some(event) = connection.receive(&mut &mut [][..])
        {
            self.put(connection, event);
        }
    }

    /// The next message. Where fragments come, it is made of them when the last is there.
    pub fn take(&mut self) -> Option<OwnedMessage> {
        loop {
            let fragment = match self.next()? {
                Piece::Whole(message) => return Some(message),
                Piece::Part(fragment) => fragment,
            };
            let bytes = if self.begun.is_empty() && fragment.fin {
                fragment.payload
            } else {
                self.begun.extend_from_slice(&fragment.payload);
                if !fragment.fin {
                    continue;
                }
                std::mem::take(&mut self.begun).into()
            };
            return Some(match fragment.kind {
                Kind::Binary => OwnedMessage::Binary(bytes),
                // It is not UTF-8 only for who took the beginning as fragments.
                Kind::Text => match String::from_utf8(bytes.into()) {
                    Ok(text) => OwnedMessage::Text(text.into()),
                    Err(error) => OwnedMessage::Binary(error.into_bytes().into()),
                },
            });
        }
    }

    /// The next fragment; a whole message is one.
    pub fn take_fragment(&mut self) -> Option<OwnedFragment> {
        Some(match self.next()? {
            Piece::Part(fragment) => fragment,
            Piece::Whole(OwnedMessage::Text(text)) => {
                let payload = text.into_bytes();
                OwnedFragment { kind: Kind::Text, message_len: Some(payload.len()), payload, fin: true }
            }
            Piece::Whole(OwnedMessage::Binary(payload)) => {
                OwnedFragment { kind: Kind::Binary, message_len: Some(payload.len()), payload, fin: true }
            }
        })
    }

    fn next(&mut self) -> Option<Piece> {
        let piece = self.pieces.pop_front()?;
        self.bytes -= piece.len();
        if self.pieces.is_empty() {
            // An idle connection owns no buffer.
            self.pieces = VecDeque::new();
        }
        Some(piece)
    }

    /// Drops the messages.
    pub fn clear(&mut self) {
        self.pieces = VecDeque::new();
        self.begun = Vec::new();
        self.bytes = 0;
    }

    /// Whether there are messages.
    pub fn has_messages(&self) -> bool {
        !self.pieces.is_empty()
    }

    /// Bytes of the messages.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many things there are, to see whether a turn added one.
    pub fn len(&self) -> usize {
        let others = [self.request.is_some(), self.opened.is_some(), self.closed.is_some()];
        self.pieces.len() + others.into_iter().filter(|is| *is).count()
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
