//! One direction: what was received is inflated (RFC 7692 7.2.2).
//!
//! Between messages all that counts of DEFLATE's state is the window. So a connection keeps the bytes of its window, and
//! takes zlib's state, which is larger, from its thread while a message comes.

use super::{
    TAIL,
    parameters::{MAX_BITS, MIN_BITS},
};
use crate::Violation;
use std::{cell::RefCell, fmt};
use zlib_rs::{Inflate, InflateFlush, Status};

/// What inflates the messages of a connection.
#[derive(Debug)]
pub(crate) struct Inflater {
    /// The window outlives the message.
    takeover: bool,
    window: Window,
    /// While a message comes, from its first byte on.
    stream: Option<Box<Stream>>,
    /// There may be more output without more input.
    more: bool,
    /// What is wrong behind the bytes that are given out last: what they are goes before, however the input was cut.
    failed: Option<Violation>,
    /// Bytes of the message, and of those the ones of this frame.
    inflated: usize,
    of_frame: usize,
}

/// How much may come out (RFC 6455 10.4).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) message: usize,
    pub(crate) frame: usize,
}

impl Inflater {
    pub(super) fn new(bits: u8, takeover: bool) -> Self {
        let window = Window { bytes: Vec::new(), next: 0, size: 1 << bits.clamp(MIN_BITS, MAX_BITS) };
        Inflater { takeover, window, stream: None, more: false, failed: None, inflated: 0, of_frame: 0 }
    }

    /// The next bytes that `input` inflates to. None are returned when all of it is consumed and nothing is left to be said
    /// about it. `before` is what came of the message before, as far as [`remember`](Inflater::remember) was not told.
    pub(crate) fn step(&mut self, input: &mut &[u8], before: &[u8], limits: Limits) -> Result<&[u8], Violation> {
        if input.is_empty() && !self.more {
            return Ok(&[]);
        }
        let stream = self.stream.get_or_insert_with(|| {
            let mut stream = Stream::spare();
            stream.begin(&self.window, &[]);
            stream
        });
        let mut len;
        loop {
            if let Some(violation) = self.failed {
                return Err(violation);
            }
            if stream.ended && !input.is_empty() {
                // RFC 7692 7.2.3.4: what is behind a final block looks back beyond it.
                stream.begin(&self.window, before);
            }
            let (status, consumed, output) = stream.advance(input, InflateFlush::NoFlush);
            let status = match status {
                Ok(status) => status,
                Err(violation) if output == 0 => return Err(violation),
                Err(violation) => {
                    self.failed = Some(violation);
                    Status::Ok
                }
            };
            *input = &input[consumed..];
            len = output;
            stream.ended |= status == Status::StreamEnd;
            if len > 0 || input.is_empty() {
                break;
            }
            if consumed == 0 && !stream.ended {
                return Err(Violation::Undecodable);
            }
        }
        self.more = len == stream.output.len() && !stream.ended;
        self.inflated += len;
        self.of_frame += len;
        let over_message = self.inflated.saturating_sub(limits.message);
        let over_frame = self.of_frame.saturating_sub(limits.frame);
        let over = over_message.max(over_frame);
        if over > 0 {
            self.failed = Some(if over_message == over { Violation::MessageTooBig } else { Violation::FrameTooBig });
            len -= over;
        }
        self.more |= self.failed.is_some();
        match self.failed {
            Some(violation) if len == 0 => Err(violation),
            _ => Ok(&stream.output[..len]),
        }
    }

    /// Whether there may be more output without more input.
    pub(crate) fn has_more(&self) -> bool {
        self.more
    }

    /// The next frame begins.
    pub(crate) fn begin_frame(&mut self) {
        self.of_frame = 0;
    }

    /// Keeps what was inflated, for those who do not have it later.
    pub(crate) fn remember(&mut self, output: &[u8]) {
        self.window.push(output);
    }

    /// The message is complete. `before` is as for [`step`](Inflater::step).
    pub(crate) fn finish(&mut self, before: &[u8]) -> Result<(), Violation> {
        (self.inflated, self.of_frame) = (0, 0);
        // A message without a single byte of payload is empty. Some peers send such, and their compressors have not moved.
        if let Some(mut stream) = self.stream.take() {
            stream.end()?;
            // A window is not allocated beside the stream: with the message they would cost more than each alone. It grows
            // a few times, and then never again.
            if self.takeover && self.window.must_grow(before.len()) {
                drop(stream);
            } else {
                stream.put_back();
            }
        }
        if self.takeover {
            self.window.push(before);
        } else {
            self.window.clear();
        }
        Ok(())
    }
}

/// What a peer may look back to: a ring, once it is full. It is not larger than what came.
struct Window {
    bytes: Vec<u8>,
    /// Where the next byte goes in a full ring, which is also where the oldest is.
    next: usize,
    /// A power of two.
    size: usize,
}

impl Window {
    /// Whether it takes more than a little memory to push so much.
    fn must_grow(&self, more: usize) -> bool {
        let needed = (self.bytes.len() + more).min(self.size);
        needed > self.bytes.capacity().max(OUTPUT)
    }

    fn push(&mut self, output: &[u8]) {
        let output = &output[output.len().saturating_sub(self.size)..];
        let (behind, over) = output.split_at(output.len().min(self.size - self.bytes.len()));
        let needed = self.bytes.len() + behind.len();
        if needed > self.bytes.capacity() {
            self.bytes.reserve_exact(needed.next_power_of_two().min(self.size) - self.bytes.len());
        }
        self.bytes.extend_from_slice(behind);
        let (to_end, around) = over.split_at(over.len().min(self.size - self.next));
        self.bytes[self.next..self.next + to_end.len()].copy_from_slice(to_end);
        self.bytes[..around.len()].copy_from_slice(around);
        self.next = (self.next + over.len()) % self.size;
    }

    fn clear(&mut self) {
        self.bytes = Vec::new();
        self.next = 0;
    }
}

impl fmt::Debug for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} bytes", self.bytes.len(), self.size)
    }
}

/// zlib's state, and room for its output.
struct Stream {
    inflate: Inflate,
    output: [u8; OUTPUT],
    /// A final block was read.
    ended: bool,
}

/// With zlib's state of 47 KiB this stays below 64 KiB.
const OUTPUT: usize = 8 << 10;

std::thread_local! {
    static SPARE: RefCell<Option<Box<Stream>>> = const { RefCell::new(None) };
}

impl Stream {
    /// That of this thread, unless it is in use, which is for as long as the message of a connection is incomplete.
    fn spare() -> Box<Stream> {
        let spare = SPARE.try_with(|spare| spare.take()).ok().flatten();
        spare.unwrap_or_else(|| {
            Box::new(Stream { inflate: Inflate::new(false, MAX_BITS), output: [0; OUTPUT], ended: false })
        })
    }

    fn put_back(self: Box<Self>) {
        // A thread that ends takes nothing back.
        let _ = SPARE.try_with(|spare| spare.replace(Some(self)));
    }

    /// Begins anew, behind what came before.
    fn begin(&mut self, window: &Window, before: &[u8]) {
        self.inflate.reset(false);
        self.ended = false;
        let (newer, older) = window.bytes.split_at(window.next);
        for part in [older, newer, &before[before.len().saturating_sub(window.size)..]] {
            if !part.is_empty() {
                // Raw deflate takes a dictionary at any time, and looks back to it over several.
                let set = self.inflate.set_dictionary(part);
                debug_assert!(set.is_ok());
            }
        }
    }

    /// What zlib says, how much it took, and how much it wrote to `output`, perhaps in front of what is no DEFLATE.
    fn advance(&mut self, input: &[u8], flush: InflateFlush) -> (Result<Status, Violation>, usize, usize) {
        let (taken, written) = (self.inflate.total_in(), self.inflate.total_out());
        let status = self.inflate.decompress(input, &mut self.output, flush);
        let (consumed, output) = (self.inflate.total_in() - taken, self.inflate.total_out() - written);
        (status.map_err(|_| Violation::Undecodable), consumed as usize, output as usize)
    }

    /// RFC 7692 7.2.2: with the tail that was left out, the message has to be whole blocks.
    fn end(&mut self) -> Result<(), Violation> {
        if self.ended {
            return Ok(());
        }
        // zlib stops where a block ends. Is that behind the tail, and has nothing come out of it, then the tail was a block
        // of its own. What follows shows that this is so to the bit: where it is read as a block, nothing was left over.
        let (status, consumed, output) = self.advance(&[TAIL.as_slice(), &FINAL].concat(), InflateFlush::Block);
        status?;
        if (consumed, output) != (TAIL.len(), 0) {
            return Err(Violation::Undecodable);
        }
        match self.advance(&FINAL, InflateFlush::NoFlush) {
            // The tail may have been the end of a final block.
            (Ok(Status::StreamEnd), consumed, 0) if consumed == 0 || consumed == FINAL.len() => Ok(()),
            _ => Err(Violation::Undecodable),
        }
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stream")
    }
}

/// An empty block without compression that is the last.
const FINAL: [u8; 5] = [0x01, 0x00, 0x00, 0xff, 0xff];
