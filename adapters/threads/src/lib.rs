//! WebSockets on threads: blocking calls, and nothing but the standard library.
//!
//! - [`serve`] runs a whole server, with a thread for each connection.
//! - [`accept`] and [`connect`] make one [`WebSocket`], to be used with `recv()` and `send(message)`.
//!   [`WebSocket::split`] makes two of it, for two threads that receive and send at the same time.
//!
//! ```no_run
//! use std::{net::TcpListener, thread};
//! use timtow_threads::{Error, Options, accept};
//!
//! fn main() -> std::io::Result<()> {
//!     for stream in TcpListener::bind("127.0.0.1:3000")?.incoming() {
//!         let stream = stream?;
//!         thread::spawn(move || -> Result<(), Error> {
//!             let mut socket = accept(stream, &Options::default())?;
//!             while let Some(message) = socket.recv()? {
//!                 socket.send(message)?;
//!             }
//!             Ok(())
//!         });
//!     }
//!     Ok(())
//! }
//! ```
//!
//! # How many threads
//!
//! A connection has one thread, its reader, which also writes: while it waits for a peer that does not read, it does not
//! read either. From when somebody else has something to say, it has a second one that does all the writing: once it is
//! split, once a [`Sender`] was used from another thread, and when the server drains.
//!
//! A [`Handler`] is made, used and dropped on its connection's reader, and need not be `Send`. The threads that [`serve`]
//! starts have stacks of 256 KiB, of which they take as much memory as they use; what needs a deeper one needs a thread of
//! its own.

mod serve;
mod socket;

pub use serve::serve;
pub use socket::Socket;
pub use timtow_core::prelude::*;

use std::{
    io,
    net::{TcpStream, ToSocketAddrs},
    time::Duration,
};
use timtow_core::{Connection, blocking, clock};

/// One connection, whose calls block.
pub type WebSocket = blocking::WebSocket<Socket>;

/// The half of a [`WebSocket`] that receives.
pub type RecvHalf = blocking::RecvHalf<Socket>;

/// The half of a [`WebSocket`] that sends.
pub type SendHalf = blocking::SendHalf<Socket>;

/// Answers the opening handshake of a client: accepts whatever is valid.
///
/// # Errors
/// [`Error::Closed`], with the reason for which the handshake failed; [`Error::Io`] where the socket cannot be used.
pub fn accept(stream: TcpStream, options: &Options) -> Result<WebSocket, Error> {
    WebSocket::accept(Socket::new(stream)?, options)
}

/// Answers the opening handshake of a client as `answer` says.
///
/// # Errors
/// As [`accept`]; and [`Error::Send`] where the answer could not stand on the wire.
pub fn accept_with(
    stream: TcpStream,
    options: &Options,
    answer: impl FnOnce(&Request) -> Result<Response, Rejection>,
) -> Result<WebSocket, Error> {
    WebSocket::accept_with(Socket::new(stream)?, options, answer)
}

/// Connects to `ws://host[:port]/path`, trying every address that the host has; a [`Connect`] says more than a URL, and
/// whether redirects are followed. [`Config::handshake_timeout`] is for that, and once more for the opening handshake, and
/// again after each redirect; looking up the host takes as long as it takes.
///
/// # Errors
/// [`Error::Url`] and [`Error::Send`] for what cannot be asked for; [`Error::Io`] where no address can be connected to;
/// [`Error::Closed`], with the response, where the handshake failed.
pub fn connect(to: impl TryInto<Connect, Error: Into<Error>>, options: &Options) -> Result<WebSocket, Error> {
    let open = |target: &Target| Socket::new(reach(target, options.config.handshake_timeout)?);
    Ok(WebSocket::connect_to(to.try_into().map_err(Into::into)?, options, open)?.0)
}

/// Does the opening handshake of a client on a stream that is connected; also returns what the server answered.
///
/// # Errors
/// [`Error::Closed`], with the response, where the handshake failed; [`Error::Send`] where the request could not stand on
/// the wire; [`Error::Io`] where the socket cannot be used.
pub fn connect_with(
    request: ClientRequest,
    stream: TcpStream,
    options: &Options,
) -> Result<(WebSocket, Opened), Error> {
    let connection = Connection::client(request, options.config.clone())?;
    WebSocket::connect(Socket::new(stream)?, connection, options)
}

fn reach(target: &Target, timeout: Option<Duration>) -> io::Result<TcpStream> {
    let host = (target.host.as_str(), target.port);
    let Some(timeout) = timeout else { return TcpStream::connect(host) };
    let deadline = clock::now().saturating_add(timeout);
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in host.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, clock::until(deadline).max(SHORTEST)) {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// Zero is not a time-out.
const SHORTEST: Duration = Duration::from_millis(1);
