//! Bytes that came and were not taken yet.

/// A queue of bytes that is read as a slice.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    start: usize,
}

impl Buffer {
    /// What is there.
    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// Takes so many bytes off.
    pub(crate) fn take(&mut self, len: usize) -> Vec<u8> {
        let taken = self.as_slice()[..len].to_vec();
        self.skip(len);
        taken
    }

    /// Drops so many bytes.
    pub(crate) fn skip(&mut self, len: usize) {
        self.start += len;
        assert!(self.start <= self.bytes.len());
    }

    /// Where to append to.
    pub(crate) fn end(&mut self) -> &mut Vec<u8> {
        self.bytes.drain(..std::mem::take(&mut self.start));
        &mut self.bytes
    }
}
