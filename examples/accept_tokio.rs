//! cargo run --example accept_tokio --features tokio -- 127.0.0.1:3000
//!
//! An echo server on tokio with a task of its own for each connection. (`echo_tokio` leaves that to `serve`.)

// ANCHOR: program
use std::{env, io};
use timtow::{Error, Options, tokio::accept};
use tokio::net::{TcpListener, TcpStream};

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
    let mut socket = accept(stream, &Options::default()).await?;
    while let Some(message) = socket.recv().await? {
        socket.send(message).await?;
    }
    Ok(())
}
// ANCHOR_END: program
