//! cargo run --example chat_tokio --features tokio -- 127.0.0.1:3000
//!
//! A chat room: what one says, all hear. Who reads too slowly is sent away.

// ANCHOR: program
use std::{env, io, time::Duration};
use timtow::{CloseCode, Error, Options, Prepared, TrySendError, tokio::accept};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::broadcast::Sender,
};

#[tokio::main]
async fn main() -> io::Result<()> {
    let listener = TcpListener::bind(env::args().nth(1).unwrap_or("127.0.0.1:3000".into())).await?;
    println!("listening on ws://{}/", listener.local_addr()?);
    let room = Sender::new(64);
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(guest(stream, room.clone()))),
            // Perhaps there are too many connections: let some end first.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

async fn guest(stream: TcpStream, room: Sender<Prepared>) -> Result<(), Error> {
    let mut socket = accept(stream, &Options::default()).await?;
    let mut heard = room.subscribe();
    loop {
        // Whichever is not first is cancelled, and loses nothing.
        tokio::select! {
            message = socket.recv() => match message? {
                // Framed once, however many hear it.
                Some(message) => drop(room.send(Prepared::new(message))),
                None => break,
            },
            Ok(message) = heard.recv() => if let Err(TrySendError::Full(_)) = socket.try_send(&message) {
                break drop(socket.close(CloseCode::POLICY, "you read too slowly").await);
            },
        }
    }
    Ok(())
}
// ANCHOR_END: program
