//! Servers: tokio is three loops.

use crate::{App, Io, Options, Server, io::SleepUntil};
use std::{
    io,
    net::SocketAddr,
    num::NonZeroUsize,
    sync::Arc,
    task::{Context, Poll},
    thread,
    time::Duration,
};
use timtow_core::task::{self, Alarm, Incoming};
use tokio::{
    net::{TcpListener, TcpStream},
    runtime,
};

/// One connection of a server: the task that is spawned for it.
pub type Serve<A, S = TcpStream> = task::Serve<A, Io<S>>;

/// Serves `app` on the runtime that calls it, with a task per connection, until [`Options::drain`] was started and all
/// connections have ended.
///
/// Dropped earlier, it stops accepting; connections go on.
///
/// # Errors
/// Where the listener is none. Running out of file descriptors and the like passes.
// ANCHOR: driver
pub async fn serve<A>(listener: TcpListener, options: Options, app: A) -> io::Result<()>
where
    A: App<Handler: Send>,
{
    let server = Server::new(app, options);
    task::serve(Listener::new(listener), &server, |connection| {
        tokio::spawn(connection);
    })
    .await
}
// ANCHOR_END: driver

/// As [`serve`], with all connections on the thread that calls it: handlers need not be [`Send`]. To be called inside a
/// [`LocalSet`](tokio::task::LocalSet) or a [`LocalRuntime`](tokio::runtime::LocalRuntime).
///
/// # Errors
/// As [`serve`].
pub async fn serve_local<A: App>(listener: TcpListener, options: Options, app: A) -> io::Result<()> {
    serve_here(listener, &Server::new(app, options)).await
}

async fn serve_here<A: App>(listener: TcpListener, server: &Arc<Server<A>>) -> io::Result<()> {
    task::serve(Listener::new(listener), server, |connection| {
        tokio::task::spawn_local(connection);
    })
    .await
}

/// Serves `app` on one single-threaded loop per listener, each in a thread of its own; handlers need not be [`Send`]. Blocks
/// until [`Options::drain`] was started and all connections have ended. The listeners come from [`bind_reuseport`].
///
/// ```no_run
/// use timtow_tokio::{Echo, Options, bind_reuseport, serve_reuseport};
/// let options = Options { threads: std::thread::available_parallelism()?, ..Options::default() };
/// let listeners = bind_reuseport(([127, 0, 0, 1], 3000).into(), options.threads)?;
/// serve_reuseport(listeners, options, Echo)?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// Where a thread or a loop cannot be had, or a listener is none; the others are then drained.
pub fn serve_reuseport<A: App>(listeners: Vec<std::net::TcpListener>, options: Options, app: A) -> io::Result<()> {
    let server = Server::new(app, options);
    let serve = |listener| {
        let served = serve_on_a_loop(listener, &server);
        if served.is_err() {
            server.options.drain.start();
        }
        served
    };
    thread::scope(|scope| {
        let threads: Vec<_> = listeners
            .into_iter()
            .map(|listener| thread::Builder::new().name("timtow".into()).spawn_scoped(scope, || serve(listener)))
            .collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread?.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

fn serve_on_a_loop<A: App>(listener: std::net::TcpListener, server: &Arc<Server<A>>) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let runtime = runtime::Builder::new_current_thread().enable_all().build_local(Default::default())?;
    runtime.block_on(async { serve_here(TcpListener::from_std(listener)?, server).await })
}

/// So many listeners on one address, among which the kernel spreads what comes (`SO_REUSEPORT`). Of port 0, the first
/// listener's port is used for all.
///
/// # Errors
/// As `bind(2)`.
#[cfg(unix)]
pub fn bind_reuseport(address: SocketAddr, listeners: NonZeroUsize) -> io::Result<Vec<std::net::TcpListener>> {
    let mut address = address;
    (0..listeners.get())
        .map(|_| {
            use socket2::{Domain, Protocol, Socket, Type};
            let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
            socket.set_reuse_address(true)?;
            socket.set_reuse_port(true)?;
            socket.bind(&address.into())?;
            socket.listen(BACKLOG)?;
            let listener = std::net::TcpListener::from(socket);
            address = listener.local_addr()?;
            Ok(listener)
        })
        .collect()
}

/// What tokio's own listeners have.
#[cfg(unix)]
const BACKLOG: i32 = 1024;

/// Where connections come from.
struct Listener {
    listener: TcpListener,
    alarm: Alarm<SleepUntil>,
}

impl Listener {
    fn new(listener: TcpListener) -> Self {
        Listener { listener, alarm: Alarm::default() }
    }
}

impl Incoming for Listener {
    type Socket = Io;

    fn poll_accept(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Io>> {
        self.listener.poll_accept(context).map_ok(|(stream, peer)| Io::tcp(stream, Some(peer)))
    }

    fn poll_deadline(&mut self, context: &mut Context<'_>, deadline: Option<Duration>) -> Poll<()> {
        self.alarm.poll(context, deadline)
    }
}
