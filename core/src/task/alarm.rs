//! A deadline that moves with every turn, on a timer that does not.

use crate::clock;
use std::{
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

/// A timer of an async loop.
pub trait Timer: Unpin {
    /// A timer that fires at `at`.
    fn new(at: Instant) -> Self;

    /// Moves it to `at`, also after it has fired.
    fn reset(&mut self, at: Instant);

    /// Ready once it has fired.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()>;
}

/// What [`Socket::poll_deadline`](super::Socket::poll_deadline) does, on a [`Timer`] that is made when it is first needed.
///
/// The deadlines of a busy connection move all the time, mostly away. The timer is moved only when a deadline comes nearer;
/// otherwise it fires early, at no more than once per deadline, and is moved then.
#[derive(Debug)]
pub struct Alarm<T> {
    timer: Option<T>,
    /// When the timer fires; none after it has.
    armed: Option<Duration>,
}

impl<T> Default for Alarm<T> {
    fn default() -> Self {
        Alarm { timer: None, armed: None }
    }
}

impl<T: Timer> Alarm<T> {
    /// Ready once it is `deadline`.
    pub fn poll(&mut self, context: &mut Context<'_>, deadline: Option<Duration>) -> Poll<()> {
        let Some(deadline) = deadline else { return Poll::Pending };
        if deadline.is_zero() {
            return Poll::Ready(());
        }
        loop {
            let timer = match &mut self.timer {
                Some(timer) => {
                    if self.armed.is_none_or(|armed| deadline < armed) {
                        self.armed = Some(deadline);
                        timer.reset(clock::instant(deadline));
                    }
                    timer
                }
                none => {
                    self.armed = Some(deadline);
                    none.insert(T::new(clock::instant(deadline)))
                }
            };
            ready!(timer.poll(context));
            self.armed = None;
            if deadline <= clock::now() {
                return Poll::Ready(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{cell::Cell, task::Waker};

    thread_local! {
        static RESETS: Cell<usize> = const { Cell::new(0) };
    }

    /// Fires when the test says so.
    struct Fake {
        at: Instant,
        fired: bool,
    }

    impl Timer for Fake {
        fn new(at: Instant) -> Self {
            Fake { at, fired: false }
        }

        fn reset(&mut self, at: Instant) {
            RESETS.set(RESETS.get() + 1);
            *self = Fake::new(at);
        }

        fn poll(&mut self, _: &mut Context<'_>) -> Poll<()> {
            if self.fired { Poll::Ready(()) } else { Poll::Pending }
        }
    }

    fn poll(alarm: &mut Alarm<Fake>, deadline: Option<Duration>) -> (bool, usize) {
        let ready = alarm.poll(&mut Context::from_waker(Waker::noop()), deadline).is_ready();
        (ready, RESETS.replace(0))
    }

    #[test]
    fn the_timer_moves_only_when_the_deadline_comes_nearer() {
        let (mut alarm, far) = (Alarm::default(), clock::now() + Duration::from_secs(3600));
        let later = far + Duration::from_secs(1);
        assert_eq!(poll(&mut alarm, None), (false, 0));
        assert_eq!(poll(&mut alarm, Some(Duration::ZERO)), (true, 0));
        assert!(alarm.timer.is_none());
        assert_eq!(poll(&mut alarm, Some(far)), (false, 0));
        assert_eq!(poll(&mut alarm, Some(later)), (false, 0));
        assert_eq!(alarm.timer.as_ref().unwrap().at, clock::instant(far));
        let nearer = far - Duration::from_secs(1);
        assert_eq!(poll(&mut alarm, Some(nearer)), (false, 1));
        assert_eq!(alarm.timer.as_ref().unwrap().at, clock::instant(nearer));
    }

    #[test]
    fn a_timer_that_fires_early_is_moved_to_the_deadline() {
        let (mut alarm, far) = (Alarm::default(), clock::now() + Duration::from_secs(3600));
        assert_eq!(poll(&mut alarm, Some(far)), (false, 0));
        alarm.timer.as_mut().unwrap().fired = true;
        let later = far + Duration::from_secs(1);
        assert_eq!(poll(&mut alarm, Some(later)), (false, 1));
        assert_eq!(alarm.timer.as_ref().unwrap().at, clock::instant(later));
    }

    #[test]
    fn a_timer_that_fires_in_time_can_be_used_again() {
        let (mut alarm, now) = (Alarm::default(), clock::now());
        assert_eq!(poll(&mut alarm, Some(now)), (false, 0));
        alarm.timer.as_mut().unwrap().fired = true;
        assert_eq!(poll(&mut alarm, Some(now)), (true, 0));
        assert_eq!(poll(&mut alarm, Some(now + Duration::from_secs(3600))), (false, 1));
    }
}
