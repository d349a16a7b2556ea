//! web-socket.
//!
//! Followed: examples/autobahn.rs of its repository: a `BufReader` under the socket, whose writes stay vectored, and a
//! handshake of one's own, which the crate calls a non-goal.

use std::{error::Error, io, str};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use sha1::{Digest as _, Sha1};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
};
use web_socket::{CloseCode, DataType, Event, MessageType, Stream, WebSocket};

type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

fn main() -> io::Result<()> {
    peers_common::serve_on_tokio(peers_common::contestant!(), |stream| async {
        peers_common::log(echo(stream).await);
    })
}

async fn echo(stream: TcpStream) -> Result<()> {
    let mut socket = WebSocket::server(accept(stream).await?);
    socket.max_payload_len = peers_common::MAX_MESSAGE;
    let mut fragments = Vec::new();
    loop {
        match socket.recv_event().await? {
            Event::Data { ty: DataType::Complete(kind), data } => send(&mut socket, kind, &data).await?,
            Event::Data { ty: DataType::Stream(part), data } => {
                fragments.extend_from_slice(&data);
                if let Stream::End(kind) = part {
                    send(&mut socket, kind, &fragments).await?;
                    fragments.clear();
                }
            }
            Event::Ping(data) => socket.send_pong(data).await?,
            Event::Pong(_) => {}
            Event::Error(_) => return Ok(socket.close(CloseCode::ProtocolError).await?),
            Event::Close { .. } => return Ok(socket.close(()).await?),
        }
    }
}

async fn send(socket: &mut WebSocket<BufReader<TcpStream>>, kind: MessageType, data: &[u8]) -> Result<()> {
    match kind {
        MessageType::Binary => socket.send(data).await?,
        MessageType::Text => socket.send(str::from_utf8(data)?).await?,
    }
    Ok(())
}

/// The opening handshake.
async fn accept(stream: TcpStream) -> Result<BufReader<TcpStream>> {
    let mut stream = BufReader::new(stream);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read_until(b'\n', &mut head).await? == 0 {
            return Err("the request has no end".into());
        }
    }
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut headers);
    request.parse(&head)?;
    let key = request.headers.iter().find(|header| header.name.eq_ignore_ascii_case("sec-websocket-key"));
    let key = key.ok_or("the request has no key")?.value;
    let accept = BASE64_STANDARD.encode(Sha1::new().chain_update(key).chain_update(GUID).finalize());
    let response = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(response.as_bytes()).await?;
    Ok(stream)
}

/// RFC 6455, section 1.3.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
