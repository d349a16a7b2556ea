//! The suite against the smallest drivers there are, which poll: what fails here is the core's fault, or the suite's.

use std::{
    io::{self, IoSlice, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::Duration,
};
use timtow_conformance::{Awaited, BlockOn, Loop, suite};
use timtow_core::{
    Access, Buffers, Connect, Endpoint, Error, Input, Output, Rejection, Request, Response, Target,
    app::{App, Backoff, Options, Server, Session},
    clock,
    task::{self, WebSocket},
};

enum Polling {}

suite!(Polling, async);

/// How long it looks away.
const PAUSE: Duration = Duration::from_micros(100);

impl Loop for Polling {
    type WebSocket = Awaited<Self, Socket>;

    fn serve(listener: TcpListener, options: Options, app: impl App<Handler: Send>) -> io::Result<()> {
        let server = Server::new(app, options);
        listener.set_nonblocking(true)?;
        let mut backoff = Backoff::default();
        thread::scope(|scope| {
            while !server.options.drain.is_draining() {
                match listener.accept() {
                    Ok((stream, peer)) => {
                        backoff.reset();
                        let session = Session::new(&server, Some(peer));
                        let endpoint = Endpoint::server(&server.options);
                        scope.spawn(move || serve_connection(session, endpoint, Socket(stream)));
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::park_timeout(PAUSE),
                    Err(error) => thread::park_timeout(backoff.after(error)?.unwrap_or(PAUSE)),
                }
            }
            drop(listener);
            Ok(())
        })
    }

    fn accept(stream: TcpStream, options: Options) -> Result<Self::WebSocket, Error> {
        Ok(Awaited::new(Self::block_on(WebSocket::accept(Socket::new(stream)?, &options))?))
    }

    fn accept_with(
        stream: TcpStream,
        options: Options,
        answer: impl FnOnce(&Request) -> Result<Response, Rejection>,
    ) -> Result<Self::WebSocket, Error> {
        Ok(Awaited::new(Self::block_on(WebSocket::accept_with(Socket::new(stream)?, &options, answer))?))
    }

    fn connect(to: impl TryInto<Connect, Error: Into<Error>>, options: Options) -> Result<Self::WebSocket, Error> {
        let open = async |to: Target| Socket::new(TcpStream::connect((to.host.as_str(), to.port))?);
        let connect = to.try_into().map_err(Into::into)?;
        Ok(Awaited::new(Self::block_on(WebSocket::connect_to(connect, &options, open))?.0))
    }
}

fn serve_connection<A: App>(mut session: Session<A>, mut endpoint: Endpoint, mut socket: Socket) {
    socket.0.set_nonblocking(true).expect("a socket");
    let mut buffers = Buffers::new(16 << 10);
    while !endpoint.is_closed() {
        let mut input = Input::Nothing;
        if endpoint.wants_read() {
            match socket.0.read(buffers.input()) {
                Ok(n) => input = Input::Read(n),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::park_timeout(PAUSE),
                Err(_) => input = Input::Failed,
            }
        } else {
            thread::park_timeout(PAUSE);
        }
        session.turn(Access::Direct(&mut endpoint), &mut buffers, input, &mut socket);
        session.turn(Access::Direct(&mut endpoint), &mut buffers, Input::Nothing, &mut socket);
    }
}

impl BlockOn for Polling {
    fn block_on<T>(future: impl Future<Output = T>) -> T {
        let (mut future, waker) = (pin!(future), Waker::from(Arc::new(Unpark(thread::current()))));
        loop {
            if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return value;
            }
            thread::park_timeout(PAUSE);
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

struct Socket(TcpStream);

impl Socket {
    fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Socket(stream))
    }
}

impl Output for Socket {
    fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.write_vectored(slices)
    }

    fn shutdown(&mut self) -> io::Result<()> {
        self.0.shutdown(Shutdown::Write)
    }
}

/// It is polled again whether or not anybody wakes it.
fn poll<T>(result: io::Result<T>) -> Poll<io::Result<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
        result => Poll::Ready(result),
    }
}

impl task::Socket for Socket {
    fn poll_read(&mut self, _: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        poll(self.0.read(buffer))
    }

    fn poll_write(&mut self, _: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        poll(self.0.write_vectored(slices))
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        poll(self.0.shutdown(Shutdown::Write))
    }

    fn poll_deadline(&mut self, _: &mut Context<'_>, deadline: Option<Duration>) -> Poll<()> {
        if deadline.is_some_and(|deadline| deadline <= clock::now()) { Poll::Ready(()) } else { Poll::Pending }
    }
}
