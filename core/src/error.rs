//! Errors that name the guilty: a [`Violation`] is the peer's fault, a [`SendError`] is yours.

use crate::CloseCode;
use core::fmt;

macro_rules! violations {
    ($($(#[$doc:meta])* $name:ident = $code:ident, $text:literal;)*) => {
        /// How the peer broke the protocol.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[non_exhaustive]
        pub enum Violation {
            $($(#[$doc])* $name,)*
        }

        impl Violation {
            /// The code of the close frame that the peer is sent.
            pub const fn close_code(self) -> CloseCode {
                match self {
                    $(Violation::$name => CloseCode::$code,)*
                }
            }

            const fn text(self) -> &'static str {
                match self {
                    $(Violation::$name => $text,)*
                }
            }
        }
    };
}

violations! {
    /// RFC 6455 5.2: RSV1-3 must be 0 unless an extension defines them.
    ReservedBits = PROTOCOL_ERROR, "a reserved bit is set that no extension defines";
    /// RFC 6455 5.2: opcodes 3-7 and 11-15 are reserved.
    ReservedOpcode = PROTOCOL_ERROR, "a reserved opcode";
    /// RFC 6455 5.1: a client must mask.
    Unmasked = PROTOCOL_ERROR, "a frame from a client is not masked";
    /// RFC 6455 5.1: a server must not mask.
    Masked = PROTOCOL_ERROR, "a frame from a server is masked";
    /// RFC 6455 5.2: the shortest form must be used.
    LengthNotMinimal = PROTOCOL_ERROR, "a length is not in its shortest form";
    /// RFC 6455 5.2: the top bit of a 64-bit length must be 0.
    LengthTopBit = PROTOCOL_ERROR, "a length has its top bit set";
    /// RFC 6455 5.5: at most 125 bytes.
    ControlTooLong = PROTOCOL_ERROR, "a control frame is longer than 125 bytes";
    /// RFC 6455 5.5: never fragmented.
    ControlFragmented = PROTOCOL_ERROR, "a control frame is fragmented";
    /// RFC 6455 5.4.
    ContinuationWithoutStart = PROTOCOL_ERROR, "a continuation frame continues nothing";
    /// RFC 6455 5.4: fragments of messages are not interleaved.
    MessageInsideMessage = PROTOCOL_ERROR, "a new message begins inside a fragmented one";
    /// RFC 6455 5.5.1: two bytes of code, or nothing.
    CloseTooShort = PROTOCOL_ERROR, "a close frame with half a code";
    /// RFC 6455 7.4.
    CloseCodeNotAllowed = PROTOCOL_ERROR, "a close code that must not be sent";
    /// RFC 6455 5.5.1: the reason is UTF-8.
    CloseReasonNotUtf8 = INVALID_DATA, "the reason of a close frame is not UTF-8";
    /// RFC 6455 8.1.
    TextNotUtf8 = INVALID_DATA, "a text message is not UTF-8";
    /// RFC 7692 7.2.2: compressed data that is none, or that ends too soon.
    Undecodable = INVALID_DATA, "compressed data that cannot be inflated";
    /// A frame over [`Config::max_frame`](crate::Config) (RFC 6455 10.4).
    FrameTooBig = TOO_BIG, "a frame is over the limit";
    /// A message over [`Config::max_message`](crate::Config) (RFC 6455 10.4).
    MessageTooBig = TOO_BIG, "a message is over the limit";
    /// More frames to a message than [`Config::max_fragments`](crate::Config).
    TooManyFragments = POLICY, "a message has too many fragments";
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl core::error::Error for Violation {}

/// What was asked of a connection that it cannot do. The peer has no part in it, and nothing was sent.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum SendError {
    /// The opening handshake is not complete.
    NotOpen,
    /// The connection is closing or closed: after a close frame nothing may be sent (RFC 6455 5.5.1).
    Closing,
    /// A whole message or a message of another kind inside a fragmented one (RFC 6455 5.4).
    InsideMessage,
    /// The payload of a ping over 125 bytes, or a close reason over 123 (RFC 6455 5.5).
    ControlTooLong,
    /// A close code that must not be sent (RFC 6455 7.4).
    CloseCodeNotAllowed,
    /// The fragments of a text message are not UTF-8 together (RFC 6455 8.1).
    TextNotUtf8,
    /// The pieces of a message have more bytes than was announced, or fewer.
    WrongLength,
    /// There is no request to answer.
    NoRequest,
    /// The answer has a status that is none, or a subprotocol that was not offered.
    InvalidAnswer,
    /// A header, host, target or subprotocol that could not stand on the wire, or is not the application's to set.
    InvalidHeader,
    /// The connection speaks hixie-75 or hixie-76, which have whole text messages and nothing else.
    NotInThisDraft,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SendError::NotOpen => "the opening handshake is not complete",
            SendError::Closing => "the connection is closing or closed",
            SendError::InsideMessage => "a fragmented message is not complete",
            SendError::ControlTooLong => "a ping of over 125 bytes, or a close reason of over 123",
            SendError::CloseCodeNotAllowed => "a close code that must not be sent",
            SendError::TextNotUtf8 => "the fragments of the text are not UTF-8",
            SendError::WrongLength => "the pieces have not the length that was announced",
            SendError::NoRequest => "there is no request to answer",
            SendError::InvalidAnswer => "the status is none, or the subprotocol was not offered",
            SendError::NotInThisDraft => "the draft that is spoken has text messages only, and no pings or fragments",
            SendError::InvalidHeader => "a header that could not stand on the wire, or is not the application's to set",
        })
    }
}

impl core::error::Error for SendError {}

/// What goes wrong with a WebSocket on a loop.
#[cfg(feature = "std")]
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The socket could not be made or used.
    Io(std::io::Error),
    /// The connection ended, and not by a clean close that was expected.
    Closed(crate::Closed),
    /// It was asked for what cannot be sent.
    Send(SendError),
    /// The URL is none that can be connected to.
    #[cfg(feature = "url")]
    Url(crate::UrlError),
}

#[cfg(feature = "std")]
impl Error {
    /// What the server answered instead of opening the connection: status, header fields, and body.
    ///
    /// ```
    /// use timtow_core::Error;
    /// fn explain(error: &Error) -> String {
    ///     match error.handshake() {
    ///         Some(answer) => format!("{}: {}", answer.status, answer.body.escape_ascii()),
    ///         None => error.to_string(),
    ///     }
    /// }
    /// ```
    pub fn handshake(&self) -> Option<&crate::HandshakeError> {
        match self {
            Error::Closed(crate::Closed { cause: crate::Cause::Failed(error), .. }) => Some(error),
            _ => None,
        }
    }
}

#[cfg(feature = "std")]
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Io(error) => error.fmt(f),
            Error::Closed(closed) => closed.fmt(f),
            Error::Send(error) => error.fmt(f),
            #[cfg(feature = "url")]
            Error::Url(error) => error.fmt(f),
        }
    }
}

#[cfg(feature = "std")]
impl std::error::Error for Error {}

#[cfg(feature = "std")]
impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Error::Io(error)
    }
}

#[cfg(feature = "std")]
impl From<SendError> for Error {
    fn from(error: SendError) -> Self {
        Error::Send(error)
    }
}

#[cfg(feature = "url")]
impl From<crate::UrlError> for Error {
    fn from(error: crate::UrlError) -> Self {
        Error::Url(error)
    }
}
