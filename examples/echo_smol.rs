//! cargo run --example echo_smol --features smol -- 127.0.0.1:3000
//!
//! Echoes, with a task of its own for each connection.

// ANCHOR: program
use smol::{
    Timer,
    net::{TcpListener, TcpStream},
};
use std::{env, io, time::Duration};
use timtow::{Error, Options, smol::accept};

fn main() -> io::Result<()> {
    smol::block_on(async {
        let address = env::args().nth(1).unwrap_or("127.0.0.1:3000".into());
        let listener = TcpListener::bind(address).await?;
        println!("listening on ws://{}/", listener.local_addr()?);
        loop {
            match listener.accept().await {
                Ok((stream, _)) => smol::spawn(serve(stream)).detach(),
                // Perhaps there are too many connections: let some end first.
                Err(_) => drop(Timer::after(Duration::from_millis(100)).await),
            }
        }
    })
}

async fn serve(stream: TcpStream) {
    if let Err(error) = echo(stream).await {
        eprintln!("{error}");
    }
}

async fn echo(stream: TcpStream) -> Result<(), Error> {
    let mut socket = accept(stream, &Options::default()).await?;
    while let Some(message) = socket.recv().await? {
        // Written by the next `recv` that has to wait, together with the echoes of all that has come by then.
        socket.feed(message).await?;
    }
    Ok(())
}
// ANCHOR_END: program
