//! results.json: everything that was measured, and everything that the table and the report are made of.

use serde::{Deserialize, Serialize};

use super::{
    contestants::Contestant,
    cpus::Cpus,
    machine::{Machine, Versions},
    statistics::{Place, Spread, noise, places},
};
use crate::load::{Protocol, outcome::Percentiles};

/// A whole comparison.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct Results {
    /// The version of this schema: 1.
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
    /// Who takes part.
    pub(crate) contestants: Vec<Contestant>,
    /// Closed loop; the cost is server CPU nanoseconds per message, the rate is messages per second.
    pub(crate) throughput: Vec<Throughput>,
    /// Open loop at fixed rates.
    pub(crate) latency: Vec<Latency>,
    /// Idle connections; the cost is bytes (proportional set size) per connection.
    pub(crate) memory: Option<Memory>,
    /// Connect, upgrade, close; the cost is server CPU nanoseconds per connection, the rate is connections per second.
    pub(crate) handshakes: Option<Handshakes>,
}

/// What is sent in a closed loop.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Cell {
    pub(crate) connections: usize,
    /// Payload bytes.
    pub(crate) size: usize,
    /// Messages in flight on each connection.
    pub(crate) depth: u32,
    /// Text with multi-byte characters, not binary.
    pub(crate) text: bool,
}

/// One closed-loop experiment.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct Throughput {
    #[serde(flatten)]
    pub(crate) cell: Cell,
    #[serde(flatten)]
    pub(crate) table: Table,
}

/// Idle memory.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct Memory {
    /// Idle connections.
    pub(crate) connections: usize,
    #[serde(flatten)]
    pub(crate) table: Table,
}

/// Connections per second.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct Handshakes {
    /// Connections that were being opened or closed at any time.
    pub(crate) connections: usize,
    #[serde(flatten)]
    pub(crate) table: Table,
}

/// One row for each contestant.
#[derive(Serialize, Deserialize, Default, Debug)]
pub(crate) struct Table {
    /// Relative difference of costs below which two rows are a tie, from the A/A row.
    pub(crate) noise: Option<f64>,
    pub(crate) rows: Vec<Row>,
}

/// What a contestant cost.
#[derive(Serialize, Deserialize, Default, Debug)]
pub(crate) struct Row {
    /// Its name.
    pub(crate) contestant: String,
    /// One for each round.
    pub(crate) samples: Vec<Sample>,
    /// Why there are no more samples.
    pub(crate) failure: Option<String>,
    pub(crate) cost: Option<Spread>,
    pub(crate) rate: Option<Spread>,
    /// Cost divided by that of raw TCP on the same loop, round by round.
    pub(crate) ratio: Option<Spread>,
    /// Its place among its kind, by cost.
    pub(crate) place: Option<Place>,
    /// The generator, not the server, limited the rate in most rounds; the cost is not affected.
    pub(crate) generator_limited: bool,
}

/// One slice.
#[derive(Serialize, Deserialize, Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) round: usize,
    pub(crate) cost: f64,
    pub(crate) rate: f64,
    /// CPU time of the server as a part of the measured time.
    pub(crate) server_busy: f64,
    /// The same of the generator.
    pub(crate) generator_busy: f64,
    pub(crate) generator_limited: bool,
}

/// One open-loop experiment.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct Latency {
    /// Messages per second, the same for all.
    pub(crate) rate: f64,
    /// The same as a percentage of what the slowest contestant can do.
    pub(crate) percent: u32,
    pub(crate) connections: usize,
    /// Payload bytes.
    pub(crate) size: usize,
    /// Relative difference of the 99th percentiles below which two rows are a tie.
    pub(crate) noise: Option<f64>,
    pub(crate) rows: Vec<LatencyRow>,
}

/// How long a contestant took.
#[derive(Serialize, Deserialize, Default, Debug)]
pub(crate) struct LatencyRow {
    pub(crate) contestant: String,
    /// One for each round.
    pub(crate) samples: Vec<LatencySample>,
    pub(crate) failure: Option<String>,
    /// Nanoseconds.
    pub(crate) p50: Option<Spread>,
    /// Nanoseconds.
    pub(crate) p99: Option<Spread>,
    /// (quantile, nanoseconds) over all rounds together, as far as there are messages enough.
    pub(crate) curve: Vec<(f64, u64)>,
    pub(crate) place: Option<Place>,
    /// The generator sent late in most rounds.
    pub(crate) generator_limited: bool,
}

/// One slice.
#[derive(Serialize, Deserialize, Clone, Copy, Debug)]
pub(crate) struct LatencySample {
    pub(crate) round: usize,
    pub(crate) latency_ns: Percentiles,
    /// How late the generator sent.
    pub(crate) late_ns: Percentiles,
    pub(crate) generator_limited: bool,
    /// Messages that had not come back when the generator gave up.
    pub(crate) missing: u64,
}

impl Results {
    /// The name of the contestant that is `runtime` over `protocol`, not its twin.
    pub(crate) fn contestant(&self, name: &str) -> Option<&Contestant> {
        self.contestants.iter().find(|contestant| contestant.name == name)
    }

    /// The closed-loop experiment with `cell`.
    pub(crate) fn throughput_of(&self, cell: Cell) -> Option<&Throughput> {
        self.throughput.iter().find(|throughput| throughput.cell == cell)
    }

    /// What could not be measured, each as "contestant: why".
    pub(crate) fn failures(&self) -> impl Iterator<Item = String> {
        let tables = self.throughput.iter().map(|it| &it.table);
        let tables = tables.chain(self.handshakes.iter().map(|it| &it.table));
        let tables = tables.chain(self.memory.iter().map(|it| &it.table));
        let rows = tables.flat_map(|table| &table.rows).map(|row| (&row.contestant, &row.failure));
        let latency = self.latency.iter().flat_map(|it| &it.rows).map(|row| (&row.contestant, &row.failure));
        rows.chain(latency).filter_map(|(contestant, failure)| Some(format!("{contestant}: {}", failure.as_ref()?)))
    }
}

impl Table {
    /// The row of a contestant.
    pub(crate) fn row(&self, name: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.contestant == name)
    }

    /// Fills in what follows from the samples.
    pub(crate) fn summarize(&mut self, contestants: &[Contestant]) {
        let costs = |row: &Row| row.samples.iter().map(|sample| sample.cost).collect::<Vec<_>>();
        self.noise =
            twins(contestants).and_then(|(one, other)| noise(&costs(self.row(one)?), &costs(self.row(other)?)));
        let ratios: Vec<Option<Spread>> = self.rows.iter().map(|row| self.ratio(row, contestants)).collect();
        for (row, ratio) in self.rows.iter_mut().zip(ratios) {
            row.ratio = ratio;
            row.cost = Spread::of(row.samples.iter().map(|sample| sample.cost));
            row.rate = Spread::of(row.samples.iter().map(|sample| sample.rate));
            row.generator_limited = most(row.samples.iter().map(|sample| sample.generator_limited));
        }
        self.rows.iter_mut().for_each(|row| row.place = None);
        for protocol in [Protocol::WebSocket, Protocol::Raw] {
            let is_kind = |row: &Row| contestants.iter().any(|it| it.name == row.contestant && it.protocol == protocol);
            let values: Vec<Option<f64>> =
                self.rows.iter().map(|row| row.cost.filter(|_| is_kind(row)).map(|cost| cost.median)).collect();
            for (row, place) in self.rows.iter_mut().zip(places(&values, self.noise.unwrap_or(0.0))) {
                row.place = row.place.or(place);
            }
        }
    }

    fn ratio(&self, row: &Row, contestants: &[Contestant]) -> Option<Spread> {
        let contestant = contestants.iter().find(|contestant| contestant.name == row.contestant)?;
        let raw =
            contestants.iter().find(|raw| raw.protocol == Protocol::Raw && raw.runtime == contestant.raw_runtime())?;
        let raw = self.row(&raw.name).filter(|raw| raw.contestant != row.contestant)?;
        Spread::of(row.samples.iter().filter_map(|sample| {
            let raw = raw.samples.iter().find(|raw| raw.round == sample.round)?;
            Some(sample.cost / raw.cost)
        }))
    }
}

impl Latency {
    /// Fills in what follows from the samples.
    pub(crate) fn summarize(&mut self, contestants: &[Contestant]) {
        let p99s = |name: &str| {
            let row = self.rows.iter().find(|row| row.contestant == name)?;
            Some(row.samples.iter().map(|sample| sample.latency_ns.p99 as f64).collect::<Vec<_>>())
        };
        self.noise = twins(contestants).and_then(|(one, other)| noise(&p99s(one)?, &p99s(other)?));
        for row in &mut self.rows {
            row.p50 = Spread::of(row.samples.iter().map(|sample| sample.latency_ns.p50 as f64));
            row.p99 = Spread::of(row.samples.iter().map(|sample| sample.latency_ns.p99 as f64));
            row.generator_limited = most(row.samples.iter().map(|sample| sample.generator_limited));
        }
        let values: Vec<Option<f64>> = self.rows.iter().map(|row| row.p99.map(|p99| p99.median)).collect();
        for (row, place) in self.rows.iter_mut().zip(places(&values, self.noise.unwrap_or(0.0))) {
            row.place = place;
        }
    }
}

/// The names of the contestant that takes part twice.
fn twins(contestants: &[Contestant]) -> Option<(&str, &str)> {
    let twin = contestants.iter().find_map(|twin| Some((twin.twin_of.as_deref()?, twin.name.as_str())))?;
    Some(twin)
}

fn most(marks: impl ExactSizeIterator<Item = bool>) -> bool {
    let all = marks.len();
    marks.filter(|mark| *mark).count() * 2 > all
}
