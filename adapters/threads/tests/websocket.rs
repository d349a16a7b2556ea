//! `accept`, `connect` and `WebSocket`, whole and split, with tungstenite as the peer.

mod common;

use common::{Running, WATCHDOG, client, watched};
use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    sync::Arc,
    thread,
    time::Duration,
};
use timtow_threads::{
    Cause, ClientRequest, Config, Echo, Error, Options, Rejection, Response, SendError, Timeout, Transport, UrlError,
    accept, accept_with, connect, connect_with,
};
use tungstenite::Message as Peers;

fn options(config: Config) -> Options {
    Options { config: config.into(), ..Options::default() }
}

/// Two ends of a connection: the one that was connected, and the one that was accepted.
fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let connected = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (connected, listener.accept().unwrap().0)
}

/// What tungstenite does as a server, and where.
fn peer<T: Send + 'static>(
    run: impl FnOnce(tungstenite::WebSocket<TcpStream>) -> T + Send + 'static,
) -> (String, thread::JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let thread = thread::spawn(move || {
        let stream = listener.accept().unwrap().0;
        stream.set_read_timeout(Some(WATCHDOG)).unwrap();
        run(tungstenite::accept(stream).unwrap())
    });
    (url, thread)
}

/// Reads until the end; the code of the close frame.
fn end(mut socket: tungstenite::WebSocket<TcpStream>) -> Option<u16> {
    let mut code = None;
    while let Ok(message) = socket.read() {
        if let Peers::Close(frame) = message {
            code = frame.map(|frame| frame.code.into());
        }
    }
    code
}

#[test]
fn a_client_receives_and_sends() {
    watched(|| {
        let (url, peer) = peer(|mut socket| {
            for _ in 0..3 {
                let message = socket.read().unwrap();
                socket.send(message).unwrap();
            }
            assert_eq!(socket.read().unwrap(), Peers::Ping(b"are you there?".to_vec().into()));
            end(socket)
        });
        let mut socket = connect(&url, &Options::default()).unwrap();
        for text in ["0", "", "κόσμε"] {
            socket.send(text).unwrap();
            assert_eq!(socket.recv().unwrap().unwrap().as_text(), Some(text));
        }
        socket.ping(b"are you there?").unwrap();
        let closed = socket.close(4321, "enough").unwrap();
        assert!(closed.is_clean());
        assert_eq!(closed.code.0, 4321);
        assert_eq!(peer.join().unwrap(), Some(4321));
        assert!(matches!(socket.send("too late"), Err(Error::Closed(_))));
        assert_eq!(socket.recv().unwrap(), None);
    });
}

#[test]
fn what_is_fed_is_written_before_it_waits() {
    watched(|| {
        let (connected, accepted) = pair();
        let peer = thread::spawn(move || {
            let mut client = client(connected);
            for n in 0..100 {
                assert_eq!(client.read().unwrap(), Peers::text(n.to_string()));
            }
            client.send(Peers::text("got them")).unwrap();
            client.close(None).unwrap();
            end(client)
        });
        let mut socket = accept(accepted, &Options::default()).unwrap();
        for n in 0..100 {
            socket.feed(n.to_string()).unwrap();
        }
        assert!(socket.unsent() > 0);
        assert_eq!(socket.recv().unwrap().unwrap().as_text(), Some("got them"));
        assert_eq!(socket.recv().unwrap(), None);
        assert!(socket.closed().unwrap().is_clean());
        peer.join().unwrap();
    });
}

#[test]
fn an_answer_may_refuse_or_choose() {
    watched(|| {
        let (connected, accepted) = pair();
        let client =
            thread::spawn(move || tungstenite::client("ws://localhost/", connected).err().unwrap().to_string());
        let refused = accept_with(accepted, &Options::default(), |_| Err(Rejection::new(404)));
        assert!(
            matches!(refused, Err(Error::Closed(closed)) if matches!(&closed.cause, Cause::Refused(refusal) if refusal.status == 404))
        );
        assert!(client.join().unwrap().contains("404"));

        let (connected, accepted) = pair();
        let server = thread::spawn(move || {
            accept_with(accepted, &Options::default(), |request| {
                let subprotocol = request.subprotocols().last().map(String::from);
                Ok(Response { subprotocol, ..Response::default() })
            })
        });
        let request = ClientRequest {
            host: "localhost".into(),
            subprotocols: vec!["a".into(), "b".into()],
            ..ClientRequest::default()
        };
        let (_, opened) = connect_with(request, connected, &Options::default()).unwrap();
        assert_eq!(opened.subprotocol.as_deref(), Some("b"));
        server.join().unwrap().unwrap();
    });
}

#[test]
fn a_handshake_in_single_bytes_is_cut_at_the_deadline() {
    watched(|| {
        let config = Config {
            handshake_timeout: Some(Duration::from_millis(300)),
            close_timeout: Some(Duration::from_millis(100)),
            ..Config::default()
        };
        let (mut connected, accepted) = pair();
        let server = thread::spawn(move || accept(accepted, &options(config)));
        connected.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
        let mut answer = [0; 12];
        // The read is the pause between two bytes.
        for byte in b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ".iter().chain(std::iter::repeat(&b'x')) {
            connected.write_all(&[*byte]).unwrap();
            if connected.read(&mut answer).is_ok() {
                break;
            }
        }
        assert_eq!(&answer, b"HTTP/1.1 408");
        let error = server.join().unwrap().unwrap_err();
        assert!(matches!(error, Error::Closed(closed) if closed.cause == Cause::Timeout(Timeout::Handshake)));
    });
}

#[test]
fn both_halves_work_at_the_same_time_while_pings_flow() {
    const MESSAGES: usize = 10_000;
    watched(|| {
        let (url, peer) = peer(|mut socket| {
            let mut pongs = 0;
            for n in 0..MESSAGES {
                socket.send(Peers::text(format!("down {n}"))).unwrap();
                if n % 10 == 0 {
                    socket.send(Peers::Ping(n.to_string().into_bytes().into())).unwrap();
                }
                loop {
                    match socket.read().unwrap() {
                        Peers::Pong(_) => pongs += 1,
                        Peers::Ping(_) => {}
                        message => break assert_eq!(message, Peers::text(format!("up {n}"))),
                    }
                }
            }
            (pongs, end(socket))
        });
        let config = Config { ping_interval: Some(Duration::from_millis(1)), ..Config::default() };
        let (mut receiving, mut sending) = connect(&url, &options(config)).unwrap().split();
        let sender = thread::spawn(move || {
            for n in 0..MESSAGES {
                sending.send(format!("up {n}")).unwrap();
            }
            sending
        });
        for n in 0..MESSAGES {
            assert_eq!(receiving.recv().unwrap().unwrap().as_text(), Some(format!("down {n}").as_str()));
        }
        let mut sending = sender.join().unwrap();
        sending.close(1000, "").unwrap();
        assert_eq!(receiving.recv().unwrap(), None);
        assert!(receiving.closed().unwrap().is_clean());
        assert!(matches!(sending.send("too late"), Err(Error::Closed(closed)) if closed.is_clean()));
        let (pongs, code) = peer.join().unwrap();
        assert!(pongs > 0);
        assert_eq!(code, Some(1000));
    });
}

#[test]
fn halves_of_both_sides_do_not_wait_for_each_other() {
    // Whole sockets would block each other: both sides send more than the sockets hold before they receive anything.
    const MESSAGES: usize = 200;
    for transport in [None, Some(shifting())] {
        watched(move || {
            let options = Options { transport, ..Options::default() };
            let (connected, accepted) = pair();
            let theirs = options.clone();
            let server = thread::spawn(move || accept(accepted, &theirs).unwrap());
            let request = ClientRequest { host: "localhost".into(), ..ClientRequest::default() };
            let ours = connect_with(request, connected, &options).unwrap().0;
            let sides = [ours, server.join().unwrap()].map(|socket| {
                let (mut receiving, mut sending) = socket.split();
                let sender = thread::spawn(move || {
                    for n in 0..MESSAGES {
                        sending.send(vec![n as u8; 100_000]).unwrap();
                    }
                    sending.flush().unwrap();
                    sending
                });
                let receiver = thread::spawn(move || {
                    for n in 0..MESSAGES {
                        assert_eq!(receiving.recv().unwrap().unwrap().as_bytes(), vec![n as u8; 100_000]);
                    }
                    receiving
                });
                (sender, receiver)
            });
            let [(our_sender, our_receiver), (their_sender, their_receiver)] = sides;
            let mut ours = (our_receiver.join().unwrap(), our_sender.join().unwrap());
            let mut theirs = (their_receiver.join().unwrap(), their_sender.join().unwrap());
            ours.1.close(1000, "").unwrap();
            assert_eq!(theirs.0.recv().unwrap(), None);
            assert_eq!(ours.0.recv().unwrap(), None);
            assert!(matches!(theirs.1.send("too late"), Err(Error::Closed(closed)) if closed.is_clean()));
        });
    }
}

#[test]
fn a_half_that_sends_waits_for_a_slow_peer_and_gives_it_up() {
    watched(|| {
        let (connected, accepted) = pair();
        let peer = thread::spawn(move || client(connected));
        let config = Config { write_timeout: Some(Duration::from_millis(100)), ..Config::default() };
        let high_water = config.high_water;
        let (mut receiving, mut sending) = accept(accepted, &options(config)).unwrap().split();
        let client = peer.join().unwrap();
        let sender = thread::spawn(move || {
            loop {
                // Never more than the high-water mark and one message.
                if let Err(error) = sending.send(vec![0; high_water]) {
                    return error;
                }
            }
        });
        let end = |error| matches!(error, Error::Closed(closed) if closed.cause == Cause::Timeout(Timeout::Write));
        assert!(end(receiving.recv().unwrap_err()));
        assert!(end(sender.join().unwrap()));
        drop(client);
    });
}

#[test]
fn a_blocked_send_gives_a_peer_up_that_does_not_read() {
    watched(|| {
        let (connected, accepted) = pair();
        let peer = thread::spawn(move || client(connected));
        let config = Config { write_timeout: Some(Duration::from_millis(100)), ..Config::default() };
        let mut socket = accept(accepted, &options(config)).unwrap();
        let client = peer.join().unwrap();
        let error = loop {
            if let Err(error) = socket.send(vec![0; 1 << 20]) {
                break error;
            }
        };
        assert!(matches!(error, Error::Closed(closed) if closed.cause == Cause::Timeout(Timeout::Write)));
        drop(client);
    });
}

#[test]
fn what_was_sent_is_written_after_the_halves_are_gone() {
    watched(|| {
        for _ in 0..100 {
            let (connected, accepted) = pair();
            let peer = thread::spawn(move || client(connected));
            let halves = accept(accepted, &Options::default()).unwrap().split();
            let mut client = peer.join().unwrap();
            let (receiving, mut sending) = halves;
            sending.send("last words").unwrap();
            drop((receiving, sending));
            assert_eq!(client.read().unwrap(), Peers::text("last words"));
            assert!(client.read().is_err(), "the socket is closed");
        }
    });
}

#[test]
fn a_silent_peer_does_not_hold_a_close_for_ever() {
    watched(|| {
        for split in [false, true] {
            let (connected, accepted) = pair();
            let peer = thread::spawn(move || client(connected));
            // No ping, so that nothing but the close deadline ends the read.
            let config =
                Config { close_timeout: Some(Duration::from_millis(100)), ping_interval: None, ..Config::default() };
            let mut socket = accept(accepted, &options(config)).unwrap();
            let client = peer.join().unwrap();
            let closed = if split {
                let (mut receiving, mut sending) = socket.split();
                let receiver = thread::spawn(move || {
                    let error = receiving.recv().unwrap_err();
                    (receiving, error)
                });
                // The deadline may have come while this thread was not scheduled.
                let _ = sending.close(1000, "");
                receiver.join().unwrap().0.closed().unwrap()
            } else {
                socket.close(1000, "").unwrap()
            };
            assert_eq!(closed.cause, Cause::Timeout(Timeout::Close));
            drop(client);
        }
    });
}

#[test]
fn what_cannot_be_connected_to_says_why() {
    watched(|| {
        let options = Options::default();
        assert!(matches!(connect("wss://localhost/", &options), Err(Error::Url(UrlError::Secure))));
        assert!(matches!(connect("http://localhost/", &options), Err(Error::Url(UrlError::Scheme))));
        let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let error = connect(format!("ws://{nobody}/"), &options).unwrap_err();
        assert!(matches!(error, Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused));
        let server = Running::start(Config::default(), Echo);
        let mut socket = connect(format!("ws://{}/", server.address), &options).unwrap();
        assert!(matches!(socket.close(1005, "not both"), Err(Error::Send(SendError::CloseCodeNotAllowed))));
        assert!(socket.close(1000, "").unwrap().is_clean());
        server.stop();
    });
}

/// Changes lengths, and has a handshake and an end of its own.
struct Shifting {
    greeted: bool,
    greetings: usize,
}

const GREETING: &[u8] = b"shifting";

impl Transport for Shifting {
    fn receive(&mut self, wire: &mut [u8], plain: &mut Vec<u8>) -> io::Result<()> {
        let greeting = (GREETING.len() - self.greetings).min(wire.len());
        self.greetings += greeting;
        plain.extend(wire[greeting..].iter().map(|byte| byte.wrapping_sub(1)));
        Ok(())
    }

    fn send(&mut self, plain: &[u8], wire: &mut Vec<u8>) -> io::Result<()> {
        if !std::mem::replace(&mut self.greeted, true) {
            wire.extend_from_slice(GREETING);
        }
        wire.extend(plain.iter().map(|byte| byte.wrapping_add(1)));
        Ok(())
    }

    fn is_open(&self) -> bool {
        self.greetings == GREETING.len()
    }

    fn close(&mut self, _: &mut Vec<u8>) {}

    fn handle_timeout(&mut self, _: Duration) -> io::Result<()> {
        Ok(())
    }

    fn poll_timeout(&self) -> Option<Duration> {
        None
    }
}

fn shifting() -> Arc<dyn Fn(timtow_threads::Role) -> Box<dyn Transport> + Send + Sync> {
    Arc::new(|_| Box::new(Shifting { greeted: false, greetings: 0 }))
}
