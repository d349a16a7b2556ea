//! The suite that every adapter must pass.

use std::{
    io,
    net::{TcpListener, TcpStream},
    sync::mpsc,
    thread,
};
use timtow_conformance::{Loop, Order, suite};
use timtow_threads::{
    App, Closed, Connect, Error, Options, OwnedFragment, OwnedMessage, Prepared, Rejection, Request, Response,
    TrySendError, WebSocket, accept, accept_with, connect, serve,
};

enum Threads {}

suite!(Threads);

impl Loop for Threads {
    type WebSocket = Blocking;

    fn serve(listener: TcpListener, options: Options, app: impl App<Handler: Send>) -> io::Result<()> {
        serve(listener, options, app)
    }

    fn accept(stream: TcpStream, options: Options) -> Result<Blocking, Error> {
        accept(stream, &options).map(Blocking)
    }

    fn accept_with(
        stream: TcpStream,
        options: Options,
        answer: impl FnOnce(&Request) -> Result<Response, Rejection>,
    ) -> Result<Blocking, Error> {
        accept_with(stream, &options, answer).map(Blocking)
    }

    fn connect(to: impl TryInto<Connect, Error: Into<Error>>, options: Options) -> Result<Blocking, Error> {
        connect(to, &options).map(Blocking)
    }
}

struct Blocking(WebSocket);

impl timtow_conformance::WebSocket for Blocking {
    fn recv(&mut self) -> Result<Option<OwnedMessage>, Error> {
        self.0.recv()
    }

    fn send(&mut self, message: OwnedMessage) -> Result<(), Error> {
        self.0.send(message)
    }

    fn recv_fragment(&mut self) -> Result<Option<OwnedFragment>, Error> {
        self.0.recv_fragment()
    }

    fn send_fragment(&mut self, fragment: OwnedFragment) -> Result<(), Error> {
        self.0.send_fragment(fragment)
    }

    fn offer(&mut self, message: OwnedMessage) -> Result<(), TrySendError<OwnedMessage>> {
        self.0.try_send(message)
    }

    fn send_prepared(&mut self, prepared: &Prepared) -> Result<(), Error> {
        self.0.send(prepared)
    }

    fn offer_prepared<'p>(&mut self, prepared: &'p Prepared) -> Result<(), TrySendError<&'p Prepared>> {
        self.0.try_send(prepared)
    }

    fn ping(&mut self, payload: &[u8]) -> Result<(), Error> {
        self.0.ping(payload)
    }

    fn close(&mut self, code: u16, reason: &str) -> Result<Closed, Error> {
        self.0.close(code, reason)
    }

    fn closed(&self) -> Option<Closed> {
        self.0.closed().cloned()
    }

    fn echo_split_fragments(self) -> Result<Option<Closed>, Error> {
        let (mut receiver, mut sender) = self.0.split();
        while let Some(fragment) = receiver.recv_fragment()? {
            // The other half learns how the connection ended.
            let _ = sender.send_fragment(fragment);
        }
        Ok(receiver.closed())
    }

    fn echo_split(self) -> Result<Option<Closed>, Error> {
        let (mut receiver, mut sender) = self.0.split();
        let (forward, messages) = mpsc::sync_channel::<OwnedMessage>(16);
        thread::scope(move |scope| {
            scope.spawn(move || {
                for message in messages {
                    // The other half learns how the connection ended.
                    let _ = match Order::of(message.as_bytes()) {
                        Order::Close(code, reason) => sender.close(code, reason),
                        Order::Ping(payload) => sender.ping(payload).or_else(|error| sender.send(error.to_string())),
                        Order::Echo => sender.send(message),
                    };
                }
            });
            while let Some(message) = receiver.recv()? {
                let _ = forward.send(message);
            }
            Ok(receiver.closed())
        })
    }
}
