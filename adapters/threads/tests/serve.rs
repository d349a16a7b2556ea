//! `serve` over real sockets, with tungstenite and raw bytes as peers.

mod common;

use common::{Running, client, watched};
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{Barrier, mpsc},
    thread,
    time::Duration,
};
use timtow_threads::{
    App, Closed, Config, Context, Echo, Handler, Message, Options, Rejection, Request, Response, Sender, on_message,
};
use tungstenite::{Message as Peers, WebSocket};

/// Says what happens to it, and does what it is told.
struct Talkative(mpsc::Sender<Said>);

struct Talker {
    said: mpsc::Sender<Said>,
    ticks: usize,
}

/// What a handler waits for that is told to block.
static BARRIER: Barrier = Barrier::new(2);

enum Said {
    Open(Sender),
    Closed(Closed),
}

impl App for Talkative {
    type Handler = Talker;

    fn request(&self, _: &Request, _: Option<SocketAddr>) -> Result<(Talker, Response), Rejection> {
        Ok((Talker { said: self.0.clone(), ticks: 0 }, Response::default()))
    }
}

impl Handler for Talker {
    fn open(&mut self, context: &mut Context<'_>) {
        let _ = self.said.send(Said::Open(context.sender()));
    }

    fn message(&mut self, context: &mut Context<'_>, message: Message<'_>) {
        match message.as_bytes() {
            b"block" => {
                BARRIER.wait();
            }
            b"panic" => panic!("as the test wants it"),
            b"timer" => context.set_timer(Duration::from_millis(5)),
            _ => context.send(message).unwrap(),
        }
    }

    fn timer(&mut self, context: &mut Context<'_>) {
        self.ticks += 1;
        context.send(format!("tick {}", self.ticks)).unwrap();
        context.set_timer(Duration::from_millis(5));
    }

    fn close(&mut self, closed: &Closed) {
        let _ = self.said.send(Said::Closed(closed.clone()));
    }
}

fn talkative(config: Config) -> (Running, mpsc::Receiver<Said>) {
    let (said, heard) = mpsc::channel();
    (Running::start(config, Talkative(said)), heard)
}

fn opened(heard: &mpsc::Receiver<Said>) -> Sender {
    match heard.recv().unwrap() {
        Said::Open(sender) => sender,
        Said::Closed(closed) => panic!("{closed}"),
    }
}

fn closed(heard: &mpsc::Receiver<Said>) -> Closed {
    match heard.recv().unwrap() {
        Said::Open(_) => panic!("it is open"),
        Said::Closed(closed) => closed,
    }
}

fn connect(server: &Running) -> WebSocket<TcpStream> {
    client(TcpStream::connect(server.address).unwrap())
}

#[test]
fn every_message_comes_back() {
    watched(|| {
        let server = Running::start(Config::default(), Echo);
        let mut clients = [connect(&server), connect(&server)];
        for size in [0, 1, 125, 126, 65_535, 65_536, 1 << 20] {
            let message = Peers::binary(vec![7; size]);
            clients.iter_mut().for_each(|client| client.send(message.clone()).unwrap());
            clients.iter_mut().for_each(|client| assert_eq!(client.read().unwrap(), message));
        }
        for mut client in clients {
            client.close(None).unwrap();
            while client.read().is_ok() {}
        }
        server.stop();
    });
}

#[test]
fn a_sender_wakes_a_connection_that_is_blocked_in_a_read() {
    watched(|| {
        let (server, heard) = talkative(Config::default());
        let mut client = connect(&server);
        let sender = opened(&heard);
        for n in 0..1000 {
            sender.try_send(format!("from outside {n}")).unwrap();
            assert_eq!(client.read().unwrap(), Peers::text(format!("from outside {n}")));
            // And now that there is a writer, the handler's own messages.
            client.send(Peers::text("from inside")).unwrap();
            assert_eq!(client.read().unwrap(), Peers::text("from inside"));
        }
        sender.close(4000, "enough").unwrap();
        assert!(matches!(client.read().unwrap(), Peers::Close(Some(frame)) if u16::from(frame.code) == 4000));
        while client.read().is_ok() {}
        drop(client);
        assert!(closed(&heard).is_clean());
        assert!(sender.try_send("too late").is_err());
        server.stop();
    });
}

#[test]
fn the_timer_fires_with_and_without_a_writer() {
    watched(|| {
        let (server, heard) = talkative(Config::default());
        for outside in [false, true] {
            let mut client = connect(&server);
            let sender = opened(&heard);
            if outside {
                sender.try_send("from outside").unwrap();
                assert_eq!(client.read().unwrap(), Peers::text("from outside"));
            }
            client.send(Peers::text("timer")).unwrap();
            for n in 1..10 {
                assert_eq!(client.read().unwrap(), Peers::text(format!("tick {n}")));
            }
            drop(client);
            assert!(!closed(&heard).is_clean());
        }
        server.stop();
    });
}

#[test]
fn a_peer_that_stops_reading_is_given_up() {
    watched(|| {
        for outside in [false, true] {
            let config = Config { write_timeout: Some(Duration::from_millis(100)), ..Config::default() };
            let (server, heard) = talkative(config);
            let mut client = connect(&server);
            let sender = opened(&heard);
            if outside {
                sender.try_send("from outside").unwrap();
                assert_eq!(client.read().unwrap(), Peers::text("from outside"));
            }
            // It sends until nothing is taken any more.
            while client.send(Peers::binary(vec![0; 1 << 20])).is_ok() {}
            assert_eq!(closed(&heard).to_string(), "the peer stopped reading");
            server.stop();
        }
    });
}

#[test]
fn a_peer_that_reads_late_gets_everything() {
    watched(|| {
        for outside in [false, true] {
            let (server, heard) = talkative(Config::default());
            let mut client = connect(&server);
            let sender = opened(&heard);
            if outside {
                sender.try_send("from outside").unwrap();
                assert_eq!(client.read().unwrap(), Peers::text("from outside"));
            }
            // More than the sockets hold: it is written from another thread, and blocks until the first byte is read.
            const MESSAGES: usize = 200;
            let mut writer = WebSocket::from_raw_socket(
                client.get_ref().try_clone().unwrap(),
                tungstenite::protocol::Role::Client,
                None,
            );
            let (begun, beginning) = mpsc::channel();
            let writing = thread::spawn(move || {
                for n in 0..MESSAGES {
                    writer.send(Peers::binary(vec![n as u8; 100_000])).unwrap();
                    let _ = begun.send(());
                }
            });
            (0..20).for_each(|_| beginning.recv().unwrap());
            for n in 0..MESSAGES {
                assert_eq!(client.read().unwrap(), Peers::binary(vec![n as u8; 100_000]));
            }
            writing.join().unwrap();
            drop(client);
            server.stop();
        }
    });
}

#[test]
fn a_drain_says_goodbye_and_waits_for_nobody_too_long() {
    watched(|| {
        let config = Config { close_timeout: Some(Duration::from_millis(200)), ..Config::default() };
        let (server, heard) = talkative(config);
        let mut clients = [connect(&server), connect(&server), connect(&server)];
        // With a writer already.
        let sender = [opened(&heard), opened(&heard), opened(&heard)];
        sender.iter().for_each(|sender| sender.try_send("from outside").unwrap());
        clients.iter_mut().for_each(|client| assert_eq!(client.read().unwrap(), Peers::text("from outside")));
        // Without one, and silent for ever.
        let silent = connect(&server);
        opened(&heard);
        // In the opening handshake.
        let mut half = TcpStream::connect(server.address).unwrap();
        half.write_all(b"GET / HTTP/1.1\r\n").unwrap();
        server.drain.start();
        for mut client in clients {
            assert!(matches!(client.read().unwrap(), Peers::Close(Some(frame)) if u16::from(frame.code) == 1001));
            while client.read().is_ok() {}
        }
        let address = server.address;
        server.join();
        let ends: Vec<Closed> = (0..4).map(|_| closed(&heard)).collect();
        assert_eq!(ends.iter().filter(|closed| closed.is_clean()).count(), 3, "{ends:?}");
        drop((silent, half));
        assert!(TcpStream::connect(address).is_err(), "nobody listens any more");
    });
}

#[test]
fn a_drain_does_not_wait_for_a_peer_that_does_not_read() {
    watched(|| {
        let config =
            Config { close_timeout: Some(Duration::from_millis(200)), write_timeout: None, ..Config::default() };
        let server = Running::start(config, Echo);
        let mut client = connect(&server);
        // Nothing is taken any more: the server is blocked in a write.
        client.get_ref().set_write_timeout(Some(Duration::from_millis(200))).unwrap();
        while client.send(Peers::binary(vec![0; 1 << 20])).is_ok() {}
        server.stop();
    });
}

#[test]
fn a_handshake_in_single_bytes_is_cut_at_the_deadline() {
    watched(|| {
        let config = Config { handshake_timeout: Some(Duration::from_millis(300)), ..Config::default() };
        let server = Running::start(config, Echo);
        let mut stream = TcpStream::connect(server.address).unwrap();
        let request = b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ".iter().chain(std::iter::repeat(&b'x'));
        // The read is the pause between two bytes.
        stream.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
        let mut answer = [0; 12];
        for byte in request {
            stream.write_all(&[*byte]).unwrap();
            if stream.read(&mut answer).is_ok() {
                break;
            }
        }
        assert_eq!(&answer, b"HTTP/1.1 408");
        drop(stream);
        server.stop();
    });
}

#[test]
fn a_panic_ends_its_own_connection_only() {
    watched(|| {
        for outside in [false, true] {
            let (server, heard) = talkative(Config::default());
            let (mut one, mut other) = (connect(&server), connect(&server));
            let senders = [opened(&heard), opened(&heard)];
            if outside {
                senders.iter().for_each(|sender| sender.try_send("from outside").unwrap());
                assert_eq!(one.read().unwrap(), Peers::text("from outside"));
                assert_eq!(other.read().unwrap(), Peers::text("from outside"));
            }
            one.send(Peers::text("panic")).unwrap();
            let Peers::Close(Some(close)) = one.read().unwrap() else { panic!("no close frame") };
            assert_eq!(u16::from(close.code), 1011);
            other.send(Peers::text("still here")).unwrap();
            assert_eq!(other.read().unwrap(), Peers::text("still here"));
            drop((one, other));
            server.stop();
        }
    });
}

#[test]
fn one_connection_too_many_is_told_so() {
    watched(|| {
        let server = Running::with(Options { max_connections: 1, ..Options::default() }, Echo);
        let mut first = connect(&server);
        first.send(Peers::text("I am in")).unwrap();
        assert_eq!(first.read().unwrap(), Peers::text("I am in"));
        let second = TcpStream::connect(server.address).unwrap();
        let refusal = tungstenite::client("ws://localhost/", second).err().unwrap().to_string();
        assert!(refusal.contains("503"), "{refusal}");
        drop(first);
        server.stop();
    });
}

#[test]
fn keep_alive_finds_a_peer_that_does_not_answer() {
    watched(|| {
        for outside in [false, true] {
            let soon = Some(Duration::from_millis(50));
            let config = Config { ping_interval: soon, pong_timeout: soon, close_timeout: soon, ..Config::default() };
            let (server, heard) = talkative(config);
            let stream = TcpStream::connect(server.address).unwrap();
            let mut client = client(stream.try_clone().unwrap());
            let sender = opened(&heard);
            if outside {
                sender.try_send("from outside").unwrap();
                assert_eq!(client.read().unwrap(), Peers::text("from outside"));
            }
            assert_eq!(closed(&heard).to_string(), "no pong came in time");
            server.stop();
        }
    });
}

#[test]
fn a_handler_that_takes_its_time_is_not_the_fault_of_the_peer() {
    watched(|| {
        for outside in [false, true] {
            let soon = Some(Duration::from_millis(50));
            let (server, heard) = talkative(Config { ping_interval: soon, pong_timeout: soon, ..Config::default() });
            let mut client = connect(&server);
            let sender = opened(&heard);
            if outside {
                sender.try_send("from outside").unwrap();
                assert_eq!(data(&mut client), Some(Peers::text("from outside")));
            }
            client.send(Peers::text("block")).unwrap();
            // Answers pings, of which no second one can come before the handler is done.
            client.get_ref().set_read_timeout(Some(Duration::from_millis(200))).unwrap();
            assert_eq!(data(&mut client), None);
            BARRIER.wait();
            client.send(Peers::text("still here")).unwrap();
            assert_eq!(data(&mut client), Some(Peers::text("still here")));
            drop(client);
            server.stop();
        }
    });
}

/// The next message that is no ping, if one comes.
fn data(client: &mut WebSocket<TcpStream>) -> Option<Peers> {
    loop {
        match client.read() {
            Ok(Peers::Ping(_)) => {}
            Ok(message) => return Some(message),
            Err(tungstenite::Error::Io(_)) => return None,
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn a_function_is_an_application() {
    watched(|| {
        let server = Running::start(
            Config::default(),
            on_message(|context: &mut Context<'_>, message: Message<'_>| {
                let _ = context.send(format!("{} bytes", message.as_bytes().len()));
            }),
        );
        let mut client = connect(&server);
        client.send(Peers::text("four")).unwrap();
        assert_eq!(client.read().unwrap(), Peers::text("4 bytes"));
        drop(client);
        server.stop();
    });
}
