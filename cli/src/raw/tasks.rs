//! Raw TCP echo: a task for each connection, on tokio, smol and async-std.

use std::{
    cell::RefCell,
    future::poll_fn,
    io,
    net::TcpListener,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_io::{AsyncRead, AsyncWrite};
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

pub(super) fn tokio(listener: TcpListener, read: usize, several_threads: bool) -> io::Result<()> {
    use tokio::runtime::Builder;
    let mut builder = if several_threads { Builder::new_multi_thread() } else { Builder::new_current_thread() };
    let runtime = builder.enable_io().build()?;
    listener.set_nonblocking(true)?;
    let accepting = async move {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tokio::spawn(echo(stream, read));
        }
    };
    // In a task of its own, it accepts on the thread that serves.
    runtime.block_on(async { tokio::spawn(accepting).await })?
}

pub(super) fn smol(listener: TcpListener, read: usize) -> io::Result<()> {
    static EXECUTOR: smol::Executor<'static> = smol::Executor::new();
    // In a task of its own, it is polled when somebody connects, and not whenever the executor is.
    let accepting = EXECUTOR.spawn(async move {
        let listener = smol::Async::new(listener)?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.get_ref().set_nodelay(true)?;
            EXECUTOR.spawn(echo(Futures(stream), read)).detach();
        }
    });
    smol::block_on(EXECUTOR.run(accepting))
}

pub(super) fn async_std(listener: TcpListener, read: usize) -> io::Result<()> {
    async_std::task::block_on(async_std::task::spawn(async move {
        let listener = async_std::net::TcpListener::from(listener);
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            async_std::task::spawn(echo(Futures(stream), read));
        }
    }))
}

/// What tokio's sockets and those of the others have in common.
trait Socket {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>>;
    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>>;
}

impl Socket for tokio::net::TcpStream {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(buffer);
        ready!(Pin::new(self).poll_read(cx, &mut buffer))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(self).poll_write(cx, bytes)
    }
}

/// A socket with the traits of `futures`.
struct Futures<S>(S);

impl<S: AsyncRead + AsyncWrite + Unpin> Socket for Futures<S> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }
}

/// Echoes until the end; an error is an end.
async fn echo(mut socket: impl Socket, read: usize) {
    let mut rest = Vec::new();
    let turn = |cx: &mut Context<'_>| {
        BUFFER.with_borrow_mut(|buffer| {
            // The thread's first.
            if buffer.is_empty() {
                buffer.resize(read, 0);
            }
            poll_echo(&mut socket, &mut rest, buffer, cx)
        })
    };
    let _ = poll_fn(turn).await;
}

fn poll_echo(
    socket: &mut impl Socket,
    rest: &mut Vec<u8>,
    buffer: &mut [u8],
    cx: &mut Context<'_>,
) -> Poll<io::Result<()>> {
    loop {
        while !rest.is_empty() {
            let written = ready!(socket.poll_write(cx, rest))?;
            rest.drain(..written);
        }
        let len = ready!(socket.poll_read(cx, buffer))?;
        if len == 0 {
            return Poll::Ready(Ok(()));
        }
        let written = match socket.poll_write(cx, &buffer[..len]) {
            Poll::Ready(result) => result?,
            Poll::Pending => 0,
        };
        rest.extend_from_slice(&buffer[written..len]);
    }
}
