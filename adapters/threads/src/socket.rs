//! What the blocking driver needs of a TCP stream.

use std::{
    io::{self, IoSlice, Read, Write},
    net::{Shutdown, TcpStream},
    ops::Deref,
    time::Duration,
};
use timtow_core::blocking;

/// A TCP stream as the driver uses it: blocking, with `TCP_NODELAY`, and with time-outs that the driver sets.
#[derive(Debug)]
pub struct Socket(TcpStream);

impl Socket {
    pub(crate) fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nonblocking(false)?;
        stream.set_nodelay(true)?;
        Ok(Socket(stream))
    }
}

// ANCHOR: socket
impl blocking::Socket for Socket {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        (&self.0).read(buffer)
    }

    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.0.set_read_timeout(timeout)
    }

    fn write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match slices {
            [one] => (&self.0).write(one),
            slices => (&self.0).write_vectored(slices),
        }
    }

    fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.0.set_write_timeout(timeout)
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.0.shutdown(how)
    }
}
// ANCHOR_END: socket

impl Deref for Socket {
    type Target = TcpStream;

    fn deref(&self) -> &TcpStream {
        &self.0
    }
}
