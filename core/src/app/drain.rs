//! Asking servers to end: no new connections, a goodbye to the open ones.

use crate::{
    lock,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};
use slab::Slab;
use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
};

/// A handle that asks servers to drain: they stop accepting, send each connection a close frame with 1001, and return when
/// all connections have ended. Put a clone into [`Options::drain`](super::Options).
#[derive(Clone, Debug, Default)]
pub struct Drain(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    draining: AtomicBool,
    wakers: Mutex<Slab<Waker>>,
}

/// A place among those who are woken when the drain begins. Dropping it gives the place up.
#[derive(Debug)]
pub struct Registration {
    drain: Drain,
    key: usize,
}

impl Drain {
    /// A handle of which nobody has asked anything yet.
    pub fn new() -> Self {
        Drain::default()
    }

    /// Asks all servers that hold this handle to drain.
    pub fn start(&self) {
        self.0.draining.store(true, Ordering::Release);
        let wakers: Vec<Waker> = lock(&self.0.wakers).iter().map(|(_, waker)| waker.clone()).collect();
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Whether it was asked for.
    #[inline]
    pub fn is_draining(&self) -> bool {
        self.0.draining.load(Ordering::Acquire)
    }

    /// Wakes `waker` when the drain begins; at once, where it has begun.
    pub fn register(&self, waker: &Waker) -> Registration {
        let key = lock(&self.0.wakers).insert(waker.clone());
        if self.is_draining() {
            waker.wake_by_ref();
        }
        Registration { drain: self.clone(), key }
    }

    /// Ready when the drain has begun; `registration` keeps the place of whoever waits.
    pub fn poll_started(&self, context: &mut Context<'_>, registration: &mut Option<Registration>) -> Poll<()> {
        if !self.is_draining() {
            match registration {
                Some(registration) => registration.set_waker(context.waker()),
                None => *registration = Some(self.register(context.waker())),
            }
        }
        if self.is_draining() { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Registration {
    /// Wakes another waker from now on.
    pub fn set_waker(&mut self, waker: &Waker) {
        if let Some(known) = lock(&self.drain.0.wakers).get_mut(self.key)
            && !known.will_wake(waker)
        {
            *known = waker.clone();
        }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        lock(&self.drain.0.wakers).try_remove(self.key);
    }
}
