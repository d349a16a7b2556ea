//! The opening handshake (RFC 6455 4): what is asked, what is answered, and what is refused.

use alloc::{string::String, vec::Vec};

/// The header fields of a request or response, in the order in which they came.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Headers(pub(crate) Vec<(String, Vec<u8>)>);

/// An opening handshake that a client sent, checked and found valid (RFC 6455 4.2.1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// The request target, as it was sent.
    pub target: String,
    /// All header fields.
    pub headers: Headers,
    pub(crate) key: String,
}

/// The application's answer that accepts a [`Request`].
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Response {
    /// The subprotocol, one that was offered; where it is `None`, the first of `Config::subprotocols` that was offered.
    pub subprotocol: Option<String>,
    /// Further header fields, `Set-Cookie` among them.
    pub headers: Vec<(String, String)>,
}

/// The application's answer that refuses a [`Request`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rejection {
    /// An HTTP status from 300 to 599.
    pub status: u16,
    /// Further header fields.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// Why a server refused an opening handshake.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// The HTTP status that the client was sent.
    pub status: u16,
    /// What was wrong, in a sentence.
    pub reason: &'static str,
}

/// What a client asks for (RFC 6455 4.1).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ClientRequest {
    /// The host, with the port unless it is the scheme's own: the value of `Host`.
    pub host: String,
    /// The path and query; `/` where it is empty.
    pub target: String,
    /// The subprotocols offered, best first.
    pub subprotocols: Vec<String>,
    /// Further header fields: `Origin`, `Cookie`, `Authorization`.
    pub headers: Vec<(String, String)>,
}

/// A completed opening handshake.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Opened {
    /// The subprotocol that was agreed on.
    pub subprotocol: Option<String>,
    /// Clients: the header fields of the response.
    pub headers: Headers,
}

/// Why a client's opening handshake failed (RFC 6455 4.1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HandshakeError {
    /// What was wrong.
    pub kind: HandshakeFailure,
    /// The status of the response, 0 where none came.
    pub status: u16,
    /// The header fields of the response.
    pub headers: Headers,
    /// Up to 64 KiB of the response's body.
    pub body: Vec<u8>,
}

/// What was wrong with the response to a client's opening handshake.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum HandshakeFailure {
    /// The status was not 101.
    Status,
}

impl core::fmt::Display for Refusal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} {}", self.status, self.reason)
    }
}

impl core::fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "the opening handshake failed with status {}", self.status)
    }
}

impl core::error::Error for HandshakeError {}
