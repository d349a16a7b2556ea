//! What a loop lends.

use super::{Begun, turn::Left};
use crate::spares::{Lent, Spares};
use std::cell::Cell;

/// What a loop lends to its connections, for one turn at a time.
pub struct Buffers {
    /// What is read lies behind [`FRONT`] bytes.
    pub(super) input: Box<[u8]>,
    pub(super) output: Vec<u8>,
    pub(super) plain: Vec<u8>,
    pub(super) left: Left,
    pub(super) spares: Lent,
    /// What is read next is not here, but in the message that it belongs to.
    pub(super) is_there: bool,
    /// What was heard since somebody counted.
    pub(super) events: usize,
}

thread_local! {
    static BUFFERS: Cell<Option<Box<Buffers>>> = const { Cell::new(None) };
}

impl Buffers {
    /// Room for one read of so many bytes, of 1 GiB at most. Of buffers that messages have used, it keeps as many bytes to be used again.
    pub fn new(read: usize) -> Self {
        Buffers::keeping(read, read)
    }

    fn keeping(read: usize, spares: usize) -> Self {
        let spares = Some(Box::new(Spares::new(spares)));
        Buffers {
            input: vec![0; FRONT + read.min(MOST_READ)].into_boxed_slice(),
            output: Vec::new(),
            plain: Vec::new(),
            left: Left::default(),
            spares,
            is_there: false,
            events: 0,
        }
    }

    /// This thread's, taken out for the call: a call inside it gets others.
    pub fn with<R>(f: impl FnOnce(&mut Buffers) -> R) -> R {
        BUFFERS.with(|cell| {
            let mut buffers = cell.take().unwrap_or_default();
            let result = f(&mut buffers);
            cell.set(Some(buffers));
            result
        })
    }

    /// Where to read `most` bytes to, and no more than end the frame that has `begun` and those that follow.
    #[inline]
    pub(crate) fn room(&mut self, begun: Begun, most: usize) -> &mut [u8] {
        let most = most.min(self.input.len() - FRONT);
        let room = self.left.stride.room(most, begun);
        &mut self.input()[..room]
    }

    /// There is no more to read now.
    #[inline]
    pub(crate) fn end_stride(&mut self) {
        self.left.stride.end();
    }

    /// Where to read to.
    #[inline]
    pub fn input(&mut self) -> &mut [u8] {
        self.is_there = false;
        &mut self.input[FRONT..]
    }
}

impl Default for Buffers {
    fn default() -> Self {
        Buffers::keeping(READ, SPARES)
    }
}

impl std::fmt::Debug for Buffers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Buffers").field("read", &(self.input.len() - FRONT)).finish_non_exhaustive()
    }
}

/// Room in front of what is read, for the first replies to it.
pub(super) const FRONT: usize = 4 << 10;
/// Bytes of used buffers that a loop with many connections keeps: those of the largest message by default, and of its pieces.
const SPARES: usize = 2 << 20;
/// What one read can take at most, whatever is asked for.
const MOST_READ: usize = 1 << 30;
/// What one read takes from a socket at most, on a loop with many connections.
const READ: usize = 256 << 10;
