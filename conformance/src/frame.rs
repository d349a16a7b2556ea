//! Frames, encoded and parsed by hand: what the core is held against.

/// A frame as it stands on the wire (RFC 6455 5.2).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Frame {
    /// The last of its message.
    pub fin: bool,
    /// RSV1 to RSV3, as the number that the three bits make.
    pub rsv: u8,
    /// What it is.
    pub opcode: u8,
    /// The payload, unmasked.
    pub payload: Vec<u8>,
}

/// The bit of a compressed message (RFC 7692 6).
pub const RSV1: u8 = 4;

/// RFC 6455 5.2, opcodes.
pub const CONTINUATION: u8 = 0x0;
/// Text.
pub const TEXT: u8 = 0x1;
/// Binary.
pub const BINARY: u8 = 0x2;
/// Close.
pub const CLOSE: u8 = 0x8;
/// Ping.
pub const PING: u8 = 0x9;
/// Pong.
pub const PONG: u8 = 0xa;

impl Frame {
    /// A whole message, or a control frame.
    pub fn new(opcode: u8, payload: impl AsRef<[u8]>) -> Self {
        Frame { fin: true, rsv: 0, opcode, payload: payload.as_ref().to_vec() }
    }

    /// A fragment.
    pub fn fragment(opcode: u8, payload: impl AsRef<[u8]>, fin: bool) -> Self {
        Frame { fin, ..Frame::new(opcode, payload) }
    }

    /// A whole message that is compressed.
    pub fn compressed(opcode: u8, payload: impl AsRef<[u8]>) -> Self {
        Frame { rsv: RSV1, ..Frame::new(opcode, payload) }
    }

    /// A close frame with a code.
    pub fn close(code: u16, reason: impl AsRef<[u8]>) -> Self {
        Frame::new(CLOSE, [&code.to_be_bytes(), reason.as_ref()].concat())
    }

    /// The bytes on the wire.
    pub fn encode(&self, mask: Option<[u8; 4]>) -> Vec<u8> {
        let mut bytes = header(self.fin, self.rsv, self.opcode, self.payload.len() as u64, mask);
        let start = bytes.len();
        bytes.extend_from_slice(&self.payload);
        apply(&mut bytes[start..], mask);
        bytes
    }

    /// The first frame of `bytes`, its mask, and how long it is; `None` where it is not complete. Panics where the
    /// length is not in its shortest form.
    pub fn parse(bytes: &[u8]) -> Option<(Frame, Option<[u8; 4]>, usize)> {
        let (&first, &second) = (bytes.first()?, bytes.get(1)?);
        let (len, mut at) = match second & 0x7f {
            126 => (u64::from(u16::from_be_bytes(*bytes[2..].first_chunk()?)), 4),
            127 => (u64::from_be_bytes(*bytes[2..].first_chunk()?), 10),
            short => (u64::from(short), 2),
        };
        assert_eq!(at, 2 + extended(len), "a length of {len} is not in its shortest form");
        let mask = match second & 0x80 {
            0 => None,
            _ => {
                at += 4;
                Some(*bytes[at - 4..].first_chunk()?)
            }
        };
        let end = at + usize::try_from(len).expect("a length that fits");
        let mut payload = bytes.get(at..end)?.to_vec();
        apply(&mut payload, mask);
        Some((Frame { fin: first & 0x80 != 0, rsv: first >> 4 & 7, opcode: first & 0xf, payload }, mask, end))
    }

    /// Whether it is a control frame (RFC 6455 5.5).
    pub fn is_control(&self) -> bool {
        self.opcode & 8 != 0
    }
}

/// A header, which may announce what never comes.
pub fn header(fin: bool, rsv: u8, opcode: u8, len: u64, mask: Option<[u8; 4]>) -> Vec<u8> {
    let mut bytes = vec![u8::from(fin) << 7 | rsv << 4 | opcode];
    let masked = u8::from(mask.is_some()) << 7;
    match extended(len) {
        0 => bytes.push(masked | len as u8),
        2 => {
            bytes.push(masked | 126);
            bytes.extend_from_slice(&(len as u16).to_be_bytes());
        }
        _ => {
            bytes.push(masked | 127);
            bytes.extend_from_slice(&len.to_be_bytes());
        }
    }
    bytes.extend(mask.into_iter().flatten());
    bytes
}

/// RFC 6455 5.2: the shortest form.
fn extended(len: u64) -> usize {
    match len {
        0..=125 => 0,
        126..=0xffff => 2,
        _ => 8,
    }
}

fn apply(payload: &mut [u8], mask: Option<[u8; 4]>) {
    let Some(mask) = mask else { return };
    for (at, byte) in payload.iter_mut().enumerate() {
        *byte ^= mask[at % 4];
    }
}
