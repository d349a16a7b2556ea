//! A contestant's process.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader, Read as _, Seek as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use super::{
    contestants::{Contestant, Kind},
    cpus::Cpus,
    process::Processes,
};
use crate::{
    failure::{Failure, Result},
    load::target::Target,
};

/// A contestant that serves. It is killed when it is dropped, if it was started here.
pub(crate) struct Server {
    /// Where it listens.
    pub(crate) target: Target,
    /// What it consists of.
    pub(crate) processes: Processes,
    child: Option<Child>,
    /// What it wrote to stderr.
    log: Option<File>,
}

/// How a contestant is started.
#[derive(Clone, Default, Debug)]
pub(crate) struct Launch {
    /// With the threads that it takes by itself, and all CPUs; else with one loop, on the CPU that servers have.
    pub(crate) own_defaults: bool,
    /// With the handler that can be made to block.
    pub(crate) blocking: bool,
    /// Traced by strace, which writes the system calls to this file.
    pub(crate) trace: Option<PathBuf>,
}

impl Server {
    /// Starts `contestant`, and waits until it listens; or finds it, if it runs already.
    pub(crate) fn start(contestant: &Contestant, cpus: &Cpus, launch: &Launch) -> Result<Self> {
        if let Kind::Against { url } = &contestant.kind {
            let target = Target::find(url)?;
            let processes = Processes::listening_at(target.address);
            return Ok(Server { target, processes, child: None, log: None });
        }
        let cannot = |what: &str| Failure::new(format!("cannot start {}: {what}", contestant.name));
        let log =
            log_file().map_err(|error| cannot(&format!("no temporary file can be made ({error}), set TMPDIR")))?;
        let stderr = log.try_clone().map_err(|error| cannot(&error.to_string()))?;
        let mut command = command(contestant, launch)?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr);
        // The child inherits the CPU of the thread that starts it.
        if launch.own_defaults {
            cpus.enter_all()
        } else {
            cpus.enter_server()
        }
        let child = command.spawn();
        cpus.enter_generator();
        let mut child = child.map_err(|error| cannot(&error.to_string()))?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            // What cannot be read is not a line that can be understood.
            let _ = BufReader::new(stdout).read_line(&mut line);
        }
        let target = address(&line).and_then(|address| Target::find(&format!("ws://{address}/")).ok());
        let Some(target) = target else {
            return Err(cannot(&Dead { child, log }.last_words(&line)));
        };
        let processes = Processes::of(child.id());
        Ok(Server { target, processes, child: Some(child), log: Some(log) })
    }

    /// The same once more, if it was not started here.
    pub(crate) fn same(&self) -> Option<Self> {
        let (target, processes) = (self.target.clone(), self.processes.clone());
        self.child.is_none().then_some(Server { target, processes, child: None, log: None })
    }

    /// Its CPU time so far, if its processes are known.
    pub(crate) fn cpu(&self) -> Option<Duration> {
        self.processes.cpu()
    }

    /// The anonymous part of its proportional set size, in bytes.
    pub(crate) fn memory(&self) -> Option<u64> {
        self.processes.memory()
    }

    /// What it said last, for a failure.
    pub(crate) fn last_words(&mut self) -> Option<String> {
        last_line(self.log.as_mut()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.iter_mut().for_each(kill);
    }
}

fn command(contestant: &Contestant, launch: &Launch) -> Result<Command> {
    let (program, arguments) = contestant
        .command(launch)
        .ok_or_else(|| Failure::new(format!("{} runs already and cannot be started", contestant.name)))?;
    let program = program.map_or_else(std::env::current_exe, Ok);
    let program = program.map_err(|error| Failure::new(format!("this program is not there any more ({error})")))?;
    let mut command = launch.trace.as_deref().map_or_else(|| Command::new(&program), |path| traced(path, &program));
    command.args(arguments);
    Ok(command)
}

/// The tracer runs as a grandchild: the child is the server itself.
fn traced(path: &Path, program: &Path) -> Command {
    let mut command = Command::new("strace");
    command.args(["-D", "-f", "-o"]).arg(path).arg("--").arg(program);
    command
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
    let path = temporary("log");
    let file = File::options().read(true).append(true).create_new(true).open(&path)?;
    fs::remove_file(path)?;
    Ok(file)
}

/// A name that nothing has yet, in the directory for such.
pub(crate) fn temporary(what: &str) -> PathBuf {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("timtow-bench-{}-{number}-{what}", std::process::id()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_servers_print() {
        assert_eq!(address("listening on ws://127.0.0.1:3000/ with tokio\n"), Some("127.0.0.1:3000"));
        assert_eq!(address("listening on tcp://[::1]:1 with raw mio\n"), Some("[::1]:1"));
        assert_eq!(address("error"), None);
    }
}
