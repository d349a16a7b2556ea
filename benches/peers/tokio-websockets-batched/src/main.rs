//! tokio-websockets, with one vectored write for all messages that were ready.
//!
//! Followed: the change log of the crate at 0.12, by which messages that wait are written in one vectored write, for the
//! performance of who uses `SinkExt::feed`. Its `poll_next` writes what waits, so messages are collected first.

use std::{io, task::Poll};

use futures_util::{SinkExt as _, StreamExt as _, poll};
use tokio::{net::TcpStream, task::unconstrained};
use tokio_websockets::{Config, Error, Limits, ServerBuilder};

fn main() -> io::Result<()> {
    peers_common::serve_on_tokio(peers_common::contestant!(), |stream| {
        unconstrained(async { peers_common::log(echo(stream).await) })
    })
}

async fn echo(stream: TcpStream) -> Result<(), Error> {
    let (_, mut socket) = ServerBuilder::new()
        .config(Config::default().frame_size(usize::MAX).flush_threshold(2 * MAX_BYTES))
        .limits(Limits::default().max_payload_len(Some(peers_common::MAX_MESSAGE)))
        .accept(stream)
        .await?;
    let mut ready = Vec::new();
    while let Some(message) = socket.next().await {
        let mut message = message?;
        let mut bytes = 0;
        loop {
            bytes += message.as_payload().len();
            if message.is_text() || message.is_binary() {
                ready.push(message);
            }
            if ready.len() == MAX_MESSAGES || bytes >= MAX_BYTES {
                break;
            }
            match poll!(socket.next()) {
                Poll::Ready(Some(next)) => message = next?,
                Poll::Ready(None) | Poll::Pending => break,
            }
        }
        for message in ready.drain(..) {
            socket.feed(message).await?;
        }
        socket.flush().await?;
    }
    Ok(())
}

/// A batch ends at so many messages: a vectored write takes 64 slices, two for each.
const MAX_MESSAGES: usize = 32;
/// And at so many bytes.
const MAX_BYTES: usize = 64 << 10;
