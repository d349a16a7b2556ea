//! Which experiments, how long, how often.

use std::time::Duration;

use super::results::Cell;
use crate::args::BenchArguments;

/// What `bench` will do.
pub(crate) struct Schedule {
    pub(crate) quick: bool,
    pub(crate) rounds: usize,
    /// Closed-loop experiments on all contestants, the first of which sorts the table.
    pub(crate) cells: Vec<Cell>,
    /// Those for the plot over connections, where quick rounds leave raw TCP out.
    pub(crate) by_connections: Vec<Cell>,
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

impl Schedule {
    /// The schedule that `arguments` ask for.
    pub(crate) fn new(arguments: &BenchArguments) -> Self {
        let quick = arguments.quick;
        let cell = |connections, size, depth| Cell { connections, size, depth, text: false };
        let sizes: &[usize] = if quick { &[1024] } else { &[125, 1024, 16 << 10, 64 << 10] };
        let mut cells = vec![HEADLINE, CAPACITY];
        cells.extend(sizes.iter().flat_map(|size| [cell(64, *size, 16), cell(64, *size, 1)]));
        let mut by_connections = vec![cell(1, 16, 16), cell(512, 16, 16)];
        if !quick {
            // With more, they would not fit into the caches of any machine.
            cells.push(cell(16, 1 << 20, 1));
            cells.push(Cell { text: true, ..cell(64, 125, 16) });
            by_connections.extend([cell(8, 16, 16), cell(1, 1024, 16), cell(8, 1024, 16), cell(512, 1024, 16)]);
        }
        let default = if quick { QUICK_SLICE } else { FULL_SLICE };
        let slice = arguments.seconds.map_or(default, Duration::from_secs_f64);
        Schedule {
            quick,
            rounds: if quick { 3 } else { 5 },
            cells,
            by_connections,
            percents: vec![25, 50, 80],
            idle: if quick { 1_000 } else { 10_000 },
            slice,
            warmup: (slice / 4).min(Duration::from_millis(250)),
        }
    }

    /// Slices in all, for progress.
    pub(crate) fn slices(&self, websockets: usize, all: usize) -> usize {
        let by_connections = self.by_connections.len() * if self.quick { websockets } else { all };
        let throughput = self.cells.len() * all + by_connections;
        let memory_rounds = if self.quick { 1 } else { self.rounds };
        (throughput + self.percents.len() * websockets + all) * self.rounds + websockets * memory_rounds
    }
}

/// Long enough for tens of thousands of small messages.
const QUICK_SLICE: Duration = Duration::from_millis(140);
const FULL_SLICE: Duration = Duration::from_secs(1);
