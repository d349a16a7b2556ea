//! The exchange on a poll of our own: the socket and the lines wake the same loop.

use std::{
    io::{self, BufRead as _},
    net::TcpStream,
    sync::{
        Arc,
        mpsc::{Receiver, TryRecvError, sync_channel},
    },
    thread,
};

use mio::{Events, Interest, Poll, Token, Waker};
use timtow::{
    CloseCode, Closed, Error, Options, OwnedMessage,
    core::{Buffers, ClientRequest, Event},
};

use super::{LINES, print};

const SOCKET: Token = Token(0);
const STDIN: Token = Token(1);

/// What the connection has said.
#[derive(Default)]
struct Heard {
    open: bool,
    closed: Option<Closed>,
    /// What went wrong with stdout.
    failure: Option<io::Error>,
}

impl Heard {
    fn hear(&mut self, event: Event<'_>) {
        match event {
            Event::Open(_) => self.open = true,
            Event::Message(message) => {
                if let Err(error) = print(&OwnedMessage::from(message)) {
                    self.failure = Some(error);
                }
            }
            Event::Closed(closed) => self.closed = Some(closed),
            Event::Request(_) | Event::Fragment(_) | Event::Ping(_) | Event::Pong(_) => {}
        }
    }
}

pub(super) fn exchange(request: ClientRequest, stream: TcpStream, options: &Options) -> Result<Closed, Error> {
    stream.set_nonblocking(true)?;
    let mut socket = timtow::mio::connect_with(request, mio::net::TcpStream::from_std(stream), options)?;
    let mut poll = Poll::new()?;
    poll.registry().register(&mut socket, SOCKET, Interest::READABLE | Interest::WRITABLE)?;
    let waker = Arc::new(Waker::new(poll.registry(), STDIN)?);
    let (mut lines, mut events, mut buffers) = (None, Events::with_capacity(16), Buffers::default());
    let mut heard = Heard::default();
    let mut reading = true;
    loop {
        match poll.poll(&mut events, socket.poll_timeout()) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error.into()),
            _ => {}
        }
        for event in events.iter().filter(|event| event.token() == SOCKET) {
            socket.handle(event, &mut buffers, |_, event| heard.hear(event));
        }
        socket.handle_timeout(&mut buffers, |_, event| heard.hear(event));
        if let Some(error) = heard.failure.take() {
            return Err(error.into());
        }
        if socket.is_closed()
            && let Some(closed) = heard.closed.take()
        {
            return Ok(closed);
        }
        // A line that comes before the opening handshake is done would have nowhere to go.
        if heard.open && heard.closed.is_none() {
            let lines = lines.get_or_insert_with(|| read_lines(waker.clone()));
            while reading && socket.connection().buffered() <= options.config.high_water {
                match lines.try_recv() {
                    // A line that cannot be sent any more: what the connection ended with comes next.
                    Ok(line) => reading = socket.send(line).is_ok(),
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => {
                        reading = false;
                        let _ = socket.close(CloseCode::NORMAL, "");
                    }
                }
            }
        }
    }
}

/// The lines of stdin, as they come; each wakes the loop, and so does the end.
fn read_lines(waker: Arc<Waker>) -> Receiver<String> {
    let (sender, receiver) = sync_channel(LINES);
    thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() || waker.wake().is_err() {
                return;
            }
        }
        drop(sender);
        // The loop is gone where it cannot be woken.
        let _ = waker.wake();
    });
    receiver
}
