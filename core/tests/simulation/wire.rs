//! What goes over the wire in one direction, watched byte by byte: RFC 6455 as seen by somebody between the two.

use std::{
    collections::VecDeque,
    hash::{DefaultHasher, Hasher},
};
use timtow_core::Role;

/// The watcher of what one side sends.
#[derive(Debug)]
pub struct Wire {
    sender: Role,
    /// The last four bytes of the head; `None` behind it.
    head: Option<[u8; 4]>,
    /// The first bytes of the head.
    start: Vec<u8>,
    /// It is no WebSocket: the opening handshake was refused.
    refused: bool,
    header: Vec<u8>,
    /// Bytes of the payload that are still to come.
    left: usize,
    control: Vec<u8>,
    in_message: bool,
    /// Whole messages may be compressed: RSV1 on their first frame (RFC 7692 6).
    pub compresses: bool,
    pub closes: usize,
    /// The code of the close frame: 1005 where it has none.
    pub close_code: u16,
    /// Payloads of pings that no pong has answered.
    pub pings: VecDeque<Vec<u8>>,
    /// Payloads of pongs, for whoever watches the other direction.
    pub pongs: VecDeque<Vec<u8>>,
    /// Of all bytes.
    pub digest: DefaultHasher,
}

impl Wire {
    pub fn new(sender: Role) -> Self {
        Wire {
            sender,
            head: Some([0; 4]),
            start: Vec::new(),
            refused: false,
            header: Vec::with_capacity(14),
            left: 0,
            control: Vec::new(),
            in_message: false,
            compresses: false,
            closes: 0,
            close_code: 0,
            pings: VecDeque::new(),
            pongs: VecDeque::new(),
            digest: DefaultHasher::new(),
        }
    }

    /// Whether a head, a frame or a message is half sent.
    pub fn is_between_messages(&self) -> bool {
        self.head.is_none() && self.header.is_empty() && !self.in_message
    }

    pub fn watch(&mut self, mut bytes: &[u8]) {
        self.digest.write(bytes);
        while let Some((&byte, rest)) = bytes.split_first() {
            if self.left > 0 {
                let (payload, rest) = bytes.split_at(self.left.min(bytes.len()));
                bytes = rest;
                self.payload(payload);
                continue;
            }
            bytes = rest;
            if let Some(last) = &mut self.head {
                last.rotate_left(1);
                last[3] = byte;
                if self.start.len() < 12 {
                    self.start.push(byte);
                }
                if last == b"\r\n\r\n" {
                    self.head = None;
                    self.refused = self.sender == Role::Server && self.start != b"HTTP/1.1 101";
                }
            } else if !self.refused {
                assert_eq!(self.closes, 0, "a byte behind the close frame");
                self.header.push(byte);
                self.header();
            }
        }
    }

    fn header(&mut self) {
        let [first, second, extended @ ..] = &self.header[..] else { return };
        let masked = self.sender == Role::Client;
        assert_eq!(second & 0x80 != 0, masked, "masked or not");
        let (size, least) = match second & 0x7f {
            126 => (2, 126),
            127 => (8, 1 << 16),
            _ => (0, 0),
        };
        if extended.len() < size + if masked { 4 } else { 0 } {
            return;
        }
        let long = extended[..size].iter().fold(0, |len, byte| len << 8 | usize::from(*byte));
        let len = if size == 0 { usize::from(second & 0x7f) } else { long };
        assert!(len >= least, "the shortest form");
        let begins = matches!(first & 0x0f, 1 | 2);
        let reserved = if self.compresses && begins { 0x30 } else { 0x70 };
        assert_eq!(first & reserved, 0, "reserved bits");
        let fin = first & 0x80 != 0;
        match first & 0x0f {
            0 => assert!(self.in_message, "a continuation of nothing"),
            1 | 2 => assert!(!self.in_message, "a message inside of another"),
            8..=10 => assert!(fin && len <= 125, "a control frame in pieces, or too long"),
            opcode => panic!("opcode {opcode}"),
        }
        if first & 0x0f < 8 {
            self.in_message = !fin;
        }
        self.left = len;
        if len == 0 {
            self.frame_ends();
        }
    }

    fn payload(&mut self, payload: &[u8]) {
        self.left -= payload.len();
        if self.header[0] & 0x08 != 0 {
            self.control.extend_from_slice(payload);
        }
        if self.left == 0 {
            self.frame_ends();
        }
    }

    fn frame_ends(&mut self) {
        let mut payload = std::mem::take(&mut self.control);
        if let Some(mask) = self.header.last_chunk::<4>().filter(|_| self.sender == Role::Client) {
            payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
        }
        match self.header[0] & 0x0f {
            8 => {
                self.closes += 1;
                self.close_code = payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code));
            }
            9 => self.pings.push_back(payload),
            10 => self.pongs.push_back(payload),
            _ => {}
        }
        self.header.clear();
    }
}
