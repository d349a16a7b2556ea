//! cargo run --example tungstenite_client -- ws://127.0.0.1:3000/
//!
//! Sends a line, prints the answer, and closes: with tungstenite. The book holds it beside `connect_threads`.

// ANCHOR: program
use std::{env, error::Error, io::stdin};
use tungstenite::{Message, connect, protocol::CloseFrame, protocol::frame::coding::CloseCode};

fn main() -> Result<(), Box<dyn Error>> {
    let url = env::args().nth(1).unwrap_or("ws://127.0.0.1:3000/".into());
    let line = stdin().lines().next().ok_or("no line to send")??;
    let (mut socket, _response) = connect(url)?;
    socket.send(Message::text(line))?;
    loop {
        match socket.read() {
            Ok(message @ (Message::Text(_) | Message::Binary(_))) => {
                println!("{message}");
                socket.close(Some(CloseFrame { code: CloseCode::Normal, reason: "".into() }))?;
            }
            Ok(_) => {}
            Err(tungstenite::Error::ConnectionClosed) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}
// ANCHOR_END: program
