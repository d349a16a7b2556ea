//! A stream of mio's, as the driver wants it.

use mio::{event::Event, net::TcpStream};
use std::{
    io::{self, IoSlice, Read, Write},
    net::Shutdown,
};
use timtow_core::ready::{Readiness, Socket};

/// A stream of mio's, as the driver wants it.
#[derive(Debug)]
pub struct Tcp(pub TcpStream);

impl Socket for Tcp {
    // Elsewhere mio goes on watching only after `WouldBlock`.
    const PARTIAL_IS_ALL: bool = cfg!(any(
        target_os = "linux",
        target_os = "android",
        target_vendor = "apple",
        target_os = "freebsd",
        target_os = "netbsd",
        target_os = "openbsd",
        target_os = "dragonfly",
    ));

    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }

    #[inline]
    fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match slices {
            [one] => self.0.write(one),
            several => self.0.write_vectored(several),
        }
    }

    fn shutdown(&mut self) -> io::Result<()> {
        self.0.shutdown(Shutdown::Write)
    }
}

/// What mio says about a socket.
pub(crate) fn readiness(event: &Event) -> Readiness {
    Readiness {
        readable: event.is_readable(),
        writable: event.is_writable(),
        ended: event.is_read_closed() || event.is_error(),
    }
}
