//! A sans-I/O WebSocket: bytes in, events out, replies in an outbox.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod close;
mod config;
mod error;
mod event;
mod handshake;
mod text;
#[cfg(feature = "url")]
mod url;

pub use close::CloseCode;
pub use config::{Config, MaskSource, Origins};
pub use error::{SendError, Violation};
pub use event::{Cause, Closed, Event, Fragment, Kind, Message, Outgoing, OwnedMessage, Role, Timeout};
pub use handshake::{
    ClientRequest, HandshakeError, HandshakeFailure, Headers, Opened, Refusal, Rejection, Request, Response,
};
pub use text::Text;
#[cfg(feature = "url")]
pub use url::{Target, UrlError};
