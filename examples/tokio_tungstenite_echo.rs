//! cargo run --example tokio_tungstenite_echo -- 127.0.0.1:3000
//!
//! The echo server on tokio, written with tokio-tungstenite. The book holds it beside `echo_tokio`.

// ANCHOR: program
use futures::{SinkExt, TryStreamExt};
use std::{env, io};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::{accept_async, tungstenite::Error};

#[tokio::main]
async fn main() -> io::Result<()> {
    let address = env::args().nth(1).unwrap_or("127.0.0.1:3000".into());
    let listener = TcpListener::bind(address).await?;
    println!("listening on ws://{}/", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(async move {
            if let Err(error) = echo(stream).await {
                eprintln!("{error}");
            }
        });
    }
}

async fn echo(stream: TcpStream) -> Result<(), Error> {
    let mut socket = accept_async(stream).await?;
    while let Some(message) = socket.try_next().await? {
        if message.is_text() || message.is_binary() {
            socket.send(message).await?;
        }
    }
    Ok(())
}
// ANCHOR_END: program
