//! The same frames through the core and through tungstenite.

use crate::{
    LIMITS,
    common::{
        chance::Chance,
        naive::{self, Decoded, End},
        pair::ROLES,
    },
    receive,
    streams::{self, LIMIT},
};
use std::{
    collections::BTreeMap,
    io::{self, Cursor, Read, Write},
};
use timtow_core::Role;
use tungstenite::{Error, Message, WebSocket, protocol::WebSocketConfig};

/// Bytes that were all read, and then nothing.
struct Stream(Cursor<Vec<u8>>);

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            n => Ok(n),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What tungstenite makes of a stream, in the words of the naive decoder.
fn read(role: Role, stream: &[u8]) -> Decoded {
    let side = match role {
        Role::Server => tungstenite::protocol::Role::Server,
        Role::Client => tungstenite::protocol::Role::Client,
    };
    let config = WebSocketConfig::default().max_message_size(Some(LIMIT)).max_frame_size(Some(LIMIT));
    let mut socket = WebSocket::from_raw_socket(Stream(Cursor::new(stream.to_vec())), side, Some(config));
    let mut events = Vec::new();
    let end = loop {
        match socket.read() {
            Ok(Message::Text(text)) => events.push(('t', text.as_bytes().to_vec())),
            Ok(Message::Binary(bytes)) => events.push(('b', bytes.to_vec())),
            Ok(Message::Ping(payload)) => events.push(('i', payload.to_vec())),
            Ok(Message::Pong(payload)) => events.push(('o', payload.to_vec())),
            Ok(Message::Close(None)) => break Some(End::Closed(None, vec![])),
            // It answers a code that must not be sent with 1002, and calls that the peer's code.
            Ok(Message::Close(Some(frame))) if frame.reason.as_str() == "Protocol violation" => {
                break Some(End::Violated(1002));
            }
            Ok(Message::Close(Some(frame))) => {
                break Some(End::Closed(Some(frame.code.into()), frame.reason.as_bytes().to_vec()));
            }
            Ok(Message::Frame(frame)) => panic!("{frame:?}"),
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => break None,
            Err(Error::Protocol(_)) => break Some(End::Violated(1002)),
            Err(Error::Utf8(_)) => break Some(End::Violated(1007)),
            Err(Error::Capacity(_)) => break Some(End::Violated(1009)),
            Err(error) => panic!("{error}"),
        }
    };
    Decoded { events, end }
}

/// A frame as its header describes it, and whatever else stands behind it.
struct Frame<'s> {
    start: usize,
    bytes: &'s [u8],
}

impl Frame<'_> {
    /// Bytes of the header, as far as it is known.
    fn header(&self) -> usize {
        let Some(second) = self.bytes.get(1) else { return 2 };
        2 + self.extended() + if second & 0x80 != 0 { 4 } else { 0 }
    }

    /// Bytes of the extended length.
    fn extended(&self) -> usize {
        match self.bytes[1] & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        }
    }

    /// The length of the payload, once the header has come.
    fn len(&self) -> Option<u64> {
        let header = self.bytes.get(..self.header())?;
        let extended = &header[2..2 + self.extended()];
        Some(match extended {
            [] => u64::from(header[1] & 0x7f),
            bytes => bytes.iter().fold(0, |len, byte| len << 8 | u64::from(*byte)),
        })
    }

    /// Bytes that have not come, of the header, or else of the payload.
    fn missing(&self) -> u64 {
        let header = self.header();
        match self.len() {
            None => (header - self.bytes.len()) as u64,
            Some(len) => len.saturating_sub((self.bytes.len() - header) as u64),
        }
    }

    /// The same to its end, whatever that is.
    fn completed(&self) -> Vec<u8> {
        [self.bytes, &vec![0; self.missing() as usize]].concat()
    }

    /// The same with a length that no control frame may have and a message may.
    fn lightened(&self) -> Vec<u8> {
        let mask = &self.bytes[2 + self.extended()..self.header()];
        [&[self.bytes[0], self.bytes[1] & 0x80 | 126, 0, 126], mask, &[0; 126]].concat()
    }

    /// The same with its length in the shortest form, if it is not.
    fn shortened(&self) -> Option<Vec<u8>> {
        let (first, masked, extended) = (self.bytes[0], self.bytes[1] & 0x80, self.extended());
        let mut bytes = match self.len()? {
            len @ 0..126 if extended > 0 => vec![first, masked | len as u8],
            len @ 126..65_536 if extended > 2 => [&[first, masked | 126][..], &(len as u16).to_be_bytes()].concat(),
            _ => return None,
        };
        bytes.extend(&self.bytes[2 + extended..]);
        Some(bytes)
    }

    /// The same without its reason, if it is a close frame, of which all has come, with a reason that is not UTF-8.
    fn without_reason(&self) -> Option<Vec<u8>> {
        let (header, len) = (self.header(), self.len()? as usize);
        let reason = header + 2..header + len;
        let mask = if self.bytes[1] & 0x80 != 0 { &self.bytes[header - 4..header] } else { &[0; 4] };
        let unmasked =
            self.bytes.get(reason.clone())?.iter().zip(mask.iter().cycle().skip(2)).map(|(byte, mask)| byte ^ mask);
        let is_wrong = self.bytes[0] == 0x88 && String::from_utf8(unmasked.collect()).is_err();
        let mut bytes = self.bytes.to_vec();
        bytes.drain(reason);
        bytes[1] = bytes[1] & 0x80 | 2;
        is_wrong.then_some(bytes)
    }
}

/// The frame of which a byte proves that the stream is wrong.
fn violation(role: Role, stream: &[u8]) -> Option<Frame<'_>> {
    let is_wrong = |len: usize| matches!(naive::decode(role, &stream[..len], LIMITS).end, Some(End::Violated(_)));
    // What is wrong stays wrong: the shortest beginning that is, by halves.
    let (mut right, mut wrong) = (0, stream.len());
    if !is_wrong(wrong) {
        return None;
    }
    while wrong - right > 1 {
        let middle = usize::midpoint(right, wrong);
        *if is_wrong(middle) { &mut wrong } else { &mut right } = middle;
    }
    let mut start = 0;
    loop {
        let frame = Frame { start, bytes: &stream[start..] };
        match frame.len() {
            // The last byte of what is wrong is behind it.
            Some(len) if wrong as u128 > (start + frame.header()) as u128 + u128::from(len) => {
                start += frame.header() + len as usize;
            }
            _ => return Some(frame),
        }
    }
}

/// Why tungstenite says something else of a stream, where it does. Each is a choice that the RFC leaves, or a MUST that
/// tungstenite takes more lightly than the core does. A cause is tried: it is taken away, and then both must say the same,
/// or there is another one. Two are seen in how both end, and are the last.
///
/// # Panics
/// Where there is no such cause.
fn differences(role: Role, stream: &[u8], context: &str) -> Vec<&'static str> {
    let (mut stream, mut whys) = (stream.to_vec(), vec![]);
    loop {
        let ((ours, _), theirs) = (receive(role, &stream, || usize::MAX), read(role, &stream));
        if ours == theirs {
            return whys;
        }
        let context = format!("{context}, behind {whys:?}: {:?}, and tungstenite {:?}", ours.end, theirs.end);
        // It says more where it goes on behind what is wrong, and never less.
        assert!(theirs.events.starts_with(&ours.events), "{context}");
        if let (Some(End::Closed(Some(1014), _)), Some(End::Violated(1002))) = (&ours.end, &theirs.end) {
            assert_eq!(theirs.events, ours.events, "{context}");
            whys.push("it does not know code 1014, which IANA has given out since");
            return whys;
        }
        let frame = violation(role, &stream).unwrap_or_else(|| panic!("{context}"));
        let ends = (ours.end, theirs.end);
        let (why, instead) = if let Some(len) = frame.len().filter(|len| *len > LIMIT as u64) {
            assert_eq!(ends, (Some(End::Violated(1002)), Some(End::Violated(1009))), "{context}");
            assert_eq!(theirs.events, ours.events, "{context}");
            if len >> 63 == 1 {
                whys.push("it takes a length with its top bit for one that is too long");
                return whys;
            }
            ("it looks at the length before anything else", frame.lightened())
        } else if frame.missing() > 0 {
            assert_eq!((theirs.events, ends.1), (ours.events, None), "{context}");
            ("it looks at no frame before all of it has come", frame.completed())
        } else {
            assert_eq!(ends.0, Some(End::Violated(1002)), "{context}");
            if let Some(shortened) = frame.shortened() {
                ("it takes lengths that are not in their shortest form (RFC 6455 5.2)", shortened)
            } else {
                assert_eq!(ends.1, Some(End::Violated(1007)), "{context}");
                let without = frame.without_reason().unwrap_or_else(|| panic!("{context}"));
                ("it looks at the reason of a close frame before its code", without)
            }
        };
        whys.push(why);
        let start = frame.start;
        stream.truncate(start);
        stream.extend(instead);
    }
}

#[test]
fn tungstenite_says_the_same_or_less() {
    let (mut same, mut differ) = (0, BTreeMap::new());
    for seed in 0..1500 {
        for role in ROLES {
            let stream = streams::stream(role, &mut Chance::new(seed), 8);
            let mut whys = differences(role, &stream, &format!("seed {seed}, {role:?}"));
            whys.sort_unstable();
            whys.dedup();
            same += usize::from(whys.is_empty());
            for why in whys {
                *differ.entry(why).or_insert(0) += 1;
            }
        }
    }
    // The seeds decide all of it: another number means that a stream is read in another way.
    let expected = [
        ("it does not know code 1014, which IANA has given out since", 4),
        ("it looks at no frame before all of it has come", 71),
        ("it looks at the length before anything else", 44),
        ("it looks at the reason of a close frame before its code", 69),
        ("it takes a length with its top bit for one that is too long", 29),
        ("it takes lengths that are not in their shortest form (RFC 6455 5.2)", 118),
    ];
    assert_eq!((same, differ), (2682, expected.into()));
}
