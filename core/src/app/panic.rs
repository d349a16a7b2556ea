//! What the application may do to a loop: not even a panic ends it.

use std::{
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// Runs what the application has written; `None` where it panicked. By then the panic hook has told of it.
#[inline]
pub(super) fn catch<T>(f: impl FnOnce() -> T) -> Option<T> {
    // What it was about is not used again: a handler that panicked is dropped, an application is shared anyway.
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(value) => Some(value),
        Err(payload) => {
            discard(payload);
            None
        }
    }
}

/// Drops what the application has made, which may panic, too.
#[cold]
pub(super) fn discard<T>(value: T) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
        // Whoever panics with something that panics when it is dropped may do so without end: a leak is the lesser evil.
        mem::forget(payload);
    }
}
