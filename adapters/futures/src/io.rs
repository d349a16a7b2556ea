//! A stream of futures-io, as the core drives it.

use crate::{Delay, Timer};
use futures_io::{AsyncRead, AsyncWrite};
use std::{
    io::{self, IoSlice},
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use timtow_core::task::{Alarm, Socket};

/// A stream, and the timer of its connection.
#[derive(Debug)]
pub struct Io<S, T = Delay> {
    /// The stream.
    pub stream: S,
    /// The address of the other end, where it is known.
    pub peer: Option<SocketAddr>,
    alarm: Alarm<T>,
}

impl<S, T> Io<S, T> {
    /// Any stream.
    pub fn new(stream: S) -> Self {
        Io { stream, peer: None, alarm: Alarm::default() }
    }
}

// ANCHOR: driver
impl<S: AsyncRead + AsyncWrite + Unpin, T: Timer> Socket for Io<S, T> {
    fn poll_read(&mut self, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }

    fn poll_write(&mut self, context: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let stream = Pin::new(&mut self.stream);
        match slices {
            [slice] => stream.poll_write(context, slice),
            slices => stream.poll_write_vectored(context, slices),
        }
    }
    // ANCHOR_END: driver

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_close(context)
    }

    fn poll_deadline(&mut self, context: &mut Context<'_>, deadline: Option<Duration>) -> Poll<()> {
        self.alarm.poll(context, deadline)
    }

    fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }
}
