//! Compression (RFC 7692): what is inflated, and what comes back of what is compressed, compared with a naive inflater.

use crate::{
    drive::{Pace, Seen, config, drain, drive, weigh},
    frames::echo,
    inflate::Naive,
    reference::{Limits, Said, read},
};
use arbitrary::{Arbitrary, Unstructured};
use std::sync::Arc;
use timtow_core::{
    Cause, CloseCode, Closed, Config, Connection, Deflate, DeflateParameters, Event, Fragment, Kind, Message, Role,
    Violation,
};

/// Bytes of a message.
const LIMIT: usize = 3000;

fn masked(role: Role, first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = if role == Role::Server { 0x80 } else { 0 };
    let mut frame = vec![first];
    match payload.len() {
        0..126 => frame.push(mask | payload.len() as u8),
        len => {
            frame.push(mask | 126);
            frame.extend((len as u16).to_be_bytes());
        }
    }
    if role == Role::Server {
        frame.extend([0; 4]);
    }
    frame.extend_from_slice(payload);
    frame
}

/// What the peer is told of a violation.
fn told(closed: &Closed) -> Option<CloseCode> {
    match closed.cause {
        Cause::Violation(violation) => Some(violation.close_code()),
        _ => None,
    }
}

/// Two bytes of options, then messages as they are compressed, each with its length in front.
pub fn inflate(data: &[u8]) {
    let [options, seed, rest @ ..] = data else { return };
    let role = if options & 1 == 0 { Role::Server } else { Role::Client };
    let (none, text, fragments) = (options & 2 != 0, options & 4 != 0, options & 8 != 0);
    let agreed = DeflateParameters {
        server_no_context_takeover: none,
        client_no_context_takeover: none,
        ..DeflateParameters::default()
    };
    let config = || Config {
        max_message: LIMIT,
        max_frame: LIMIT,
        fragments,
        deflate: Some(Deflate { threshold: usize::MAX, ..Deflate::default() }),
        ..config()
    };
    let (mut input, mut expected, mut rest, mut naive) = (Vec::new(), Vec::new(), rest, Naive::default());
    let kind = if text { Kind::Text } else { Kind::Binary };
    let first = if text { 0x41 } else { 0x42 };
    let mut broken = false;
    while let ([len, behind @ ..], false) = (rest, broken) {
        let (payload, behind) = behind.split_at(usize::from(len & 0x7f).min(behind.len()));
        rest = behind;
        if len & 0x80 == 0 {
            input.extend(masked(role, 0x80 | first, payload));
        } else {
            let (head, tail) = payload.split_at(payload.len() / 2);
            input.extend([masked(role, first, head), masked(role, 0x89, b"?"), masked(role, 0x80, tail)].concat());
            expected.push(Seen::Said(Said::Ping(b"?".to_vec())));
        }
        if none {
            naive = Naive::default();
        }
        let before = naive.said.len();
        let message = naive.message(payload);
        let over = naive.said.len() - before > LIMIT;
        match message {
            Ok(message) if !(over || text && std::str::from_utf8(&message).is_err()) => {
                expected.push(Seen::Said(Said::Message(kind, message)));
            }
            _ => broken = true,
        }
        if over {
            break;
        }
    }
    let make = |config| Connection::upgraded_with_deflate(role, config, agreed);
    let run = |pace| drive(make(Arc::new(config())), &input, pace, &mut echo);
    let whole = run(Pace::Whole);
    let Some(Closed { cause, .. }) = whole.closed() else { panic!("no end") };
    let seen = &whole.seen[..whole.seen.len() - 1];
    if broken {
        // A ping of the message that is broken may come before it is seen to be.
        assert!(expected.starts_with(seen) && seen.len() + 1 >= expected.len(), "{seen:?}, not {expected:?}");
        let undecodable = matches!(cause, Cause::Violation(Violation::Undecodable));
        let bad_text = text && matches!(cause, Cause::Violation(Violation::TextNotUtf8));
        let too_big = matches!(cause, Cause::Violation(Violation::MessageTooBig | Violation::FrameTooBig));
        assert!(undecodable || bad_text || too_big, "{cause:?}");
    } else {
        assert_eq!(seen, expected);
        assert_eq!(*cause, Cause::Lost);
    }
    for pace in Pace::others(*seed, &input) {
        let cut = run(pace);
        if broken {
            // Of several things that are wrong with one message the first counts; damage and text that is none are told alike.
            assert_eq!(cut.closed().and_then(told), whole.closed().and_then(told), "cut otherwise");
            assert!(expected.starts_with(&cut.seen[..cut.seen.len() - 1]));
        } else {
            assert_eq!(cut.seen, whole.seen, "cut otherwise");
        }
    }
    // PROTOCOL: the limit, and 64 KiB; and the window that is kept.
    weigh(config(), make, &input, Pace::Pieces((*seed).into()), &mut |_, _| {}, |_, came| {
        LIMIT * 5 / 4 + (64 << 10) + (33 << 10) + came
    });
}

/// A message, in pieces; each of a byte that is repeated, or of bytes as they come.
#[derive(Arbitrary, Clone, Debug)]
struct Sent<'a> {
    text: bool,
    pieces: [Option<(&'a [u8], u8)>; 3],
}

impl Sent<'_> {
    fn pieces(&self) -> Vec<Vec<u8>> {
        let repeat = |(bytes, times): &(&[u8], u8)| {
            let ascii = |byte: &u8| if self.text { byte & 0x7f } else { *byte };
            bytes.iter().map(ascii).collect::<Vec<u8>>().repeat(1 + usize::from(*times))
        };
        self.pieces
            .iter()
            .flatten()
            .map(repeat)
            .map(|mut piece| {
                piece.truncate(1500);
                piece
            })
            .collect()
    }
}

/// What one side compresses is what the other inflates, and the naive inflater, too, within the window that was agreed on.
pub fn deflate_roundtrip(data: &[u8]) {
    let mut data = Unstructured::new(data);
    let Ok((flags, bits, level)) = <(u8, u8, u8)>::arbitrary(&mut data) else { return };
    let role = if flags & 1 == 0 { Role::Server } else { Role::Client };
    let bits = 9 + bits % 7;
    let agreed = DeflateParameters {
        server_no_context_takeover: flags & 2 != 0,
        client_no_context_takeover: flags & 2 != 0,
        server_max_window_bits: bits,
        client_max_window_bits: bits,
    };
    let deflate = Deflate { level: level % 10, threshold: if flags & 4 != 0 { 128 } else { 0 }, ..Deflate::default() };
    let make =
        |role| Connection::upgraded_with_deflate(role, Arc::new(Config { deflate: Some(deflate), ..config() }), agreed);
    let peer = if role == Role::Server { Role::Client } else { Role::Server };
    let (mut sender, mut receiver, mut naive) = (make(role), make(peer), Naive::default());
    let mut pace = Pace::Pieces(flags.into());
    for _ in 0..6 {
        let Ok(sent) = Sent::arbitrary(&mut data) else { break };
        let (kind, pieces) = (if sent.text { Kind::Text } else { Kind::Binary }, sent.pieces());
        let message = pieces.concat();
        match &pieces[..] {
            [] => continue,
            [one] if sent.text => sender.send(String::from_utf8(one.clone()).expect("ASCII")).expect("it is open"),
            [one] => sender.send(&one[..]).expect("it is open"),
            pieces => {
                for (n, piece) in pieces.iter().enumerate() {
                    let fin = n + 1 == pieces.len();
                    let fragment = Fragment { kind, payload: piece.into(), fin, message_len: None };
                    sender.send_fragment(fragment).expect("it is open");
                }
            }
        }
        let mut wire = Vec::new();
        drain(&mut sender, &mut Pace::Whole, &mut wire);
        let (payload, compressed) = unmarked(&wire, peer);
        if flags & 2 != 0 {
            naive = Naive::default();
        }
        if compressed {
            assert_eq!(naive.message(&payload).as_ref(), Ok(&message), "what a naive peer reads");
            assert!(naive.furthest <= 1 << bits, "it looks back over {} bytes", naive.furthest);
        } else {
            assert_eq!(payload, message);
        }
        let mut rest = &mut wire[..];
        let mut received = Vec::new();
        while !rest.is_empty() {
            let (mut piece, behind) = rest.split_at_mut(pace.feed(rest.len()));
            rest = behind;
            while let Some(event) = receiver.receive(&mut piece) {
                match event {
                    Event::Message(Message::Text(text)) => received.push((Kind::Text, text.as_bytes().to_vec())),
                    Event::Message(Message::Binary(bytes)) => received.push((Kind::Binary, bytes.to_vec())),
                    event => panic!("{event:?}"),
                }
            }
        }
        assert_eq!(received, [(kind, message)]);
    }
}

/// The payload of the one message in `wire`, and whether RSV1 marks its first frame and no other.
fn unmarked(wire: &[u8], peer: Role) -> (Vec<u8>, bool) {
    let (mut plain, mut rest, mut marks) = (Vec::new(), wire, Vec::new());
    while let [first, second, ..] = rest {
        let size = match second & 0x7f {
            126 => 4 + usize::from(u16::from_be_bytes([rest[2], rest[3]])),
            127 => panic!("no frame is so long"),
            len => 2 + usize::from(len),
        };
        let (frame, behind) = rest.split_at(size + if peer == Role::Server { 4 } else { 0 });
        marks.push(first & 0x40 != 0);
        // Compressed text is no text.
        plain.push(if first & 0x0f == 1 { first & !0x41 | 2 } else { first & !0x40 });
        plain.extend_from_slice(&frame[1..]);
        rest = behind;
    }
    assert!(marks[1..].iter().all(|mark| !mark), "only the first frame is marked");
    match &read(&plain, peer, Limits::NONE).said[..] {
        [Said::Message(_, payload)] => (payload.clone(), marks[0]),
        said => panic!("{said:?}"),
    }
}
