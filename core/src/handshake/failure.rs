//! Why a client's opening handshake failed.

use super::{Headers, list};
use alloc::vec::Vec;
use core::fmt;

/// Why a client's opening handshake failed (RFC 6455 4.1), with what came of the response.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HandshakeError {
    /// What was wrong.
    pub kind: HandshakeFailure,
    /// The status of the response, 0 where none came.
    pub status: u16,
    /// The header fields of the response.
    pub headers: Headers,
    /// Up to 64 KiB of the response's body, where the status was not 101.
    pub body: Vec<u8>,
}

macro_rules! failures {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// What was wrong with the response to a client's opening handshake.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[non_exhaustive]
        pub enum HandshakeFailure {
            $($(#[$doc])* $name,)*
        }

        impl HandshakeFailure {
            const fn text(self) -> &'static str {
                match self {
                    $(HandshakeFailure::$name => $text,)*
                }
            }
        }
    };
}

failures! {
    /// The status was not 101 (RFC 6455 4.1, item 1).
    Status = "the server did not switch to the WebSocket protocol";
    /// The transport ended before the response did.
    Lost = "the server closed the connection before it had answered";
    /// What came is not HTTP/1.1.
    Malformed = "the server's answer is not valid HTTP/1.1";
    /// A head over 16 KiB or 100 fields, or a line over 8 KiB.
    TooBig = "the head of the server's answer is too big";
    /// Over 16 responses with a status of 1xx before the one that counts (RFC 9110 15.2).
    TooManyInformational = "the server sent too many 1xx responses";
    /// RFC 6455 4.1, item 2: `Upgrade` is missing, or is not `websocket`.
    Upgrade = "the server's answer has no `Upgrade: websocket`";
    /// RFC 6455 4.1, item 3: `Connection` does not list `Upgrade`.
    Connection = "the server's answer has no `Connection: Upgrade`";
    /// RFC 6455 4.1, item 4: `Sec-WebSocket-Accept` is missing, twice, or not the one that answers the key.
    Accept = "the server's `Sec-WebSocket-Accept` does not answer the key that was sent";
    /// RFC 6455 4.1, item 5: an extension that was not offered.
    Extension = "the server chose an extension that was not offered";
    /// RFC 6455 4.1, item 6: a subprotocol that was not offered, or several.
    Subprotocol = "the server chose a subprotocol that was not offered, or several";
    /// hixie-76 4.1: the answer repeats the origin of the request.
    Origin = "the server's answer names another origin";
    /// hixie-76 4.1: the answer repeats the URL.
    Location = "the server's answer names another URL than the one that was asked for";
    /// hixie-76 4.1: the 16 bytes behind the answer's head.
    Answer = "the server's answer to the two keys is wrong";
    /// RFC 9112 6.1: a 101 has no body, and must not say that it has one.
    TransferEncoding = "the server's 101 has a `Transfer-Encoding`";
    /// RFC 9110 15.4: a redirect, after as many as were to be followed.
    TooManyRedirects = "the server redirects more often than is to be followed";
    /// A redirect to what is no WebSocket's URL, or to nowhere (RFC 9110 10.2.2).
    Redirect = "the server redirects to where no WebSocket can be";
    /// A redirect from `wss://` to `ws://`, where others could listen.
    Downgrade = "the server redirects from wss:// to ws://, which is not safe";
}

impl HandshakeError {
    pub(super) fn new(kind: HandshakeFailure, status: u16, headers: Headers) -> Self {
        HandshakeError { kind, status, headers, body: Vec::new() }
    }

    /// The versions of the protocol that the server says it speaks (RFC 6455 4.4), where it does not speak ours.
    pub fn versions(&self) -> impl Iterator<Item = &str> {
        list::elements(self.headers.values("Sec-WebSocket-Version")).filter_map(|version| str::from_utf8(version).ok())
    }
}

impl fmt::Display for HandshakeFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            HandshakeFailure::Status
            | HandshakeFailure::TooManyRedirects
            | HandshakeFailure::Redirect
            | HandshakeFailure::Downgrade => write!(f, "{}: it answered with status {}", self.kind, self.status),
            kind => kind.fmt(f),
        }
    }
}

impl core::error::Error for HandshakeFailure {}

impl core::error::Error for HandshakeError {}
