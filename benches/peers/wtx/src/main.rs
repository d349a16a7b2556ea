//! wtx.
//!
//! Followed: the example `web-socket-server` of its repository at this version (parts by reference, the adaptive origin of
//! payloads, which copies least), and the author's own server in wtx-bench (feature `optimization`).

use std::io;

use tokio::net::TcpStream;
use wtx::{
    collection::Vector,
    web_socket::{OpCode, WebSocketAcceptor, WebSocketPayloadOrigin},
};

fn main() -> io::Result<()> {
    peers_common::serve_on_tokio(peers_common::contestant!(), |stream| async {
        peers_common::log(echo(stream).await);
    })
}

async fn echo(stream: TcpStream) -> wtx::Result<()> {
    let mut socket = WebSocketAcceptor::default().accept(stream).await?;
    socket.set_max_payload_len(peers_common::MAX_MESSAGE);
    let (mut common, mut reader, mut writer) = socket.split_mut();
    let mut buffer = Vector::new();
    loop {
        let mut frame = reader.read_frame(&mut buffer, &mut common, WebSocketPayloadOrigin::Adaptive).await?;
        match frame.op_code() {
            OpCode::Binary | OpCode::Text => writer.write_frame(&mut common, &mut frame).await?,
            OpCode::Close => return Ok(()),
            _ => {}
        }
    }
}
