//! Messages over connections that stay open: closed loop and open loop.

use std::time::Duration;

use hdrhistogram::Histogram;

use super::{
    Observer, Pace, Plan,
    fleet::{Fleet, MILLISECOND, SECOND},
    guest::Visit,
    own_cpu,
    peer::Peer,
};
use crate::failure::{Failure, Result};

/// What came of the measured time.
pub(crate) struct Measured {
    /// How long it was.
    pub(crate) elapsed: Duration,
    /// Messages that came back.
    pub(crate) messages: u64,
    /// The same, with those that were under way when it was over: what the server did between the observer's looks.
    pub(crate) observed: u64,
    /// Messages whose content was compared, before and after the measured time as well.
    pub(crate) compared: u64,
    /// Messages that had not come back when we gave up waiting.
    pub(crate) missing: u64,
    /// Nanoseconds from sending a message, in the open loop from the time at which it should have been sent.
    pub(crate) latency: Histogram<u64>,
    /// Open loop: nanoseconds by which messages were sent late.
    pub(crate) lateness: Option<Histogram<u64>>,
    /// CPU time that the generator used.
    pub(crate) cpu: Duration,
    /// What the guest did, if there was one; its messages are those of the measured time.
    pub(crate) visit: Option<Visit>,
}

/// Runs `plan`: opens, warms up, measures, drains, closes.
pub(crate) fn run(plan: &Plan, observer: &mut dyn Observer) -> Result<Measured> {
    let mut fleet = Fleet::new(plan)?;
    fleet.open(plan.connections, |_, _| Ok(()))?;
    if let Some(manners) = plan.guest {
        fleet.invite(manners, plan)?;
    }
    let mut run = Run { plan, fleet, latency: histogram(), lateness: histogram(), from: u64::MAX, next: 0, start: 0 };
    let closed = matches!(plan.pace, Pace::Closed { .. });
    run.start = run.fleet.now();
    run.fill()?;
    run.until(run.start + plan.warmup.as_nanos() as u64, 0)?;
    // The system knows a server's CPU time to the nanosecond while it sleeps, and to a tick while it runs. So a closed loop
    // is let run dry before the observer looks, and again after.
    if closed {
        run.settle()?;
    }
    observer.begin();
    let visited = run.fleet.visit();
    let (before, cpu, begin) = (run.messages(), own_cpu(), run.fleet.now());
    run.from = begin;
    run.fill()?;
    // A slow open loop may have nothing to send in the time.
    let least = if closed { before + 1 } else { 0 };
    run.until(begin + plan.duration.as_nanos() as u64, least)?;
    let (end, cpu, messages) = (run.fleet.now(), own_cpu() - cpu, run.messages() - before);
    if closed {
        run.settle()?;
    }
    observer.end();
    let observed = run.messages() - before;
    let visit = run.fleet.visit().zip(visited);
    let visit = visit.map(|(visit, before)| Visit { messages: visit.messages - before.messages, ..visit });
    run.fleet.dismiss();
    let missing = if closed { 0 } else { run.drain()? };
    let compared = run.fleet.peers.iter().map(Peer::compared).sum();
    run.fleet.close()?;
    Ok(Measured {
        elapsed: Duration::from_nanos(end - begin),
        messages,
        observed,
        compared,
        missing,
        latency: run.latency,
        lateness: (!closed).then_some(run.lateness),
        cpu,
        visit,
    })
}

/// A histogram for nanoseconds up to a minute, exact to three digits.
pub(crate) fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60 * SECOND, 3).expect("the bounds are constant and valid")
}

/// A run on its way.
struct Run<'a> {
    plan: &'a Plan,
    fleet: Fleet,
    latency: Histogram<u64>,
    lateness: Histogram<u64>,
    /// Latencies of messages sent before this do not count.
    from: u64,
    /// Open loop: the number of the next message.
    next: u64,
    /// When the first message was sent.
    start: u64,
}

impl Run<'_> {
    fn messages(&self) -> u64 {
        self.fleet.peers.iter().map(Peer::messages).sum()
    }

    /// Closed loop: puts the first messages in flight.
    fn fill(&mut self) -> Result<()> {
        let Pace::Closed { depth } = self.plan.pace else { return Ok(()) };
        let (depth, now) = (u64::from(depth), self.fleet.now());
        for peer in &mut self.fleet.peers {
            peer.ask(depth, now);
            peer.flush(&self.fleet.shared)?;
        }
        Ok(())
    }

    /// Closed loop: sends no more, and waits until nothing is in flight.
    fn settle(&mut self) -> Result<()> {
        let (epoch, from, latency) = (self.fleet.clock(), self.from, &mut self.latency);
        let missing = self.fleet.drain(|peer, _, before| {
            record_closed(latency, from, epoch.now(), peer, before.messages);
            Ok(())
        })?;
        if missing > 0 && !self.fleet.is_stopped() {
            return Err(Failure::server(format!(
                "{missing} messages did not come back although nothing else was sent for a while: \
                 the server loses messages, see what it logged"
            )));
        }
        self.fleet.peers.iter_mut().for_each(Peer::forget);
        Ok(())
    }

    /// Goes on until `end` and until `least` messages came back, or Ctrl-C.
    fn until(&mut self, end: u64, least: u64) -> Result<()> {
        loop {
            let now = self.fleet.now();
            if self.fleet.is_stopped() || now >= end && self.messages() >= least && !self.owes(end, now) {
                return Ok(());
            }
            if now >= end + PATIENCE {
                return Err(Failure::server(
                    "the server echoes nothing: give the URL of an echo server, or see what it logged",
                ));
            }
            let timeout = if now < end { end - now } else { 100 * MILLISECOND };
            match self.plan.pace {
                Pace::Closed { .. } => self.closed_turn(timeout)?,
                Pace::Open { rate } => self.open_turn(end, timeout, rate)?,
            }
        }
    }

    /// Open loop: something was due before `end` and is not sent, because the generator is late. To leave it out would
    /// leave out what took longest.
    fn owes(&self, end: u64, now: u64) -> bool {
        match self.plan.pace {
            Pace::Open { rate } => due(self.start, rate)(self.next) < end && now < end + PATIENCE,
            Pace::Closed { .. } => false,
        }
    }

    /// Every echo releases a message.
    fn closed_turn(&mut self, timeout: u64) -> Result<()> {
        let (epoch, from, latency) = (self.fleet.clock(), self.from, &mut self.latency);
        self.fleet.turn(timeout, |peer, shared, before| {
            let released = peer.messages() - before.messages;
            if released == 0 {
                return Ok(());
            }
            let now = epoch.now();
            record_closed(latency, from, now, peer, before.messages);
            peer.ask(released, now);
            peer.flush(shared)
        })
    }

    /// Messages are sent when they are due, whatever came back.
    fn open_turn(&mut self, end: u64, timeout: u64, rate: f64) -> Result<()> {
        let due = due(self.start, rate);
        let connections = self.fleet.peers.len() as u64;
        // Not all that is due at once: what came back must be seen in time, too.
        for _ in 0..BURST {
            let (now, intended) = (self.fleet.now(), due(self.next));
            if intended > now || intended >= end {
                break;
            }
            if intended >= self.from {
                self.lateness.saturating_record((now - intended).max(1));
            }
            let peer = &mut self.fleet.peers[(self.next % connections) as usize];
            peer.asked += 1;
            peer.flush(&self.fleet.shared)?;
            self.next += 1;
        }
        let next = due(self.next);
        let timeout = match next < end {
            true => sleep(next.saturating_sub(self.fleet.now()), self.plan.spin),
            false => timeout,
        };
        let (clock, from, latency) = (self.fleet.clock(), self.from, &mut self.latency);
        self.fleet.turn(timeout, |peer, _, before| {
            record(latency, from, clock.now(), due, connections, peer, before.messages);
            Ok(())
        })
    }

    /// Open loop: waits for what is under way, which counts: those that come last took longest.
    fn drain(&mut self) -> Result<u64> {
        let Pace::Open { rate } = self.plan.pace else { return Ok(0) };
        let due = due(self.start, rate);
        let connections = self.fleet.peers.len() as u64;
        let (clock, from, latency) = (self.fleet.clock(), self.from, &mut self.latency);
        self.fleet.drain(|peer, _, before| {
            record(latency, from, clock.now(), due, connections, peer, before.messages);
            Ok(())
        })
    }
}

/// Closed loop: records the messages of `peer` that came back since it had `before`, unless they were sent before `from`.
fn record_closed(latency: &mut Histogram<u64>, from: u64, now: u64, peer: &mut Peer, before: u64) {
    peer.settle(before, now, |nanoseconds, count| {
        if now.saturating_sub(nanoseconds) >= from {
            latency.saturating_record_n(nanoseconds.max(1), count);
        }
    });
}

/// Open loop: when each message should be sent.
fn due(start: u64, rate: f64) -> impl Fn(u64) -> u64 + Copy {
    let interval = SECOND as f64 / rate;
    move |number| start + (number as f64 * interval) as u64
}

/// Open loop: records the messages of `peer` that came back since it had `before`, unless they were due before `from`.
fn record(
    latency: &mut Histogram<u64>,
    from: u64,
    now: u64,
    due: impl Fn(u64) -> u64,
    connections: u64,
    peer: &Peer,
    before: u64,
) {
    for number in before..peer.messages() {
        let intended = due(number * connections + peer.index as u64);
        if intended >= from {
            latency.saturating_record(now.saturating_sub(intended).max(1));
        }
    }
}

/// How long to sleep when nothing is due for `gap` nanoseconds. Pollers count in milliseconds and wake up late, so the
/// last of them is spent polling; alone on a CPU this disturbs nobody.
fn sleep(gap: u64, spin: bool) -> u64 {
    match gap {
        gap if !spin => gap,
        gap if gap > 2 * MILLISECOND => gap - MILLISECOND,
        _ => 0,
    }
}

/// How long a server may echo nothing at all.
const PATIENCE: u64 = 10 * SECOND;
/// Messages sent before sockets are looked at again.
const BURST: usize = 64;
