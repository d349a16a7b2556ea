//! The state machine of a connection: one table, which does not know the role.
//!
//! Everything that decides *whether* something may happen is here; what is done when it happens is in `connection`.
//!
//! ```text
//! Connecting ── request came ──▶ Requested ── accepted ──▶ Open ── our close frame ──▶ Closing
//!      │  └──── response came ───────────────────────────▶ │                             │
//!      └──────────────────┬──────────────────┬─────────────┴── the peer's close frame, ──┤
//!                                                               a failure, the end       ▼
//!                                                     Closed ◀── transport is over ── Lingering
//! ```

/// Where a connection is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum State {
    /// The opening handshake is not complete.
    Connecting,
    /// Servers: the request is with the application, which has not answered.
    Requested,
    /// Messages flow both ways.
    Open,
    /// Our close frame is in the outbox or sent; messages may still come (RFC 6455 5.5.1).
    Closing,
    /// The terminal event has been given out; the outbox is drained and the end of the transport awaited (RFC 6455 7.1.1).
    Lingering,
    /// Nothing is left to do: the socket may be dropped.
    Closed,
}

/// What happens to a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    /// A valid request is complete.
    Requested,
    /// The opening handshake is done: the application accepted, or the response was valid.
    Opened,
    /// We queue a close frame of our own accord.
    CloseQueued,
    /// The connection has come to its end, whatever the cause; the terminal event goes out.
    Ended,
    /// The transport is over, or is given up.
    Released,
}

impl State {
    /// The state after `step`, or `None` where the step is not possible.
    pub(crate) const fn after(self, step: Step) -> Option<State> {
        use State::*;
        Some(match (self, step) {
            (Connecting, Step::Requested) => Requested,
            (Connecting | Requested, Step::Opened) => Open,
            (Open, Step::CloseQueued) => Closing,
            (Connecting | Requested | Open | Closing, Step::Ended) => Lingering,
            (Lingering, Step::Released) => Closed,
            _ => return None,
        })
    }

    /// Whether the terminal event has been given out.
    pub const fn is_over(self) -> bool {
        matches!(self, State::Lingering | State::Closed)
    }
}
