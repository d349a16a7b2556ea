//! `timtow load`: a load generator that checks every echo and distrusts itself.
//!
//! One thread drives all connections. Frames are made before the clock starts ([`script`]) and what comes back is
//! checked ([`check`]) by code that the servers under test do not share. Closed loop: so many messages are in flight on
//! each connection, and an echo releases the next. Open loop: messages are sent at a fixed rate, and the latency of each
//! is counted from the time at which it should have been sent, so that a server that stalls cannot hide it
//! (no coordinated omission).
//!
//! `timtow bench` uses the same code, within its own process: [`traffic`], with a bad [`guest`] or without, [`idle`],
//! [`handshakes`] and [`lockstep`].

mod check;
mod fleet;
pub(crate) mod guest;
pub(crate) mod handshakes;
pub(crate) mod idle;
pub(crate) mod lockstep;
mod opening;
pub(crate) mod outcome;
mod peer;
pub(crate) mod script;
pub(crate) mod target;
pub(crate) mod traffic;

use std::{
    io::Write as _,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rustix::{
    process::{Resource, Rlimit, getrlimit, setrlimit},
    time::{ClockId, clock_gettime},
};
use serde::{Deserialize, Serialize};

use crate::{
    args::LoadArguments,
    failure::{Failure, Result},
};
use opening::Opening;
use script::Script;
use target::Target;

/// What to do to whom.
#[derive(Clone)]
pub(crate) struct Plan {
    /// The server.
    pub(crate) target: Target,
    /// What it speaks.
    pub(crate) protocol: Protocol,
    /// Connections.
    pub(crate) connections: usize,
    /// Payload bytes of a message.
    pub(crate) size: usize,
    /// Text with multi-byte characters instead of binary.
    pub(crate) text: bool,
    /// When to send.
    pub(crate) pace: Pace,
    /// One more connection, and what it does to the server.
    pub(crate) guest: Option<guest::Manners>,
    /// Open loop: poll without sleeping while little time is left, because there is a CPU to spare.
    pub(crate) spin: bool,
    /// How long to send before the measurement.
    pub(crate) warmup: Duration,
    /// How long to measure.
    pub(crate) duration: Duration,
    /// Decides payloads and masks.
    pub(crate) seed: u64,
    /// Ends everything early.
    pub(crate) stop: Stop,
}

/// What the server speaks.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Protocol {
    /// WebSocket.
    WebSocket,
    /// None: bytes come back as they were sent. Messages are as long as the frames of the other protocol.
    Raw,
}

/// When to send.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Pace {
    /// So many messages are in flight on each connection.
    Closed { depth: u32 },
    /// So many messages are sent per second, over all connections in turn.
    Open { rate: f64 },
}

/// What the connections of a run share.
pub(crate) struct Shared {
    pub(crate) target: Target,
    pub(crate) opening: Opening,
    pub(crate) script: Script,
}

/// Somebody who looks at the server at the edges of the measured time.
pub(crate) trait Observer {
    /// The measured time begins.
    fn begin(&mut self) {}
    /// The measured time is over; the connections are still open.
    fn end(&mut self) {}
}

/// Nobody looks.
impl Observer for () {}

/// Set by Ctrl-C (SIGINT) and SIGTERM: what runs ends early and says what it knows. A second Ctrl-C kills.
#[derive(Clone, Default)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Installs the signal handlers.
    pub(crate) fn on_signals() -> Result<Self> {
        let stop = Stop::default();
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            let installed = signal_hook::flag::register_conditional_shutdown(signal, 1, stop.0.clone())
                .and_then(|_| signal_hook::flag::register(signal, stop.0.clone()));
            installed.map_err(|error| Failure::new(format!("cannot handle signals ({error}): try again")))?;
        }
        Ok(stop)
    }

    /// An end is wanted.
    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// `timtow load`.
pub(crate) fn run(arguments: &LoadArguments) -> Result<()> {
    let pace = match arguments.rate {
        Some(rate) => Pace::Open { rate },
        None => Pace::Closed { depth: arguments.depth },
    };
    let plan = Plan {
        target: Target::find(&arguments.url)?,
        protocol: Protocol::WebSocket,
        connections: arguments.connections as usize,
        size: arguments.size as usize,
        text: arguments.text,
        pace,
        guest: None,
        spin: std::thread::available_parallelism().is_ok_and(|cpus| cpus.get() > 1),
        // Long enough for caches, buffers and the congestion window; short beside what is measured.
        warmup: Duration::from_secs_f64((arguments.seconds * 0.1).min(0.5)),
        duration: Duration::from_secs_f64(arguments.seconds),
        seed: u64::from(std::process::id()),
        stop: Stop::on_signals()?,
    };
    let wanted = plan.connections as u64 + 64;
    if allow_files(wanted) < wanted {
        return Err(Failure::new(format!("{wanted} open files are not allowed: raise the limit (ulimit -n {wanted})")));
    }
    let measured = traffic::run(&plan, &mut ())?;
    let outcome = outcome::Outcome::new(&plan, &measured);
    let text = serde_json::to_string_pretty(&outcome).map_err(|error| Failure::new(error.to_string()))?;
    let written = writeln!(std::io::stdout().lock(), "{text}");
    written.map_err(|error| Failure::new(format!("cannot write to stdout ({error}): check where it leads")))
}

/// Raises the limit of open files of this process, and of those that it starts, to `wanted`, as far as it may; returns what
/// is allowed then.
pub(crate) fn allow_files(wanted: u64) -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let allowed = |limit: Rlimit| limit.current.unwrap_or(u64::MAX);
    if allowed(limit) >= wanted {
        return allowed(limit);
    }
    // Root may raise the hard limit, too. Who may not gets what there is.
    let maximum = limit.maximum.map(|maximum| maximum.max(wanted));
    let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum })
        .or_else(|_| setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }));
    allowed(getrlimit(Resource::Nofile))
}

/// CPU time of this process so far.
pub(crate) fn own_cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
