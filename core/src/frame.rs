//! Frame headers (RFC 6455 5.2). An error is decided on the earliest byte that proves it.

use crate::{Role, Violation};

/// The opcodes that the RFC defines.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Opcode {
    Continuation = 0x0,
    Text = 0x1,
    Binary = 0x2,
    Close = 0x8,
    Ping = 0x9,
    Pong = 0xa,
}

impl Opcode {
    #[inline]
    pub(crate) fn is_control(self) -> bool {
        self as u8 & 0x8 != 0
    }
}

/// A header that is complete.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Header {
    pub(crate) fin: bool,
    pub(crate) opcode: Opcode,
    /// The message is compressed (RFC 7692 6).
    pub(crate) rsv1: bool,
    /// Zero, which changes nothing, where the frame is not masked.
    pub(crate) mask: [u8; 4],
    /// Bytes of the header.
    pub(crate) size: usize,
    /// Bytes of the payload.
    pub(crate) len: usize,
}

/// What decides whether a header is legal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expect {
    /// Who reads. A server's peer masks, a client's does not.
    pub(crate) role: Role,
    /// Whether a fragmented message is open.
    pub(crate) in_message: bool,
    /// Whether RSV1 may be set, at the start of a message: an extension that defines it was agreed on.
    pub(crate) rsv1: bool,
    /// Bytes that a frame may have.
    pub(crate) max_frame: usize,
    /// Bytes that the message may still grow by.
    pub(crate) max_message: usize,
}

/// No header is longer.
pub(crate) const MAX_HEADER: usize = 14;
/// Room for one, in a size that is copied easily.
pub(crate) const HEADER: usize = 16;
/// The bit that says that a message is compressed (RFC 7692 6).
pub(crate) const RSV1: u8 = 0x40;
/// RFC 6455 5.5.
pub(crate) const MAX_CONTROL: usize = 125;

/// Reads the header that `bytes` begin with. `Ok(None)`: no error yet, and more bytes are needed.
#[inline]
pub(crate) fn parse(bytes: &[u8], expect: Expect) -> Result<Option<Header>, Violation> {
    let Some(&first) = bytes.first() else { return Ok(None) };
    let (fin, opcode) = first_byte(first, expect)?;
    let rsv1 = first & RSV1 != 0;
    let Some(&second) = bytes.get(1) else { return Ok(None) };
    let masked = expect.role == Role::Server;
    if (second & 0x80 != 0) != masked {
        return Err(if masked { Violation::Unmasked } else { Violation::Masked });
    }
    let (len, at) = match second & 0x7f {
        126 | 127 if opcode.is_control() => return Err(Violation::ControlTooLong),
        126 => match extended::<2>(bytes, 126, expect)? {
            Some(len) => (len, 4),
            None => return Ok(None),
        },
        127 => match extended::<8>(bytes, 1 << 16, expect)? {
            Some(len) => (len, 10),
            None => return Ok(None),
        },
        len => (u64::from(len), 2),
    };
    if !opcode.is_control() {
        within_limits(len, expect)?;
    }
    let len = len as usize;
    if !masked {
        return Ok(Some(Header { fin, opcode, rsv1, mask: [0; 4], size: at, len }));
    }
    let Some(&mask) = bytes.get(at..).and_then(|rest| rest.first_chunk()) else {
        return Ok(None);
    };
    Ok(Some(Header { fin, opcode, rsv1, mask, size: at + 4, len }))
}

/// Reads the commonest headers, those of whole data messages of less than 64 KiB; anything else is left to [`parse`].
#[inline(always)]
pub(crate) fn parse_short(bytes: &[u8], expect: Expect) -> Option<Header> {
    let masked = expect.role == Role::Server;
    let [first @ (0x81 | 0x82), second, ..] = *bytes else { return None };
    let (at, len) = match second & 0x7f {
        126 => match *bytes {
            [_, _, high, low, ..] if high > 0 || low >= 126 => (4, usize::from(u16::from_be_bytes([high, low]))),
            _ => return None,
        },
        127 => return None,
        len => (2, usize::from(len)),
    };
    if expect.in_message || (second & 0x80 != 0) != masked || len > expect.max_frame.min(expect.max_message) {
        return None;
    }
    let opcode = if first == 0x81 { Opcode::Text } else { Opcode::Binary };
    let (mask, size) = if masked { (*bytes.get(at..)?.first_chunk()?, at + 4) } else { ([0; 4], at) };
    Some(Header { fin: true, opcode, rsv1: false, mask, size, len })
}

/// The same for those of 64 KiB or more.
#[cfg(feature = "std")]
#[cold]
pub(crate) fn parse_long(bytes: &[u8], expect: Expect) -> Option<Header> {
    match *bytes {
        [0x81 | 0x82, second, ..] if second & 0x7f == 127 => parse(bytes, expect).ok()?,
        _ => None,
    }
}

/// The first byte of a header.
#[inline]
pub(crate) fn first(fin: bool, opcode: Opcode) -> u8 {
    opcode as u8 | if fin { 0x80 } else { 0 }
}

/// The bytes of a header, and others that do not count. They are two numbers, and not bytes in memory: what was written there
/// one by one would have to be waited for before it can be copied in one piece.
#[derive(Clone, Copy)]
pub(crate) struct Encoded {
    start: u64,
    rest: u64,
    /// How many bytes count.
    pub(crate) size: usize,
}

/// A header that begins with `first`.
#[inline]
pub(crate) fn encode(first: u8, len: usize, mask: Option<[u8; 4]>) -> Encoded {
    let masked = if mask.is_some() { 0x80 } else { 0 };
    let (second, extended, at) = match len {
        0..126 => (len as u8, 0, 2),
        126..0x1_0000 => (126, u64::from((len as u16).swap_bytes()), 4),
        _ => (127, (len as u64).swap_bytes(), 10),
    };
    let header = u128::from(first) | u128::from(masked | second) << 8 | u128::from(extended) << 16;
    let (header, size) = match mask {
        None => (header, at),
        Some(mask) => (header | u128::from(u32::from_le_bytes(mask)) << (8 * at), at + 4),
    };
    Encoded { start: header as u64, rest: (header >> 64) as u64, size }
}

impl Encoded {
    /// The header and the bytes that do not count.
    #[inline]
    pub(crate) fn halves(self) -> [[u8; HEADER / 2]; 2] {
        [self.start.to_le_bytes(), self.rest.to_le_bytes()]
    }

    /// The same in one piece, of which the first `size` bytes count.
    #[inline]
    pub(crate) fn bytes(self) -> [u8; HEADER] {
        (u128::from(self.rest) << 64 | u128::from(self.start)).to_le_bytes()
    }
}

#[inline]
fn first_byte(byte: u8, expect: Expect) -> Result<(bool, Opcode), Violation> {
    // RFC 7692 6: RSV1 belongs to the first frame of a message; it makes a continuation and a control frame fail.
    let defined = if expect.rsv1 && matches!(byte & 0xf, 0x1 | 0x2) { RSV1 } else { 0 };
    if byte & 0x70 & !defined != 0 {
        return Err(Violation::ReservedBits);
    }
    let fin = byte & 0x80 != 0;
    let opcode = match byte & 0xf {
        0x0 => Opcode::Continuation,
        0x1 => Opcode::Text,
        0x2 => Opcode::Binary,
        0x8 => Opcode::Close,
        0x9 => Opcode::Ping,
        0xa => Opcode::Pong,
        _ => return Err(Violation::ReservedOpcode),
    };
    match opcode {
        Opcode::Close | Opcode::Ping | Opcode::Pong if !fin => Err(Violation::ControlFragmented),
        Opcode::Continuation if !expect.in_message => Err(Violation::ContinuationWithoutStart),
        Opcode::Text | Opcode::Binary if expect.in_message => Err(Violation::MessageInsideMessage),
        _ => Ok((fin, opcode)),
    }
}

/// The extended length of `N` bytes behind the second byte, which must be at least `least` to be in its shortest form.
#[inline]
fn extended<const N: usize>(bytes: &[u8], least: u64, expect: Expect) -> Result<Option<u64>, Violation> {
    let come = &bytes[2..bytes.len().min(2 + N)];
    let known = come.iter().fold(0, |known, byte| known << 8 | u64::from(*byte));
    let missing = 8 * (N - come.len()) as u32;
    // The smallest and the largest length that the missing bytes can still make.
    let (min, max) =
        if missing == 64 { (0, u64::MAX) } else { (known << missing, known << missing | ((1 << missing) - 1)) };
    if min >> 63 != 0 {
        return Err(Violation::LengthTopBit);
    }
    if max < least {
        return Err(Violation::LengthNotMinimal);
    }
    within_limits(min, expect)?;
    Ok((missing == 0).then_some(min))
}

#[inline]
fn within_limits(len: u64, expect: Expect) -> Result<(), Violation> {
    if len > expect.max_frame as u64 {
        return Err(Violation::FrameTooBig);
    }
    if len > expect.max_message as u64 {
        return Err(Violation::MessageTooBig);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPECT: Expect =
        Expect { role: Role::Server, in_message: false, rsv1: false, max_frame: 1 << 20, max_message: 1 << 20 };

    #[test]
    fn encodes_and_parses_from_one_table() {
        let table: [(usize, &[u8]); 6] = [
            (0, &[0x82, 0x00]),
            (125, &[0x82, 125]),
            (126, &[0x82, 126, 0, 126]),
            (65535, &[0x82, 126, 0xff, 0xff]),
            (65536, &[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
            (1 << 20, &[0x82, 127, 0, 0, 0, 0, 0, 16, 0, 0]),
        ];
        for (len, bytes) in table {
            let header = encode(first(true, Opcode::Binary), len, None);
            let (out, size) = (header.bytes(), header.size);
            assert_eq!(&out[..size], bytes);
            let expect = Expect { role: Role::Client, ..EXPECT };
            let header = Header { fin: true, opcode: Opcode::Binary, rsv1: false, mask: [0; 4], size, len };
            assert_eq!(parse(bytes, expect), Ok(Some(header)));
            for cut in 0..bytes.len() {
                assert_eq!(parse(&bytes[..cut], expect), Ok(None), "{len} cut at {cut}");
            }
            let header = encode(first(false, Opcode::Text), len, Some([1, 2, 3, 4]));
            let (out, size) = (header.bytes(), header.size);
            assert_eq!(header.halves().as_flattened(), out);
            let header = Header { fin: false, opcode: Opcode::Text, rsv1: false, mask: [1, 2, 3, 4], size, len };
            assert_eq!(parse(&out[..size], EXPECT), Ok(Some(header)));
        }
    }

    #[test]
    fn errors_on_the_earliest_byte() {
        let table: [(&[u8], Violation); 13] = [
            (&[0xc1], Violation::ReservedBits),
            (&[0x83], Violation::ReservedOpcode),
            (&[0x09], Violation::ControlFragmented),
            (&[0x80], Violation::ContinuationWithoutStart),
            (&[0x81, 0x05], Violation::Unmasked),
            (&[0x89, 0xfe], Violation::ControlTooLong),
            (&[0x82, 0xfe, 0, 125], Violation::LengthNotMinimal),
            (&[0x82, 0xff, 0, 0, 0, 0, 0, 0], Violation::LengthNotMinimal),
            (&[0x82, 0xff, 0x80], Violation::LengthTopBit),
            (&[0x82, 0xff, 0x7f], Violation::FrameTooBig),
            (&[0x82, 0xff, 0, 0, 0, 0, 0, 0x11], Violation::FrameTooBig),
            (&[0x82, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 1], Violation::FrameTooBig),
            (&[0x82, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 0xff], Violation::FrameTooBig),
        ];
        for (bytes, violation) in table {
            assert_eq!(parse(bytes, EXPECT), Err(violation), "{bytes:x?}");
            assert_eq!(parse(&bytes[..bytes.len() - 1], EXPECT), Ok(None), "{bytes:x?} is proven too early");
        }
        let inside = Expect { in_message: true, ..EXPECT };
        assert_eq!(parse(&[0x01], inside), Err(Violation::MessageInsideMessage));
        assert_eq!(parse(&[0x81, 0x05], Expect { role: Role::Client, ..EXPECT }).map(|h| h.is_some()), Ok(true));
        assert_eq!(parse(&[0x81, 0x85], Expect { role: Role::Client, ..EXPECT }), Err(Violation::Masked));
        let nearly_full = Expect { in_message: true, max_message: 4, ..EXPECT };
        assert_eq!(parse(&[0x80, 0x85], nearly_full), Err(Violation::MessageTooBig));
    }

    #[test]
    fn rsv1_stands_at_the_start_of_a_message_and_nowhere_else() {
        for byte in 0..=u8::MAX {
            for in_message in [false, true] {
                let without = Expect { in_message, ..EXPECT };
                let with = Expect { rsv1: true, ..without };
                let starts = byte & 0x70 == RSV1 && matches!(byte & 0xf, 0x1 | 0x2);
                let expected = if starts { first_byte(byte & !RSV1, without) } else { first_byte(byte, without) };
                assert_eq!(first_byte(byte, with), expected, "{byte:#x}");
            }
        }
        let header = parse(&[0xc1, 0x80, 0, 0, 0, 0], Expect { rsv1: true, ..EXPECT }).unwrap().unwrap();
        assert!(header.rsv1 && header.fin && header.opcode == Opcode::Text);
    }

    #[test]
    fn the_short_way_reads_the_commonest_headers_and_nothing_else() {
        for role in [Role::Server, Role::Client] {
            let mut short = 0;
            for (first, second) in (0..=u16::MAX).map(|both| (both.to_be_bytes()[0], both.to_be_bytes()[1])) {
                for (in_message, limit, long) in [
                    (false, 1000, 1),
                    (true, 1000, 1),
                    (false, 100, 1),
                    (false, 1000, 0),
                    (false, 258, 1),
                    (false, 257, 1),
                ] {
                    let bytes = [first, second, long, 2, 3, 4, 5, 6, 7, 8, 9, 10];
                    for come in [0, 1, 2, 3, 4, 5, 6, 7, 8, 12] {
                        let expect = Expect { role, in_message, rsv1: false, max_frame: limit, max_message: limit };
                        let header = parse_short(&bytes[..come], expect);
                        let parsed = parse(&bytes[..come], expect);
                        let common = matches!(parsed, Ok(Some(header))
                            if header.fin && !header.opcode.is_control() && header.opcode != Opcode::Continuation);
                        assert_eq!(
                            header,
                            parsed.ok().flatten().filter(|_| common),
                            "{first:#x} {second:#x} {come} {limit}"
                        );
                        short += usize::from(header.is_some());
                    }
                }
            }
            // Two opcodes; every length of one byte within the limit, and 258, which is over one of them; a length of 2 takes
            // one byte. Wherever the header is whole.
            let (one_byte, two_bytes) = if role == Role::Server { (4, 2) } else { (8, 6) };
            assert_eq!(short, 2 * ((4 * 126 + 101) * one_byte + 2 * two_bytes));
        }
    }

    #[cfg(feature = "std")]
    #[test]
    fn the_long_way_reads_long_lengths_and_nothing_else() {
        let lengths = [0, 125, 0xffff, 0x1_0000, 70_000, u64::MAX >> 1, 1 << 63, u64::MAX];
        for (role, second, size) in [(Role::Server, 0xff, 14), (Role::Client, 0x7f, 10)] {
            let mut long = Vec::new();
            for len in lengths {
                let bytes = [&[0x82, second][..], &len.to_be_bytes(), &[1, 2, 3, 4]].concat();
                for (come, limit) in (0..=bytes.len()).flat_map(|come| [(come, 70_000), (come, usize::MAX)]) {
                    let expect = Expect { role, in_message: false, rsv1: false, max_frame: limit, max_message: limit };
                    let header = parse_long(&bytes[..come], expect);
                    assert_eq!(header, parse(&bytes[..come], expect).ok().flatten(), "{len} {come} {limit}");
                    long.extend(header.filter(|_| come == size).map(|header| (header.len as u64, limit)));
                }
            }
            let all = usize::MAX;
            let mut expected = vec![(0x1_0000, 70_000), (0x1_0000, all), (70_000, 70_000), (70_000, all)];
            if cfg!(target_pointer_width = "64") {
                expected.push((u64::MAX >> 1, all));
            }
            assert_eq!(long, expected);
            for bytes in [[0x82, second & 0x80 | 126], [0x82, second & 0x80 | 5], [0x89, second], [0x02, second]] {
                let expect = Expect { role, in_message: false, rsv1: false, max_frame: 1 << 20, max_message: 1 << 20 };
                assert_eq!(parse_long(&[&bytes[..], &[0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 4]].concat(), expect), None);
            }
        }
    }
}
