//! Connections per second: connect, upgrade, close, again.

use std::time::Duration;

use super::{
    Observer, Plan,
    fleet::{Fleet, MILLISECOND},
    own_cpu,
    peer::Stage,
};
use crate::failure::{Failure, Result};

/// What came of the measured time.
pub(crate) struct Measured {
    /// How long it was.
    pub(crate) elapsed: Duration,
    /// Connections that were opened and closed.
    pub(crate) connections: u64,
    /// The same, with those that were not closed yet when it was over.
    pub(crate) observed: u64,
    /// CPU time that the generator used.
    pub(crate) cpu: Duration,
}

/// Keeps the connections of `plan` busy with opening and closing, for its duration, and not more than `most` times.
pub(crate) fn run(plan: &Plan, most: u64, observer: &mut dyn Observer) -> Result<Measured> {
    let mut fleet = Fleet::new(plan)?;
    for _ in 0..plan.connections {
        fleet.add()?;
    }
    let mut run = Run { fleet, begun: plan.connections, done: 0, free: Vec::new() };
    run.until(run.fleet.now() + plan.warmup.as_nanos() as u64, 0, most)?;
    // As in a closed loop, the observer looks while the server sleeps.
    run.finish()?;
    observer.begin();
    let (before, cpu, begin) = (run.done, own_cpu(), run.fleet.now());
    for slot in 0..run.fleet.peers.len() {
        run.open(slot)?;
    }
    run.until(begin + plan.duration.as_nanos() as u64, before + 1, before + most)?;
    let (end, cpu, done) = (run.fleet.now(), own_cpu() - cpu, run.done - before);
    run.finish()?;
    observer.end();
    Ok(Measured { elapsed: Duration::from_nanos(end - begin), connections: done, observed: run.done - before, cpu })
}

struct Run {
    fleet: Fleet,
    begun: usize,
    done: u64,
    /// Places whose connection is closed.
    free: Vec<usize>,
}

impl Run {
    /// Goes on until `end` and until `least` connections were closed, or until `most` were, or Ctrl-C.
    fn until(&mut self, end: u64, least: u64, most: u64) -> Result<()> {
        loop {
            let now = self.fleet.now();
            if self.fleet.is_stopped() || self.done >= most || now >= end && self.done >= least {
                return Ok(());
            }
            if now >= end + PATIENCE {
                return Err(Failure::server(
                    "no connection was opened and closed in time: see whether the server ends the connection after the \
                     closing handshake (RFC 6455 7.1.1), and what it logged",
                ));
            }
            self.turn(end.saturating_sub(now).clamp(MILLISECOND, 100 * MILLISECOND))?;
            for slot in std::mem::take(&mut self.free) {
                self.open(slot)?;
            }
        }
    }

    /// Closes what is open, and counts what is closed.
    fn turn(&mut self, timeout: u64) -> Result<()> {
        let (done, free) = (&mut self.done, &mut self.free);
        self.fleet.turn(timeout, |peer, shared, before| {
            if peer.stage == Stage::Open {
                peer.close(shared)?;
            }
            if peer.stage == Stage::Closed && before.stage != Stage::Closed {
                *done += 1;
                free.push(peer.slot);
            }
            Ok(())
        })
    }

    /// Lets those finish that have begun.
    fn finish(&mut self) -> Result<()> {
        let end = self.fleet.now() + PATIENCE / 5;
        while self.fleet.peers.iter().any(|peer| peer.stage != Stage::Closed) && self.fleet.now() < end {
            self.turn(100 * MILLISECOND)?;
        }
        self.free.clear();
        Ok(())
    }

    /// Begins another connection in place of an old one.
    fn open(&mut self, slot: usize) -> Result<()> {
        self.fleet.replace(slot, self.begun)?;
        self.begun += 1;
        Ok(())
    }
}

const PATIENCE: u64 = 5_000 * MILLISECOND;
