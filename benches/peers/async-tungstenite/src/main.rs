//! async-tungstenite on smol, with small buffers, and one flush for all messages that were ready.
//!
//! Followed: examples/echo-server.rs of the crate, which forwards the stream to the sink and so flushes when nothing more
//! is ready; here without its split, whose lock an echo does not need. The buffers as the documentation of tungstenite's
//! `WebSocketConfig` has them.

use std::{
    io,
    net::{TcpListener, TcpStream},
};

use async_tungstenite::{
    accept_async_with_config,
    tungstenite::{Error, Message, protocol::WebSocketConfig},
};
use smol::{Async, LocalExecutor};

fn main() -> io::Result<()> {
    let listener = Async::new(peers_common::listen(peers_common::contestant!()))?;
    let executor = Box::leak(Box::new(LocalExecutor::new()));
    // A task of its own: what the executor runs by itself is polled, and accepts in vain, whenever a connection is served.
    let accepting = executor.spawn(accept(executor, listener));
    smol::block_on(executor.run(accepting))
}

async fn accept(executor: &'static LocalExecutor<'_>, listener: Async<TcpListener>) -> io::Result<()> {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                stream.get_ref().set_nodelay(true)?;
                executor.spawn(async { peers_common::log(echo(stream).await) }).detach();
            }
            Err(error) if peers_common::is_only_theirs(&error) => {}
            Err(error) => return Err(error),
        }
    }
}

async fn echo(stream: Async<TcpStream>) -> Result<(), Error> {
    let config = WebSocketConfig::default()
        .max_frame_size(Some(peers_common::MAX_MESSAGE))
        .read_buffer_size(BUFFER)
        .write_buffer_size(BUFFER);
    let socket = accept_async_with_config(stream, Some(config)).await?;
    peers_common::echo_batched(socket, |message: &Message| message.is_text() || message.is_binary()).await
}

/// Bytes. The default of 128 KiB is filled with zeros before each read, which costs more than it saves.
const BUFFER: usize = 32 << 10;
