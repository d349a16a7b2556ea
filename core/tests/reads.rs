//! Where reads end: behind messages, where these are larger than a copy is cheap, and more is there than one read takes.

mod common;

use common::frame;
use std::{
    io::{self, IoSlice},
    net::Shutdown,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
    time::Duration,
};
use timtow_core::{
    Buffers, Connection, Endpoint, Event, Role,
    app::{Echo, Options, Server},
    blocking, lock, ready, task,
};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const MESSAGES: usize = 40;
/// Messages, and how many a read takes.
const SIZES: [(usize, usize); 2] = [(16 << 10, 4), (64 << 10, 1)];

/// A socket on which the messages are there at once, and that takes everything.
#[derive(Clone, Debug, Default)]
struct Full(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    opening: Vec<u8>,
    messages: Vec<u8>,
    /// What each read took of the messages.
    reads: Vec<usize>,
    written: usize,
}

impl Full {
    /// With messages of so many bytes, and a request first, if there is an `opening`.
    fn new(size: usize, opening: &[u8]) -> Self {
        let frame = frame(Role::Server, 0x82, &vec![7; size]);
        let (opening, messages) = (opening.to_vec(), frame.repeat(MESSAGES));
        Full(Arc::new(Mutex::new(State { opening, messages, ..State::default() })))
    }

    fn read(&self, buffer: &mut [u8]) -> usize {
        let state = &mut *lock(&self.0);
        let (from, is_opening) =
            if state.opening.is_empty() { (&mut state.messages, false) } else { (&mut state.opening, true) };
        let n = from.len().min(buffer.len());
        buffer[..n].copy_from_slice(&from[..n]);
        from.drain(..n);
        if !is_opening && n > 0 {
            state.reads.push(n);
        }
        n
    }

    fn write(&self, slices: &[IoSlice<'_>]) -> usize {
        let n = slices.iter().map(|slice| slice.len()).sum();
        lock(&self.0).written += n;
        n
    }

    /// The first reads cannot know; the next ends the message in which they ended; and from then on all is whole.
    fn check(&self, (size, each): (usize, usize)) {
        let state = lock(&self.0);
        let frame = frame(Role::Server, 0x82, &vec![7; size]).len();
        let ends: Vec<usize> = state
            .reads
            .iter()
            .scan(0, |end, n| {
                *end += n;
                Some(*end)
            })
            .collect();
        assert_eq!(ends.last(), Some(&(MESSAGES * frame)));
        assert!(!ends[0].is_multiple_of(frame) && ends[2..].iter().all(|end| end.is_multiple_of(frame)), "{ends:?}");
        assert!(state.reads[3..ends.len() - 1].iter().all(|n| *n == each * frame), "{:?}", state.reads);
        assert!(state.written >= MESSAGES * size, "all are answered");
    }
}

impl blocking::Socket for Full {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(self.read(buffer))
    }

    fn set_read_timeout(&self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        Ok(self.write(slices))
    }

    fn set_write_timeout(&self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn shutdown(&self, _: Shutdown) -> io::Result<()> {
        Ok(())
    }
}

impl task::Socket for Full {
    fn poll_read(&mut self, _: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(Full::read(self, buffer)))
    }

    fn poll_write(&mut self, _: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(Full::write(self, slices)))
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_deadline(&mut self, _: &mut Context<'_>, _: Option<Duration>) -> Poll<()> {
        Poll::Pending
    }
}

impl ready::Socket for Full {
    const PARTIAL_IS_ALL: bool = true;

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match Full::read(self, buffer) {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            n => Ok(n),
        }
    }

    fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        Ok(Full::write(self, slices))
    }

    fn shutdown(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn of_the_blocking_driver() {
    for size in SIZES {
        let full = Full::new(size.0, REQUEST);
        blocking::serve_connection(&Server::new(Echo, Options::default()), full.clone(), None);
        full.check(size);
    }
}

#[test]
fn of_the_poll_driven_driver() {
    for size in SIZES {
        let full = Full::new(size.0, REQUEST);
        let mut served = task::Serve::new(&Server::new(Echo, Options::default()), full.clone());
        let mut context = Context::from_waker(Waker::noop());
        while Pin::new(&mut served).poll(&mut context).is_pending() {}
        full.check(size);
    }
}

#[test]
fn of_the_readiness_driven_driver() {
    for size in SIZES {
        let (full, options) = (Full::new(size.0, b""), Options::default());
        let endpoint = Endpoint::new(Connection::upgraded(Role::Server, options.config.clone()), &options);
        let mut socket = ready::WebSocket::new(endpoint, full.clone());
        let mut buffers = Buffers::default();
        for _ in 0..MESSAGES {
            let readiness = ready::Readiness { readable: true, writable: true, ended: false };
            socket.handle(readiness, &mut buffers, |connection, event| {
                if let Event::Message(message) = event {
                    connection.send(message).unwrap();
                }
            });
        }
        full.check(size);
    }
}
