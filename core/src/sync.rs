//! Locks, atomics and threads: those of the standard library. `core/tests/shuttle` builds the core with `timtow_shuttle`,
//! which no feature sets, and gets shuttle's, whose schedules it chooses.

#[cfg(not(timtow_shuttle))]
pub(crate) use std::{
    sync::{Condvar, Mutex, MutexGuard, OnceLock, atomic},
    thread,
};

#[cfg(timtow_shuttle)]
pub(crate) use {
    once_lock::OnceLock,
    shuttle::{
        sync::{Condvar, Mutex, MutexGuard, atomic},
        thread,
    },
};

/// Shuttle has none. The standard library's would block its only thread.
#[cfg(timtow_shuttle)]
mod once_lock {
    use super::{Mutex, atomic::AtomicBool, atomic::Ordering};
    use crate::lock;

    #[derive(Debug, Default)]
    pub(crate) struct OnceLock<T> {
        value: std::sync::OnceLock<T>,
        filled: AtomicBool,
        filling: Mutex<()>,
    }

    impl<T> OnceLock<T> {
        pub(crate) fn new() -> Self {
            OnceLock { value: std::sync::OnceLock::new(), filled: AtomicBool::new(false), filling: Mutex::new(()) }
        }

        pub(crate) fn get(&self) -> Option<&T> {
            self.filled.load(Ordering::Acquire).then(|| self.value.get()).flatten()
        }

        pub(crate) fn set(&self, value: T) -> Result<(), T> {
            let _filling = lock(&self.filling);
            self.value.set(value)?;
            self.filled.store(true, Ordering::Release);
            Ok(())
        }

        pub(crate) fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
            if let Some(value) = self.get() {
                return value;
            }
            let _filling = lock(&self.filling);
            let value = self.value.get_or_init(make);
            self.filled.store(true, Ordering::Release);
            value
        }
    }
}
