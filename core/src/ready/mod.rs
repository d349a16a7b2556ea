//! The readiness-driven driver: what all loops share that say when a socket is ready, such as epoll, kqueue and poll. A
//! loop adds a [`Socket`] of its own, and to serve, a [`Watch`].

#[cfg(feature = "url")]
mod client;
mod serve;
mod websocket;

pub use serve::{Connections, Watch};
pub use websocket::WebSocket;

use crate::{Buffers, Endpoint, Input, Output, endpoint::Share};
use std::io::{self, ErrorKind::Interrupted, ErrorKind::WouldBlock, IoSlice};

/// A non-blocking stream of bytes: all that a loop adds to the driver of one connection.
pub trait Socket {
    /// Whether a read or a write that did less than it could has used up the readiness. It has where the loop tells of
    /// edges and the system is epoll or kqueue (epoll(7), questions and answers, 9): the call that would only say
    /// `WouldBlock` is saved then.
    const PARTIAL_IS_ALL: bool;

    /// Reads into `buffer`; zero bytes: the peer sends no more.
    ///
    /// # Errors
    /// `WouldBlock`: later. Any other but `Interrupted`: the connection is lost.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes some of `slices`.
    ///
    /// # Errors
    /// As [`read`](Socket::read).
    fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Half-closes.
    ///
    /// # Errors
    /// As [`read`](Socket::read).
    fn shutdown(&mut self) -> io::Result<()>;
}

/// What a loop says about a socket.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Readiness {
    /// There may be something to read.
    pub readable: bool,
    /// There may be room to write.
    pub writable: bool,
    /// The peer sends no more, or the connection is lost.
    pub ended: bool,
}

/// A socket, and what is left of its readiness: a loop that tells of edges does not repeat itself.
#[derive(Debug)]
struct Watched<S> {
    socket: S,
    readiness: Readiness,
}

impl<S: Socket> Watched<S> {
    fn new(socket: S) -> Self {
        Watched { socket, readiness: Readiness::default() }
    }

    fn see(&mut self, seen: Readiness) {
        self.readiness.ended |= seen.ended;
        self.readiness.readable |= seen.readable || seen.ended;
        self.readiness.writable |= seen.writable || seen.ended;
    }

    // ANCHOR: driver
    /// Writes what waited for room, then reads until the socket is empty, or the connection wants no more until its outbox
    /// is drained. `turn` feeds the connection, and writes what it says; it is called even if there is nothing to do where
    /// the connection is `due`.
    fn drive(
        &mut self,
        endpoint: &mut Endpoint,
        buffers: &mut Buffers,
        due: bool,
        mut turn: impl FnMut(&mut Endpoint, &mut Buffers, Input, &mut Self),
    ) {
        let mut share = Share::new(buffers);
        if endpoint.connection.has_late_pong()
            && endpoint.wants_read()
            && let Some(input) = self.read(endpoint.room(buffers))
        {
            turn(endpoint, buffers, input, self);
            share.spend(buffers);
        }
        if due || (self.readiness.writable && endpoint.wants_write()) {
            turn(endpoint, buffers, Input::Nothing, self);
        }
        while share.is_left() && self.readiness.readable && endpoint.wants_read() {
            let Some(input) = self.read(endpoint.room(buffers)) else { break };
            turn(endpoint, buffers, input, self);
            share.spend(buffers);
        }
    }
    // ANCHOR_END: driver

    /// Whether `drive` stopped out of fairness, and is to be called again when others had their turn.
    fn has_more(&self, endpoint: &Endpoint) -> bool {
        self.readiness.readable && endpoint.wants_read()
    }

    // ANCHOR: read
    fn read(&mut self, buffer: &mut [u8]) -> Option<Input> {
        while self.readiness.readable {
            match self.socket.read(buffer) {
                Ok(n) => {
                    // The peer's end lies behind what there is to read, and no other edge will tell of it.
                    let may_have_more = n == buffer.len() || self.readiness.ended || !S::PARTIAL_IS_ALL;
                    self.readiness.readable = n > 0 && may_have_more;
                    return Some(Input::Read(n));
                }
                Err(error) if error.kind() == Interrupted => {}
                Err(error) => {
                    self.readiness.readable = false;
                    return (error.kind() != WouldBlock).then_some(Input::Failed);
                }
            }
        }
        None
    }
    // ANCHOR_END: read
}

impl<S: Socket> Output for Watched<S> {
    #[inline]
    fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        if !self.readiness.writable {
            return Err(WouldBlock.into());
        }
        let written = self.socket.write(slices);
        match &written {
            Ok(n) if S::PARTIAL_IS_ALL => {
                self.readiness.writable = *n == slices.iter().map(|slice| slice.len()).sum::<usize>();
            }
            Err(error) if error.kind() == WouldBlock => self.readiness.writable = false,
            _ => {}
        }
        written
    }

    fn shutdown(&mut self) -> io::Result<()> {
        self.socket.shutdown()
    }
}

#[cfg(test)]
mod tests;
