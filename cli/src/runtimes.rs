//! `timtow runtimes`: the event loops that this build contains.

use std::{fmt, io::Write as _};

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::{
    args::RuntimesArguments,
    failure::{Failure, Result},
};

/// An event loop that can serve.
#[derive(ValueEnum, Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Runtime {
    /// Blocking sockets, a thread for each connection; std only.
    Threads,
    /// Callbacks on epoll or kqueue.
    Mio,
    /// Tokio's multi-thread scheduler.
    Tokio,
    /// Tokio on one thread.
    TokioCurrent,
    /// Tokio on one thread, several times, on a shared port.
    TokioReuseport,
    /// Smol.
    Smol,
    /// async-std: discontinued (RUSTSEC-2025-0052), here for those who inherited it.
    AsyncStd,
}

/// What `--json` says about a runtime.
#[derive(Serialize)]
struct Entry {
    name: String,
    description: &'static str,
}

impl Runtime {
    /// All of them, in the order in which they are listed.
    pub(crate) const ALL: [Runtime; 7] = [
        Runtime::Threads,
        Runtime::Mio,
        Runtime::Tokio,
        Runtime::TokioCurrent,
        Runtime::TokioReuseport,
        Runtime::Smol,
        Runtime::AsyncStd,
    ];

    /// The word of the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Runtime::Threads => "threads",
            Runtime::Mio => "mio",
            Runtime::Tokio => "tokio",
            Runtime::TokioCurrent => "tokio-current",
            Runtime::TokioReuseport => "tokio-reuseport",
            Runtime::Smol => "smol",
            Runtime::AsyncStd => "async-std",
        }
    }

    /// The feature of timtow that brings it.
    pub(crate) fn feature(self) -> &'static str {
        match self {
            Runtime::Tokio | Runtime::TokioCurrent | Runtime::TokioReuseport => "tokio",
            runtime => runtime.name(),
        }
    }

    /// One line for people.
    pub(crate) fn description(self) -> &'static str {
        match self {
            Runtime::Threads => "blocking sockets, a thread for each connection; std only",
            Runtime::Mio => "callbacks on the system's poller; one loop or several",
            Runtime::Tokio => "tokio, multi-thread",
            Runtime::TokioCurrent => "tokio, current-thread",
            Runtime::TokioReuseport => "tokio, several current-thread loops on one port (SO_REUSEPORT)",
            Runtime::Smol => "smol",
            Runtime::AsyncStd => "async-std, discontinued (RUSTSEC-2025-0052): prefer smol",
        }
    }
}

impl fmt::Display for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// `timtow runtimes`.
pub(crate) fn run(arguments: &RuntimesArguments) -> Result<()> {
    let mut text = String::new();
    if arguments.json {
        let entries =
            Runtime::ALL.map(|runtime| Entry { name: runtime.name().into(), description: runtime.description() });
        text = serde_json::to_string(&entries).map_err(|error| Failure::new(error.to_string()))?;
        text.push('\n');
    } else {
        for runtime in Runtime::ALL {
            text.push_str(&format!("{runtime:<16} {}\n", runtime.description()));
        }
    }
    let written = std::io::stdout().lock().write_all(text.as_bytes());
    written.map_err(|error| Failure::new(format!("cannot write to stdout ({error}): check where it leads")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_words_of_the_command_line_and_of_results() {
        for runtime in Runtime::ALL {
            assert_eq!(runtime.to_possible_value().unwrap().get_name(), runtime.name());
            assert_eq!(serde_json::to_value(runtime).unwrap(), runtime.name());
        }
        assert_eq!(Runtime::value_variants(), Runtime::ALL);
    }
}
