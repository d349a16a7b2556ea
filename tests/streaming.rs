//! A message larger than memory, over real sockets: every loop echoes it in less than a MiB of heap, in all of the process.
//! `TIMTOW_STREAM_MIB` says how large it is: 16, where it does not. It has a process of its own for what it counts.
#![allow(unsafe_code)]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    env,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::atomic::{AtomicIsize, Ordering::Relaxed},
    thread,
    time::Duration,
};
use timtow::{
    Config, Options,
    app::{Drain, Echo},
};

/// Counts what the process owns; the system allocates.
struct Counting;

static NOW: AtomicIsize = AtomicIsize::new(0);
static PEAK: AtomicIsize = AtomicIsize::new(0);

fn count(bytes: isize) {
    let now = NOW.fetch_add(bytes, Relaxed) + bytes;
    PEAK.fetch_max(now, Relaxed);
}

// SAFETY: every call goes to `System` as it came; the counters allocate nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: likewise.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as isize - layout.size() as isize);
        // SAFETY: likewise.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const BOUND: isize = 1 << 20;
const WATCHDOG: Duration = Duration::from_secs(60);
/// Every byte of the payload, and all of the mask.
const BYTE: u8 = 0x55;
const MASK: u8 = 0x0f;
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

fn message_len() -> usize {
    env::var("TIMTOW_STREAM_MIB").map_or(16, |mib| mib.parse().expect("a number")) << 20
}

fn options(drain: &Drain) -> Options {
    let config = Config { fragments: true, max_message: usize::MAX, max_frame: usize::MAX, ..Config::default() };
    Options { config: config.into(), drain: drain.clone(), ..Options::default() }
}

/// Sends the header of a frame of `len` bytes, and the frame.
fn send_frame(socket: &mut TcpStream, first: u8, len: usize) {
    let mut header = vec![first, 0xff];
    header.extend((len as u64).to_be_bytes());
    header.extend([MASK; 4]);
    socket.write_all(&header).unwrap();
    let piece = [BYTE ^ MASK; 16 << 10];
    let mut left = len;
    while left > 0 {
        let n = left.min(piece.len());
        socket.write_all(&piece[..n]).unwrap();
        left -= n;
    }
}

/// The first byte of the next frame, whose payload is as it should be, and how long that is.
fn hear_frame(socket: &mut TcpStream) -> (u8, usize) {
    let mut head = [0; 2];
    socket.read_exact(&mut head).unwrap();
    let mut len = [0; 8];
    match head[1] {
        126 => socket.read_exact(&mut len[6..]).unwrap(),
        127 => socket.read_exact(&mut len).unwrap(),
        short => len[7] = short,
    }
    let len = u64::from_be_bytes(len) as usize;
    let (mut piece, mut left) = ([0; 16 << 10], len);
    while left > 0 {
        let n = socket.read(&mut piece[..left.min(16 << 10)]).unwrap();
        assert!(n > 0, "the end inside a frame");
        assert!(piece[..n] == [BYTE; 16 << 10][..n], "other bytes came");
        left -= n;
    }
    (head[0], len)
}

/// One message of so many frames there and back; what the process owned at most meanwhile.
fn echo(address: SocketAddr, frames: usize) -> (usize, isize) {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(WATCHDOG)).unwrap();
    socket.write_all(REQUEST).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    let before = NOW.load(Relaxed);
    PEAK.store(before, Relaxed);
    let len = message_len() / frames;
    let mut writer = socket.try_clone().unwrap();
    let writing = thread::spawn(move || {
        for at in 0..frames {
            let (opcode, fin) = (if at == 0 { 2 } else { 0 }, if at + 1 == frames { 0x80 } else { 0 });
            send_frame(&mut writer, opcode | fin, len);
        }
    });
    let (mut heard, mut count) = (0, 0);
    loop {
        let (first, len) = hear_frame(&mut socket);
        (heard, count) = (heard + len, count + 1);
        if first & 0x80 != 0 {
            break;
        }
    }
    writing.join().unwrap();
    assert_eq!(heard, len * frames);
    (count, PEAK.load(Relaxed) - before)
}

/// Checks a server that `serve` runs until the drain begins.
fn check(name: &str, serve: impl FnOnce(TcpListener, Options) -> std::io::Result<()> + Send + 'static) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, drain) = (listener.local_addr().unwrap(), Drain::new());
    let options = options(&drain);
    let serving = thread::spawn(move || serve(listener, options));
    for frames in [1, 64] {
        let (count, peak) = echo(address, frames);
        println!("{name}: {} MiB in {frames} frames, {count} back, {} KiB", message_len() >> 20, peak >> 10);
        assert_eq!(count == 1, frames == 1, "{name}: what is one frame comes back as one");
        assert!(peak < BOUND, "{name}: {peak} bytes");
    }
    drain.start();
    serving.join().unwrap().unwrap();
}

/// One after the other: they count together.
#[test]
fn every_loop_echoes_a_message_larger_than_memory_in_a_mib() {
    check("threads", |listener, options| timtow::threads::serve(listener, options, Echo));
    #[cfg(feature = "mio")]
    check("mio", |listener, options| timtow::mio::serve(listener, options, Echo));
    #[cfg(feature = "tokio")]
    check("tokio", |listener, options| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        listener.set_nonblocking(true)?;
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            timtow::tokio::serve(listener, options, Echo).await
        })
    });
    #[cfg(feature = "smol")]
    check("smol", |listener, options| {
        let listener = smol::Async::new(listener)?;
        smol::block_on(timtow::smol::serve(listener.into(), options, Echo))
    });
    #[cfg(feature = "async-std")]
    check("async-std", |listener, options| {
        async_std::task::block_on(timtow::async_std::serve(listener.into(), options, Echo))
    });
}
