//! A pong that waits to be read when it is due is not missed, whatever there is to write first.

mod common;

use common::{frame, frames, pipe::pipe};
use std::{
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};
use timtow_core::{Config, Origins, Role, app::Options, task::WebSocket};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const SHORT: Duration = Duration::from_millis(2);
const WATCHDOG: Duration = Duration::from_secs(60);
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;

fn poll<F: Future>(future: F) -> Poll<F::Output> {
    Pin::as_mut(&mut pin!(future)).poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn of_who_sends_before_receiving() {
    let config =
        Config { ping_interval: Some(SHORT), pong_timeout: Some(SHORT), origins: Origins::Any, ..Config::default() };
    let options = Options { config: Arc::new(config), ..Options::default() };
    let (end, mut peer) = pipe(1 << 20, 1 << 20);
    let mut comes = vec![0; 1 << 16];
    assert_eq!(peer.write_some(REQUEST).unwrap(), REQUEST.len());
    let Poll::Ready(accepted) = poll(WebSocket::accept(end, &options)) else { panic!("the request is there") };
    let mut socket = accepted.unwrap();
    let n = peer.read(&mut comes).unwrap();
    assert!(comes[..n].starts_with(b"HTTP/1.1 101 "));

    let begun = Instant::now();
    let ping = loop {
        assert!(begun.elapsed() < WATCHDOG, "no ping comes");
        assert!(poll(socket.recv()).is_pending());
        if let Ok(n) = peer.read(&mut comes) {
            let ping = frames(&comes[..n]).remove(0);
            assert_eq!(ping.0, PING);
            break ping.1;
        }
    };
    peer.write_some(&frame(Role::Server, PONG, &ping)).unwrap();
    let answered = Instant::now();
    while answered.elapsed() < 2 * SHORT {
        std::hint::spin_loop();
    }
    assert!(matches!(poll(socket.send("not late")), Poll::Ready(Ok(()))));
    let n = peer.read(&mut comes).unwrap();
    assert!(frames(&comes[..n]).iter().all(|(first, _)| *first != CLOSE), "the pong was there before");
}
