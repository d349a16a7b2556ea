//! A `WebSocket` on a `Poll` of one's own, in both roles, with tungstenite as the peer.

use mio::{Events, Interest, Poll, Token};
use std::{
    io::ErrorKind,
    net::TcpListener,
    sync::Arc,
    task::{Wake, Waker},
    thread,
    time::{Duration, Instant},
};
use timtow_mio::{
    Buffers, Cause, ClientRequest, CloseCode, Closed, Config, Connection, Error, Event, HandshakeFailure, Options,
    OwnedMessage, Rejection, Timeout, WebSocket, accept, connect, connect_with,
};
use tungstenite::{Bytes, Message};

const WATCHDOG: Duration = Duration::from_secs(60);
const SOCKET: Token = Token(0);
const WAKE: Token = Token(1);

/// One socket, and what came on it.
struct Own {
    poll: Poll,
    buffers: Buffers,
    socket: WebSocket,
    closed: Option<Closed>,
}

impl Own {
    fn new(mut socket: WebSocket) -> Own {
        let poll = Poll::new().unwrap();
        poll.registry().register(&mut socket, SOCKET, Interest::READABLE | Interest::WRITABLE).unwrap();
        Own { poll, buffers: Buffers::default(), socket, closed: None }
    }

    /// Turns until `done`; `on_event` is given what comes.
    fn run(&mut self, mut on_event: impl FnMut(&mut Connection, Event<'_>), done: impl Fn(&WebSocket) -> bool) {
        let (mut events, start) = (Events::with_capacity(8), Instant::now());
        let mut see = |connection: &mut Connection, event: Event<'_>| match event {
            Event::Closed(closed) => assert!(self.closed.replace(closed).is_none(), "the end comes once"),
            event => on_event(connection, event),
        };
        while !done(&self.socket) {
            assert!(start.elapsed() < WATCHDOG);
            let timeout = self.socket.poll_timeout().unwrap_or(WATCHDOG).min(WATCHDOG);
            self.poll.poll(&mut events, Some(timeout)).unwrap();
            let mut woken = false;
            for event in &events {
                match event.token() {
                    SOCKET => self.socket.handle(event, &mut self.buffers, &mut see),
                    _ => woken = true,
                }
            }
            if woken || self.socket.poll_timeout() == Some(Duration::ZERO) {
                self.socket.handle_timeout(&mut self.buffers, &mut see);
            }
        }
    }

    fn run_to_the_end(&mut self, on_event: impl FnMut(&mut Connection, Event<'_>)) -> Closed {
        self.run(on_event, |socket| socket.is_closed());
        self.poll.registry().deregister(&mut self.socket).unwrap();
        self.closed.clone().unwrap()
    }
}

fn binary(size: usize) -> Vec<u8> {
    (0..size).map(|n| (n % 251) as u8).collect()
}

const SIZES: [usize; 7] = [0, 1, 125, 126, 65_535, 65_536, 1 << 20];

#[test]
fn a_client_sends_and_receives_every_size_and_closes() {
    let (listener, address) = bind();
    // A name may have addresses at which nobody listens.
    let url = format!("ws://localhost:{}/", address.port());
    let server = thread::spawn(move || {
        let mut socket = tungstenite::accept(listener.accept().unwrap().0).unwrap();
        loop {
            match socket.read() {
                Ok(message @ (Message::Text(_) | Message::Binary(_))) => socket.send(message).unwrap(),
                Ok(Message::Close(frame)) => assert_eq!(u16::from(frame.unwrap().code), 1000),
                Ok(_) => {}
                Err(error) => return error,
            }
        }
    });
    let mut echoes = 0;
    let mut client = Own::new(connect(&url, &Options::default()).unwrap());
    let closed = client.run_to_the_end(|connection, event| match event {
        Event::Open(_) => SIZES.iter().for_each(|size| connection.send(binary(*size)).unwrap()),
        Event::Message(message) => {
            assert!(OwnedMessage::from(message) == binary(SIZES[echoes]).into(), "{} bytes", SIZES[echoes]);
            echoes += 1;
            if echoes == SIZES.len() {
                connection.close(CloseCode::NORMAL, "").unwrap();
            }
        }
        _ => {}
    });
    assert!(closed.is_clean() && closed.code == CloseCode::NORMAL);
    assert_eq!(echoes, SIZES.len());
    assert!(matches!(server.join().unwrap(), tungstenite::Error::ConnectionClosed));
}

#[test]
fn a_server_accepts_what_it_leaves_unanswered_and_sends_from_outside() {
    let (listener, address) = bind();
    let (queued, wait) = std::sync::mpsc::channel();
    let client = thread::spawn(move || {
        let stream = std::net::TcpStream::connect(address).unwrap();
        let mut socket = tungstenite::client(format!("ws://{address}/"), stream).unwrap().0;
        socket.send(Message::text("to you")).unwrap();
        // Who reads meanwhile may take all that is written.
        wait.recv().unwrap();
        assert_eq!(socket.read().unwrap(), Message::text("from outside"));
        assert!(socket.read().unwrap() == Message::Binary(Bytes::from(binary(8 << 20))));
        assert!(matches!(socket.read().unwrap(), Message::Close(Some(frame)) if u16::from(frame.code) == 4001));
        while socket.read().is_ok() {}
    });
    let mut server = accepted(&listener);
    let received = std::cell::RefCell::new(Vec::new());
    server.run(
        |_, event| {
            if let Event::Message(message) = event {
                received.borrow_mut().push(OwnedMessage::from(message));
            }
        },
        |_| !received.borrow().is_empty(),
    );
    assert_eq!(received.into_inner(), [OwnedMessage::from("to you")]);
    server.socket.send("from outside").unwrap();
    // More than the socket takes at once.
    server.socket.send(binary(8 << 20)).unwrap();
    assert!(server.socket.connection().buffered() > 0);
    queued.send(()).unwrap();
    server.socket.close(4001, "").unwrap();
    assert!(server.run_to_the_end(|_, _| {}).is_clean());
    client.join().unwrap();
}

#[test]
fn a_server_may_refuse_and_a_client_is_told() {
    let (listener, address) = bind();
    let client = thread::spawn(move || {
        let request = ClientRequest { host: address.to_string(), ..ClientRequest::default() };
        let stream = mio::net::TcpStream::connect(address).unwrap();
        let socket = connect_with(request, stream, &Options::default()).unwrap();
        Own::new(socket).run_to_the_end(|_, event| panic!("{event:?}"))
    });
    let refused = accepted(&listener).run_to_the_end(|connection, event| {
        let Event::Request(_) = event else { panic!("{event:?}") };
        connection.reject(&Rejection::new(403)).unwrap();
    });
    assert!(matches!(refused.cause, Cause::Refused(_)));
    let Cause::Failed(error) = client.join().unwrap().cause else { panic!("it has failed") };
    assert!(error.kind == HandshakeFailure::Status && error.status == 403, "{error:?}");
}

#[test]
fn a_sender_wakes_the_poll_from_another_thread() {
    struct Bell(mio::Waker);
    impl Wake for Bell {
        fn wake(self: Arc<Self>) {
            self.0.wake().unwrap();
        }
    }
    let (listener, address) = bind();
    let client = thread::spawn(move || {
        let stream = std::net::TcpStream::connect(address).unwrap();
        let mut socket = tungstenite::client(format!("ws://{address}/"), stream).unwrap().0;
        for n in 0..50 {
            assert_eq!(socket.read().unwrap(), Message::text(n.to_string()));
        }
        while socket.read().is_ok() {}
    });
    let mut server = accepted(&listener);
    let open = std::cell::Cell::new(false);
    server.run(|_, event| open.set(matches!(event, Event::Open(_))), |_| open.get());
    let bell = mio::Waker::new(server.poll.registry(), WAKE).unwrap();
    let sender = server.socket.sender(&Waker::from(Arc::new(Bell(bell))));
    let sending = thread::spawn(move || {
        (0..50).for_each(|n| sender.try_send(n.to_string()).unwrap());
        sender.close(1000, "").unwrap();
    });
    assert!(server.run_to_the_end(|_, _| {}).is_clean());
    sending.join().unwrap();
    client.join().unwrap();
}

#[test]
fn nobody_there() {
    let (listener, address) = bind();
    let url = format!("ws://{address}/");
    drop(listener);
    let mut client = Own::new(connect(&url, &Options::default()).unwrap());
    let closed = client.run_to_the_end(|_, event| panic!("{event:?}"));
    assert_eq!(closed.cause, Cause::Lost);
    let Some(Error::Io(error)) = client.socket.error() else { panic!("{:?}", client.socket.error()) };
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn a_server_that_says_nothing_is_given_up() {
    // It is connected by the system, and accepted by nobody.
    let (_listener, address) = bind();
    let url = format!("ws://{address}/");
    let soon = Some(Duration::from_millis(5));
    let config = Config { handshake_timeout: soon, close_timeout: soon, ..Config::default() };
    let options = Options { config: config.into(), ..Options::default() };
    let mut client = Own::new(connect(&url, &options).unwrap());
    let closed = client.run_to_the_end(|_, event| panic!("{event:?}"));
    assert_eq!(closed.cause, Cause::Timeout(Timeout::Handshake));
}

fn bind() -> (TcpListener, std::net::SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// The server's side of the next connection.
fn accepted(listener: &TcpListener) -> Own {
    let (stream, _) = listener.accept().unwrap();
    stream.set_nonblocking(true).unwrap();
    Own::new(accept(mio::net::TcpStream::from_std(stream), &Options::default()).unwrap())
}
