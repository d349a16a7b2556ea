//! The command line. Other tools rely on its words: they may be extended, never changed.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{
    bench::Experiment,
    failure::{Failure, Result},
    runtimes::Runtime,
};

/// There is more than one way to serve a WebSocket.
#[derive(Parser, Debug)]
#[command(name = "timtow", version, about, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// List the runtimes that this build contains
    Runtimes(RuntimesArguments),
    /// Serve WebSockets on a runtime
    Serve(ServeArguments),
    /// Connect to a WebSocket server: lines of stdin become text messages, text messages become lines of stdout
    Connect(ConnectArguments),
    /// Put load on an echo server, check every echo, and print one JSON object
    Load(LoadArguments),
    /// Compare the runtimes on this machine: a table here, report.html and results.json on disk
    Bench(BenchArguments),
    /// Raw TCP echo on a runtime: the ceiling that `bench` measures against
    #[command(hide = true)]
    Raw(RawArguments),
}

#[derive(Args, Debug)]
pub(crate) struct RuntimesArguments {
    /// Print a JSON array
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct ServeArguments {
    /// The event loop that serves
    #[arg(value_name = "RUNTIME")]
    pub(crate) runtime: Runtime,
    /// Where to listen; port 0 picks a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3000")]
    pub(crate) listen: SocketAddr,
    /// Loops that share the work, where the runtime can have several [default: one, tokio: one for each CPU]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) threads: Option<u16>,
    /// What to serve
    #[arg(long, default_value = "echo")]
    pub(crate) app: App,
    /// SIGINT and SIGTERM end it at once, as they end programs that have no thread to wait for them
    #[arg(long)]
    pub(crate) no_drain: bool,
    /// Protocol versions to speak, and no others
    #[arg(long, value_name = "DRAFTS", value_delimiter = ',', default_value = "13")]
    pub(crate) drafts: Vec<Draft>,
    /// Compress messages (permessage-deflate)
    #[arg(long)]
    pub(crate) deflate: bool,
    /// An origin whose pages may connect, as scheme://host[:port], or * for any; may be repeated [default: any]
    #[arg(long = "origin", value_name = "ORIGIN")]
    pub(crate) origins: Vec<String>,
    /// Certificate chain for TLS, as PEM
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) cert: Option<PathBuf>,
    /// Private key for TLS, as PEM
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(crate) key: Option<PathBuf>,
    /// The largest message that is accepted [default: 1 MiB]
    #[arg(long, value_name = "BYTES")]
    pub(crate) max_message: Option<usize>,
    /// Connections served at a time; a further one is answered 503 [default: no limit]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_connections: Option<u32>,
}

#[derive(Args, Debug)]
pub(crate) struct ConnectArguments {
    /// ws://host[:port]/path
    #[arg(value_name = "URL")]
    pub(crate) url: String,
    /// The event loop that carries the connection
    #[arg(long, value_name = "RUNTIME", default_value = "threads")]
    pub(crate) runtime: Runtime,
    /// The protocol version to speak
    #[arg(long, value_name = "DRAFT", default_value = "13")]
    pub(crate) draft: Draft,
    /// A header field for the request, as 'Name: value'; may be repeated
    #[arg(long = "header", value_name = "K: V")]
    pub(crate) headers: Vec<String>,
    /// Follow so many redirects at most; credentials do not go to another host or port
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u8).range(..=10))]
    pub(crate) redirects: u8,
    /// Offer compression (permessage-deflate)
    #[arg(long)]
    pub(crate) deflate: bool,
    /// Accept any certificate
    #[arg(long)]
    pub(crate) insecure: bool,
}

#[derive(Args, Debug)]
pub(crate) struct LoadArguments {
    /// ws://host[:port]/path of an echo server
    #[arg(value_name = "URL")]
    pub(crate) url: String,
    /// Connections
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=65_000))]
    pub(crate) connections: u32,
    /// Messages in flight on each connection (closed loop)
    #[arg(long, value_name = "D", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub(crate) depth: u32,
    /// Payload bytes of a message
    #[arg(long, value_name = "BYTES", default_value_t = 16, value_parser = clap::value_parser!(u32).range(..=1 << 28))]
    pub(crate) size: u32,
    /// Send text with multi-byte characters instead of binary
    #[arg(long)]
    pub(crate) text: bool,
    /// Send so many messages per second over all connections, whatever comes back (open loop)
    #[arg(long, value_name = "PER_SECOND", conflicts_with = "depth")]
    pub(crate) rate: Option<f64>,
    /// How long to measure
    #[arg(long, value_name = "S", default_value_t = 5.0)]
    pub(crate) seconds: f64,
}

#[derive(Args, Debug)]
pub(crate) struct BenchArguments {
    /// About a minute: fewer experiments and sizes, short slices, three rounds; marked so in the results
    #[arg(long)]
    pub(crate) quick: bool,
    /// Only these runtimes
    #[arg(long, value_name = "R,R", value_delimiter = ',')]
    pub(crate) only: Vec<Runtime>,
    /// Only these experiments [default: all, with --quick those that are quick]
    #[arg(long, value_name = "E,E", value_delimiter = ',')]
    pub(crate) experiments: Vec<Experiment>,
    /// Servers on other crates take part, too: all in benches/peers, or these; needs a checkout and cargo
    #[arg(long, value_name = "P,P", value_delimiter = ',', num_args = 0.., require_equals = true)]
    pub(crate) peers: Option<Vec<String>>,
    /// An echo server that runs already takes part, too, as ws://host:port/path; may be repeated
    #[arg(long, value_name = "URL")]
    pub(crate) against: Vec<String>,
    /// Where results.json and report.html go
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) out: PathBuf,
    /// Length of one slice of measuring [default: 0.5, with --quick 0.14]
    #[arg(long, value_name = "S")]
    pub(crate) seconds: Option<f64>,
    /// Seed of the random order and of what is sent [default: from the clock; recorded in the results]
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Print the table of such a file in Markdown, or what the runtimes of --only cost, and measure nothing
    #[arg(long, value_name = "results.json", hide = true, conflicts_with_all = ["quick", "experiments", "peers", "against", "out", "seconds", "seed"])]
    pub(crate) table: Option<PathBuf>,
    /// Write report.html from such a file, and measure nothing
    #[arg(long, value_name = "results.json", hide = true, conflicts_with_all = ["quick", "only", "experiments", "peers", "against", "seconds", "seed", "table"])]
    pub(crate) report: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct RawArguments {
    /// The event loop that echoes
    #[arg(value_name = "RUNTIME")]
    pub(crate) runtime: Runtime,
    /// Where to listen; port 0 picks a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub(crate) listen: SocketAddr,
    /// Reads 1 MiB at a time, as adapters read frames of more than 64 KiB, not the 64 KiB of all others
    #[arg(long)]
    pub(crate) large: bool,
}

/// What `serve` serves.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum App {
    /// Every message goes back to its sender.
    Echo,
    /// The same, but a certain message blocks its thread: for `bench`.
    #[value(hide = true)]
    Blocking,
}

/// A version of the protocol: the value of `Sec-WebSocket-Version`, or the draft that had none.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Draft {
    /// RFC 6455.
    #[value(name = "13")]
    Rfc6455,
    #[value(name = "8")]
    Hybi08,
    #[value(name = "7")]
    Hybi07,
    #[value(name = "hixie-76")]
    Hixie76,
    #[value(name = "hixie-75")]
    Hixie75,
}

impl From<Draft> for timtow::Draft {
    fn from(draft: Draft) -> Self {
        match draft {
            Draft::Rfc6455 => timtow::Draft::Rfc6455,
            Draft::Hybi08 => timtow::Draft::Hybi08,
            Draft::Hybi07 => timtow::Draft::Hybi07,
            Draft::Hixie76 => timtow::Draft::Hixie76,
            Draft::Hixie75 => timtow::Draft::Hixie75,
        }
    }
}

impl ServeArguments {
    /// Refuses what this build cannot do yet.
    pub(crate) fn check(&self) -> Result<()> {
        if self.cert.is_some() || self.key.is_some() {
            return Err(Failure::usage(
                "this build has no TLS: leave --cert and --key out, or put a TLS proxy in front",
            ));
        }
        Ok(())
    }
}

impl ConnectArguments {
    /// Refuses what this build cannot do yet.
    pub(crate) fn check(&self) -> Result<()> {
        if self.insecure {
            return Err(Failure::usage(
                "this build has no TLS, so there is no certificate to accept: leave --insecure out",
            ));
        }
        Ok(())
    }
}

impl LoadArguments {
    /// Refuses numbers that mean nothing.
    pub(crate) fn check(&self) -> Result<()> {
        check_seconds(self.seconds)?;
        match self.rate {
            Some(rate) if !(rate > 0.0 && rate <= 1e8) => {
                Err(Failure::usage("--rate must be above 0 and at most 100000000 messages per second"))
            }
            _ => Ok(()),
        }
    }
}

impl BenchArguments {
    /// Refuses numbers that mean nothing.
    pub(crate) fn check(&self) -> Result<()> {
        self.seconds.map_or(Ok(()), check_seconds)
    }
}

fn check_seconds(seconds: f64) -> Result<()> {
    if (0.01..=86_400.0).contains(&seconds) {
        return Ok(());
    }
    Err(Failure::usage("--seconds must be at least 0.01 and at most a day (86400)"))
}
