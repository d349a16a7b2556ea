//! cargo run --example echo_tokio --features tokio -- 127.0.0.1:3000
//!
//! Echoes. On Ctrl-C it takes no more connections, tells the clients that it is going away, and waits for them.

// ANCHOR: program
use std::{env, io};
use timtow::{
    Options,
    app::{Drain, on_message},
};
use tokio::{net::TcpListener, signal};

#[tokio::main]
async fn main() -> io::Result<()> {
    let address = env::args().nth(1).unwrap_or("127.0.0.1:3000".into());
    let listener = TcpListener::bind(address).await?;
    println!("listening on ws://{}/", listener.local_addr()?);

    let drain = Drain::new();
    let options = Options { drain: drain.clone(), ..Options::default() };
    tokio::spawn(async move {
        if signal::ctrl_c().await.is_ok() {
            drain.start();
        }
    });

    let echo = on_message(|context, message| {
        // It fails while the connection closes, when nobody waits for the echo.
        let _ = context.send(message);
    });
    timtow::tokio::serve(listener, options, echo).await
}
// ANCHOR_END: program
