//! Two sockets of the poll-driven driver, whose futures are dropped wherever they wait: what `recv` and `send` say about
//! cancellation.

mod socket;

use crate::{
    alloc,
    drive::{client_request, config, work},
    http,
    pipe::pipe,
    reference::{Said, output},
};
use arbitrary::{Arbitrary, Unstructured};
use socket::{Fate, Noted, Notes};
use std::{
    future::Future,
    hash::{DefaultHasher, Hash, Hasher},
    pin::{Pin, pin},
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};
use timtow_core::{
    Buffers, Closed, Config, Connection, Error, OwnedMessage, Role, app::Options, clock, task::WebSocket,
};

#[derive(Arbitrary, Clone, Copy, Debug)]
struct Operation {
    client: bool,
    what: What,
    /// A future is polled so many times, and dropped.
    polls: u8,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum What {
    Send {
        text: bool,
        len: u16,
    },
    Feed {
        text: bool,
        len: u16,
    },
    Recv,
    Flush,
    Ping,
    /// So many quarters of a second pass.
    Pass {
        quarters: u8,
    },
    Close,
    /// The peer's transport ends, whatever it was about to send.
    Eof,
    /// So does this one's, with an error.
    Error,
}

/// A message by its hash, which tells its type, too.
type Digest = u64;

fn digest(message: &OwnedMessage) -> Digest {
    let mut hasher = DefaultHasher::new();
    (message.as_text().is_some(), message.as_bytes()).hash(&mut hasher);
    hasher.finish()
}

/// The message with this number, and so many bytes more.
fn message(number: usize, text: bool, len: usize) -> OwnedMessage {
    let mut payload = number.to_string().into_bytes();
    payload.resize(payload.len() + len, b'.');
    if text { String::from_utf8(payload).expect("ASCII").into() } else { payload.into() }
}

struct Side {
    ws: Option<WebSocket<Noted>>,
    notes: Rc<Notes>,
    /// Bytes that it owns on the heap; all that it asked for; in how many polls; and how much it was given to send.
    owned: isize,
    asked: isize,
    polls: usize,
    given: usize,
    /// What was sent, and whether that was said to have succeeded: what was dropped was queued whole, or not at all.
    sent: Vec<(Digest, bool)>,
    received: Vec<Digest>,
    /// It has begun to close, which drops what comes.
    closes: bool,
    /// How `recv` has told the end: the same each time.
    end: Option<Option<Closed>>,
}

fn context() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

/// Bytes of one read.
const READ: usize = 2 << 10;
/// Bytes of a message, and of its number.
const LONGEST: usize = 6000 + 5;

/// Buffers of a thread that has had no turn.
fn renew_buffers() {
    Buffers::with(|buffers| *buffers = Buffers::new(READ));
}

/// Counts what is left on the heap, and what was asked for. What grew in a turn stays with the thread's buffers, which are made
/// anew.
fn counted<R>(f: impl FnOnce() -> R) -> (R, isize, isize) {
    let (owned, asked) = (alloc::owned(), alloc::total());
    let result = f();
    let asked = alloc::total() - asked;
    renew_buffers();
    (result, alloc::owned() - owned, asked)
}

impl Side {
    /// Polls a future of the socket's so many times at most, and drops it; `tell` says what is left of its output.
    fn cancel<'s, F: Future, R>(
        &'s mut self,
        polls: u8,
        future: impl FnOnce(&'s mut WebSocket<Noted>) -> F,
        tell: impl FnOnce(F::Output) -> R,
    ) -> Option<R> {
        let Side { ws, owned, asked, polls: all, .. } = self;
        let ws = ws.as_mut().expect("it is open");
        let (told, left, asked_for) = counted(|| {
            let mut future = pin!(future(ws));
            let ready = (0..1 + polls % 4).find_map(|_| {
                *all += 1;
                match future.as_mut().poll(&mut context()) {
                    Poll::Ready(output) => Some(output),
                    Poll::Pending => None,
                }
            });
            ready.map(tell)
        });
        *owned += left;
        *asked += asked_for;
        told
    }

    /// Sends, and notes down what is certain. Whether it failed.
    fn send(&mut self, text: bool, len: u16, polls: u8, flush: bool) -> bool {
        let (number, len) = (self.sent.len(), usize::from(len) % 6000);
        let message = || message(number, text, len);
        let whole = message();
        self.given += whole.as_bytes().len();
        // It is made where it is counted.
        let sent = match flush {
            true => self.cancel(polls, |ws| ws.send(message()), |sent| sent.is_ok()),
            false => self.cancel(polls, |ws| ws.feed(message()), |fed| fed.is_ok()),
        };
        self.sent.push((digest(&whole), sent == Some(true)));
        sent == Some(false)
    }

    /// Whether there was a message.
    fn recv(&mut self, polls: u8) -> bool {
        let told = self.cancel(polls, WebSocket::recv, |received| match received {
            Ok(Some(message)) => Ok(digest(&message)),
            Ok(None) => Err(None),
            Err(Error::Closed(closed)) => Err(Some(alloc::uncounted(|| closed.clone()))),
            Err(other) => panic!("{other:?}"),
        });
        match told {
            Some(Ok(digest)) => {
                assert!(self.end.is_none(), "a message behind the end");
                self.received.push(digest);
                true
            }
            Some(Err(end)) => {
                assert!(self.end.as_ref().is_none_or(|before| *before == end), "another end: {end:?}");
                self.end = Some(end);
                false
            }
            None => false,
        }
    }

    /// Whether it may keep messages from arriving.
    fn apply(&mut self, peer: &mut Side, what: What, polls: u8, now: &mut Duration, harmed: bool) -> bool {
        let failed = match what {
            What::Send { text, len } => self.send(text, len, polls, true),
            What::Feed { text, len } => self.send(text, len, polls, false),
            What::Recv => {
                self.recv(polls);
                self.end.is_some()
            }
            What::Flush => self.cancel(polls, WebSocket::flush, |flushed| flushed.is_err()) == Some(true),
            What::Ping => self.cancel(polls, |ws| ws.ping(b"ping"), |pinged| pinged.is_err()) == Some(true),
            What::Pass { quarters } => {
                *now += Duration::from_millis(250) * quarters.into();
                clock::simulate(Some(*now));
                return true;
            }
            What::Close => {
                self.closes = true;
                self.cancel(polls, |ws| ws.close(1000, "done"), |closed| drop(closed.expect("it may be sent")));
                return true;
            }
            What::Eof => {
                self.notes.fate.set(Fate::Ended);
                return true;
            }
            What::Error => {
                self.notes.fate.set(Fate::Failed);
                peer.notes.fate.set(if peer.notes.fate.get() == Fate::Fine { Fate::Ended } else { Fate::Failed });
                return true;
            }
        };
        assert!(harmed || !failed, "nothing was wrong, and {what:?} fails");
        false
    }

    /// In order, nothing twice, nothing in part; and where `all` is true nothing that was sent is missing.
    fn received_from(&self, peer: &Side, all: bool) {
        let mut sent = peer.sent.iter();
        for message in &self.received {
            let found = sent.find(|(other, certain)| {
                assert!(other == message || !certain || self.closes, "one is lost");
                other == message
            });
            assert!(found.is_some(), "never sent, or repeated");
        }
        assert!(!all || sent.all(|(_, certain)| !certain), "not all arrived");
    }

    fn waits(&self) -> usize {
        self.ws.as_ref().map_or(0, WebSocket::unsent)
    }

    /// PROTOCOL: what waits, and a quarter; a message in assembly, and one that was not asked for; what is set aside, in a buffer
    /// that doubles; pongs.
    fn weigh(&self, high_water: usize) {
        let aside = 2 * (high_water + READ);
        let limit = self.waits() * 5 / 4 + 1024 + 2 * (LONGEST * 5 / 4) + (4 << 10) + aside + (5 << 10);
        assert!(self.owned <= limit as isize, "{} bytes, and not {limit}", self.owned);
    }

    /// Both ends are told. What it sent may be sent, and nothing is left of it.
    fn judge(mut self, role: Role, harmed: bool, read: usize) {
        let closed = self.ws.as_ref().and_then(WebSocket::closed).expect("how it ended");
        let end = self.end.take().expect("the end is told");
        assert_eq!(end.is_none(), closed.is_clean(), "{end:?}, {closed:?}");
        assert!(end.is_none_or(|end| end == *closed), "{closed:?}");
        assert!(self.owned <= 256, "{} bytes are kept behind the end", self.owned);
        let ((), left, _) = counted(|| drop(self.ws.take()));
        assert_eq!(self.owned + left, 0, "something is left of it");
        let wire = self.notes.wire.borrow();
        let head = http::head(&wire).expect("a whole head").size;
        let said = output(&wire[head..], role, harmed);
        let closes = said.iter().filter(|said| matches!(said, Said::Close(..))).count();
        assert!(closes == 1 || (harmed && closes == 0), "{closes} close frames");
        let most = work(self.given + read + wire.len(), self.polls);
        assert!(self.asked <= most, "{} bytes asked for, and not {most}", self.asked);
    }
}

type Opening<'f> = Pin<Box<dyn Future<Output = Result<WebSocket<Noted>, Error>> + 'f>>;

fn open(options: &Options, window: usize, step: usize) -> [Side; 2] {
    let (server, client) = pipe(window, step);
    let notes = [Rc::new(Notes::default()), Rc::new(Notes::default())];
    let (server, client) = (Noted::new(server, &notes[0]), Noted::new(client, &notes[1]));
    let (connection, of_client, _) = counted(|| Connection::client(client_request(), options.config.clone()));
    let connection = connection.expect("a valid request");
    let mut opening: [Opening<'_>; 2] = [
        Box::pin(WebSocket::accept(server, options)),
        Box::pin(async move { Ok(WebSocket::connect(client, connection, options).await?.0) }),
    ];
    let (mut opened, mut left) = ([None, None], [0, of_client]);
    for _ in 0..10_000 {
        for (n, future) in opening.iter_mut().enumerate() {
            if opened[n].is_none() {
                let (polled, owned, _) = counted(|| future.as_mut().poll(&mut context()));
                left[n] += owned;
                if let Poll::Ready(socket) = polled {
                    opened[n] = Some(socket.expect("a valid handshake"));
                }
            }
        }
        if opened.iter().all(Option::is_some) {
            break;
        }
    }
    drop(opening);
    let mut made = opened.into_iter().zip(notes).zip(left);
    std::array::from_fn(|_| {
        let ((ws, notes), owned) = made.next().expect("two of them");
        assert!(ws.is_some(), "it never opens");
        let (sent, received) = (Vec::new(), Vec::new());
        Side { ws, notes, owned, asked: 0, polls: 0, given: 0, sent, received, closes: false, end: None }
    })
}

/// Any operations, of which each may be given up.
pub fn tasks(data: &[u8]) {
    let mut data = Unstructured::new(data);
    let Ok((small, window, step)) = <(bool, u16, u8)>::arbitrary(&mut data) else { return };
    let high_water = if small { 500 } else { 64 << 10 };
    let options = Options { config: Arc::new(Config { high_water, ..config() }), ..Options::default() };
    // Bytes that wait to be read before writes block, and that one read or write takes.
    let (window, step) = (20 + usize::from(window), 10 + 16 * usize::from(step));
    let mut now = Duration::from_secs(1000);
    clock::simulate(Some(now));
    renew_buffers();
    let mut sides = open(&options, window, step);
    let mut harmed = false;
    for _ in 0..150 {
        let Ok(Operation { client, what, polls }) = Operation::arbitrary(&mut data) else { break };
        let [a, b] = &mut sides;
        let (side, peer) = if client { (b, a) } else { (a, b) };
        harmed |= side.apply(peer, what, polls, &mut now, harmed);
        let [server, client] = &sides;
        server.received_from(client, false);
        client.received_from(server, false);
        sides.iter().for_each(|side| side.weigh(high_water));
        if data.is_empty() {
            break;
        }
    }
    settle(&mut sides);
    if !harmed {
        sides[0].received_from(&sides[1], true);
        sides[1].received_from(&sides[0], true);
    }
    end(&mut sides, now);
    let wires = sides.each_ref().map(|side| side.notes.wire.borrow().len());
    let [server, client] = sides;
    server.judge(Role::Server, harmed, wires[1]);
    client.judge(Role::Client, harmed, wires[0]);
    clock::simulate(None);
}

/// Both read, and write what waits meanwhile, until nothing moves any more.
fn settle(sides: &mut [Side; 2]) {
    let under_way = |sides: &[Side; 2]| -> usize {
        let unread = |side: &Side| side.ws.as_ref().map_or(0, |ws| ws.socket().unread());
        sides.iter().map(|side| side.waits() + unread(side)).sum()
    };
    let mut quiet = 0;
    for round in 0.. {
        assert!(round < 1_000_000, "it never settles");
        let before = under_way(sides);
        let moved = sides.iter_mut().map(|side| side.recv(0)).fold(false, |a, b| a | b);
        quiet = if moved || under_way(sides) != before { 0 } else { quiet + 1 };
        if quiet > 3 {
            break;
        }
    }
}

/// The server closes, and time ends what is left.
fn end(sides: &mut [Side; 2], mut now: Duration) {
    for _ in 0..10_000 {
        // Dropped and asked again, which does no harm.
        sides[0].cancel(0, |ws| ws.close(1000, "done"), |closed| drop(closed.expect("it may be sent")));
        for side in &mut *sides {
            side.recv(0);
        }
        if sides.iter().all(|side| side.end.is_some()) {
            return;
        }
        now += Duration::from_secs(1);
        clock::simulate(Some(now));
    }
    panic!("it never ends");
}
