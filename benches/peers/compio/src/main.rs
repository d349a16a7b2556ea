//! timtow, and raw TCP echo, on compio: one program, with the driver that the command line names.
//!
//! It is no contestant of the other experiments. `timtow bench --peers --experiments drivers` compares io_uring with epoll
//! by it, where nothing else differs.
//!
//! Followed: the documentation of compio's `ProactorBuilder`, for a ring that one thread uses: `single_issuer` and
//! `defer_taskrun`. Buffers are owned, as all of compio's operations want them. Its pool of buffers for reads was tried, and
//! was not faster; with epoll every read that waits holds one of them.

use std::{
    cell::RefCell,
    env, io,
    net::{SocketAddr, TcpListener},
    process,
    sync::Arc,
    time::{Duration, Instant},
};

use compio::{
    BufResult,
    driver::{DriverType, ProactorBuilder},
    io::{AsyncRead as _, AsyncWrite as _, AsyncWriteExt as _},
    net::TcpStream,
    runtime::{Runtime, RuntimeBuilder, spawn},
    time::timeout,
};
use timtow_core::{Config, Connection, Event, Origins, Response};

fn main() -> io::Result<()> {
    let contestant = peers_common::contestant!();
    let Some(Arguments { driver, is_raw, listen }) = Arguments::read(env::args().skip(1)) else {
        eprintln!("usage: {} --driver io-uring|epoll [--raw] [--listen ADDRESS:PORT]", contestant.name);
        process::exit(2);
    };
    let runtime = runtime(driver).unwrap_or_else(|error| {
        eprintln!(
            "the driver {driver:?} cannot be used here ({error}): io_uring needs Linux 6.1, and a system that allows it"
        );
        process::exit(1);
    });
    let Some(address) = listen else {
        println!("{} {}", contestant.name, contestant.version);
        return Ok(());
    };
    let listener = peers_common::listen_on(contestant, address);
    // In a task of its own, it is polled as the connections are.
    let accepting = async { spawn(accept(listener, is_raw)).await };
    runtime.block_on(accepting).unwrap_or_else(|_| Err(io::Error::other("nothing is accepted any more")))
}

/// The command line.
struct Arguments {
    driver: DriverType,
    is_raw: bool,
    /// Without it, the program says what it is if its driver can be used, and ends.
    listen: Option<SocketAddr>,
}

impl Arguments {
    fn read(mut words: impl Iterator<Item = String>) -> Option<Self> {
        let (mut driver, mut is_raw, mut listen) = (None, false, None);
        while let Some(word) = words.next() {
            match word.as_str() {
                "--driver" => driver = words.next(),
                "--raw" => is_raw = true,
                "--listen" => listen = Some(words.next()?.parse().ok()?),
                _ => return None,
            }
        }
        let driver = match driver?.as_str() {
            "io-uring" => DriverType::IoUring,
            "epoll" => DriverType::Poll,
            _ => return None,
        };
        Some(Arguments { driver, is_raw, listen })
    }
}

/// A loop with that driver and no other: compio does not fall back where one is named.
fn runtime(driver: DriverType) -> io::Result<Runtime> {
    let mut proactor = ProactorBuilder::new();
    proactor.driver_type(driver).single_issuer(true).defer_taskrun(true);
    RuntimeBuilder::new().with_proactor(proactor).build()
}

async fn accept(listener: TcpListener, is_raw: bool) -> io::Result<()> {
    let listener = compio::net::TcpListener::from_std(listener)?;
    let config = Arc::new(Config {
        max_message: peers_common::MAX_MESSAGE,
        max_frame: peers_common::MAX_MESSAGE,
        // Nothing is read while anything waits to be sent, so that what waits is what one read brought.
        high_water: peers_common::MAX_MESSAGE,
        // Without these no timer is needed while a connection is open.
        ping_interval: None,
        write_timeout: None,
        origins: Origins::Any,
        ..Config::default()
    });
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                stream.set_nodelay(true)?;
                if is_raw {
                    spawn(async { peers_common::log(echo_raw(stream).await) }).detach();
                } else {
                    let connection = Connection::server(config.clone());
                    spawn(async { peers_common::log(echo(stream, connection).await) }).detach();
                }
            }
            Err(error) if peers_common::is_only_theirs(&error) => {}
            Err(error) => return Err(error),
        }
    }
}

/// The kernel owns `input` while it reads and `output` while it writes; both come back, and stay with the connection.
async fn echo(mut stream: TcpStream, mut connection: Connection) -> io::Result<()> {
    let (mut input, mut output) = (Vec::with_capacity(READ), Vec::new());
    let mut is_shut = false;
    // Time begins.
    connection.handle_timeout(now());
    // Until the end of either side, or the deadline for it.
    while connection.wants_read() {
        let reading = stream.read(input);
        let read = match connection.poll_timeout() {
            Some(deadline) => timeout(deadline.saturating_sub(now()), reading).await.ok(),
            None => Some(reading.await),
        };
        match read {
            Some(BufResult(read, filled)) => {
                input = filled;
                if read? == 0 {
                    connection.receive_eof();
                }
            }
            None => {
                // What was cancelled keeps its buffer.
                input = Vec::with_capacity(READ);
                connection.handle_timeout(now());
            }
        }
        turn(&mut connection, &mut input, &mut output);
        input.clear();
        if !output.is_empty() {
            let BufResult(written, sent) = stream.write_all(output).await;
            written?;
            output = sent;
            output.clear();
        }
        if connection.outbox().is_finished() && !is_shut {
            stream.shutdown().await?;
            is_shut = true;
        }
    }
    Ok(())
}

/// Feeds what was read, and moves all replies to `output`, so that one write sends them. `Outbox::take` would give pieces, one
/// write for each, in buffers that nobody has back: that cost more than this copy of bytes which are in the cache.
fn turn(connection: &mut Connection, mut input: &mut [u8], output: &mut Vec<u8>) {
    SCRATCH.with_borrow_mut(|scratch| {
        connection.outbox().lend(scratch);
        loop {
            while let Some(event) = connection.receive(&mut input) {
                // What cannot be said any more is said to nobody: the connection is closing.
                let _ = match event {
                    Event::Request(_) => connection.accept(Response::default()),
                    Event::Message(message) => connection.send(message),
                    _ => Ok(()),
                };
            }
            connection.outbox().write_to(output).expect("a vector takes everything");
            if !connection.wants_receive() {
                break;
            }
        }
        connection.outbox().reclaim(scratch);
    });
    // It asks for the time only where a deadline begins.
    if connection.poll_timeout() == Some(Duration::ZERO) {
        connection.handle_timeout(now());
    }
}

/// The same reads into the same buffers, and writes of what they brought.
async fn echo_raw(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = Vec::with_capacity(READ);
    loop {
        let BufResult(read, filled) = stream.read(buffer).await;
        if read? == 0 {
            return Ok(());
        }
        let BufResult(written, sent) = stream.write_all(filled).await;
        written?;
        buffer = sent;
        buffer.clear();
    }
}

/// The time as the connections are told it.
fn now() -> Duration {
    EPOCH.with(Instant::elapsed)
}

/// Bytes of a read. Every connection has its buffer: less cuts large messages, more leaves the caches.
const READ: usize = 128 << 10;

thread_local! {
    static EPOCH: Instant = Instant::now();
    /// Lent to the connection whose turn it is, and in the cache.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}
