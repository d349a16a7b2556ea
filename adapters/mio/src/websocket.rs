//! One connection, for a `Poll` of your own.

use crate::{Tcp, readiness};
use mio::{Interest, Registry, Token, event, net::TcpStream};
use std::{
    io,
    net::SocketAddr,
    ops::{Deref, DerefMut},
};
use timtow_core::{Buffers, ClientRequest, Connect, Connection, Endpoint, Error, Event, State, app::Options, ready};

/// One WebSocket connection on a [`Poll`](mio::Poll) of your own.
///
/// Register it once, for reading and writing. Give each event to [`handle`](WebSocket::handle), and wait no longer than
/// [`poll_timeout`](ready::WebSocket::poll_timeout) says; when that is zero, call
/// [`handle_timeout`](ready::WebSocket::handle_timeout). Both call back with what came and write what is to be sent, until
/// [`is_closed`](ready::WebSocket::is_closed): deregister and drop it then.
///
/// It owns no buffer while nothing waits: one [`Buffers`] serves all connections of a loop.
#[derive(Debug)]
pub struct WebSocket {
    socket: ready::WebSocket<Tcp>,
    connecting: Option<Box<Connecting>>,
}

/// A client's connection that is not open yet, and may be given another socket.
#[derive(Debug, Default)]
struct Connecting {
    established: bool,
    registered: Option<(Registry, Token, Interest)>,
}

/// The server's side of a connection that was accepted. The opening handshake is still to come: the callback may answer
/// [`Event::Request`]; a request that it leaves unanswered is accepted.
///
/// # Errors
/// Where the connection is lost already.
pub fn accept(stream: TcpStream, options: &Options) -> io::Result<WebSocket> {
    stream.set_nodelay(true)?;
    let socket = ready::WebSocket::new(Endpoint::server(options), Tcp(stream));
    Ok(WebSocket { socket, connecting: None })
}

/// Begins to connect to a `ws://` URL. [`Event::Open`] tells when it is done. If the host has several addresses, they are
/// tried in turn; a [`Connect`] says more than a URL, and whether redirects are followed.
///
/// A host that is a name is looked up here, which blocks; nothing else does, but the same where a redirect is followed.
///
/// # Errors
/// [`Error::Url`] and [`Error::Send`] for a URL that cannot be asked for, [`Error::Io`] where the host is unknown or
/// connecting fails at once.
pub fn connect(to: impl TryInto<Connect, Error: Into<Error>>, options: &Options) -> Result<WebSocket, Error> {
    let socket = ready::WebSocket::connect(to.try_into().map_err(Into::into)?, options, open)?;
    Ok(WebSocket { socket, connecting: Some(Box::default()) })
}

/// Does the opening handshake of a client on a stream that is connected, or connecting.
///
/// # Errors
/// [`Error::Send`] where the request could not stand on the wire.
pub fn connect_with(request: ClientRequest, stream: TcpStream, options: &Options) -> Result<WebSocket, Error> {
    let connection = Connection::client(request, options.config.clone())?;
    let socket = ready::WebSocket::new(Endpoint::new(connection, options), Tcp(stream));
    Ok(WebSocket { socket, connecting: Some(Box::default()) })
}

/// Begins to connect.
fn open(address: SocketAddr) -> io::Result<Tcp> {
    TcpStream::connect(address).map(Tcp)
}

impl WebSocket {
    /// Does what the socket is ready for, and calls back with what came. What the callback sends on the connection that it
    /// is given is written before this returns, as far as the socket takes it.
    pub fn handle(
        &mut self,
        event: &event::Event,
        buffers: &mut Buffers,
        mut on_event: impl FnMut(&mut Connection, Event<'_>),
    ) {
        let handled = self.establish().map_err(Error::Io).and_then(|established| {
            if established {
                self.socket.handle(readiness(event), buffers, &mut on_event);
            }
            self.follow(&mut on_event)
        });
        self.socket.see(handled, buffers, on_event);
    }

    /// Does what is due, as [`ready::WebSocket::handle_timeout`].
    pub fn handle_timeout(&mut self, buffers: &mut Buffers, mut on_event: impl FnMut(&mut Connection, Event<'_>)) {
        self.socket.handle_timeout(buffers, &mut on_event);
        let followed = self.follow(&mut on_event);
        self.socket.see(followed, buffers, on_event);
    }

    /// Goes where the server sends us, until the connection is open or has ended.
    fn follow(&mut self, on_event: impl FnMut(&mut Connection, Event<'_>)) -> Result<(), Error> {
        if self.socket.follow_redirect(open, on_event)? {
            self.register_anew()?;
        } else if self.socket.connection().state() != State::Connecting {
            self.connecting = None;
        }
        Ok(())
    }

    /// Where it is registered, for the sockets that may follow.
    fn remember(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        if let Some(connecting) = &mut self.connecting {
            connecting.registered = Some((registry.try_clone()?, token, interests));
        }
        Ok(())
    }

    /// Another socket takes the place of the one that was registered.
    fn register_anew(&mut self) -> io::Result<()> {
        let Some(connecting) = &mut self.connecting else { return Ok(()) };
        connecting.established = false;
        match &connecting.registered {
            Some((registry, token, interests)) => registry.register(&mut self.socket.socket().0, *token, *interests),
            None => Ok(()),
        }
    }

    /// Whether the socket is connected. Where it will not be, the host's next address is tried.
    fn establish(&mut self) -> io::Result<bool> {
        let Some(connecting) = self.connecting.as_mut().filter(|connecting| !connecting.established) else {
            return Ok(true);
        };
        let Tcp(stream) = self.socket.socket();
        let error = match (stream.take_error()?, stream.peer_addr()) {
            (Some(error), _) => error,
            (None, Err(error)) if error.kind() == io::ErrorKind::NotConnected => return Ok(false),
            (None, Err(error)) => error,
            (None, Ok(_)) => {
                stream.set_nodelay(true)?;
                connecting.established = true;
                return Ok(true);
            }
        };
        if !self.socket.connect_elsewhere(open) {
            return Err(error);
        }
        self.register_anew().map(|()| false)
    }
}

/// Sending, closing and time are the same on every loop that tells of readiness.
impl Deref for WebSocket {
    type Target = ready::WebSocket<Tcp>;

    fn deref(&self) -> &Self::Target {
        &self.socket
    }
}

impl DerefMut for WebSocket {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.socket
    }
}

impl event::Source for WebSocket {
    fn register(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.remember(registry, token, interests)?;
        self.socket.socket().0.register(registry, token, interests)
    }

    fn reregister(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.remember(registry, token, interests)?;
        self.socket.socket().0.reregister(registry, token, interests)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        if let Some(connecting) = &mut self.connecting {
            connecting.registered = None;
        }
        self.socket.socket().0.deregister(registry)
    }
}

#[cfg(test)]
mod tests;
