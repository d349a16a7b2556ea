//! Which CPU the server runs on, and which the generator.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde::{Deserialize, Serialize};

/// Two CPUs, or none.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub(crate) struct Cpus {
    /// The server's, and nothing else's of ours.
    pub(crate) server: Option<usize>,
    /// The generator's.
    pub(crate) generator: Option<usize>,
    /// What is wrong with them, in a sentence.
    pub(crate) note: Option<String>,
    /// All that this process might use when it began.
    #[serde(skip)]
    all: Vec<usize>,
}

impl Cpus {
    /// The first two that this process may use and that are not two halves of one core, if there are such.
    pub(crate) fn choose() -> Self {
        let allowed = sched_getaffinity(None);
        let allowed: Vec<usize> =
            allowed.map_or(Vec::new(), |set| (0..CpuSet::MAX_CPU).filter(|cpu| set.is_set(*cpu)).collect());
        let Some((&server, others)) = allowed.split_first() else {
            return Cpus::unpinned("CPUs cannot be assigned here, so server and generator disturbed each other");
        };
        let siblings = siblings(server);
        let apart = others.iter().find(|cpu| !siblings.contains(cpu));
        let two =
            |generator, note| Cpus { server: Some(server), generator: Some(generator), note, all: allowed.clone() };
        match (apart, others.first()) {
            (Some(&generator), _) => two(generator, None),
            (None, Some(&generator)) => two(
                generator,
                Some("server and generator shared the two halves of one core, which costs both of them".into()),
            ),
            (None, None) => Cpus::unpinned(
                "there is only one CPU, so server and generator took it from each other: read CPU per message, \
                 not messages per second or latency",
            ),
        }
    }

    /// The two have a CPU each.
    pub(crate) fn are_apart(&self) -> bool {
        self.server.is_some() && self.generator.is_some()
    }

    /// Moves this thread, and what it starts, to the server's CPU.
    pub(crate) fn enter_server(&self) {
        enter(self.server);
    }

    /// Moves this thread to the generator's CPU.
    pub(crate) fn enter_generator(&self) {
        enter(self.generator);
    }

    /// Lets this thread, and what it starts, have all CPUs again.
    pub(crate) fn enter_all(&self) {
        enter(self.all.iter().copied());
    }

    /// Seconds that the two were busy, and that passed on them, since the system started.
    pub(crate) fn used(&self) -> Option<(f64, f64)> {
        let stat = std::fs::read_to_string("/proc/stat").ok()?;
        let tick = 1.0 / rustix::param::clock_ticks_per_second() as f64;
        let cpus = [self.server?, self.generator?].map(|cpu| busy_and_all(&stat, cpu));
        let sum = cpus.into_iter().sum::<Option<Ticks>>()?;
        Some((sum.busy as f64 * tick, sum.all as f64 * tick))
    }

    fn unpinned(note: &str) -> Self {
        Cpus { server: None, generator: None, note: Some(note.into()), all: Vec::new() }
    }
}

/// Ticks of CPUs.
struct Ticks {
    busy: u64,
    all: u64,
}

impl std::iter::Sum for Ticks {
    fn sum<I: Iterator<Item = Ticks>>(ticks: I) -> Ticks {
        ticks.fold(Ticks { busy: 0, all: 0 }, |sum, it| Ticks { busy: sum.busy + it.busy, all: sum.all + it.all })
    }
}

/// The line of a CPU in /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal; what follows is part of these.
fn busy_and_all(stat: &str, cpu: usize) -> Option<Ticks> {
    let line = stat.lines().find_map(|line| line.strip_prefix(&format!("cpu{cpu} ")))?;
    let ticks: Vec<u64> = line.split_whitespace().take(8).map_while(|ticks| ticks.parse().ok()).collect();
    let idle = ticks.get(3)? + ticks.get(4)?;
    let all: u64 = ticks.iter().sum();
    Some(Ticks { busy: all - idle, all })
}

fn enter(cpus: impl IntoIterator<Item = usize>) {
    let (mut set, mut some) = (CpuSet::new(), false);
    for cpu in cpus {
        set.set(cpu);
        some = true;
    }
    if some {
        // It was allowed when we looked; if that has changed, the measurement is only noisier.
        let _ = sched_setaffinity(None, &set);
    }
}

/// The CPUs that share a core with `cpu`, itself included, as far as the system tells: "0,4" or "0-1".
fn siblings(cpu: usize) -> Vec<usize> {
    let path = format!("/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list");
    parse_list(&std::fs::read_to_string(path).unwrap_or_default())
}

fn parse_list(list: &str) -> Vec<usize> {
    let ranges = list.trim().split(',').filter_map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some(first.parse().ok()?..=last.parse().ok()?)
    });
    ranges.flatten().collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn ticks_of_cpus() {
        let ticks = super::busy_and_all("cpu  9 9 9 9 9 9 9 9 0 0\ncpu1 1 2 3 40 50 6 7 8 1 1\n", 1).unwrap();
        assert_eq!((ticks.busy, ticks.all), (27, 117));
    }

    #[test]
    fn lists_of_cpus() {
        assert_eq!(super::parse_list("0,4\n"), [0, 4]);
        assert_eq!(super::parse_list("0-2,7"), [0, 1, 2, 7]);
        assert!(super::parse_list("").is_empty());
    }
}
