//! The client that Autobahn's fuzzing server tests: `autobahn_client RUNTIME ws://127.0.0.1:PORT`.
//!
//! It asks how many cases there are, lets the server run each against the runtime's client, and asks for the
//! reports, which the server names after the runtime. `conformance/autobahn/run.sh` starts it and judges.

use std::error::Error;
use std::process::ExitCode;

/// Group 9 sends messages of up to this many bytes.
#[expect(dead_code, reason = "until RUNTIMES names its first client, which is configured with it")]
const MESSAGE_LIMIT: usize = 16 << 20;

/// What one connection is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Purpose {
    /// Send each message back, in its own type, until the connection ends.
    Echo,
    /// Only hear what the server says before it closes.
    Ask,
}

/// One connection of a runtime's client: connect to the URL, serve the purpose until the connection ends, close the
/// socket as the protocol asks, and answer with the first text message.
///
/// However a case ends once the connection is open, it is not an error here: the suite provokes violations, and it is
/// the server that judges. An error is a connection that never opened.
type Exchange = fn(url: &str, purpose: Purpose) -> Result<Option<String>, Box<dyn Error>>;

/// The runtimes, by the names that `timtow runtimes` prints.
const RUNTIMES: &[(&str, Exchange)] = &[];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [runtime, server] = arguments.as_slice() else {
        eprintln!("usage: autobahn_client RUNTIME ws://HOST:PORT");
        return ExitCode::from(2);
    };
    let Some((_, exchange)) = RUNTIMES.iter().find(|(name, _)| name == runtime) else {
        let names: Vec<&str> = RUNTIMES.iter().map(|(name, _)| *name).collect();
        eprintln!("autobahn_client: no runtime {runtime}; there are: {}", names.join(", "));
        return ExitCode::from(2);
    };
    match run(runtime, server.trim_end_matches('/'), *exchange) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("autobahn_client: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(agent: &str, server: &str, exchange: Exchange) -> Result<(), Box<dyn Error>> {
    let count = exchange(&format!("{server}/getCaseCount"), Purpose::Ask)?;
    let count: u32 = count.ok_or("the server did not say how many cases it has")?.parse()?;
    for case in 1..=count {
        exchange(&format!("{server}/runCase?case={case}&agent={agent}"), Purpose::Echo)
            .map_err(|error| format!("case {case} of {count}: {error}"))?;
    }
    // The server closes this connection once the reports are written.
    exchange(&format!("{server}/updateReports?agent={agent}"), Purpose::Ask)?;
    Ok(())
}
