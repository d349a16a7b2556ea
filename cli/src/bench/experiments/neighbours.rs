//! Polite clients at a modest rate, first alone, then beside one that behaves badly.

use std::time::Duration;

use super::{
    super::{
        plan::{CAPACITY, Experiment},
        results::{Cell, Guest, Neighbour, NeighbourRow, NeighbourSample, Outcome},
        server::{Launch, Server},
    },
    Bench, Why,
};
use crate::{
    failure::Result,
    load::{
        Observer, Pace, Plan,
        guest::{Manners, Visit},
        outcome::{Percentiles, why_bottleneck},
        traffic,
    },
};

impl Bench {
    /// `experiment` says what the neighbour does.
    pub(super) fn neighbour(&mut self, experiment: Experiment) -> std::result::Result<(), Why> {
        let (manners, rate, what) = match experiment {
            Experiment::Blocked => (Manners::Blocks, BLOCKED_RATE, "beside a handler that blocks"),
            Experiment::Stalled => (Manners::Stalls, RATE, "beside a client that does not read"),
            _ => (Manners::Floods, RATE, "beside a client that floods"),
        };
        // Only timtow's own program has a handler that blocks; and whether it matters, its own threads decide.
        let blocks = manners == Manners::Blocks;
        let who = if blocks { self.choose(|contestant| contestant.is_timtow()) } else { self.websockets() };
        if who.is_empty() {
            return Err("only a server of timtow's can be asked to block its handler, and none takes part".into());
        }
        self.progress.experiment(format!("{what}, {rate} messages per second"));
        let launch = Launch { own_defaults: blocks, blocking: blocks, ..Launch::default() };
        let slices = self.interleave(self.schedule.rounds, &who, |bench, who, round| {
            let server = bench.start(who, &launch)?;
            bench.neighbour_slice(&server, who, round, manners, rate)
        });
        let rows = who.iter().zip(slices).map(|(who, (samples, failure))| {
            let (samples, outcome) = Outcome::of(samples, failure);
            let contestant = self.results.contestants[*who].name.clone();
            NeighbourRow { contestant, samples, outcome, ..NeighbourRow::default() }
        });
        let (rows, Cell { connections, size, .. }) = (rows.collect(), CAPACITY);
        let mut neighbour = Neighbour { experiment, connections, size, rate, noise: None, rows };
        neighbour.summarize(&self.results.contestants);
        self.results.neighbours.push(neighbour);
        Ok(())
    }

    fn neighbour_slice(
        &mut self,
        server: &Server,
        who: usize,
        round: usize,
        manners: Manners,
        rate: f64,
    ) -> Result<NeighbourSample> {
        let plan = self.plan_for(server, who, CAPACITY, Pace::Open { rate })?;
        // A block of 50 ms needs time to be seen.
        let plan = Plan { duration: plan.duration.max(SHORTEST), ..plan };
        let (mut before, mut after) = (Size::of(server), Size::of(server));
        let alone = traffic::run(&plan, &mut before)?;
        let beside = traffic::run(&Plan { guest: Some(manners), ..plan }, &mut after)?;
        let late_ns = beside.lateness.as_ref().map(Percentiles::of).unwrap_or_default();
        let guest = |visit: Visit| Guest {
            messages_per_second: visit.messages as f64 / beside.elapsed.as_secs_f64(),
            sent: visit.sent,
        };
        let grown = before.bytes.zip(after.bytes).map(|(before, after)| after as f64 - before as f64);
        Ok(NeighbourSample {
            round,
            alone_ns: Percentiles::of(&alone.latency),
            latency_ns: Percentiles::of(&beside.latency),
            late_ns,
            generator_limited: why_bottleneck(0.0, Some(&late_ns)).is_some(),
            missing: beside.missing,
            neighbour: beside.visit.map(guest).unwrap_or_default(),
            grown,
        })
    }
}

/// The size of the server's process at the end of the measured time.
struct Size<'a> {
    server: &'a Server,
    bytes: Option<u64>,
}

impl<'a> Size<'a> {
    fn of(server: &'a Server) -> Self {
        Size { server, bytes: None }
    }
}

impl Observer for Size<'_> {
    fn end(&mut self) {
        self.bytes = self.server.memory();
    }
}

/// What the polite ones send per second, all of them together: little beside what any loop can do.
const RATE: f64 = 10_000.0;
/// Less, because all of it waits while a loop is blocked.
const BLOCKED_RATE: f64 = 2_000.0;
const SHORTEST: Duration = Duration::from_millis(300);
