//! The driver on sockets that do what a test says.

use super::*;
use crate::{
    Config, Connection, Event, Role,
    app::{Accepted, Drain, Echo, Hub, Options, Server},
    endpoint::{MESSAGES, READS, lock},
};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    task::Waker,
    thread,
    time::Duration,
};

/// A socket, and what happens to it.
#[derive(Clone, Default)]
struct Fake(Arc<Mutex<Happens>>);

#[derive(Default)]
struct Happens {
    /// What has come; an empty piece is the end.
    comes: VecDeque<Vec<u8>>,
    reads: usize,
    room: usize,
    written: Vec<u8>,
}

impl Socket for Fake {
    const PARTIAL_IS_ALL: bool = true;

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut happens = lock(&self.0);
        happens.reads += 1;
        let Some(mut piece) = happens.comes.pop_front() else { return Err(WouldBlock.into()) };
        let n = piece.len().min(buffer.len());
        buffer[..n].copy_from_slice(&piece[..n]);
        if n < piece.len() {
            piece.drain(..n);
            happens.comes.push_front(piece);
        }
        Ok(n)
    }

    fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut happens = lock(&self.0);
        let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.to_vec()).collect();
        let n = bytes.len().min(happens.room);
        happens.room -= n;
        happens.written.extend_from_slice(&bytes[..n]);
        if n == 0 { Err(WouldBlock.into()) } else { Ok(n) }
    }

    fn shutdown(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Fake {
    fn comes(&self, piece: impl Into<Vec<u8>>) {
        lock(&self.0).comes.push_back(piece.into());
    }

    fn reads(&self) -> usize {
        std::mem::take(&mut lock(&self.0).reads)
    }

    fn make_room(&self, room: usize) {
        lock(&self.0).room = room;
    }

    fn written(&self) -> Vec<u8> {
        std::mem::take(&mut lock(&self.0).written)
    }
}

const READABLE: Readiness = Readiness { readable: true, writable: false, ended: false };
const WRITABLE: Readiness = Readiness { readable: false, writable: true, ended: false };
const ENDED: Readiness = Readiness { readable: true, writable: true, ended: true };

/// A message to a server, masked with zeros.
fn masked(payload: &[u8]) -> Vec<u8> {
    [&header(payload.len(), 0x80)[..], &[0; 4], payload].concat()
}

/// The reply to it.
fn unmasked(payload: &[u8]) -> Vec<u8> {
    [&header(payload.len(), 0)[..], payload].concat()
}

fn header(len: usize, masked: u8) -> Vec<u8> {
    match len {
        0..126 => vec![0x82, masked | len as u8],
        len => [&[0x82, masked | 126][..], &(len as u16).to_be_bytes()].concat(),
    }
}

fn echo(connection: &mut Connection, event: Event<'_>) {
    if let Event::Message(message) = event {
        connection.send(message).unwrap();
    }
}

/// A server's side that is open, with a buffer of so many bytes.
fn open(read: usize, config: Config) -> (WebSocket<Fake>, Fake, Buffers) {
    let (fake, options) = (Fake::default(), Options { config: config.into(), ..Options::default() });
    let endpoint = Endpoint::new(Connection::upgraded(Role::Server, options.config.clone()), &options);
    let mut socket = WebSocket::new(endpoint, fake.clone());
    let mut buffers = Buffers::new(read);
    socket.handle(WRITABLE, &mut buffers, echo);
    assert_eq!(fake.reads(), 0, "it was not said to be readable");
    (socket, fake, buffers)
}

#[test]
fn a_read_that_does_not_fill_the_buffer_is_the_last() {
    let (mut socket, fake, mut buffers) = open(100, Config::default());
    fake.make_room(1000);
    fake.comes(masked(b"one"));
    socket.handle(READABLE, &mut buffers, echo);
    assert_eq!((fake.reads(), fake.written()), (1, unmasked(b"one")));
    // One that fills it may not be.
    fake.comes(masked(&[7; 94]));
    fake.comes(masked(b"two"));
    socket.handle(READABLE, &mut buffers, echo);
    assert_eq!((fake.reads(), fake.written()), (2, [unmasked(&[7; 94]), unmasked(b"two")].concat()));
}

#[test]
fn behind_the_last_bytes_the_end_is_found() {
    let (mut socket, fake, mut buffers) = open(100, Config::default());
    fake.make_room(1000);
    fake.comes(masked(b"last"));
    fake.comes([]);
    let mut closed = None;
    socket.handle(ENDED, &mut buffers, |connection, event| match event {
        Event::Closed(end) => closed = Some(end),
        event => echo(connection, event),
    });
    assert_eq!(fake.written(), unmasked(b"last"));
    assert_eq!(closed.unwrap().cause, crate::Cause::Lost);
    assert!(socket.is_closed());
}

#[test]
fn a_flood_is_read_in_portions() {
    let (mut socket, fake, mut buffers) = open(16, Config::default());
    for _ in 0..READS + 3 {
        fake.comes(masked(&[1; 10]));
    }
    fake.make_room(10_000);
    socket.handle(READABLE, &mut buffers, echo);
    assert_eq!(fake.reads(), READS);
    assert_eq!(socket.poll_timeout(), Some(Duration::ZERO), "there is more");
    socket.handle_timeout(&mut buffers, echo);
    assert_eq!(fake.reads(), 4);
    assert_eq!(fake.written(), unmasked(&[1; 10]).repeat(READS + 3));
    assert_ne!(socket.poll_timeout(), Some(Duration::ZERO));
}

#[test]
fn reading_goes_on_when_there_is_room_again_though_nobody_says_so() {
    let (mut socket, fake, mut buffers) = open(64, Config { high_water: 100, ..Config::default() });
    fake.make_room(10);
    for _ in 0..5 {
        fake.comes(masked(&[9; 58]));
    }
    socket.handle(READABLE, &mut buffers, echo);
    assert_eq!(fake.reads(), 2, "two replies are over the high-water mark");
    assert_eq!(fake.written().len(), 10);
    // Nothing changes while it stays so, and nobody spins.
    socket.handle(READABLE, &mut buffers, echo);
    assert_eq!(fake.reads(), 0);
    assert_ne!(socket.poll_timeout(), Some(Duration::ZERO));
    fake.make_room(10_000);
    socket.handle(WRITABLE, &mut buffers, echo);
    assert_eq!(fake.written(), unmasked(&[9; 58]).repeat(5)[10..]);
}

/// A loop whose listener has what the test puts there.
#[derive(Default)]
struct FakeWatch {
    waits: VecDeque<io::Result<Fake>>,
    watched: usize,
    accepts: bool,
}

impl Watch for FakeWatch {
    type Socket = Fake;

    fn accept(&mut self) -> io::Result<Accepted<Fake>> {
        let accepted = self.waits.pop_front().unwrap_or(Err(WouldBlock.into()));
        accepted.map(|fake| (fake, None))
    }

    fn stop_accepting(&mut self) {
        self.accepts = false;
    }

    fn watch(&mut self, _: &mut Fake, _: usize) -> io::Result<()> {
        self.watched += 1;
        Ok(())
    }

    fn unwatch(&mut self, _: &mut Fake) {
        self.watched -= 1;
    }
}

fn accepting(config: Config) -> (Connections<Echo, FakeWatch>, Drain) {
    let options = Options { config: config.into(), ..Options::default() };
    let (drain, hub) = (options.drain.clone(), Hub::new(Waker::noop().clone()));
    let watch = FakeWatch { accepts: true, ..FakeWatch::default() };
    (Connections::new(&Server::new(Echo, options), watch, hub.clone(), Some(vec![hub])), drain)
}

/// Turns until nothing is due.
fn settle(connections: &mut Connections<Echo, FakeWatch>) {
    loop {
        connections.catch_up().unwrap();
        if connections.timeout() != Some(Duration::ZERO) {
            return;
        }
    }
}

#[test]
fn all_who_wait_are_accepted_in_portions() {
    let (mut connections, _) = accepting(Config::default());
    connections.watch.waits.extend((0..200).map(|_| Ok(Fake::default())));
    connections.listener_is_ready();
    connections.catch_up().unwrap();
    assert!(connections.watch.watched > 0 && connections.watch.watched < 200);
    settle(&mut connections);
    assert_eq!(connections.watch.watched, 200);
}

#[test]
fn without_descriptors_accepting_waits_and_goes_on() {
    let (mut connections, _) = accepting(Config::default());
    let emfile = || Err(io::Error::from_raw_os_error(24));
    let aborted = || Err(io::ErrorKind::ConnectionAborted.into());
    connections.watch.waits.extend([aborted(), Ok(Fake::default()), emfile(), emfile(), Ok(Fake::default())]);
    connections.listener_is_ready();
    settle(&mut connections);
    assert_eq!(connections.watch.watched, 1);
    let wait = connections.timeout().unwrap();
    assert!(wait > Duration::ZERO && wait <= Duration::from_millis(10));
    while connections.watch.watched < 2 {
        connections.catch_up().unwrap();
        connections.timeout();
        thread::yield_now();
    }
    let mut none = accepting(Config::default()).0;
    none.watch.waits.push_back(Err(io::ErrorKind::InvalidInput.into()));
    none.listener_is_ready();
    assert_eq!(none.catch_up().unwrap_err().kind(), io::ErrorKind::InvalidInput);
}

#[test]
fn who_has_gone_leaves_nothing_behind() {
    let (mut connections, _) = accepting(Config::default());
    let fake = Fake::default();
    connections.watch.waits.push_back(Ok(fake.clone()));
    connections.listener_is_ready();
    settle(&mut connections);
    assert!(connections.timeout().unwrap() > Duration::from_secs(1), "the handshake has a deadline");
    fake.comes([]);
    connections.socket_is_ready(0, ENDED);
    assert_eq!((connections.watch.watched, connections.timeout()), (0, None));
    // What was said of it before it went may come after.
    connections.socket_is_ready(0, READABLE);
    assert!(!connections.is_over());
}

#[test]
fn others_have_their_turn_during_a_flood() {
    let (mut connections, _) = accepting(Config::default());
    let fake = Fake::default();
    fake.make_room(usize::MAX);
    fake.comes(
        "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    connections.watch.waits.push_back(Ok(fake.clone()));
    connections.listener_is_ready();
    settle(&mut connections);
    connections.socket_is_ready(0, Readiness { writable: true, ..READABLE });
    assert!(fake.written().starts_with(b"HTTP/1.1 101 "));
    assert_eq!(fake.reads(), 1);
    let full = crate::endpoint::SET_ASIDE;
    // Many small messages, and few large ones: of those the share is smaller, in reads and in bytes.
    let mut reads = Vec::new();
    for size in [10, 5000] {
        let (sent, came) = (unmasked(&vec![1; size]).len(), masked(&vec![1; size]).len());
        let messages = full * (READS + 2) / came;
        fake.comes(masked(&vec![1; size]).repeat(messages));
        connections.socket_is_ready(0, READABLE);
        let first = fake.written().len();
        reads.push(fake.reads());
        assert!((full / came * reads[reads.len() - 1] * sent..messages * sent).contains(&first), "{first} bytes");
        settle(&mut connections);
        assert_eq!(first + fake.written().len(), messages * sent);
        fake.reads();
    }
    let each = 1 + full / 16 / MESSAGES;
    assert_eq!(reads, [READS.div_ceil(each), READS]);
}

#[test]
fn a_drain_gives_every_connection_a_turn() {
    let (mut connections, drain) = accepting(Config::default());
    let fakes = [(); 3].map(|()| Fake::default());
    connections.watch.waits.extend(fakes.iter().map(|fake| Ok(fake.clone())));
    connections.listener_is_ready();
    settle(&mut connections);
    for (key, fake) in fakes.iter().enumerate() {
        fake.make_room(1 << 10);
        connections.socket_is_ready(key, Readiness { writable: true, ..Readiness::default() });
    }
    assert!(!connections.is_over());
    drain.start();
    settle(&mut connections);
    // None of them had opened, so there is nobody to say goodbye to.
    for (key, fake) in fakes.iter().enumerate() {
        assert!(fake.written().starts_with(b"HTTP/1.1 503 "));
        fake.comes("");
        connections.socket_is_ready(key, READABLE);
    }
    settle(&mut connections);
    assert!(connections.is_over() && connections.watch.watched == 0 && !connections.watch.accepts);
}
