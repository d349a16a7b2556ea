//! Drains at moments that are hard to meet, with tungstenite as the peer.

mod common;

use common::{Running, client, watched};
use std::{
    net::{SocketAddr, TcpStream},
    sync::{Mutex, mpsc},
    thread,
};
use timtow_threads::{App, Config, Echo, Options, Rejection, Request, Response};
use tungstenite::Message as Peers;

/// Answers when it is told to.
struct Slow(mpsc::Sender<()>, Mutex<mpsc::Receiver<()>>);

impl App for Slow {
    type Handler = Echo;

    fn request(&self, _: &Request, _: Option<SocketAddr>) -> Result<(Echo, Response), Rejection> {
        self.0.send(()).unwrap();
        self.1.lock().unwrap().recv().unwrap();
        Ok((Echo, Response::default()))
    }
}

#[test]
fn a_drain_that_begins_while_a_request_is_answered_says_goodbye_too() {
    watched(|| {
        let ((asked, request), (answer, wait)) = (mpsc::channel(), mpsc::channel());
        // Nothing but the goodbye ends the connection.
        let config = Config { ping_interval: None, ..Config::default() };
        let server = Running::start(config, Slow(asked, wait.into()));
        let stream = TcpStream::connect(server.address).unwrap();
        let client = thread::spawn(move || {
            let mut client = client(stream);
            let goodbye = client.read().unwrap();
            while client.read().is_ok() {}
            goodbye
        });
        request.recv().unwrap();
        server.drain.start();
        answer.send(()).unwrap();
        let goodbye = client.join().unwrap();
        assert!(matches!(goodbye, Peers::Close(Some(frame)) if u16::from(frame.code) == 1001));
        server.join();
    });
}

#[test]
fn a_drain_before_anybody_came_ends_the_server() {
    watched(|| {
        Running::start(Config::default(), Echo).stop();
        let options = Options::default();
        options.drain.start();
        Running::with(options, Echo).join();
    });
}
