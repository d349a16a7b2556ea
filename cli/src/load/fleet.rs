//! All connections of the generator, driven by one thread.

use std::{
    io::ErrorKind,
    time::{Duration, Instant},
};

use mio::{Events, Poll};

use super::{
    Plan, Shared,
    guest::{Guest, Manners, Visit},
    opening::Opening,
    peer::{Peer, Stage},
    script::Script,
};
use crate::failure::{Failure, Result};

/// Connections and the loop that drives them.
pub(crate) struct Fleet {
    /// What the connections share.
    pub(crate) shared: Shared,
    /// The connections; the index is the token.
    pub(crate) peers: Vec<Peer>,
    /// One that behaves otherwise, if somebody invited it.
    guest: Option<Guest>,
    clock: Clock,
    poll: Poll,
    events: Events,
    input: Vec<u8>,
    stop: super::Stop,
}

/// Counts nanoseconds since it was made.
#[derive(Clone, Copy)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn now(&self) -> u64 {
        self.0.elapsed().as_nanos() as u64
    }
}

/// What a connection was before its turn.
pub(crate) struct Before {
    /// Where it was in its life.
    pub(crate) stage: Stage,
    /// Messages that had come back.
    pub(crate) messages: u64,
}

impl Fleet {
    /// A fleet without connections.
    pub(crate) fn new(plan: &Plan) -> Result<Self> {
        Fleet::with(plan, Script::new(plan.protocol, plan.size, plan.text, plan.seed))
    }

    /// The same with other messages than the plan's.
    pub(crate) fn with(plan: &Plan, script: Script) -> Result<Self> {
        let no_poller = |error| Failure::new(format!("the system gives no poller ({error}): close some programs"));
        Ok(Fleet {
            shared: Shared { target: plan.target.clone(), opening: Opening::new(plan.protocol, &plan.target), script },
            peers: Vec::with_capacity(plan.connections),
            guest: None,
            clock: Clock(Instant::now()),
            poll: Poll::new().map_err(no_poller)?,
            events: Events::with_capacity(EVENTS),
            input: vec![0; INPUT],
            stop: plan.stop.clone(),
        })
    }

    /// Nanoseconds since the fleet began.
    pub(crate) fn now(&self) -> u64 {
        self.clock.now()
    }

    /// The clock of [`now`](Self::now), for use while the fleet is borrowed.
    pub(crate) fn clock(&self) -> Clock {
        self.clock
    }

    /// The user wants an end.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.is_set()
    }

    /// Waits for sockets for `timeout` nanoseconds at most, lets the connections take their turns, and calls `act` with
    /// each of them and what it was before.
    pub(crate) fn turn(
        &mut self,
        timeout: u64,
        mut act: impl FnMut(&mut Peer, &Shared, Before) -> Result<()>,
    ) -> Result<()> {
        match self.poll.poll(&mut self.events, Some(Duration::from_nanos(timeout))) {
            // A signal; whoever called asks `is_stopped`.
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            result => {
                result.map_err(|error| Failure::new(format!("the system's poller failed ({error}): try again")))?
            }
        }
        for event in &self.events {
            if event.token().0 == GUEST {
                // Events of one that has left are possible.
                self.guest.as_mut().map_or(Ok(()), |guest| guest.turn(event, self.clock.now(), &mut self.input))?;
                continue;
            }
            let peer = &mut self.peers[event.token().0];
            let before = Before { stage: peer.stage, messages: peer.messages() };
            peer.turn(event, &self.shared, &mut self.input)?;
            act(peer, &self.shared, before)?;
        }
        Ok(())
    }

    /// Opens connections until there are `count`, a few at a time, and calls `opened` with each once it is open.
    pub(crate) fn open(
        &mut self,
        count: usize,
        mut opened: impl FnMut(&mut Peer, &Shared) -> Result<()>,
    ) -> Result<()> {
        let mut open = self.peers.len();
        let mut progress = self.now();
        while open < count {
            while self.peers.len() < count && self.peers.len() - open < OPENING {
                self.add()?;
            }
            let (before, counter) = (open, &mut open);
            self.turn(100 * MILLISECOND, |peer, shared, before| {
                if peer.stage == Stage::Open && before.stage != Stage::Open {
                    *counter += 1;
                    opened(peer, shared)?;
                }
                Ok(())
            })?;
            let now = self.now();
            if open > before {
                progress = now;
            }
            if self.is_stopped() {
                return Err(Failure::new("stopped before all connections were open"));
            }
            if now - progress > PATIENCE {
                return Err(Failure::server(format!(
                    "the server answered no opening handshake for {} s; {open} of {count} connections are open: \
                     see what it logged, or use fewer connections",
                    PATIENCE / SECOND
                )));
            }
        }
        Ok(())
    }

    /// Lets one come that behaves badly, waits until its connection is open, and lets it begin.
    pub(crate) fn invite(&mut self, manners: Manners, plan: &Plan) -> Result<()> {
        self.guest = Some(Guest::connect(manners, plan, GUEST, self.poll.registry())?);
        let end = self.now() + PATIENCE;
        while !self.guest.as_ref().is_some_and(Guest::is_open) {
            self.turn(100 * MILLISECOND, |_, _, _| Ok(()))?;
            if self.now() > end || self.is_stopped() {
                return Err(Failure::server("the server answered no opening handshake: see what it logged"));
            }
        }
        let now = self.now();
        self.guest.as_mut().map_or(Ok(()), |guest| guest.begin(now))
    }

    /// What the guest did so far.
    pub(crate) fn visit(&self) -> Option<Visit> {
        self.guest.as_ref().map(Guest::visit)
    }

    /// Breaks the guest's connection.
    pub(crate) fn dismiss(&mut self) {
        self.guest = None;
    }

    /// Adds a connection.
    pub(crate) fn add(&mut self) -> Result<()> {
        let index = self.peers.len();
        self.peers.push(Peer::connect(index, index, &self.shared, self.poll.registry())?);
        Ok(())
    }

    /// Puts a new connection, whose number is `index`, in the place of an old one.
    pub(crate) fn replace(&mut self, slot: usize, index: usize) -> Result<()> {
        self.peers[slot] = Peer::connect(index, slot, &self.shared, self.poll.registry())?;
        Ok(())
    }

    /// Sends no more, and waits until everything came back, which `act` is told; returns how many messages did not.
    pub(crate) fn drain(&mut self, mut act: impl FnMut(&mut Peer, &Shared, Before) -> Result<()>) -> Result<u64> {
        for peer in &mut self.peers {
            peer.cancel_unsent(&self.shared);
        }
        let mut progress = self.now();
        let mut missing = self.missing();
        while missing > 0 {
            self.turn(100 * MILLISECOND, &mut act)?;
            let (left, now) = (self.missing(), self.now());
            if left < missing {
                (missing, progress) = (left, now);
            } else if now - progress > PATIENCE || self.is_stopped() {
                break;
            }
        }
        Ok(missing)
    }

    /// Closes all connections, and waits for the server to do the same, but not for long.
    pub(crate) fn close(&mut self) -> Result<()> {
        for peer in &mut self.peers {
            peer.close(&self.shared)?;
        }
        let end = self.now() + SECOND;
        while self.peers.iter().any(|peer| peer.stage == Stage::Closing) && self.now() < end {
            self.turn(100 * MILLISECOND, |_, _, _| Ok(()))?;
        }
        Ok(())
    }

    fn missing(&self) -> u64 {
        self.peers.iter().filter(|peer| peer.stage == Stage::Open).map(|peer| peer.asked - peer.messages()).sum()
    }
}

pub(crate) const MILLISECOND: u64 = 1_000_000;
pub(crate) const SECOND: u64 = 1_000 * MILLISECOND;

/// How long the server may do nothing at all.
const PATIENCE: u64 = 10 * SECOND;
/// The guest's token.
const GUEST: usize = usize::MAX >> 1;
/// Connections that are being opened at a time: fewer than the shortest backlog in use.
const OPENING: usize = 64;
/// Bytes read at a time.
const INPUT: usize = 256 << 10;
/// Events taken at a time.
const EVENTS: usize = 1024;
