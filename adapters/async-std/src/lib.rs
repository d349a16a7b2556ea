//! WebSockets on [async-std](https://docs.rs/async-std), for programs that have it already.
//!
//! **async-std is discontinued** ([RUSTSEC-2025-0052](https://rustsec.org/advisories/RUSTSEC-2025-0052)): use smol instead,
//! says the advisory. Both stand on the same reactor and the same executor, so a program can move over in steps, and both
//! can run in it meanwhile. For this crate the way is:
//!
//! ```diff
//! -use async_std::net::TcpListener;
//! -use timtow_async_std::{Echo, Options, serve};
//! +use smol::net::TcpListener;
//! +use timtow_smol::{Echo, Options, serve};
//! ```
//!
//! - [`serve`] runs a whole server.
//! - [`accept`] and [`connect`] make one [`WebSocket`], to be used with `recv().await` and `send(message).await`, or as a
//!   `Stream` and `Sink`.
//!
//! ```no_run
//! use async_std::{net::TcpListener, task};
//! use timtow_async_std::{Echo, Options, serve};
//!
//! fn main() -> std::io::Result<()> {
//!     task::block_on(async {
//!         let listener = TcpListener::bind("127.0.0.1:3000").await?;
//!         serve(listener, Options::default(), Echo).await
//!     })
//! }
//! ```

use async_std::net::{TcpListener, TcpStream};
use futures_lite::stream;
use std::{io, net::Shutdown};
use timtow_core::{Connection, task};
use timtow_futures::AsyncIoTimer;

pub use timtow_core::prelude::*;

/// A TCP stream, and the timer of its connection.
pub type Io = timtow_futures::Io<TcpStream, AsyncIoTimer>;

/// One connection.
pub type WebSocket = task::WebSocket<Io>;

/// The half of a [`WebSocket`] that receives.
pub type RecvHalf = task::RecvHalf<Io>;

/// The half of a [`WebSocket`] that sends.
pub type SendHalf = task::SendHalf<Io>;

/// One connection of a server, as a future that is to be spawned.
pub type Serve<A> = task::Serve<A, Io>;

/// Serves `app` on async-std's executor, with a task per connection, until [`Options::drain`] was started and all connections
/// have ended.
///
/// Dropped earlier, it stops accepting; connections go on.
///
/// # Errors
/// Where the listener is none. Running out of file descriptors and the like passes.
// ANCHOR: driver
pub async fn serve<A>(listener: TcpListener, options: Options, app: A) -> io::Result<()>
where
    A: App<Handler: Send>,
{
    let incoming = stream::unfold(listener, |listener| async {
        let accepted = listener.accept().await;
        Some((accepted.map(|(stream, _)| tcp(stream)), listener))
    });
    let spawn = |connection: Serve<A>| drop(async_std::task::spawn(connection));
    timtow_futures::serve(incoming, spawn, options, app).await
}

fn tcp(stream: TcpStream) -> Io {
    // It fails where the connection is lost already; reading will say so.
    let _ = stream.set_nodelay(true);
    let mut io = Io::new(stream);
    io.peer = io.stream.peer_addr().ok();
    // Its `poll_close` only flushes.
    io.half_close = Some(|stream| stream.shutdown(Shutdown::Write));
    io
}
// ANCHOR_END: driver

/// Answers the opening handshake of a client: accepts whatever is valid.
///
/// # Errors
/// [`Error::Closed`], with the reason for which the handshake failed.
pub async fn accept(stream: TcpStream, options: &Options) -> Result<WebSocket, Error> {
    accept_with(stream, options, |_| Ok(Response::default())).await
}

/// Answers the opening handshake of a client as `answer` says.
///
/// # Errors
/// As [`accept`]; and [`Error::Send`] where the answer could not stand on the wire.
pub async fn accept_with(
    stream: TcpStream,
    options: &Options,
    answer: impl FnOnce(&Request) -> Result<Response, Rejection>,
) -> Result<WebSocket, Error> {
    WebSocket::accept_with(tcp(stream), options, answer).await
}

/// Connects to `ws://host[:port]/path`, trying every address that the host has; a [`Connect`] says more than a URL, and
/// whether redirects are followed.
///
/// # Errors
/// [`Error::Url`] and [`Error::Send`] for what cannot be asked for; [`Error::Io`] where no address can be connected to;
/// [`Error::Closed`], with the response, where the handshake failed.
pub async fn connect(to: impl TryInto<Connect, Error: Into<Error>>, options: &Options) -> Result<WebSocket, Error> {
    let open = async |to: Target| TcpStream::connect((to.host.as_str(), to.port)).await.map(tcp);
    Ok(WebSocket::connect_to(to.try_into().map_err(Into::into)?, options, open).await?.0)
}

/// Does the opening handshake of a client on a stream that is connected; also returns what the server answered.
///
/// # Errors
/// [`Error::Closed`], with the response, where the handshake failed; [`Error::Send`] where the request could not stand on
/// the wire.
pub async fn connect_with(
    request: ClientRequest,
    stream: TcpStream,
    options: &Options,
) -> Result<(WebSocket, Opened), Error> {
    let connection = Connection::client(request, options.config.clone())?;
    WebSocket::connect(tcp(stream), connection, options).await
}
