//! Compression (RFC 7692): what is inflated, and what comes back of what is compressed, compared with a naive inflater.

use crate::{
    alloc,
    drive::{Outcome, Pace, Seen, Watch, ZLIB_WORK, config, drain, drive, finish, weigh, work},
    frames::{Behind, echo},
    inflate::Naive,
    reference::{Read, Said, output},
};
use arbitrary::{Arbitrary, Unstructured};
use std::sync::Arc;
use timtow_core::{
    Cause, CloseCode, Closed, Config, Connection, Deflate, DeflateParameters, Fragment, Kind, Role, Violation,
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
    let run = |pace| {
        let slow = matches!(pace, Pace::Slow(_));
        let outcome = drive(make(Arc::new(config())), &input, pace, &mut echo);
        judge_output(role, &outcome, !slow, none);
        outcome
    };
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

/// What was sent is what came, echoed; compressed, where it was sent in pieces.
fn judge_output(role: Role, outcome: &Outcome, pongs: bool, apart: bool) {
    let mut said = Vec::new();
    for seen in &outcome.seen {
        match seen {
            Seen::Said(it) => said.push(it.clone()),
            Seen::Closed(closed) => match closed.cause {
                Cause::Violation(violation) => said.push(Said::Broken(violation)),
                Cause::Lost => {}
                _ => panic!("{closed:?}"),
            },
            seen => panic!("{seen:?}"),
        }
    }
    let expected = Read { said, ..Read::default() };
    let output = inflated(&outcome.output, role, &mut Naive::default(), apart);
    Behind { role, pongs, closing: false, announced: false }.judge_read(&outcome.seen, &output, &expected);
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
    let (mut sender, mut receiver, mut naive) = (Party::new(make(role)), Party::new(make(peer)), Naive::default());
    let mut pace = Pace::Pieces(flags.into());
    for _ in 0..6 {
        let Ok(sent) = Sent::arbitrary(&mut data) else { break };
        let (kind, pieces) = (if sent.text { Kind::Text } else { Kind::Binary }, sent.pieces());
        let message = pieces.concat();
        sender.given += message.len();
        match &pieces[..] {
            [] => continue,
            [one] if sent.text => {
                let send = |ws: &mut Connection| ws.send(String::from_utf8(one.clone()).expect("ASCII"));
                sender.with(send).expect("it is open");
            }
            [one] => sender.with(|ws| ws.send(&one[..])).expect("it is open"),
            pieces => {
                for (n, piece) in pieces.iter().enumerate() {
                    let fin = n + 1 == pieces.len();
                    let fragment = Fragment { kind, payload: piece.into(), fin, message_len: None };
                    sender.with(|ws| ws.send_fragment(fragment)).expect("it is open");
                }
            }
        }
        let wire = sender.written();
        let said = output(&inflated(&wire, role, &mut naive, flags & 2 != 0), role, false);
        assert_eq!(said, [Said::Message(kind, message.clone())], "what a naive peer reads");
        assert!(naive.furthest <= 1 << bits, "it looks back over {} bytes", naive.furthest);
        let before = receiver.watch.seen.len();
        receiver.receive(&wire, &mut pace);
        assert_eq!(receiver.watch.seen[before..], [Seen::Said(Said::Message(kind, message))]);
        // What comes of a message may be kept until all of it is there; what zlib needs may be the thread's.
        let owned = sender.owned + receiver.owned;
        let most = zlib(bits) + 4500 * 5 / 4 + (4 << 10);
        assert!(owned <= most, "{owned} bytes, and not {most}, between messages");
    }
    // One of them closes, or the transport ends, or nobody says anything any more.
    if flags & 8 != 0 {
        let (first, second) = if flags & 16 != 0 { (&mut sender, &mut receiver) } else { (&mut receiver, &mut sender) };
        first.with(|ws| ws.close(1000, "bye")).expect("it is open");
        second.receive(&first.written(), &mut pace);
        first.receive(&second.written(), &mut pace);
    } else if flags & 16 != 0 {
        sender.with(Connection::receive_eof);
        receiver.with(Connection::receive_error);
    }
    for party in [&mut sender, &mut receiver] {
        party.end(flags & 8 != 0);
    }
    let (owned, spare) = (sender.owned + receiver.owned, zlib(bits));
    assert!(owned <= spare, "{owned} bytes are kept behind the end, and not {spare}, which their thread may keep");
}

/// What both sides and their thread may keep of zlib's state, as the book has it: what compresses, for one of them and to spare,
/// what inflates, up to 64 KiB, and the window.
fn zlib(bits: u8) -> isize {
    2 * ((152 << 10) + (4 << bits)) + (64 << 10) + (1 << bits) + 1024
}

/// One side of a round trip.
struct Party {
    ws: Connection,
    watch: Watch,
    /// Bytes that it owns, or has left to its thread.
    owned: isize,
    /// Bytes that it was given, to send and to read, and that it wrote; what it asked the allocator for; and in how many calls.
    given: usize,
    asked: isize,
    calls: usize,
}

impl Party {
    fn new(ws: Connection) -> Self {
        Party { ws, watch: Watch::default(), owned: 0, given: 0, asked: 0, calls: 0 }
    }

    fn with<R>(&mut self, f: impl FnOnce(&mut Connection) -> R) -> R {
        let (owned, asked) = (alloc::owned(), alloc::total());
        let result = f(&mut self.ws);
        self.owned += alloc::owned() - owned;
        self.asked += alloc::total() - asked;
        self.calls += 1;
        result
    }

    fn written(&mut self) -> Vec<u8> {
        let mut wire = Vec::new();
        self.with(|ws| drain(ws, &mut Pace::Whole, &mut wire));
        self.given += wire.len();
        wire
    }

    fn receive(&mut self, wire: &[u8], pace: &mut Pace) {
        let (mut wire, mut watch) = (wire.to_vec(), std::mem::take(&mut self.watch));
        self.given += wire.len();
        let mut rest = &mut wire[..];
        while !rest.is_empty() {
            let (mut piece, behind) = rest.split_at_mut(pace.feed(rest.len()));
            rest = behind;
            self.with(|ws| {
                while let Some(event) = ws.receive(&mut piece) {
                    alloc::uncounted(|| watch.event(&event));
                }
            });
        }
        self.watch = watch;
    }

    /// Asserts that the end comes, that it is the one that it must be, and that all its work was linear.
    fn end(&mut self, closed: bool) {
        let mut watch = std::mem::take(&mut self.watch);
        self.with(|ws| finish(ws, &mut watch, &mut Vec::new()));
        let Some(Seen::Closed(end)) = watch.seen.last() else { panic!("no end: {:?}", watch.seen) };
        assert_eq!(matches!(end.cause, Cause::Handshake), closed, "{end:?}");
        let Party { asked, given, calls, .. } = self;
        let most = work(*given, *calls) + ZLIB_WORK;
        assert!(*asked <= most, "{asked} bytes asked for, and not {most}, for {given} in {calls} calls");
    }
}

/// What a side of this `role` has sent, as if nothing of it had been compressed: `naive` inflates it, `apart` each message by
/// itself.
fn inflated(wire: &[u8], role: Role, naive: &mut Naive, apart: bool) -> Vec<u8> {
    let (mut plain, mut rest, mut open) = (Vec::new(), wire, None::<(u8, Vec<u8>)>);
    let peer = if role == Role::Server { Role::Client } else { Role::Server };
    while let [first, second, ..] = rest {
        let (size, len) = match second & 0x7f {
            126 => (4, usize::from(u16::from_be_bytes([rest[2], rest[3]]))),
            127 => panic!("no frame is so long"),
            len => (2, len.into()),
        };
        let size = size + if peer == Role::Server { 4 } else { 0 };
        let (frame, behind) = rest.split_at(size + len);
        let (head, payload) = frame.split_at(size);
        let mask = head.last_chunk().filter(|_| peer == Role::Server).unwrap_or(&[0; 4]);
        let payload = payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask);
        rest = behind;
        match (first & 0x0f, &mut open) {
            (1 | 2, None) if first & 0x40 != 0 => open = Some((first & 0x0f, payload.collect())),
            (0, Some((_, whole))) => {
                assert_eq!(first & 0x70, 0, "only the first frame of a message is marked (RFC 7692 6)");
                whole.extend(payload);
            }
            _ => {
                plain.extend_from_slice(frame);
                continue;
            }
        }
        if first & 0x80 != 0
            && let Some((opcode, compressed)) = open.take()
        {
            if apart {
                *naive = Naive::default();
            }
            let message = naive.message(&compressed).expect("what is compressed can be inflated");
            plain.extend(masked(peer, 0x80 | opcode, &message));
        }
    }
    plain
}
