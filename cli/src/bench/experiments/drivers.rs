//! io_uring against epoll inside the same runtime: one server, compio's two drivers.

use std::mem;

use super::{
    super::{
        contestants::Contestant,
        results::Drivers,
        server::{Launch, Server},
    },
    Bench, Why,
    closed::describe,
};

impl Bench {
    /// Closed loops, and system calls where they can be counted, of contestants that take part here only.
    pub(super) fn drivers(&mut self) -> Result<(), Why> {
        let (runtime, program) = self.compio.clone()?;
        let contestants = Contestant::on_drivers(&program);
        let launch = Launch::default();
        let servers = contestants.iter().map(|it| Server::start(it, &self.results.cpus, &launch)).collect();
        // They are measured as all others are, in their place.
        let (contestants, servers) =
            (mem::replace(&mut self.results.contestants, contestants), mem::replace(&mut self.servers, servers));
        let who = self.everybody();
        let mut cells = Vec::new();
        for cell in self.schedule.drivers.clone() {
            if self.stop.is_set() {
                break;
            }
            self.progress.experiment(format!("drivers of {runtime}, {}", describe(cell)));
            cells.push(self.closed_loop(cell, &who));
        }
        self.progress.experiment(format!("drivers of {runtime}, system calls"));
        let syscalls = self.count_syscalls();
        self.servers = servers;
        let contestants = mem::replace(&mut self.results.contestants, contestants);
        let why = syscalls.as_ref().err().map(|why| format!("its system calls are not counted, for {why}"));
        self.results.drivers = Some(Drivers { runtime, contestants, cells, syscalls: syscalls.ok() });
        why.map_or(Ok(()), Err)
    }
}
