//! Frames, from their headers on.

use crate::{
    drive::{Pace, Seen, config, drive, weigh},
    reference::{self, Limits, Read, Said, header, output, read},
};
use std::sync::Arc;
use timtow_core::{Cause, Closed, Config, Connection, Event, Fragment, Role};

/// A header, byte by byte: the reference says at which byte it is refused and why, or what it is; then its payload comes,
/// and its message with the last byte and not before.
pub fn frame_header(data: &[u8]) {
    let [options, bytes @ ..] = data else { return };
    let role = if options & 1 == 0 { Role::Server } else { Role::Client };
    let frame = [1 << 20, 125, 1000, usize::MAX >> 1][usize::from(options >> 1 & 3)];
    let limits = Limits { frame, message: [frame, 200][usize::from(options >> 3 & 1)], ..Limits::NONE };
    let mut ws = Connection::upgraded(role, Arc::new(limited(limits, false)));
    let mut message = None;
    if options & 0x10 != 0 {
        // Inside a message of two bytes.
        let mut begun = if role == Role::Server { vec![0x02, 0x82, 0, 0, 0, 0, 1, 2] } else { vec![0x02, 0x02, 1, 2] };
        assert!(ws.receive(&mut &mut begun[..]).is_none());
        message = Some(2);
    }
    let mut piece = bytes[..bytes.len().min(14)].to_vec();
    for end in 1..=piece.len() {
        let event = ws.receive(&mut &mut piece[end - 1..end]);
        match header(&bytes[..end], role, message, limits) {
            Err(violation) => {
                let Some(Event::Closed(Closed { cause, .. })) = event else {
                    panic!("{violation} is not seen: {event:?}")
                };
                assert_eq!(cause, Cause::Violation(violation));
                let sent = output(ws.outbox().chunk(), role, false);
                return assert_eq!(sent, [Said::Close(violation.close_code().0, String::new())]);
            }
            Ok(None) => assert_eq!(event, None, "before the header is complete"),
            Ok(Some(header)) => {
                assert_eq!(event.is_some(), header.len == 0 && (header.fin || header.opcode >= 8), "{header:?}");
                return payload(&mut ws, header, message.unwrap_or(0));
            }
        }
    }
}

/// Zeros, so many as the header says, unless that takes too long.
fn payload(ws: &mut Connection, header: reference::Header, before: usize) {
    let Ok(len @ 1..0x2_0000) = usize::try_from(header.len) else { return };
    let mut zeros: Vec<u8> = (0..len).map(|n| header.mask[n % 4]).collect();
    let (first, last) = zeros.split_at_mut(len - 1);
    assert_eq!(ws.receive(&mut &mut first[..]), None, "before the payload is complete");
    let event = ws.receive(&mut &mut last[..]);
    match (header.opcode, event) {
        (0..8, None) => assert!(!header.fin),
        (0..8, Some(Event::Message(message))) => {
            assert!(
                header.fin && message.as_bytes().len() == before + len && message.as_bytes()[before..] == vec![0; len]
            );
        }
        (9, Some(Event::Ping(payload))) | (10, Some(Event::Pong(payload))) => assert_eq!(*payload, vec![0; len]),
        // A code of zero, or half of one.
        (8, Some(Event::Closed(closed))) => assert!(matches!(closed.cause, Cause::Violation(_))),
        (_, event) => panic!("{event:?} of {header:?}"),
    }
}

/// Frames as a server reads them.
pub fn frames_server(data: &[u8]) {
    frames(Role::Server, data);
}

/// Frames as a client reads them.
pub fn frames_client(data: &[u8]) {
    frames(Role::Client, data);
}

fn limited(limits: Limits, fragments: bool) -> Config {
    Config {
        max_message: limits.message,
        max_frame: limits.frame,
        max_fragments: Some(limits.fragments).filter(|max| *max < usize::MAX),
        fragments,
        ..config()
    }
}

/// Two bytes of options, then what the peer sends: it must come to the same however it is cut, and to what the reference
/// says, which knows the output, too, since the application echoes.
fn frames(role: Role, data: &[u8]) {
    let [options, seed, bytes @ ..] = data else { return };
    let limits = [
        Limits { frame: 1 << 20, message: 1 << 20, fragments: usize::MAX },
        Limits { frame: 200, message: 300, fragments: 4 },
        Limits { frame: 1 << 20, message: 130, fragments: usize::MAX },
        Limits { frame: 126, message: 1 << 20, fragments: 3 },
    ][usize::from(options & 3)];
    let (fragments, closing) = (options & 4 != 0, options & 8 != 0);
    let high_water = if options & 16 != 0 { 100 } else { 64 << 10 };
    let config = || Config { high_water, ..limited(limits, fragments) };
    let make = |config| {
        let mut ws = Connection::upgraded(role, config);
        if closing {
            ws.close(1000, "").expect("it is open");
        }
        ws
    };
    let expected = read(bytes, role, limits);
    let respond = if options & 32 != 0 { pass_on } else { echo };
    let announced = fragments && options & 32 != 0;
    let whole = drive(make(Arc::new(config())), bytes, Pace::Whole, &mut { respond });
    Behind { role, pongs: true, closing, announced }.judge_read(&whole.seen, &whole.output, &expected);
    for pace in Pace::others(*seed, bytes) {
        let slow = matches!(pace, Pace::Slow(_));
        let outcome = drive(make(Arc::new(config())), bytes, pace, &mut { respond });
        assert_eq!(outcome.seen, whole.seen, "cut otherwise");
        // Of the pings of a peer that does not read, not all are answered, and pieces are sent back as they come.
        if !slow && !fragments {
            assert_eq!(outcome.output, whole.output, "cut otherwise");
            continue;
        }
        Behind { role, pongs: !slow, closing, announced }.judge_read(&outcome.seen, &outcome.output, &expected);
    }
    let ceiling = |_: &Connection, came: usize| kept(&bytes[..came], role, limits);
    if bytes.len() < 500 {
        weigh(config(), make, bytes, Pace::Pieces((*seed).into()), &mut { respond }, ceiling);
    }
}

/// PROTOCOL: what may be kept of what came: of a message that is not complete, or of one read while the outbox is full, the
/// bytes and a quarter, and 4 KiB; of what is only announced 16 KiB.
pub(crate) fn kept(bytes: &[u8], role: Role, limits: Limits) -> usize {
    let open = read(bytes, role, limits);
    (open.rest + open.message.unwrap_or(0)) * 5 / 4 + 4096 + declared(bytes, role, limits).min(16 << 10)
}

/// Bytes that the incomplete frame at the end of `bytes` has announced.
fn declared(bytes: &[u8], role: Role, limits: Limits) -> usize {
    let Read { rest, .. } = read(bytes, role, limits);
    let behind = &bytes[bytes.len() - rest..];
    let open = if behind.first().is_some_and(|first| first & 0x0f == 0) { Some(0) } else { None };
    match header(behind, role, open, limits) {
        Ok(Some(header)) => usize::try_from(header.len).unwrap_or(usize::MAX),
        _ => 0,
    }
}

/// Sends back what comes, pieces as frames of their own.
pub fn echo(ws: &mut Connection, event: Option<Event<'_>>) {
    match event {
        Some(Event::Fragment(fragment)) => {
            pass_on(ws, Some(Event::Fragment(Fragment { message_len: None, ..fragment })))
        }
        event => pass_on(ws, event),
    }
}

/// Sends back what comes, as it comes: a message that is one frame as one frame, which its sender may never complete.
fn pass_on(ws: &mut Connection, event: Option<Event<'_>>) {
    // Fails behind a close frame only, when nobody waits for it.
    let _ = match event {
        Some(Event::Message(message)) => ws.send(message),
        Some(Event::Fragment(fragment)) => ws.send_fragment(fragment),
        _ => Ok(()),
    };
}

/// What comes of frames on a connection whose application echoes.
#[derive(Clone, Copy, Debug)]
pub struct Behind {
    /// Which side it is.
    pub role: Role,
    /// Each ping is answered, since the peer reads all that is sent.
    pub pongs: bool,
    /// It has sent a close frame already.
    pub closing: bool,
    /// Its frames are those of its peer, which may leave one incomplete; control frames wait for its end.
    pub announced: bool,
}

impl Behind {
    /// Asserts that the events and the output are what the reference says of the input, within the default limits.
    ///
    /// # Panics
    /// If they are not.
    pub fn judge(self, seen: &[Seen], output: &[u8], input: &[u8]) {
        self.judge_within(seen, output, input, 1 << 20, 1 << 20);
    }

    /// The same, within limits for a frame and for a message.
    ///
    /// # Panics
    /// If they are not.
    pub fn judge_within(self, seen: &[Seen], output: &[u8], input: &[u8], frame: usize, message: usize) {
        let limits = Limits { frame, message, fragments: usize::MAX };
        self.judge_read(seen, output, &read(input, self.role, limits));
    }

    /// The same, where it is known what the input says.
    ///
    /// # Panics
    /// If they are not.
    pub fn judge_read(self, seen: &[Seen], output: &[u8], expected: &Read) {
        let Behind { role, pongs, closing, announced } = self;
        let (mut events, mut sent) = (Vec::new(), Vec::new());
        if closing {
            sent.push(Said::Close(1000, String::new()));
        }
        let mut open = !closing;
        let mut cause = Cause::Lost;
        for said in &expected.said {
            let reply = match said.clone() {
                Said::Ping(payload) => Said::Pong(payload),
                Said::Broken(violation) => {
                    cause = Cause::Violation(violation);
                    Said::Close(violation.close_code().0, String::new())
                }
                Said::Close(code, reason) => {
                    let closed = Closed { code: code.into(), reason, cause: Cause::Handshake };
                    events.push(Seen::Closed(Box::new(closed)));
                    cause = Cause::Handshake;
                    Said::Close(code, String::new())
                }
                said => said,
            };
            let end = matches!(said, Said::Close(..) | Said::Broken(_));
            if !end {
                events.push(Seen::Said(said.clone()));
            }
            if open && !matches!(said, Said::Pong(_)) {
                sent.push(reply);
            }
            open &= !end;
        }
        if cause != Cause::Handshake {
            events.push(Seen::Closed(Box::new(Closed { code: 1006.into(), reason: String::new(), cause })));
        }
        assert_eq!(seen, events);
        let mut said = reference::output(output, role, announced);
        if announced {
            let message = |said: &Said| matches!(said, Said::Message(..));
            said.retain(message);
            sent.retain(message);
            return assert!(sent.starts_with(&said));
        }
        if !pongs {
            for list in [&mut said, &mut sent] {
                list.retain(|said| !matches!(said, Said::Pong(_)));
            }
        }
        assert_eq!(said, sent);
    }
}
