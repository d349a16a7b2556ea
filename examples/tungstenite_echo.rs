//! cargo run --example tungstenite_echo -- 127.0.0.1:3000
//!
//! The echo server on threads, written with tungstenite. The book holds it beside `echo_threads`.

// ANCHOR: program
use std::{env, io, net::TcpListener, net::TcpStream, thread};
use tungstenite::{Error, HandshakeError, Message, accept};

fn main() -> io::Result<()> {
    let address = env::args().nth(1).unwrap_or("127.0.0.1:3000".into());
    let listener = TcpListener::bind(address)?;
    println!("listening on ws://{}/", listener.local_addr()?);
    for stream in listener.incoming() {
        let stream = stream?;
        thread::spawn(|| {
            if let Err(error) = echo(stream) {
                eprintln!("{error}");
            }
        });
    }
    Ok(())
}

fn echo(stream: TcpStream) -> Result<(), Error> {
    let mut socket = accept(stream).map_err(|error| match error {
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
// ANCHOR_END: program
