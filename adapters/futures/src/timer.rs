//! Timers.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};
use timtow_core::task::Timer;

/// The timer of [futures-timer](https://docs.rs/futures-timer): works on any executor, by a thread of its own.
#[derive(Debug)]
pub struct Delay(futures_timer::Delay);

impl Timer for Delay {
    fn new(at: Instant) -> Self {
        Delay(futures_timer::Delay::new(at.saturating_duration_since(Instant::now())))
    }

    fn reset(&mut self, at: Instant) {
        self.0.reset(at.saturating_duration_since(Instant::now()));
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(context)
    }
}

/// The timer of [async-io](https://docs.rs/async-io), the reactor under smol and async-std.
#[cfg(feature = "async-io")]
#[derive(Debug)]
pub struct AsyncIoTimer(async_io::Timer);

#[cfg(feature = "async-io")]
impl Timer for AsyncIoTimer {
    fn new(at: Instant) -> Self {
        AsyncIoTimer(async_io::Timer::at(at))
    }

    fn reset(&mut self, at: Instant) {
        self.0.set_at(at);
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(context).map(|_| ())
    }
}
