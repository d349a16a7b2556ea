//! cargo run --example own_loop -- 127.0.0.1:3000
//!
//! A WebSocket server of nothing but sockets and poll(2): what an adapter does, before it is one.

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};
use std::{
    env,
    io::{self, ErrorKind, Read},
    net::{Shutdown, TcpListener, TcpStream},
    sync::Arc,
};
use timtow_core::{Config, Connection, Event, Response, SendError, clock};

// ANCHOR: peer
/// One client.
struct Peer {
    socket: TcpStream,
    connection: Connection,
}
// ANCHOR_END: peer

// ANCHOR: main
fn main() -> io::Result<()> {
    let listener = TcpListener::bind(env::args().nth(1).as_deref().unwrap_or("127.0.0.1:3000"))?;
    listener.set_nonblocking(true)?;
    println!("listening on ws://{}/", listener.local_addr()?);
    let config = Arc::new(Config::default());
    let mut peers = Vec::new();
    let mut buffer = vec![0; 64 << 10]; // one for all: a connection keeps nothing in it between turns
    loop {
        wait(&listener, &mut peers)?;
        accept(&listener, &config, &mut peers);
        peers.retain_mut(|peer| peer.turn(&mut buffer));
    }
}
// ANCHOR_END: main

impl Peer {
    // ANCHOR: turn
    /// One turn: whether there will be another.
    fn turn(&mut self, buffer: &mut [u8]) -> bool {
        let Peer { socket, connection } = self;
        connection.handle_timeout(clock::now());

        let mut input: &mut [u8] = &mut [];
        if connection.wants_read() {
            match socket.read(buffer) {
                Ok(0) => connection.receive_eof(),
                Ok(n) => input = &mut buffer[..n],
                Err(error) if later(&error) => {}
                Err(_) => connection.receive_error(),
            }
        }
        loop {
            while let Some(event) = connection.receive(&mut input) {
                // An error is ours, such as an answer to somebody who has said goodbye: there is nothing to send.
                let _ = answer(connection, event);
            }
            match connection.outbox().write_to(socket) {
                Err(error) if !later(&error) => connection.receive_error(),
                _ => {}
            }
            if !connection.wants_receive() {
                break;
            }
        }

        if connection.outbox().is_finished() {
            let _ = socket.shutdown(Shutdown::Write);
        }
        !connection.is_closed()
    }
    // ANCHOR_END: turn
}

// ANCHOR: answer
/// The application: an echo.
fn answer(connection: &mut Connection, event: Event<'_>) -> Result<(), SendError> {
    match event {
        Event::Request(_) => connection.accept(Response::default()),
        Event::Message(message) => connection.send(message),
        _ => Ok(()),
    }
}
// ANCHOR_END: answer

// ANCHOR: wait
/// Sleeps until a socket is ready or a deadline has come.
fn wait(listener: &TcpListener, peers: &mut [Peer]) -> io::Result<()> {
    let mut sockets = vec![PollFd::new(listener, PollFlags::IN)];
    let mut deadline = None;
    for Peer { socket, connection } in peers {
        let mut interest = PollFlags::empty();
        interest.set(PollFlags::IN, connection.wants_read());
        interest.set(PollFlags::OUT, !connection.outbox().is_empty());
        sockets.push(PollFd::new(socket, interest));
        deadline = deadline.into_iter().chain(connection.poll_timeout()).min();
    }
    let timeout = deadline.and_then(|deadline| Timespec::try_from(clock::until(deadline)).ok());
    match poll(&mut sockets, timeout.as_ref()) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
// ANCHOR_END: wait

// ANCHOR: accept
/// Takes in all who wait at the door.
fn accept(listener: &TcpListener, config: &Arc<Config>, peers: &mut Vec<Peer>) {
    while let Ok((socket, _)) = listener.accept() {
        // A socket that takes no options is gone already.
        if socket.set_nonblocking(true).and(socket.set_nodelay(true)).is_ok() {
            peers.push(Peer { socket, connection: Connection::server(config.clone()) });
        }
    }
}
// ANCHOR_END: accept

/// Whether a socket only asks to be tried again.
fn later(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
