//! tokio-tungstenite as most programs are written: one `send` for each message, its default buffers.
//!
//! Followed: examples/autobahn-server.rs of the crate.

use std::io;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    accept_async_with_config,
    tungstenite::{Error, protocol::WebSocketConfig},
};

fn main() -> io::Result<()> {
    peers_common::serve_on_tokio(peers_common::contestant!(), async |stream| peers_common::log(echo(stream).await))
}

async fn echo(stream: TcpStream) -> Result<(), Error> {
    let config = WebSocketConfig::default().max_frame_size(Some(peers_common::MAX_MESSAGE));
    let mut socket = accept_async_with_config(stream, Some(config)).await?;
    while let Some(message) = socket.next().await {
        let message = message?;
        if message.is_text() || message.is_binary() {
            socket.send(message).await?;
        }
    }
    Ok(())
}
