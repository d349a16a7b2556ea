//! What is being done, on stderr.

use std::{
    io::{IsTerminal as _, Write as _},
    time::{Duration, Instant},
};

/// A line that is overwritten on terminals; elsewhere a line for each experiment.
pub(crate) struct Progress {
    slices: usize,
    done: usize,
    terminal: bool,
    started: Instant,
    shown: Option<Instant>,
    experiment: String,
}

impl Progress {
    /// So many slices are to be done.
    pub(crate) fn new(slices: usize) -> Self {
        let terminal = std::io::stderr().is_terminal();
        Progress { slices, done: 0, terminal, started: Instant::now(), shown: None, experiment: String::new() }
    }

    /// Another experiment begins.
    pub(crate) fn experiment(&mut self, name: String) {
        self.experiment = name;
        if !self.terminal {
            eprintln!("{}", self.line());
        }
    }

    /// Another slice begins.
    pub(crate) fn slice(&mut self, round: usize, contestant: &str) {
        self.done += 1;
        let due = self.shown.is_none_or(|shown| shown.elapsed() > INTERVAL);
        if self.terminal && due {
            self.shown = Some(Instant::now());
            eprint!("\r\x1b[2K{}, round {}: {contestant}", self.line(), round + 1);
            // A line less is no reason to stop measuring.
            let _ = std::io::stderr().flush();
        }
    }

    /// Slices that will not be done after all.
    pub(crate) fn skip(&mut self, slices: usize) {
        self.done += slices;
    }

    /// Everything is done.
    pub(crate) fn end(&self) {
        if self.terminal {
            eprint!("\r\x1b[2K");
        }
    }

    fn line(&self) -> String {
        let part = self.done as f64 / self.slices.max(1) as f64;
        let elapsed = self.started.elapsed();
        let left = match part {
            // The first slices say little about the rest.
            0.05.. => format!(", {:.0} s left", elapsed.as_secs_f64() * (1.0 / part - 1.0).max(0.0)),
            _ => String::new(),
        };
        format!("[{:3.0} %{left}] {}", part.min(1.0) * 100.0, self.experiment)
    }
}

/// Writing to a terminal costs time that the generator does not have.
const INTERVAL: Duration = Duration::from_millis(200);
