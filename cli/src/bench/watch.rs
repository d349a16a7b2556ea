//! What is read off a server at the edges of the measured time.

use super::{
    results::Sample,
    server::{Cpu, Server},
};
use crate::{
    failure::{Failure, Result},
    load::{Observer, outcome::BUSY},
};

/// Reads the server's CPU clock at the edges of the measured time.
pub(crate) struct Watch<'a> {
    server: &'a Server,
    before: Option<Cpu>,
    after: Option<Cpu>,
}

impl<'a> Watch<'a> {
    /// Looks at `server`.
    pub(crate) fn new(server: &'a Server) -> Self {
        Watch { server, before: None, after: None }
    }

    /// What was seen, with what the generator counted and used in so many seconds.
    pub(crate) fn sample(&self, round: usize, seconds: f64, count: u64, generator_cpu: f64) -> Sample {
        let cpu = self
            .before
            .as_ref()
            .zip(self.after.as_ref())
            .map_or(0.0, |(before, after)| after.since(before).as_secs_f64());
        let (server_busy, generator_busy) = (cpu / seconds, generator_cpu / seconds);
        Sample {
            round,
            // Without messages there is no cost; statistics leave it out.
            cost: cpu * 1e9 / count as f64,
            rate: count as f64 / seconds,
            server_busy,
            generator_busy,
            generator_limited: generator_busy >= BUSY && server_busy < BUSY,
        }
    }
}

impl Observer for Watch<'_> {
    fn begin(&mut self) {
        self.before = Some(self.server.cpu());
    }

    fn end(&mut self) {
        self.after = Some(self.server.cpu());
    }
}

/// Weighs the server before and after the idle connections came.
pub(crate) struct Scale<'a> {
    server: &'a Server,
    before: Option<u64>,
    after: Option<u64>,
}

impl<'a> Scale<'a> {
    /// Weighs `server`.
    pub(crate) fn new(server: &'a Server) -> Self {
        Scale { server, before: None, after: None }
    }

    /// What each of `connections` weighs.
    pub(crate) fn sample(&self, round: usize, connections: usize) -> Result<Sample> {
        let (Some(before), Some(after)) = (self.before, self.after) else {
            return Err(Failure::new("the system does not tell the size of processes (/proc/PID/smaps_rollup)"));
        };
        let cost = after.saturating_sub(before) as f64 / connections as f64;
        Ok(Sample { round, cost, rate: 0.0, server_busy: 0.0, generator_busy: 0.0, generator_limited: false })
    }
}

impl Observer for Scale<'_> {
    fn begin(&mut self) {
        self.before = self.server.memory();
    }

    fn end(&mut self) {
        self.after = self.server.memory();
    }
}
