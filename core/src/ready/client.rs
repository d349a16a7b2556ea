//! A client's way to its server, on a loop that says when a socket is ready: from one address of the host to the next, and
//! to where the server sends it.

use super::{Socket, WebSocket};
use crate::{Closed, Connect, Connection, Endpoint, Error, Event, app::Options};
use std::{
    io,
    net::{SocketAddr, ToSocketAddrs},
    vec,
};

/// A client whose opening handshake is not done.
#[derive(Debug)]
pub(super) struct Client {
    connect: Connect,
    options: Options,
    /// Where else the host may be found.
    addresses: vec::IntoIter<SocketAddr>,
    /// The server has answered with a redirect, to where `connect` says now: how the connection would have ended.
    redirected: Option<Closed>,
}

impl Client {
    /// Looks at an event before the application does. None is left of a redirect that is followed.
    pub(super) fn see<'b>(client: &mut Option<Box<Client>>, event: Event<'b>) -> Option<Event<'b>> {
        let Some(waiting) = client else { return Some(event) };
        match event {
            Event::Open(_) => {
                *client = None;
                Some(event)
            }
            Event::Closed(closed) => match waiting.connect.after(Error::Closed(closed.clone())) {
                Ok(next) => {
                    waiting.connect = next;
                    waiting.redirected = Some(closed);
                    None
                }
                Err(Error::Closed(closed)) => {
                    *client = None;
                    Some(Event::Closed(closed))
                }
                Err(_) => Some(Event::Closed(closed)),
            },
            event => Some(event),
        }
    }
}

impl<S: Socket> WebSocket<S> {
    /// Begins to connect; `open` begins it with one address. A host that is a name is looked up here, which blocks.
    ///
    /// # Errors
    /// [`Error::Url`] and [`Error::Send`] for what cannot be asked for, [`Error::Io`] where the host is unknown or connecting
    /// fails at once with each of its addresses.
    pub fn connect(
        connect: Connect,
        options: &Options,
        open: impl FnMut(SocketAddr) -> io::Result<S>,
    ) -> Result<Self, Error> {
        options.check(&connect.target)?;
        let addresses = (connect.target.host.as_str(), connect.target.port).to_socket_addrs()?;
        Self::connect_at(addresses, connect, options, open)
    }

    /// As [`connect`](WebSocket::connect), to a host whose addresses are known already. Those to which it is redirected are
    /// looked up.
    ///
    /// # Errors
    /// As [`connect`](WebSocket::connect).
    pub fn connect_at(
        addresses: impl IntoIterator<Item = SocketAddr>,
        connect: Connect,
        options: &Options,
        open: impl FnMut(SocketAddr) -> io::Result<S>,
    ) -> Result<Self, Error> {
        options.check(&connect.target)?;
        let connection = Connection::client(connect.request.clone(), options.config.clone())?;
        let mut addresses = addresses.into_iter().collect::<Vec<_>>().into_iter();
        let mut socket = WebSocket::new(Endpoint::new(connection, options), attempt(&mut addresses, open)?);
        socket.client = Some(Box::new(Client { connect, options: options.clone(), addresses, redirected: None }));
        Ok(socket)
    }

    /// Goes on with the next address of the host, after the first could not be connected to. Whether there was one that
    /// does not fail at once.
    pub fn connect_elsewhere(&mut self, open: impl FnMut(SocketAddr) -> io::Result<S>) -> bool {
        let Some(client) = &mut self.client else { return false };
        match attempt(&mut client.addresses, open) {
            Ok(socket) => {
                self.replace_socket(socket);
                true
            }
            Err(_) => false,
        }
    }

    /// Begins to connect to where the server has sent the client, if it has and [`Connect::redirects`] lets it go. Whether it
    /// did: there is another socket then. To be called after each call that calls back.
    ///
    /// # Errors
    /// Where that fails at once, as [`connect`](WebSocket::connect); the callback is then given the end of the connection.
    pub fn follow_redirect(
        &mut self,
        open: impl FnMut(SocketAddr) -> io::Result<S>,
        mut on_event: impl FnMut(&mut Connection, Event<'_>),
    ) -> Result<bool, Error> {
        let Some(client) = self.client.take_if(|client| client.redirected.is_some()) else { return Ok(false) };
        match WebSocket::connect(client.connect, &client.options, open) {
            Ok(next) => {
                *self = next;
                Ok(true)
            }
            Err(error) => {
                if let Some(closed) = client.redirected {
                    on_event(self.connection(), Event::Closed(closed));
                }
                Err(error)
            }
        }
    }
}

/// Begins to connect to the first of `addresses` with which that does not fail at once.
fn attempt<S>(
    addresses: &mut vec::IntoIter<SocketAddr>,
    mut open: impl FnMut(SocketAddr) -> io::Result<S>,
) -> io::Result<S> {
    let mut error = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in addresses {
        match open(address) {
            Ok(socket) => return Ok(socket),
            Err(refused) => error = refused,
        }
    }
    Err(error)
}
