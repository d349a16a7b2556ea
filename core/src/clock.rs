//! The clock that drivers tell the time by: a duration since an epoch that is the same in the whole process.

use std::{
    cell::Cell,
    sync::OnceLock,
    time::{Duration, Instant},
};

static EPOCH: OnceLock<Instant> = OnceLock::new();

thread_local! {
    /// What a simulation says that the time is.
    static SIMULATED: Cell<Option<Duration>> = const { Cell::new(None) };
}

fn epoch() -> Instant {
    // A second before the first call, so that no time is zero, which asks for the time.
    *EPOCH.get_or_init(|| Instant::now().checked_sub(Duration::from_secs(1)).unwrap_or_else(Instant::now))
}

/// The time, as [`Connection::handle_timeout`](crate::Connection::handle_timeout) takes it.
pub fn now() -> Duration {
    // Where schedules are checked it stands still, so that nothing is saved by a deadline.
    if cfg!(timtow_shuttle) { Duration::from_secs(1) } else { SIMULATED.get().unwrap_or_else(|| epoch().elapsed()) }
}

/// From here on it is `time` on this thread, until it is told otherwise; with `None` it is the machine's time again. For
/// simulations, which drive an [`Endpoint`](crate::Endpoint) themselves: no loop's timer hears of it.
#[doc(hidden)]
pub fn simulate(time: Option<Duration>) {
    SIMULATED.set(time);
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
