//! Tables of contestants: what each cost, how long each took.

use serde::{Deserialize, Serialize};

use super::super::{
    contestants::{Contestant, large_name},
    statistics::{Place, Spread, noise, places},
};
use crate::{
    failure::{Failure, Fault},
    load::{Protocol, outcome::Percentiles},
};

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

impl Cell {
    /// Frames are larger than what is read at a time, so that adapters read more.
    pub(crate) fn has_large_reads(&self) -> bool {
        self.size > READ
    }

    /// More may be there than is read at a time: larger reads take fewer calls, and their gain is shown.
    pub(crate) fn wants_both_reads(&self) -> bool {
        !self.has_large_reads() && self.size * self.depth as usize > READ
    }
}

/// Bytes that adapters read at a time.
const READ: usize = 64 << 10;

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
    /// Bytes of the process (the anonymous part of its proportional set size).
    #[serde(flatten)]
    pub(crate) table: Table,
    /// Bytes of the kernel, for both ends of the connection.
    pub(crate) kernel: Option<Table>,
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
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
    pub(crate) cost: Option<Spread>,
    pub(crate) rate: Option<Spread>,
    /// Cost divided by that of raw TCP on the same loop, round by round.
    pub(crate) ratio: Option<Spread>,
    /// Its place among its kind, by cost.
    pub(crate) place: Option<Place>,
    /// The generator, not the server, limited the rate in most rounds; the cost is not affected.
    pub(crate) generator_limited: bool,
}

/// Why there are no more samples.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Outcome {
    /// What could not be measured.
    pub(crate) failure: Option<String>,
    /// What was wrong with its answers: then it has no numbers here, whatever it did before.
    pub(crate) disqualified: Option<String>,
}

/// One slice.
#[derive(Serialize, Deserialize, Clone, Copy, Default, Debug)]
pub(crate) struct Sample {
    pub(crate) round: usize,
    /// None where the server's processes are not known.
    pub(crate) cost: Option<f64>,
    pub(crate) rate: f64,
    /// CPU time of the server as a part of the measured time.
    pub(crate) server_busy: Option<f64>,
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
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
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

impl Outcome {
    /// What `failure` makes of a contestant, and what is left of its samples: nothing, if it answered wrongly.
    pub(crate) fn of<T>(samples: Vec<T>, failure: Option<Failure>) -> (Vec<T>, Self) {
        match failure {
            Some(Failure { sentence, fault: Fault::Server }) => {
                (Vec::new(), Outcome { disqualified: Some(sentence), failure: None })
            }
            failure => (samples, Outcome { disqualified: None, failure: failure.map(|failure| failure.sentence) }),
        }
    }

    /// Everything was measured.
    pub(crate) fn is_good(&self) -> bool {
        self.why().is_none()
    }

    /// What is not good.
    pub(crate) fn why(&self) -> Option<&str> {
        self.disqualified.as_deref().or(self.failure.as_deref())
    }

    /// One word for a table.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Outcome { disqualified: Some(_), .. } => "disqualified",
            Outcome { failure: Some(_), .. } => "failed",
            _ => "-",
        }
    }
}

impl Table {
    /// A row for each of `slices`: what a contestant of that name showed, and why no more.
    pub(crate) fn new(
        slices: impl IntoIterator<Item = (String, Vec<Sample>, Option<Failure>)>,
        contestants: &[Contestant],
    ) -> Self {
        let rows = slices.into_iter().map(|(contestant, samples, failure)| {
            let (samples, outcome) = Outcome::of(samples, failure);
            Row { contestant, samples, outcome, ..Row::default() }
        });
        let mut table = Table { noise: None, rows: rows.collect() };
        table.summarize(contestants);
        table
    }

    /// The row of a contestant.
    pub(crate) fn row(&self, name: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.contestant == name)
    }

    /// Fills in what follows from the samples.
    fn summarize(&mut self, contestants: &[Contestant]) {
        let costs = |row: &Row| row.samples.iter().filter_map(|sample| sample.cost).collect::<Vec<_>>();
        self.noise =
            twins(contestants).and_then(|(one, other)| noise(&costs(self.row(one)?), &costs(self.row(other)?)));
        let ratios: Vec<Option<Spread>> = self.rows.iter().map(|row| self.ratio(row, contestants)).collect();
        for (row, ratio) in self.rows.iter_mut().zip(ratios) {
            row.ratio = ratio;
            row.cost = Spread::of(costs(row));
            row.rate = Spread::of(row.samples.iter().map(|sample| sample.rate));
            row.generator_limited = most(row.samples.iter().map(|sample| sample.generator_limited));
        }
        self.rows.iter_mut().for_each(|row| row.place = None);
        for protocol in [Protocol::WebSocket, Protocol::Raw] {
            let is_kind =
                |row: &Row| contestants.iter().any(|it| it.name == row.contestant && it.protocol() == protocol);
            let values: Vec<Option<f64>> =
                self.rows.iter().map(|row| row.cost.filter(|_| is_kind(row)).map(|cost| cost.median)).collect();
            for (row, place) in self.rows.iter_mut().zip(places(&values, self.noise.unwrap_or(0.0))) {
                row.place = row.place.or(place);
            }
        }
    }

    fn ratio(&self, row: &Row, contestants: &[Contestant]) -> Option<Spread> {
        let contestant = contestants.iter().find(|contestant| contestant.name == row.contestant)?;
        let ceiling = contestant.ceiling.as_deref()?;
        // Where it is measured beside the other, its reads are larger than those of the row.
        let raw = self.row(ceiling).or_else(|| self.row(&large_name(ceiling)))?;
        Spread::of(row.samples.iter().filter_map(|sample| {
            let raw = raw.samples.iter().find(|raw| raw.round == sample.round)?;
            Some(sample.cost? / raw.cost?)
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
pub(super) fn twins(contestants: &[Contestant]) -> Option<(&str, &str)> {
    contestants.iter().find_map(|twin| Some((twin.twin_of.as_deref()?, twin.name.as_str())))
}

/// More than half of `marks`.
pub(super) fn most(marks: impl ExactSizeIterator<Item = bool>) -> bool {
    let all = marks.len();
    marks.filter(|mark| *mark).count() * 2 > all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtimes::Runtime;

    #[test]
    fn the_ceiling_is_raw_tcp_with_reads_of_the_same_size() {
        let mut contestants = Contestant::all(&[Runtime::Smol], false, &[], &[]);
        contestants.extend(contestants.clone().iter().filter_map(Contestant::with_large_reads));
        let ratio = |raws: &[(&str, f64)]| {
            let sample = |cost| vec![Sample { cost: Some(cost), ..Sample::default() }];
            let rows = [("smol", 3.0)].iter().chain(raws);
            let table = Table::new(rows.map(|(name, cost)| ((*name).into(), sample(*cost), None)), &contestants);
            table.rows[0].ratio.map(|ratio| ratio.median)
        };
        assert_eq!(ratio(&[]), None);
        assert_eq!(ratio(&[("raw TCP, smol, 1 MiB", 2.0)]), Some(1.5));
        assert_eq!(ratio(&[("raw TCP, smol, 1 MiB", 2.0), ("raw TCP, smol", 3.0)]), Some(1.0));
    }

    #[test]
    fn wrong_answers_take_all_numbers_away_and_other_failures_none() {
        let samples = || vec![1, 2];
        assert_eq!(Outcome::of(samples(), None), (samples(), Outcome::default()));
        let (left, outcome) = Outcome::of(samples(), Some(Failure::new("no port")));
        assert_eq!((left, outcome.failure.as_deref(), outcome.disqualified), (samples(), Some("no port"), None));
        let (left, outcome) = Outcome::of(samples(), Some(Failure::server("garbled")));
        assert_eq!((left, outcome.failure, outcome.disqualified.as_deref()), (vec![], None, Some("garbled")));
    }
}
