//! What is not one number per contestant: system calls, drivers, neighbours, UTF-8, builds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    super::{
        contestants::Contestant,
        plan::Experiment,
        statistics::{Place, Spread, noise, places},
    },
    rows::{Outcome, Throughput, most, twins},
};
use crate::load::outcome::Percentiles;

/// What checking UTF-8 costs by itself, in memory: a text message received less the same as binary.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
pub(crate) struct Validation {
    /// Payload bytes of a message.
    pub(crate) size: usize,
    /// Nanoseconds per message, over several turns.
    pub(crate) nanoseconds: Spread,
}

/// System calls, counted by strace in a run of their own.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct Syscalls {
    /// Payload bytes of a message.
    pub(crate) size: usize,
    pub(crate) rows: Vec<SyscallsRow>,
}

/// The system calls of a contestant.
#[derive(Serialize, Deserialize, Default, Debug)]
pub(crate) struct SyscallsRow {
    pub(crate) contestant: String,
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
    /// One for each depth.
    pub(crate) counts: Vec<Count>,
    /// Those of one message, the only one in flight, in the order in which they ended; in front of each the number of its
    /// thread, where there are several.
    pub(crate) one_message: Vec<String>,
}

/// How many there were.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct Count {
    /// So many messages were sent at once on the one connection, and the next when all of them were back.
    pub(crate) depth: u64,
    /// Messages in all.
    pub(crate) messages: u64,
    /// All system calls, per message.
    pub(crate) per_message: f64,
    /// By name, per message.
    pub(crate) calls: BTreeMap<String, f64>,
}

/// io_uring against epoll inside the same runtime.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct Drivers {
    /// Its name and version.
    pub(crate) runtime: String,
    /// Who takes part here, and nowhere else.
    pub(crate) contestants: Vec<Contestant>,
    /// Closed loops; the cost is server CPU nanoseconds per message, the rate is messages per second.
    pub(crate) cells: Vec<Throughput>,
    /// None where they could not be counted.
    pub(crate) syscalls: Option<Syscalls>,
}

/// What becomes of polite clients beside one that is not.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct Neighbour {
    /// What the one does: `blocked`, `stalled` or `flood`.
    pub(crate) experiment: Experiment,
    /// Polite connections.
    pub(crate) connections: usize,
    /// Payload bytes of their messages.
    pub(crate) size: usize,
    /// Their messages per second, over all of them.
    pub(crate) rate: f64,
    /// Relative difference of the 99th percentiles, with the neighbour, below which two rows are a tie.
    pub(crate) noise: Option<f64>,
    pub(crate) rows: Vec<NeighbourRow>,
}

/// How the polite ones fared on a server.
#[derive(Serialize, Deserialize, Default, Debug)]
pub(crate) struct NeighbourRow {
    pub(crate) contestant: String,
    /// One for each round.
    pub(crate) samples: Vec<NeighbourSample>,
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
    /// 99th percentile without the neighbour, nanoseconds.
    pub(crate) alone_p99: Option<Spread>,
    /// Median beside it.
    pub(crate) p50: Option<Spread>,
    /// 99th percentile beside it.
    pub(crate) p99: Option<Spread>,
    /// The longest beside it.
    pub(crate) max: Option<Spread>,
    /// Bytes by which the process was larger with the neighbour than without.
    pub(crate) grown: Option<Spread>,
    /// By `p99`.
    pub(crate) place: Option<Place>,
    /// The generator sent late in most rounds.
    pub(crate) generator_limited: bool,
}

/// One slice: first without the neighbour, then with it, on a new process.
#[derive(Serialize, Deserialize, Clone, Copy, Debug)]
pub(crate) struct NeighbourSample {
    pub(crate) round: usize,
    /// Latencies of the polite ones without the neighbour.
    pub(crate) alone_ns: Percentiles,
    /// Latencies of the polite ones beside it.
    pub(crate) latency_ns: Percentiles,
    /// How late the generator sent their messages.
    pub(crate) late_ns: Percentiles,
    pub(crate) generator_limited: bool,
    /// Messages of the polite ones that had not come back when the generator gave up.
    pub(crate) missing: u64,
    pub(crate) neighbour: Guest,
    /// Bytes by which the process was larger with it.
    pub(crate) grown: Option<f64>,
}

/// What the neighbour did.
#[derive(Serialize, Deserialize, Clone, Copy, Default, Debug)]
pub(crate) struct Guest {
    /// Messages that came back to it.
    pub(crate) messages_per_second: f64,
    /// Bytes that were taken from it since it came.
    pub(crate) sent: u64,
}

/// The smallest server on each loop.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct Build {
    /// CPUs that built it.
    pub(crate) cpus: usize,
    pub(crate) rows: Vec<BuildRow>,
}

/// One build, from nothing.
#[derive(Serialize, Deserialize, Default, Debug)]
pub(crate) struct BuildRow {
    /// The README's name for the loop.
    pub(crate) name: String,
    pub(crate) failure: Option<String>,
    /// Packages that were compiled, timtow's own among them, without the program itself.
    pub(crate) crates: usize,
    /// How long it took.
    pub(crate) seconds: f64,
    /// Bytes of the stripped executable.
    pub(crate) bytes: u64,
}

impl Neighbour {
    /// Fills in what follows from the samples.
    pub(crate) fn summarize(&mut self, contestants: &[Contestant]) {
        let p99s = |name: &str| {
            let row = self.rows.iter().find(|row| row.contestant == name)?;
            Some(row.samples.iter().map(|sample| sample.latency_ns.p99 as f64).collect::<Vec<_>>())
        };
        self.noise = twins(contestants).and_then(|(one, other)| noise(&p99s(one)?, &p99s(other)?));
        for row in &mut self.rows {
            let over =
                |value: fn(&NeighbourSample) -> u64| Spread::of(row.samples.iter().map(|sample| value(sample) as f64));
            row.alone_p99 = over(|sample| sample.alone_ns.p99);
            row.p50 = over(|sample| sample.latency_ns.p50);
            row.p99 = over(|sample| sample.latency_ns.p99);
            row.max = over(|sample| sample.latency_ns.max);
            row.grown = Spread::of(row.samples.iter().filter_map(|sample| sample.grown));
            row.generator_limited = most(row.samples.iter().map(|sample| sample.generator_limited));
        }
        let values: Vec<Option<f64>> = self.rows.iter().map(|row| row.p99.map(|p99| p99.median)).collect();
        for (row, place) in self.rows.iter_mut().zip(places(&values, self.noise.unwrap_or(0.0))) {
            row.place = place;
        }
    }
}
