//! The client that Autobahn's fuzzing server tests: `autobahn_client RUNTIME ws://127.0.0.1:PORT`.
//!
//! It asks how many cases there are, lets the server run each against the runtime's client, and asks for the
//! reports, which the server names after the runtime. `conformance/autobahn/run.sh` starts it and judges.

use std::{error::Error, process::ExitCode};
use timtow::{
    Config, Deflate, Message, Options, OwnedMessage,
    core::{Buffers, Event, task},
};

/// Group 9 sends messages of up to this many bytes.
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
const RUNTIMES: &[(&str, Exchange)] = &[
    ("threads", on_threads),
    ("mio", on_mio),
    ("tokio", on_tokio),
    ("tokio-current", on_tokio_current),
    ("smol", on_smol),
    ("async-std", on_async_std),
];

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

type Heard = Result<Option<String>, Box<dyn Error>>;

fn options() -> Options {
    let deflate = Some(Deflate::default());
    let config = Config { max_message: MESSAGE_LIMIT, max_frame: MESSAGE_LIMIT, deflate, ..Config::default() };
    Options { config: config.into(), ..Options::default() }
}

/// Keeps the first text.
fn keep(first: &mut Option<String>, message: &OwnedMessage) {
    if first.is_none() {
        *first = message.as_text().map(String::from);
    }
}

fn on_threads(url: &str, purpose: Purpose) -> Heard {
    let mut socket = timtow::threads::connect(url, &options())?;
    let mut first = None;
    while let Ok(Some(message)) = socket.recv() {
        keep(&mut first, &message);
        if purpose == Purpose::Echo {
            // It fails once the connection closes; `recv` says when that is done.
            let _ = socket.send(message);
        }
    }
    Ok(first)
}

async fn talk<S: task::Socket>(mut socket: task::WebSocket<S>, purpose: Purpose) -> Option<String> {
    let mut first = None;
    while let Ok(Some(message)) = socket.recv().await {
        keep(&mut first, &message);
        if purpose == Purpose::Echo {
            let _ = socket.send(message).await;
        }
    }
    first
}

/// On a thread of the runtime's, which may change wherever it waits.
fn on_tokio(url: &str, purpose: Purpose) -> Heard {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let url = url.to_owned();
    let exchange =
        async move { Ok::<_, timtow::Error>(talk(timtow::tokio::connect(&*url, &options()).await?, purpose).await) };
    Ok(runtime.block_on(runtime.spawn(exchange))??)
}

fn on_tokio_current(url: &str, purpose: Purpose) -> Heard {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async { Ok(talk(timtow::tokio::connect(url, &options()).await?, purpose).await) })
}

fn on_smol(url: &str, purpose: Purpose) -> Heard {
    smol::block_on(async { Ok(talk(timtow::smol::connect(url, &options()).await?, purpose).await) })
}

fn on_async_std(url: &str, purpose: Purpose) -> Heard {
    async_std::task::block_on(async { Ok(talk(timtow::async_std::connect(url, &options()).await?, purpose).await) })
}

fn on_mio(url: &str, purpose: Purpose) -> Heard {
    let mut socket = timtow::mio::connect(url, &options())?;
    let mut poll = mio::Poll::new()?;
    poll.registry().register(&mut socket, mio::Token(0), mio::Interest::READABLE | mio::Interest::WRITABLE)?;
    let (mut events, mut buffers) = (mio::Events::with_capacity(8), Buffers::default());
    let mut first = None;
    let mut opened = false;
    let mut hear = |connection: &mut timtow::core::Connection, event: Event<'_>| match event {
        Event::Open(_) => opened = true,
        Event::Message(message) => {
            if let (None, Message::Text(text)) = (&first, &message) {
                first = Some(text.to_string());
            }
            if purpose == Purpose::Echo {
                let _ = connection.send(message);
            }
        }
        _ => {}
    };
    while !socket.is_closed() {
        poll.poll(&mut events, socket.poll_timeout())?;
        for event in &events {
            socket.handle(event, &mut buffers, &mut hear);
        }
        socket.handle_timeout(&mut buffers, &mut hear);
    }
    match opened {
        true => Ok(first),
        false => Err("the connection never opened".into()),
    }
}
