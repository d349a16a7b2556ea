//! Messages that are larger than memory, over a socket that makes them up as they are read, and checks what comes back: the
//! whole takes less than a MiB. `TIMTOW_STREAM_MIB` says how large they are: 16, where it does not.

mod common;

use common::{
    MASK,
    alloc::{self, Counting},
    config,
};
use std::{
    cell::RefCell,
    env,
    future::Future,
    io::{self, IoSlice},
    net::SocketAddr,
    pin::pin,
    rc::Rc,
    sync::Arc,
    task::{Context as TaskContext, Poll, Waker},
    time::Duration,
};
use timtow_core::{
    Config, Fragment, Message, OwnedMessage, Rejection, Request, Response, Role,
    app::{App, Context, Echo, Handler, Options, Server},
    clock,
    task::{Serve, Socket, WebSocket},
};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What a connection may cost at most, whatever goes through it.
const BOUND: isize = 1 << 20;

fn message_len() -> usize {
    env::var("TIMTOW_STREAM_MIB").map_or(16, |mib| mib.parse().expect("a number")) << 20
}

/// A client that asks for a connection, sends one message in frames of equal length, and hears what comes, slowly.
#[derive(Debug, Default)]
struct Torrent {
    /// What it has yet to say before the next payload.
    head: Vec<u8>,
    frames: usize,
    frame_len: usize,
    /// Frames that were begun, and what is left of the last.
    begun: usize,
    left: usize,
    /// The answer to the opening handshake has come.
    is_open: bool,
    /// The header that comes, as far as it has come, and what is left of its payload.
    header: Vec<u8>,
    incoming: usize,
    /// Data frames that came, the bytes in them, and whether the message is complete.
    heard_frames: usize,
    heard: usize,
    is_complete: bool,
    /// The next write takes nothing.
    is_full: bool,
}

/// Every byte of every payload.
const BYTE: u8 = 0x55;
/// What one write takes.
const WINDOW: usize = 20_000;

impl Torrent {
    fn new(frames: usize, frame_len: usize) -> Self {
        Torrent { head: common::REQUEST.into(), frames, frame_len, ..Torrent::default() }
    }

    fn speak(&mut self, buffer: &mut [u8]) -> usize {
        if self.head.is_empty() && self.left == 0 && self.begun < self.frames {
            let first = if self.begun == 0 { 0x02 } else { 0x00 };
            self.begun += 1;
            self.head.push(if self.begun == self.frames { first | 0x80 } else { first });
            self.head.push(0x80 | 127);
            self.head.extend((self.frame_len as u64).to_be_bytes());
            self.head.extend(MASK);
            self.left = self.frame_len;
        }
        if !self.head.is_empty() {
            let n = self.head.len().min(buffer.len());
            buffer[..n].copy_from_slice(&self.head[..n]);
            self.head.drain(..n);
            return n;
        }
        let (n, start) = (self.left.min(buffer.len()), self.frame_len - self.left);
        let masked: [u8; 4] = std::array::from_fn(|at| BYTE ^ MASK[(start + at) % 4]);
        for four in buffer[..n].chunks_mut(4) {
            four.copy_from_slice(&masked[..four.len()]);
        }
        self.left -= n;
        n
    }

    fn hear(&mut self, mut bytes: &[u8]) {
        if !self.is_open {
            let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("the head comes at once");
            self.is_open = true;
            bytes = &bytes[end + 4..];
        }
        while let Some((byte, rest)) = bytes.split_first() {
            if self.incoming > 0 {
                let n = self.incoming.min(bytes.len());
                assert!(bytes[..n] == [BYTE; WINDOW][..n], "other bytes came");
                self.incoming -= n;
                bytes = &bytes[n..];
                continue;
            }
            self.header.push(*byte);
            bytes = rest;
            self.incoming = match self.header[..] {
                [_, 126, high, low] => usize::from(u16::from_be_bytes([high, low])),
                [_, 127, ref len @ ..] if len.len() == 8 => u64::from_be_bytes(len.try_into().unwrap()) as usize,
                [_, len] if len < 126 => usize::from(len),
                _ => continue,
            };
            assert_eq!(self.header[0] & 0x08, 0, "a control frame");
            assert!(!self.is_complete, "more than one message");
            self.heard_frames += 1;
            self.heard += self.incoming;
            self.is_complete = self.header[0] & 0x80 != 0;
            self.header.clear();
        }
    }

    /// The message has come back.
    fn is_answered(&self) -> bool {
        self.is_complete && self.incoming == 0
    }
}

/// A socket whose other end is a torrent.
#[derive(Clone)]
struct Stream(Rc<RefCell<Torrent>>);

impl Socket for Stream {
    fn poll_read(&mut self, _: &mut TaskContext<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        match self.0.borrow_mut().speak(buffer) {
            0 => Poll::Pending,
            n => Poll::Ready(Ok(n)),
        }
    }

    fn poll_write(&mut self, _: &mut TaskContext<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let mut torrent = self.0.borrow_mut();
        torrent.is_full = !torrent.is_full;
        if torrent.is_full {
            return Poll::Pending;
        }
        let mut room = WINDOW;
        for slice in slices {
            let n = slice.len().min(room);
            torrent.hear(&slice[..n]);
            room -= n;
        }
        Poll::Ready(Ok(WINDOW - room))
    }

    fn poll_shutdown(&mut self, _: &mut TaskContext<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_deadline(&mut self, _: &mut TaskContext<'_>, deadline: Option<Duration>) -> Poll<()> {
        if deadline.is_some_and(|deadline| deadline <= clock::now()) { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// Polls until the message has come back; what that cost at most.
fn run(stream: &Stream, future: impl Future) -> isize {
    let mut future = pin!(future);
    let mut context = TaskContext::from_waker(Waker::noop());
    let ((), _, peak) = alloc::cost(|| {
        while !stream.0.borrow().is_answered() {
            assert!(future.as_mut().poll(&mut context).is_pending(), "it has ended");
        }
    });
    peak
}

fn options() -> Options {
    let limit = usize::MAX;
    let config = Config { fragments: true, max_message: limit, max_frame: limit, ping_interval: None, ..config() };
    Options { config: Arc::new(config), ..Options::default() }
}

/// One frame, a few large ones, and many that are smaller than a read.
fn shapes() -> [Stream; 3] {
    let len = message_len();
    let shapes = [(1, len), (4, len / 4), (len >> 16, 1 << 16)];
    shapes.map(|(frames, len)| Stream(Rc::new(RefCell::new(Torrent::new(frames, len)))))
}

fn check(stream: &Stream, peak: isize) {
    let torrent = stream.0.borrow();
    println!("{} frames, {} frames back, {} KiB", torrent.frames, torrent.heard_frames, peak >> 10);
    assert_eq!(torrent.heard, message_len());
    assert_eq!(torrent.frames == 1, torrent.heard_frames == 1, "what is one frame comes back as one");
    assert!(peak < BOUND, "{peak} bytes");
}

#[test]
fn an_application_echoes_in_a_mib() {
    for stream in shapes() {
        let server = Server::new(Echo, options());
        let peak = run(&stream, Serve::new(&server, stream.clone()));
        check(&stream, peak);
    }
}

#[test]
fn whoever_receives_and_sends_echoes_in_a_mib() {
    for stream in shapes() {
        let echo = async {
            let mut socket = WebSocket::accept(stream.clone(), &options()).await.unwrap();
            // ANCHOR: echo
            while let Some(fragment) = socket.recv_fragment().await.unwrap() {
                socket.send_fragment(fragment).await.unwrap();
            }
            // ANCHOR_END: echo
        };
        let peak = run(&stream, echo);
        check(&stream, peak);
    }
}

#[test]
fn the_halves_echo_in_a_mib() {
    for stream in shapes() {
        let echo = async {
            let (mut receiver, mut sender) = WebSocket::accept(stream.clone(), &options()).await.unwrap().split();
            while let Some(fragment) = receiver.recv_fragment().await.unwrap() {
                sender.send_fragment(fragment).await.unwrap();
            }
        };
        let peak = run(&stream, echo);
        check(&stream, peak);
    }
}

// ANCHOR: source
/// Makes a message up as there is room for it.
struct Source {
    left: usize,
}

impl App for Source {
    type Handler = Source;

    fn request(&self, _: &Request, _: Option<SocketAddr>) -> Result<(Source, Response), Rejection> {
        Ok((Source { left: message_len() }, Response::default()))
    }
}

impl Handler for Source {
    fn open(&mut self, context: &mut Context<'_>) {
        context.send_fragment(Fragment::binary(&[][..], false).announcing(self.left)).unwrap();
        self.writable(context);
    }

    fn writable(&mut self, context: &mut Context<'_>) {
        while self.left > 0 && context.has_room() {
            let piece = [BYTE; 10_000];
            let n = piece.len().min(self.left);
            self.left -= n;
            context.send_fragment(Fragment::binary(&piece[..n], self.left == 0)).unwrap();
        }
    }

    fn message(&mut self, _: &mut Context<'_>, _: Message<'_>) {}
}
// ANCHOR_END: source

#[test]
fn a_message_is_made_up_as_there_is_room() {
    let stream = Stream(Rc::new(RefCell::new(Torrent::new(0, 0))));
    let server = Server::new(Source { left: 0 }, options());
    let peak = run(&stream, Serve::new(&server, stream.clone()));
    assert_eq!((stream.0.borrow().heard, stream.0.borrow().heard_frames), (message_len(), 1));
    assert!(peak < BOUND / 2, "{peak} bytes");
}

#[test]
fn what_is_shared_is_sent_without_a_copy() {
    const LEN: usize = 1 << 20;
    let text: Arc<str> = "x".repeat(LEN).into();
    let string = Arc::new(String::from(&*text));
    let slice: Arc<[u8]> = text.as_bytes().into();
    let vec = Arc::new(text.as_bytes().to_vec());
    let bytes = bytes::Bytes::from_owner(vec.as_ref().clone());
    let messages: [&dyn Fn() -> OwnedMessage; 5] =
        [&|| text.clone().into(), &|| string.clone().into(), &|| slice.clone().into(), &|| vec.clone().into(), &|| {
            bytes.clone().into()
        }];
    for (role, copies) in [(Role::Server, 0), (Role::Client, 1)] {
        for message in messages {
            let mut ws = common::open(role, &Arc::new(config()));
            let before = alloc::total();
            ws.send(message()).unwrap();
            assert_eq!(ws.buffered(), LEN + if copies == 0 { 10 } else { 14 });
            // A client masks, and what others see must stay as it is.
            let cost = alloc::total() - before;
            assert_eq!(cost / LEN as isize, copies, "{role:?} {cost}");
            assert!(cost % (LEN as isize) < 2_000, "{role:?} {cost}");
        }
    }
    let mut ws = common::open(Role::Server, &Arc::new(config()));
    let before = alloc::total();
    ws.send(text.clone()).unwrap();
    ws.send(string.clone()).unwrap();
    ws.send(slice.clone()).unwrap();
    ws.send(vec.clone()).unwrap();
    assert!(alloc::total() - before < 4_000);
    // Nobody else has it: a client masks it where it lies.
    let mut ws = common::open(Role::Client, &Arc::new(config()));
    let own = OwnedMessage::from(vec![0; LEN]);
    let before = alloc::total();
    ws.send(own).unwrap();
    assert!(alloc::total() - before < 2_000);
}
