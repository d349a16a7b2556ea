//! Serving: one future per connection, and the loop that accepts them.

use super::{FAIR, Polled, Socket};
use crate::{
    Access, Buffers, Endpoint, Input,
    app::{App, Backoff, Drain, Registration, Server, Session},
    clock,
    endpoint::Share,
};
use std::{
    future::{Future, poll_fn},
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

/// One connection of a server, as a future that ends when the connection has.
pub struct Serve<A: App, S> {
    session: Session<A>,
    endpoint: Endpoint,
    socket: S,
    drain: Option<Registration>,
}

impl<A: App, S: Socket> Serve<A, S> {
    /// A connection that has just been accepted.
    pub fn new(server: &Arc<Server<A>>, socket: S) -> Self {
        let (session, endpoint) = (Session::new(server, socket.peer()), Endpoint::server(&server.options));
        endpoint.set_peer(socket.peer());
        Serve { session, endpoint, socket, drain: None }
    }

    fn turn(&mut self, context: &mut Context<'_>, buffers: &mut Buffers, input: Input) {
        let mut output = Polled { socket: &mut self.socket, context };
        self.session.turn(Access::Direct(&mut self.endpoint), buffers, input, &mut output);
    }

    // ANCHOR: read
    /// Reads until the socket is empty, for a while. Whether there may be more.
    fn read(&mut self, context: &mut Context<'_>, buffers: &mut Buffers) -> bool {
        let mut share = Share::new(buffers);
        while share.is_left() {
            if !self.endpoint.wants_read() {
                return self.endpoint.wants_turn();
            }
            let input = match self.socket.poll_read(context, self.endpoint.room(buffers)) {
                Poll::Pending => return false,
                Poll::Ready(Ok(n)) => Input::Read(n),
                Poll::Ready(Err(_)) => Input::Failed,
            };
            self.turn(context, buffers, input);
            share.spend(buffers);
        }
        true
    }
    // ANCHOR_END: read
}

// Nothing in it is pinned: a handler is only ever reached through `&mut`.
impl<A: App, S> Unpin for Serve<A, S> {}

// ANCHOR: poll
impl<A: App, S: Socket> Future for Serve<A, S> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if this.endpoint.set_waker(context.waker()) {
            match &mut this.drain {
                Some(drain) => drain.set_waker(context.waker()),
                None => this.drain = Some(this.session.server().options.drain.register(context.waker())),
            }
        }
        Buffers::with(|buffers| {
            // Whatever woke us: mail, room to write, a drain. Without it, `read` is the whole turn.
            if this.endpoint.wants_write()
                || this.endpoint.wants_turn()
                || this.endpoint.has_mail()
                || this.session.server().options.drain.is_draining()
            {
                if this.endpoint.connection.has_late_pong() {
                    this.read(context, buffers);
                }
                this.turn(context, buffers, Input::Nothing);
            }
            for _ in 0..FAIR {
                let more = this.read(context, buffers);
                if this.endpoint.is_closed() {
                    return Poll::Ready(());
                }
                let deadline = this.session.poll_timeout(&mut Access::Direct(&mut this.endpoint));
                if this.socket.poll_deadline(context, deadline).is_ready() {
                    this.turn(context, buffers, Input::Nothing);
                } else if more {
                    break;
                } else {
                    return Poll::Pending;
                }
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
    }
}
// ANCHOR_END: poll

/// Where connections come from.
pub trait Incoming {
    /// What a connection is made of.
    type Socket;

    /// Accepts a connection.
    ///
    /// # Errors
    /// As `accept(2)`; [`Backoff`] says what they mean.
    fn poll_accept(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Self::Socket>>;

    /// Ready once it is `deadline`, as [`Socket::poll_deadline`].
    fn poll_deadline(&mut self, context: &mut Context<'_>, deadline: Option<Duration>) -> Poll<()>;
}

/// The whole server: gives the connections that come to `spawn`, as futures that do everything else, until the server is
/// asked to drain; then drops `incoming`, and ends when the last connection has.
///
/// # Errors
/// As [`accept_loop`].
pub async fn serve<A: App, I: Incoming<Socket: Socket>>(
    mut incoming: I,
    server: &Arc<Server<A>>,
    mut spawn: impl FnMut(Serve<A, I::Socket>),
) -> io::Result<()> {
    accept_loop(&mut incoming, &server.options.drain, |socket| spawn(Serve::new(server, socket))).await?;
    drop(incoming);
    poll_fn(|context| server.poll_drained(context)).await;
    Ok(())
}

/// Accepts connections and gives them to `spawn`, until the server is asked to drain.
///
/// # Errors
/// Where the listener is none. Everything else passes: see [`Backoff`].
pub async fn accept_loop<I: Incoming>(
    incoming: &mut I,
    drain: &Drain,
    mut spawn: impl FnMut(I::Socket),
) -> io::Result<()> {
    let (mut backoff, mut resume, mut registration) = (Backoff::default(), None, None);
    poll_fn(|context| {
        for _ in 0..FAIR {
            if drain.poll_started(context, &mut registration).is_ready() {
                return Poll::Ready(Ok(()));
            }
            if resume.is_some() {
                ready!(incoming.poll_deadline(context, resume));
                resume = None;
            }
            match ready!(incoming.poll_accept(context)) {
                Ok(socket) => {
                    backoff.reset();
                    spawn(socket);
                }
                Err(error) => match backoff.after(error) {
                    Ok(delay) => resume = delay.map(|delay| clock::now() + delay),
                    Err(error) => return Poll::Ready(Err(error)),
                },
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}

impl<A: App, S> std::fmt::Debug for Serve<A, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Serve").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}
