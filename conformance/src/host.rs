//! The endpoint under test, in each way in which an adapter offers it.

use crate::{End, Idiom, Loop, Order, Peer, WATCHDOG, Way, WebSocket, http, record, record::Times};
use socket2::SockRef;
use std::{
    io,
    marker::PhantomData,
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, Sender},
    },
    thread,
};
use timtow_core::{
    Closed, Config, Connect, Error, Fragment, Message, Rejection, Request, Response, Role,
    app::{App, Context, Handler, Options},
};

/// Runs the endpoint under test for as long as it exists. Dropping it demands that everything ends that was begun.
pub struct Host<L: Loop> {
    way: Way,
    options: Options,
    /// Where a client connects to.
    listener: Option<TcpListener>,
    address: SocketAddr,
    ends: (Sender<End>, Receiver<End>),
    threads: Mutex<Vec<Task>>,
    stopping: Arc<AtomicBool>,
    marker: PhantomData<fn() -> L>,
}

/// A thread that must end.
pub struct Task(Receiver<thread::Result<()>>);

impl Task {
    /// Begins it.
    pub fn spawn(f: impl FnOnce() + Send + 'static) -> Self {
        let (sender, receiver) = mpsc::channel();
        let run = move || {
            let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(f));
            let _ = sender.send(result);
        };
        thread::Builder::new().spawn(run).expect("a thread");
        Task(receiver)
    }

    /// Waits for its end, and panics if it did.
    pub fn join(self) {
        match self.0.recv_timeout(WATCHDOG) {
            Ok(Ok(())) => {}
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            Err(_) => panic!("a thread does not end"),
        }
    }
}

impl<L: Loop> Host<L> {
    /// Runs the endpoint with this configuration.
    pub fn new(way: Way, config: Config) -> Self {
        Host::with_options(way, Options { config: config.into(), ..Options::default() })
    }

    /// Runs the endpoint with these options.
    pub fn with_options(way: Way, options: Options) -> Self {
        let ends = mpsc::channel();
        let app = Mirror { ends: ends.0.clone() };
        Host::run(way, options, app, ends, |_| {})
    }

    /// Serves an application of the test's own; [`end`](Host::end) knows nothing of it.
    pub fn serve(options: Options, app: impl App<Handler: Send>) -> Self {
        Host::run(Way::SERVE, options, app, mpsc::channel(), |_| {})
    }

    /// As [`with_options`](Host::with_options), with sockets whose buffers are small: the peer's, and those that the
    /// endpoint accepts.
    pub fn with_small_buffers(way: Way, config: Config) -> Self {
        let ends = mpsc::channel();
        let app = Mirror { ends: ends.0.clone() };
        let options = Options { config: config.into(), ..Options::default() };
        Host::run(way, options, app, ends, |listener| shrink(&SockRef::from(listener)))
    }

    fn run(
        way: Way,
        mut options: Options,
        app: impl App<Handler: Send>,
        ends: (Sender<End>, Receiver<End>),
        prepare: impl FnOnce(&TcpListener),
    ) -> Self {
        if way.transport && options.transport.is_none() {
            options.transport = Some(record::transport(Times::default()));
        }
        let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
        prepare(&listener);
        let address = listener.local_addr().expect("its address");
        let mut host = Host {
            way,
            options,
            listener: None,
            address,
            ends,
            threads: Mutex::default(),
            stopping: AtomicBool::new(false).into(),
            marker: PhantomData,
        };
        match way.idiom {
            Idiom::Serve => {
                // It has the only handle: when it drops it, nothing listens any more.
                let options = host.options.clone();
                host.task(move || L::serve(listener, options, app).expect("a server"));
            }
            Idiom::Accept | Idiom::Split => host.accept(listener),
            Idiom::Connect => host.listener = Some(listener),
        }
        host
    }

    /// A host that does nothing by itself, for [`use_socket`](Host::use_socket).
    pub fn idle(way: Way) -> Self {
        Host::idle_with(way, Config::default())
    }

    /// As [`idle`](Host::idle), with this configuration.
    pub fn idle_with(way: Way, config: Config) -> Self {
        let mut host = Host::new(Way { idiom: Idiom::Connect, ..way }, config);
        host.way = way;
        host
    }

    /// Gives the endpoint of a new connection to `f`, on a thread of its own; returns the peer. For an
    /// [idle](Host::idle) host.
    pub fn use_socket(&self, f: impl FnOnce(L::WebSocket) + Send + 'static) -> Peer {
        let (url, options) = (self.url(), self.options.clone());
        match self.way.role() {
            Role::Client => {
                self.task(move || f(L::connect(&url, options).expect("an opening handshake")));
                self.accept_peer()
            }
            Role::Server => {
                let stream = TcpStream::connect(self.address).expect("a connection");
                let (accepted, _) = self.listener().accept().expect("a connection");
                self.task(move || f(L::accept(accepted, options).expect("an opening handshake")));
                Peer::new(stream, Role::Client, self.way.transport)
            }
        }
    }

    /// Has the endpoint connect as `connect` says, and echo; [`accept_peer`](Host::accept_peer) is the other end.
    pub fn connect(&self, connect: Connect) {
        let (options, ends) = (self.options.clone(), self.ends.0.clone());
        self.task(move || {
            let _ = ends.send(End::new(L::connect(connect, options).and_then(|socket| echo(socket, false))));
        });
    }

    /// Has the endpoint answer the opening handshake of a new connection, and echo; returns the peer. For an
    /// [idle](Host::idle) host.
    pub fn accept_with(&self, answer: impl FnOnce(&Request) -> Result<Response, Rejection> + Send + 'static) -> Peer {
        let (options, ends) = (self.options.clone(), self.ends.0.clone());
        let stream = TcpStream::connect(self.address).expect("a connection");
        let (accepted, _) = self.listener().accept().expect("a connection");
        self.task(move || {
            let _ =
                ends.send(End::new(L::accept_with(accepted, options, answer).and_then(|socket| echo(socket, false))));
        });
        let mut peer = Peer::new(stream, Role::Client, self.way.transport);
        peer.greet();
        peer
    }

    fn accept(&self, listener: TcpListener) {
        let (options, ends, split) = (self.options.clone(), self.ends.0.clone(), self.way.idiom == Idiom::Split);
        let fragments = options.config.fragments;
        let stopping = self.stopping.clone();
        self.task(move || {
            let mut connections = Vec::new();
            loop {
                let (stream, _) = listener.accept().expect("a connection");
                if stopping.load(Ordering::SeqCst) {
                    break;
                }
                let (options, ends) = (options.clone(), ends.clone());
                connections.push(Task::spawn(move || {
                    let echo = |socket: L::WebSocket| match (split, fragments) {
                        (true, false) => socket.echo_split(),
                        (true, true) => socket.echo_split_fragments(),
                        (false, _) => echo(socket, fragments),
                    };
                    let _ = ends.send(End::new(L::accept(stream, options).and_then(echo)));
                }));
            }
            connections.into_iter().for_each(Task::join);
        });
    }

    fn task(&self, f: impl FnOnce() + Send + 'static) {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner).push(Task::spawn(f));
    }

    /// In which way the endpoint is used.
    pub fn way(&self) -> Way {
        self.way
    }

    /// Where a server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The options of the endpoint.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// A connection to the endpoint, or from it, on which nothing was said yet but the transport's greeting.
    pub fn peer(&self) -> Peer {
        let mut peer = self.silent_peer(false);
        peer.greet();
        peer
    }

    /// A connection on which nothing at all was said.
    pub fn silent_peer(&self, small: bool) -> Peer {
        match self.way.role() {
            Role::Server => {
                let socket =
                    socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
                if small {
                    shrink(&SockRef::from(&socket));
                }
                socket.connect(&self.address.into()).expect("the server accepts");
                Peer::new(socket.into(), Role::Client, self.way.transport)
            }
            Role::Client => {
                let (url, options, ends) = (self.url(), self.options.clone(), self.ends.0.clone());
                let fragments = options.config.fragments;
                self.task(move || {
                    let echo = |socket| echo(socket, fragments);
                    let _ = ends.send(End::new(L::connect(&url, options).and_then(echo)));
                });
                self.accept_peer()
            }
        }
    }

    /// The peer of a client that connects.
    pub fn accept_peer(&self) -> Peer {
        let (stream, _) = self.listener().accept().expect("the client connects");
        Peer::new(stream, Role::Server, self.way.transport)
    }

    fn listener(&self) -> &TcpListener {
        self.listener.as_ref().expect("a client's host")
    }

    /// A connection on which the opening handshake is done, if the server takes it and there is a descriptor for it.
    pub fn try_open(&self) -> Option<Peer> {
        let mut peer = Peer::new(TcpStream::connect(self.address).ok()?, Role::Client, false);
        peer.try_write(http::request("/", "")).ok()?;
        while !peer.has_head() {
            peer.try_fill().ok().filter(|more| *more)?;
        }
        assert_eq!(peer.response().0.status(), 101);
        Some(peer)
    }

    /// The URL of the peer that listens.
    pub fn url(&self) -> String {
        format!("ws://{}/", self.address)
    }

    /// A connection on which the opening handshake is done.
    pub fn open(&self) -> Peer {
        let mut peer = self.silent_peer(false);
        peer.open();
        peer
    }

    /// As [`open`](Host::open), with small buffers; for a host [with those](Host::with_small_buffers).
    pub fn open_small(&self) -> Peer {
        let mut peer = self.silent_peer(true);
        peer.open();
        peer
    }

    /// How the next connection ended.
    pub fn end(&self) -> End {
        self.ends.1.recv_timeout(WATCHDOG).expect("the connection does not end")
    }

    /// Whether none has ended that was not asked for.
    pub fn has_no_end(&self) -> bool {
        match self.ends.1.try_recv() {
            Ok(end) => panic!("it has ended: {end:?}"),
            Err(_) => true,
        }
    }

    /// Asks a server to drain.
    pub fn drain(&self) {
        self.options.drain.start();
    }

    /// Waits until the endpoint has ended.
    pub fn join(&self) {
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        threads.into_iter().for_each(Task::join);
    }
}

impl<L: Loop> Drop for Host<L> {
    fn drop(&mut self) {
        self.drain();
        if self.listener.is_none() && self.way.idiom != Idiom::Serve {
            self.stopping.store(true, Ordering::SeqCst);
            let _ = TcpStream::connect(self.address);
        }
        if !thread::panicking() {
            self.join();
        }
    }
}

/// Room for a few packets.
pub(crate) fn shrink(socket: &SockRef<'_>) {
    let set = |result: io::Result<()>| result.expect("a buffer's size");
    set(socket.set_recv_buffer_size(64 << 10));
    set(socket.set_send_buffer_size(64 << 10));
}

/// Sends every message back until the end, or every piece.
fn echo(mut socket: impl WebSocket, fragments: bool) -> Result<Option<Closed>, Error> {
    while fragments && let Some(fragment) = socket.recv_fragment()? {
        match socket.send_fragment(fragment) {
            Ok(()) | Err(Error::Closed(_) | Error::Send(_)) => {}
            Err(error) => return Err(error),
        }
    }
    while let Some(message) = socket.recv()? {
        let sent = match Order::of(message.as_bytes()) {
            Order::Close(code, reason) => return socket.close(code, reason).map(Some),
            Order::Ping(payload) => socket.ping(payload).or_else(|error| socket.send(error.to_string().into())),
            Order::Echo => socket.send(message),
        };
        match sent {
            // `recv` says it better.
            Ok(()) | Err(Error::Closed(_) | Error::Send(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(socket.closed())
}

/// The application that does the same, and tells how each connection ended.
struct Mirror {
    ends: Sender<End>,
}

struct Reflection {
    ends: Sender<End>,
}

impl App for Mirror {
    type Handler = Reflection;

    fn request(&self, _: &Request, _: Option<SocketAddr>) -> Result<(Reflection, Response), Rejection> {
        Ok((Reflection { ends: self.ends.clone() }, Response::default()))
    }
}

impl Handler for Reflection {
    fn message(&mut self, context: &mut Context<'_>, message: Message<'_>) {
        let _ = match Order::of(message.as_bytes()) {
            Order::Close(code, reason) => context.close(code, reason),
            Order::Ping(payload) => context.ping(payload).or_else(|error| context.send(error.to_string())),
            Order::Echo => context.send(message),
        };
    }

    fn fragment(&mut self, context: &mut Context<'_>, fragment: Fragment<'_>) {
        let _ = context.send_fragment(fragment);
    }

    fn close(&mut self, closed: &Closed) {
        let _ = self.ends.send(End::Closed(closed.clone()));
    }
}
