//! The suite that every adapter must pass.

use std::{
    future::Future,
    io,
    net::{TcpListener, TcpStream},
};
use timtow_async_std::{
    App, Connect, Error, Io, Options, Rejection, Request, Response, accept, accept_with, connect, serve,
};
use timtow_conformance::{Awaited, BlockOn, Loop, suite};

enum AsyncStd {}

suite!(AsyncStd, async);

impl Loop for AsyncStd {
    type WebSocket = Awaited<AsyncStd, Io>;

    fn serve(listener: TcpListener, options: Options, app: impl App<Handler: Send>) -> io::Result<()> {
        Self::block_on(serve(listener.into(), options, app))
    }

    fn accept(stream: TcpStream, options: Options) -> Result<Self::WebSocket, Error> {
        Self::block_on(accept(stream.into(), &options)).map(Awaited::new)
    }

    fn accept_with(
        stream: TcpStream,
        options: Options,
        answer: impl FnOnce(&Request) -> Result<Response, Rejection>,
    ) -> Result<Self::WebSocket, Error> {
        Self::block_on(accept_with(stream.into(), &options, answer)).map(Awaited::new)
    }

    fn connect(to: impl TryInto<Connect, Error: Into<Error>>, options: Options) -> Result<Self::WebSocket, Error> {
        Self::block_on(connect(to, &options)).map(Awaited::new)
    }
}

impl BlockOn for AsyncStd {
    fn block_on<T>(future: impl Future<Output = T>) -> T {
        async_std::task::block_on(future)
    }
}
