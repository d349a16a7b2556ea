//! One connection, for a `Poll` of your own.

use crate::{Tcp, readiness};
use mio::{Interest, Registry, Token, event, net::TcpStream};
use std::{
    io,
    net::{SocketAddr, ToSocketAddrs},
    ops::{Deref, DerefMut},
    vec,
};
use timtow_core::{Buffers, ClientRequest, Connection, Endpoint, Error, Event, app::Options, ready};

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
    error: Option<io::Error>,
}

/// A client's connection that is not established yet.
#[derive(Debug)]
struct Connecting {
    /// Where else the host may be found.
    addresses: vec::IntoIter<SocketAddr>,
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
    Ok(WebSocket { socket, connecting: None, error: None })
}

/// Begins to connect to a `ws://` URL. [`Event::Open`] tells when it is done. If the host has several addresses, they are
/// tried in turn.
///
/// A host that is a name is looked up here, which blocks; nothing else does.
///
/// # Errors
/// [`Error::Url`] and [`Error::Send`] for a URL that cannot be asked for, [`Error::Io`] where the host is unknown or
/// connecting fails at once.
pub fn connect(url: &str, options: &Options) -> Result<WebSocket, Error> {
    let (request, target) = options.client_request(url)?;
    let mut addresses = (target.host, target.port).to_socket_addrs()?;
    let mut socket = connect_with(request, attempt(&mut addresses)?, options)?;
    socket.connecting = Some(Box::new(Connecting { addresses, registered: None }));
    Ok(socket)
}

/// Does the opening handshake of a client on a stream that is connected, or connecting.
///
/// # Errors
/// [`Error::Send`] where the request could not stand on the wire.
pub fn connect_with(request: ClientRequest, stream: TcpStream, options: &Options) -> Result<WebSocket, Error> {
    let connection = Connection::client(request, options.config.clone())?;
    let socket = ready::WebSocket::new(Endpoint::new(connection, options), Tcp(stream));
    let connecting = Some(Box::new(Connecting { addresses: Vec::new().into_iter(), registered: None }));
    Ok(WebSocket { socket, connecting, error: None })
}

/// Begins to connect to the first of `addresses` with which that does not fail at once.
fn attempt(addresses: &mut vec::IntoIter<SocketAddr>) -> io::Result<TcpStream> {
    let mut error = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in addresses {
        match TcpStream::connect(address) {
            Ok(stream) => return Ok(stream),
            Err(refused) => error = refused,
        }
    }
    Err(error)
}

impl WebSocket {
    /// Does what the socket is ready for, and calls back with what came. What the callback sends on the connection that it
    /// is given is written before this returns, as far as the socket takes it.
    pub fn handle(
        &mut self,
        event: &event::Event,
        buffers: &mut Buffers,
        on_event: impl FnMut(&mut Connection, Event<'_>),
    ) {
        match self.establish() {
            Ok(true) => self.socket.handle(readiness(event), buffers, on_event),
            Ok(false) => {}
            Err(error) => {
                self.error = Some(error);
                self.socket.handle_error(buffers, on_event);
            }
        }
    }

    /// Why connecting failed, if it did.
    pub fn error(&self) -> Option<&io::Error> {
        self.error.as_ref()
    }

    /// Whether the socket is connected. Where it will not be, the host's next address is tried.
    fn establish(&mut self) -> io::Result<bool> {
        let Some(connecting) = &mut self.connecting else { return Ok(true) };
        let Tcp(stream) = self.socket.socket();
        let error = match (stream.take_error()?, stream.peer_addr()) {
            (Some(error), _) => error,
            (None, Err(error)) if error.kind() == io::ErrorKind::NotConnected => return Ok(false),
            (None, Err(error)) => error,
            (None, Ok(_)) => {
                stream.set_nodelay(true)?;
                self.connecting = None;
                return Ok(true);
            }
        };
        let Ok(mut stream) = attempt(&mut connecting.addresses) else { return Err(error) };
        if let Some((registry, token, interests)) = &connecting.registered {
            registry.register(&mut stream, *token, *interests)?;
        }
        self.socket.replace_socket(Tcp(stream));
        Ok(false)
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
        if let Some(connecting) = &mut self.connecting {
            connecting.registered = Some((registry.try_clone()?, token, interests));
        }
        self.socket.socket().0.register(registry, token, interests)
    }

    fn reregister(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        if let Some(connecting) = &mut self.connecting {
            connecting.registered = Some((registry.try_clone()?, token, interests));
        }
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
