//! The suite that every adapter must pass.

// ANCHOR: suite
use std::{
    future::Future,
    io,
    net::{TcpListener, TcpStream},
};
use timtow_conformance::{Awaited, BlockOn, Loop, suite};
use timtow_smol::{
    App, Connect, Error, Io, Options, Rejection, Request, Response, accept, accept_with, connect, serve,
};

enum Smol {}

suite!(Smol, async);

impl Loop for Smol {
    type WebSocket = Awaited<Smol, Io>;

    fn serve(listener: TcpListener, options: Options, app: impl App<Handler: Send>) -> io::Result<()> {
        smol::block_on(async { serve(listener.try_into()?, options, app).await })
    }

    fn accept(stream: TcpStream, options: Options) -> Result<Self::WebSocket, Error> {
        smol::block_on(async { accept(stream.try_into()?, &options).await }).map(Awaited::new)
    }

    fn accept_with(
        stream: TcpStream,
        options: Options,
        answer: impl FnOnce(&Request) -> Result<Response, Rejection>,
    ) -> Result<Self::WebSocket, Error> {
        smol::block_on(async { accept_with(stream.try_into()?, &options, answer).await }).map(Awaited::new)
    }

    fn connect(to: impl TryInto<Connect, Error: Into<Error>>, options: Options) -> Result<Self::WebSocket, Error> {
        smol::block_on(connect(to, &options)).map(Awaited::new)
    }
}

impl BlockOn for Smol {
    fn block_on<T>(future: impl Future<Output = T>) -> T {
        smol::block_on(future)
    }
}
// ANCHOR_END: suite
