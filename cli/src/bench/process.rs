//! What the system says about processes: CPU time, memory, and which of them listens where.

use std::{
    fs,
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

use nix::{time::ClockId, unistd::Pid};

/// Processes that are one server. There are none where nobody can tell which.
#[derive(Clone, Default, Debug)]
pub(crate) struct Processes(Vec<u32>);

impl Processes {
    /// A process whose number is known.
    pub(crate) fn of(pid: u32) -> Self {
        Processes(vec![pid])
    }

    /// Those that listen at `address`, if that is this machine and the system lets us see them.
    pub(crate) fn listening_at(address: SocketAddr) -> Self {
        if !address.ip().is_loopback() {
            return Processes::default();
        }
        let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| fs::read_to_string(path).unwrap_or_default());
        let sockets: Vec<String> = tables.iter().flat_map(|table| listening(table, address)).collect();
        let holds = |pid: &u32| {
            let files = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
            let mut links = files.filter_map(|file| fs::read_link(file.path()).ok());
            links.any(|link| link.to_str().is_some_and(|link| sockets.iter().any(|socket| socket == link)))
        };
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        Processes(if sockets.is_empty() { Vec::new() } else { pids.filter(holds).collect() })
    }

    /// The first of them.
    pub(crate) fn first(&self) -> Option<u32> {
        self.0.first().copied()
    }

    /// Their CPU time so far, that of threads that have ended with it. It is exact while they sleep; of a thread that runs,
    /// the system knows it to a tick.
    pub(crate) fn cpu(&self) -> Option<Duration> {
        let clocks = self.0.iter().map(|pid| {
            let clock = ClockId::pid_cpu_clock_id(Pid::from_raw(i32::try_from(*pid).ok()?)).ok()?;
            Some(Duration::from(clock.now().ok()?))
        });
        // The sum of nothing would be no time.
        self.first().and_then(|_| clocks.sum())
    }

    /// Waits until all their threads sleep, which is what a server does that has nothing to do; but not for long.
    pub(crate) fn rest(&self) {
        let begin = Instant::now();
        // Asleep twice, because a thread may be looked at before it is woken by another.
        let mut asleep = 0;
        while asleep < 2 && begin.elapsed() < RESTLESS {
            asleep = if self.sleeps() { asleep + 1 } else { 0 };
            std::thread::sleep(LOOK);
        }
    }

    fn sleeps(&self) -> bool {
        let tasks = self.0.iter().filter_map(|pid| fs::read_dir(format!("/proc/{pid}/task")).ok()).flatten().flatten();
        let states = tasks.filter_map(|task| {
            let stat = fs::read_to_string(task.path().join("stat")).ok()?;
            stat.rsplit_once(") ")?.1.chars().next()
        });
        // A thread that is being traced and has been stopped is not asleep.
        states.into_iter().all(|state| matches!(state, 'S' | 'Z' | 'X'))
    }

    /// The anonymous part of their proportional set size, in bytes; all of it, where the system does not tell them apart. What is
    /// mapped from files changes with who else runs the same program.
    pub(crate) fn memory(&self) -> Option<u64> {
        let sizes = self.0.iter().map(|pid| {
            let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
            let line = |name| rollup.lines().find_map(|line| line.strip_prefix(name));
            let line = line("Pss_Anon:").or_else(|| line("Pss:"))?;
            Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? << 10)
        });
        // As above.
        self.first().and_then(|_| sizes.sum())
    }
}

/// Bytes that the kernel has for all processes together: its slabs, the stacks of its threads, page tables, and what sockets
/// hold. They are not counted for one process, so only a difference over thousands of connections means anything.
pub(crate) fn kernel_memory() -> Option<u64> {
    let meminfo = fs::read_to_string("/proc/meminfo").ok()?;
    let sockstat = fs::read_to_string("/proc/net/sockstat").ok()?;
    let kibibytes = |name: &str| {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        line.trim().strip_suffix(" kB")?.parse::<u64>().ok()
    };
    let pages = sockstat.lines().find_map(|line| line.strip_prefix("TCP:"))?.split_once(" mem ")?.1;
    let sockets = pages.trim().parse::<u64>().ok()? * rustix::param::page_size() as u64;
    let tables = ["Slab", "KernelStack", "PageTables"].into_iter().map(kibibytes).sum::<Option<u64>>()?;
    Some((tables << 10) + sockets)
}

/// The sockets in /proc/net/tcp or tcp6 that listen at `address`, or at its port on all addresses, as links in
/// /proc/PID/fd name them.
fn listening(table: &str, address: SocketAddr) -> impl Iterator<Item = String> {
    table.lines().skip(1).filter_map(move |line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (host, port) = fields.get(1)?.split_once(':')?;
        let (host, port) = (ip(host)?, u16::from_str_radix(port, 16).ok()?);
        let here = port == address.port() && (host.is_unspecified() || host == address.ip());
        (here && *fields.get(3)? == LISTEN).then(|| fields.get(9).map(|inode| format!("socket:[{inode}]")))?
    })
}

/// Words of 32 bits, each in the byte order of the machine.
fn ip(host: &str) -> Option<IpAddr> {
    let words = (0..host.len() / 8).map(|word| u32::from_str_radix(host.get(word * 8..word * 8 + 8)?, 16).ok());
    let bytes: Vec<u8> = words.collect::<Option<Vec<u32>>>()?.into_iter().flat_map(u32::to_ne_bytes).collect();
    match bytes.len() {
        4 => Some(<[u8; 4]>::try_from(bytes).ok()?.into()),
        16 => Some(IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?).to_canonical()),
        _ => None,
    }
}

/// A server that does not come to rest is taken as it is.
const RESTLESS: Duration = Duration::from_millis(100);
const LOOK: Duration = Duration::from_micros(200);
/// The state of a socket that listens.
const LISTEN: &str = "0A";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_of_threads_that_ended_is_not_lost() {
        let this = Processes::of(std::process::id());
        let before = this.cpu().unwrap();
        let used = || Duration::from(ClockId::CLOCK_THREAD_CPUTIME_ID.now().unwrap());
        let work = Duration::from_millis(20);
        std::thread::spawn(move || while used() < work {}).join().unwrap();
        assert!(this.cpu().unwrap() - before >= work);
    }

    #[test]
    fn who_waits_sleeps_and_who_works_does_not() {
        assert!(!Processes::of(std::process::id()).sleeps(), "it runs this test");
        let mut cat = std::process::Command::new("cat");
        let mut cat = cat.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::null()).spawn().unwrap();
        let processes = Processes::of(cat.id());
        // It waits for its input, in the end.
        while !processes.sleeps() {
            processes.rest();
        }
        drop(cat.stdin.take());
        assert!(cat.wait().unwrap().success());
    }

    #[test]
    fn whoever_listens_is_found() {
        for address in ["127.0.0.1:0", "0.0.0.0:0", "[::1]:0", "[::]:0"] {
            // Machines without IPv6 exist.
            let Ok(listener) = std::net::TcpListener::bind(address) else { continue };
            let port = listener.local_addr().unwrap().port();
            let host: IpAddr =
                if address.contains("::") { [0, 0, 0, 0, 0, 0, 0, 1].into() } else { [127, 0, 0, 1].into() };
            let found = Processes::listening_at(SocketAddr::new(host, port));
            assert_eq!(found.0, [std::process::id()], "{address}");
            assert!(found.memory() > Some(0) && found.cpu().is_some());
            drop(listener);
            assert!(Processes::listening_at(SocketAddr::new(host, port)).0.is_empty(), "{address}");
        }
        assert!(Processes::listening_at("192.0.2.1:80".parse().unwrap()).0.is_empty());
        assert!(Processes::default().cpu().is_none() && Processes::default().memory().is_none());
    }

    #[test]
    fn the_kernel_has_memory() {
        assert!(kernel_memory() > Some(1 << 20));
    }
}
