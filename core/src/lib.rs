//! A sans-I/O WebSocket (RFC 6455): bytes in, events out, replies in an outbox.
//!
//! A [`Connection`] is one side of a WebSocket without its socket. It does no I/O, starts no thread and reads no clock; it
//! is driven by whoever has these. One sentence is the whole contract of a driver:
//!
//! > Each turn, tell the connection the time, feed it what you read, drain its outbox, then wait for readability,
//! > writability or [`poll_timeout`](Connection::poll_timeout).
//!
//! ```text
//! socket ── bytes ──▶ receive      ── events ──▶ application
//!        ◀── bytes ── outbox       ◀── send ────
//! clock  ── now ────▶ handle_timeout
//!        ◀── when? ── poll_timeout
//! ```
//!
//! Most programs use it through a crate that has such a driver already, for threads, mio, tokio, smol and others, under the
//! same names: see the crate `timtow`.
//!
//! # A whole driver
//!
//! This one blocks on a socket of the standard library; a server and a client are driven by the same lines.
//!
//! ```
//! use std::{
//!     io::{self, ErrorKind, Read},
//!     net::{Shutdown, TcpListener, TcpStream},
//!     sync::Arc,
//!     time::{Duration, Instant},
//! };
//! use timtow_core::{ClientRequest, Config, Connection, Event, Response};
//!
//! fn drive(
//!     mut ws: Connection,
//!     mut socket: TcpStream,
//!     mut on_event: impl FnMut(&mut Connection, Event<'_>),
//! ) -> io::Result<()> {
//!     let (epoch, mut buffer) = (Instant::now(), vec![0; 16 << 10]);
//!     let (mut read, mut half_closed) = (0, false);
//!     // Writes block here, so this deadline is the socket's; other loops leave it to `poll_timeout`.
//!     socket.set_write_timeout(ws.config().write_timeout)?;
//!     loop {
//!         // The time, where it is asked for, which zero does, or where something is due.
//!         let now = epoch.elapsed();
//!         if ws.poll_timeout().is_some_and(|deadline| deadline <= now) {
//!             ws.handle_timeout(now);
//!         }
//!         // What was read. It is all consumed when there is no event any more.
//!         let mut input = &mut buffer[..read];
//!         loop {
//!             while let Some(event) = ws.receive(&mut input) {
//!                 on_event(&mut ws, event);
//!             }
//!             // All replies to one read go out in one write.
//!             if ws.outbox().write_to(&mut socket).is_err() {
//!                 ws.receive_error();
//!             }
//!             // Now that there is room in the outbox, it may parse what it had set aside.
//!             if !ws.wants_receive() {
//!                 break;
//!             }
//!         }
//!         if ws.outbox().is_finished() && !half_closed {
//!             half_closed = true;
//!             // Fails where the peer has gone already, which reading will tell.
//!             let _ = socket.shutdown(Shutdown::Write);
//!         }
//!         if ws.is_closed() {
//!             return Ok(());
//!         }
//!         // Everything is written: wait for input, until the next deadline.
//!         read = 0;
//!         let timeout = ws.poll_timeout().map(|deadline| deadline.saturating_sub(epoch.elapsed()));
//!         if timeout == Some(Duration::ZERO) {
//!             continue;
//!         }
//!         if !ws.wants_read() {
//!             // Only while a request is not answered; `on_event` answers at once.
//!             return Err(ErrorKind::Other.into());
//!         }
//!         socket.set_read_timeout(timeout)?;
//!         match socket.read(&mut buffer) {
//!             Ok(0) => ws.receive_eof(),
//!             Ok(n) => read = n,
//!             Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
//!             Err(error) if error.kind() == ErrorKind::Interrupted => {}
//!             Err(_) => ws.receive_error(),
//!         }
//!     }
//! }
//!
//! // A server that echoes.
//! let listener = TcpListener::bind("127.0.0.1:0")?;
//! let address = listener.local_addr()?;
//! let config = Arc::new(Config::default());
//! let server = Connection::server(config.clone());
//! let serving = std::thread::spawn(move || {
//!     drive(server, listener.accept()?.0, |ws, event| match event {
//!         Event::Request(_) => ws.accept(Response::default()).expect("an answer without headers of its own"),
//!         // Nobody waits for an echo once the connection is closing.
//!         Event::Message(message) => drop(ws.send(message)),
//!         _ => {}
//!     })
//! });
//!
//! // A client that says something, and closes when it has heard it.
//! let request = ClientRequest { host: address.to_string(), target: "/".into(), ..ClientRequest::default() };
//! let client = Connection::client(request, config)?;
//! let mut heard = Vec::new();
//! drive(client, TcpStream::connect(address)?, |ws, event| match event {
//!     Event::Open(_) => ws.send("Hello").expect("it is open"),
//!     Event::Message(message) => {
//!         heard.push(message.into_owned());
//!         ws.close(1000, "done").expect("it is open, and the code may be sent");
//!     }
//!     Event::Closed(closed) => assert!(closed.is_clean(), "{closed}"),
//!     _ => {}
//! })?;
//! assert_eq!(heard[0].as_bytes(), b"Hello");
//! serving.join().expect("it does not panic")?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What each method asks of a driver
//!
//! | method | when | and then |
//! | --- | --- | --- |
//! | [`receive`](Connection::receive) | after every read | again, until it returns `None`: the input is then consumed, whole |
//! | | with an empty input after `receive_eof`, `receive_error`, `handle_timeout`, `accept`, `reject`, and whenever [`wants_receive`](Connection::wants_receive) | the same |
//! | [`receive_eof`](Connection::receive_eof) | when a read returns nothing | `receive`; go on draining: a peer may half-close and read its replies |
//! | [`receive_error`](Connection::receive_error) | when reading or writing fails | `receive`, which tells the end |
//! | [`accept`](Connection::accept), [`reject`](Connection::reject) | once after [`Event::Request`], at once or later | `receive`, for what came behind the request; drain |
//! | [`send`](Connection::send), [`ping`](Connection::ping), [`close`](Connection::close) | at any time while it is open | drain: nothing is on its way before |
//! | [`outbox`](Connection::outbox) | after every one of these | [`chunk`](Outbox::chunk) and [`advance`](Outbox::advance), or [`take`](Outbox::take) and [`restore`](Outbox::restore), until it is empty or the socket is full; then ask `wants_receive` |
//! | [`Outbox::is_finished`] | after draining | half-close the socket, once |
//! | [`wants_read`](Connection::wants_read) | before waiting | wait for input only if it is true: this is how a peer that does not read is held back |
//! | [`poll_timeout`](Connection::poll_timeout) | after every turn; it moves | wait no longer; zero asks for the time at once |
//! | [`handle_timeout`](Connection::handle_timeout) | when that time has come; earlier does no harm | `receive` |
//! | [`is_closed`](Connection::is_closed) | after every turn | drop the socket |
//!
//! Order matters in one place only: `receive` goes before the outbox is drained, so that one write carries all replies.
//!
//! # What is promised
//!
//! - [`Event::Closed`] comes exactly once, whatever happens, and last. What is in the outbox then is still to be sent.
//! - `receive` does not fail. A peer that breaks the protocol is told so by a close frame that is in the outbox already, and
//!   [`Closed::cause`] says whose fault it was. [`SendError`] is always the caller's.
//! - Events borrow the bytes that were read and never the connection, so a message can be sent back while it is looked at.
//! - An idle connection owns no buffer. What a connection may cost at most is in [`Config`], and so are the deadlines.
//!
//! # Features
//!
//! `std` (default): vectored output, the operating system's masks, and the layers that drivers share, from [`Endpoint`] to
//! [`app`] and [`task`]. Without it the crate is `no_std` and needs `alloc`; [`MaskSource`] then is the caller's. `url`:
//! [`Connect`]. `async`: `Stream` and `Sink` for [`task::WebSocket`]. `deflate`: compression (RFC 7692), with
//! `Config::deflate`. `legacy`: the drafts before RFC 6455 that browsers spoke, which `Config::drafts` then switches on.
//! `tracing`: a span for each connection, with events for how it begins and ends. `counters`: what passed over each.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod announce;
mod close;
mod config;
mod connection;
mod control;
#[cfg(feature = "std")]
mod copy;
mod counters;
#[cfg_attr(not(feature = "deflate"), path = "deflate/off.rs")]
mod deflate;
#[cfg(feature = "legacy")]
mod draft;
mod error;
mod event;
mod fast;
mod fragment;
mod frame;
mod handshake;
#[cfg(feature = "legacy")]
mod hixie;
mod keep_time;
mod mask;
mod outbox;
mod receive;
#[cfg(feature = "std")]
mod room;
mod send;
mod shared;
mod spares;
mod stash;
mod state;
mod text;
mod timers;
mod trace;
mod try_send;
mod utf8;

#[cfg(feature = "std")]
pub mod app;
#[cfg(feature = "std")]
pub mod blocking;
#[cfg(feature = "std")]
pub mod clock;
#[cfg(feature = "url")]
mod connect;
#[cfg(feature = "std")]
mod endpoint;
#[cfg(feature = "std")]
mod inbox;
#[cfg(feature = "std")]
pub mod prelude;
#[cfg(feature = "std")]
mod prepared;
#[cfg(feature = "std")]
pub mod ready;
#[cfg(feature = "std")]
mod sync;
#[cfg(feature = "std")]
pub mod task;
#[cfg(feature = "std")]
mod transport;
#[cfg(feature = "url")]
mod url;

pub use close::CloseCode;
pub use config::{Config, MaskSource, Origins};
#[cfg(feature = "url")]
pub use connect::Connect;
pub use connection::Connection;
#[cfg(feature = "counters")]
pub use counters::Counters;
#[cfg(feature = "deflate")]
pub use deflate::{Deflate, DeflateParameters};
#[cfg(feature = "legacy")]
pub use draft::{Draft, Drafts, UnknownDraft};
#[cfg(feature = "std")]
pub use endpoint::{Access, Buffers, Endpoint, Input, MakeTransport, Output, lock, turn};
#[cfg(feature = "std")]
pub use error::Error;
pub use error::{SendError, Violation};
pub use event::{Cause, Closed, Event, Kind, Message, Outgoing, OwnedMessage, Role, Timeout};
pub use fragment::{Fragment, OutgoingFragment, OwnedFragment};
pub use handshake::{
    ClientRequest, HandshakeError, HandshakeFailure, Headers, Opened, Page, Refusal, Rejection, Request, Response,
    SameSite, SetCookie,
};
#[cfg(feature = "std")]
pub use inbox::Inbox;
pub use outbox::{Outbox, Piece};
#[cfg(feature = "std")]
pub use prepared::Prepared;
pub use state::State;
pub use text::Text;
#[cfg(feature = "std")]
pub use transport::Transport;
pub use try_send::TrySendError;
#[cfg(feature = "url")]
pub use url::{Target, UrlError};

/// The programs in the README are compiled, and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
