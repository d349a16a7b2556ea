//! tokio-tungstenite with small buffers, and one flush for all messages that were ready.
//!
//! Followed: the documentation of `WebSocketConfig::read_buffer_size` and `write_buffer_size`, and the change log of
//! tungstenite at 0.20, where `write` was parted from `flush` so that a batch of messages is flushed once, for performance.

use std::io;

use tokio::net::TcpStream;
use tokio_tungstenite::{
    accept_async_with_config,
    tungstenite::{Error, Message, protocol::WebSocketConfig},
};

fn main() -> io::Result<()> {
    peers_common::serve_on_tokio(peers_common::contestant!(), |stream| async {
        peers_common::log(echo(stream).await);
    })
}

async fn echo(stream: TcpStream) -> Result<(), Error> {
    let config = WebSocketConfig::default()
        .max_frame_size(Some(peers_common::MAX_MESSAGE))
        .read_buffer_size(BUFFER)
        .write_buffer_size(BUFFER);
    let socket = accept_async_with_config(stream, Some(config)).await?;
    peers_common::echo_batched(socket, |message: &Message| message.is_text() || message.is_binary()).await
}

/// Bytes. The default of 128 KiB is filled with zeros before each read, which costs more than it saves.
const BUFFER: usize = 32 << 10;
