//! Streams of frames: most are right, some are wrong in one place, some are anything.

use crate::common::{MASK, chance::Chance};
use timtow_core::Role;

/// Bytes of a frame, and of a message, that the endpoint accepts.
pub const LIMIT: usize = 70_000;

/// A frame as it goes over the wire, with whatever is wrong with it.
struct Frame {
    first: u8,
    masked: bool,
    /// Bytes of the extended length.
    extended: usize,
    /// The length that the header claims.
    claims: u64,
    payload: Vec<u8>,
}

impl Frame {
    fn write(&self, to: &mut Vec<u8>) {
        let mask = if self.masked { 0x80 } else { 0 };
        to.push(self.first);
        match self.extended {
            0 => to.push(mask | (self.claims as u8 & 0x7f)),
            2 => {
                to.push(mask | 126);
                to.extend((self.claims as u16).to_be_bytes());
            }
            _ => {
                to.push(mask | 127);
                to.extend(self.claims.to_be_bytes());
            }
        }
        if self.masked {
            to.extend(MASK);
        }
        let masks = MASK.iter().cycle();
        to.extend(self.payload.iter().zip(masks).map(|(byte, mask)| byte ^ if self.masked { *mask } else { 0 }));
    }
}

/// A stream for an endpoint of this role. Of a hundred frames `wrong` have something wrong.
pub fn stream(role: Role, chance: &mut Chance, wrong: usize) -> Vec<u8> {
    let mut stream = Vec::new();
    let mut text = None;
    for _ in 0..chance.between(1, 8) {
        let payload = payload(chance, text);
        let (mut opcode, mut fin) = (chance.pick(&[1, 2, 2, 9, 10]), chance.percent(60));
        let mut payload = payload;
        if opcode >= 8 || chance.percent(10) {
            (opcode, fin) = (if opcode >= 8 { opcode } else { 8 }, true);
            payload.truncate(125);
            if opcode == 8 {
                payload = close(chance);
            }
        } else if text.is_some() {
            opcode = 0;
            text = if fin { None } else { text };
        } else {
            if opcode == 1 {
                payload = self::payload(chance, Some(true));
            }
            text = if fin { None } else { Some(opcode == 1) };
        }
        let claims = payload.len() as u64;
        let extended = match claims {
            0..126 => 0,
            126..65_536 => 2,
            _ => 8,
        };
        let first = if fin { 0x80 } else { 0 } | opcode;
        let mut frame = Frame { first, masked: role == Role::Server, extended, claims, payload };
        if chance.percent(wrong) {
            spoil(&mut frame, chance);
        }
        frame.write(&mut stream);
    }
    if chance.percent(wrong) {
        // Anything, anywhere.
        match chance.below(4) {
            0 => stream.truncate(chance.below(stream.len())),
            1 => drop(stream.remove(chance.below(stream.len()))),
            2 => stream.insert(chance.below(stream.len()), chance.next() as u8),
            _ => {
                let at = chance.below(stream.len().min(40));
                stream[at] ^= 1 << chance.below(8);
            }
        }
    }
    stream
}

fn spoil(frame: &mut Frame, chance: &mut Chance) {
    match chance.below(6) {
        0 => frame.first ^= 1 << chance.below(8),
        1 => frame.masked ^= true,
        2 => frame.extended = chance.pick(&[0, 2, 8]),
        3 => {
            frame.claims =
                chance.pick(&[126, 65_535, 65_536, LIMIT as u64, LIMIT as u64 + 1, 1 << 62, 1 << 63, u64::MAX]);
            frame.extended = 8;
        }
        4 => {
            frame.payload = vec![b'a'; chance.pick(&[125, 126, 127, 65_535, 65_536, LIMIT, LIMIT + 1])];
            frame.claims = frame.payload.len() as u64;
            frame.extended = chance.pick(&[0, 2, 8, 8]);
        }
        _ => {
            if let Some(at) = frame.payload.len().checked_sub(1) {
                frame.payload[chance.between(0, at)] = chance.next() as u8;
            }
        }
    }
}

fn payload(chance: &mut Chance, text: Option<bool>) -> Vec<u8> {
    let len = chance.pick(&[0, 1, 2, 3, 5, 20, 124, 125, 126, 127, 300]);
    let mut payload = Vec::new();
    while payload.len() < len {
        match text {
            Some(true) => {
                let mut buffer = [0; 4];
                let c =
                    chance.pick(&['a', '\u{7f}', '\u{80}', '\u{7ff}', '\u{800}', '\u{d7ff}', '\u{e000}', '\u{10ffff}']);
                let bytes = c.encode_utf8(&mut buffer).as_bytes();
                // Some characters are cut: most of them are then wrong, and some go on in the next frame.
                payload.extend(&bytes[..if chance.percent(1) { chance.between(1, bytes.len()) } else { bytes.len() }]);
            }
            _ => payload.push(chance.next() as u8),
        }
    }
    payload
}

fn close(chance: &mut Chance) -> Vec<u8> {
    let code: u16 =
        chance.pick(&[0, 999, 1000, 1001, 1004, 1005, 1006, 1007, 1011, 1014, 1015, 2999, 3000, 4999, 5000, 65_535]);
    match chance.below(5) {
        0 => vec![],
        1 => vec![3],
        2 => code.to_be_bytes().to_vec(),
        3 => [&code.to_be_bytes()[..], "tschüß".as_bytes()].concat(),
        _ => [&code.to_be_bytes()[..], &[b'x', 0xff, 0xc3]].concat(),
    }
}
