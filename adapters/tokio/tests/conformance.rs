//! The suite that every adapter must pass, on each of tokio's three loops.

use std::{
    cell::OnceCell,
    future::Future,
    io,
    net::{TcpListener, TcpStream},
    sync::LazyLock,
};
use timtow_conformance::{Awaited, BlockOn, Loop, suite};
use timtow_tokio::{
    App, Connect, Error, Io, Options, Rejection, Request, Response, accept, accept_with, connect, serve, serve_local,
    serve_reuseport,
};
use tokio::runtime::{Builder, LocalRuntime, Runtime};

fn nonblocking<S>(socket: S, set: fn(&S, bool) -> io::Result<()>) -> io::Result<S> {
    set(&socket, true)?;
    Ok(socket)
}

fn listen(listener: TcpListener) -> io::Result<tokio::net::TcpListener> {
    tokio::net::TcpListener::from_std(nonblocking(listener, TcpListener::set_nonblocking)?)
}

/// `accept` and `connect` are the same on each loop.
macro_rules! idiom {
    ($loop:ident) => {
        type WebSocket = Awaited<$loop, Io>;

        fn accept(stream: TcpStream, options: Options) -> Result<Self::WebSocket, Error> {
            let stream = nonblocking(stream, TcpStream::set_nonblocking)?;
            $loop::block_on(async { accept(tokio::net::TcpStream::from_std(stream)?, &options).await })
                .map(Awaited::new)
        }

        fn accept_with(
            stream: TcpStream,
            options: Options,
            answer: impl FnOnce(&Request) -> Result<Response, Rejection>,
        ) -> Result<Self::WebSocket, Error> {
            let stream = nonblocking(stream, TcpStream::set_nonblocking)?;
            $loop::block_on(async { accept_with(tokio::net::TcpStream::from_std(stream)?, &options, answer).await })
                .map(Awaited::new)
        }

        fn connect(to: impl TryInto<Connect, Error: Into<Error>>, options: Options) -> Result<Self::WebSocket, Error> {
            $loop::block_on(connect(to, &options)).map(Awaited::new)
        }
    };
}

mod multi_thread {
    use super::*;

    enum MultiThread {}

    suite!(MultiThread, async);

    static RUNTIME: LazyLock<Runtime> =
        LazyLock::new(|| Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime"));

    impl Loop for MultiThread {
        idiom!(MultiThread);

        fn serve(listener: TcpListener, options: Options, app: impl App<Handler: Send>) -> io::Result<()> {
            Self::block_on(async { serve(listen(listener)?, options, app).await })
        }
    }

    impl BlockOn for MultiThread {
        fn block_on<T>(future: impl Future<Output = T>) -> T {
            RUNTIME.block_on(future)
        }
    }
}

mod current_thread {
    use super::*;

    pub(super) enum CurrentThread {}

    suite!(CurrentThread, async);

    thread_local! {
        static RUNTIME: OnceCell<LocalRuntime> = const { OnceCell::new() };
    }

    impl Loop for CurrentThread {
        idiom!(CurrentThread);

        fn serve(listener: TcpListener, options: Options, app: impl App<Handler: Send>) -> io::Result<()> {
            Self::block_on(async { serve_local(listen(listener)?, options, app).await })
        }
    }

    impl BlockOn for CurrentThread {
        fn block_on<T>(future: impl Future<Output = T>) -> T {
            let new = || Builder::new_current_thread().enable_all().build_local(Default::default()).expect("a runtime");
            RUNTIME.with(|runtime| runtime.get_or_init(new).block_on(future))
        }
    }
}

mod reuseport {
    use super::{current_thread::CurrentThread, *};

    enum ReusePort {}

    // Its `accept` and `connect` are those of the current thread.
    suite!(ReusePort, serve);

    impl Loop for ReusePort {
        type WebSocket = <CurrentThread as Loop>::WebSocket;

        fn serve(listener: TcpListener, options: Options, app: impl App<Handler: Send>) -> io::Result<()> {
            // Two loops that share the queue of one listener.
            serve_reuseport(vec![listener.try_clone()?, listener], options, app)
        }

        fn accept(stream: TcpStream, options: Options) -> Result<Self::WebSocket, Error> {
            CurrentThread::accept(stream, options)
        }

        fn accept_with(
            stream: TcpStream,
            options: Options,
            answer: impl FnOnce(&Request) -> Result<Response, Rejection>,
        ) -> Result<Self::WebSocket, Error> {
            CurrentThread::accept_with(stream, options, answer)
        }

        fn connect(to: impl TryInto<Connect, Error: Into<Error>>, options: Options) -> Result<Self::WebSocket, Error> {
            CurrentThread::connect(to, options)
        }
    }
}
