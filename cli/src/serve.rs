//! `timtow serve`: the echo server, on any runtime.

use std::{
    io::{self, Write as _},
    net::{SocketAddr, TcpListener},
    num::NonZeroUsize,
    os::unix::process::CommandExt as _,
    process::Command,
    thread,
};

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
};
use socket2::{Domain, Protocol, Socket, Type};
use timtow::{
    Config, Deflate, Options, Origins,
    app::{App as Application, Drain},
};

use crate::{
    args::{App, ServeArguments},
    echo::{Blocking, Echo},
    failure::{Failure, Result},
    runtimes::Runtime,
};

/// Connections that may wait to be accepted: ten thousand that come at once should not be refused.
const BACKLOG: i32 = 4096;

/// `timtow serve`.
pub(crate) fn run(arguments: &ServeArguments) -> Result<()> {
    if arguments.origins.is_empty() {
        eprintln!("timtow: pages of any origin may connect; --origin limits that");
    }
    if let (Runtime::AsyncStd, Some(threads)) = (arguments.runtime, arguments.threads) {
        tell_async_std(threads)?;
    }
    let drain = Drain::new();
    if !arguments.no_drain {
        drain_on_signals(drain.clone())?;
    }
    let options = options(arguments, drain);
    let threads = options.threads.get();
    let listeners = if arguments.runtime == Runtime::TokioReuseport { threads } else { 1 };
    let bound = bind(arguments.listen, listeners)?;
    let address = bound[0].local_addr().map_err(lost)?;
    announce(address, arguments.runtime)?;
    let served = match arguments.app {
        App::Echo => serve(arguments.runtime, bound, options, Echo),
        App::Blocking => serve(arguments.runtime, bound, options, Blocking),
    };
    served.map_err(lost)
}

fn serve<A: Application<Handler: Send>>(
    runtime: Runtime,
    mut bound: Vec<TcpListener>,
    options: Options,
    app: A,
) -> io::Result<()> {
    use tokio::runtime::Builder;
    let threads = options.threads.get();
    match runtime {
        Runtime::Threads => timtow::threads::serve(bound.remove(0), options, app),
        Runtime::Mio => timtow::mio::serve(bound.remove(0), options, app),
        Runtime::Tokio => on_tokio(Builder::new_multi_thread().worker_threads(threads), bound.remove(0), options, app),
        Runtime::TokioCurrent => on_tokio(&mut Builder::new_current_thread(), bound.remove(0), options, app),
        Runtime::TokioReuseport => timtow::tokio::serve_reuseport(bound, options, app),
        Runtime::Smol => on_smol(bound.remove(0), options, app),
        Runtime::AsyncStd => async_std::task::block_on(timtow::async_std::serve(bound.remove(0).into(), options, app)),
    }
}

fn lost(error: io::Error) -> Failure {
    Failure::new(format!("the listening socket failed: {error}"))
}

fn options(arguments: &ServeArguments, drain: Drain) -> Options {
    let deflate = arguments.deflate.then(Deflate::default);
    let mut config = Config { origins: Origins::Any, deflate, ..Config::default() };
    if !arguments.origins.is_empty() && !arguments.origins.iter().any(|origin| origin == "*") {
        config.origins = Origins::List(arguments.origins.clone());
    }
    config.drafts = arguments.drafts.iter().map(|draft| (*draft).into()).collect();
    if let Some(max) = arguments.max_message {
        config.max_message = max;
        config.max_frame = max;
    }
    Options {
        config: config.into(),
        threads: arguments
            .threads
            .and_then(|n| NonZeroUsize::new(n.into()))
            .unwrap_or_else(|| own_threads(arguments.runtime)),
        max_connections: arguments.max_connections.map_or(usize::MAX, |n| n as usize),
        drain,
        ..Options::default()
    }
}

/// How many threads a runtime takes when nobody says.
fn own_threads(runtime: Runtime) -> NonZeroUsize {
    match runtime {
        Runtime::Threads | Runtime::Mio | Runtime::TokioCurrent | Runtime::Smol => NonZeroUsize::MIN,
        Runtime::Tokio | Runtime::TokioReuseport | Runtime::AsyncStd => {
            thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
        }
    }
}

/// One listener, or several on one port.
fn bind(address: SocketAddr, count: usize) -> Result<Vec<TcpListener>> {
    let mut address = address;
    let mut listeners = Vec::new();
    for _ in 0..count {
        let listener = listen(address, count > 1).map_err(|error| {
            Failure::new(format!("cannot listen on {address} ({error}): choose another address with --listen"))
        })?;
        address = listener.local_addr().map_err(lost)?;
        listeners.push(listener);
    }
    Ok(listeners)
}

fn listen(address: SocketAddr, shared: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if shared {
        socket.set_reuse_port(true)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// The one line on stdout, which other programs wait for.
fn announce(address: SocketAddr, runtime: Runtime) -> Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "listening on ws://{address}/ with {runtime}")
        .and_then(|()| stdout.flush())
        .map_err(|error| Failure::new(format!("cannot write to stdout ({error}): check where it leads")))
}

/// SIGINT and SIGTERM drain. Ctrl-C once more, by someone who will not wait, ends the program at once.
fn drain_on_signals(drain: Drain) -> Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])
        .map_err(|error| Failure::new(format!("cannot listen for signals ({error}): try again")))?;
    thread::spawn(move || {
        for signal in signals.forever() {
            if drain.is_draining() {
                if signal == SIGINT {
                    std::process::exit(128 + signal);
                }
                continue;
            }
            eprintln!("timtow: draining; Ctrl-C ends at once");
            drain.start();
        }
    });
    Ok(())
}

fn on_tokio<A: Application<Handler: Send>>(
    builder: &mut tokio::runtime::Builder,
    listener: TcpListener,
    options: Options,
    app: A,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    builder
        .enable_all()
        .build()?
        .block_on(async { timtow::tokio::serve(tokio::net::TcpListener::from_std(listener)?, options, app).await })
}

/// An executor of our own, so that its threads can be counted.
fn on_smol<A: Application<Handler: Send>>(listener: TcpListener, options: Options, app: A) -> io::Result<()> {
    static EXECUTOR: smol::Executor<'static> = smol::Executor::new();
    for _ in 1..options.threads.get() {
        thread::spawn(|| smol::block_on(EXECUTOR.run(std::future::pending::<()>())));
    }
    let listener = smol::Async::<TcpListener>::try_from(listener)?.into();
    let spawn = |connection| EXECUTOR.spawn(connection).detach();
    // As a task of its own it is polled when somebody connects, and not whenever the executor is.
    let server = EXECUTOR.spawn(timtow::smol::serve_on(spawn, listener, options, app));
    smol::block_on(EXECUTOR.run(server))
}

/// async-std asks its environment how many threads it may have: the program begins anew with the answer in it.
fn tell_async_std(threads: u16) -> Result<()> {
    const VARIABLE: &str = "ASYNC_STD_THREAD_COUNT";
    let threads = threads.to_string();
    if std::env::var(VARIABLE).is_ok_and(|value| value == threads) {
        return Ok(());
    }
    let program =
        std::env::current_exe().map_err(|error| Failure::new(format!("cannot find this program: {error}")))?;
    let error = Command::new(program).args(std::env::args_os().skip(1)).env(VARIABLE, &threads).exec();
    Err(Failure::new(format!("cannot begin anew with {VARIABLE}={threads} ({error}): leave --threads out")))
}
