//! Which experiments, how long, how often.

use std::time::Duration;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::results::Cell;
use crate::{args::BenchArguments, runtimes::Runtime};

/// What can be measured.
#[derive(ValueEnum, Serialize, Deserialize, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Experiment {
    /// CPU per message and messages per second, by payload
    Throughput,
    /// The same by connections, up to 10,000
    Connections,
    /// Text beside binary, and what checking UTF-8 costs by itself
    Text,
    /// Each loop with the threads that it takes by itself, on all CPUs
    Defaults,
    /// Latency at fixed rates
    Latency,
    /// Opening and closing connections
    Handshakes,
    /// Memory of idle connections, in the process and in the kernel
    Memory,
    /// System calls per message, and those of one message spelled out; needs strace
    Syscalls,
    /// One handler blocks for 50 ms: the latency of the others
    Blocked,
    /// One client stops reading: the server's memory, and the latency of the others
    Stalled,
    /// One client floods the server: the latency of the others
    Flood,
    /// io_uring against epoll inside the same runtime, compio's two drivers; needs --peers and io_uring
    Drivers,
    /// Crates, seconds and bytes of the smallest server on each loop; needs cargo and a checkout
    Build,
}

/// What `bench` will do.
pub(crate) struct Schedule {
    pub(crate) quick: bool,
    pub(crate) rounds: usize,
    /// No other runtimes than these; any, if there are none.
    pub(crate) only: Vec<Runtime>,
    /// In the order in which they are done.
    pub(crate) experiments: Vec<Experiment>,
    /// Closed loops on all contestants, the first of which sorts the table.
    pub(crate) payloads: Vec<Cell>,
    /// Those for the plot over connections, where quick rounds leave raw TCP out.
    pub(crate) by_connections: Vec<Cell>,
    /// Text, each beside the same as binary.
    pub(crate) texts: Vec<Cell>,
    /// Closed loops on all CPUs.
    pub(crate) defaults: Vec<Cell>,
    /// Closed loops on each driver of compio.
    pub(crate) drivers: Vec<Cell>,
    /// Percentages of the slowest contestant's capacity.
    pub(crate) percents: Vec<u32>,
    /// Idle connections.
    pub(crate) idle: usize,
    /// The measured part of a slice.
    pub(crate) slice: Duration,
    /// What comes before it.
    pub(crate) warmup: Duration,
}

/// The experiment that sorts the table: many connections, small messages, many in flight.
pub(crate) const HEADLINE: Cell = Cell { connections: 64, size: 16, depth: 16, text: false };

/// The experiment whose slowest contestant decides the rates at which latency is measured.
pub(crate) const CAPACITY: Cell = Cell { connections: 64, size: 16, depth: 1, text: false };

impl Experiment {
    /// The word of the command line.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// It measures the servers that run all the time, and starts no others.
    pub(crate) fn uses_lasting_servers(self) -> bool {
        use Experiment::{Connections, Handshakes, Latency, Text, Throughput};
        matches!(self, Throughput | Connections | Text | Latency | Handshakes)
    }

    /// Those that a quick comparison has when nobody asks for others: about a minute.
    fn is_quick(self) -> bool {
        use Experiment::{Connections, Handshakes, Latency, Memory, Syscalls, Throughput};
        matches!(self, Throughput | Connections | Latency | Handshakes | Memory | Syscalls)
    }
}

/// How many take part.
pub(crate) struct Crowd {
    pub(crate) timtow: usize,
    /// Those that speak WebSocket.
    pub(crate) websockets: usize,
    /// All but those that follow.
    pub(crate) all: usize,
    /// Raw TCP with large reads, which is in some cells.
    pub(crate) large: usize,
    /// Those of `drivers`, who take part in nothing else.
    pub(crate) drivers: usize,
}

impl Schedule {
    /// The schedule that `arguments` ask for.
    pub(crate) fn new(arguments: &BenchArguments) -> Self {
        let quick = arguments.quick;
        let experiments = Experiment::value_variants().iter().copied();
        let experiments = experiments.filter(|experiment| match arguments.experiments.as_slice() {
            [] => !quick || experiment.is_quick(),
            chosen => chosen.contains(experiment),
        });
        let cell = |connections, size, depth| Cell { connections, size, depth, text: false };
        let sizes: &[usize] = if quick { &[1024] } else { &[125, 1024, 16 << 10, 64 << 10] };
        let mut payloads = vec![HEADLINE, CAPACITY];
        payloads.extend(sizes.iter().flat_map(|size| [cell(64, *size, 16), cell(64, *size, 1)]));
        let mut by_connections = vec![cell(1, 16, 16), HEADLINE, cell(512, 16, 16)];
        let mut drivers = vec![HEADLINE, CAPACITY, cell(64, 1024, 16)];
        let mut texts = vec![cell(64, 125, 16), cell(64, 1024, 16)];
        if !quick {
            // With more, they would not fit into the caches of any machine.
            payloads.push(cell(16, 1 << 20, 1));
            by_connections.extend([cell(8, 16, 16), cell(MANY, 16, 16)]);
            by_connections.extend([1, 8, 64, 512, MANY].map(|connections| cell(connections, 16, 1)));
            let others = sizes.iter().flat_map(|size| [(1, *size), (512, *size)]);
            let others =
                others.flat_map(|(connections, size)| [cell(connections, size, 16), cell(connections, size, 1)]);
            by_connections.extend(others.filter(|it| it.connections * it.size * it.depth as usize <= MOST_IN_FLIGHT));
            drivers.extend([cell(64, 16 << 10, 1), cell(64, 64 << 10, 1)]);
            texts.extend([cell(64, 16, 16), cell(64, 16 << 10, 1), cell(64, 64 << 10, 1)]);
        }
        let default = if quick { QUICK_SLICE } else { FULL_SLICE };
        let slice = arguments.seconds.map_or(default, Duration::from_secs_f64);
        Schedule {
            quick,
            rounds: if quick { 3 } else { 5 },
            only: arguments.only.clone(),
            experiments: experiments.collect(),
            payloads,
            by_connections,
            texts,
            defaults: vec![HEADLINE, CAPACITY, cell(64, 1024, 16)],
            drivers,
            percents: vec![25, 50, 80],
            idle: if quick { 1_000 } else { MANY },
            slice,
            warmup: (slice / 4).min(Duration::from_millis(250)),
        }
    }

    /// Connections that a server has at a time, at most.
    pub(crate) fn most_connections(&self) -> usize {
        let has = |experiment| self.experiments.contains(&experiment);
        let cells = self.by_connections.iter().filter(|_| has(Experiment::Connections)).map(|cell| cell.connections);
        cells.chain(has(Experiment::Memory).then_some(self.idle)).chain([HEADLINE.connections]).max().unwrap_or(0)
    }

    /// Whether raw TCP with large reads takes part.
    pub(crate) fn has_large_reads(&self) -> bool {
        let has = |experiment| self.experiments.contains(&experiment);
        let payloads = self.payloads.iter().filter(|_| has(Experiment::Throughput));
        let all = payloads.chain(self.by_connections.iter().filter(|_| has(Experiment::Connections)));
        all.chain(self.texts.iter().filter(|_| has(Experiment::Text)))
            .any(|cell| cell.has_large_reads() || cell.wants_both_reads())
    }

    /// Whether any experiment measures the servers that all others do.
    pub(crate) fn uses_contestants(&self) -> bool {
        self.experiments.iter().any(|experiment| !matches!(experiment, Experiment::Drivers | Experiment::Build))
    }

    /// Rounds of what has hardly any noise.
    pub(crate) fn few_rounds(&self) -> usize {
        if self.quick { 1 } else { self.rounds }
    }

    /// Slices of `experiment`, for progress.
    pub(crate) fn slices(&self, experiment: Experiment, crowd: &Crowd) -> usize {
        let Crowd { timtow, websockets, all, large, drivers } = *crowd;
        let of_cells = |cells: &[Cell]| {
            let both = cells.iter().filter(|cell| cell.wants_both_reads()).count();
            (cells.len() * all + both * large) * self.rounds
        };
        match experiment {
            Experiment::Throughput => of_cells(&self.payloads),
            Experiment::Connections if self.quick => self.by_connections.len() * websockets * self.rounds,
            Experiment::Connections => of_cells(&self.by_connections),
            Experiment::Text => 2 * of_cells(&self.texts),
            Experiment::Defaults => self.defaults.len() * timtow * self.rounds,
            Experiment::Latency => self.percents.len() * websockets * self.rounds,
            Experiment::Handshakes => all * self.rounds,
            Experiment::Memory => websockets * self.few_rounds(),
            Experiment::Syscalls => all,
            Experiment::Blocked => timtow * self.rounds,
            Experiment::Stalled | Experiment::Flood => websockets * self.rounds,
            Experiment::Drivers => (self.drivers.len() * self.rounds + 1) * drivers,
            Experiment::Build => 0,
        }
    }
}

/// As many as the field talks about.
const MANY: usize = 10_000;
/// Bytes. With more, the system has no memory left for sockets, and what is measured is how it copes.
const MOST_IN_FLIGHT: usize = 256 << 20;
/// Long enough for tens of thousands of small messages.
const QUICK_SLICE: Duration = Duration::from_millis(140);
const FULL_SLICE: Duration = Duration::from_millis(500);
