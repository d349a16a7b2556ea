//! Three drivers, blocking, readiness-driven and poll-driven, against the same scripts: what the application sees and what
//! goes over the wire must not depend on the driver.

mod common;

use common::{
    config, frame,
    pipe::{End, pipe},
};
use std::{
    future::Future,
    io::{self, Read, Write},
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context as TaskContext, Poll, Waker},
    time::Duration,
};
use timtow_core::{
    Access, Buffers, Closed, Connection, Endpoint, Event, Input, Message, OwnedMessage, Rejection, Request, Response,
    Role,
    app::{App, Context, Handler, Options, Server},
    clock,
    task::Serve,
    turn,
};

/// What an application sees of one connection.
#[derive(Clone, PartialEq, Debug, Default)]
struct Seen {
    opened: bool,
    messages: Vec<OwnedMessage>,
    closed: Option<Closed>,
}

impl Seen {
    fn event(&mut self, ws: &mut Connection, event: Event<'_>) {
        match event {
            Event::Request(_) => ws.accept(Response::default()).unwrap(),
            Event::Open(_) => {
                self.opened = true;
                ws.send("welcome").unwrap();
            }
            Event::Message(message) => {
                self.messages.push(message.clone().into());
                let _ = ws.send(message);
            }
            Event::Closed(closed) => assert_eq!(self.closed.replace(closed), None, "the end comes once"),
            _ => {}
        }
    }
}

/// What a client sends before it half-closes.
fn scripts() -> Vec<(&'static str, Vec<u8>)> {
    let frame = |first, payload: &[u8]| frame(Role::Server, first, payload);
    let script = |frames: &[Vec<u8>]| [common::REQUEST.as_bytes(), &frames.concat()].concat();
    let many: Vec<Vec<u8>> = (0..3000u32).map(|n| frame(0x82, &n.to_be_bytes())).collect();
    vec![
        ("nothing", vec![]),
        ("half a request", common::REQUEST.as_bytes()[..50].to_vec()),
        ("a bad request", b"POST / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec()),
        ("a vanished peer", script(&[frame(0x81, b"one"), frame(0x81, b"two")])),
        ("a clean close", script(&[frame(0x81, b"one"), frame(0x89, b"ping"), frame(0x88, &common::close(1001))])),
        ("fragments", script(&[frame(0x01, b"\xce"), frame(0x89, b""), frame(0x80, b"\xba"), frame(0x88, b"")])),
        ("a violation", script(&[frame(0x82, &[1; 70_000]), frame(0x80, b"stray"), frame(0x81, b"ignored")])),
        ("text that is none", script(&[frame(0x81, b"\xff")])),
        ("many", script(&[many.concat(), frame(0x88, &common::close(1000))])),
    ]
}

fn would_block(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

/// A blocking stream whose peer, the script, moves whenever the server would block.
struct Blocking<'s> {
    end: End,
    peer: Peer<'s>,
}

/// The client: writes its script as fast as the pipe takes it, and keeps what it reads.
struct Peer<'s> {
    end: End,
    script: &'s [u8],
    read: Vec<u8>,
    done: bool,
}

impl Peer<'_> {
    fn turn(&mut self) -> bool {
        use timtow_core::Output;
        let (before, read) = (self.script.len(), self.read.len());
        while !self.script.is_empty()
            && let Ok(n) = self.end.write_some(self.script)
        {
            self.script = &self.script[n..];
        }
        if self.script.is_empty() && !self.done {
            self.done = true;
            self.end.shutdown().unwrap();
            return true;
        }
        let mut buffer = [0; 1000];
        while let Ok(n @ 1..) = self.end.read(&mut buffer) {
            self.read.extend_from_slice(&buffer[..n]);
        }
        before != self.script.len() || read != self.read.len()
    }
}

impl Read for Blocking<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.end.read(buffer) {
                Err(error) if would_block(&error) => assert!(self.peer.turn(), "it blocks for ever"),
                result => return result,
            }
        }
    }
}

impl Write for Blocking<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.end.write_some(bytes) {
                Err(error) if would_block(&error) => assert!(self.peer.turn(), "it blocks for ever"),
                result => return result,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn blocking(script: &[u8], window: usize, step: usize) -> (Seen, Vec<u8>) {
    use timtow_core::Output;
    let (end, peer) = pipe(window, step);
    let mut socket = Blocking { end, peer: Peer { end: peer, script, read: Vec::new(), done: false } };
    let (mut ws, mut seen) = (Connection::server(Arc::new(config())), Seen::default());
    let (mut buffer, mut shut) = (vec![0; 4096], false);
    ws.handle_timeout(clock::now());
    while !ws.is_closed() {
        let n = if ws.wants_read() { socket.read(&mut buffer).unwrap() } else { 0 };
        if n == 0 {
            ws.receive_eof();
        }
        let mut input = &mut buffer[..n];
        loop {
            while let Some(event) = ws.receive(&mut input) {
                seen.event(&mut ws, event);
            }
            ws.outbox().write_to(&mut socket).unwrap();
            if !ws.wants_receive() {
                break;
            }
        }
        if ws.outbox().is_finished() && !shut {
            shut = true;
            socket.end.shutdown().unwrap();
        }
    }
    while socket.peer.turn() {}
    (seen, socket.peer.read)
}

fn readiness(script: &[u8], window: usize, step: usize) -> (Seen, Vec<u8>) {
    let (mut socket, peer) = pipe(window, step);
    let mut peer = Peer { end: peer, script, read: Vec::new(), done: false };
    let options = Options { config: Arc::new(config()), ..Options::default() };
    let (mut endpoint, mut seen, mut buffers) = (Endpoint::server(&options), Seen::default(), Buffers::new(4096));
    while !endpoint.is_closed() {
        // What a poll would report: the socket is readable, or writable again.
        let input = match endpoint.wants_read().then(|| socket.read(buffers.input())) {
            Some(Ok(n)) => Input::Read(n),
            Some(Err(error)) => {
                assert!(would_block(&error));
                Input::Nothing
            }
            None => Input::Nothing,
        };
        let waits = matches!(input, Input::Nothing);
        turn(&mut Access::Direct(&mut endpoint), &mut buffers, input, &mut socket, |access, event| {
            access.with(|endpoint| seen.event(&mut endpoint.connection, event));
        });
        if waits {
            peer.turn();
        }
        assert!(endpoint.poll_timeout() != Some(Duration::ZERO), "a busy loop");
    }
    while peer.turn() {}
    (seen, peer.read)
}

/// The same application, as the callback layer has it.
struct Recorder(Arc<Mutex<Seen>>);

impl App for Recorder {
    type Handler = Recorder;

    fn request(&self, _: &Request, _: Option<std::net::SocketAddr>) -> Result<(Recorder, Response), Rejection> {
        Ok((Recorder(self.0.clone()), Response::default()))
    }
}

impl Handler for Recorder {
    fn open(&mut self, context: &mut Context<'_>) {
        self.0.lock().unwrap().opened = true;
        context.send("welcome").unwrap();
    }

    fn message(&mut self, context: &mut Context<'_>, message: Message<'_>) {
        self.0.lock().unwrap().messages.push(message.clone().into());
        let _ = context.send(message);
    }

    fn close(&mut self, closed: &Closed) {
        assert_eq!(self.0.lock().unwrap().closed.replace(closed.clone()), None, "the end comes once");
    }
}

fn polled(script: &[u8], window: usize, step: usize) -> (Seen, Vec<u8>) {
    let (socket, peer) = pipe(window, step);
    let mut peer = Peer { end: peer, script, read: Vec::new(), done: false };
    let seen = Arc::new(Mutex::new(Seen::default()));
    let options = Options { config: Arc::new(config()), ..Options::default() };
    let server = Server::new(Recorder(seen.clone()), options);
    let mut future = Serve::new(&server, socket);
    let mut context = TaskContext::from_waker(Waker::noop());
    for _ in 0..1_000_000 {
        if let Poll::Ready(()) = Pin::new(&mut future).poll(&mut context) {
            drop(future);
            while peer.turn() {}
            let seen = seen.lock().unwrap().clone();
            return (seen, peer.read);
        }
        peer.turn();
    }
    panic!("it never ends");
}

#[test]
fn every_driver_sees_and_says_the_same() {
    for (name, script) in scripts() {
        let expected = blocking(&script, usize::MAX, usize::MAX);
        for (window, step) in [(usize::MAX, usize::MAX), (5000, 1500), (64, 7)] {
            for (driver, run) in [
                ("blocking", blocking as fn(&[u8], usize, usize) -> (Seen, Vec<u8>)),
                ("readiness", readiness),
                ("polled", polled),
            ] {
                let (mut seen, output) = run(&script, window, step);
                if driver == "polled" && !seen.opened {
                    // An application is told of the end of what it was told the beginning of.
                    assert_eq!(seen.closed, None);
                    seen.closed = expected.0.closed.clone();
                }
                assert!(seen == expected.0, "{name}, {driver}: {:?}, not {:?}", seen.closed, expected.0.closed);
                assert!(output == expected.1, "{name}, {driver}, {} bytes, not {}", output.len(), expected.1.len());
            }
        }
        let echoes = expected.0.messages.len();
        assert!(!expected.0.opened || expected.1.len() > 100, "{name} with {echoes} echoes");
    }
}

#[test]
fn a_driver_that_was_elsewhere_may_write_before_the_deadline_of_a_write_is_heeded() {
    let (mut socket, mut peer) = pipe(5, usize::MAX);
    let write_timeout = Some(Duration::from_millis(2));
    let options = Options { config: Arc::new(timtow_core::Config { write_timeout, ..config() }), ..Options::default() };
    let ws = Connection::upgraded(Role::Server, options.config.clone());
    let (mut endpoint, mut buffers) = (Endpoint::new(ws, &options), Buffers::new(100));
    endpoint.connection.send("stuck").unwrap();
    let mut nothing = |endpoint: &mut Endpoint, socket: &mut End| {
        turn(&mut Access::Direct(endpoint), &mut buffers, Input::Nothing, socket, |_, event| panic!("{event:?}"));
    };
    nothing(&mut endpoint, &mut socket);
    assert!(endpoint.wants_write());
    // The peer reads, and the driver does not look before the deadline has passed.
    assert_eq!(peer.read(&mut [0; 10]).unwrap(), 5);
    let deadline = endpoint.poll_timeout().unwrap();
    while clock::now() <= deadline {
        std::hint::spin_loop();
    }
    nothing(&mut endpoint, &mut socket);
    assert!(!endpoint.wants_write());
    assert_eq!(peer.unread(), b"ck");
}
