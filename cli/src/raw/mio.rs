//! Raw TCP echo: one edge-triggered loop.

use std::io::{self, ErrorKind, Read as _, Write as _};

use mio::{Events, Interest, Poll, Token, net::TcpListener, net::TcpStream};

/// A connection, and what its socket has not taken yet.
struct Connection {
    stream: TcpStream,
    rest: Vec<u8>,
}

pub(super) fn serve(listener: std::net::TcpListener, read: usize) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let mut listener = TcpListener::from_std(listener);
    let mut poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut connections: Vec<Option<Connection>> = Vec::new();
    let mut free = Vec::new();
    let mut events = Events::with_capacity(1024);
    let mut buffer = vec![0; read];
    loop {
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            result => result?,
        }
        for event in &events {
            if event.token() == LISTENER {
                accept(&listener, &poll, &mut connections, &mut free)?;
                continue;
            }
            let slot = event.token().0;
            let over = connections[slot]
                .as_mut()
                .is_some_and(|connection| !connection.turn(event.is_read_closed(), &mut buffer).unwrap_or(false));
            if over {
                connections[slot] = None;
                free.push(slot);
            }
        }
    }
}

fn accept(
    listener: &TcpListener,
    poll: &Poll,
    connections: &mut Vec<Option<Connection>>,
    free: &mut Vec<usize>,
) -> io::Result<()> {
    loop {
        let mut stream = match listener.accept() {
            Ok((stream, _)) => stream,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        };
        stream.set_nodelay(true)?;
        let slot = free.pop().unwrap_or_else(|| {
            connections.push(None);
            connections.len() - 1
        });
        poll.registry().register(&mut stream, Token(slot), Interest::READABLE | Interest::WRITABLE)?;
        connections[slot] = Some(Connection { stream, rest: Vec::new() });
    }
}

impl Connection {
    /// Echoes what is there; false at the end of the connection.
    fn turn(&mut self, to_the_end: bool, buffer: &mut [u8]) -> io::Result<bool> {
        loop {
            while !self.rest.is_empty() {
                match self.stream.write(&self.rest) {
                    Ok(len) => drop(self.rest.drain(..len)),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
                    Err(error) => return Err(error),
                }
            }
            let len = match self.stream.read(buffer) {
                Ok(0) => return Ok(false),
                Ok(len) => len,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
                Err(error) => return Err(error),
            };
            let written = match self.stream.write(&buffer[..len]) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
                result => result?,
            };
            self.rest.extend_from_slice(&buffer[written..len]);
            // There is no more behind a short read, unless the end is there.
            if len < buffer.len() && self.rest.is_empty() && !to_the_end {
                return Ok(true);
            }
        }
    }
}

const LISTENER: Token = Token(usize::MAX);
