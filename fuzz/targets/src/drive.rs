//! Drives a connection with bytes in pieces, and asserts what a driver may rely on.

use crate::{alloc, reference::Said};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use timtow_core::{ClientRequest, Closed, Config, Connection, Event, Kind, MaskSource, Message, Origins, State};

/// A configuration whose masks are the same in every run: the first four make the key of the RFC's example (1.3).
pub fn config() -> Config {
    let counter = AtomicU32::new(0);
    let masks = move || {
        let n = counter.fetch_add(1, Ordering::Relaxed);
        let key = b"the sample nonce".as_chunks::<4>().0;
        key.get(n as usize).copied().unwrap_or(n.wrapping_mul(0x9e37_79b9).to_be_bytes())
    };
    Config { origins: Origins::Any, ..Config::with_masks(MaskSource::Source(Arc::new(masks))) }
}

/// What a client asks for.
pub fn client_request() -> ClientRequest {
    ClientRequest {
        host: "example.com".into(),
        target: "/chat".into(),
        subprotocols: vec!["chat".into(), "superchat".into()],
        ..ClientRequest::default()
    }
}

/// How the input is cut and the output is taken: numbers that follow from a seed.
#[derive(Clone, Debug)]
pub enum Pace {
    /// All at once.
    Whole,
    /// A byte at a time, and all output.
    Bytes,
    /// Pieces of any length, and all output.
    Pieces(u64),
    /// Pieces of any length, and as much output.
    Slow(u64),
}

impl Pace {
    /// The ways in which what comes of `bytes` must be the same as when they come at once. Byte by byte only what is short.
    pub fn others(seed: u8, bytes: &[u8]) -> impl Iterator<Item = Pace> {
        let seed = u64::from(seed);
        let bytes = (bytes.len() < 2000).then_some(Pace::Bytes);
        bytes.into_iter().chain([Pace::Pieces(seed), Pace::Slow(seed)])
    }

    fn random(seed: &mut u64, below: usize) -> usize {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // Short ones are as likely as long ones.
        let most = (*seed >> 59).min(15) as u32;
        ((*seed >> 33) as usize % (1 << most)).min(below)
    }

    /// How much of `len` bytes is fed.
    pub fn feed(&mut self, len: usize) -> usize {
        match self {
            Pace::Whole => len,
            Pace::Bytes => len.min(1),
            Pace::Pieces(seed) | Pace::Slow(seed) => (1 + Pace::random(seed, len)).min(len),
        }
    }

    /// How much of `len` bytes is taken.
    pub fn drain(&mut self, len: usize) -> usize {
        match self {
            Pace::Slow(seed) => Pace::random(seed, len),
            _ => len,
        }
    }
}

/// What is told of an event, without a byte of the connection's.
#[derive(Clone, PartialEq, Debug)]
pub enum Seen {
    /// A message, whole or as the sum of its pieces, or a control frame.
    Said(Said),
    /// The target and the fields of a request.
    Request(String, Vec<(String, Vec<u8>)>),
    /// The subprotocol.
    Open(Option<String>),
    /// The end.
    Closed(Box<Closed>),
}

/// What came of an input.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Outcome {
    /// The events.
    pub seen: Vec<Seen>,
    /// All that was sent.
    pub output: Vec<u8>,
}

impl Outcome {
    /// How it ended.
    pub fn closed(&self) -> Option<&Closed> {
        match self.seen.last() {
            Some(Seen::Closed(closed)) => Some(closed),
            _ => None,
        }
    }
}

/// The events of a connection as they come. Asserts that text is UTF-8, and that nothing follows the end.
#[derive(Default, Debug)]
pub struct Watch {
    /// All of them, each message as a whole.
    pub seen: Vec<Seen>,
    /// The pieces of a message.
    pieces: Vec<u8>,
    /// The end was told.
    pub over: bool,
}

impl Watch {
    /// Notes an event.
    ///
    /// # Panics
    /// If it may not be.
    pub fn event(&mut self, event: &Event<'_>) {
        assert!(!self.over, "an event behind the end: {event:?}");
        let seen = match event {
            Event::Message(Message::Text(text)) => {
                assert!(std::str::from_utf8(text.as_bytes()).is_ok(), "text is UTF-8");
                Seen::Said(Said::Message(Kind::Text, text.as_bytes().to_vec()))
            }
            Event::Message(Message::Binary(bytes)) => Seen::Said(Said::Message(Kind::Binary, bytes.to_vec())),
            Event::Fragment(fragment) => {
                self.pieces.extend_from_slice(&fragment.payload);
                if !fragment.fin {
                    return;
                }
                let whole = std::mem::take(&mut self.pieces);
                assert!(fragment.kind == Kind::Binary || std::str::from_utf8(&whole).is_ok(), "text is UTF-8");
                Seen::Said(Said::Message(fragment.kind, whole))
            }
            Event::Ping(payload) => Seen::Said(Said::Ping(payload.to_vec())),
            Event::Pong(payload) => Seen::Said(Said::Pong(payload.to_vec())),
            Event::Request(request) => Seen::Request(
                request.target.clone(),
                request.headers.iter().map(|(name, value)| (name.into(), value.to_vec())).collect(),
            ),
            Event::Open(opened) => Seen::Open(opened.subprotocol.clone()),
            Event::Closed(closed) => {
                self.over = true;
                Seen::Closed(Box::new(closed.clone()))
            }
        };
        self.seen.push(seen);
    }
}

/// What an application does about an event; and, without one, when nothing moves, about a request that waits.
pub type Respond<'a> = &'a mut dyn FnMut(&mut Connection, Option<Event<'_>>);

/// Feeds all of `bytes`, then the end of the input, then time, until the connection is closed.
///
/// # Panics
/// If the connection does not hold what a driver may rely on.
pub fn drive(mut ws: Connection, bytes: &[u8], mut pace: Pace, respond: Respond<'_>) -> Outcome {
    let (mut watch, mut output, mut rest) = (Watch::default(), Vec::new(), bytes);
    let (mut calls, mut turns, mut ended) = (0usize, 0usize, false);
    let (asked, mut writes) = (alloc::total(), 0);
    ws.handle_timeout(Duration::from_secs(1));
    while !ws.is_closed() {
        turns += 1;
        let n = if ws.wants_read() { pace.feed(rest.len()) } else { 0 };
        let (piece, behind) = rest.split_at(n);
        rest = behind;
        if rest.is_empty() && n == 0 && !ended {
            ended = true;
            ws.receive_eof();
        }
        let mut piece = alloc::uncounted(|| piece.to_vec());
        let mut input = &mut piece[..];
        while let Some(event) = ws.receive(&mut input) {
            calls += 1;
            alloc::uncounted(|| watch.event(&event));
            respond(&mut ws, Some(event));
        }
        calls += 1;
        assert!(input.is_empty(), "receive consumes everything");
        let sent = drain(&mut ws, &mut pace, &mut output);
        writes += usize::from(sent > 0);
        if n == 0 && sent == 0 && !ws.wants_receive() {
            if ended && watch.over && ws.buffered() == 0 {
                break;
            }
            respond(&mut ws, None);
        }
        assert!(turns <= 4 * (bytes.len() + output.len()) + 100, "no progress: {}", brief(&ws));
    }
    // Each event needs a byte at least; the others are a few for each piece.
    assert!(calls <= bytes.len() + 2 * turns + 10, "{calls} calls for {} bytes in {turns} turns", bytes.len());
    finish(&mut ws, &mut watch, &mut output);
    let asked = alloc::total() - asked;
    let most = work(bytes.len() + output.len(), writes) + if ws.config().deflate.is_some() { ZLIB_WORK } else { 0 };
    assert!(asked <= most, "{asked} bytes asked for, and not {most}: {}", brief(&ws));
    Outcome { seen: watch.seen, output }
}

/// What a connection may ask the allocator for in all its life, what is copied to grow included: linear in the bytes that went in
/// and came out. An outbox grows by eighths, so that a byte is copied nine times, and messages are assembled, and owned. Each of
/// the `writes` may find no outbox; what is only announced is believed up to 16 KiB.
pub fn work(bytes: usize, writes: usize) -> isize {
    (12 * bytes + (1 << 10) * writes + (17 << 10)) as isize
}

/// What compresses is made once, and what inflates once more when the window grows.
pub const ZLIB_WORK: isize = 512 << 10;

/// The end of the transport, and of all deadlines: asserts that it is told, once, and that nothing is behind it.
///
/// # Panics
/// If it is not.
pub fn finish(ws: &mut Connection, watch: &mut Watch, output: &mut Vec<u8>) {
    drain(ws, &mut Pace::Whole, output);
    for round in 0..10 {
        let Some(deadline) = ws.poll_timeout() else { break };
        assert!(round < 9, "it never ends: {}", brief(ws));
        ws.handle_timeout(deadline.max(Duration::from_secs(1000)));
        while let Some(event) = ws.receive(&mut &mut [][..]) {
            alloc::uncounted(|| watch.event(&event));
        }
        drain(ws, &mut Pace::Whole, output);
    }
    assert!(watch.over, "no terminal event: {}", brief(ws));
    assert!(ws.is_closed() && ws.state() == State::Closed && !ws.wants_read() && !ws.wants_receive(), "{}", brief(ws));
    assert!(ws.receive(&mut &mut [0x81, 0x00, 0x89, 0x80, 0, 0, 0, 0][..]).is_none(), "nothing behind the end");
    assert_eq!(ws.buffered(), 0);
}

/// What a connection is about, in a line.
pub fn brief(ws: &Connection) -> String {
    let (role, state, buffered, ending) = (ws.role(), ws.state(), ws.buffered(), ws.ending());
    let wants = (ws.wants_read(), ws.wants_receive(), ws.poll_timeout());
    format!("{role:?}, {state:?}, {buffered} bytes wait, {ending:?}, wants {wants:?}")
}

/// Takes output; how much.
pub fn drain(ws: &mut Connection, pace: &mut Pace, output: &mut Vec<u8>) -> usize {
    let budget = pace.drain(ws.buffered());
    let mut left = budget;
    while left > 0 {
        let chunk = ws.outbox().chunk();
        let n = chunk.len().min(left);
        assert!(n > 0, "what waits can be taken");
        alloc::uncounted(|| output.extend_from_slice(&chunk[..n]));
        ws.outbox().advance(n);
        left -= n;
    }
    // A driver has looked, whatever the socket took.
    let _ = ws.outbox();
    budget
}

/// Feeds `bytes` and takes all output, and asserts after each piece that the connection keeps no more than `ceiling` says
/// for the bytes that came so far.
///
/// # Panics
/// If it does.
pub fn weigh(
    config: Config,
    make: impl FnOnce(Arc<Config>) -> Connection,
    bytes: &[u8],
    mut pace: Pace,
    respond: Respond<'_>,
    ceiling: impl Fn(&Connection, usize) -> usize,
) {
    let (mut buffer, config) = (bytes.to_vec(), Arc::new(config));
    let (before, mut rest, mut came) = (alloc::owned(), &mut buffer[..], 0);
    let mut ws = make(config.clone());
    while !rest.is_empty() && ws.wants_read() {
        let (piece, behind) = rest.split_at_mut(pace.feed(rest.len()));
        let read = piece.len();
        came += read;
        let (mut input, mut ends) = (piece, false);
        loop {
            while let Some(event) = ws.receive(&mut input) {
                ends |= matches!(event, Event::Closed(_));
                respond(&mut ws, Some(event));
            }
            let waits = ws.buffered();
            let owned = usize::try_from(alloc::owned() - before).unwrap_or(0);
            // While it is paused it sets aside what was read.
            let aside = if ws.wants_read() { 0 } else { read };
            let limit = ceiling(&ws, came) + aside + waits * 5 / 4 + if waits > 0 { 1024 } else { 0 };
            assert!(owned <= limit, "{owned} bytes, and not {limit}, after {came}: {:?}", ws.state());
            // Twice: what was sent makes room for a pong that was kept.
            while ws.buffered() > 0 {
                let waits = ws.buffered();
                ws.outbox().advance(waits);
            }
            if !ws.wants_receive() {
                break;
            }
        }
        if ends {
            // What inflates is lent by the thread, which may have had none before.
            let spare = if ws.config().deflate.is_some() { 64 << 10 } else { 0 };
            assert!(alloc::owned() - before <= spare, "it keeps something behind the end: {}", brief(&ws));
        }
        rest = behind;
    }
}
