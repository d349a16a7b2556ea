//! An echo allocates nothing, over real sockets, on every loop: once a connection is warm, the threads of `serve` ask the
//! allocator for nothing per message, up to 16 KiB. It has a process of its own for what it counts.
//!
//! async-io, on which smol and async-std stand, makes a list of whom to wake whenever something is ready, and splits its tree
//! of timers. What it asks for so is shown here, and not ours: there, what counts is what is asked for while a connection is
//! polled.
#![allow(unsafe_code)]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    pin::Pin,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    task::{Context, Poll},
    thread,
    time::Duration,
};
use timtow::{
    Options,
    app::{Drain, Echo},
};

/// Counts what is asked for while it is to, but by the clients' thread; the system allocates.
struct Counting;

static COUNTS: AtomicBool = AtomicBool::new(false);
/// What the threads of the server asked for, and how much of it while a [`Polled`] was.
static COUNT: AtomicUsize = AtomicUsize::new(0);
static POLLED: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static IS_CLIENT: Cell<bool> = const { Cell::new(false) };
    static IS_POLLED: Cell<bool> = const { Cell::new(false) };
}

fn count() {
    // A thread that ends has no flags any more.
    if COUNTS.load(SeqCst) && !IS_CLIENT.try_with(Cell::get).unwrap_or(false) {
        COUNT.fetch_add(1, SeqCst);
        POLLED.fetch_add(IS_POLLED.try_with(Cell::get).unwrap_or(false).into(), SeqCst);
    }
}

/// A connection, which says when it is polled.
struct Polled<F>(F);

impl<F: Future + Unpin> Future for Polled<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        IS_POLLED.set(true);
        let polled = Pin::new(&mut self.0).poll(context);
        IS_POLLED.set(false);
        polled
    }
}

// SAFETY: every call goes to `System` as it came; the counter allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: likewise.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: likewise.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const WATCHDOG: Duration = Duration::from_secs(60);
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
const SIZES: [usize; 4] = [16, 125, 1024, 16 << 10];
/// Messages in flight.
const DEPTHS: [usize; 2] = [1, 16];
/// So many turns warm up, and as many are counted.
const TURNS: usize = 50;
/// What is asked for now and then, as where a timer is moved or a socket is full, is not asked for by each message.
const SELDOM: usize = TURNS / 10;

/// Messages as a client sends them, with a mask that changes nothing.
fn frames(first: u8, size: usize, count: usize) -> Vec<u8> {
    let mut frame = vec![first];
    match size {
        0..126 => frame.push(0x80 | size as u8),
        _ => {
            frame.push(0x80 | 126);
            frame.extend((size as u16).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend("Grüße. ".bytes().cycle().take(size / 9 * 9));
    frame.extend(vec![b'.'; size % 9]);
    frame.repeat(count)
}

fn connect(address: SocketAddr) -> TcpStream {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_nodelay(true).unwrap();
    socket.set_read_timeout(Some(WATCHDOG)).unwrap();
    socket.write_all(REQUEST).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    socket
}

/// What the server allocates while it echoes these frames some times; and how much of it while the connection is polled.
fn echo(socket: &mut TcpStream, frames: &[u8], count: usize) -> (usize, usize) {
    // A server's frames have no masks.
    let mut echoed = vec![0; frames.len() - 4 * count];
    for turn in 0..2 * TURNS {
        if turn == TURNS {
            COUNT.store(0, SeqCst);
            POLLED.store(0, SeqCst);
            COUNTS.store(true, SeqCst);
        }
        socket.write_all(frames).unwrap();
        socket.read_exact(&mut echoed).unwrap();
        assert_eq!(echoed[0], frames[0]);
        assert_eq!(echoed.last(), frames.last());
    }
    COUNTS.store(false, SeqCst);
    (COUNT.load(SeqCst), POLLED.load(SeqCst))
}

/// Whose allocations count.
#[derive(Clone, Copy, PartialEq)]
enum Whose {
    /// Those of all of the server's threads.
    Threads,
    /// Those of connections, which are [`Polled`].
    Connections,
}

/// Checks a server that `serve` runs until the drain begins. Returns what is wrong.
fn check(
    name: &str,
    whose: Whose,
    serve: impl FnOnce(TcpListener, Options) -> io::Result<()> + Send + 'static,
) -> Vec<String> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, drain) = (listener.local_addr().unwrap(), Drain::new());
    let options = Options { drain: drain.clone(), ..Options::default() };
    let serving = thread::spawn(move || serve(listener, options));
    COUNTS.store(true, SeqCst);
    let mut socket = connect(address);
    COUNTS.store(false, SeqCst);
    let ours = if whose == Whose::Threads { &COUNT } else { &POLLED };
    assert!(ours.load(SeqCst) > 0, "{name}: who counts nothing in an opening handshake counts nothing");
    let mut wrong = Vec::new();
    for (kind, first) in [("binary", 0x82), ("text", 0x81)] {
        for (size, depth) in SIZES.into_iter().flat_map(|size| DEPTHS.map(|depth| (size, depth))) {
            let (all, polled) = echo(&mut socket, &frames(first, size, depth), depth);
            let counts = if whose == Whose::Threads { all } else { polled };
            let line =
                format!("{name}: {kind}, {size} B x {depth}: {all} allocations in {TURNS} turns, {counts} of ours");
            println!("{line}");
            if counts > SELDOM {
                wrong.push(line);
            }
        }
    }
    drain.start();
    drop(socket);
    serving.join().unwrap().unwrap();
    wrong
}

/// One after the other: they count together.
#[test]
fn an_echo_allocates_nothing_on_any_loop() {
    use Whose::Threads;
    IS_CLIENT.set(true);
    let mut wrong = check("threads", Threads, |listener, options| timtow::threads::serve(listener, options, Echo));
    #[cfg(feature = "mio")]
    wrong.extend(check("mio", Threads, |listener, options| timtow::mio::serve(listener, options, Echo)));
    #[cfg(feature = "tokio")]
    {
        use tokio::{net, runtime::Builder, task::LocalSet};
        fn listen(listener: TcpListener) -> io::Result<net::TcpListener> {
            listener.set_nonblocking(true)?;
            net::TcpListener::from_std(listener)
        }
        wrong.extend(check("tokio", Threads, |listener, options| {
            let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
            runtime.block_on(async { timtow::tokio::serve(listen(listener)?, options, Echo).await })
        }));
        wrong.extend(check("tokio-current", Threads, |listener, options| {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            let serving = async { timtow::tokio::serve_local(listen(listener)?, options, Echo).await };
            LocalSet::new().block_on(&runtime, serving)
        }));
        wrong.extend(check("tokio-reuseport", Threads, |listener, options| {
            timtow::tokio::serve_reuseport(vec![listener], options, Echo)
        }));
    }
    #[cfg(feature = "smol")]
    wrong.extend(check("smol", Whose::Connections, |listener, options| {
        let listener = smol::Async::new(listener)?;
        let spawn = |connection| smol::spawn(Polled(connection)).detach();
        smol::block_on(timtow::smol::serve_on(spawn, listener.into(), options, Echo))
    }));
    // What `timtow::async_std::serve` does, but for the sockets' options.
    #[cfg(all(feature = "async-std", feature = "futures"))]
    wrong.extend(check("async-std, by futures", Whose::Connections, |listener, options| {
        use futures::StreamExt;
        let listener = async_std::net::TcpListener::from(listener);
        let incoming = listener.incoming().map(|stream| stream.map(timtow::futures::Io::<_>::new));
        let spawn = |connection| drop(async_std::task::spawn(Polled(connection)));
        async_std::task::block_on(timtow::futures::serve(incoming, spawn, options, Echo))
    }));
    assert!(wrong.is_empty(), "{wrong:#?}");
}
