//! What came on a connection and was not asked for yet.

use crate::{Closed, Connection, Event, Opened, OwnedMessage, Request};
use std::collections::VecDeque;

/// What came on a connection and was not asked for yet, for a `WebSocket` whose events outlive the loop's buffer.
#[derive(Debug, Default)]
pub struct Inbox {
    messages: VecDeque<OwnedMessage>,
    bytes: usize,
    /// The request that waits for its answer.
    pub request: Option<Box<Request>>,
    /// The opening handshake is done.
    pub opened: Option<Box<Opened>>,
    /// How the connection ended.
    pub closed: Option<Closed>,
}

impl Inbox {
    /// Puts an event in. Behind a message, `connection` is held until the message was asked for. Pings, pongs and fragments
    /// are nobody's business here.
    pub fn put(&mut self, connection: &mut Connection, event: Event<'_>) {
        match event {
            Event::Message(message) => {
                let message = OwnedMessage::from(message);
                self.bytes += message.as_bytes().len();
                self.messages.push_back(message);
                connection.hold();
            }
            Event::Request(request) => self.request = Some(request),
            Event::Open(opened) => self.opened = Some(opened),
            Event::Closed(closed) => self.closed = Some(closed),
            Event::Fragment(_) | Event::Ping(_) | Event::Pong(_) => {}
        }
    }

    /// Takes from `connection` what it had set aside behind the message that was asked for last.
    pub fn refill(&mut self, connection: &mut Connection) {
        connection.release();
        while connection.wants_receive()
            && let Some(event) = connection.receive(&mut &mut [][..])
        {
            self.put(connection, event);
        }
    }

    /// The next message.
    pub fn take(&mut self) -> Option<OwnedMessage> {
        let message = self.messages.pop_front()?;
        self.bytes -= message.as_bytes().len();
        if self.messages.is_empty() {
            // An idle connection owns no buffer.
            self.messages = VecDeque::new();
        }
        Some(message)
    }

    /// Drops the messages.
    pub fn clear(&mut self) {
        self.messages = VecDeque::new();
        self.bytes = 0;
    }

    /// Whether there are messages.
    pub fn has_messages(&self) -> bool {
        !self.messages.is_empty()
    }

    /// Bytes of the messages.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many things there are, to see whether a turn added one.
    pub fn len(&self) -> usize {
        let others = [self.request.is_some(), self.opened.is_some(), self.closed.is_some()];
        self.messages.len() + others.into_iter().filter(|is| *is).count()
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
