//! tokio-websockets, one `send` for each message.
//!
//! Followed: examples/echo_server.rs of the crate, which its own benchmarks run: a current-thread runtime, tasks without
//! tokio's budget, outgoing messages never cut into frames.

use std::io;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::{net::TcpStream, task::unconstrained};
use tokio_websockets::{Config, Error, Limits, ServerBuilder};

fn main() -> io::Result<()> {
    peers_common::serve_on_tokio(peers_common::contestant!(), |stream| {
        unconstrained(async { peers_common::log(echo(stream).await) })
    })
}

async fn echo(stream: TcpStream) -> Result<(), Error> {
    let (_, mut socket) = ServerBuilder::new()
        .config(Config::default().frame_size(usize::MAX))
        .limits(Limits::default().max_payload_len(Some(peers_common::MAX_MESSAGE)))
        .accept(stream)
        .await?;
    while let Some(message) = socket.next().await {
        let message = message?;
        if message.is_text() || message.is_binary() {
            socket.send(message).await?;
        }
    }
    Ok(())
}
