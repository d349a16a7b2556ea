//! What the blocking driver needs of a TCP stream.

use std::{
    io::{self, IoSlice, Read, Write},
    net::{Shutdown, TcpStream},
    ops::Deref,
    time::Duration,
};
use timtow_core::{app::Options, blocking};

/// A TCP stream as the driver uses it: blocking, with `TCP_NODELAY`, and with a time-out for writes.
#[derive(Debug)]
pub struct Socket(TcpStream);

impl Socket {
    pub(crate) fn new(stream: TcpStream, options: &Options) -> io::Result<Self> {
        stream.set_nonblocking(false)?;
        stream.set_nodelay(true)?;
        stream.set_write_timeout(options.config.write_timeout.map(|timeout| timeout.max(SHORTEST)))?;
        Ok(Socket(stream))
    }
}

impl blocking::Socket for Socket {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        (&self.0).read(buffer)
    }

    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.0.set_read_timeout(timeout)
    }

    fn write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let written = match slices {
            [one] => (&self.0).write(one),
            slices => (&self.0).write_vectored(slices),
        };
        // A blocking socket says so when its time-out has come.
        let timed_out = |error: &io::Error| error.kind() == io::ErrorKind::WouldBlock;
        written.map_err(|error| if timed_out(&error) { io::ErrorKind::TimedOut.into() } else { error })
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.0.shutdown(how)
    }
}

impl Deref for Socket {
    type Target = TcpStream;

    fn deref(&self) -> &TcpStream {
        &self.0
    }
}

/// Zero is not a time-out.
pub(crate) const SHORTEST: Duration = Duration::from_millis(1);
