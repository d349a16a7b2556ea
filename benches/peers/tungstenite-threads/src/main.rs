//! tungstenite, blocking, a thread for each connection.
//!
//! Followed: examples/server.rs of the crate (`accept`, `read`, `send`), and the documentation of
//! `WebSocketConfig::read_buffer_size`.

use std::{io, net::TcpStream, thread};

use tungstenite::{Error, HandshakeError, Message, accept_with_config, protocol::WebSocketConfig};

fn main() -> io::Result<()> {
    let listener = peers_common::listen(peers_common::contestant!());
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nodelay(true)?;
                thread::Builder::new().spawn(|| peers_common::log(echo(stream)))?;
            }
            Err(error) if peers_common::is_only_theirs(&error) => {}
            Err(error) => return Err(error),
        }
    }
}

fn echo(stream: TcpStream) -> Result<(), Error> {
    let config = WebSocketConfig::default().max_frame_size(Some(peers_common::MAX_MESSAGE)).read_buffer_size(BUFFER);
    let mut socket = accept_with_config(stream, Some(config)).map_err(|error| match error {
        HandshakeError::Failure(error) => error,
        HandshakeError::Interrupted(_) => io::Error::from(io::ErrorKind::WouldBlock).into(),
    })?;
    loop {
        match socket.read() {
            Ok(message @ (Message::Text(_) | Message::Binary(_))) => socket.send(message)?,
            // Pings and close frames: the next `read` writes the answer.
            Ok(_) => {}
            Err(Error::ConnectionClosed) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

/// Bytes. The default of 128 KiB is filled with zeros before each read, which costs more than it saves.
const BUFFER: usize = 32 << 10;
