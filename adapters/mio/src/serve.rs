//! The server: one or several loops, the first of which accepts for all.

use crate::{Tcp, readiness};
use mio::{Events, Interest, Poll, Token, net::TcpListener};
use std::{
    io::{self, ErrorKind},
    sync::Arc,
    task::{Wake, Waker},
};
use timtow_core::{
    app::{Accepted, App, Hub, Options, Server, run_loops},
    ready::{Connections, Watch},
};

/// Serves `app` on `listener` until [`Options::drain`] is started and the last connection has ended.
///
/// It runs [`Options::threads`] loops: the first, which also accepts, on this thread, the others on threads of their own.
/// A handler is made, called and dropped by one of them, and need not be `Send`. What blocks in a handler holds up all
/// connections of its loop.
///
/// # Errors
/// Where the listener is none, or a loop cannot be had. Whatever else `accept(2)` may say passes: see
/// [`Backoff`](timtow_core::app::Backoff). A handler that panics ends its own connection only.
pub fn serve(listener: std::net::TcpListener, options: Options, app: impl App) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let mut listener = TcpListener::from_std(listener);
    let polls = (0..options.threads.get()).map(|_| Poll::new()).collect::<io::Result<Vec<_>>>()?;
    polls[0].registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let hubs = polls.iter().map(|poll| {
        let bell = Bell(mio::Waker::new(poll.registry(), WAKE)?);
        Ok(Hub::new(Waker::from(Arc::new(bell))))
    });
    let hubs = hubs.collect::<io::Result<Vec<_>>>()?;
    let mut listener = Some(listener);
    let loops =
        polls.into_iter().zip(hubs.clone()).map(|(poll, hub)| (Watcher { poll, listener: listener.take() }, hub));
    let server = Server::new(app, options);
    run_loops(loops.collect(), &hubs, |(watcher, hub)| {
        let accepts_for = watcher.listener.is_some().then(|| hubs.clone());
        run(Connections::new(&server, watcher, hub, accepts_for))
    })
}

// ANCHOR: loop
fn run<A: App>(mut connections: Connections<A, Watcher>) -> io::Result<()> {
    let mut events = Events::with_capacity(EVENTS);
    while !connections.is_over() {
        let timeout = connections.timeout();
        match connections.watch.poll.poll(&mut events, timeout) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            polled => polled?,
        }
        for event in &events {
            match event.token() {
                WAKE => connections.woken(),
                LISTENER => connections.listener_is_ready(),
                Token(key) => connections.socket_is_ready(key, readiness(event)),
            }
        }
        connections.catch_up()?;
    }
    Ok(())
}
// ANCHOR_END: loop

struct Watcher {
    poll: Poll,
    listener: Option<TcpListener>,
}

impl Watch for Watcher {
    type Socket = Tcp;

    fn accept(&mut self) -> io::Result<Accepted<Tcp>> {
        let Some(listener) = &self.listener else { return Err(ErrorKind::WouldBlock.into()) };
        listener.accept().map(|(stream, peer)| (Tcp(stream), Some(peer)))
    }

    fn stop_accepting(&mut self) {
        if let Some(mut listener) = self.listener.take() {
            // Somebody else may have a clone of it; an event that comes nevertheless does no harm.
            let _ = self.poll.registry().deregister(&mut listener);
        }
    }

    fn watch(&mut self, Tcp(stream): &mut Tcp, key: usize) -> io::Result<()> {
        stream.set_nodelay(true)?;
        // Once, for both directions: to register again for each wait costs more than the waiting.
        self.poll.registry().register(stream, Token(key), Interest::READABLE | Interest::WRITABLE)
    }

    fn unwatch(&mut self, _: &mut Tcp) {
        // It is closed next, which does the same for one call less: nobody else has it.
    }
}

/// Wakes a loop.
struct Bell(mio::Waker);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        // It cannot fail while its loop is there.
        let _ = self.0.wake();
    }
}

const WAKE: Token = Token(usize::MAX);
const LISTENER: Token = Token(usize::MAX - 1);
/// Events that one poll takes.
const EVENTS: usize = 1024;
