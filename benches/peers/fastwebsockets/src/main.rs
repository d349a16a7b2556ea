//! fastwebsockets.
//!
//! Followed: examples/echo_server.rs of the crate, which its own benchmarks run: a current-thread runtime, the upgrade
//! through hyper, a `FragmentCollector`, and tasks without tokio's budget.

use std::{convert::Infallible, io};

use fastwebsockets::{
    FragmentCollector, OpCode, WebSocketError,
    upgrade::{UpgradeFut, upgrade},
};
use http_body_util::Empty;
use hyper::{
    Request, Response, StatusCode,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::task::unconstrained;

fn main() -> io::Result<()> {
    peers_common::serve_on_tokio(peers_common::contestant!(), |stream| async {
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer));
        peers_common::log(connection.with_upgrades().await);
    })
}

async fn answer(mut request: Request<Incoming>) -> Result<Response<Empty<Bytes>>, Infallible> {
    Ok(match upgrade(&mut request) {
        Ok((response, upgraded)) => {
            tokio::spawn(unconstrained(async { peers_common::log(echo(upgraded).await) }));
            response
        }
        Err(_) => {
            let mut response = Response::new(Empty::new());
            *response.status_mut() = StatusCode::BAD_REQUEST;
            response
        }
    })
}

async fn echo(upgraded: UpgradeFut) -> Result<(), WebSocketError> {
    let mut socket = upgraded.await?;
    socket.set_max_message_size(peers_common::MAX_MESSAGE);
    let mut socket = FragmentCollector::new(socket);
    loop {
        let frame = socket.read_frame().await?;
        match frame.opcode {
            OpCode::Close => return Ok(()),
            OpCode::Text | OpCode::Binary => socket.write_frame(frame).await?,
            _ => {}
        }
    }
}
