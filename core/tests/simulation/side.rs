//! One endpoint, its application, and a driver that is correct, but takes and gives as little as it likes.

use crate::{
    common::alloc,
    common::chance::Chance,
    judge::{Judge, Link},
    pipe::{Moved, Pipe},
    plan::{Act, Form, Idiom, READ, SidePlan},
    wire::Wire,
};
use std::{cell::RefCell, io::IoSlice, rc::Rc, sync::Arc, time::Duration};
use timtow_core::{Connection, Endpoint, Fragment, OwnedMessage, Piece, Prepared, State, Text};

pub struct Side {
    pub endpoint: Endpoint,
    pub plan: SidePlan,
    pub judge: Judge,
    pub wire: Wire,
    pub wait_until: Duration,
    /// Nothing new since the application asked for events in vain.
    pub asked: bool,
    /// The socket is half-closed; it is dropped.
    pub shut: bool,
    pub dropped: bool,
    /// The write that is under way.
    in_flight: Option<Piece>,
    /// What the connection owns on the heap, and what it owned at most within a call.
    pub heap: isize,
    pub peak: isize,
    /// What it might own before.
    pub ceiling: isize,
    buffer: Vec<u8>,
    scratch: Vec<u8>,
}

/// The pipes of a side, and the time.
pub struct Surroundings<'w> {
    pub inbound: &'w mut Pipe,
    pub outbound: &'w mut Pipe,
    pub chance: &'w mut Chance,
    pub now: Duration,
}

impl Side {
    pub fn new(connection: Connection, plan: SidePlan, due: &Rc<RefCell<Link>>, said: &Rc<RefCell<Link>>) -> Self {
        let wire = Wire::new(connection.role());
        let mut judge = Judge::new(due, said);
        (judge.echo, judge.asks) = (plan.echo, plan.asks);
        let options = timtow_core::app::Options { config: Arc::clone(connection.config()), ..Default::default() };
        Side {
            endpoint: Endpoint::new(connection, &options),
            plan,
            judge,
            wire,
            wait_until: Duration::ZERO,
            asked: true,
            shut: false,
            dropped: false,
            in_flight: None,
            heap: 0,
            peak: 0,
            ceiling: 0,
            buffer: vec![0; READ],
            scratch: Vec::new(),
        }
    }

    /// Calls the connection, and counts what that leaves on the heap.
    pub fn call<R>(&mut self, f: impl FnOnce(&mut Connection, &mut Judge) -> R) -> R {
        let Side { endpoint, judge, .. } = self;
        let (result, left, peak) = alloc::cost(|| f(&mut endpoint.connection, judge));
        self.peak = self.peak.max(self.heap + peak);
        self.heap += left;
        result
    }

    pub fn is_closed(&self) -> bool {
        match self.plan.idiom {
            Idiom::Turn => self.endpoint.is_closed(),
            _ => self.endpoint.connection.is_closed(),
        }
    }

    pub fn wants_write(&mut self) -> bool {
        match self.plan.idiom {
            Idiom::Turn => self.endpoint.wants_write(),
            _ => self.endpoint.connection.buffered() > 0 || self.wants_shutdown(),
        }
    }

    fn wants_shutdown(&mut self) -> bool {
        !self.shut && self.endpoint.connection.outbox().is_finished()
    }

    /// Whether there is a reason to give it a turn.
    pub fn is_ready(&mut self, inbound: &Pipe, outbound: &Pipe, now: Duration) -> bool {
        let ws = &self.endpoint.connection;
        !self.dropped
            && (ws.poll_timeout().is_some_and(|deadline| deadline <= now)
                || ws.wants_receive()
                || (ws.wants_read() && inbound.is_readable(now))
                || (self.wants_write() && (outbound.is_writable(now) || self.wants_shutdown())))
    }

    /// Whether nothing is on its way from here.
    pub fn is_silent(&self) -> bool {
        self.endpoint.connection.buffered() == 0 && self.in_flight.is_none()
    }

    /// One turn. Whether anything moved.
    pub fn turn(&mut self, world: &mut Surroundings<'_>) -> bool {
        self.asked = false;
        let events = self.judge.events;
        let moved = match self.plan.idiom {
            Idiom::Turn => self.turn_of_the_core(world),
            _ => self.turn_by_hand(world),
        };
        if self.is_closed() {
            self.dropped = true;
            self.in_flight = None;
        }
        moved || events != self.judge.events
    }

    fn turn_by_hand(&mut self, world: &mut Surroundings<'_>) -> bool {
        let mut moved = false;
        let now = world.now;
        if self.endpoint.connection.poll_timeout().is_some_and(|deadline| deadline <= now) {
            self.call(|ws, _| ws.handle_timeout(now));
            moved = true;
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        let mut input: &mut [u8] = &mut [];
        if self.endpoint.connection.wants_read() {
            let most = world.chance.between(1, self.plan.read);
            match world.inbound.read(&mut buffer[..most], now) {
                Moved::Bytes(n) => input = &mut buffer[..n],
                Moved::End => self.call(|ws, _| ws.receive_eof()),
                Moved::Error => self.call(|ws, _| ws.receive_error()),
                Moved::Blocked => {}
            }
            moved |= !input.is_empty() || world.inbound.end_seen;
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        let mut capacity = scratch.capacity() as isize;
        if self.plan.idiom == Idiom::Lent {
            self.call(|ws, _| ws.outbox().lend(&mut scratch));
        }
        let mut rounds = 0;
        loop {
            while self.call(|ws, judge| match ws.receive(&mut input) {
                Some(event) => {
                    judge.event(ws, event);
                    true
                }
                None => false,
            }) {}
            assert!(input.is_empty(), "receive consumes everything");
            moved |= self.flush(world);
            if !self.endpoint.connection.wants_receive() {
                break;
            }
            rounds += 1;
            assert!(rounds < 20_000, "it wants to receive, and receives nothing");
        }
        self.buffer = buffer;
        if self.plan.idiom == Idiom::Lent {
            self.call(|ws, _| ws.outbox().reclaim(&mut scratch));
            capacity -= scratch.capacity() as isize;
            // The scratch buffer is the loop's.
            self.heap += capacity;
        }
        self.scratch = scratch;
        if self.endpoint.connection.poll_timeout() == Some(Duration::ZERO) {
            self.call(|ws, _| ws.handle_timeout(now));
        }
        let asks = self.endpoint.connection.poll_timeout();
        assert!(asks.is_none_or(|deadline| deadline > now), "a busy loop: {asks:?} at {now:?}");
        moved
    }

    /// Writes some of the outbox. Whether anything moved.
    fn flush(&mut self, world: &mut Surroundings<'_>) -> bool {
        let mut moved = false;
        loop {
            let most = world.chance.between(1, self.plan.write);
            let wrote = match self.plan.idiom {
                Idiom::Taken => {
                    let piece = self.in_flight.take().or_else(|| self.call(|ws, _| ws.outbox().take()));
                    let Some(piece) = piece else { break };
                    let wrote = self.write(world, &piece[..most.min(piece.len())]);
                    match wrote {
                        Moved::Bytes(n) => self.call(|ws, _| ws.outbox().restore(piece, n)),
                        _ => self.in_flight = Some(piece),
                    }
                    wrote
                }
                Idiom::Lent => {
                    let mut slices = [IoSlice::new(&[]); 4];
                    let filled = self.endpoint.connection.outbox().chunks_vectored(&mut slices);
                    let bytes: Vec<u8> =
                        slices[..filled].iter().flat_map(|slice| slice.iter().copied()).take(most).collect();
                    self.write_and_advance(world, &bytes)
                }
                _ => {
                    let chunk = self.endpoint.connection.outbox().chunk();
                    let bytes = chunk[..most.min(chunk.len())].to_vec();
                    self.write_and_advance(world, &bytes)
                }
            };
            match wrote {
                Moved::Bytes(0) | Moved::Blocked | Moved::End => break,
                Moved::Bytes(_) => moved = true,
                Moved::Error => {
                    self.in_flight = None;
                    self.call(|ws, _| ws.receive_error());
                    moved = true;
                    break;
                }
            }
            if world.chance.percent(30) {
                break;
            }
        }
        if self.wants_shutdown() {
            self.shut = true;
            world.outbound.ended = true;
            moved = true;
        }
        moved
    }

    fn write_and_advance(&mut self, world: &mut Surroundings<'_>, bytes: &[u8]) -> Moved {
        if bytes.is_empty() {
            return Moved::Bytes(0);
        }
        let wrote = self.write(world, bytes);
        if let Moved::Bytes(n) = wrote {
            self.call(|ws, _| ws.outbox().advance(n));
        }
        wrote
    }

    fn write(&mut self, world: &mut Surroundings<'_>, bytes: &[u8]) -> Moved {
        let wrote = world.outbound.write(bytes, world.now);
        if let Moved::Bytes(n) = wrote {
            self.wire.watch(&bytes[..n]);
        }
        wrote
    }

    /// The application asks for what came behind the last message.
    pub fn ask(&mut self) {
        let events = self.judge.events;
        self.call(|ws, judge| {
            ws.release();
            while ws.wants_receive()
                && let Some(event) = ws.receive(&mut &mut [][..])
            {
                judge.event(ws, event);
            }
        });
        self.asked = self.judge.events == events;
    }

    /// The next act of the script, if it is time for it.
    pub fn may_act(&self, now: Duration) -> bool {
        let ws = &self.endpoint.connection;
        self.judge.opened
            && ws.state() == State::Open
            && ws.ending().is_none()
            && self.wait_until <= now
            && ws.has_room()
            && !self.plan.script.is_empty()
    }

    pub fn act(&mut self, now: Duration) {
        let Some(act) = self.plan.script.pop() else { return };
        let said = Rc::clone(&self.judge.said);
        match act {
            Act::Wait(time) => self.wait_until = now + time,
            Act::Ping(number, len) => {
                let mut payload = [0; 125];
                payload[..8].copy_from_slice(&number.to_be_bytes());
                self.call(|ws, _| ws.ping(&payload[..len]).expect("it is open"));
            }
            Act::Close(code, reason) => {
                self.call(|ws, _| ws.close(code, reason).expect("it is open"));
                self.plan.script.clear();
            }
            Act::Send(item, form) => {
                self.call(|ws, _| match (form, item.kind) {
                    (Form::Borrowed, timtow_core::Kind::Text) => ws.send(item.text()),
                    (Form::Borrowed, timtow_core::Kind::Binary) => ws.send(item.bytes()),
                    (Form::Owned, timtow_core::Kind::Text) => ws.send(item.text().to_owned()),
                    (Form::Owned, timtow_core::Kind::Binary) => ws.send(item.bytes().to_vec()),
                    (Form::Shared, timtow_core::Kind::Text) => ws.send(OwnedMessage::from(Text::from(item.text()))),
                    (Form::Shared, timtow_core::Kind::Binary) => ws.send(OwnedMessage::from(item.bytes())),
                    (Form::Prepared, timtow_core::Kind::Text) => ws.send(&Prepared::new(Text::from(item.text()))),
                    (Form::Prepared, timtow_core::Kind::Binary) => ws.send(&Prepared::new(item.bytes())),
                })
                .expect("it is open");
                said.borrow_mut().items.push_back(item);
            }
            Act::Piece(item, from, to) => {
                let (fin, payload) = (to == usize::MAX, &item.bytes()[from..to.min(item.len)]);
                let fragment = Fragment { kind: item.kind, payload: payload.into(), fin, message_len: None };
                self.call(|ws, _| ws.send_fragment(fragment).expect("it is open"));
                let mut said = said.borrow_mut();
                if !said.is_open {
                    said.items.push_back(item);
                }
                said.is_open = !fin;
            }
        }
    }
}
