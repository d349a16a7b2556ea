//! What is read off a server at the edges of the measured time.

use std::time::Duration;

use super::{process::kernel_memory, results::Sample, server::Server};
use crate::{
    failure::{Failure, Result},
    load::{Observer, outcome::BUSY},
};

/// Reads the server's CPU clock at the edges of the measured time.
pub(crate) struct Watch<'a> {
    server: &'a Server,
    before: Option<Duration>,
    after: Option<Duration>,
}

impl<'a> Watch<'a> {
    /// Looks at `server`.
    pub(crate) fn new(server: &'a Server) -> Self {
        Watch { server, before: None, after: None }
    }

    /// What was seen, with what the generator counted and used in the measured time: `count` of what it did, `observed` of
    /// them from one look to the other.
    pub(crate) fn sample(&self, round: usize, elapsed: Duration, count: u64, observed: u64, own: Duration) -> Sample {
        let (seconds, generator_cpu) = (elapsed.as_secs_f64(), own.as_secs_f64());
        let clocks = self.before.as_ref().zip(self.after.as_ref());
        let each = clocks.filter(|_| observed > 0).map(|(before, after)| {
            let cpu = after.saturating_sub(*before).as_secs_f64();
            cpu / observed as f64
        });
        let cpu = each.map(|each| each * count as f64);
        let (server_busy, generator_busy) = (cpu.map(|cpu| cpu / seconds), generator_cpu / seconds);
        Sample {
            round,
            // Without messages there is no cost.
            cost: each.map(|each| each * 1e9),
            rate: count as f64 / seconds,
            server_busy,
            generator_busy,
            generator_limited: generator_busy >= BUSY && server_busy.is_none_or(|busy| busy < BUSY),
        }
    }
}

impl Observer for Watch<'_> {
    fn begin(&mut self) {
        self.server.processes.rest();
        self.before = self.server.cpu();
    }

    fn end(&mut self) {
        self.server.processes.rest();
        self.after = self.server.cpu();
    }
}

/// Weighs the server, and the kernel, before and after the idle connections came.
pub(crate) struct Scale<'a> {
    server: &'a Server,
    process: [Option<u64>; 2],
    kernel: [Option<u64>; 2],
}

impl<'a> Scale<'a> {
    /// Weighs `server`.
    pub(crate) fn new(server: &'a Server) -> Self {
        Scale { server, process: [None; 2], kernel: [None; 2] }
    }

    /// What each of `connections` weighs in the process, and in the kernel, where the system tells.
    pub(crate) fn samples(&self, round: usize, connections: usize) -> Result<[Option<Sample>; 2]> {
        let each = |[before, after]: [Option<u64>; 2]| {
            // Others may have freed some of the kernel's meanwhile: that is noise, and is not hidden.
            let cost = (after? as f64 - before? as f64) / connections as f64;
            Some(Sample { round, cost: Some(cost), ..Sample::default() })
        };
        match [each(self.process), each(self.kernel)] {
            [None, None] => Err(Failure::new(
                "the size of its process is not known: the system does not tell (/proc/PID/smaps_rollup), or not who \
                 it is",
            )),
            samples => Ok(samples),
        }
    }

    fn weigh(&mut self, end: usize) {
        self.process[end] = self.server.memory();
        self.kernel[end] = kernel_memory();
    }
}

impl Observer for Scale<'_> {
    fn begin(&mut self) {
        self.weigh(0);
    }

    fn end(&mut self) {
        self.weigh(1);
    }
}
