//! The transport seam: what stands between the socket's bytes and the connection's.

use std::{io, time::Duration};

/// What stands between the socket's bytes and the connection's, such as TLS. Sans-I/O, as the connection is.
///
/// Every driver passes its bytes through an [`Endpoint`](crate::Endpoint), which passes them through a transport if it has
/// one. A transport may change lengths, say things of its own and have deadlines of its own.
pub trait Transport: Send {
    /// Takes all of `wire`, which was read from the socket, and appends what it means to `plain`.
    ///
    /// # Errors
    /// Where the peer broke the transport's protocol. The connection is lost: what [`send`](Transport::send) then gives for
    /// nothing, such as an alert, is still sent; nothing else is asked of the transport any more.
    fn receive(&mut self, wire: &mut [u8], plain: &mut Vec<u8>) -> io::Result<()>;

    /// Takes all of `plain`, and appends to `wire` what is to be written for it, and whatever else is due. Called with an
    /// empty `plain` after [`receive`](Transport::receive) and [`handle_timeout`](Transport::handle_timeout).
    ///
    /// # Errors
    /// Where the transport cannot go on.
    fn send(&mut self, plain: &[u8], wire: &mut Vec<u8>) -> io::Result<()>;

    /// Whether its own handshake is done: before that, `plain` is not offered.
    fn is_open(&self) -> bool;

    /// Appends to `wire` what says that nothing follows. The driver then half-closes the socket.
    fn close(&mut self, wire: &mut Vec<u8>);

    /// Tells the time, as [`Connection::handle_timeout`](crate::Connection::handle_timeout) does.
    ///
    /// # Errors
    /// Where a deadline of the transport has passed. As for [`receive`](Transport::receive).
    fn handle_timeout(&mut self, now: Duration) -> io::Result<()>;

    /// When to tell the time, as [`Connection::poll_timeout`](crate::Connection::poll_timeout) says it.
    fn poll_timeout(&self) -> Option<Duration>;
}
