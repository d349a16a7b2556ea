//! The callback layer: one application that runs unchanged on every loop.

mod backoff;
mod context;
mod deadlines;
mod drain;
mod hub;
mod mailbox;
mod panic;
mod post;
mod sender;
mod server;
mod session;

pub use crate::TrySendError;
pub use backoff::Backoff;
pub use context::Context;
pub use deadlines::{Armed, Deadlines};
pub use drain::{Drain, Registration};
pub use hub::{Accepted, Hub, News, run_loops};
pub(crate) use mailbox::Mailbox;
pub use post::Post;
pub use sender::Sender;
pub(crate) use server::RETRY_AFTER;
pub use server::{Options, Server};
pub use session::Session;

use crate::{Closed, Fragment, Message, Page, Rejection, Request, Response};
use std::net::SocketAddr;

/// An application: it answers opening handshakes, and makes a [`Handler`] for each connection.
///
/// ```
/// use timtow_core::{Message, Rejection, Request, Response, app::{App, Context, Handler}};
///
/// struct Greeter;
/// struct Guest { path: String }
///
/// impl App for Greeter {
///     type Handler = Guest;
///
///     fn request(&self, request: &Request, _peer: Option<std::net::SocketAddr>) -> Result<(Guest, Response), Rejection> {
///         Ok((Guest { path: request.target.clone() }, Response::default()))
///     }
/// }
///
/// impl Handler for Guest {
///     fn open(&mut self, context: &mut Context<'_>) {
///         let _ = context.send(format!("you came by {}", self.path));
///     }
///
///     fn message(&mut self, context: &mut Context<'_>, message: Message<'_>) {
///         let _ = context.send(message);
///     }
/// }
/// ```
// ANCHOR: app
pub trait App: Send + Sync + 'static {
    /// What handles one connection. It is made, used and dropped by one thread, unless the loop moves connections between
    /// threads, which then asks for `Send`.
    type Handler: Handler;

    /// Answers a valid opening handshake. `peer` is the address of the socket's other end, where there is one.
    ///
    /// # Errors
    /// The answer that refuses it. A panic is answered with 500.
    fn request(&self, request: &Request, peer: Option<SocketAddr>) -> Result<(Self::Handler, Response), Rejection>;

    /// Answers a plain `GET`, one that does not ask for a WebSocket, with a page on the same port; `None` answers 426. The
    /// connection ends with it; a client that comes this way is not counted as one, nor is its `Origin` looked at.
    fn page(&self, request: &Request, peer: Option<SocketAddr>) -> Option<Page> {
        let _ = (request, peer);
        None
    }
}

/// What an application does on one connection.
///
/// A panic ends this connection and no other, on every loop: the panic hook tells of it, the handler is dropped without
/// another call, the peer is told 1011 (RFC 6455 7.4.1) behind what was sent before, and [`Sender`]s take nothing more. Where
/// that was the beginning of a frame that [announces](Fragment::announcing) more, the transport ends instead. Only a program
/// that is built to abort ends.
pub trait Handler: 'static {
    /// The opening handshake is complete.
    fn open(&mut self, context: &mut Context<'_>) {
        let _ = context;
    }

    /// A message came.
    fn message(&mut self, context: &mut Context<'_>, message: Message<'_>);

    /// A piece of a message came: in place of [`message`](Handler::message) where [`Config::fragments`](crate::Config) is on.
    /// While more than the high-water mark waits to be sent nothing more is read, so that a message of any size can be sent
    /// on piece by piece, as [`Echo`] does.
    fn fragment(&mut self, context: &mut Context<'_>, fragment: Fragment<'_>) {
        let _ = (context, fragment);
    }

    /// There is room again, after [`Context::has_room`] or [`Context::try_send`] said that there was none.
    fn writable(&mut self, context: &mut Context<'_>) {
        let _ = context;
    }

    /// The timer that [`Context::set_timer`] set.
    fn timer(&mut self, context: &mut Context<'_>) {
        let _ = context;
    }

    /// The connection has ended. Called once, after [`open`](Handler::open); not where the handler panicked.
    fn close(&mut self, closed: &Closed) {
        let _ = closed;
    }
}
// ANCHOR_END: app

/// Sends every message back; where [`Config::fragments`](crate::Config) is on, piece by piece.
#[derive(Clone, Copy, Default, Debug)]
pub struct Echo;

impl App for Echo {
    type Handler = Echo;

    fn request(&self, _: &Request, _: Option<SocketAddr>) -> Result<(Echo, Response), Rejection> {
        Ok((Echo, Response::default()))
    }
}

impl Handler for Echo {
    // As part of the turn, it gets its messages in registers.
    #[inline(always)]
    fn message(&mut self, context: &mut Context<'_>, message: Message<'_>) {
        // It fails while the connection closes, when nobody waits for the echo any more.
        let _ = context.send(message);
    }

    fn fragment(&mut self, context: &mut Context<'_>, fragment: Fragment<'_>) {
        let _ = context.send_fragment(fragment);
    }
}

/// An application that is one function, which is given every message. It is given none where
/// [`Config::fragments`](crate::Config) is on: that takes a [`Handler`].
///
/// ```
/// use timtow_core::{Message, app::{Context, on_message}};
/// let shout = on_message(|context: &mut Context<'_>, message: Message<'_>| {
///     if let Message::Text(text) = message {
///         let _ = context.send(text.to_uppercase());
///     }
/// });
/// ```
pub fn on_message<F>(f: F) -> OnMessage<F>
where
    F: Fn(&mut Context<'_>, Message<'_>) + Clone + Send + Sync + 'static,
{
    OnMessage(f)
}

/// What [`on_message`] makes.
#[derive(Clone, Copy, Debug)]
pub struct OnMessage<F>(F);

impl<F> App for OnMessage<F>
where
    F: Fn(&mut Context<'_>, Message<'_>) + Clone + Send + Sync + 'static,
{
    type Handler = Self;

    fn request(&self, _: &Request, _: Option<SocketAddr>) -> Result<(Self, Response), Rejection> {
        Ok((self.clone(), Response::default()))
    }
}

impl<F> Handler for OnMessage<F>
where
    F: Fn(&mut Context<'_>, Message<'_>) + Clone + Send + Sync + 'static,
{
    #[inline]
    fn message(&mut self, context: &mut Context<'_>, message: Message<'_>) {
        (self.0)(context, message);
    }
}
