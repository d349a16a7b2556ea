//! Who takes part, and in which process.

use serde::{Deserialize, Serialize};

use crate::{load::Protocol, runtimes::Runtime};

/// A server that takes part.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub(crate) struct Contestant {
    /// What it is called in tables.
    pub(crate) name: String,
    pub(crate) runtime: Runtime,
    pub(crate) protocol: Protocol,
    /// It is the same as that one, to see what chance alone makes (A/A).
    pub(crate) twin_of: Option<String>,
}

impl Contestant {
    /// All that take part: each of `runtimes` (all that make sense on one CPU, if there are none), one of them twice, and
    /// raw TCP echo on each of their loops.
    pub(crate) fn all(runtimes: &[Runtime], quick: bool) -> Vec<Contestant> {
        let wanted: Vec<Runtime> = Runtime::ALL
            .into_iter()
            .filter(|runtime| match runtimes {
                [] => !quick || *runtime != Runtime::TokioReuseport,
                some => some.contains(runtime),
            })
            .collect();
        let contestant = |runtime: Runtime, protocol, name| Contestant { name, runtime, protocol, twin_of: None };
        let mut all: Vec<Contestant> =
            wanted.iter().map(|runtime| contestant(*runtime, Protocol::WebSocket, runtime.name().to_owned())).collect();
        // The thinnest loop shows noise best.
        let twin = all.iter().find(|contestant| contestant.runtime == Runtime::Mio).or(all.first()).cloned();
        let mut raws: Vec<Runtime> = all.iter().map(Contestant::raw_runtime).collect();
        raws.dedup();
        all.extend(twin.map(|twin| Contestant {
            name: format!("{} again", twin.name),
            twin_of: Some(twin.name.clone()),
            ..twin
        }));
        all.extend(raws.into_iter().map(|runtime| contestant(runtime, Protocol::Raw, format!("raw TCP, {runtime}"))));
        all
    }

    /// The loop whose raw TCP echo is its ceiling.
    pub(crate) fn raw_runtime(&self) -> Runtime {
        match self.runtime {
            // Several such loops are one loop on one CPU.
            Runtime::TokioReuseport => Runtime::TokioCurrent,
            runtime => runtime,
        }
    }

    /// The arguments with which this program is that server.
    pub(crate) fn arguments(&self) -> Vec<&'static str> {
        let command = match self.protocol {
            Protocol::WebSocket => "serve",
            Protocol::Raw => "raw",
        };
        let mut arguments = vec![command, self.runtime.name(), "--listen", "127.0.0.1:0"];
        if self.protocol == Protocol::WebSocket {
            // The default, but said so that nothing need be logged about it.
            arguments.extend(["--origin", "*"]);
        }
        let has_loops = matches!(self.runtime, Runtime::Mio | Runtime::Tokio | Runtime::TokioReuseport);
        if self.protocol == Protocol::WebSocket && has_loops {
            arguments.extend(["--threads", "1"]);
        }
        arguments
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_takes_part_twice_and_each_loop_has_its_ceiling() {
        for (only, quick) in [(&[][..], true), (&[][..], false), (&[Runtime::Smol, Runtime::TokioReuseport][..], true)]
        {
            let all = Contestant::all(only, quick);
            let twins: Vec<_> = all.iter().filter(|contestant| contestant.twin_of.is_some()).collect();
            assert_eq!(twins.len(), 1);
            assert!(all.iter().any(|contestant| Some(&contestant.name) == twins[0].twin_of.as_ref()));
            for contestant in &all {
                let is_ceiling =
                    |raw: &&Contestant| raw.protocol == Protocol::Raw && raw.runtime == contestant.raw_runtime();
                assert_eq!(all.iter().filter(is_ceiling).count(), 1, "{}", contestant.name);
            }
        }
    }
}
