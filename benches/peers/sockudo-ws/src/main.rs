//! sockudo-ws.
//!
//! Followed: the section "Queued-write backpressure" of its README, which has this loop: `feed`, and `next` writes what
//! waits before it reads more. `accept_raw` keeps the type of the stream; the clock is made ready before the loop, as the
//! section "Connection Clock" says. Without keep-alive, which the others do not have, and without the feature `mimalloc`,
//! since an allocator is no part of a crate.

use std::io;

use futures_util::{SinkExt as _, StreamExt as _};
use sockudo_ws::{Config, Error, Message, server::WebSocketServer, transport::Http1};
use tokio::net::TcpStream;

fn main() -> io::Result<()> {
    sockudo_ws::init_clock();
    let config = Config::builder()
        .max_frame_size(peers_common::MAX_MESSAGE)
        .max_message_size(peers_common::MAX_MESSAGE)
        .auto_ping(false)
        .idle_timeout(0)
        .build();
    let server = WebSocketServer::<Http1>::new(config);
    peers_common::serve_on_tokio_with_timers(peers_common::contestant!(), move |stream| {
        let server = server.clone();
        async move { peers_common::log(echo(&server, stream).await) }
    })
}

async fn echo(server: &WebSocketServer<Http1>, stream: TcpStream) -> Result<(), Error> {
    let (mut socket, _) = server.accept_raw(stream).await?;
    while let Some(message) = socket.next().await {
        match message? {
            message @ (Message::Text(_) | Message::Binary(_)) => socket.feed(message).await?,
            Message::Close(_) => return Ok(()),
            _ => {}
        }
    }
    Ok(())
}
