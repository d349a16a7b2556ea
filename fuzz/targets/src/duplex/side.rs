//! One side of a pair: a connection, its half of the transport, and what it sent and received.

use crate::{
    alloc,
    drive::{brief, work},
};
use std::{
    collections::VecDeque,
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};
use timtow_core::{Connection, Event, Fragment, Kind, Message, Piece, SendError, State};

/// A message by its kind, length and hash.
type Digest = (Kind, usize, u64);

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

pub(super) struct Side {
    pub(super) ws: Connection,
    /// Bytes that `ws` owns on the heap.
    owned: isize,
    /// What the peer wrote, and whether it wrote its last.
    pub(super) inbound: VecDeque<u8>,
    pub(super) ended: bool,
    /// The end was read.
    pub(super) eof: bool,
    /// All that it wrote.
    pub(super) wire: Vec<u8>,
    /// The piece that the kernel has.
    pub(super) taken: Option<Piece>,
    /// Nothing can be written any more.
    pub(super) broken: bool,
    pub(super) sent: Vec<Digest>,
    /// The fragmented message that is being sent.
    pub(super) sending: Vec<u8>,
    pub(super) received: Vec<Digest>,
    /// The pieces so far of the message that is coming in fragments.
    coming: Vec<u8>,
    /// Bytes that `ws` was given: to read, and to send.
    given: usize,
    /// All that it asked the allocator for.
    asked_for: isize,
    /// Calls in which it had something to say.
    spoken: usize,
    pub(super) asked: bool,
    pub(super) over: bool,
    pub(super) largest: usize,
}

/// What is known of an event when it is gone.
enum Told {
    Message(Digest),
    Asked,
    Over,
    Other,
}

impl Side {
    pub(super) fn new(ws: Connection, owned: isize) -> Self {
        Side {
            ws,
            owned,
            inbound: VecDeque::new(),
            ended: false,
            eof: false,
            wire: Vec::new(),
            taken: None,
            broken: false,
            sent: Vec::new(),
            sending: Vec::new(),
            received: Vec::new(),
            coming: Vec::new(),
            given: 0,
            asked_for: 0,
            spoken: 0,
            asked: false,
            over: false,
            largest: 0,
        }
    }

    /// Does something with the connection, and counts what it owns afterwards.
    pub(super) fn with<R>(&mut self, f: impl FnOnce(&mut Connection) -> R) -> R {
        let (before, asked_for, waited) = (alloc::owned(), alloc::total(), self.ws.buffered());
        let result = f(&mut self.ws);
        self.owned += alloc::owned() - before;
        self.asked_for += alloc::total() - asked_for;
        self.spoken += usize::from(self.ws.buffered() > waited);
        result
    }

    /// A message of this length, another than the last.
    pub(super) fn payload(&self, len: usize) -> Vec<u8> {
        let first = b'a' + (self.sent.len() % 26) as u8;
        let mut payload = vec![first; len];
        payload.iter_mut().skip(1).step_by(7).for_each(|byte| *byte = b'.');
        payload
    }

    pub(super) fn send(&mut self, text: bool, len: usize, owned: bool) {
        let payload = self.payload(len);
        let kind = if text { Kind::Text } else { Kind::Binary };
        let sent = self.with(|ws| match (text, owned) {
            (true, true) => ws.send(String::from_utf8(payload.clone()).expect("ASCII")),
            (true, false) => ws.send(std::str::from_utf8(&payload).expect("ASCII")),
            (false, true) => ws.send(payload.clone()),
            (false, false) => ws.send(&payload[..]),
        });
        let inside = !self.sending.is_empty();
        self.sent_or_why(sent, inside);
        self.given += len;
        if sent.is_ok() {
            self.sent.push((kind, len, hash(&payload)));
            self.largest = self.largest.max(len);
        }
    }

    /// `sending` has the kind in its first byte.
    pub(super) fn send_fragment(&mut self, text: bool, len: usize, fin: bool) {
        let payload = self.payload(len);
        let kind = if text { Kind::Text } else { Kind::Binary };
        let other = self.sending.first().is_some_and(|begun| *begun != u8::from(text));
        let sent =
            self.with(|ws| ws.send_fragment(Fragment { kind, payload: (&payload[..]).into(), fin, message_len: None }));
        self.given += len;
        self.sent_or_why(sent, other);
        if sent.is_err() {
            return;
        }
        if self.sending.is_empty() {
            self.sending.push(u8::from(text));
        }
        self.sending.extend_from_slice(&payload);
        self.largest = self.largest.max(self.sending.len());
        if fin {
            let whole = std::mem::take(&mut self.sending);
            self.sent.push((kind, whole.len() - 1, hash(&whole[1..])));
        }
    }

    /// An error is the one that it must be.
    pub(super) fn sent_or_why(&self, sent: Result<(), SendError>, inside: bool) {
        let expected = match self.ws.state() {
            State::Connecting | State::Requested => Err(SendError::NotOpen),
            State::Open if self.ws.ending().is_none() && inside => Err(SendError::InsideMessage),
            State::Open if self.ws.ending().is_none() => Ok(()),
            _ => Err(SendError::Closing),
        };
        assert_eq!(sent, expected, "{}", brief(&self.ws));
    }

    /// Gives `input` to the connection, until nothing comes of it; whether anything did.
    pub(super) fn receive(&mut self, mut input: Vec<u8>) -> bool {
        self.given += input.len();
        let mut rest = &mut input[..];
        let mut any = false;
        loop {
            let (before, asked_for, waited) = (alloc::owned(), alloc::total(), self.ws.buffered());
            let told = self.ws.receive(&mut rest).map(|event| match &event {
                Event::Message(message) => {
                    let kind = match message {
                        Message::Text(text) => {
                            assert!(std::str::from_utf8(text.as_bytes()).is_ok(), "text is UTF-8");
                            Kind::Text
                        }
                        Message::Binary(_) => Kind::Binary,
                    };
                    Told::Message((kind, message.as_bytes().len(), hash(message.as_bytes())))
                }
                Event::Fragment(Fragment { kind, payload, fin, .. }) => alloc::uncounted(|| {
                    self.coming.extend_from_slice(payload);
                    if !fin {
                        return Told::Other;
                    }
                    let whole = std::mem::take(&mut self.coming);
                    assert!(*kind == Kind::Binary || std::str::from_utf8(&whole).is_ok(), "text is UTF-8");
                    Told::Message((*kind, whole.len(), hash(&whole)))
                }),
                Event::Request(_) => Told::Asked,
                Event::Closed(_) => Told::Over,
                _ => Told::Other,
            });
            self.owned += alloc::owned() - before;
            self.asked_for += alloc::total() - asked_for;
            self.spoken += usize::from(self.ws.buffered() > waited);
            let Some(told) = told else { break };
            assert!(!self.over, "an event behind the end");
            any = true;
            match told {
                Told::Message(digest) => self.received.push(digest),
                Told::Asked => self.asked = true,
                Told::Over => self.over = true,
                Told::Other => {}
            }
        }
        assert!(rest.is_empty(), "receive consumes everything");
        any
    }

    /// Reads at most so much; whether there was anything.
    pub(super) fn read(&mut self, most: usize) -> bool {
        let mut input = Vec::new();
        if self.ws.wants_read() {
            input.extend(self.inbound.drain(..most.min(self.inbound.len())));
            if input.is_empty() && self.ended && self.inbound.is_empty() && !self.eof && most > 0 {
                self.eof = true;
                self.with(Connection::receive_eof);
            }
        }
        let moved = !input.is_empty();
        self.receive(input) || moved
    }

    /// Writes at most so much; whether there was anything.
    pub(super) fn write(&mut self, mut most: usize, peer: &mut Side) -> bool {
        let mut moved = false;
        while most > 0 && !self.broken {
            let chunk = self.ws.outbox().chunk();
            let n = chunk.len().min(most);
            if n == 0 {
                break;
            }
            assert!(!peer.ended, "nothing is written behind the end of the transport");
            self.wire.extend_from_slice(&chunk[..n]);
            peer.inbound.extend(&chunk[..n]);
            most -= n;
            moved = true;
            self.with(|ws| ws.outbox().advance(n));
        }
        if (self.ws.outbox().is_finished() || self.ws.is_closed()) && self.taken.is_none() && !peer.ended {
            peer.ended = true;
            moved = true;
        }
        moved
    }

    pub(super) fn restore(&mut self, most: usize, peer: &mut Side) {
        let Some(piece) = self.taken.take() else { return };
        let n = most.min(piece.len());
        if !self.broken && !peer.ended {
            self.wire.extend_from_slice(&piece[..n]);
            peer.inbound.extend(&piece[..n]);
        }
        self.with(|ws| ws.outbox().restore(piece, n));
    }

    pub(super) fn turn(&mut self, peer: &mut Side, now: Duration) -> bool {
        let mut moved = false;
        if self.ws.poll_timeout().is_some_and(|deadline| deadline <= now) {
            self.with(|ws| ws.handle_timeout(now));
            moved = true;
        }
        moved |= self.read(64 << 10);
        for round in 0.. {
            moved |= self.write(usize::MAX, peer);
            if !self.ws.wants_receive() {
                break;
            }
            assert!(round < 10_000, "it wants to receive for ever: {:?}", self.ws.state());
            self.receive(Vec::new());
        }
        if self.ws.poll_timeout() == Some(Duration::ZERO) {
            self.with(|ws| ws.handle_timeout(now));
        }
        let asks = self.ws.poll_timeout();
        assert!(asks.is_none_or(|asks| asks > now), "a busy loop: {asks:?} at {now:?}: {:?}", self.ws.state());
        // What was set aside may have been the beginning of a frame, without an event.
        moved || self.ws.wants_read() && !self.inbound.is_empty()
    }

    /// Whatever it says may need an outbox.
    pub(super) fn judge_work(&self) {
        let Side { asked_for, given, wire, spoken, .. } = self;
        let most = work(given + wire.len(), *spoken);
        assert!(*asked_for <= most, "{asked_for} bytes asked for, and not {most}, to say {spoken} things");
    }

    /// PROTOCOL: what it may own at most: its opening handshake; what waits and what may yet be appended without moving; a
    /// message in assembly; one read that is set aside, or what is held; pongs.
    pub(super) fn weigh(&self, largest: usize) {
        let waits = self.ws.buffered() * 5 / 4;
        let aside = self.ws.config().high_water + (128 << 10);
        let limit = (17 << 10) + waits + largest * 5 / 4 + (16 << 10) + aside + (5 << 10);
        assert!(self.owned <= limit as isize, "{} bytes, and not {limit}: {:?}", self.owned, self.ws.state());
        if self.ws.is_closed() && self.taken.is_none() && self.ws.buffered() == 0 {
            assert_eq!(self.owned, 0, "nothing is owned behind the end: {}", brief(&self.ws));
        }
    }
}
