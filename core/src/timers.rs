//! The deadlines of a connection, on a clock that it does not own.
//!
//! Nobody reads a clock on the fast path. What must be armed is noted, `Connection::poll_timeout` asks for the time by
//! returning zero, and the next `handle_timeout` arms it.

use core::time::Duration;

/// A time, in nanoseconds since the driver's epoch: half as large as a duration, since each connection keeps several.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Time(u64);

/// No deadline.
pub(crate) const NEVER: Time = Time(u64::MAX);
/// The last time there is.
const LAST: u64 = u64::MAX - 1;

impl From<Duration> for Time {
    #[inline]
    fn from(since: Duration) -> Self {
        // What is more than 584 years away is as far as that, and still a deadline that is armed.
        Time(u64::try_from(since.as_nanos()).map_or(LAST, |nanoseconds| nanoseconds.min(LAST)))
    }
}

impl Time {
    /// `None` for never.
    #[inline]
    pub(crate) fn duration(self) -> Option<Duration> {
        (self != NEVER).then_some(Duration::from_nanos(self.0))
    }

    /// How much later this is than `earlier`.
    pub(crate) fn since(self, earlier: Time) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

#[derive(Debug)]
pub(crate) struct Timers {
    /// The end of the opening handshake, or of the closing one and the transport.
    pub(crate) phase: Time,
    /// When the next ping is due.
    pub(crate) ping: Time,
    /// When the pong to `pinged` is due.
    pub(crate) pong: Time,
    /// When the outbox must have moved on from `sent`.
    pub(crate) write: Time,
    /// `Outbox::sent` when `write` was armed.
    pub(crate) sent: u64,
    /// Numbers the pings; the last one is the payload of the ping that is out.
    pub(crate) pinged: u32,
    /// A piece of a frame came since the ping.
    pub(crate) heard: bool,
    /// Whether whoever tells the time reads.
    pub(crate) reads: Reads,
    /// The pong had its grace.
    pub(crate) graced: bool,
    /// The state changed: the time is needed.
    pub(crate) unarmed: bool,
}

/// Whether whoever tells the time reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(not(feature = "std"), allow(dead_code, reason = "only a driver may not read"))]
pub(crate) enum Reads {
    /// All that came.
    Has,
    /// Not yet: no pong is missed.
    Will,
    /// Never: pings, and the pongs that they ask for, wait for one who does.
    Never,
}

impl Timers {
    pub(crate) fn new() -> Self {
        Timers {
            phase: NEVER,
            ping: NEVER,
            pong: NEVER,
            write: NEVER,
            sent: 0,
            pinged: 0,
            heard: false,
            reads: Reads::Has,
            graced: false,
            unarmed: true,
        }
    }

    /// A new phase begins: its deadline is armed when the time is known.
    pub(crate) fn rearm(&mut self) {
        self.phase = NEVER;
        self.unarmed = true;
    }

    /// The earliest deadline.
    pub(crate) fn next(&self) -> Option<Duration> {
        let keep_alive = if self.reads == Reads::Never { NEVER } else { self.ping.min(self.pong) };
        self.phase.min(self.write).min(keep_alive).duration()
    }

    /// No pings any more.
    pub(crate) fn stop_keep_alive(&mut self) {
        self.ping = NEVER;
        self.pong = NEVER;
    }
}

/// `now` and then `length`; never, where there is no length.
pub(crate) fn after(now: Duration, length: Option<Duration>) -> Time {
    length.map_or(NEVER, |length| now.saturating_add(length).into())
}
