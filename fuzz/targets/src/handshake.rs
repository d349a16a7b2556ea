//! Opening handshakes, of servers and of clients.

use crate::{
    drive::{Outcome, Pace, Seen, client_request, config, drain, drive, weigh},
    frames::{Behind, echo, kept},
    http::{self, Head},
    reference::Limits,
};
use std::{cell::Cell, sync::Arc};
use timtow_core::{
    Cause, Closed, Config, Connection, Deflate, Event, HandshakeFailure, Rejection, Response, Role, State,
};

/// Long runs from few bytes: `ff`, a count, and a byte stand for 32 times as many of this byte, until there are `most`.
pub(crate) fn expand(bytes: &[u8], most: usize) -> Vec<u8> {
    let (mut expanded, mut rest) = (Vec::new(), bytes);
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        match (byte, behind) {
            (0xff, [count, byte, behind @ ..]) if expanded.len() < most => {
                expanded.extend(vec![*byte; 32 * usize::from(*count)]);
                rest = behind;
            }
            _ => expanded.push(byte),
        }
    }
    expanded
}

fn server_config(options: u8) -> Config {
    let subprotocols = if options & 4 != 0 { vec!["chat".into(), "superchat".into()] } else { vec![] };
    Config { subprotocols, deflate: (options & 8 != 0).then(Deflate::default), ..config() }
}

/// How the application answers a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Answer {
    AtOnce,
    /// When nothing comes any more.
    Late,
    Reject,
}

pub(crate) fn responder(answer: Answer) -> impl FnMut(&mut Connection, Option<Event<'_>>) {
    let mut waits = false;
    move |ws, event| match event {
        Some(Event::Request(_)) if answer == Answer::AtOnce => ws.accept(Response::default()).expect("a request waits"),
        Some(Event::Request(_)) if answer == Answer::Reject => {
            ws.reject(&Rejection { body: b"no".to_vec(), ..Rejection::new(404) }).expect("a request waits");
        }
        Some(Event::Request(_)) => waits = true,
        None if waits => {
            waits = false;
            ws.accept(Response::default()).expect("a request waits");
        }
        event => echo(ws, event),
    }
}

/// Runs `bytes` whole, and cut: what happens must be the same. Of the pings of a peer that does not read, not all are answered,
/// which `judge` is told.
fn run_cut(seed: u8, bytes: &[u8], run: impl Fn(Pace) -> Outcome, judge: impl Fn(&Outcome, bool)) {
    let whole = run(Pace::Whole);
    judge(&whole, true);
    for pace in Pace::others(seed, bytes) {
        let slow = matches!(pace, Pace::Slow(_));
        let outcome = run(pace);
        assert_eq!(outcome.seen, whole.seen, "cut otherwise");
        if slow {
            judge(&outcome, false);
        } else {
            assert_eq!(outcome.output, whole.output, "cut otherwise");
        }
    }
}

/// A request, and what comes behind it. Two bytes of options.
pub fn handshake_server(data: &[u8]) {
    let [options, seed, bytes @ ..] = data else { return };
    let bytes = &expand(bytes, 18 << 10)[..];
    let answer = [Answer::AtOnce, Answer::Late, Answer::Reject, Answer::AtOnce][usize::from(options & 3)];
    let config = || server_config(*options);
    let run = |pace| drive(Connection::server(Arc::new(config())), bytes, pace, &mut responder(answer));
    run_cut(*seed, bytes, run, |outcome, pongs| judge_server(outcome, bytes, answer, pongs));
    let (head, compressed) = (http::head(bytes).map_or(bytes.len(), |head| head.size), Cell::new(false));
    let mut respond = noting(&compressed, responder(answer));
    weigh(config(), Connection::server, bytes, Pace::Pieces((*seed).into()), &mut respond, |ws, came| {
        match ws.state() {
            State::Connecting => 17 << 10,
            // What the answer depends on, and what is set aside behind the head, whose buffer doubles.
            State::Requested => head + 1024 + 2 * came.saturating_sub(head),
            _ => behind_handshake(&bytes[head.min(came)..came], Role::Server, compressed.get()),
        }
    });
}

/// Notes whether compression was agreed on.
fn noting<'n>(
    compressed: &'n Cell<bool>,
    mut respond: impl FnMut(&mut Connection, Option<Event<'_>>) + 'n,
) -> impl FnMut(&mut Connection, Option<Event<'_>>) + 'n {
    move |ws, event| {
        if let Some(Event::Open(opened)) = &event {
            compressed.set(opened.deflate.is_some());
        }
        respond(ws, event);
    }
}

/// What may be kept of what came behind the opening handshake. Where it may be compressed nobody here reads it: a message, zlib's
/// state in both directions, and the windows.
fn behind_handshake(came: &[u8], role: Role, compressed: bool) -> usize {
    if compressed { (1 << 20) * 5 / 4 + (448 << 10) } else { kept(came, role, DEFAULT) }
}

/// The limits that no configuration changes.
const DEFAULT: Limits = Limits { frame: 1 << 20, message: 1 << 20, fragments: usize::MAX };

/// What every request that is passed on to the application must be (RFC 6455 4.2.1).
fn is_upgrade(head: &Head) -> bool {
    let [method, target, version] = &head.start[..] else { return false };
    method == b"GET"
        && target.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'#')
        && matches!(version[..], [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'1'..=b'9'])
        && head.only("host").is_some()
        && head.lists("upgrade", "websocket")
        && head.lists("connection", "upgrade")
        && head.only("sec-websocket-version") == Some(b"13")
        && head.only("sec-websocket-key").and_then(http::accept).is_some()
        && head.all("transfer-encoding").is_empty()
        && (head.all("content-length").is_empty()
            || head.only("content-length").is_some_and(|n| !n.is_empty() && n.iter().all(|digit| *digit == b'0')))
        && (head.all("sec-websocket-extensions").is_empty()
            || http::extensions(&head.all("sec-websocket-extensions")).is_some())
        && (head.all("sec-websocket-protocol").is_empty() || are_subprotocols(&head.all("sec-websocket-protocol")))
}

fn are_subprotocols(fields: &[&[u8]]) -> bool {
    let names = fields.iter().flat_map(|field| field.split(|byte| *byte == b',')).map(http::trim);
    let names: Vec<&[u8]> = names.filter(|name| !name.is_empty()).collect();
    !names.is_empty()
        && names.iter().all(|name| http::is_token(name))
        && (0..names.len()).all(|n| !names[..n].contains(&names[n]))
}

fn judge_server(outcome: &Outcome, bytes: &[u8], answer: Answer, pongs: bool) {
    let head = http::head(bytes);
    let [Seen::Request(..), seen @ ..] = &outcome.seen[..] else {
        // A host that is plainly one, and a target that is a path: nothing else is left to be refused.
        let plain = |head: &Head| {
            is_upgrade(head) && head.only("host") == Some(b"example.com") && head.start[1].starts_with(b"/")
        };
        assert!(!head.as_ref().is_some_and(plain), "refused: {head:?}, {:?}", outcome.seen);
        return match outcome.closed() {
            Some(Closed { cause: Cause::Refused(refusal), .. }) => {
                http::refusal(&outcome.output, refusal.status);
                let version =
                    http::head(&outcome.output).and_then(|head| head.only("sec-websocket-version").map(<[u8]>::to_vec));
                assert_eq!(version.is_some_and(|version| version == b"13"), refusal.status == 426);
            }
            Some(Closed { cause: Cause::Lost, .. }) => assert!(outcome.output.is_empty()),
            closed => panic!("{closed:?}"),
        };
    };
    let head = head.expect("a request has a head");
    assert!(is_upgrade(&head), "accepted: {head:?}");
    if answer == Answer::Reject {
        assert_eq!(outcome.seen.len(), 2, "nothing behind a request that was rejected is read");
        return http::refusal(&outcome.output, 404);
    }
    let [Seen::Open(subprotocol), seen @ ..] = seen else { panic!("not open: {seen:?}") };
    let reply = http::head(&outcome.output).expect("a whole head");
    assert_eq!(reply.start[1], b"101");
    assert!(reply.lists("upgrade", "websocket") && reply.lists("connection", "upgrade"));
    let accept = head.only("sec-websocket-key").and_then(http::accept);
    assert_eq!(reply.only("sec-websocket-accept"), accept.as_deref().map(str::as_bytes));
    assert_eq!(reply.only("sec-websocket-protocol"), subprotocol.as_deref().map(str::as_bytes));
    if let Some(name) = subprotocol {
        let offered = head.all("sec-websocket-protocol").join(&b","[..]);
        assert!(offered.split(|byte| *byte == b',').any(|offer| http::trim(offer) == name.as_bytes()));
    }
    let agreed = reply.all("sec-websocket-extensions");
    if !agreed.is_empty() {
        let offers = http::extensions(&head.all("sec-websocket-extensions")).expect("offers");
        assert!(offers.iter().any(|(name, _)| name == "permessage-deflate"));
        // What compressed frames mean is for other targets.
        return assert!(is_agreement(&agreed));
    }
    Behind { role: Role::Server, pongs, closing: false, announced: false }.judge(
        seen,
        &outcome.output[reply.size..],
        &bytes[head.size..],
    );
}

/// A response, and what comes behind it. Two bytes of options.
pub fn handshake_client(data: &[u8]) {
    let [options, seed, bytes @ ..] = data else { return };
    let mut request = client_request();
    if options & 1 != 0 {
        request.subprotocols.clear();
    }
    let offered = request.subprotocols.clone();
    let bytes = &expand(bytes, 70 << 10)[..];
    let config = || server_config(options & 8);
    let make = |config| Connection::client(request.clone(), config).expect("a valid request");
    let run = |pace| drive(make(Arc::new(config())), bytes, pace, &mut echo);
    run_cut(*seed, bytes, run, |outcome, pongs| judge_client(outcome, bytes, &offered, pongs));
    let make = |config| {
        let mut ws = make(config);
        drain(&mut ws, &mut Pace::Whole, &mut Vec::new());
        ws
    };
    let (head, compressed) = (last_head(bytes), Cell::new(false));
    let mut respond = noting(&compressed, echo);
    weigh(config(), make, bytes, Pace::Pieces((*seed).into()), &mut respond, |ws, came| {
        let behind = came.saturating_sub(head);
        match ws.state() {
            // Behind the head there is up to 64 KiB of a body.
            State::Connecting => (17 << 10) + behind.min(64 << 10) * 9 / 8,
            _ => behind_handshake(&bytes[came - behind..came], Role::Client, compressed.get()),
        }
    });
}

/// Where the head ends that other responses with 1xx only precede; 0 where that is not known.
pub(crate) fn last_head(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(head) = http::head(&bytes[at..]) {
        at += head.size;
        if !is_informational(&head) {
            return at;
        }
    }
    0
}

fn judge_client(outcome: &Outcome, bytes: &[u8], offered: &[String], pongs: bool) {
    let request = http::head(&outcome.output).expect("a whole request");
    assert!(is_upgrade(&request));
    let accept = request.only("sec-websocket-key").and_then(http::accept).expect("a key");
    let (mut at, mut head) = (0, http::head(bytes));
    // Other responses with 1xx are skipped.
    while let Some(informational) = head.take_if(|head| is_informational(head)) {
        at += informational.size;
        head = http::head(&bytes[at..]);
    }
    // With the defaults a client offers compression with any parameters.
    let offers = !request.all("sec-websocket-extensions").is_empty();
    let is_switch = |head: &Head| {
        let [version, status, ..] = &head.start[..] else { return false };
        matches!(version[..], [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'1'..=b'9'])
            && status == b"101"
            && head.list("upgrade") == [b"websocket"]
            && head.lists("connection", "upgrade")
            && head.only("sec-websocket-accept") == Some(accept.as_bytes())
            && (head.all("sec-websocket-extensions").is_empty()
                || (offers && is_agreement(&head.all("sec-websocket-extensions"))))
            && head.all("transfer-encoding").is_empty()
            && (head.all("sec-websocket-protocol").is_empty()
                || head
                    .only("sec-websocket-protocol")
                    .is_some_and(|it| offered.iter().any(|name| name.as_bytes() == it)))
    };
    match &outcome.seen[..] {
        [Seen::Open(subprotocol), seen @ ..] => {
            let head = head.filter(is_switch).expect("opened by a valid answer");
            if !head.all("sec-websocket-extensions").is_empty() {
                return;
            }
            assert_eq!(head.only("sec-websocket-protocol"), subprotocol.as_deref().map(str::as_bytes));
            let output = &outcome.output[request.size..];
            Behind { role: Role::Client, pongs, closing: false, announced: false }.judge(
                seen,
                output,
                &bytes[at + head.size..],
            );
        }
        [Seen::Closed(closed)] => {
            let Cause::Failed(error) = &closed.cause else { panic!("{closed:?}") };
            let skipped = error.kind == HandshakeFailure::TooManyInformational;
            assert!(skipped || !head.as_ref().is_some_and(is_switch), "failed: {head:?}, {error:?}");
            assert!(error.body.len() <= 64 << 10);
            assert_eq!(outcome.output.len(), request.size, "nothing is sent to a server that fails");
        }
        seen => panic!("{seen:?}"),
    }
}

/// Compression, and what may be said of it, once (RFC 7692 7.1).
fn is_agreement(fields: &[&[u8]]) -> bool {
    let Some([(name, parameters)]) = http::extensions(fields).and_then(|listed| <[_; 1]>::try_from(listed).ok()) else {
        return false;
    };
    let bits = |value: &str| matches!(value, "8" | "9" | "10" | "11" | "12" | "13" | "14" | "15");
    name == "permessage-deflate"
        && parameters.iter().enumerate().all(|(n, (name, value))| {
            !parameters[..n].iter().any(|(other, _)| other == name)
                && match (name.as_str(), value) {
                    ("server_no_context_takeover" | "client_no_context_takeover", None) => true,
                    ("server_max_window_bits" | "client_max_window_bits", Some(value)) => bits(value),
                    _ => false,
                }
        })
}

fn is_informational(head: &Head) -> bool {
    let [version, status, ..] = &head.start[..] else { return false };
    version.strip_prefix(b"HTTP/1.").is_some_and(|minor| minor.len() == 1 && minor[0].is_ascii_digit())
        && matches!(status[..], [b'1', b'0'..=b'9', b'0'..=b'9'])
        && status != b"101"
}

/// The value of `Sec-WebSocket-Extensions`, in a request and in a response; each line feed begins another field.
pub fn extension_header(data: &[u8]) {
    let Some((seed, value)) = data.split_first() else { return };
    let value = expand(value, 6 << 10);
    let printable = |byte: &u8| if byte.is_ascii_control() && *byte != b'\t' { b' ' } else { *byte };
    let fields: Vec<Vec<u8>> =
        value.split(|byte| *byte == b'\n').map(|field| field.iter().map(printable).collect()).collect();
    let mut lines = Vec::new();
    for field in &fields {
        lines.extend([b"Sec-WebSocket-Extensions: ", &field[..], b"\r\n"].concat());
    }
    let request = [
        b"GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n",
        &b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"[..],
        &lines[..],
        b"\r\n",
    ];
    handshake_server(&[&[seed & 8, *seed][..], &escaped(&request.concat())].concat());
    // The key is that of the masks, which are the same in every run.
    let mut ws = Connection::client(client_request(), Arc::new(config())).expect("a valid request");
    let mut output = Vec::new();
    drain(&mut ws, &mut Pace::Whole, &mut output);
    let key =
        http::head(&output).and_then(|head| head.only("sec-websocket-key").and_then(http::accept)).expect("a key");
    let response = [
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ",
        key.as_bytes(),
        b"\r\n",
        &lines[..],
        b"\r\n",
    ];
    handshake_client(&[&[seed & 8, *seed][..], &escaped(&response.concat())].concat());
}

/// So that `expand` gives it back.
fn escaped(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|byte| if *byte == 0xff { 0xfe } else { *byte }).collect()
}
