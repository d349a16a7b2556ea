//! A whole server, on any executor.

use crate::{App, Delay, Io, Options, Server, Timer};
use futures_core::Stream;
use futures_io::{AsyncRead, AsyncWrite};
use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use timtow_core::task::{self, Alarm, Incoming};

/// One connection of a server, as a future that is to be spawned.
pub type Serve<A, S, T = Delay> = task::Serve<A, Io<S, T>>;

/// Serves `app` on the connections that `incoming` gives, each a future that `spawn` has to spawn, until
/// [`Options::drain`] was started and all connections have ended. Set `TCP_NODELAY` on what you give.
///
/// `incoming` is dropped when the drain begins; let it own its listener, so that nobody is kept waiting in its queue.
///
/// An error of `incoming` is what `accept(2)` would say: after those that pass by themselves it is asked again, a little
/// later. Where it ends, nothing more is accepted, and the drain is waited for. The futures can be sent to other threads
/// where the handlers can. Dropped early, it stops accepting; connections go on.
///
/// ```
/// use futures::{StreamExt, executor::ThreadPool, stream};
/// use timtow_futures::{Echo, Io, Options, Serve, serve};
///
/// async fn echo(listener: async_io::Async<std::net::TcpListener>, pool: ThreadPool) -> std::io::Result<()> {
///     let incoming = listener.incoming().map(|stream| stream.map(Io::from));
///     let spawn = |connection: Serve<_, _>| pool.spawn_ok(connection);
///     serve(incoming, spawn, Options::default(), Echo).await
/// }
/// ```
///
/// # Errors
/// Where `incoming` says that the listener is none.
// ANCHOR: driver
pub async fn serve<A, S, T>(
    incoming: impl Stream<Item = io::Result<Io<S, T>>>,
    spawn: impl FnMut(Serve<A, S, T>),
    options: Options,
    app: A,
) -> io::Result<()>
where
    A: App,
    S: AsyncRead + AsyncWrite + Unpin,
    T: Timer,
{
    let server = Server::new(app, options);
    let incoming = Accept { stream: Some(Box::pin(incoming)), alarm: Alarm::<T>::default() };
    task::serve(incoming, &server, spawn).await
}
// ANCHOR_END: driver

/// Where connections come from.
struct Accept<I, T> {
    /// None after its end.
    stream: Option<Pin<Box<I>>>,
    alarm: Alarm<T>,
}

impl<I, S, T> Incoming for Accept<I, T>
where
    I: Stream<Item = io::Result<Io<S, T>>>,
    T: Timer,
{
    type Socket = Io<S, T>;

    fn poll_accept(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Io<S, T>>> {
        let Some(stream) = &mut self.stream else { return Poll::Pending };
        match ready!(stream.as_mut().poll_next(context)) {
            Some(accepted) => Poll::Ready(accepted),
            None => {
                self.stream = None;
                Poll::Pending
            }
        }
    }

    fn poll_deadline(&mut self, context: &mut Context<'_>, deadline: Option<Duration>) -> Poll<()> {
        self.alarm.poll(context, deadline)
    }
}
