//! Closed loops: by payload, by connections, of text, with each loop's own defaults; opening connections, and idle ones.

use timtow::{
    Config,
    core::{Connection, Event, Role},
};

use super::{
    super::{
        contestants::with_reads,
        plan::{CAPACITY, HEADLINE},
        results::{Cell, Handshakes, Memory, Sample, Table, Throughput, Validation},
        server::{Launch, Server},
        statistics::Spread,
        watch::{Scale, Watch},
    },
    Bench, Why,
};
use crate::{
    failure::{Failure, Result},
    load::{Pace, Plan, Protocol, handshakes, idle, script::Script, traffic},
};

impl Bench {
    /// By payload.
    pub(super) fn payloads(&mut self) -> std::result::Result<(), Why> {
        let everybody = self.everybody();
        for cell in self.schedule.payloads.clone() {
            self.throughput(cell, &everybody);
        }
        Ok(())
    }

    /// By connections.
    pub(super) fn connections(&mut self) -> std::result::Result<(), Why> {
        let who = if self.schedule.quick { self.websockets() } else { self.everybody() };
        let (possible, too_many): (Vec<Cell>, Vec<Cell>) =
            self.schedule.by_connections.iter().partition(|cell| self.affords(cell.connections).is_ok());
        for cell in possible {
            self.throughput(cell, &who);
        }
        too_many.first().map_or(Ok(()), |cell| self.affords(cell.connections))
    }

    /// Text, the same as binary, and the check by itself.
    pub(super) fn texts(&mut self) -> std::result::Result<(), Why> {
        // Raw TCP, too: the same bytes for it, and a measure of how fast the machine was meanwhile.
        let everybody = self.everybody();
        for cell in self.schedule.texts.clone() {
            if self.stop.is_set() {
                break;
            }
            self.throughput(Cell { text: false, ..cell }, &everybody);
            self.throughput(Cell { text: true, ..cell }, &everybody);
            let size = cell.size;
            self.progress.experiment(format!("checking {size} bytes of text"));
            let turns = (0..VALIDATION_TURNS).map(|turn| validation(size, turn));
            self.results
                .validation
                .extend(Spread::of(turns.collect::<Vec<_>>()).map(|nanoseconds| Validation { size, nanoseconds }));
        }
        Ok(())
    }

    /// Each with its own threads, on all CPUs.
    pub(super) fn defaults(&mut self) -> std::result::Result<(), Why> {
        if self.results.machine.cores < 2 {
            return Err("there is only one CPU, so that every loop has the one thread that it has elsewhere".into());
        }
        let who = self.choose(|contestant| contestant.is_timtow());
        for cell in self.schedule.defaults.clone() {
            if self.stop.is_set() {
                break;
            }
            self.progress.experiment(format!("own defaults, {}", describe(cell)));
            let slices = self.interleave(self.schedule.rounds, &who, |bench, who, round| {
                let server = bench.start(who, &Launch { own_defaults: true, ..Launch::default() })?;
                let plan = bench.plan_for(&server, who, cell, Pace::Closed { depth: cell.depth })?;
                closed_slice(&server, &plan, round)
            });
            let table = self.table(&who, slices);
            self.results.defaults.push(Throughput { cell, table });
        }
        Ok(())
    }

    /// A closed loop, unless it was measured already, or nothing more is to be.
    pub(super) fn throughput(&mut self, cell: Cell, who: &[usize]) {
        let who = &with_reads(&self.results.contestants, cell, who)[..];
        if self.results.throughput_of(cell).is_some() || self.stop.is_set() {
            return self.progress.skip(self.schedule.rounds * who.len());
        }
        self.progress.experiment(describe(cell));
        let throughput = self.closed_loop(cell, who);
        self.results.throughput.push(throughput);
    }

    /// A closed loop on the servers that run all the time.
    pub(super) fn closed_loop(&mut self, cell: Cell, who: &[usize]) -> Throughput {
        let slices = self.interleave(self.schedule.rounds, who, |bench, who, round| {
            let plan = bench.plan(who, cell, Pace::Closed { depth: cell.depth })?;
            closed_slice(bench.server(who)?, &plan, round)
        });
        Throughput { cell, table: self.table(who, slices) }
    }

    /// Messages per second of the slowest contestant, one in flight on each connection.
    pub(super) fn capacity(&mut self) -> Option<f64> {
        let websockets = self.websockets();
        // Where nobody asked for it.
        if self.results.throughput_of(CAPACITY).is_none() {
            self.throughput(CAPACITY, &websockets);
        }
        let names: Vec<&str> = websockets.iter().map(|who| self.results.contestants[*who].name.as_str()).collect();
        let rows = &self.results.throughput_of(CAPACITY)?.table.rows;
        let rates = rows.iter().filter(|row| names.contains(&row.contestant.as_str()));
        rates.filter_map(|row| Some(row.rate?.median)).min_by(f64::total_cmp)
    }

    /// Opening and closing connections.
    pub(super) fn handshakes(&mut self) -> std::result::Result<(), Why> {
        let who = self.everybody();
        self.progress.experiment("opening and closing connections".into());
        let cell = Cell { connections: OPENING, ..CAPACITY };
        let slices = self.interleave(self.schedule.rounds, &who, |bench, who, round| {
            let plan = bench.plan(who, cell, Pace::Closed { depth: 1 })?;
            let mut watch = Watch::new(bench.server(who)?);
            let measured = handshakes::run(&plan, MOST_HANDSHAKES, &mut watch)?;
            let handshakes::Measured { elapsed, connections, observed, cpu } = measured;
            Ok(watch.sample(round, elapsed, connections, observed, cpu))
        });
        let table = self.table(&who, slices);
        self.results.handshakes = Some(Handshakes { connections: OPENING, table });
        Ok(())
    }

    /// Idle connections.
    pub(super) fn memory(&mut self) -> std::result::Result<(), Why> {
        let cell = Cell { connections: self.schedule.idle, ..CAPACITY };
        self.affords(cell.connections)?;
        let who = self.websockets();
        self.progress.experiment(format!("{} idle connections", cell.connections));
        // Memory has hardly any noise.
        let rounds = self.schedule.few_rounds();
        let slices = self.interleave(rounds, &who, |bench, who, round| {
            // A new process, which has not yet grown by other experiments.
            let server = bench.start(who, &Launch::default())?;
            let plan = bench.plan_for(&server, who, cell, Pace::Closed { depth: 1 })?;
            let mut scale = Scale::new(&server);
            idle::run(&plan, &mut scale)?;
            scale.samples(round, cell.connections)
        });
        let table = |bench: &Bench, kind: usize| {
            let of_kind = |(samples, failure): &(Vec<[Option<Sample>; 2]>, Option<Failure>)| {
                (samples.iter().filter_map(|sample| sample[kind]).collect(), failure.clone())
            };
            bench.table(&who, slices.iter().map(of_kind).collect())
        };
        let kernel: Table = table(self, 1);
        let kernel = kernel.rows.iter().any(|row| row.cost.is_some()).then_some(kernel);
        self.results.memory = Some(Memory { connections: cell.connections, table: table(self, 0), kernel });
        match self.results.memory.as_ref().is_some_and(|memory| memory.kernel.is_some()) {
            true => Ok(()),
            false => Err("the system does not tell the kernel's share (/proc/meminfo, /proc/net/sockstat): only that \
                          of the process is shown"
                .into()),
        }
    }
}

fn closed_slice(server: &Server, plan: &Plan, round: usize) -> Result<Sample> {
    let mut watch = Watch::new(server);
    let measured = traffic::run(plan, &mut watch)?;
    Ok(watch.sample(round, measured.elapsed, measured.messages, measured.observed, measured.cpu))
}

/// `64 connections, 16 bytes of text, 16 in flight`.
pub(super) fn describe(cell: Cell) -> String {
    let Cell { connections, size, depth, text } = cell;
    let kind = if text { " of text" } else { "" };
    format!("{connections} connections, {size} bytes{kind}, {depth} in flight")
}

/// Nanoseconds that checking a text of so many bytes takes this core, at `turn`: what receiving it takes in memory, less the
/// same for binary.
fn validation(size: usize, turn: u64) -> f64 {
    let count = (VALIDATED / size.max(1)).clamp(1, 1024);
    let [text, binary] = [true, false].map(|text| {
        let script = Script::new(Protocol::WebSocket, size, text, turn);
        let wire: Vec<u8> = (0..count as u64)
            .flat_map(|number| {
                let at = number * script.frame as u64;
                script.bytes(0, at, at + script.frame as u64).to_vec()
            })
            .collect();
        let mut connection = Connection::upgraded(Role::Server, Config::default().into());
        // The first pass fills caches, and the best of some is the one that nothing disturbed.
        let passes = (0..VALIDATION_PASSES).map(|_| {
            let mut wire = wire.clone();
            let mut input = &mut wire[..];
            let (begin, mut messages) = (std::time::Instant::now(), 0);
            while let Some(event) = connection.receive(&mut input) {
                messages += usize::from(matches!(event, Event::Message(_)));
            }
            let nanoseconds = begin.elapsed().as_nanos() as f64;
            debug_assert_eq!(messages, count);
            nanoseconds / count as f64
        });
        passes.fold(f64::INFINITY, f64::min)
    });
    (text - binary).max(0.0)
}

/// Connections that are being opened or closed at any time.
const OPENING: usize = 16;
/// Ports that closed connections leave unusable for a while are not endless.
const MOST_HANDSHAKES: u64 = 5_000;
/// Bytes that are checked in one pass.
const VALIDATED: usize = 128 << 10;
const VALIDATION_PASSES: usize = 50;
const VALIDATION_TURNS: u64 = 5;

const _: () = assert!(HEADLINE.connections == CAPACITY.connections, "the plot over connections has both");
