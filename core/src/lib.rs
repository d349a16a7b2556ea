//! A sans-I/O WebSocket: bytes in, events out, replies in an outbox.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod close;
mod config;
mod connection;
mod error;
mod event;
mod frame;
mod handshake;
mod keep_time;
mod mask;
mod outbox;
mod receive;
mod send;
mod state;
mod text;
mod timers;
mod utf8;

#[cfg(feature = "std")]
pub mod app;
#[cfg(feature = "std")]
pub mod blocking;
#[cfg(feature = "std")]
pub mod clock;
#[cfg(feature = "std")]
mod endpoint;
#[cfg(feature = "std")]
mod inbox;
#[cfg(feature = "std")]
pub mod prelude;
#[cfg(feature = "std")]
pub mod ready;
#[cfg(feature = "std")]
pub mod task;
#[cfg(feature = "std")]
mod transport;
#[cfg(feature = "url")]
mod url;

pub use close::CloseCode;
pub use config::{Config, MaskSource, Origins};
pub use connection::Connection;
#[cfg(feature = "std")]
pub use endpoint::{Access, Buffers, Endpoint, Input, MakeTransport, Output, lock, turn};
#[cfg(feature = "std")]
pub use error::Error;
pub use error::{SendError, Violation};
pub use event::{Cause, Closed, Event, Fragment, Kind, Message, Outgoing, OwnedMessage, Role, Timeout};
pub use handshake::{
    ClientRequest, HandshakeError, HandshakeFailure, Headers, Opened, Refusal, Rejection, Request, Response,
};
#[cfg(feature = "std")]
pub use inbox::Inbox;
pub use outbox::{Outbox, Piece};
pub use state::State;
pub use text::Text;
#[cfg(feature = "std")]
pub use transport::Transport;
#[cfg(feature = "url")]
pub use url::{Target, UrlError};
