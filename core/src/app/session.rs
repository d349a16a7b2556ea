//! One connection of a server, seen from its application.

use super::{
    App, Context, Handler, Server,
    panic::{catch, discard},
    server::{RETRY_AFTER, Seat},
};
use crate::{
    Access, Buffers, Cause, CloseCode, Endpoint, Event, Input, Message, Output, Rejection, Request, Response, State,
    clock,
    endpoint::{self, Front, Hearer},
};
use std::{
    mem,
    net::SocketAddr,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::Arc,
    time::Duration,
};

/// One connection of a server, seen from its application: makes the handler, calls it, counts it.
///
/// No panic of the application gets out of it: one in [`App::request`] is answered with 500, one in a callback closes the
/// connection with 1011 (RFC 6455 7.4.1) and drops the handler, and one in [`Handler::close`] changes nothing any more.
pub struct Session<A: App> {
    seat: Seat<A>,
    handler: Option<A::Handler>,
    timer: Option<Duration>,
    /// The handler waits for room.
    full: bool,
    /// The handler is at work.
    calling: bool,
    peer: Option<SocketAddr>,
}

impl<A: App> Session<A> {
    /// A connection that has just been accepted.
    pub fn new(server: &Arc<Server<A>>, peer: Option<SocketAddr>) -> Self {
        Session { seat: Seat::new(server.clone()), handler: None, timer: None, full: false, calling: false, peer }
    }

    /// What all connections of the server share.
    pub fn server(&self) -> &Arc<Server<A>> {
        &self.seat.server
    }

    /// One turn, with the application in it; see [`endpoint::turn`](crate::turn).
    pub fn turn(&mut self, mut access: Access<'_>, buffers: &mut Buffers, input: Input, output: &mut impl Output) {
        if matches!(input, Input::Nothing) {
            self.be_woken(&mut access);
        }
        self.take_turn(&mut access, buffers, input, output);
        if self.full {
            self.tell_of_room(&mut access, buffers, output);
        }
    }

    /// A handler that waits for room is told of it, and what it sends is written, until there is none again or it is the
    /// others' turn.
    #[cold]
    fn tell_of_room(&mut self, access: &mut Access<'_>, buffers: &mut Buffers, output: &mut impl Output) {
        for _ in 0..FAIR {
            if !self.is_due_room(access) {
                return;
            }
            self.full = false;
            self.try_to(access, |this, access| {
                this.call(access, Front::none(), |handler, context| handler.writable(context));
            });
            self.take_turn(access, buffers, Input::Nothing, output);
        }
    }

    fn is_due_room(&self, access: &mut Access<'_>) -> bool {
        self.full
            && access.with(|Endpoint { connection, .. }| connection.has_room() && connection.state() == State::Open)
    }

    /// When the next turn is due even if nothing else happens.
    #[inline]
    pub fn poll_timeout(&self, access: &mut Access<'_>) -> Option<Duration> {
        if self.is_due_room(access) {
            return Some(Duration::ZERO);
        }
        let deadline = access.with(|endpoint| endpoint.poll_timeout());
        match (deadline, self.timer) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    fn be_woken(&mut self, access: &mut Access<'_>) {
        if self.seat.server.options.drain.is_draining() {
            access.with(|endpoint| endpoint.drain());
        }
        if self.timer.is_some_and(|timer| timer <= clock::now()) {
            self.timer = None;
            self.try_to(access, |this, access| {
                this.call(access, Front::none(), |handler, context| handler.timer(context));
            });
        }
    }

    /// A callback. It may panic, and `calling` tells that it did.
    #[inline(always)]
    fn call(&mut self, access: &mut Access<'_>, front: Front<'_>, f: impl FnOnce(&mut A::Handler, &mut Context<'_>)) {
        let mut front = front;
        self.calling = true;
        if let Some((handler, mut context)) = self.context(access, &mut front) {
            f(handler, &mut context);
        }
        self.calling = false;
    }

    /// The handler, if there is one, and what it may do.
    #[inline(always)]
    fn context<'c>(
        &'c mut self,
        access: &'c mut Access<'_>,
        front: &'c mut Front<'_>,
    ) -> Option<(&'c mut A::Handler, Context<'c>)> {
        let Session { handler, timer, full, peer, .. } = self;
        Some((handler.as_mut()?, Context { access: access.reborrow(), front: front.reborrow(), timer, full, peer }))
    }

    /// Runs what calls the handler; whether it came to its end.
    #[inline]
    fn try_to(&mut self, access: &mut Access<'_>, f: impl FnOnce(&mut Self, &mut Access<'_>)) -> bool {
        // Caught once in a turn, which costs less than once for each message.
        let caught = catch_unwind(AssertUnwindSafe(|| f(self, access)));
        let Err(panic) = caught else { return true };
        if !mem::take(&mut self.calling) {
            resume_unwind(panic);
        }
        discard(panic);
        self.fail(access);
        false
    }

    /// A turn of the connection. A handler that panics is dropped, and what is left of the input heard without it.
    fn take_turn(&mut self, access: &mut Access<'_>, buffers: &mut Buffers, input: Input, output: &mut impl Output) {
        endpoint::begin(access, buffers, input, output);
        while !self.try_to(access, |this, access| endpoint::go_on(access, buffers, output, this)) {}
    }

    /// The handler panicked. What it has sent is sent, and then the peer is told (RFC 6455 7.4.1); the connection ends
    /// as any other.
    #[cold]
    fn fail(&mut self, access: &mut Access<'_>) {
        discard(self.handler.take());
        self.timer = None;
        access.with(|endpoint| {
            // Fails where the handler has closed it already.
            let _ = endpoint.connection.close(CloseCode::INTERNAL_ERROR, "");
            if endpoint.connection.is_amid_frame() {
                // Nobody is left who could finish the frame, and nothing can be said inside of it.
                endpoint.connection.end_soon(Cause::Lost);
            }
            endpoint.close_mailbox();
        });
    }

    /// A plain GET: the application may have a page for it.
    #[cold]
    fn answer_get(&mut self, access: &mut Access<'_>, request: &Request) {
        let page = catch(|| self.seat.server.app.page(request, self.peer).map(Rejection::from))
            .unwrap_or_else(|| Some(Rejection::new(500)));
        access.with(|Endpoint { connection, .. }| {
            let answered = match &page {
                Some(page) => connection.reject(page),
                None => connection.accept(Response::default()),
            };
            if answered.is_err() {
                // The page could not stand on the wire: that is a fault of the server.
                let _ = connection.reject(&Rejection::new(500));
            }
        });
    }

    #[cold]
    fn answer(&mut self, access: &mut Access<'_>, request: &Request) {
        if !request.is_upgrade() {
            return self.answer_get(access, request);
        }
        let answer = if self.seat.open() {
            catch(|| self.seat.server.app.request(request, self.peer)).unwrap_or_else(|| Err(Rejection::new(500)))
        } else {
            Err(Rejection::unavailable(RETRY_AFTER))
        };
        let rejection = match answer {
            Ok((handler, response)) => match access.with(|endpoint| endpoint.connection.accept(response)) {
                Ok(()) => {
                    self.handler = Some(handler);
                    return;
                }
                // The application's answer could not stand on the wire: that is a fault of the server.
                Err(_) => {
                    discard(handler);
                    Rejection::new(500)
                }
            },
            Err(rejection) => rejection,
        };
        self.seat.close();
        access.with(|endpoint| {
            if endpoint.connection.reject(&rejection).is_err() {
                let _ = endpoint.connection.reject(&Rejection::new(500));
            }
        });
    }
}

impl<A: App> Hearer for Session<A> {
    /// Not by way of [`call`](Session::call): a closure that does not become part of it has the message in memory, which the
    /// CPU has just written, and has to wait for.
    #[inline(always)]
    fn message(&mut self, access: &mut Access<'_>, mut front: Front<'_>, message: Message<'_>) {
        self.calling = true;
        if let Some((handler, mut context)) = self.context(access, &mut front) {
            handler.message(&mut context, message);
        }
        self.calling = false;
    }

    #[inline(never)]
    fn longer_message(&mut self, access: &mut Access<'_>, front: Front<'_>, message: Message<'_>) {
        self.message(access, front, message);
    }

    #[inline(never)]
    fn event(&mut self, access: &mut Access<'_>, front: Front<'_>, event: Event<'_>) {
        match event {
            Event::Request(request) => self.answer(access, &request),
            Event::Open(_) => self.call(access, front, |handler, context| handler.open(context)),
            Event::Closed(closed) => {
                self.timer = None;
                self.seat.close();
                access.with(|endpoint| endpoint.close_mailbox());
                if let Some(mut handler) = self.handler.take() {
                    catch(|| handler.close(&closed));
                    discard(handler);
                }
            }
            Event::Fragment(fragment) => {
                self.call(access, front, |handler, context| handler.fragment(context, fragment));
            }
            Event::Message(message) => self.longer_message(access, front, message),
            Event::Ping(_) | Event::Pong(_) => {}
        }
    }
}

impl<A: App> Drop for Session<A> {
    fn drop(&mut self) {
        discard(self.handler.take());
    }
}

/// Calls for room in a row before others get their turn.
const FAIR: usize = 16;

impl<A: App> std::fmt::Debug for Session<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("peer", &self.peer)
            .field("open", &self.handler.is_some())
            .finish_non_exhaustive()
    }
}
