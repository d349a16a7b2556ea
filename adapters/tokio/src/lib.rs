//! WebSockets on [tokio](https://docs.rs/tokio).
//!
//! - [`serve`] runs a whole server on a multi-threaded runtime, [`serve_local`] on one thread, [`serve_reuseport`] on one
//!   loop per thread, each with a listener of its own.
//! - [`accept`] and [`connect`] make one [`WebSocket`], to be used with `recv().await` and `send(message).await`, or as a
//!   `Stream` and `Sink`.
//!
//! ```no_run
//! use timtow_tokio::{Echo, Options, serve};
//! use tokio::net::TcpListener;
//!
//! #[tokio::main]
//! async fn main() -> std::io::Result<()> {
//!     let listener = TcpListener::bind("127.0.0.1:3000").await?;
//!     serve(listener, Options::default(), Echo).await
//! }
//! ```

mod io;
mod serve;

pub use io::Io;
#[cfg(unix)]
pub use serve::bind_reuseport;
pub use serve::{Serve, serve, serve_local, serve_reuseport};
pub use timtow_core::prelude::*;

use timtow_core::{Connection, task};
use tokio::net::TcpStream;

/// One connection. For a stream that is not TCP, begin with [`Io::new`]: `WebSocket::accept(Io::new(stream), &options)`.
pub type WebSocket<S = TcpStream> = task::WebSocket<Io<S>>;

/// The half of a [`WebSocket`] that receives.
pub type RecvHalf<S = TcpStream> = task::RecvHalf<Io<S>>;

/// The half of a [`WebSocket`] that sends.
pub type SendHalf<S = TcpStream> = task::SendHalf<Io<S>>;

/// Answers the opening handshake of a client: accepts whatever is valid.
///
/// # Errors
/// [`Error::Closed`], with the reason for which the handshake failed.
pub async fn accept(stream: TcpStream, options: &Options) -> Result<WebSocket, Error> {
    WebSocket::accept(stream.into(), options).await
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
    WebSocket::accept_with(stream.into(), options, answer).await
}

/// Connects to `ws://host[:port]/path`, trying every address that the host has; a [`Connect`] says more than a URL, and
/// whether redirects are followed.
///
/// # Errors
/// [`Error::Url`] and [`Error::Send`] for what cannot be asked for; [`Error::Io`] where no address can be connected to;
/// [`Error::Closed`], with the response, where the handshake failed.
pub async fn connect(to: impl TryInto<Connect, Error: Into<Error>>, options: &Options) -> Result<WebSocket, Error> {
    let open = async |to: Target| TcpStream::connect((to.host.as_str(), to.port)).await.map(Io::from);
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
    WebSocket::connect(stream.into(), connection, options).await
}
