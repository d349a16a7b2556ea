//! A stream of tokio's, as the core drives it.

use std::{
    io::{self, IoSlice},
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};
use timtow_core::task::{Alarm, Socket, Timer};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::Sleep,
};

/// A stream, and the timer of its connection.
#[derive(Debug)]
pub struct Io<S = TcpStream> {
    /// The stream.
    pub stream: S,
    /// The address of the other end, where it is known.
    pub peer: Option<SocketAddr>,
    alarm: Alarm<SleepUntil>,
}

impl<S> Io<S> {
    /// Any stream. For TCP rather use `Io::from`, which sets `TCP_NODELAY`, too.
    pub fn new(stream: S) -> Self {
        Io { stream, peer: None, alarm: Alarm::default() }
    }
}

impl From<TcpStream> for Io {
    fn from(stream: TcpStream) -> Self {
        let peer = stream.peer_addr().ok();
        Io::tcp(stream, peer)
    }
}

impl Io {
    pub(crate) fn tcp(stream: TcpStream, peer: Option<SocketAddr>) -> Self {
        // It fails where the connection is lost already; reading will say so.
        let _ = stream.set_nodelay(true);
        Io { peer, ..Io::new(stream) }
    }
}

// ANCHOR: driver
impl<S: AsyncRead + AsyncWrite + Unpin> Socket for Io<S> {
    fn poll_read(&mut self, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(buffer);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }

    fn poll_write(&mut self, context: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let stream = Pin::new(&mut self.stream);
        match slices {
            [slice] => stream.poll_write(context, slice),
            slices => stream.poll_write_vectored(context, slices),
        }
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_deadline(&mut self, context: &mut Context<'_>, deadline: Option<Duration>) -> Poll<()> {
        self.alarm.poll(context, deadline)
    }

    fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }
}
// ANCHOR_END: driver

/// Boxed: it must not move once it was polled.
#[derive(Debug)]
pub(crate) struct SleepUntil(Pin<Box<Sleep>>);

impl Timer for SleepUntil {
    fn new(at: Instant) -> Self {
        SleepUntil(Box::pin(tokio::time::sleep_until(at.into())))
    }

    fn reset(&mut self, at: Instant) {
        self.0.as_mut().reset(at.into());
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(context)
    }
}
