//! A driver for completion-based I/O, as io_uring has it: the kernel owns every buffer that is read into or written from
//! until the operation completes, takes part of what it is given, and completes in its own time and order.

mod common;

use common::{client_request, config};
use std::{collections::VecDeque, sync::Arc, time::Duration};
use timtow_core::{Connection, Event, Message, OwnedMessage, Piece, Response};

/// What the kernel is asked, with the buffer that it owns meanwhile.
enum Operation {
    /// The kernel chooses one of the buffers that it was provided with.
    Read,
    Write(Piece),
    Shutdown,
}

enum Completion {
    Read(Vec<u8>, usize),
    Write(Piece, usize),
}

/// A kernel with two sockets that are connected with each other.
struct Kernel {
    random: u64,
    /// Operations in flight on each socket.
    pending: [Vec<Operation>; 2],
    /// What was written to each socket's peer, and whether that is all.
    inbound: [VecDeque<u8>; 2],
    ended: [bool; 2],
    /// Buffers to read into.
    provided: Vec<Vec<u8>>,
}

/// Bytes that wait in a socket before writes to it do not complete.
const WINDOW: usize = 5000;
const BUFFER: usize = 2048;

impl Kernel {
    fn new(seed: u64) -> Self {
        let provided = vec![vec![0; BUFFER]; 3];
        Kernel { random: seed, pending: Default::default(), inbound: Default::default(), ended: [false; 2], provided }
    }

    fn random(&mut self, below: usize) -> usize {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) as usize % below
    }

    /// Completes some operation that can be completed, whichever it likes.
    fn complete(&mut self) -> Option<(usize, Completion)> {
        let first = self.random(2);
        for socket in [first, 1 - first] {
            let most = 1 + self.random(3000);
            let at = self.pending[socket].iter().position(|operation| match operation {
                Operation::Read => {
                    !self.provided.is_empty() && (!self.inbound[socket].is_empty() || self.ended[socket])
                }
                Operation::Write(_) => self.inbound[1 - socket].len() < WINDOW,
                Operation::Shutdown => true,
            });
            let Some(at) = at else { continue };
            match self.pending[socket].swap_remove(at) {
                Operation::Read => {
                    let mut buffer = self.provided.pop().unwrap();
                    let n = self.inbound[socket].len().min(most).min(BUFFER);
                    buffer[..n].iter_mut().zip(self.inbound[socket].drain(..n)).for_each(|(to, from)| *to = from);
                    return Some((socket, Completion::Read(buffer, n)));
                }
                Operation::Write(piece) => {
                    assert!(!self.ended[1 - socket], "nothing is written behind the end");
                    let n = piece.len().min(most).min(WINDOW - self.inbound[1 - socket].len());
                    self.inbound[1 - socket].extend(&piece[..n]);
                    return Some((socket, Completion::Write(piece, n)));
                }
                Operation::Shutdown => self.ended[1 - socket] = true,
            }
        }
        None
    }
}

/// One connection of the driver: it owns no buffer, ever.
struct Driven {
    ws: Connection,
    reading: bool,
    writing: bool,
    shut: bool,
    /// The end of the input was read.
    ended: bool,
    events: Vec<Event<'static>>,
    echoes: bool,
}

impl Driven {
    fn new(ws: Connection, echoes: bool) -> Self {
        Driven { ws, reading: false, writing: false, shut: false, ended: false, events: Vec::new(), echoes }
    }

    fn receive(&mut self, mut input: &mut [u8]) {
        while let Some(event) = self.ws.receive(&mut input) {
            self.events.push(event.clone().into_owned());
            match event {
                Event::Request(_) => self.ws.accept(Response::default()).unwrap(),
                Event::Message(message) if self.echoes => self.ws.send(message).unwrap(),
                _ => {}
            }
        }
    }

    /// Asks the kernel for what the connection wants.
    fn submit(&mut self, socket: usize, kernel: &mut Kernel) {
        while self.ws.wants_receive() {
            self.receive(&mut []);
        }
        if self.ws.poll_timeout() == Some(Duration::ZERO) {
            self.ws.handle_timeout(Duration::from_secs(1));
        }
        if !self.writing
            && let Some(piece) = self.ws.outbox().take()
        {
            assert!(
                self.ws.outbox().take().is_none() && self.ws.outbox().chunk().is_empty(),
                "one piece is out at a time"
            );
            assert!(!self.ws.outbox().is_empty(), "what the kernel has is not sent");
            kernel.pending[socket].push(Operation::Write(piece));
            self.writing = true;
        }
        if self.ws.outbox().is_finished() && !self.shut {
            kernel.pending[socket].push(Operation::Shutdown);
            self.shut = true;
        }
        if !self.reading && !self.ended && self.ws.wants_read() {
            kernel.pending[socket].push(Operation::Read);
            self.reading = true;
        }
    }

    fn complete(&mut self, completion: Completion, kernel: &mut Kernel) {
        match completion {
            Completion::Read(mut buffer, n) => {
                self.reading = false;
                if n == 0 {
                    self.ended = true;
                    self.ws.receive_eof();
                }
                self.receive(&mut buffer[..n]);
                // The kernel has it back at once, scribbled over, whatever the connection made of it.
                buffer.fill(0xff);
                kernel.provided.push(buffer);
            }
            Completion::Write(piece, n) => {
                self.writing = false;
                self.ws.outbox().restore(piece, n);
            }
        }
    }
}

fn messages(count: u32) -> Vec<OwnedMessage> {
    let message = |n: u32| match n % 4 {
        0 => OwnedMessage::from(format!("message {n}: Grüße")),
        1 => OwnedMessage::from(n.to_be_bytes().repeat(n as usize % 50)),
        2 if n % 100 == 2 => OwnedMessage::from(n.to_be_bytes().repeat(5000)),
        _ => OwnedMessage::from(n.to_be_bytes().to_vec()),
    };
    (0..count).map(message).collect()
}

/// One side sends, the other echoes; returns what each side saw.
fn run(seed: u64, client_sends: bool, messages: &[OwnedMessage]) -> [Driven; 2] {
    let config = Arc::new(config());
    let mut kernel = Kernel::new(seed);
    let server = Connection::server(config.clone());
    let client = Connection::client(client_request(), config).unwrap();
    let mut sides = [Driven::new(server, client_sends), Driven::new(client, !client_sends)];
    let sender = usize::from(client_sends);
    let (mut sent, mut received) = (0, 0);
    loop {
        // Whoever sends minds what waits already.
        while sent < messages.len()
            && sides[sender].ws.state() == timtow_core::State::Open
            && sides[sender].ws.buffered() < 20_000
        {
            sides[sender].ws.send(messages[sent].clone()).unwrap();
            sent += 1;
        }
        for (socket, side) in sides.iter_mut().enumerate() {
            side.submit(socket, &mut kernel);
        }
        let Some((socket, completion)) = kernel.complete() else {
            if sides.iter().all(|side| side.ws.is_closed()) {
                return sides;
            }
            // Shutting down completes without a word.
            continue;
        };
        sides[socket].complete(completion, &mut kernel);
        if sent == messages.len() && received < sent {
            received = sides[sender].events.iter().filter(|event| matches!(event, Event::Message(_))).count();
            if received == sent {
                sides[sender].ws.close(1000, "").unwrap();
            }
        }
    }
}

fn received(side: &Driven) -> Vec<OwnedMessage> {
    let owned = side.events.iter().filter_map(|event| match event {
        Event::Message(message) => Some(Message::clone(message).into()),
        _ => None,
    });
    owned.collect()
}

#[test]
fn thousands_of_messages_are_echoed_in_both_roles() {
    let messages = messages(4000);
    for seed in 1..4 {
        for client_sends in [true, false] {
            let sides = run(seed, client_sends, &messages);
            for side in &sides {
                assert!(received(side) == messages, "in order, whole, and once: seed {seed}");
                let ends = side.events.iter().filter(|event| matches!(event, Event::Closed(_)));
                assert_eq!(ends.count(), 1);
                assert!(matches!(side.events.last(), Some(Event::Closed(closed)) if closed.is_clean()));
            }
        }
    }
}

#[test]
fn what_the_kernel_gives_back_after_a_failure_is_not_sent_again() {
    let mut ws = common::open(timtow_core::Role::Server, &Arc::new(config()));
    ws.send("lost").unwrap();
    let piece = ws.outbox().take().unwrap();
    ws.send("never sent").unwrap();
    ws.receive_error();
    assert!(matches!(ws.receive(&mut &mut [][..]), Some(Event::Closed(_))));
    ws.outbox().restore(piece, 2);
    assert!(ws.outbox().take().is_none() && ws.outbox().is_finished() && ws.is_closed());
}
