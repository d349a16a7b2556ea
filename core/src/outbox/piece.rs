//! A piece of output that owns its bytes.

use alloc::vec::Vec;
use bytes::Bytes;
use core::ops::Deref;

/// A piece of output that owns its bytes, as [`Outbox::take`](super::Outbox::take) gives it out.
#[derive(Debug)]
pub struct Piece {
    bytes: Owned,
    start: usize,
}

#[derive(Debug)]
enum Owned {
    Vec(Vec<u8>),
    Shared(Bytes),
}

impl Deref for Piece {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.bytes {
            Owned::Vec(bytes) => &bytes[self.start..],
            Owned::Shared(bytes) => &bytes[self.start..],
        }
    }
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl From<Vec<u8>> for Piece {
    fn from(bytes: Vec<u8>) -> Self {
        Piece { bytes: Owned::Vec(bytes), start: 0 }
    }
}

impl From<Bytes> for Piece {
    fn from(bytes: Bytes) -> Self {
        Piece { bytes: Owned::Shared(bytes), start: 0 }
    }
}

impl Piece {
    /// The bytes from `start` on.
    pub(crate) fn new(bytes: Vec<u8>, start: usize) -> Self {
        Piece { bytes: Owned::Vec(bytes), start }
    }

    /// How many bytes are sent.
    pub(super) fn spent(&self) -> usize {
        self.start
    }

    /// The next `n` bytes are sent.
    pub(super) fn advance(&mut self, n: usize) {
        self.start += n;
    }

    /// The buffer, where it is one that may be used again.
    pub(super) fn into_buffer(self) -> Option<Vec<u8>> {
        match self.bytes {
            Owned::Vec(bytes) => Some(bytes),
            Owned::Shared(_) => None,
        }
    }

    /// All bytes, and how many of the first ones do not count any more.
    #[cfg(feature = "std")]
    pub(crate) fn into_parts(self) -> (Vec<u8>, usize) {
        match self.bytes {
            Owned::Vec(bytes) => (bytes, self.start),
            Owned::Shared(bytes) => (bytes.into(), self.start),
        }
    }
}
