//! A server that runs while a test does, and clients for it.
#![allow(dead_code, unreachable_pub)]

use std::{
    io,
    net::{SocketAddr, TcpListener, TcpStream},
    sync::mpsc,
    thread,
    time::Duration,
};
use timtow_mio::{App, Drain, Options, serve};
use tungstenite::{Bytes, Message, WebSocket};

const WATCHDOG: Duration = Duration::from_secs(60);

pub type Client = WebSocket<TcpStream>;

pub struct Server {
    pub address: SocketAddr,
    pub drain: Drain,
    ended: mpsc::Receiver<thread::Result<io::Result<()>>>,
}

impl Server {
    pub fn start(options: Options, app: impl App) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, drain) = (listener.local_addr().unwrap(), options.drain.clone());
        let (end, ended) = mpsc::channel();
        thread::spawn(move || {
            let serving = std::panic::AssertUnwindSafe(|| serve(listener, options, app));
            let _ = end.send(std::panic::catch_unwind(serving));
        });
        Server { address, drain, ended }
    }

    pub fn url(&self) -> String {
        format!("ws://{}/", self.address)
    }

    pub fn stream(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(WATCHDOG)).unwrap();
        stream.set_write_timeout(Some(WATCHDOG)).unwrap();
        stream
    }

    pub fn client(&self) -> Client {
        tungstenite::client(self.url(), self.stream()).unwrap().0
    }

    /// Drains it; whoever does not answer the goodbye is gone by now.
    pub fn stop(self) {
        self.drain.start();
        self.join().unwrap().unwrap();
    }

    pub fn join(self) -> thread::Result<io::Result<()>> {
        self.ended.recv_timeout(WATCHDOG).expect("the server has not ended")
    }
}

pub fn text(text: &str) -> Message {
    Message::Text(text.into())
}

pub fn binary(size: usize, seed: u8) -> Message {
    Message::Binary(Bytes::from_iter((0..size).map(|n| (n as u8).wrapping_mul(31).wrapping_add(seed))))
}

pub fn expect_text(client: &mut Client, expected: &str) {
    assert_eq!(client.read().unwrap(), text(expected));
}

pub fn expect_close(client: &mut Client, code: u16) {
    match client.read().unwrap() {
        Message::Close(Some(frame)) => assert_eq!(u16::from(frame.code), code),
        other => panic!("no close frame but {other:?}"),
    }
}
