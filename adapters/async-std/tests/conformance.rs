//! The suite that every adapter must pass.

use std::{
    future::Future,
    io,
    net::{TcpListener, TcpStream},
};
use timtow_async_std::{App, Error, Io, Options, accept, connect, serve};
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

    fn connect(url: &str, options: Options) -> Result<Self::WebSocket, Error> {
        Self::block_on(connect(url, &options)).map(Awaited::new)
    }
}

impl BlockOn for AsyncStd {
    fn block_on<T>(future: impl Future<Output = T>) -> T {
        async_std::task::block_on(future)
    }
}
