//! The other direction: what is sent is compressed (RFC 7692 7.2.1).

use super::{
    TAIL,
    parameters::{MAX_BITS, MIN_BITS},
};
use std::{cell::RefCell, fmt};
use zlib_rs::{Deflate, DeflateConfig, DeflateFlush, Status};

/// What compresses the messages of a connection.
pub(crate) struct Compressor {
    /// The window outlives the message.
    takeover: bool,
    key: Key,
    threshold: usize,
    /// Allocated by the first message; without takeover it is the thread's, and here only while a message is incomplete.
    stream: Option<Box<Deflate>>,
    /// The fragmented message that is being sent is compressed.
    inside: bool,
}

/// What a stream is made for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Key {
    bits: u8,
    level: u8,
}

impl Compressor {
    pub(super) fn new(bits: u8, takeover: bool, level: u8, threshold: usize) -> Self {
        let key = Key { bits: bits.min(MAX_BITS), level: level.min(9) };
        Compressor { takeover, key, threshold, stream: None, inside: false }
    }

    /// A message as it is compressed, with its tail left out; `None` where it is better, and legal, to send it as it is.
    pub(super) fn compress(&mut self, message: &[u8]) -> Option<Vec<u8>> {
        if message.len() < self.threshold || !self.is_able() {
            return None;
        }
        let compressed = self.fragment(message, true);
        // With takeover the peer has to see what later messages look back to.
        (self.takeover || compressed.len() < message.len()).then_some(compressed)
    }

    /// Whether a fragment is the first of a message, and that message will be compressed; and whether this one is.
    pub(super) fn begin_fragment(&mut self, first: bool, len: usize, fin: bool) -> (bool, bool) {
        if first {
            // Nobody knows how long it will be, unless it is the only one.
            self.inside = self.is_able() && !(fin && len < self.threshold);
        }
        let inside = self.inside;
        self.inside = inside && !fin;
        (first && inside, inside)
    }

    /// A piece of a message, flushed so that the peer can read all of it; of the last one the tail is left out.
    pub(super) fn fragment(&mut self, piece: &[u8], fin: bool) -> Vec<u8> {
        let key = self.key;
        let mut stream = self.stream.take().unwrap_or_else(|| spare(key));
        let mut compressed = flush(&mut stream, piece);
        if fin {
            match compressed.strip_suffix(&TAIL) {
                Some(rest) => compressed.truncate(rest.len()),
                // Nothing was left to flush: RFC 7692 7.2.3.6, the empty block that the tail belongs to.
                None => compressed.push(0x00),
            }
        }
        if self.takeover || !fin {
            self.stream = Some(stream);
        } else {
            put_back(key, stream);
        }
        compressed
    }

    /// What compresses a message of so many bytes by itself, for any connection with windows of this size; `None` where
    /// this one sends it as it is.
    pub(super) fn apart(&self, len: usize) -> Option<Compressor> {
        let Key { bits, level } = self.key;
        (self.is_able() && len >= self.threshold).then(|| Compressor::new(bits, false, level, 0))
    }

    /// Which of the [`SIZES`] its window has.
    pub(super) fn size(&self) -> usize {
        usize::from(self.key.bits.saturating_sub(MIN_BITS))
    }

    /// The peer was sent a message that this window lacks. Distances count back from where the peer is (RFC 7692 7.2.3.2),
    /// so that what lies before that message is now further away than we know: the next one looks back to nothing. Its
    /// distances stay inside of it, and are right whatever came before.
    pub(super) fn forget(&mut self) {
        if let Some(stream) = self.stream.take() {
            put_back(self.key, stream);
        }
    }

    /// Raw deflate has no window of 256 bytes; all is sent as it is (RFC 7692 6: compression is for each message to choose).
    fn is_able(&self) -> bool {
        self.key.bits >= MIN_BITS
    }
}

/// Compresses all of `input`, up to a byte's end (RFC 7692 7.2.1).
fn flush(stream: &mut Deflate, mut input: &[u8]) -> Vec<u8> {
    let mut compressed = Vec::new();
    let mut output = [0; OUTPUT];
    loop {
        let (taken, written) = (stream.total_in(), stream.total_out());
        let status = stream.compress(input, &mut output, DeflateFlush::SyncFlush);
        let status = status.expect("a stream of valid parameters compresses anything");
        input = &input[(stream.total_in() - taken) as usize..];
        let len = (stream.total_out() - written) as usize;
        compressed.extend_from_slice(&output[..len]);
        // zlib is done when it has left room.
        if (input.is_empty() && len < OUTPUT) || status == Status::BufError {
            return compressed;
        }
    }
}

const OUTPUT: usize = 4 << 10;

std::thread_local! {
    /// One for each size of the window that was agreed on.
    static SPARE: RefCell<Vec<(Key, Box<Deflate>)>> = const { RefCell::new(Vec::new()) };
}

/// A stream that has seen nothing: that of this thread, unless it is in use.
fn spare(key: Key) -> Box<Deflate> {
    let take = |spare: &RefCell<Vec<(Key, Box<Deflate>)>>| {
        let mut spare = spare.borrow_mut();
        let at = spare.iter().position(|(of, _)| *of == key)?;
        Some(spare.swap_remove(at).1)
    };
    match SPARE.try_with(take).ok().flatten() {
        Some(mut stream) => {
            stream.reset();
            stream
        }
        None => {
            let window_bits = -i32::from(key.bits);
            let level = key.level.into();
            Box::new(Deflate::new_with_config(DeflateConfig {
                window_bits,
                level,
                mem_level: MEMORY_LEVEL,
                ..DeflateConfig::default()
            }))
        }
    }
}

fn put_back(key: Key, stream: Box<Deflate>) {
    // A thread that ends takes nothing back.
    let _ = SPARE.try_with(|spare| {
        let mut spare = spare.borrow_mut();
        if spare.iter().all(|(of, _)| *of != key) {
            spare.truncate(SIZES - 1);
            spare.push((key, stream));
        }
    });
}

/// How many sizes of the window there are.
pub(crate) const SIZES: usize = (MAX_BITS - MIN_BITS + 1) as usize;
/// zlib's `memLevel`: 14 KiB for the symbols of a block instead of 112 KiB, at the same size of what comes out.
const MEMORY_LEVEL: i32 = 5;

impl fmt::Debug for Compressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Compressor { takeover, key, threshold, stream, inside } = self;
        f.debug_struct("Compressor")
            .field("takeover", takeover)
            .field("key", key)
            .field("threshold", threshold)
            .field("allocated", &stream.is_some())
            .field("inside", inside)
            .finish()
    }
}
