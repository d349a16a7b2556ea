//! How schedules are tried, and what both halves, blocking or not, have to do in all of them.

#![allow(dead_code, reason = "each test file uses its part")]

pub mod peer;
pub mod pipe;

use peer::{Heard, Minutes, Say};
use pipe::{End, pipe};
use shuttle::{
    Config as Shuttle, Runner,
    scheduler::{PctScheduler, RandomScheduler},
};
use std::{env, sync::Arc};
use timtow_core::{ClientRequest, Closed, Config, Connection, Error, Event, MaskSource, Response, Role, app::Options};

/// Runs `test` in many schedules: in each step anybody may be next, or, as PCT has it, whoever has the highest of some
/// priorities that change now and then, which finds what needs few but unlikely changes.
pub fn try_schedules(test: impl Fn() + Send + Sync + 'static) {
    let test = Arc::new(test);
    let run = {
        let test = test.clone();
        move || test()
    };
    if let Ok(schedule) = env::var("TIMTOW_SCHEDULE") {
        return shuttle::replay(run, &schedule);
    }
    let schedules = env::var("TIMTOW_SCHEDULES").map_or(2_000, |number| number.parse().expect("a number"));
    let config = || {
        let mut config = Shuttle::new();
        // What is relied on for order is under a lock; shuttle knows no weaker atomics than sequentially consistent ones.
        config.silence_warnings = true;
        config.stack_size = 256 << 10;
        config
    };
    Runner::new(RandomScheduler::new_from_seed(SEED, schedules), config()).run(run.clone());
    for depth in [2, 4] {
        Runner::new(PctScheduler::new_from_seed(SEED, depth, schedules / 4), config()).run(run.clone());
    }
}

const SEED: u64 = 0x7469_6d74_6f77;

const HIGH_WATER: usize = 64;

/// Little room, so that everybody has to wait, and no deadline, so that nobody is saved by one.
pub fn options() -> Options {
    let config = Config {
        high_water: HIGH_WATER,
        handshake_timeout: None,
        close_timeout: None,
        ping_interval: None,
        pong_timeout: None,
        write_timeout: None,
        ..Config::with_masks(MaskSource::System)
    };
    Options { config: config.into(), ..Options::default() }
}

/// Bytes that a pipe holds, once it is open.
const ROOM: usize = 24;

/// A pipe whose first end is for a `WebSocket` in `role` and finds its part of the opening handshake there: the head of the
/// request, or the answer to `connection`.
pub fn prepared(role: Role, connection: Option<&mut Connection>) -> (End, End) {
    let (ours, theirs) = pipe(4 << 10);
    let head = match connection {
        None => {
            let mut client = client();
            client.outbox().chunk().to_vec()
        }
        Some(client) => {
            let mut server = Connection::server(options().config);
            let mut head = client.outbox().chunk().to_vec();
            let mut input = &mut head[..];
            let Some(Event::Request(_)) = server.receive(&mut input) else { panic!("it is a request") };
            server.accept(Response::default()).expect("it was asked for");
            server.outbox().chunk().to_vec()
        }
    };
    assert_eq!(role == Role::Client, head.starts_with(b"HTTP/1.1 101"));
    theirs.write_all(&head).expect("there is room");
    (ours, theirs)
}

/// A client's side.
pub fn client() -> Connection {
    let request = ClientRequest { host: "localhost".into(), target: "/".into(), ..ClientRequest::default() };
    Connection::client(request, options().config).expect("a request")
}

/// The opening handshake is done: what it left is no frame, and room becomes scarce.
pub fn opened(theirs: &End) {
    theirs.forget_inbound();
    theirs.make_scarce(ROOM);
}

/// Who begins the closing handshake, if anybody does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Closes {
    Peer,
    We,
    Both,
    Nobody,
}

impl Closes {
    pub const fn peer_does(self) -> bool {
        matches!(self, Closes::Peer | Closes::Both)
    }

    pub const fn we_do(self) -> bool {
        matches!(self, Closes::We | Closes::Both)
    }
}

/// What the peer says: messages and pings by turns, and perhaps its close frame.
pub fn sayings(closes: Closes) -> Vec<Say> {
    let mut says: Vec<Say> = (0..3).flat_map(|number| [Say::Text(number), Say::Ping(number)]).collect();
    if closes.peer_does() {
        says.push(Say::Close(4000));
    }
    says
}

/// Messages that we send.
pub const OURS: usize = 4;

/// The text of a message: it tells its number and its end, and some are longer than the pipe holds.
pub fn text(number: usize) -> String {
    let len = [5, 40, 130][number % 3];
    format!("{number:.>len$}")
}

/// A ping that we send behind each message.
pub fn ping(number: usize) -> [u8; 30] {
    [number as u8; 30]
}

/// Pings that we send to see them wait.
pub const PINGS: usize = 8;

/// Demands that all pings of these numbers came, of the others some or none, each whole and in order, and that no more than
/// the high-water mark, one ping and the close frame were ever in the outbox.
pub fn judge_pings(sent: &[usize], minutes: &Minutes) {
    let Some((Heard::Close(4321), pings)) = minutes.heard.split_last() else { panic!("{minutes:?}") };
    let number = |frame: &Heard| if let Heard::Ping(number) = frame { *number } else { panic!("{minutes:?}") };
    let heard: Vec<usize> = pings.iter().map(number).collect();
    assert!(heard.is_sorted_by(|a, b| a < b), "{minutes:?}");
    assert!(sent.iter().all(|number| heard.contains(number)), "{sent:?} were sent: {minutes:?}");
    assert!(minutes.waited <= HIGH_WATER + 2 + ping(0).len() + 4, "{minutes:?}");
}

/// What the sending half came to.
#[derive(Default, Debug)]
pub struct Sent {
    /// So many messages and their pings were begun.
    pub tried: usize,
    /// So many of them succeeded, both; none of them behind one that did not.
    pub succeeded: usize,
}

/// What the receiving half came to.
#[derive(Debug)]
pub struct Received {
    pub messages: Vec<String>,
    /// How it ended, where it was used until then.
    pub end: Option<(Result<(), Error>, Option<Closed>)>,
}

/// Demands that nothing was lost, doubled or reordered, that each ping was answered, and that there was one close frame in
/// each direction.
pub fn judge(closes: Closes, sent: &Sent, received: &Received, minutes: &Minutes) {
    let Minutes { said, heard, .. } = minutes;
    let is_last = |at: usize| at + 1 == heard.len();
    let (mut texts, mut our_pings, mut pongs, mut closed) = (0, 0, 0, None);
    for (at, frame) in heard.iter().enumerate() {
        match frame {
            Heard::Text(found) => {
                assert_eq!(*found, text(texts), "{heard:?}");
                texts += 1;
            }
            Heard::Ping(number) => {
                assert_eq!((*number, texts), (our_pings, our_pings + 1), "{heard:?}");
                our_pings += 1;
            }
            Heard::Pong(number) => {
                assert_eq!(*number, pongs, "{heard:?}");
                pongs += 1;
            }
            Heard::Close(code) => {
                assert!(is_last(at), "something follows the close frame: {heard:?}");
                closed = Some(*code);
            }
        }
    }
    assert!((sent.succeeded..=sent.tried).contains(&texts), "{texts} came of {sent:?}");
    assert!((sent.succeeded..=texts).contains(&our_pings), "{our_pings} pings came of {sent:?}");
    match closes {
        Closes::Peer => assert_eq!(closed, Some(4000)),
        Closes::We => assert_eq!(closed, Some(4321)),
        Closes::Both => assert!([Some(4000), Some(4321)].contains(&closed)),
        Closes::Nobody => assert_eq!(closed, None),
    }
    // RFC 6455 5.5.2: a pong answers, but none follows our close frame.
    let pings = said.iter().filter(|say| matches!(say, Say::Ping(_))).count();
    assert!(pongs <= pings, "{minutes:?}");
    if closes == Closes::Peer {
        assert_eq!(pongs, pings, "{minutes:?}");
    }
    for (number, message) in received.messages.iter().enumerate() {
        assert_eq!(*message, text(number));
    }
    if let Some((end, closed)) = &received.end {
        assert!(end.is_ok(), "{end:?}");
        let texts = said.iter().filter(|say| matches!(say, Say::Text(_))).count();
        assert_eq!(received.messages.len(), texts, "{minutes:?}");
        let Some(Say::Close(code)) = said.last() else { panic!("it has ended without a close frame: {minutes:?}") };
        assert_eq!(closed.as_ref().map(|closed| closed.code.0), Some(*code));
    }
}
