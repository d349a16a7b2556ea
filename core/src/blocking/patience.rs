//! How long a call of a socket blocks at most.

use std::{io, time::Duration};

/// How long a call of a socket blocks at most.
///
/// Deadlines are absolute, a socket's time-out is relative to each call, and setting it for each call is one call too many:
/// it is a power of two of milliseconds, which stays right until half of the time is over; exact when calls come to nothing.
#[derive(Debug)]
pub(crate) struct Patience {
    timeout: Duration,
    /// The last call came to nothing.
    pub(crate) idle: bool,
}

impl Patience {
    /// The socket has this time-out already.
    pub(crate) fn new(timeout: Duration) -> Self {
        Patience { timeout, idle: false }
    }

    /// What is to be set so that the next call ends when so much time is over, if that is something else than is set.
    pub(crate) fn within(&mut self, left: Duration) -> Option<Duration> {
        if self.timeout <= left && !self.idle {
            return None;
        }
        let power = || Duration::from_millis(1 << left.as_millis().max(1).ilog2().min(40));
        let timeout = if self.idle || left == Duration::MAX { left.max(SHORTEST) } else { power() };
        let changed = timeout != self.timeout;
        self.timeout = timeout;
        changed.then_some(timeout)
    }
}

/// Whether a call has only come to nothing.
pub(crate) fn passes(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted)
}

/// Zero is not a time-out.
pub(crate) const SHORTEST: Duration = Duration::from_millis(1);

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = SHORTEST;

    #[test]
    fn a_busy_socket_is_told_a_few_times_and_never_late() {
        let mut patience = Patience::new(Duration::MAX);
        assert!(patience.within(Duration::MAX).is_none());
        let mut set = Vec::new();
        for left in (1..=20_000 * 8).rev().map(|n| n * MS / 8) {
            set.extend(patience.within(left));
            assert!(*set.last().unwrap() <= left.max(MS));
        }
        assert_eq!(set.len(), 15, "{set:?}");
    }

    #[test]
    fn an_idle_socket_waits_exactly() {
        let mut patience = Patience::new(Duration::MAX);
        assert_eq!(patience.within(20_000 * MS), Some(16_384 * MS));
        patience.idle = true;
        for (left, set) in
            [(3616 * MS, 3616 * MS), (20_000 * MS, 20_000 * MS), (MS / 2, MS), (Duration::MAX, Duration::MAX)]
        {
            assert_eq!(patience.within(left), Some(set));
            assert_eq!(patience.within(left.max(MS)), None);
        }
    }
}
