//! The suite that every adapter must pass, on the executors of the futures crate, with the timer that works everywhere.

use async_io::Async;
use futures::{
    executor::{self, ThreadPool},
    stream,
};
use std::{
    future::Future,
    io,
    net::{TcpListener, TcpStream},
    sync::LazyLock,
};
use timtow_conformance::{Awaited, BlockOn, Loop, suite};
use timtow_futures::{App, Connect, Error, Io, Options, Rejection, Request, Response, Serve, Target, WebSocket, serve};

enum Futures {}

suite!(Futures, async);

static POOL: LazyLock<ThreadPool> =
    LazyLock::new(|| ThreadPool::builder().pool_size(2).create().expect("a pool of threads"));

impl Loop for Futures {
    type WebSocket = Awaited<Futures, Io<Async<TcpStream>>>;

    fn serve(listener: TcpListener, options: Options, app: impl App<Handler: Send>) -> io::Result<()> {
        let listener = Async::new(listener)?;
        // It owns the listener, which ends with it when the drain begins.
        let incoming = stream::unfold(listener, |listener| async {
            let accepted = listener.accept().await;
            Some((accepted.map(|(stream, _)| Io::from(stream)), listener))
        });
        let spawn = |connection: Serve<_, _>| POOL.spawn_ok(connection);
        executor::block_on(serve(incoming, spawn, options, app))
    }

    fn accept(stream: TcpStream, options: Options) -> Result<Self::WebSocket, Error> {
        executor::block_on(WebSocket::accept(Io::from(Async::new(stream)?), &options)).map(Awaited::new)
    }

    fn accept_with(
        stream: TcpStream,
        options: Options,
        answer: impl FnOnce(&Request) -> Result<Response, Rejection>,
    ) -> Result<Self::WebSocket, Error> {
        let stream = Io::from(Async::new(stream)?);
        executor::block_on(WebSocket::accept_with(stream, &options, answer)).map(Awaited::new)
    }

    fn connect(to: impl TryInto<Connect, Error: Into<Error>>, options: Options) -> Result<Self::WebSocket, Error> {
        let connect = to.try_into().map_err(Into::into)?;
        let open = async |to: Target| {
            let stream = TcpStream::connect((to.host.as_str(), to.port))?;
            Ok(Io::from(Async::new(stream)?))
        };
        let (socket, _) = executor::block_on(WebSocket::connect_to(connect, &options, open))?;
        Ok(Awaited::new(socket))
    }
}

impl BlockOn for Futures {
    fn block_on<T>(future: impl Future<Output = T>) -> T {
        executor::block_on(future)
    }
}
