//! An echo server's side for C: the core with an allocator and a panic handler of its own, and nothing else.
#![no_std]

extern crate alloc;

use alloc::sync::Arc;
use core::{
    alloc::{GlobalAlloc, Layout},
    cell::UnsafeCell,
    panic::PanicInfo,
    ptr, slice,
    sync::atomic::{AtomicUsize, Ordering},
};
use timtow_core::{Config, Connection, Event, MaskSource, Origins, Response};

/// Gives memory out and never takes it back: enough for one call.
struct Bump {
    memory: UnsafeCell<[u8; SIZE]>,
    used: AtomicUsize,
}

const SIZE: usize = 1 << 20;

// SAFETY: no two callers are given the same bytes.
unsafe impl Sync for Bump {}

// SAFETY: what is given out is aligned, within `memory`, and given out once.
unsafe impl GlobalAlloc for Bump {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let base = self.memory.get().cast::<u8>();
        let end = |used: usize| {
            let start = (base.addr() + used).next_multiple_of(layout.align()) - base.addr();
            (start, start + layout.size())
        };
        let used = self
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| Some(end(used).1).filter(|end| *end <= SIZE));
        // SAFETY: `start` is within `memory`.
        used.map_or(ptr::null_mut(), |used| unsafe { base.add(end(used).0) })
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static ALLOCATOR: Bump = Bump { memory: UnsafeCell::new([0; SIZE]), used: AtomicUsize::new(0) };

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}

/// The precompiled `alloc` names it for unwinding, which does not happen here.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

/// Answers the opening handshake and echoes the messages in `input`; returns how many bytes of `output` that takes.
///
/// # Safety
/// `input` has `len` bytes, and `output` has `room`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn timtow_echo(input: *mut u8, len: usize, output: *mut u8, room: usize) -> usize {
    // SAFETY: the caller promises it.
    let (mut input, output) =
        unsafe { (slice::from_raw_parts_mut(input, len), slice::from_raw_parts_mut(output, room)) };
    let masks = MaskSource::Source(Arc::new(|| [0; 4]));
    let mut ws = Connection::server(Arc::new(Config { origins: Origins::Any, ..Config::with_masks(masks) }));
    while let Some(event) = ws.receive(&mut input) {
        let _ = match event {
            Event::Request(_) => ws.accept(Response::default()),
            Event::Message(message) => ws.send(message),
            _ => Ok(()),
        };
    }
    let mut written = 0;
    while !ws.outbox().is_empty() {
        let chunk = ws.outbox().chunk();
        let n = chunk.len();
        let Some(to) = output.get_mut(written..written + n) else { return 0 };
        to.copy_from_slice(chunk);
        written += n;
        ws.outbox().advance(n);
    }
    written
}
