//! A contestant's process, and what the system says about it.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{BufRead as _, BufReader, Read as _, Seek as _},
    process::{Child, Command, Stdio},
    time::Duration,
};

use super::{contestants::Contestant, cpus::Cpus};
use crate::{
    failure::{Failure, Result},
    load::target::Target,
};

/// A contestant that serves. It is killed when it is dropped.
pub(crate) struct Server {
    /// Where it listens.
    pub(crate) target: Target,
    child: Child,
    /// What it wrote to stderr.
    log: File,
}

/// CPU time of a process.
#[derive(Clone, Debug)]
pub(crate) struct Cpu {
    /// Nanoseconds of each thread that lives, by its number.
    living: BTreeMap<u32, u64>,
    /// Nanoseconds of all threads that ever lived, but counted in ticks of the kernel (10 ms).
    all: u64,
}

impl Server {
    /// Starts `contestant` on the CPU that servers have, and waits until it listens.
    pub(crate) fn start(contestant: &Contestant, cpus: &Cpus) -> Result<Self> {
        let cannot = |what: &str| Failure::new(format!("cannot start {}: {what}", contestant.name));
        let program =
            std::env::current_exe().map_err(|error| cannot(&format!("this program is not there ({error})")))?;
        let log =
            log_file().map_err(|error| cannot(&format!("no temporary file can be made ({error}), set TMPDIR")))?;
        let stderr = log.try_clone().map_err(|error| cannot(&error.to_string()))?;
        // The child inherits the CPU of the thread that starts it.
        cpus.enter_server();
        let child = Command::new(program)
            .args(contestant.arguments())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn();
        cpus.enter_generator();
        let mut child = child.map_err(|error| cannot(&error.to_string()))?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            // What cannot be read is not a line that can be understood.
            let _ = BufReader::new(stdout).read_line(&mut line);
        }
        let target = address(&line).and_then(|address| Target::find(&format!("ws://{address}/")).ok());
        let Some(target) = target else {
            let mut server = Dead { child, log };
            return Err(cannot(&server.last_words(&line)));
        };
        Ok(Server { target, child, log })
    }

    /// Its CPU time so far.
    pub(crate) fn cpu(&self) -> Cpu {
        let process = format!("/proc/{}", self.child.id());
        let tasks = fs::read_dir(format!("{process}/task")).into_iter().flatten().flatten();
        let living = tasks.filter_map(|task| {
            let schedstat = fs::read_to_string(task.path().join("schedstat")).ok()?;
            let number = task.file_name().to_str()?.parse().ok()?;
            Some((number, schedstat.split(' ').next()?.parse().ok()?))
        });
        let stat = fs::read_to_string(format!("{process}/stat")).unwrap_or_default();
        let tick = 1_000_000_000 / rustix::param::clock_ticks_per_second();
        Cpu { living: living.collect(), all: ticks(&stat).unwrap_or(0) * tick }
    }

    /// Its proportional set size, in bytes.
    pub(crate) fn memory(&self) -> Option<u64> {
        let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.child.id())).ok()?;
        let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
        Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? << 10)
    }

    /// What it said last, for a failure.
    pub(crate) fn last_words(&mut self) -> Option<String> {
        last_line(&mut self.log)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        kill(&mut self.child);
    }
}

impl Cpu {
    /// All of it, in ticks.
    pub(crate) fn total(&self) -> Duration {
        Duration::from_nanos(self.all)
    }

    /// The time used since `before`: exact as long as no thread ended in between, else in ticks.
    pub(crate) fn since(&self, before: &Cpu) -> Duration {
        let ended = before.living.keys().any(|thread| !self.living.contains_key(thread));
        let sum = |cpu: &Cpu| cpu.living.values().sum::<u64>();
        Duration::from_nanos(match ended {
            true => self.all.saturating_sub(before.all),
            false => sum(self).saturating_sub(sum(before)),
        })
    }
}

/// A child that never listened.
struct Dead {
    child: Child,
    log: File,
}

impl Dead {
    fn last_words(&mut self, line: &str) -> String {
        kill(&mut self.child);
        last_line(&mut self.log).unwrap_or_else(|| format!("it said {line:?} instead of where it listens"))
    }
}

fn kill(child: &mut Child) {
    // It may have ended by itself.
    let _ = child.kill();
    let _ = child.wait();
}

/// A file that has no name any more.
fn log_file() -> std::io::Result<File> {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let name = format!("timtow-bench-{}-{}.log", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let path = std::env::temp_dir().join(name);
    let file = File::options().read(true).append(true).create_new(true).open(&path)?;
    fs::remove_file(path)?;
    Ok(file)
}

fn last_line(log: &mut File) -> Option<String> {
    let mut text = String::new();
    log.rewind().and_then(|()| log.read_to_string(&mut text)).ok()?;
    let line = text.lines().rfind(|line| !line.trim().is_empty())?;
    Some(line.trim_start_matches("timtow: ").to_owned())
}

/// The address in `listening on ws://127.0.0.1:3000/ with tokio`.
fn address(line: &str) -> Option<&str> {
    let url = line.strip_prefix("listening on ")?.split(' ').next()?;
    Some(url.split_once("://")?.1.trim_end_matches('/'))
}

/// User and system time in a line of /proc/PID/stat. The second field may contain anything, parentheses included.
fn ticks(stat: &str) -> Option<u64> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_servers_print() {
        assert_eq!(address("listening on ws://127.0.0.1:3000/ with tokio\n"), Some("127.0.0.1:3000"));
        assert_eq!(address("listening on tcp://[::1]:1 with raw mio\n"), Some("[::1]:1"));
        assert_eq!(address("error"), None);
    }

    #[test]
    fn cpu_time_in_stat() {
        assert_eq!(ticks("7 (a) b) S 1 7 7 0 -1 4194560 100 0 0 0 30 12 0 0 20 0 1 0 5"), Some(42));
        assert_eq!(ticks(""), None);
    }

    #[test]
    fn cpu_time_of_threads_that_ended_is_not_lost() {
        let cpu = |living: &[(u32, u64)], all| Cpu { living: living.iter().copied().collect(), all };
        let before = cpu(&[(1, 5), (2, 50)], 0);
        assert_eq!(cpu(&[(1, 105), (2, 50), (3, 7)], 10).since(&before), Duration::from_nanos(107));
        assert_eq!(cpu(&[(1, 105)], 9_000).since(&before), Duration::from_nanos(9_000));
    }
}
