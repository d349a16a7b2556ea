//! yawc.
//!
//! Followed: the section "Benchmarks" of its README and benches/comparison of its repository: a read buffer of 128 KiB, a
//! backpressure boundary of 64 KiB, and one flush for up to 32 messages that were ready. UTF-8 is checked, as the others do.

use std::{convert::Infallible, error::Error, io, pin::pin, task::Poll};

use futures_util::{SinkExt as _, poll};
use http_body_util::Empty;
use hyper::{
    Request, Response, StatusCode,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use yawc::{OpCode, Options, UpgradeFut, WebSocket};

fn main() -> io::Result<()> {
    peers_common::serve_on_tokio(peers_common::contestant!(), |stream| async {
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer));
        peers_common::log(connection.with_upgrades().await);
    })
}

async fn answer(mut request: Request<Incoming>) -> Result<Response<Empty<Bytes>>, Infallible> {
    let options = Options::default()
        .without_compression()
        .with_utf8()
        .with_max_payload_read(peers_common::MAX_MESSAGE)
        .with_read_buffer_capacity(READ_BUFFER)
        .with_backpressure_boundary(WRITE_BUFFER);
    Ok(match WebSocket::upgrade_with_options(&mut request, options) {
        Ok((response, upgraded)) => {
            tokio::spawn(async { peers_common::log(echo(upgraded).await) });
            response
        }
        Err(_) => {
            let mut response = Response::new(Empty::new());
            *response.status_mut() = StatusCode::BAD_REQUEST;
            response
        }
    })
}

async fn echo(upgraded: UpgradeFut) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut socket = upgraded.await?;
    loop {
        let mut frame = socket.next_frame().await?;
        for batched in 1..=MAX_MESSAGES {
            match frame.opcode() {
                OpCode::Text | OpCode::Binary => socket.feed(frame).await?,
                OpCode::Close => return Ok(socket.close().await?),
                _ => {}
            }
            if batched == MAX_MESSAGES {
                break;
            }
            match poll!(pin!(socket.next_frame())) {
                Poll::Ready(next) => frame = next?,
                Poll::Pending => break,
            }
        }
        socket.flush().await?;
    }
}

// Its README's numbers.
const READ_BUFFER: usize = 128 << 10;
const WRITE_BUFFER: usize = 64 << 10;
const MAX_MESSAGES: usize = 32;
