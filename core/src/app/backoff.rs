//! What an accept loop does about an error.

use std::{io, time::Duration};

/// What an accept loop does about an error: most are the peer's or pass by themselves, and none of those ends a server.
///
/// ```
/// use std::{io, time::Duration};
/// use timtow_core::app::Backoff;
/// let mut backoff = Backoff::default();
/// // The peer was gone before it was accepted: the next one may be fine.
/// assert_eq!(backoff.after(io::ErrorKind::ConnectionAborted.into()).unwrap(), None);
/// // Out of file descriptors: others must close first.
/// let emfile = || io::Error::from_raw_os_error(24);
/// assert_eq!(backoff.after(emfile()).unwrap(), Some(Duration::from_millis(10)));
/// assert_eq!(backoff.after(emfile()).unwrap(), Some(Duration::from_millis(20)));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Backoff {
    failures: u32,
}

const FIRST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_secs(1);

impl Backoff {
    /// How long to wait before the next try, if at all.
    ///
    /// # Errors
    /// The error itself, where the listener is none: trying again is in vain.
    pub fn after(&mut self, error: io::Error) -> io::Result<Option<Duration>> {
        use io::ErrorKind::*;
        match error.kind() {
            // accept(2): these belong to the connection that was to be accepted, or to a signal.
            ConnectionAborted | ConnectionReset | ConnectionRefused | Interrupted | TimedOut | PermissionDenied
            | NetworkDown | NetworkUnreachable | HostUnreachable => Ok(None),
            InvalidInput | Unsupported => Err(error),
            // EMFILE, ENFILE, ENOBUFS, ENOMEM: wait until others give something back.
            _ => {
                let delay = FIRST.saturating_mul(1 << self.failures.min(16)).min(LONGEST);
                self.failures += 1;
                Ok(Some(delay))
            }
        }
    }

    /// A connection was accepted.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}
