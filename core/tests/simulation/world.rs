//! The scheduler, and what must hold at every step.

use crate::{
    common,
    common::chance::Chance,
    judge::{Ending, Link},
    pipe::{FOREVER, Pipe},
    plan::{Fault, Plan},
    side::{Side, Surroundings},
};
use std::{
    cell::RefCell,
    hash::{DefaultHasher, Hash, Hasher},
    rc::Rc,
    sync::Arc,
    time::Duration,
};
use timtow_core::{Config, Connection, State};

pub struct World {
    pub(crate) seed: u64,
    chance: Chance,
    now: Duration,
    /// The server and the client.
    pub(crate) sides: [Side; 2],
    /// What each of them sends through.
    pipes: [Pipe; 2],
    /// What each of them has said and the other has not heard.
    links: [Rc<RefCell<Link>>; 2],
    /// What a message from each of them costs at most.
    pub(crate) longest: [usize; 2],
    /// Whether each of them says anything by itself.
    pub(crate) speaks: [bool; 2],
    /// Pings of each of them that were answered, or passed over.
    answered: [usize; 2],
    /// So many pings of each waited that some may be passed over.
    may_pass_over: [bool; 2],
    fault: Fault,
    fault_at: usize,
    broken: crate::pipe::Broken,
    rejects: bool,
    /// Times that something may still be blocked for a while.
    blocks: usize,
    /// Of the time, step by step.
    digest: DefaultHasher,
}

/// What a run came to.
#[derive(PartialEq, Eq, Debug)]
pub struct Summary {
    pub steps: usize,
    pub events: usize,
    /// The messages were compressed.
    pub compresses: bool,
    /// Of the time of each step, of all bytes on the wire, and of all events with what they said.
    pub digest: u64,
}

/// Plays the run of this seed, on a thread of its own: nothing that a thread keeps is left of another run.
pub fn play(seed: u64) -> std::thread::Result<Summary> {
    std::thread::spawn(move || play_here(seed)).join()
}

fn play_here(seed: u64) -> Summary {
    let mut world = World::new(seed);
    let mut steps = 0;
    while world.sides.iter().any(|side| !side.dropped) {
        if steps == world.fault_at {
            world.fault();
        }
        if std::env::var_os("TIMTOW_TRACE").is_some() {
            world.trace(steps);
        }
        world.step(steps);
        world.check();
        world.now.hash(&mut world.digest);
        steps += 1;
        assert!(steps < 200_000, "seed {seed}: it never ends");
    }
    world.finish(steps)
}

impl World {
    fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let Plan { sides, pipes, fault, fault_at, broken, timed, rejects, compression } = Plan::new(&mut chance);
        let room = sides.iter().map(|side| side.messages()).sum::<usize>() + 1;
        // Nobody compresses without the feature; all else is as it is with it.
        let compression = compression.filter(|_| cfg!(feature = "deflate"));
        let links = [0, 1].map(|_| {
            let items = std::collections::VecDeque::with_capacity(room);
            Rc::new(RefCell::new(Link { items, is_open: false }))
        });
        let own = [0, 1].map(|side: usize| sides[side].longest());
        let longest = [0, 1].map(|side: usize| if sides[side].echo { own[0].max(own[1]) } else { own[side] });
        let speaks = [0, 1].map(|side: usize| !sides[side].script.is_empty());
        let mut side = 0;
        let sides = sides.map(|plan| {
            let untimed = Config {
                handshake_timeout: None,
                close_timeout: None,
                ping_interval: None,
                pong_timeout: None,
                write_timeout: None,
                ..common::config()
            };
            let config = if timed { common::config() } else { untimed };
            #[cfg(feature = "deflate")]
            let config = Config { deflate: compression.map(|both| both[side].configured()), ..config };
            let config = Arc::new(Config { high_water: plan.high_water, fragments: plan.fragments, ..config });
            let (connection, heap, _) = common::alloc::cost(|| match side {
                0 => Connection::server(config.clone()),
                _ => Connection::client(common::client_request(), config.clone()).expect("a request"),
            });
            let mut made = Side::new(connection, plan, &links[1 - side], &links[side]);
            made.judge.rejects = rejects;
            made.heap = heap;
            made.wire.compresses = compression.is_some();
            side += 1;
            made
        });
        World {
            seed,
            chance,
            now: Duration::from_secs(1000),
            sides,
            pipes: pipes.map(|(window, latency)| Pipe::new(window, latency)),
            links,
            longest,
            speaks,
            answered: [0; 2],
            may_pass_over: [false; 2],
            fault,
            fault_at: if fault == Fault::None { usize::MAX } else { fault_at },
            broken,
            rejects,
            blocks: 10,
            digest: DefaultHasher::new(),
        }
    }

    /// Where everything is, for whoever replays a seed.
    fn trace(&self, steps: usize) {
        println!("{steps}: {:?}", self.now);
        for (side, pipe) in self.sides.iter().zip(&self.pipes) {
            let ws = &side.endpoint.connection;
            println!(
                "    {:?} by {:?}, {:?} due at {:?}, {} waits, {} on the heap, script {}, dropped {}; its pipe {pipe:?}",
                ws.role(),
                side.plan.idiom,
                ws.state(),
                ws.poll_timeout(),
                ws.buffered(),
                side.heap,
                side.plan.script.len(),
                side.dropped,
            );
        }
    }

    fn fault(&mut self) {
        match self.fault {
            Fault::None => {}
            Fault::Reset => self.pipes.iter_mut().for_each(|pipe| {
                pipe.cut(true, crate::pipe::Broken::WithAnError);
                pipe.reset = true;
            }),
            Fault::Cut { direction, lose } => self.pipes[direction].cut(lose, self.broken),
            Fault::Hole { direction } => {
                for (n, pipe) in self.pipes.iter_mut().enumerate() {
                    if direction.is_none_or(|direction| direction == n) {
                        pipe.blocked_until = FOREVER;
                    }
                }
            }
        }
    }

    /// Something happens.
    fn step(&mut self, steps: usize) {
        let mut may = [None; 8];
        let mut count = 0;
        let mut add = |what| {
            may[count] = Some(what);
            count += 1;
        };
        for n in [0, 1] {
            let side = &mut self.sides[n];
            if side.is_ready(&self.pipes[1 - n], &self.pipes[n], self.now) {
                add((n, What::Turn));
            }
            if side.judge.requested {
                add((n, What::Answer));
            }
            if side.may_act(self.now) {
                add((n, What::Act));
            }
            if side.judge.asks && !side.asked && !side.dropped {
                add((n, What::Ask));
            }
        }
        if count == 0 {
            return self.pass(steps);
        }
        match self.chance.below(100) {
            // A turn without a reason.
            0..4 => {
                let n = self.chance.below(2);
                if !self.sides[n].dropped {
                    self.turn(n);
                }
            }
            4..6 => self.now += Duration::from_millis(self.chance.below(5) as u64),
            6 if self.blocks > 0 => {
                self.blocks -= 1;
                let pipe = &mut self.pipes[self.chance.below(2)];
                if pipe.blocked_until < FOREVER {
                    pipe.blocked_until = self.now + Duration::from_millis(self.chance.pick(&[5, 300]));
                }
            }
            _ => {
                let Some((n, what)) = may[self.chance.below(count)] else { return };
                match what {
                    What::Turn if self.sides[n].plan.slow && self.chance.percent(90) => {}
                    What::Turn => self.turn(n),
                    What::Answer => self.sides[n].call(|ws, judge| judge.answer(ws)),
                    What::Act => self.sides[n].act(self.now),
                    What::Ask => self.sides[n].ask(),
                }
            }
        }
    }

    fn turn(&mut self, n: usize) {
        let side = &mut self.sides[n];
        let [a, b] = &mut self.pipes;
        let (outbound, inbound) = if n == 0 { (a, b) } else { (b, a) };
        let now = self.now;
        let world = &mut Surroundings { inbound, outbound, chance: &mut self.chance, now };
        let mut moved = side.turn(world);
        // A driver that has offered pongs may read again: it must then find something.
        if !moved && side.is_ready(world.inbound, world.outbound, now) {
            moved = side.turn(world);
        }
        if side.dropped {
            outbound.ended = true;
            inbound.cut(true, self.broken);
        } else if !moved {
            let asks = side.endpoint.connection.poll_timeout();
            assert!(!side.is_ready(inbound, outbound, now), "seed {}: it spins, {asks:?} at {now:?}", self.seed);
        }
    }

    /// Nothing is to be done before some time passes.
    fn pass(&mut self, steps: usize) {
        self.check_rest();
        let deadlines = self.sides.iter().filter(|side| !side.dropped).filter_map(|side| {
            let wait = Some(side.wait_until).filter(|wait| *wait > self.now && !side.plan.script.is_empty());
            [side.endpoint.connection.poll_timeout(), wait].into_iter().flatten().min()
        });
        let pipes = self.pipes.iter().filter_map(Pipe::next_change);
        let next = deadlines.chain(pipes).filter(|next| *next > self.now).min();
        self.now = next.unwrap_or_else(|| panic!("seed {}: after {steps} steps nobody is ever woken", self.seed));
    }

    /// Nothing moves: so what was sent has arrived, and costs nothing any more.
    fn check_rest(&self) {
        let mut idle = [false; 2];
        for from in [0, 1] {
            let (reader, seen) = (&self.sides[1 - from], self.pipes[from].end_seen);
            // Unless the rest of the input waits until the outbox is drained.
            let told = reader.judge.end.is_some() || !reader.is_silent();
            assert!(told || !seen, "seed {}: the end was seen, and nobody is told", self.seed);
            let (sender, receiver) = (&self.sides[from], &self.sides[1 - from]);
            let pipe = &self.pipes[from];
            let open = |side: &Side| side.judge.opened && side.judge.end.is_none() && !side.dropped;
            let rest = sender.is_silent() && receiver.is_silent() && pipe.is_empty() && pipe.broken.is_none();
            if !rest || !open(sender) || !open(receiver) || pipe.ended {
                continue;
            }
            let link = self.links[from].borrow();
            assert_eq!(link.items.len(), usize::from(link.is_open), "seed {}: a message is lost", self.seed);
            if receiver.endpoint.connection.state() == State::Open {
                let pings = &sender.wire.pings;
                assert!(pings.is_empty(), "seed {}: no pong for {pings:?}", self.seed);
            }
            idle[from] = sender.wire.is_between_messages();
        }
        self.check_idle(idle);
    }

    /// What holds after every step.
    fn check(&mut self) {
        self.check_memory();
        for n in [0, 1] {
            let seed = self.seed;
            assert!(self.sides[n].wire.closes <= 1, "seed {seed}: it closes twice");
            // RFC 6455 5.5.3: a pong for each ping, in order, unless many wait.
            let other = 1 - n;
            let waiting = self.sides[other].judge.pings.saturating_sub(self.answered[n]);
            self.may_pass_over[n] |= waiting > 32;
            while let Some(pong) = self.sides[other].wire.pongs.pop_front() {
                loop {
                    let ping = self.sides[n].wire.pings.pop_front();
                    let ping = ping.unwrap_or_else(|| panic!("seed {seed}: a pong to nothing, {pong:?}"));
                    self.answered[n] += 1;
                    if ping == pong {
                        break;
                    }
                    assert!(self.may_pass_over[n], "seed {seed}: a ping that is not answered, {ping:?}");
                }
            }
        }
    }

    fn finish(self, steps: usize) -> Summary {
        let World { seed, sides, links, fault, rejects, .. } = &self;
        let ends =
            [0, 1].map(|n: usize| sides[n].judge.end.unwrap_or_else(|| panic!("seed {seed}: an end is missing")));
        let expected = if *rejects { [Ending::Refused, Ending::Failed] } else { [Ending::Handshake; 2] };
        let as_expected = ends.map(|(_, ending)| ending) == expected;
        // Whatever faults there are: they are the transport's, or a deadline's.
        if *fault == Fault::None || as_expected {
            assert!(as_expected, "seed {seed}: it ended with {ends:?}");
            for (n, link) in links.iter().enumerate() {
                let left = link.borrow().items.len();
                let open = usize::from(link.borrow().is_open);
                assert_eq!(left, open, "seed {seed}: messages of {n} are lost");
                if !*rejects {
                    assert_eq!(ends[1 - n].0.0, sides[n].wire.close_code, "seed {seed}: the code that was sent");
                    assert_eq!(sides[n].wire.closes, 1, "seed {seed}: one close frame each way");
                }
            }
        }
        let mut digest = self.digest.clone();
        for side in sides {
            (side.wire.digest.finish(), side.judge.digest.finish()).hash(&mut digest);
        }
        Summary {
            steps,
            events: sides.iter().map(|side| side.judge.events).sum(),
            compresses: sides[0].wire.compresses,
            digest: digest.finish(),
        }
    }
}

#[derive(Clone, Copy)]
enum What {
    Turn,
    Answer,
    Act,
    Ask,
}
