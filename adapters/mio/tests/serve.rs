//! `serve` on real sockets, with tungstenite as the peer.

mod common;

use common::{Server, binary, expect_close, expect_text, text};
use std::{
    io::ErrorKind,
    num::NonZeroUsize,
    rc::Rc,
    sync::mpsc,
    thread::{self, ThreadId},
    time::Duration,
};
use timtow_mio::{
    App, Closed, Config, Context, Echo, Handler, Message, Options, Rejection, Request, Response, Sender, TrySendError,
};

fn threads(n: usize) -> Options {
    Options { threads: NonZeroUsize::new(n).unwrap(), ..Options::default() }
}

#[test]
fn one_loop_and_three_echo_messages_of_every_size() {
    for n in [1, 3] {
        let server = Server::start(threads(n), Echo);
        let mut clients: Vec<_> = (0..7).map(|_| server.client()).collect();
        for size in [0, 1, 125, 126, 65_535, 65_536, 1 << 20] {
            for (index, client) in clients.iter_mut().enumerate() {
                client.send(binary(size, index as u8)).unwrap();
            }
            for (index, client) in clients.iter_mut().enumerate() {
                assert!(client.read().unwrap() == binary(size, index as u8), "{n} loops, {size} bytes");
            }
        }
        for client in &mut clients {
            client.send(text("zażółć")).unwrap();
            expect_text(client, "zażółć");
            client.close(None).unwrap();
            while client.read().is_ok() {}
        }
        drop(clients);
        server.stop();
    }
}

/// Its handlers are not `Send`, and tell which thread they are on.
struct Threads;

struct OnThread(Rc<ThreadId>);

impl App for Threads {
    type Handler = OnThread;

    fn request(&self, _: &Request, _: Option<std::net::SocketAddr>) -> Result<(OnThread, Response), Rejection> {
        Ok((OnThread(Rc::new(thread::current().id())), Response::default()))
    }
}

impl Handler for OnThread {
    fn message(&mut self, context: &mut Context<'_>, _: Message<'_>) {
        assert_eq!(*self.0, thread::current().id());
        let _ = context.send(format!("{:?}", self.0));
    }
}

#[test]
fn three_loops_share_the_connections() {
    let server = Server::start(threads(3), Threads);
    let mut loops: Vec<String> = (0..6)
        .map(|_| {
            let mut client = server.client();
            client.send(text("where?")).unwrap();
            client.read().unwrap().into_text().unwrap().to_string()
        })
        .collect();
    loops.sort();
    assert_eq!(loops.len(), 6);
    loops.dedup();
    assert_eq!(loops.len(), 3);
    server.stop();
}

#[test]
fn a_drain_says_goodbye_and_refuses_who_comes_later() {
    for n in [1, 3] {
        let server = Server::start(threads(n), Echo);
        let mut clients: Vec<_> = (0..5).map(|_| server.client()).collect();
        // One that never asks for anything does not hold it up.
        let silent = server.stream();
        server.drain.start();
        for client in &mut clients {
            expect_close(client, 1001);
            while client.read().is_ok() {}
        }
        drop(clients);
        let address = server.address;
        server.stop();
        drop(silent);
        assert_eq!(std::net::TcpStream::connect(address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    }
}

#[test]
fn a_drain_before_the_start_ends_the_server() {
    let options = threads(2);
    options.drain.start();
    Server::start(options, Echo).stop();
}

/// Gives its sender away, and sends ticks by its timer.
#[derive(Clone)]
struct Tell(mpsc::Sender<Told>);

enum Told {
    Sender(Sender),
    Closed(Closed),
}

struct Teller {
    told: mpsc::Sender<Told>,
    ticks: u32,
}

impl App for Tell {
    type Handler = Teller;

    fn request(&self, _: &Request, _: Option<std::net::SocketAddr>) -> Result<(Teller, Response), Rejection> {
        Ok((Teller { told: self.0.clone(), ticks: 0 }, Response::default()))
    }
}

impl Handler for Teller {
    fn open(&mut self, context: &mut Context<'_>) {
        self.told.send(Told::Sender(context.sender())).unwrap();
    }

    fn message(&mut self, context: &mut Context<'_>, _: Message<'_>) {
        context.set_timer(Duration::from_millis(1));
    }

    fn timer(&mut self, context: &mut Context<'_>) {
        self.ticks += 1;
        context.send(format!("tick {}", self.ticks)).unwrap();
        if self.ticks < 3 {
            context.set_timer(Duration::from_millis(1));
        }
    }

    fn close(&mut self, closed: &Closed) {
        self.told.send(Told::Closed(closed.clone())).unwrap();
    }
}

#[test]
fn a_sender_works_from_another_thread_until_the_end() {
    let (tell, told) = mpsc::channel();
    let server = Server::start(threads(2), Tell(tell));
    for _ in 0..3 {
        let mut client = server.client();
        let Told::Sender(sender) = told.recv().unwrap() else { panic!("it opens first") };
        let sender = thread::spawn(move || {
            for n in 0..100 {
                sender.try_send(format!("{n}")).unwrap();
            }
            sender
        });
        for n in 0..100 {
            expect_text(&mut client, &n.to_string());
        }
        let sender = sender.join().unwrap();
        sender.close(4000, "enough").unwrap();
        expect_close(&mut client, 4000);
        while client.read().is_ok() {}
        let Told::Closed(closed) = told.recv().unwrap() else { panic!("it closes then") };
        assert!(closed.is_clean());
        assert!(matches!(sender.try_send("late"), Err(TrySendError::Closed(_))));
    }
    server.stop();
}

#[test]
fn a_timer_calls_back() {
    let (tell, _told) = mpsc::channel();
    let server = Server::start(threads(1), Tell(tell));
    let mut client = server.client();
    client.send(text("go")).unwrap();
    for n in 1..=3 {
        expect_text(&mut client, &format!("tick {n}"));
    }
    drop(client);
    server.stop();
}

#[test]
fn a_reader_that_stops_is_paused_and_loses_nothing() {
    const SIZE: usize = 200_000;
    const COUNT: usize = 200;
    let server = Server::start(threads(1), Echo);
    let (mut slow, mut other) = (server.client(), server.client());
    // Sends without reading until nobody takes any more: the server has stopped reading.
    slow.get_ref().set_nonblocking(true).unwrap();
    let mut sent = 0;
    loop {
        assert!(sent < COUNT, "40 MB vanished: the server reads without end");
        match slow.send(binary(SIZE, sent as u8)) {
            Ok(()) => sent += 1,
            Err(tungstenite::Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => panic!("{error}"),
        }
    }
    other.send(text("still there?")).unwrap();
    expect_text(&mut other, "still there?");
    slow.get_ref().set_nonblocking(false).unwrap();
    for n in 0..sent {
        assert!(slow.read().unwrap() == binary(SIZE, n as u8), "message {n} of {sent}");
    }
    // The one that was cut short.
    slow.flush().unwrap();
    assert!(slow.read().unwrap() == binary(SIZE, sent as u8));
    drop((slow, other));
    server.stop();
}

#[test]
fn a_full_server_says_503_and_has_room_again() {
    let server = Server::start(Options { max_connections: 1, ..threads(1) }, Echo);
    let mut client = server.client();
    let refused = tungstenite::client(server.url(), server.stream()).unwrap_err();
    assert!(refused.to_string().contains("503"), "{refused}");
    client.close(None).unwrap();
    while client.read().is_ok() {}
    drop((client, server.client()));
    server.stop();
}

#[test]
fn who_asks_for_nothing_is_answered_when_time_is_up() {
    let config = Config { handshake_timeout: Some(Duration::from_millis(5)), ..Config::default() };
    let server = Server::start(Options { config: config.into(), ..threads(1) }, Echo);
    let mut stream = server.stream();
    let answer = std::io::read_to_string(&mut stream).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    drop(stream);
    server.stop();
}

#[test]
fn a_handler_that_panics_ends_its_own_connection_on_any_loop() {
    let server = Server::start(
        threads(3),
        timtow_mio::on_message(|context: &mut Context<'_>, message: Message<'_>| match message.as_bytes() {
            b"panic" => panic!("as the test wants it"),
            _ => context.send(message).unwrap(),
        }),
    );
    let mut clients: Vec<_> = (0..6).map(|_| server.client()).collect();
    for client in &mut clients[..3] {
        client.send(text("panic")).unwrap();
        expect_close(client, 1011);
    }
    for client in &mut clients[3..] {
        client.send(text("still here")).unwrap();
        expect_text(client, "still here");
    }
    drop(clients);
    server.stop();
}
