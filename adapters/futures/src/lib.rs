//! WebSockets on any executor, over any stream of [futures-io](https://docs.rs/futures-io).
//!
//! - [`serve`] runs a whole server: connections come as a `Stream`, and you say how a task is spawned.
//! - [`accept`] and [`connect`] make one [`WebSocket`], to be used with `recv().await` and `send(message).await`, or as a
//!   `Stream` and `Sink`.
//!
//! Time is kept by [`Delay`], which works everywhere. A loop that has a timer of its own implements [`Timer`] for it and
//! names it in [`Io`]; with the feature `async-io`, a default, there is `AsyncIoTimer`, and `Io::from` takes the sockets of
//! async-io.
//!
//! ```
//! use timtow_futures::{Error, Options, accept};
//!
//! async fn echo<S>(stream: S, options: &Options) -> Result<(), Error>
//! where
//!     S: futures_io::AsyncRead + futures_io::AsyncWrite + Unpin,
//! {
//!     let mut socket = accept(stream, options).await?;
//!     while let Some(message) = socket.recv().await? {
//!         socket.send(message).await?;
//!     }
//!     Ok(())
//! }
//! ```

mod io;
mod serve;
mod timer;

pub use io::Io;
pub use serve::{Serve, serve};
#[cfg(feature = "async-io")]
pub use timer::AsyncIoTimer;
pub use timer::Delay;
pub use timtow_core::{prelude::*, task::Timer};

use futures_io::{AsyncRead, AsyncWrite};
use timtow_core::{Connection, task};

/// One connection. With another timer, begin with [`Io::new`]: `WebSocket::<S, MyTimer>::accept(Io::new(stream), &options)`.
pub type WebSocket<S, T = Delay> = task::WebSocket<Io<S, T>>;

/// The half of a [`WebSocket`] that receives.
pub type RecvHalf<S, T = Delay> = task::RecvHalf<Io<S, T>>;

/// The half of a [`WebSocket`] that sends.
pub type SendHalf<S, T = Delay> = task::SendHalf<Io<S, T>>;

/// Answers the opening handshake of a client: accepts whatever is valid. `TCP_NODELAY` is yours to set.
///
/// # Errors
/// [`Error::Closed`], with the reason for which the handshake failed.
pub async fn accept<S>(stream: S, options: &Options) -> Result<WebSocket<S>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    WebSocket::accept(Io::new(stream), options).await
}

/// Answers the opening handshake of a client as `answer` says.
///
/// # Errors
/// As [`accept`]; and [`Error::Send`] where the answer could not stand on the wire.
pub async fn accept_with<S>(
    stream: S,
    options: &Options,
    answer: impl FnOnce(&Request) -> Result<Response, Rejection>,
) -> Result<WebSocket<S>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    WebSocket::accept_with(Io::new(stream), options, answer).await
}

/// Does the opening handshake for a URL, or a [`Connect`], on a stream that is connected to where that says. To follow
/// redirects, begin with [`WebSocket::connect_to`](task::WebSocket::connect_to), which asks for a stream each time.
///
/// # Errors
/// [`Error::Url`]; [`Error::Send`] where the request could not stand on the wire; [`Error::Closed`], with the response, where
/// the handshake failed.
pub async fn connect<S>(
    to: impl TryInto<Connect, Error: Into<Error>>,
    stream: S,
    options: &Options,
) -> Result<WebSocket<S>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Connect { request, target, .. } = to.try_into().map_err(Into::into)?;
    options.check(&target)?;
    Ok(connect_with(request, stream, options).await?.0)
}

/// Does the opening handshake of a client on a stream that is connected; also returns what the server answered.
///
/// # Errors
/// [`Error::Closed`], with the response, where the handshake failed; [`Error::Send`] where the request could not stand on
/// the wire.
pub async fn connect_with<S>(
    request: ClientRequest,
    stream: S,
    options: &Options,
) -> Result<(WebSocket<S>, Opened), Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let connection = Connection::client(request, options.config.clone())?;
    WebSocket::connect(Io::new(stream), connection, options).await
}
