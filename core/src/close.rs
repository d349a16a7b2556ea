//! Close codes (RFC 6455 7.4): one table gives the constants and their names.

use crate::{SendError, frame::MAX_CONTROL};
use core::fmt;

/// The status code of a close frame (RFC 6455 7.4).
///
/// ```
/// use timtow_core::CloseCode;
/// assert_eq!(CloseCode::from(1002), CloseCode::PROTOCOL_ERROR);
/// assert_eq!(CloseCode::PROTOCOL_ERROR.to_string(), "1002 (protocol error)");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct CloseCode(pub u16);

macro_rules! close_codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:literal;)*) => {
        impl CloseCode {
            $($(#[$doc])* pub const $name: CloseCode = CloseCode($code);)*

            /// What the code means, or an empty string for one that the RFC does not name.
            pub const fn meaning(self) -> &'static str {
                match self.0 {
                    $($code => $text,)*
                    _ => "",
                }
            }
        }
    };
}

close_codes! {
    /// The purpose of the connection is fulfilled.
    NORMAL = 1000, "normal closure";
    /// The endpoint goes away: a server shuts down, a page is left.
    GOING_AWAY = 1001, "going away";
    /// The peer broke the protocol.
    PROTOCOL_ERROR = 1002, "protocol error";
    /// A type of data that the endpoint cannot accept.
    UNSUPPORTED = 1003, "unsupported data";
    /// The close frame carried no code; never sent (RFC 6455 7.4.1).
    NO_STATUS = 1005, "no status";
    /// The connection ended without a close frame; never sent (RFC 6455 7.4.1).
    ABNORMAL = 1006, "abnormal closure";
    /// Data that does not fit its type, such as text that is not UTF-8.
    INVALID_DATA = 1007, "invalid data";
    /// A policy of the endpoint was violated.
    POLICY = 1008, "policy violation";
    /// A frame or message over the limit.
    TOO_BIG = 1009, "message too big";
    /// The client wanted an extension that the server did not negotiate.
    EXTENSION_REQUIRED = 1010, "extension required";
    /// The endpoint met a condition that it did not expect.
    INTERNAL_ERROR = 1011, "internal error";
    /// The service restarts.
    SERVICE_RESTART = 1012, "service restart";
    /// The service is overloaded.
    TRY_AGAIN_LATER = 1013, "try again later";
    /// A gateway got an invalid answer from upstream.
    BAD_GATEWAY = 1014, "bad gateway";
}

impl CloseCode {
    /// Whether the code may stand in a close frame: 1000-1003, 1007-1014 and 3000-4999
    /// (RFC 6455 7.4.1 and 7.4.2, and the registry that the RFC established).
    pub const fn is_allowed_on_wire(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }

    /// What a close frame carries for this code, if it may be sent with this reason (RFC 6455 5.5, 7.4): none for 1005, which
    /// stands for a frame without a code.
    pub(crate) fn to_send(self, reason: &str) -> Result<Option<CloseCode>, SendError> {
        if self == CloseCode::NO_STATUS && reason.is_empty() {
            Ok(None)
        } else if !self.is_allowed_on_wire() {
            Err(SendError::CloseCodeNotAllowed)
        } else if reason.len() > MAX_CONTROL - 2 {
            Err(SendError::ControlTooLong)
        } else {
            Ok(Some(self))
        }
    }
}

impl From<u16> for CloseCode {
    fn from(code: u16) -> Self {
        CloseCode(code)
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.meaning() {
            "" => write!(f, "{}", self.0),
            meaning => write!(f, "{} ({meaning})", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_on_the_wire() {
        let allowed: alloc::vec::Vec<u16> = (0..=u16::MAX).filter(|&c| CloseCode(c).is_allowed_on_wire()).collect();
        let expected: alloc::vec::Vec<u16> = (1000..=1003).chain(1007..=1014).chain(3000..=4999).collect();
        assert_eq!(allowed, expected);
    }
}
