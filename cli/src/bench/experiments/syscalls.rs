//! System calls per message, counted by strace on processes of their own, and those of one message spelled out. Never timed:
//! under a tracer everything is slow.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

use super::{
    super::{
        contestants::Kind,
        plan::{CAPACITY, Experiment},
        results::{Count, Outcome, Syscalls, SyscallsRow},
        server::{Launch, Server, temporary},
        trace::{self, Call},
    },
    Bench, Why,
};
use crate::{
    failure::{Failure, Fault, Result},
    load::{Pace, lockstep::Lockstep},
};

impl Bench {
    /// Those of everybody.
    pub(super) fn syscalls(&mut self) -> std::result::Result<(), Why> {
        self.progress.experiment("system calls per message".into());
        self.results.syscalls = Some(self.count_syscalls()?);
        Ok(())
    }

    /// Those of all contestants, one after the other.
    pub(super) fn count_syscalls(&mut self) -> std::result::Result<Syscalls, Why> {
        let who = self.everybody();
        if let Err(why) = can_trace() {
            self.progress.skip(who.len());
            return Err(why);
        }
        let mut rows = Vec::new();
        for who in who {
            if self.stop.is_set() {
                break;
            }
            let contestant = self.results.contestants[who].clone();
            self.progress.slice(0, &contestant.name);
            // The same server twice would be the same calls.
            if contestant.twin_of.is_some() {
                continue;
            }
            let attached = matches!(contestant.kind, Kind::Against { .. });
            if attached && self.server(who).is_ok_and(|server| server.processes.first().is_none()) {
                let why = "its process is not known, so that no tracer can look at it".into();
                self.skip(Experiment::Syscalls, Some(&contestant.name), why);
                continue;
            }
            let mut row = SyscallsRow { contestant: contestant.name, ..SyscallsRow::default() };
            match self.trace(who, attached) {
                Ok((counts, one_message)) => (row.counts, row.one_message) = (counts, one_message),
                Err(_) if self.stop.is_set() => break,
                Err(failure) if attached && failure.fault == Fault::World => {
                    self.skip(Experiment::Syscalls, Some(&row.contestant), failure.sentence);
                    continue;
                }
                Err(failure) => row.outcome = Outcome::of(Vec::<()>::new(), Some(failure)).1,
            }
            rows.push(row);
        }
        Ok(Syscalls { size: CAPACITY.size, rows })
    }

    fn trace(&mut self, who: usize, attached: bool) -> Result<(Vec<Count>, Vec<String>)> {
        let file = Trace { path: temporary("strace") };
        let (server, _tracer) = match attached {
            true => (self.start(who, &Launch::default())?, Some(Tracer::attach(self.server(who)?, &file.path)?)),
            false => (self.start(who, &Launch { trace: Some(file.path.clone()), ..Launch::default() })?, None),
        };
        let plan = self.plan_for(&server, who, CAPACITY, Pace::Closed { depth: 1 })?;
        let mut connection = Lockstep::open(&plan)?;
        // Each message finds the server asleep, as it does where messages are rare.
        let mut exchange = |depth: u64, times: u64| {
            (0..times).try_for_each(|_| {
                server.processes.rest();
                connection.exchange(depth)
            })
        };
        exchange(1, WARM)?;
        let mut calls_of = |depth: u64, times: u64| {
            server.processes.rest();
            let begin = file.text()?.len();
            exchange(depth, times)?;
            server.processes.rest();
            let calls = trace::calls(&file.text()?);
            Ok(calls.into_iter().filter(|call| begin < call.end).collect::<Vec<Call>>())
        };
        let one_message = trace::shown(&calls_of(1, 1)?);
        let counts = DEPTHS.map(|(depth, times)| Ok(count(depth, depth * times, &calls_of(depth, times)?)));
        let counts = counts.into_iter().collect::<Result<_>>()?;
        connection.close()?;
        Ok((counts, one_message))
    }
}

fn count(depth: u64, messages: u64, calls: &[Call]) -> Count {
    let mut names: BTreeMap<String, f64> = BTreeMap::new();
    for call in calls {
        *names.entry(call.name().to_owned()).or_default() += 1.0;
    }
    names.values_mut().for_each(|count| *count /= messages as f64);
    Count { depth, messages, per_message: calls.len() as f64 / messages as f64, calls: names }
}

/// Whether strace is there, and may trace.
fn can_trace() -> std::result::Result<(), Why> {
    let file = Trace { path: temporary("strace") };
    let mut command = Command::new("strace");
    command.args(["-D", "-f", "-o"]).arg(&file.path).args(["--", "true"]);
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    match status {
        Err(error) => Err(format!("strace cannot be started ({error}): install it, or set PATH")),
        Ok(status) if status.success() && file.text().is_ok_and(|text| !text.is_empty()) => Ok(()),
        Ok(_) => Err("strace is not allowed to trace a process here (ptrace)".into()),
    }
}

/// A trace on disk, which goes when this does.
struct Trace {
    path: PathBuf,
}

impl Trace {
    fn text(&self) -> Result<String> {
        let bytes = fs::read(&self.path);
        let bytes = bytes.map_err(|error| Failure::new(format!("the trace cannot be read ({error}): try again")))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        // It may never have been written.
        let _ = fs::remove_file(&self.path);
    }
}

/// strace on a process that we did not start; it lets go when it is dropped.
struct Tracer(Child);

impl Tracer {
    fn attach(server: &Server, path: &Path) -> Result<Self> {
        let cannot = |why: &str| Failure::new(format!("strace cannot look at its process: {why}"));
        let pid = server.processes.first().ok_or_else(|| cannot("it is not known"))?;
        let mut command = Command::new("strace");
        command.args(["-f", "-o"]).arg(path).args(["-p", &pid.to_string()]);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut tracer = Tracer(child.map_err(|error| cannot(&error.to_string()))?);
        let mut line = String::new();
        if let Some(stderr) = tracer.0.stderr.take() {
            let mut stderr = BufReader::new(stderr);
            // What cannot be read does not say that it is attached.
            let _ = stderr.read_line(&mut line);
            // Threads that come later are told of, too, and somebody must listen.
            std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
        }
        if line.contains("attached") { Ok(tracer) } else { Err(cannot(line.trim())) }
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        if let Some(pid) = Pid::from_raw(self.0.id() as i32) {
            // It may have ended with what it traced.
            let _ = kill_process(pid, Signal::INT);
        }
        let _ = self.0.wait();
    }
}

/// Messages before anything is counted.
const WARM: u64 = 8;
/// How many messages are in flight, and how often so many are counted.
const DEPTHS: [(u64, u64); 2] = [(1, 64), (16, 16)];
