//! What a user of an adapter needs of the core: every adapter passes this list on, so that one crate is enough.

pub use crate::app::{App, Context, Drain, Echo, Handler, OnMessage, Options, Sender, Server, on_message};
pub use crate::{
    Cause, ClientRequest, CloseCode, Closed, Config, Error, Fragment, HandshakeError, HandshakeFailure, Headers, Kind,
    Message, Opened, Origins, Outgoing, OwnedFragment, OwnedMessage, Page, Prepared, Refusal, Rejection, Request,
    Response, Role, SameSite, SendError, SetCookie, Text, Timeout, Transport, TrySendError, Violation,
};
#[cfg(feature = "url")]
pub use crate::{Connect, Target, UrlError};
#[cfg(feature = "deflate")]
pub use crate::{Deflate, DeflateParameters};
