//! An allocator that counts what each thread owns, so that tests that run at the same time do not disturb each other.
#![allow(unsafe_code)]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

/// Counts; the system allocates. A test file that uses it declares it with `#[global_allocator]`.
pub struct Counting;

thread_local! {
    static NOW: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
    static TOTAL: Cell<isize> = const { Cell::new(0) };
    static PAUSED: Cell<bool> = const { Cell::new(false) };
}

/// So many bytes more are owned, and so many were asked for.
fn count(bytes: isize, asked: usize) {
    // A thread that ends frees its last bytes when it has no counters any more.
    let _ = NOW.try_with(|now| {
        if PAUSED.get() {
            return;
        }
        now.set(now.get() + bytes);
        PEAK.with(|peak| peak.set(peak.get().max(now.get())));
        TOTAL.with(|total| total.set(total.get() + asked as isize));
    });
}

// SAFETY: every call goes to `System` as it came; the counters allocate nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize, layout.size());
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize), 0);
        // SAFETY: likewise.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // What grows may have to be copied.
        count(size as isize - layout.size() as isize, if size > layout.size() { size } else { 0 });
        // SAFETY: likewise.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// What this thread owns.
pub fn owned() -> isize {
    NOW.get()
}

/// What `f` leaves owned, and what it owned at most, beyond what was owned before.
pub fn cost<R>(f: impl FnOnce() -> R) -> (R, isize, isize) {
    let before = owned();
    PEAK.set(before);
    let result = f();
    (result, owned() - before, PEAK.get() - before)
}

/// Does what is not counted: what a test notes down for itself in the middle of what it counts. What is allocated in here is
/// freed in here, or where nobody counts.
pub fn uncounted<R>(f: impl FnOnce() -> R) -> R {
    let before = PAUSED.replace(true);
    let result = f();
    PAUSED.set(before);
    result
}

/// All that this thread ever asked for; what grew counts as a whole once more.
pub fn total() -> isize {
    TOTAL.get()
}
