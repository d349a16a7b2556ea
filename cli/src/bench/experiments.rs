//! The experiments: slices of measuring, interleaved in random order.

use std::time::Duration;

use hdrhistogram::Histogram;

use super::{
    contestants::Contestant,
    plan::{CAPACITY, Schedule},
    progress::Progress,
    results::{Cell, Handshakes, Latency, LatencyRow, LatencySample, Memory, Results, Row, Sample, Table, Throughput},
    server::Server,
    watch::{Scale, Watch},
};
use crate::{
    failure::{Failure, Result},
    load::{
        Pace, Plan, Protocol, Stop, handshakes, idle,
        outcome::{Percentiles, why_bottleneck},
        own_cpu,
        script::Random,
        traffic,
    },
};

/// A comparison on its way.
pub(crate) struct Bench {
    /// What was measured so far.
    pub(crate) results: Results,
    schedule: Schedule,
    random: Random,
    stop: Stop,
    /// In the order of the contestants; none where one could not be started.
    servers: Vec<Result<Server>>,
    progress: Progress,
    /// Seconds that the two CPUs had been busy, and had existed, before.
    used: (f64, f64),
}

/// What came of a contestant's slices, and why there are no more.
type Slices<T> = (Vec<T>, Option<String>);

impl Bench {
    /// Starts all contestants.
    pub(crate) fn new(schedule: Schedule, results: Results, random: Random, stop: Stop) -> Result<Self> {
        let all = &results.contestants;
        let websockets = all.iter().filter(|contestant| contestant.protocol == Protocol::WebSocket).count();
        let progress = Progress::new(schedule.slices(websockets, all.len()));
        let servers: Vec<_> = all.iter().map(|contestant| Server::start(contestant, &results.cpus)).collect();
        if servers.iter().all(Result::is_err) {
            return Err(servers.into_iter().find_map(Result::err).unwrap_or_else(|| Failure::new("nobody takes part")));
        }
        let used = results.cpus.used().unwrap_or_default();
        Ok(Bench { results, schedule, random, stop, servers, progress, used })
    }

    /// Does all experiments, or as many as Ctrl-C allows.
    pub(crate) fn run(&mut self) {
        let everybody = self.choose(|_| true);
        let websockets = self.choose(|contestant| contestant.protocol == Protocol::WebSocket);
        for cell in self.schedule.cells.clone() {
            self.throughput(cell, &everybody);
        }
        let by_connections = if self.schedule.quick { &websockets } else { &everybody };
        for cell in self.schedule.by_connections.clone() {
            self.throughput(cell, by_connections);
        }
        self.latency(&websockets);
        self.handshakes(&everybody);
        self.memory(&websockets);
        self.progress.end();
        self.results.interrupted = self.stop.is_set();
        self.results.disturbance = self.disturbance();
    }

    fn throughput(&mut self, cell: Cell, who: &[usize]) {
        let kind = if cell.text { " of text" } else { "" };
        let Cell { connections, size, depth, .. } = cell;
        self.progress.experiment(format!("{connections} connections, {size} bytes{kind}, {depth} in flight"));
        let pace = Pace::Closed { depth };
        let slices = self.interleave(self.schedule.rounds, who, |bench, who, round| {
            let plan = bench.plan(who, cell, pace)?;
            let server = bench.server(who)?;
            let mut watch = Watch::new(server);
            let measured = traffic::run(&plan, &mut watch)?;
            let seconds = measured.elapsed.as_secs_f64();
            Ok(watch.sample(round, seconds, measured.messages, measured.cpu.as_secs_f64()))
        });
        let table = self.table(who, slices);
        self.results.throughput.push(Throughput { cell, table });
    }

    fn latency(&mut self, who: &[usize]) {
        let Some(capacity) = self.capacity() else {
            return self.progress.skip(self.schedule.percents.len() * self.schedule.rounds * who.len());
        };
        for percent in self.schedule.percents.clone() {
            // A round number is easier to quote.
            let rate = (capacity * f64::from(percent) / 100_000.0).round().max(1.0) * 1_000.0;
            self.progress.experiment(format!("latency at {rate} messages per second ({percent} %)"));
            let mut histograms: Vec<Histogram<u64>> = who.iter().map(|_| traffic::histogram()).collect();
            let slices = self.interleave(self.schedule.rounds, who, |bench, index, round| {
                let plan = bench.plan(index, CAPACITY, Pace::Open { rate })?;
                let measured = traffic::run(&plan, &mut ())?;
                let place = who.iter().position(|other| *other == index).unwrap_or(0);
                // They have the same bounds.
                let _ = histograms[place].add(&measured.latency);
                let late_ns = measured.lateness.as_ref().map(Percentiles::of).unwrap_or_default();
                Ok(LatencySample {
                    round,
                    latency_ns: Percentiles::of(&measured.latency),
                    late_ns,
                    generator_limited: why_bottleneck(0.0, Some(&late_ns)).is_some(),
                    missing: measured.missing,
                })
            });
            let rows =
                who.iter().zip(slices).zip(&histograms).map(|((who, (samples, failure)), histogram)| LatencyRow {
                    contestant: self.results.contestants[*who].name.clone(),
                    samples,
                    failure,
                    curve: curve(histogram),
                    ..LatencyRow::default()
                });
            let Cell { connections, size, .. } = CAPACITY;
            let mut latency = Latency { rate, percent, connections, size, noise: None, rows: rows.collect() };
            latency.summarize(&self.results.contestants);
            self.results.latency.push(latency);
        }
    }

    /// Messages per second of the slowest contestant, one in flight on each connection.
    fn capacity(&self) -> Option<f64> {
        let table = &self.results.throughput_of(CAPACITY)?.table;
        let rates = table.rows.iter().filter(|row| self.protocol_of(row) == Some(Protocol::WebSocket));
        rates.filter_map(|row| Some(row.rate?.median)).min_by(f64::total_cmp)
    }

    fn handshakes(&mut self, who: &[usize]) {
        self.progress.experiment("opening and closing connections".into());
        let cell = Cell { connections: OPENING, ..CAPACITY };
        let slices = self.interleave(self.schedule.rounds, who, |bench, who, round| {
            let plan = bench.plan(who, cell, Pace::Closed { depth: 1 })?;
            let mut watch = Watch::new(bench.server(who)?);
            let measured = handshakes::run(&plan, MOST_HANDSHAKES, &mut watch)?;
            let seconds = measured.elapsed.as_secs_f64();
            Ok(watch.sample(round, seconds, measured.connections, measured.cpu.as_secs_f64()))
        });
        let table = self.table(who, slices);
        self.results.handshakes = Some(Handshakes { connections: OPENING, table });
    }

    fn memory(&mut self, who: &[usize]) {
        let cell = Cell { connections: self.schedule.idle, ..CAPACITY };
        self.progress.experiment(format!("{} idle connections", cell.connections));
        // Memory has hardly any noise.
        let rounds = if self.schedule.quick { 1 } else { self.schedule.rounds };
        let slices = self.interleave(rounds, who, |bench, who, round| {
            // A new process, which has not yet grown by other experiments.
            let server = Server::start(&bench.results.contestants[who], &bench.results.cpus)?;
            let plan = Plan { target: server.target.clone(), ..bench.plan(who, cell, Pace::Closed { depth: 1 })? };
            let mut scale = Scale::new(&server);
            idle::run(&plan, &mut scale)?;
            scale.sample(round, cell.connections)
        });
        let table = self.table(who, slices);
        self.results.memory = Some(Memory { connections: cell.connections, table });
    }

    /// Takes a slice of each of `who` in each round, in random order, until one fails or Ctrl-C ends it all.
    fn interleave<T>(
        &mut self,
        rounds: usize,
        who: &[usize],
        mut slice: impl FnMut(&mut Bench, usize, usize) -> Result<T>,
    ) -> Vec<Slices<T>> {
        let mut slices: Vec<Slices<T>> = who.iter().map(|_| (Vec::new(), None)).collect();
        for round in 0..rounds {
            let mut order: Vec<usize> = (0..who.len()).collect();
            self.random.shuffle(&mut order);
            for place in order {
                let contestant = &self.results.contestants[who[place]];
                self.progress.slice(round, &contestant.name);
                if self.stop.is_set() || slices[place].1.is_some() {
                    continue;
                }
                match slice(self, who[place], round) {
                    Ok(sample) if !self.stop.is_set() => slices[place].0.push(sample),
                    // Cut short: the others had more time.
                    _ if self.stop.is_set() => {}
                    Ok(_) => {}
                    Err(failure) => slices[place].1 = Some(self.restart(who[place], failure)),
                }
            }
        }
        slices
    }

    /// After a failure a contestant gets a new process; returns the failure with what the old one said.
    fn restart(&mut self, who: usize, failure: Failure) -> String {
        let words = self.servers[who].as_mut().ok().and_then(Server::last_words);
        self.servers[who] = Server::start(&self.results.contestants[who], &self.results.cpus);
        match words {
            Some(words) => format!("{failure}; it logged: {words}"),
            None => failure.sentence,
        }
    }

    fn table(&self, who: &[usize], slices: Vec<Slices<Sample>>) -> Table {
        let rows = who.iter().zip(slices).map(|(who, (samples, failure))| Row {
            contestant: self.results.contestants[*who].name.clone(),
            samples,
            failure,
            ..Row::default()
        });
        let mut table = Table { noise: None, rows: rows.collect() };
        table.summarize(&self.results.contestants);
        table
    }

    fn plan(&mut self, who: usize, cell: Cell, pace: Pace) -> Result<Plan> {
        Ok(Plan {
            target: self.server(who)?.target.clone(),
            protocol: self.results.contestants[who].protocol,
            connections: cell.connections,
            size: cell.size,
            text: cell.text,
            pace,
            spin: self.results.cpus.are_apart(),
            warmup: self.schedule.warmup,
            duration: self.schedule.slice,
            seed: self.random.next(),
            stop: self.stop.clone(),
        })
    }

    /// The part of the two CPUs' time that went to neither the servers nor this process.
    fn disturbance(&self) -> Option<f64> {
        let (busy, all) = self.results.cpus.used()?;
        let (busy, all) = (busy - self.used.0, (all - self.used.1).max(1.0));
        let servers = self.servers.iter().flatten().map(|server| server.cpu().total());
        let ours = servers.sum::<Duration>() + own_cpu();
        Some(((busy - ours.as_secs_f64()) / all).max(0.0))
    }

    fn server(&self, who: usize) -> Result<&Server> {
        self.servers[who].as_ref().map_err(Clone::clone)
    }

    fn choose(&self, chosen: impl Fn(&Contestant) -> bool) -> Vec<usize> {
        let all = self.results.contestants.iter().enumerate();
        all.filter(|(_, contestant)| chosen(contestant)).map(|(index, _)| index).collect()
    }

    fn protocol_of(&self, row: &Row) -> Option<Protocol> {
        Some(self.results.contestant(&row.contestant)?.protocol)
    }
}

/// Points for a plot over the number of nines, as far as a few messages are slower.
fn curve(histogram: &Histogram<u64>) -> Vec<(f64, u64)> {
    let quantiles = (0..=48).map(|eighth| 1.0 - 10f64.powf(-f64::from(eighth) / 8.0));
    let enough = |quantile: &f64| histogram.len() as f64 * (1.0 - quantile) >= 3.0;
    quantiles.take_while(enough).map(|quantile| (quantile, histogram.value_at_quantile(quantile))).collect()
}

/// Connections that are being opened or closed at any time.
const OPENING: usize = 16;
/// Ports that closed connections leave unusable for a while are not endless.
const MOST_HANDSHAKES: u64 = 5_000;
