//! soketto.
//!
//! Followed: examples/hyper_server.rs and examples/autobahn_server.rs of the crate (buffered halves, `send_binary_mut`),
//! and the client in its documentation, which sends twice and flushes once. What was received is never dropped half-way:
//! its futures "must not be dropped unless they return `Poll::Ready`".

use std::{error::Error, io, pin::pin, str, task::Poll};

use futures_util::{
    io::{BufReader, BufWriter},
    poll,
};
use soketto::{
    Data, connection,
    handshake::{Server, server::Response},
};
use tokio::net::TcpStream;
use tokio_util::compat::TokioAsyncReadCompatExt as _;

fn main() -> io::Result<()> {
    peers_common::serve_on_tokio(peers_common::contestant!(), |stream| async {
        peers_common::log(echo(stream).await);
    })
}

async fn echo(stream: TcpStream) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut server = Server::new(BufReader::with_capacity(BUFFER, BufWriter::with_capacity(BUFFER, stream.compat())));
    let key = server.receive_request().await?.key();
    server.send_response(&Response::Accept { key, protocol: None }).await?;
    let mut builder = server.into_builder();
    builder.set_max_message_size(peers_common::MAX_MESSAGE);
    builder.set_max_frame_size(peers_common::MAX_MESSAGE);
    let (mut sender, mut receiver) = builder.finish();
    let mut message = Vec::new();
    loop {
        message.clear();
        let received = {
            let mut receiving = pin!(receiver.receive_data(&mut message));
            match poll!(receiving.as_mut()) {
                Poll::Ready(received) => received,
                Poll::Pending => {
                    sender.flush().await?;
                    receiving.await
                }
            }
        };
        match received {
            Ok(Data::Binary(_)) => sender.send_binary_mut(&mut message).await?,
            Ok(Data::Text(_)) => sender.send_text(str::from_utf8(&message)?).await?,
            Err(connection::Error::Closed) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Bytes for each direction. With the 8 KiB of the example, 16 messages of 1 KiB take two reads and two writes, and with
/// these one of each.
const BUFFER: usize = 64 << 10;
