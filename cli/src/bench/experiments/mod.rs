//! The experiments: slices of measuring, interleaved in random order.

mod build;
mod closed;
mod drivers;
mod latency;
mod neighbours;
mod syscalls;

use std::{path::PathBuf, time::Duration};

use super::{
    contestants::Contestant,
    plan::{Crowd, Experiment, Schedule},
    progress::Progress,
    results::{Cell, Results, Sample, Skipped, Table},
    server::{Launch, Server},
};
use crate::{
    failure::{Failure, Result},
    load::{Pace, Plan, Protocol, Stop, own_cpu, script::Random},
};

/// A comparison on its way.
pub(crate) struct Bench {
    /// What was measured so far.
    pub(crate) results: Results,
    schedule: Schedule,
    random: Random,
    stop: Stop,
    /// Open files that this process and each server may have.
    files: u64,
    /// In the order of the contestants; none where one could not be started.
    servers: Vec<Result<Server>>,
    progress: Progress,
    /// What the server of `drivers` says that it is, and its executable.
    compio: std::result::Result<(String, PathBuf), Why>,
    /// Seconds of the two CPUs that went to other programs, and all that passed, while the servers that run all the time
    /// were measured.
    others: (f64, f64),
}

/// Why something is not measured here, in a sentence without a full stop.
type Why = String;

/// What came of a contestant's slices, and why there are no more.
type Slices<T> = (Vec<T>, Option<Failure>);

impl Bench {
    /// Starts all contestants. Open files are limited to `files`; `compio` is the server of `drivers`, or why there is none.
    pub(crate) fn new(
        schedule: Schedule,
        results: Results,
        random: Random,
        stop: Stop,
        files: u64,
        compio: std::result::Result<(String, PathBuf), Why>,
    ) -> Result<Self> {
        let all = &results.contestants;
        let count = |chosen: fn(&Contestant) -> bool| all.iter().filter(|it| chosen(it)).count();
        let large = count(Contestant::is_large);
        let crowd = Crowd {
            timtow: count(Contestant::is_timtow),
            websockets: count(|it| it.protocol() == Protocol::WebSocket),
            all: all.len() - large,
            large,
            drivers: compio.as_ref().map_or(0, |(_, program)| Contestant::on_drivers(program).len()),
        };
        let slices = schedule.experiments.iter().map(|it| schedule.slices(*it, &crowd));
        let progress = Progress::new(slices.sum());
        let launch = Launch::default();
        let servers: Vec<_> = all.iter().map(|it| Server::start(it, &results.cpus, &launch)).collect();
        if servers.iter().all(Result::is_err) {
            return Err(servers.into_iter().find_map(Result::err).unwrap_or_else(|| Failure::new("nobody takes part")));
        }
        Ok(Bench { results, schedule, random, stop, files, servers, progress, compio, others: (0.0, 0.0) })
    }

    /// Does all experiments, or as many as Ctrl-C allows.
    pub(crate) fn run(&mut self) {
        for experiment in self.schedule.experiments.clone() {
            if self.stop.is_set() {
                break;
            }
            let before = self.used();
            let done = match experiment {
                Experiment::Throughput => self.payloads(),
                Experiment::Connections => self.connections(),
                Experiment::Text => self.texts(),
                Experiment::Defaults => self.defaults(),
                Experiment::Latency => self.latency(),
                Experiment::Handshakes => self.handshakes(),
                Experiment::Memory => self.memory(),
                Experiment::Syscalls => self.syscalls(),
                Experiment::Blocked | Experiment::Stalled | Experiment::Flood => self.neighbour(experiment),
                Experiment::Drivers => self.drivers(),
                Experiment::Build => self.build(),
            };
            if let Err(why) = done {
                self.skip(experiment, None, why);
            }
            if experiment.uses_lasting_servers() {
                self.tell_others(before);
            }
        }
        self.progress.end();
        self.results.interrupted = self.stop.is_set();
        self.results.disturbance = Some(self.others).filter(|(_, all)| *all > 0.0).map(|(others, all)| others / all);
    }

    /// Seconds that the two CPUs were busy, that passed on them, and that were used by the servers and this process.
    fn used(&self) -> Option<[f64; 3]> {
        let (busy, all) = self.results.cpus.used()?;
        let servers = self.servers.iter().flatten().filter_map(Server::cpu);
        Some([busy, all, (servers.sum::<Duration>() + own_cpu()).as_secs_f64()])
    }

    /// Adds up what other programs used since `before`.
    fn tell_others(&mut self, before: Option<[f64; 3]>) {
        if let (Some(before), Some(now)) = (before, self.used()) {
            let [busy, all, ours] = [0, 1, 2].map(|index| now[index] - before[index]);
            self.others.0 += (busy - ours).max(0.0);
            self.others.1 += all;
        }
    }

    /// Writes down what is not done.
    fn skip(&mut self, experiment: Experiment, contestant: Option<&str>, why: Why) {
        let contestant = contestant.map(Into::into);
        self.results.skipped.push(Skipped { experiment: Some(experiment), contestant, why });
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
    fn restart(&mut self, who: usize, failure: Failure) -> Failure {
        let words = self.servers[who].as_mut().ok().and_then(Server::last_words);
        self.servers[who] = self.start(who, &Launch::default());
        match words {
            Some(words) => Failure { sentence: format!("{failure}; it logged: {words}"), ..failure },
            None => failure,
        }
    }

    fn start(&self, who: usize, launch: &Launch) -> Result<Server> {
        // To look for one that runs already takes long where many sockets are.
        if let Some(server) = self.servers[who].as_ref().ok().and_then(Server::same) {
            return Ok(server);
        }
        Server::start(&self.results.contestants[who], &self.results.cpus, launch)
    }

    fn table(&self, who: &[usize], slices: Vec<Slices<Sample>>) -> Table {
        let names = who.iter().map(|who| self.results.contestants[*who].name.clone());
        let rows = names.zip(slices).map(|(name, (samples, failure))| (name, samples, failure));
        Table::new(rows, &self.results.contestants)
    }

    /// A plan for the server that runs all the time.
    fn plan(&mut self, who: usize, cell: Cell, pace: Pace) -> Result<Plan> {
        let target = self.server(who)?.target.clone();
        Ok(Plan {
            target,
            protocol: self.results.contestants[who].protocol(),
            connections: cell.connections,
            size: cell.size,
            text: cell.text,
            pace,
            guest: None,
            spin: self.results.cpus.are_apart(),
            warmup: self.schedule.warmup,
            duration: self.schedule.slice,
            seed: self.random.next(),
            stop: self.stop.clone(),
        })
    }

    /// The same for another process of the same contestant.
    fn plan_for(&mut self, server: &Server, who: usize, cell: Cell, pace: Pace) -> Result<Plan> {
        Ok(Plan { target: server.target.clone(), ..self.plan(who, cell, pace)? })
    }

    /// Whether so many connections at a time are possible.
    fn affords(&self, connections: usize) -> std::result::Result<(), Why> {
        affords(self.files, connections)
    }

    fn server(&self, who: usize) -> Result<&Server> {
        self.servers[who].as_ref().map_err(Clone::clone)
    }

    fn choose(&self, chosen: impl Fn(&Contestant) -> bool) -> Vec<usize> {
        let all = self.results.contestants.iter().enumerate();
        all.filter(|(_, contestant)| chosen(contestant)).map(|(index, _)| index).collect()
    }

    fn everybody(&self) -> Vec<usize> {
        self.choose(|contestant| !contestant.is_large())
    }

    fn websockets(&self) -> Vec<usize> {
        self.choose(|contestant| contestant.protocol() == Protocol::WebSocket)
    }
}

/// Whether `files` open files allow so many connections at a time.
fn affords(files: u64, connections: usize) -> std::result::Result<(), Why> {
    let wanted = connections as u64 + SPARE_FILES;
    if wanted <= files {
        return Ok(());
    }
    Err(format!(
        "{connections} connections need {wanted} open files in each process, and {files} are allowed: raise the limit \
         (ulimit -n {wanted})"
    ))
}

/// Files of a process that are not connections.
pub(crate) const SPARE_FILES: u64 = 256;

#[cfg(test)]
mod tests {
    #[test]
    fn too_few_files_are_a_sentence() {
        assert_eq!(super::affords(10_256, 10_000), Ok(()));
        assert!(super::affords(10_255, 10_000).is_err_and(|why| why.contains("ulimit -n 10256")));
    }
}
