//! results.json: everything that was measured, and everything that the table and the report are made of. RESULTS.md tells
//! what the fields mean.

mod more;
mod rows;

use serde::{Deserialize, Serialize};

use super::{
    contestants::Contestant,
    cpus::Cpus,
    machine::{Machine, Versions},
    plan::Experiment,
};
pub(crate) use more::{
    Build, BuildRow, Count, Drivers, Guest, Neighbour, NeighbourRow, NeighbourSample, Syscalls, SyscallsRow, Validation,
};
pub(crate) use rows::{
    Cell, Handshakes, Latency, LatencyRow, LatencySample, Memory, Outcome, Row, Sample, Table, Throughput,
};

/// The version of this schema.
pub(crate) const FORMAT: u32 = 2;

/// A whole comparison.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct Results {
    /// [`FORMAT`].
    pub(crate) format: u32,
    /// `--quick`: three rounds of short slices, good for a first look.
    pub(crate) quick: bool,
    /// Ctrl-C ended it early.
    pub(crate) interrupted: bool,
    /// The command line.
    pub(crate) command: String,
    /// When it began, in UTC (RFC 3339).
    pub(crate) date: String,
    /// How long it took.
    pub(crate) seconds: f64,
    /// Decided the order of slices, payloads and masks.
    pub(crate) seed: u64,
    /// Rounds.
    pub(crate) rounds: usize,
    /// Measured seconds of a slice.
    pub(crate) slice_seconds: f64,
    /// What was compared.
    pub(crate) versions: Versions,
    /// Where.
    pub(crate) machine: Machine,
    /// Which CPU did what.
    pub(crate) cpus: Cpus,
    /// The part of the two CPUs' time that other programs took, if it is known.
    pub(crate) disturbance: Option<f64>,
    /// The experiments that were asked for.
    pub(crate) experiments: Vec<Experiment>,
    /// What of them was not done, and why.
    pub(crate) skipped: Vec<Skipped>,
    /// Who takes part.
    pub(crate) contestants: Vec<Contestant>,
    /// Closed loop; the cost is server CPU nanoseconds per message, the rate is messages per second.
    pub(crate) throughput: Vec<Throughput>,
    /// The same, each with its own threads on all CPUs.
    pub(crate) defaults: Vec<Throughput>,
    /// What checking UTF-8 costs by itself.
    pub(crate) validation: Vec<Validation>,
    /// Open loop at fixed rates.
    pub(crate) latency: Vec<Latency>,
    /// Connect, upgrade, close; the cost is server CPU nanoseconds per connection, the rate is connections per second.
    pub(crate) handshakes: Option<Handshakes>,
    /// Idle connections; the cost is bytes per connection.
    pub(crate) memory: Option<Memory>,
    /// What the servers ask of the system.
    pub(crate) syscalls: Option<Syscalls>,
    /// io_uring against epoll inside the same runtime.
    #[serde(default)]
    pub(crate) drivers: Option<Drivers>,
    /// What becomes of others beside one that behaves badly.
    pub(crate) neighbours: Vec<Neighbour>,
    /// What the smallest server on each loop costs to build.
    pub(crate) build: Option<Build>,
}

/// Something that was asked for and not done.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub(crate) struct Skipped {
    /// None: the contestant takes no part at all.
    pub(crate) experiment: Option<Experiment>,
    /// None: all of them.
    pub(crate) contestant: Option<String>,
    /// In a sentence without a full stop.
    pub(crate) why: String,
}

/// What a contestant could not do in an experiment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trouble<'a> {
    pub(crate) contestant: &'a str,
    pub(crate) outcome: &'a Outcome,
}

impl Results {
    /// The contestant of that name.
    pub(crate) fn contestant(&self, name: &str) -> Option<&Contestant> {
        let drivers = self.drivers.iter().flat_map(|it| &it.contestants);
        self.contestants.iter().chain(drivers).find(|contestant| contestant.name == name)
    }

    /// The closed-loop experiment with `cell`.
    pub(crate) fn throughput_of(&self, cell: Cell) -> Option<&Throughput> {
        self.throughput.iter().find(|throughput| throughput.cell == cell)
    }

    /// What some could not do, each once.
    pub(crate) fn troubles(&self) -> Vec<Trouble<'_>> {
        let drivers = self.drivers.iter().flat_map(|it| &it.cells);
        let tables = self.throughput.iter().chain(&self.defaults).chain(drivers).map(|it| &it.table);
        let tables = tables.chain(self.handshakes.iter().map(|it| &it.table));
        let tables = tables.chain(self.memory.iter().map(|it| &it.table));
        let rows = tables.flat_map(|table| &table.rows).map(|row| (&row.contestant, &row.outcome));
        let latency = self.latency.iter().flat_map(|it| &it.rows).map(|row| (&row.contestant, &row.outcome));
        let calls = self.syscalls.iter().chain(self.drivers.iter().filter_map(|it| it.syscalls.as_ref()));
        let calls = calls.flat_map(|it| &it.rows).map(|row| (&row.contestant, &row.outcome));
        let neighbours = self.neighbours.iter().flat_map(|it| &it.rows).map(|row| (&row.contestant, &row.outcome));
        let mut troubles: Vec<Trouble<'_>> = Vec::new();
        for (contestant, outcome) in rows.chain(latency).chain(calls).chain(neighbours) {
            let known = |it: &Trouble<'_>| it.contestant == contestant && it.outcome == outcome;
            if !outcome.is_good() && !troubles.iter().any(known) {
                troubles.push(Trouble { contestant, outcome });
            }
        }
        troubles
    }

    /// Why the comparison has failed: something of timtow's own, each as "contestant: why". What becomes of others is
    /// their business.
    pub(crate) fn failures(&self) -> Vec<String> {
        let ours = |name: &str| self.contestant(name).is_none_or(Contestant::is_ours);
        let troubles = self.troubles();
        let troubles = troubles.iter().filter(|trouble| ours(trouble.contestant));
        let builds = self.build.iter().flat_map(|build| &build.rows);
        let builds =
            builds.filter_map(|row| Some(format!("the smallest server on {}: {}", row.name, row.failure.as_ref()?)));
        troubles.map(Trouble::to_string).chain(builds).collect()
    }
}

impl std::fmt::Display for Trouble<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.contestant, self.outcome.why().unwrap_or_default())
    }
}
