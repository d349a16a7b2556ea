//! Input that may not be parsed yet.

use alloc::{boxed::Box, vec::Vec};
use core::mem;

/// Input that may not be parsed yet. Empty it costs a word, since each connection has one.
#[derive(Debug, Default)]
pub(crate) struct Stash(Option<Box<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    bytes: Vec<u8>,
    /// What is before was parsed.
    start: usize,
}

impl Stash {
    /// Whether nothing is kept.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// How many bytes are kept.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |kept| kept.bytes.len() - kept.start)
    }

    /// Keeps `input` behind the rest.
    pub(crate) fn push(&mut self, input: &[u8]) {
        if input.is_empty() {
            return;
        }
        let kept = self.0.get_or_insert_default();
        kept.bytes.drain(..mem::take(&mut kept.start));
        kept.bytes.extend_from_slice(input);
    }

    /// Takes everything out, to be parsed: the bytes, and where they begin.
    pub(crate) fn take(&mut self) -> (Vec<u8>, usize) {
        self.0.take().map_or((Vec::new(), 0), |kept| (kept.bytes, kept.start))
    }

    /// Puts back what was taken, of which the bytes before `start` are parsed by now.
    pub(crate) fn restore(&mut self, bytes: Vec<u8>, start: usize) {
        self.0 = (start < bytes.len()).then(|| Box::new(Kept { bytes, start }));
    }
}
