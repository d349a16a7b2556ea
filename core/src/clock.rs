//! The clock that drivers tell the time by: a duration since an epoch that is the same in the whole process.

use std::{
    sync::OnceLock,
    time::{Duration, Instant},
};

static EPOCH: OnceLock<Instant> = OnceLock::new();

fn epoch() -> Instant {
    // A second before the first call, so that no time is zero, which asks for the time.
    *EPOCH.get_or_init(|| Instant::now().checked_sub(Duration::from_secs(1)).unwrap_or_else(Instant::now))
}

/// The time, as [`Connection::handle_timeout`](crate::Connection::handle_timeout) takes it.
pub fn now() -> Duration {
    // Where schedules are checked it stands still, so that nothing is saved by a deadline.
    if cfg!(timtow_shuttle) { Duration::from_secs(1) } else { epoch().elapsed() }
}

/// When `time` is, for a loop's timer.
pub fn instant(time: Duration) -> Instant {
    let epoch = epoch();
    // Further away than any process lives.
    epoch.checked_add(time).unwrap_or_else(|| epoch + Duration::from_secs(u32::MAX.into()))
}

/// How long it is until `time`; zero where it has passed.
pub fn until(time: Duration) -> Duration {
    time.saturating_sub(now())
}
