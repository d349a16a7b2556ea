//! Who takes part, and as which process.

use std::{
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{results::Cell, server::Launch};
use crate::{load::Protocol, runtimes::Runtime};

/// A server that takes part.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub(crate) struct Contestant {
    /// What it is called in tables.
    pub(crate) name: String,
    /// What it is.
    #[serde(flatten)]
    pub(crate) kind: Kind,
    /// The name of the raw TCP echo on the same loop, where the loop is known.
    pub(crate) ceiling: Option<String>,
    /// It is the same as that one, to see what chance alone makes (A/A).
    pub(crate) twin_of: Option<String>,
}

/// Whose server it is.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum Kind {
    /// `timtow serve`.
    Timtow { runtime: Runtime },
    /// `timtow raw`: TCP echo without a protocol, on a loop, with reads as for frames of more than 64 KiB if they are large.
    Raw {
        runtime: Runtime,
        #[serde(default)]
        large: bool,
    },
    /// timtow, or raw TCP echo, on a driver of compio: in the experiment `drivers` only.
    Compio {
        driver: Driver,
        raw: bool,
        /// The executable.
        #[serde(skip)]
        program: PathBuf,
    },
    /// Another crate's (`--peers`).
    Peer(Peer),
    /// One that runs already (`--against`).
    Against { url: String },
}

/// How compio asks the kernel.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Driver {
    IoUring,
    Epoll,
}

/// A server on another crate.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub(crate) struct Peer {
    /// The crate that it shows.
    #[serde(rename = "crate")]
    pub(crate) krate: String,
    pub(crate) version: String,
    /// The loop whose raw TCP echo is its ceiling.
    #[serde(rename = "loop")]
    pub(crate) runtime: Runtime,
    /// How the crate is used.
    pub(crate) how: String,
    /// Its executable, once it is built.
    #[serde(skip)]
    pub(crate) program: PathBuf,
}

impl Contestant {
    /// All that take part: each of `runtimes` (if there are none, all, but on `one_cpu` only those that differ there), one of
    /// them twice; the `peers`; what listens at the URLs `against`; and raw TCP echo on each of the loops.
    pub(crate) fn all(
        runtimes: &[Runtime],
        one_cpu: bool,
        peers: &[(String, Peer)],
        against: &[String],
    ) -> Vec<Contestant> {
        let wanted = Runtime::ALL.into_iter().filter(|runtime| match runtimes {
            [] => !one_cpu || *runtime != Runtime::TokioReuseport,
            some => some.contains(runtime),
        });
        let mut all: Vec<Contestant> = wanted.map(Contestant::of).collect();
        // The thinnest loop shows noise best.
        let mio = Kind::Timtow { runtime: Runtime::Mio };
        let twin = all.iter().find(|contestant| contestant.kind == mio).or(all.first()).cloned();
        all.extend(twin.map(|twin| Contestant {
            name: format!("{} again", twin.name),
            twin_of: Some(twin.name.clone()),
            ..twin
        }));
        all.extend(peers.iter().map(|(name, peer)| Contestant {
            name: name.clone(),
            ceiling: Some(raw_name(peer.runtime)),
            kind: Kind::Peer(peer.clone()),
            twin_of: None,
        }));
        all.extend(against.iter().map(|url| Contestant {
            name: url.clone(),
            kind: Kind::Against { url: url.clone() },
            ceiling: None,
            twin_of: None,
        }));
        let is_ceiling = |runtime: &Runtime| all.iter().any(|it| it.ceiling == Some(raw_name(*runtime)));
        let raws: Vec<Runtime> = Runtime::ALL.into_iter().filter(is_ceiling).collect();
        all.extend(raws.into_iter().map(|runtime| Contestant {
            name: raw_name(runtime),
            kind: Kind::Raw { runtime, large: false },
            ceiling: None,
            twin_of: None,
        }));
        all
    }

    /// The same raw TCP with large reads, if it is raw TCP on a loop that reads larger frames so: a thread's buffer is not
    /// larger for them.
    pub(crate) fn with_large_reads(&self) -> Option<Contestant> {
        match self.kind {
            Kind::Raw { runtime, .. } if runtime != Runtime::Threads => Some(Contestant {
                name: large_name(&self.name),
                kind: Kind::Raw { runtime, large: true },
                ..self.clone()
            }),
            _ => None,
        }
    }

    /// Those of the experiment `drivers`: timtow and raw TCP echo on each driver of compio, whose server is `program`, and
    /// on mio for comparison, one of them twice.
    pub(crate) fn on_drivers(program: &Path) -> Vec<Contestant> {
        let of = |driver: Driver, raw: bool| {
            let (name, raw_name) = (format!("compio, {driver}"), format!("raw TCP, compio, {driver}"));
            let kind = Kind::Compio { driver, raw, program: program.to_owned() };
            let (name, ceiling) = if raw { (raw_name, None) } else { (name, Some(raw_name)) };
            Contestant { name, kind, ceiling, twin_of: None }
        };
        let compio = [false, true].into_iter().flat_map(|raw| [Driver::IoUring, Driver::Epoll].map(|it| of(it, raw)));
        compio.chain(Contestant::all(&[Runtime::Mio], true, &[], &[])).collect()
    }

    /// timtow on `runtime`.
    fn of(runtime: Runtime) -> Self {
        let loops = match runtime {
            // Several such loops are one loop on one CPU.
            Runtime::TokioReuseport => Runtime::TokioCurrent,
            runtime => runtime,
        };
        let (name, ceiling) = (runtime.name().into(), Some(raw_name(loops)));
        Contestant { name, kind: Kind::Timtow { runtime }, ceiling, twin_of: None }
    }

    /// What it speaks.
    pub(crate) fn protocol(&self) -> Protocol {
        match self.kind {
            Kind::Raw { .. } | Kind::Compio { raw: true, .. } => Protocol::Raw,
            _ => Protocol::WebSocket,
        }
    }

    /// It is timtow's: if it fails, the comparison does.
    pub(crate) fn is_ours(&self) -> bool {
        matches!(self.kind, Kind::Timtow { .. } | Kind::Raw { .. } | Kind::Compio { .. })
    }

    /// It is raw TCP with large reads.
    pub(crate) fn is_large(&self) -> bool {
        matches!(self.kind, Kind::Raw { large: true, .. })
    }

    /// It is timtow on a loop.
    pub(crate) fn is_timtow(&self) -> bool {
        matches!(self.kind, Kind::Timtow { .. })
    }

    /// Its program, where it is not this one, and the arguments that make it that server; none where it runs already.
    pub(crate) fn command(&self, launch: &Launch) -> Option<(Option<PathBuf>, Vec<OsString>)> {
        let (program, mut arguments) = match &self.kind {
            Kind::Timtow { runtime } => (None, vec!["serve", runtime.name()]),
            Kind::Raw { runtime, large: false } => (None, vec!["raw", runtime.name()]),
            Kind::Raw { runtime, large: true } => (None, vec!["raw", runtime.name(), "--large"]),
            Kind::Compio { driver, raw, program } => {
                let raw = raw.then_some("--raw");
                (Some(program.clone()), ["--driver", driver.name()].into_iter().chain(raw).collect())
            }
            Kind::Peer(peer) => (Some(peer.program.clone()), Vec::new()),
            Kind::Against { .. } => return None,
        };
        arguments.extend(["--listen", "127.0.0.1:0"]);
        if let Kind::Timtow { runtime } = &self.kind {
            // The default, but said so that nothing need be logged about it.
            arguments.extend(["--origin", "*"]);
            // A process with a second thread pays more for each system call, with some C libraries, and the others have none that
            // waits for signals.
            arguments.push("--no-drain");
            let has_loops = matches!(runtime, Runtime::Mio | Runtime::Tokio | Runtime::TokioReuseport);
            if has_loops && !launch.own_defaults {
                arguments.extend(["--threads", "1"]);
            }
            if launch.blocking {
                arguments.extend(["--app", "blocking"]);
            }
        }
        Some((program, arguments.into_iter().map(OsString::from).collect()))
    }
}

/// Those of `who`, with the raw TCP whose reads are as large as those of the adapters in `cell` in place of the other, or with
/// both.
pub(crate) fn with_reads(contestants: &[Contestant], cell: Cell, who: &[usize]) -> Vec<usize> {
    let reads = |who: usize| {
        let name = large_name(&contestants[who].name);
        let large = contestants.iter().position(|it| it.is_large() && it.name == name);
        match large {
            Some(large) if cell.has_large_reads() => [Some(large), None],
            Some(large) if cell.wants_both_reads() => [Some(who), Some(large)],
            _ => [Some(who), None],
        }
    };
    who.iter().flat_map(|who| reads(*who)).flatten().collect()
}

/// The name of the ceiling with large reads, for one without.
pub(crate) fn large_name(ceiling: &str) -> String {
    format!("{ceiling}, 1 MiB")
}

impl Driver {
    /// The word of the server's command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Driver::IoUring => "io-uring",
            Driver::Epoll => "epoll",
        }
    }
}

impl fmt::Display for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // As the kernel writes it.
        f.write_str(&self.name().replace('-', "_"))
    }
}

fn raw_name(runtime: Runtime) -> String {
    format!("raw TCP, {runtime}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_takes_part_twice_and_each_loop_has_its_ceiling() {
        let peer = |name: &str, runtime| {
            let (krate, version, how) = ("other".into(), "1.0.0".into(), "as it is".into());
            (name.to_owned(), Peer { krate, version, runtime, how, program: PathBuf::new() })
        };
        let peers = [peer("one", Runtime::TokioCurrent), peer("two", Runtime::Threads)];
        for (only, one_cpu) in
            [(&[][..], true), (&[][..], false), (&[Runtime::Smol, Runtime::TokioReuseport][..], true)]
        {
            let all = Contestant::all(only, one_cpu, &peers, &["ws://127.0.0.1:9/".into()]);
            let twins: Vec<_> = all.iter().filter(|contestant| contestant.twin_of.is_some()).collect();
            assert_eq!(twins.len(), 1);
            assert!(all.iter().any(|contestant| Some(&contestant.name) == twins[0].twin_of.as_ref()));
            for contestant in &all {
                let found = all.iter().filter(|raw| Some(&raw.name) == contestant.ceiling.as_ref());
                let known = matches!(contestant.kind, Kind::Timtow { .. } | Kind::Peer(_));
                assert_eq!(found.count(), usize::from(known), "{}", contestant.name);
            }
            let names: std::collections::BTreeSet<_> = all.iter().map(|contestant| &contestant.name).collect();
            assert_eq!(names.len(), all.len());
        }
    }

    #[test]
    fn raw_tcp_reads_as_much_as_the_others() {
        let mut all = Contestant::all(&[Runtime::Threads, Runtime::Smol], false, &[], &[]);
        all.extend(all.clone().iter().filter_map(Contestant::with_large_reads));
        let who: Vec<usize> = (0..all.len()).filter(|who| !all[*who].is_large()).collect();
        let raws = |size, depth| -> Vec<&str> {
            let cell = Cell { connections: 1, size, depth, text: false };
            let who = with_reads(&all, cell, &who).into_iter();
            who.map(|who| all[who].name.as_str()).filter(|name| name.starts_with("raw")).collect()
        };
        assert_eq!(raws(4096, 16), ["raw TCP, threads", "raw TCP, smol"]);
        assert_eq!(raws(4097, 16), ["raw TCP, threads", "raw TCP, smol", "raw TCP, smol, 1 MiB"]);
        assert_eq!(raws(64 << 10, 2), ["raw TCP, threads", "raw TCP, smol", "raw TCP, smol, 1 MiB"]);
        assert_eq!(raws(1 << 20, 1), ["raw TCP, threads", "raw TCP, smol, 1 MiB"]);
    }

    #[test]
    fn only_a_word_tells_the_drivers_apart_and_each_has_its_ceiling() {
        let all = Contestant::on_drivers(Path::new("compio"));
        let words = |name: &str| {
            let contestant = all.iter().find(|it| it.name == name).unwrap();
            let (program, words) = contestant.command(&Launch::default()).unwrap();
            assert_eq!(program.as_deref(), Some(Path::new("compio")));
            words.into_iter().map(|word| word.into_string().unwrap()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(words("compio, io_uring"), "--driver io-uring --listen 127.0.0.1:0");
        assert_eq!(words("compio, epoll"), "--driver epoll --listen 127.0.0.1:0");
        assert_eq!(words("raw TCP, compio, epoll"), "--driver epoll --raw --listen 127.0.0.1:0");
        assert_eq!(all.iter().filter(|contestant| contestant.twin_of.is_some()).count(), 1);
        for contestant in &all {
            let ceiling = all.iter().find(|raw| Some(&raw.name) == contestant.ceiling.as_ref());
            assert_eq!(ceiling.is_some(), contestant.protocol() == Protocol::WebSocket, "{}", contestant.name);
            assert!(contestant.is_ours() && ceiling.is_none_or(|raw| raw.protocol() == Protocol::Raw));
        }
    }

    #[test]
    fn a_contestant_is_read_as_it_was_written() {
        let (krate, version, how) = ("other".into(), "1.0.0".into(), "as it is".into());
        let peer = Peer { krate, version, runtime: Runtime::Smol, how, program: PathBuf::new() };
        let mut all = Contestant::all(&[], false, &[("peer".into(), peer)], &["ws://127.0.0.1:9/".into()]);
        all.extend(all.clone().iter().filter_map(Contestant::with_large_reads));
        for contestant in all.into_iter().chain(Contestant::on_drivers(Path::new(""))) {
            let text = serde_json::to_string(&contestant).unwrap();
            assert_eq!(serde_json::from_str::<Contestant>(&text).unwrap(), contestant, "{text}");
        }
    }
}
