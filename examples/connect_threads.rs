//! cargo run --example connect_threads -- ws://127.0.0.1:3000/
//!
//! Sends a line, prints the answer, and closes: with the adapter for threads. (`client_threads` does it without one.)

// ANCHOR: program
use std::{env, error::Error, io::stdin};
use timtow::{Options, threads::connect};

fn main() -> Result<(), Box<dyn Error>> {
    let url = env::args().nth(1).unwrap_or("ws://127.0.0.1:3000/".into());
    let line = stdin().lines().next().ok_or("no line to send")??;
    let mut socket = connect(&url, &Options::default())?;
    socket.send(line)?;
    if let Some(message) = socket.recv()? {
        println!("{}", String::from_utf8_lossy(message.as_bytes()));
    }
    let closed = socket.close(1000, "")?;
    if closed.is_clean() { Ok(()) } else { Err(closed.to_string().into()) }
}
// ANCHOR_END: program
