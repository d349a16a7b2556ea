//! What is sent: a ring of frames made before the clock starts.
//!
//! All frames are equally long, so a position in the stream is one number, and sending any number of frames is one
//! `write` of a slice of the ring: the generator neither masks nor copies while it measures. Payloads and masks
//! differ from frame to frame. The framing is our own, on purpose: the server under test is checked by code that it
//! does not share.

use super::Protocol;

/// The frames of one run, shared by its connections.
pub(crate) struct Script {
    /// Masked frames, one after the other; of raw TCP, random bytes of the same length.
    wire: Vec<u8>,
    /// What an echo must contain: the payloads, one after the other; of raw TCP, it is `wire` itself.
    payloads: Vec<u8>,
    /// What is spoken.
    pub(crate) protocol: Protocol,
    /// Messages are text.
    pub(crate) text: bool,
    /// Frames in the ring.
    count: u64,
    /// Bytes of a message as it is echoed: the payload; of raw TCP, the whole frame.
    pub(crate) message: usize,
    /// Bytes of a frame, header and mask included.
    pub(crate) frame: usize,
    /// The header with which the server should begin every echo; of raw TCP, nothing.
    pub(crate) reply_header: Header,
}

/// A frame header, or less.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Header {
    bytes: [u8; 14],
    len: usize,
}

impl Script {
    /// Frames for messages of `size` bytes.
    pub(crate) fn new(protocol: Protocol, size: usize, text: bool, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let opcode = if text { TEXT } else { BINARY };
        let request_header = Header::new(opcode, size, true);
        let frame = request_header.len + 4 + size;
        let count = (RING / frame).clamp(MIN_FRAMES, MAX_FRAMES);
        let mut wire = Vec::with_capacity(count * frame);
        let mut payloads = Vec::new();
        for number in 0..count {
            match protocol {
                Protocol::Raw => wire.extend(random.bytes(frame)),
                Protocol::WebSocket => {
                    let payload = if text { text_of(size, number) } else { random.bytes(size) };
                    push_frame(&mut wire, &request_header, (random.next() as u32).to_ne_bytes(), &payload);
                    payloads.extend_from_slice(&payload);
                }
            }
        }
        Script::of(protocol, text, size, frame, wire, payloads)
    }

    /// Frames for these texts, all of one length, with masks of zeros: who looks at the wire can read them.
    pub(crate) fn say(protocol: Protocol, texts: impl IntoIterator<Item = String>) -> Self {
        let (mut wire, mut payloads, mut size, mut frame) = (Vec::new(), Vec::new(), 0, 0);
        for text in texts {
            size = text.len();
            let header = Header::new(TEXT, size, true);
            frame = header.len + 4 + size;
            push_frame(&mut wire, &header, [0; 4], text.as_bytes());
            payloads.extend_from_slice(text.as_bytes());
        }
        Script::of(protocol, true, size, frame, wire, payloads)
    }

    fn of(protocol: Protocol, text: bool, size: usize, frame: usize, wire: Vec<u8>, payloads: Vec<u8>) -> Self {
        let opcode = if text { TEXT } else { BINARY };
        let (message, reply_header) = match protocol {
            Protocol::Raw => (frame, Header { bytes: [0; 14], len: 0 }),
            Protocol::WebSocket => (size, Header::new(opcode, size, false)),
        };
        let count = (wire.len() / frame) as u64;
        Script { wire, payloads, protocol, text, count, message, frame, reply_header }
    }

    /// The bytes to send from position `sent` of the stream that begins with frame number `first`: up to `limit`,
    /// up to the end of the ring.
    pub(crate) fn bytes(&self, first: u64, sent: u64, limit: u64) -> &[u8] {
        let start = ((first * self.frame as u64 + sent) % self.wire.len() as u64) as usize;
        let len = (limit - sent).min((self.wire.len() - start) as u64) as usize;
        &self.wire[start..start + len]
    }

    /// What message number `number` contains, counted from `first`.
    pub(crate) fn content(&self, first: u64, number: u64) -> &[u8] {
        let contents = if self.protocol == Protocol::Raw { &self.wire } else { &self.payloads };
        let start = ((first + number) % self.count) as usize * self.message;
        &contents[start..start + self.message]
    }

    /// Bytes of a message as the server sends it, header included.
    pub(crate) fn reply(&self) -> usize {
        self.reply_header.len + self.message
    }
}

impl Header {
    /// A header for `size` payload bytes, in the shortest form (RFC 6455 5.2), without the mask's four bytes.
    pub(crate) fn new(opcode: u8, size: usize, masked: bool) -> Self {
        let mut bytes = [0; 14];
        let mask = if masked { 0x80 } else { 0 };
        bytes[0] = 0x80 | opcode;
        let len = if size < 126 {
            bytes[1] = mask | size as u8;
            2
        } else if let Ok(size) = u16::try_from(size) {
            bytes[1] = mask | 126;
            bytes[2..4].copy_from_slice(&size.to_be_bytes());
            4
        } else {
            bytes[1] = mask | 127;
            bytes[2..10].copy_from_slice(&(size as u64).to_be_bytes());
            10
        };
        Header { bytes, len }
    }
}

impl std::ops::Deref for Header {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// A whole masked control frame.
pub(crate) fn control_frame(opcode: u8, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
    let mut frame = Vec::new();
    push_frame(&mut frame, &Header::new(opcode, payload.len(), true), mask, payload);
    frame
}

fn push_frame(wire: &mut Vec<u8>, header: &Header, mask: [u8; 4], payload: &[u8]) {
    wire.extend_from_slice(header);
    wire.extend_from_slice(&mask);
    wire.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
}

/// Text of exactly `size` bytes with characters of one to four bytes, different for each number.
fn text_of(size: usize, number: usize) -> Vec<u8> {
    let mut text = String::with_capacity(size);
    let mut characters = TEXT_PATTERN.chars().cycle().skip(number % 7);
    if size >= 8 {
        text.push_str(&format!("{number:04x}"));
    }
    while let Some(next) = characters.next().filter(|next| text.len() + next.len_utf8() <= size) {
        text.push(next);
    }
    // Where the next character is too long for the rest.
    text.extend(std::iter::repeat_n('.', size - text.len()));
    text.into_bytes()
}

/// Unpredictable enough for a measurement (xorshift64*): what is sent must only differ. Never a mask source for others.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        // Zero is the one state that xorshift does not leave.
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    /// Brings `items` into a random order.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, (self.next() % (last as u64 + 1)) as usize);
        }
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(len + 4);
        while bytes.len() < len {
            bytes.extend_from_slice(&(self.next() as u32).to_ne_bytes());
        }
        bytes.truncate(len);
        bytes
    }
}

pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

/// Characters of one, two, three and four bytes.
const TEXT_PATTERN: &str = "Grüße, мир, 世界 und 🌍! ";

/// Bytes of the ring: it should stay in the second-level cache.
const RING: usize = 256 << 10;
/// Fewer frames than this, and a server could confuse two without being caught.
const MIN_FRAMES: usize = 3;
/// Not a power of two, so that the sample of contents that are checked visits all frames.
const MAX_FRAMES: usize = 1021;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_the_shortest() {
        assert_eq!(&*Header::new(BINARY, 125, false), [0x82, 125]);
        assert_eq!(&*Header::new(BINARY, 126, true), [0x82, 0xfe, 0, 126]);
        assert_eq!(&*Header::new(TEXT, 65_535, false), [0x81, 126, 0xff, 0xff]);
        assert_eq!(&*Header::new(TEXT, 65_536, false), [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn unmasked_frames_are_the_contents() {
        for (size, text) in [(0, false), (1, true), (16, false), (125, true), (126, false), (70_000, true)] {
            let script = Script::new(Protocol::WebSocket, size, text, 7);
            let mut masks = Vec::new();
            for number in 0..script.count + 2 {
                let at = number * script.frame as u64;
                let frame = script.bytes(5, at, at + script.frame as u64);
                let (head, masked) = frame.split_at(script.frame - size);
                let mask = &head[head.len() - 4..];
                let payload: Vec<u8> = masked.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
                assert_eq!(payload, script.content(5, number));
                assert!(!text || String::from_utf8(payload).is_ok());
                masks.push(mask.to_vec());
            }
            masks.dedup();
            assert!(masks.len() as u64 > script.count / 2, "masks vary");
        }
    }

    #[test]
    fn text_has_characters_of_every_length_and_differs() {
        let script = Script::new(Protocol::WebSocket, 64, true, 1);
        let text = str::from_utf8(script.content(0, 0)).unwrap();
        for bytes in 1..=4 {
            assert!(text.chars().any(|character| character.len_utf8() == bytes), "{text}");
        }
        assert_ne!(script.content(0, 0), script.content(0, 1));
    }

    #[test]
    fn what_is_said_can_be_read_on_the_wire() {
        let texts = || ["say 1", "say 2"].map(String::from);
        let script = Script::say(Protocol::WebSocket, texts());
        assert_eq!(script.bytes(0, 0, 100), b"\x81\x85\0\0\0\0say 1\x81\x85\0\0\0\0say 2");
        assert_eq!((script.content(0, 1), script.content(1, 1), script.reply()), (&b"say 2"[..], &b"say 1"[..], 7));
        let raw = Script::say(Protocol::Raw, texts());
        assert_eq!((raw.content(0, 1), raw.reply()), (&b"\x81\x85\0\0\0\0say 2"[..], 11));
    }

    #[test]
    fn raw_streams_are_as_long_as_the_frames_they_stand_for() {
        for size in [16, 1024, 70_000] {
            let raw = Script::new(Protocol::Raw, size, false, 1);
            assert_eq!(raw.frame, Script::new(Protocol::WebSocket, size, false, 1).frame);
            assert_eq!(raw.bytes(1, 0, raw.frame as u64), raw.content(1, 0));
        }
    }
}
