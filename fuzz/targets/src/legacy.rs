//! The drafts before RFC 6455: their opening handshakes from both sides, and their frames behind these.

use crate::{
    drive::{Outcome, Pace, Seen, client_request, config, drain, drive, weigh},
    frames::{Behind, kept},
    handshake::{Answer, expand, last_head, responder},
    http::{self, Head},
    reference::{Limits, Said},
};
use md5::{Digest, Md5};
use std::sync::Arc;
use timtow_core::{
    Cause, ClientRequest, Closed, Config, Connection, Draft, Drafts, Event, Kind, Response, Role, State, Violation,
};

/// hixie-75.
pub fn hixie_75(data: &[u8]) {
    legacy(Draft::Hixie75, data);
}

/// hixie-76, which is hybi-00, too.
pub fn hixie_76(data: &[u8]) {
    legacy(Draft::Hixie76, data);
}

/// hybi-07.
pub fn hybi_07(data: &[u8]) {
    legacy(Draft::Hybi07, data);
}

/// hybi-08 and hybi-10.
pub fn hybi_08(data: &[u8]) {
    legacy(Draft::Hybi08, data);
}

const SMALL: usize = 40;

/// Two bytes of options: which side; whether the bytes begin with an opening handshake or behind a valid one; which other
/// drafts are on; how small the limits are.
fn legacy(draft: Draft, data: &[u8]) {
    let [options, seed, bytes @ ..] = data else { return };
    let role = if options & 1 == 0 { Role::Server } else { Role::Client };
    let drafts = if options & 2 == 0 { Drafts::from_iter([draft]) } else { Drafts::from_iter(Draft::ALL) };
    let (max_message, max_frame) =
        [(1 << 20, 1 << 20), (SMALL, SMALL), (SMALL, 2 * SMALL), (2 * SMALL, SMALL)][usize::from(options >> 2 & 3)];
    let config = || Config { drafts, max_message, max_frame, ..config() };
    let request = ClientRequest { subprotocols: vec!["chat".into()], draft: Some(draft), ..client_request() };
    let make = |config| match role {
        Role::Server => Connection::server(config),
        Role::Client => Connection::client(request.clone(), config).expect("a valid request"),
    };
    let mut input = Vec::new();
    if options & 0x10 == 0 {
        input = valid(role, &request, &config);
    }
    input.extend(expand(bytes, 18 << 10));
    let run = |pace| drive(make(Arc::new(config())), &input, pace, &mut responder(Answer::AtOnce));
    let whole = run(Pace::Whole);
    let judge = |outcome: &Outcome, pongs| {
        let case = Case { role, drafts, wanted: draft, limits: (max_frame, max_message), pongs };
        case.judge(outcome, &input);
    };
    judge(&whole, true);
    for pace in Pace::others(*seed, &input) {
        let slow = matches!(pace, Pace::Slow(_));
        let outcome = run(pace);
        assert_eq!(outcome.seen, whole.seen, "cut otherwise");
        judge(&outcome, !slow);
    }
    let make = |config| {
        let mut ws = make(config);
        drain(&mut ws, &mut Pace::Whole, &mut Vec::new());
        ws
    };
    let case = Case { role, drafts, wanted: draft, limits: (max_frame, max_message), pongs: true };
    let (spoken, behind) = case.handshake(&input);
    weigh(config(), make, &input, Pace::Pieces((*seed).into()), &mut responder(Answer::AtOnce), |ws, came| {
        let rest = came.saturating_sub(behind);
        match ws.state() {
            // A client keeps the body of an error.
            State::Connecting if role == Role::Client => (17 << 10) + rest.min(64 << 10) * 9 / 8,
            State::Connecting => 17 << 10,
            _ => case.kept(spoken, &input[came - rest..came]),
        }
    });
}

/// What the other side says until the connection is open.
fn valid(role: Role, request: &ClientRequest, config: &dyn Fn() -> Config) -> Vec<u8> {
    let mut client = Connection::client(request.clone(), Arc::new(config())).expect("a valid request");
    let mut asked = Vec::new();
    drain(&mut client, &mut Pace::Whole, &mut asked);
    if role == Role::Server {
        return asked;
    }
    let mut server = Connection::server(Arc::new(Config { subprotocols: vec!["chat".into()], ..config() }));
    let mut answered = Vec::new();
    let event = server.receive(&mut &mut asked[..]);
    assert!(matches!(event, Some(Event::Request(_))), "{event:?}");
    server.accept(Response::default()).expect("a request waits");
    drain(&mut server, &mut Pace::Whole, &mut answered);
    answered
}

struct Case {
    role: Role,
    drafts: Drafts,
    wanted: Draft,
    limits: (usize, usize),
    pongs: bool,
}

impl Case {
    /// What is spoken behind the opening handshake, if it is one, and where that ends.
    fn handshake(&self, input: &[u8]) -> (Option<Draft>, usize) {
        match self.role {
            Role::Server => {
                let head = http::head(input);
                let draft = head.as_ref().and_then(recognise);
                let body = if draft == Some(Draft::Hixie76) { 8 } else { 0 };
                (draft, head.map_or(input.len(), |head| head.size) + body)
            }
            Role::Client => {
                let body = if self.wanted == Draft::Hixie76 { 16 } else { 0 };
                (Some(self.wanted), last_head(input) + body)
            }
        }
    }

    /// What may be kept of what came behind it.
    fn kept(&self, spoken: Option<Draft>, came: &[u8]) -> usize {
        let (frame, message) = self.limits;
        match spoken {
            Some(draft) if draft.is_hixie() => read(draft, came, frame, message).rest * 5 / 4 + 4096,
            _ => kept(came, self.role, Limits { frame, message, fragments: usize::MAX }),
        }
    }

    fn judge(&self, outcome: &Outcome, input: &[u8]) {
        match &outcome.seen[..] {
            [Seen::Request(..), Seen::Open(_), seen @ ..] => {
                let head = http::head(input).expect("a request has a head");
                let draft = recognise(&head).expect("one of the drafts");
                assert!(self.drafts.contains(draft), "{draft} is off");
                let reply = http::head(&outcome.output).expect("a whole head");
                let (mut from, mut to) = (head.size, reply.size);
                assert_eq!(reply.start[1], b"101");
                if draft == Draft::Hixie76 {
                    let body = input[from..from + 8].try_into().expect("eight bytes");
                    assert_eq!(outcome.output[to..to + 16], challenge(&head, body).expect("numbers"));
                    (from, to) = (from + 8, to + 16);
                }
                if draft.is_hixie() {
                    assert_eq!(reply.start[2], if draft == Draft::Hixie75 { &b"Web"[..] } else { b"WebSocket" });
                }
                self.judge_frames(draft, seen, &outcome.output[to..], &input[from..]);
            }
            [Seen::Open(_), seen @ ..] => {
                let (asked, reply) = (http::head(&outcome.output), http::head(input));
                let (asked, reply) = (asked.expect("a whole head"), last(reply.expect("a whole head"), input));
                let (mut from, mut to) = (reply.size, asked.size);
                if self.wanted == Draft::Hixie76 {
                    let body = outcome.output[to..to + 8].try_into().expect("eight bytes");
                    assert_eq!(input[from..from + 16], challenge(&asked, body).expect("numbers"));
                    (from, to) = (from + 16, to + 8);
                }
                self.judge_frames(self.wanted, seen, &outcome.output[to..], &input[from..]);
            }
            [Seen::Closed(closed)] => match &closed.cause {
                Cause::Refused(refusal) => http::refusal(&outcome.output, refusal.status),
                Cause::Lost | Cause::Failed(_) => {}
                cause => panic!("{cause:?}"),
            },
            seen => panic!("{seen:?}"),
        }
    }

    fn judge_frames(&self, draft: Draft, seen: &[Seen], output: &[u8], input: &[u8]) {
        let (max_frame, max_message) = self.limits;
        if !draft.is_hixie() {
            let behind = Behind { role: self.role, pongs: self.pongs, closing: false, announced: false };
            return behind.judge_within(seen, output, input, max_frame, max_message);
        }
        let Read { texts, end, .. } = read(draft, input, max_frame, max_message);
        let mut events: Vec<Seen> = Vec::new();
        let mut sent = Vec::new();
        for text in texts {
            sent.extend([&[0], text.as_bytes(), &[0xff]].concat());
            events.push(Seen::Said(Said::Message(Kind::Text, text.into_bytes())));
        }
        if draft == Draft::Hixie76 && !matches!(end, End::Lost | End::Between) {
            sent.extend([0xff, 0x00]);
        }
        let (code, cause) = match end {
            End::Close => (1005, Cause::Handshake),
            End::Between if draft == Draft::Hixie75 => (1006, Cause::Handshake),
            End::Between | End::Lost => (1006, Cause::Lost),
            End::Broken(violation) => (1006, Cause::Violation(violation)),
        };
        events.push(Seen::Closed(Box::new(Closed { code: code.into(), reason: String::new(), cause })));
        assert_eq!(seen, events);
        assert_eq!(output, sent);
    }
}

/// The head that counts: others with 1xx are skipped.
fn last(mut head: Head, input: &[u8]) -> Head {
    while head.start[1] != b"101" {
        let at = head.size;
        head = http::head(&input[at..]).expect("another head");
        head.size += at;
    }
    head
}

/// What a request asks for, if it asks for one thing.
fn recognise(head: &Head) -> Option<Draft> {
    let keys = !head.all("sec-websocket-key1").is_empty() || !head.all("sec-websocket-key2").is_empty();
    match (head.all("sec-websocket-version")[..].first(), keys) {
        (Some(_), _) => match head.only("sec-websocket-version")? {
            b"13" => Some(Draft::Rfc6455),
            b"8" => Some(Draft::Hybi08),
            b"7" => Some(Draft::Hybi07),
            _ => None,
        },
        (None, true) => Some(Draft::Hixie76),
        (None, false) => head.all("sec-websocket-key").is_empty().then_some(Draft::Hixie75),
    }
}

/// hixie-76 5.2.
fn challenge(head: &Head, body: [u8; 8]) -> Option<[u8; 16]> {
    let mut hashed = Vec::new();
    for name in ["sec-websocket-key1", "sec-websocket-key2"] {
        let key = head.only(name)?;
        let digits: String = key.iter().filter(|byte| byte.is_ascii_digit()).map(|byte| char::from(*byte)).collect();
        let (number, spaces) = (digits.parse::<u32>().ok()?, key.iter().filter(|byte| **byte == b' ').count() as u32);
        let remainder = number.checked_rem(spaces)?;
        assert_eq!(remainder, 0, "a number that is not divisible is refused");
        hashed.extend((number / spaces).to_be_bytes());
    }
    hashed.extend(body);
    Some(Md5::digest(hashed).into())
}

enum End {
    /// `ff 00`.
    Close,
    /// The input ends between two frames.
    Between,
    /// It ends inside one.
    Lost,
    Broken(Violation),
}

/// What the frames of the hixie drafts say.
struct Read {
    texts: Vec<String>,
    end: End,
    /// Bytes of the frame that is not complete.
    rest: usize,
}

/// The frames of the hixie drafts, slowly.
fn read(draft: Draft, mut bytes: &[u8], max_frame: usize, max_message: usize) -> Read {
    let mut texts = Vec::new();
    let (end, rest) = loop {
        let incomplete = bytes.len();
        let Some((&first, rest)) = bytes.split_first() else { break (End::Between, 0) };
        if first < 0x80 {
            let most = if first == 0 { max_frame.min(max_message) } else { max_frame };
            let over = if most < max_frame { Violation::MessageTooBig } else { Violation::FrameTooBig };
            match rest.iter().position(|byte| *byte == 0xff) {
                Some(end) if end <= most => {
                    let text = String::from_utf8_lossy(&rest[..end]).into_owned();
                    bytes = &rest[end + 1..];
                    if first == 0 && text.len() > max_message {
                        break (End::Broken(Violation::MessageTooBig), 0);
                    }
                    texts.extend((first == 0).then_some(text));
                }
                None if rest.len() <= most => break (End::Lost, incomplete),
                _ => break (End::Broken(over), 0),
            }
            continue;
        }
        let mut length = 0usize;
        let mut at = 0;
        // More than nine bytes of a length are over any limit.
        let ended = loop {
            let Some(byte) = rest.get(at) else { break false };
            length = length * 128 + usize::from(byte & 0x7f);
            at += 1;
            if length > max_frame || at > 9 || byte & 0x80 == 0 {
                break true;
            }
        };
        if length > max_frame || at > 9 {
            break (End::Broken(Violation::FrameTooBig), 0);
        }
        if ended && first == 0xff && length == 0 && draft == Draft::Hixie76 {
            break (End::Close, 0);
        }
        // What is skipped is not kept.
        if !ended || rest.len() - at < length {
            break (End::Lost, 0);
        }
        bytes = &rest[at + length..];
    };
    Read { texts, end, rest }
}
