//! In which way the endpoint under test is used, and how its connections end.

use timtow_core::{Cause, CloseCode, Closed, Error, Role};

/// How the endpoint under test is used. In each way it sends every message back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Way {
    /// What of the adapter is used.
    pub idiom: Idiom,
    /// Whether the bytes pass a transport.
    pub transport: bool,
}

/// What of an adapter is used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Idiom {
    /// `serve`, with an application.
    Serve,
    /// `accept`, `recv` and `send`.
    Accept,
    /// `accept`, and then the halves.
    Split,
    /// `connect`, `recv` and `send`.
    Connect,
}

impl Way {
    /// `serve`.
    pub const SERVE: Way = Way { idiom: Idiom::Serve, transport: false };
    /// `accept`.
    pub const ACCEPT: Way = Way { idiom: Idiom::Accept, transport: false };
    /// The halves.
    pub const SPLIT: Way = Way { idiom: Idiom::Split, transport: false };
    /// `connect`.
    pub const CONNECT: Way = Way { idiom: Idiom::Connect, transport: false };

    /// The same, through the test transport.
    pub const fn through_transport(self) -> Way {
        Way { transport: true, ..self }
    }

    /// The role of the endpoint under test.
    pub fn role(self) -> Role {
        if self.idiom == Idiom::Connect { Role::Client } else { Role::Server }
    }
}

/// How a connection of the endpoint under test ended.
#[derive(Debug)]
pub enum End {
    /// As this says.
    Closed(Closed),
    /// Cleanly; the halves do not say how.
    Clean,
    /// It did not even begin, and no connection was to blame.
    Failed(Error),
}

impl End {
    /// What `accept`, `connect`, `recv`, `close` or the halves said last.
    pub fn new(result: Result<Option<Closed>, Error>) -> Self {
        match result {
            Ok(Some(closed)) | Err(Error::Closed(closed)) => End::Closed(closed),
            Ok(None) => End::Clean,
            Err(error) => End::Failed(error),
        }
    }

    /// A clean end, with what the peer said in its close frame.
    pub fn expect_clean(&self, code: u16, reason: &str) {
        match self {
            End::Clean => {}
            End::Closed(Closed { code: found, reason: why, cause: Cause::Handshake }) => {
                assert_eq!((*found, why.as_str()), (CloseCode(code), reason));
            }
            _ => panic!("expected a clean end with {code}, got {self:?}"),
        }
    }

    /// An end for this cause, without the peer's close frame (RFC 6455 7.1.5).
    pub fn expect_cause(&self, expected: &Cause) {
        match self {
            End::Closed(Closed { code: CloseCode::ABNORMAL, cause, .. }) => assert_eq!(cause, expected),
            _ => panic!("expected {expected:?}, got {self:?}"),
        }
    }

    /// The cause of an unclean end.
    pub fn cause(&self) -> &Cause {
        match self {
            End::Closed(closed) if !closed.is_clean() => &closed.cause,
            _ => panic!("expected an unclean end, got {self:?}"),
        }
    }
}
