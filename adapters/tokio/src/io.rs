//! A stream of tokio's, as the core drives it.

use pin_project_lite::pin_project;
use std::{
    io::{self, IoSlice},
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll, Waker, ready},
    time::{Duration, Instant},
};
use timtow_core::task::{Alarm, Socket, Timer};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    task::coop,
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

/// A timer that is asked with every turn. Boxed: it must not move once it was polled.
#[derive(Debug)]
pub(crate) struct SleepUntil(Pin<Box<Asleep>>);

pin_project! {
    #[derive(Debug)]
    struct Asleep {
        #[pin]
        sleep: Sleep,
        // Whom it wakes, if it has yet to.
        wakes: Option<Waker>,
    }
}

impl Timer for SleepUntil {
    fn new(at: Instant) -> Self {
        SleepUntil(Box::pin(Asleep { sleep: tokio::time::sleep_until(at.into()), wakes: None }))
    }

    fn reset(&mut self, at: Instant) {
        let asleep = self.0.as_mut().project();
        *asleep.wakes = None;
        asleep.sleep.reset(at.into());
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let asleep = self.0.as_mut().project();
        // To poll it takes several times as long, and tells it again what it knows. If it fires behind this look, it wakes.
        if asleep.wakes.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) && !asleep.sleep.is_elapsed() {
            return Poll::Pending;
        }
        // Where the task has had its share, the timer does not look at the waker.
        let looks = coop::has_budget_remaining();
        let polled = asleep.sleep.poll(context);
        *asleep.wakes = (looks && polled.is_pending()).then(|| context.waker().clone());
        polled
    }
}
