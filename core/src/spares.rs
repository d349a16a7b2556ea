//! Buffers that were used and may be used again: a loop lends a few of them to its connections, one turn at a time, so that
//! messages that come in pieces, or go out without a copy, cost no allocation once there is traffic.

use crate::outbox::Queue;
use alloc::{boxed::Box, vec::Vec};

/// Buffers that were used and may be used again.
#[derive(Debug, Default)]
pub(crate) struct Spares {
    /// The newest last. What is in them does not count, but that it need not be zeroed again.
    buffers: Vec<Vec<u8>>,
    /// Of an outbox.
    queue: Option<Box<Queue>>,
    /// Bytes that all of them may have together.
    most: usize,
}

/// The spares that a loop has lent, if it has.
pub(crate) type Lent = Option<Box<Spares>>;

/// So many are kept at most.
const COUNT: usize = 4;

impl Spares {
    #[cfg(feature = "std")]
    pub(crate) fn new(most: usize) -> Self {
        Spares { most, ..Spares::default() }
    }

    /// One that holds `least` bytes, and no more than a quarter beyond `enough`: memory is to stay near to what was received.
    pub(crate) fn take(&mut self, least: usize, enough: usize) -> Option<Vec<u8>> {
        let fits = |buffer: &Vec<u8>| (least..=enough + enough / 4).contains(&buffer.capacity());
        let at = self.buffers.iter().rposition(fits)?;
        Some(self.buffers.swap_remove(at))
    }

    /// Keeps one, in place of the oldest where there are many.
    pub(crate) fn give(&mut self, buffer: Vec<u8>) {
        if buffer.capacity() == 0 || buffer.capacity() > self.most {
            return;
        }
        self.buffers.push(buffer);
        while self.buffers.len() > COUNT || self.buffers.iter().map(Vec::capacity).sum::<usize>() > self.most {
            self.buffers.remove(0);
        }
    }

    pub(crate) fn take_queue(&mut self) -> Option<Box<Queue>> {
        self.queue.take()
    }

    /// Keeps the queue of an outbox, which is empty.
    pub(crate) fn give_queue(&mut self, queue: Box<Queue>) {
        if queue.capacity() <= COUNT * 4 {
            self.queue = Some(queue);
        }
    }
}

/// Keeps a buffer if somebody has lent room for it.
#[inline]
pub(crate) fn give(spares: &mut Lent, buffer: Vec<u8>) {
    if let Some(spares) = spares {
        spares.give(buffer);
    }
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_used_again_and_no_more_is_kept_than_may_be() {
        let mut spares = Spares::new(1000);
        for capacity in [100, 200, 300, 2000] {
            spares.give(Vec::with_capacity(capacity));
        }
        assert_eq!(spares.take(250, 230), None, "none is large enough, and small enough");
        assert_eq!(spares.take(201, 240).map(|buffer| buffer.capacity()), Some(300));
        assert_eq!(spares.take(201, 240), None);
        spares.give(Vec::with_capacity(900));
        assert_eq!(spares.take(100, 200), None, "the oldest had to go");
        assert_eq!(spares.take(900, 900).map(|buffer| buffer.capacity()), Some(900));
    }
}
