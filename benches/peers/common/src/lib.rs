//! What the contestants share: the command line, the listener, the line on stdout, and tokio's loop.
//!
//! Nothing here touches a message but [`echo_batched`], for crates that offer `Stream` and `Sink`.

use std::{
    env, fmt,
    future::Future,
    io::{self, ErrorKind, Write as _},
    net::{SocketAddr, TcpListener},
    process,
    task::Poll,
};

use futures_util::{Sink, SinkExt as _, Stream, StreamExt as _, poll};
use socket2::{Domain, Socket, Type};
use tokio::{
    net::TcpStream,
    runtime::{Builder, Runtime},
};

/// Who takes part.
#[derive(Clone, Copy, Debug)]
pub struct Contestant {
    /// The package.
    pub name: &'static str,
    /// The version of the crate that is measured.
    pub version: &'static str,
}

/// The [`Contestant`] of the package that this is called in: its version is the crate's.
#[macro_export]
macro_rules! contestant {
    () => {
        $crate::Contestant { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") }
    };
}

/// Bytes of the largest message, for every crate that can be told.
pub const MAX_MESSAGE: usize = 64 << 20;

/// Listens where the command line says, and says on stdout where that is. Ends the program if it cannot.
pub fn listen(contestant: Contestant) -> TcpListener {
    let mut arguments = env::args().skip(1);
    let address = match (arguments.next().as_deref(), arguments.next(), arguments.next()) {
        (Some("--listen"), Some(address), None) => address.parse::<SocketAddr>().ok(),
        _ => None,
    };
    let Some(address) = address else {
        eprintln!("usage: {} --listen ADDRESS:PORT", contestant.name);
        process::exit(2);
    };
    listen_on(contestant, address)
}

/// Listens there, and says so on stdout. Ends the program if it cannot.
pub fn listen_on(contestant: Contestant, address: SocketAddr) -> TcpListener {
    let listening = bind(address).and_then(|listener| {
        let address = listener.local_addr()?;
        let mut stdout = io::stdout().lock();
        writeln!(stdout, "listening on ws://{address}/ with {} {}", contestant.name, contestant.version)?;
        stdout.flush()?;
        Ok(listener)
    });
    listening.unwrap_or_else(|error| {
        eprintln!("{} cannot listen on {address}: {error}", contestant.name);
        process::exit(1);
    })
}

/// Serves each connection with `serve`, in a task of its own, on a loop of one thread without timers. Ends with the
/// program.
pub fn serve_on_tokio<S, F>(contestant: Contestant, serve: S) -> io::Result<()>
where
    S: Fn(TcpStream) -> F + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    accept(Builder::new_current_thread().enable_io().build()?, contestant, serve)
}

/// [`serve_on_tokio`], on a loop that also has timers.
pub fn serve_on_tokio_with_timers<S, F>(contestant: Contestant, serve: S) -> io::Result<()>
where
    S: Fn(TcpStream) -> F + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    accept(Builder::new_current_thread().enable_io().enable_time().build()?, contestant, serve)
}

fn accept<S, F>(runtime: Runtime, contestant: Contestant, serve: S) -> io::Result<()>
where
    S: Fn(TcpStream) -> F + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let listener = listen(contestant);
    listener.set_nonblocking(true)?;
    let accepting = async move {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    stream.set_nodelay(true)?;
                    tokio::spawn(serve(stream));
                }
                Err(error) if is_only_theirs(&error) => {}
                Err(error) => return Err(error),
            }
        }
    };
    // In a task of its own, it is polled as the connections are.
    runtime.block_on(async { tokio::spawn(accepting).await })?
}

/// A connection that ended before it was accepted is no fault of the listener.
pub fn is_only_theirs(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted)
}

/// A connection's end, for the log, if it was not an ordinary one.
pub fn log<E: fmt::Debug>(result: Result<(), E>) {
    if let Err(error) = result {
        eprintln!("{error:?}");
    }
}

/// Echoes the messages that are data. Answers wait in the socket's buffer while further messages are ready.
pub async fn echo_batched<S, M, E>(mut socket: S, is_data: impl Fn(&M) -> bool) -> Result<(), E>
where
    S: Stream<Item = Result<M, E>> + Sink<M, Error = E> + Unpin,
{
    loop {
        let next = match poll!(socket.next()) {
            Poll::Ready(next) => next,
            Poll::Pending => {
                socket.flush().await?;
                socket.next().await
            }
        };
        let Some(message) = next.transpose()? else { return Ok(()) };
        if is_data(&message) {
            socket.feed(message).await?;
        }
    }
}

/// A listener with room for thousands of connections that come at once.
fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

const BACKLOG: i32 = 4096;
