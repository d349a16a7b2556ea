//! Deadlines and keep-alive. Each test shortens the one deadline that it waits for, and waits for what it brings about.

use crate::{
    Host, Idiom, Loop, Peer, Way,
    frame::{BINARY, Frame, PING, PONG, TEXT},
    http, is_lost,
};
use std::{io, time::Duration};
use timtow_core::{Cause, Config, Role, Timeout, Violation};

/// Short enough to be waited for.
const SHORT: Option<Duration> = Some(Duration::from_millis(60));
/// How often who trickles sends a byte: often enough that no deadline per byte would ever pass.
const TRICKLE: Duration = Duration::from_millis(10);

/// RFC 9110 15.5.9: a client that says nothing is answered 408, and the connection ends.
pub fn a_silent_client<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config { handshake_timeout: SHORT, ..Config::default() });
    let mut peer = host.peer();
    expect_408(&mut peer);
}

/// The deadline of the handshake is one for all of it: a byte now and then does not move it.
pub fn a_client_that_trickles<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config { handshake_timeout: SHORT, ..Config::default() });
    let mut peer = host.peer();
    trickle(&mut peer, http::request("/", &format!("X: {}\r\n", "x".repeat(8_000))).as_bytes());
    expect_408(&mut peer);
}

fn expect_408(peer: &mut Peer) {
    let (head, _) = peer.response();
    assert_eq!((head.status(), head.only("Connection")), (408, "close"));
    peer.expect_end();
}

/// Sends a byte now and then, until the endpoint says something.
fn trickle(peer: &mut Peer, bytes: &[u8]) {
    peer.stream().set_read_timeout(Some(TRICKLE)).expect("a read timeout");
    for byte in bytes {
        if peer.try_write([*byte]).is_err() {
            break;
        }
        match peer.try_fill() {
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
            _ => break,
        }
    }
    peer.stream().set_read_timeout(Some(crate::WATCHDOG)).expect("a read timeout");
}

/// A server that does not answer, or never ends its answer, does not keep a client.
pub fn a_server_that_does_not_answer<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config { handshake_timeout: SHORT, ..Config::default() });
    let mut peer = host.peer();
    peer.head();
    peer.expect_end();
    drop(peer);
    host.end().expect_cause(&Cause::Timeout(Timeout::Handshake));

    let mut peer = host.peer();
    peer.head();
    trickle(&mut peer, format!("HTTP/1.1 101 Switching Protocols\r\nX: {}", "x".repeat(8_000)).as_bytes());
    peer.expect_end();
    drop(peer);
    host.end().expect_cause(&Cause::Timeout(Timeout::Handshake));
}

/// RFC 6455 7.1.1: a peer that does not answer a close frame is not waited for without end.
pub fn a_close_frame_that_is_not_answered<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config { close_timeout: SHORT, ..Config::default() });
    let mut peer = host.open();
    peer.text("close 1000 bye");
    assert_eq!(peer.close_frame(), (Some(1000), "bye".into()));
    peer.expect_loss();
    host.end().expect_cause(&Cause::Timeout(Timeout::Close));
    drop(peer);
}

/// Nor is one that answers with everything but a close frame.
pub fn messages_do_not_move_the_close_deadline<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config { close_timeout: SHORT, ..Config::default() });
    let mut peer = host.open();
    peer.text("close 1000 bye");
    assert_eq!(peer.close_frame(), (Some(1000), "bye".into()));
    let messages: Vec<u8> = (0..500).flat_map(|_| peer.encode(&Frame::new(TEXT, ""))).collect();
    trickle(&mut peer, &messages);
    peer.expect_loss();
    host.end().expect_cause(&Cause::Timeout(Timeout::Close));
}

/// RFC 6455 7.1.1: "the client SHOULD wait for the server to close the connection", but not without end; and whoever has
/// failed the connection lingers no longer.
pub fn a_peer_that_does_not_end_the_transport<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config { close_timeout: SHORT, ..Config::default() });
    let mut peer = host.open();
    peer.send(&Frame::new(3, ""));
    assert_eq!(peer.close_frame().0, Some(1002));
    peer.expect_refusal();
    host.end().expect_cause(&Cause::Violation(Violation::ReservedOpcode));

    let mut peer = host.open();
    peer.send(&Frame::close(1000, ""));
    assert_eq!(peer.close_frame().0, Some(1000));
    peer.expect_refusal();
    host.end().expect_clean(1000, "");
}

/// RFC 6455 5.5.2: "A Ping frame may serve either as a keepalive or as a means to verify that the remote endpoint is still
/// responsive." A peer that answers is kept.
pub fn keep_alive<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config { ping_interval: SHORT, ..Config::default() });
    let mut peer = host.open();
    for _ in 0..3 {
        let ping = peer.frame();
        assert_eq!(ping.opcode, PING);
        peer.send(&Frame::new(PONG, ping.payload));
    }
    // A ping may be under way.
    peer.text("Hello");
    let mut frame = peer.frame();
    while frame.opcode == PING {
        frame = peer.frame();
    }
    assert_eq!(frame, Frame::new(TEXT, "Hello"));
}

/// RFC 6455 5.5.3: a ping that is not answered ends the connection, though the peer may be saying other things.
pub fn a_missing_pong<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config { ping_interval: SHORT, pong_timeout: SHORT, ..Config::default() });
    let mut peer = host.open();
    let ping = peer.frame();
    assert_eq!(ping.opcode, PING);
    peer.send(&Frame::new(PONG, "another payload"));
    assert_eq!(peer.close_frame(), (Some(1011), "no pong".into()));
    peer.expect_end();
    drop(peer);
    host.end().expect_cause(&Cause::Timeout(Timeout::Pong));
}

/// A peer that takes no byte of what it asked for is given up.
pub fn a_peer_that_stops_reading<L: Loop>(way: Way) {
    let host = Host::<L>::with_small_buffers(way, Config { write_timeout: SHORT, ..Config::default() });
    let mut peer = host.open_small();
    let frame = Frame::new(BINARY, vec![0; 256 << 10]);
    let bytes = peer.encode(&frame);
    let mut written = 0;
    let error = loop {
        match peer.try_write(&bytes) {
            Ok(()) => written += bytes.len(),
            Err(error) => break error,
        }
        assert!(written < crate::backpressure::MORE_THAN_BUFFERS, "it reads on and on, and keeps what nobody takes");
    };
    assert!(is_lost(&error), "{error}");
    host.end().expect_cause(&Cause::Timeout(Timeout::Write));
}

/// A connection on which nothing happens, and which has no deadline, simply stays (a loop must take "no deadline").
pub fn no_deadline_at_all<L: Loop>(way: Way) {
    let config = Config {
        handshake_timeout: None,
        close_timeout: None,
        ping_interval: None,
        pong_timeout: None,
        write_timeout: None,
        ..Config::default()
    };
    let host = Host::<L>::new(way, config);
    let mut peer = host.open();
    peer.echo("Hello");
    peer.close();
    host.end().expect_clean(1000, "");
    if way.role() == Role::Server && way.idiom != Idiom::Serve {
        let mut peer = host.peer();
        peer.shutdown();
        peer.expect_end();
        host.end().expect_cause(&Cause::Lost);
    }
}

/// Deadlines that no clock reaches are none.
pub fn deadlines_beyond_the_clock<L: Loop>(way: Way) {
    let config = Config {
        handshake_timeout: Some(Duration::MAX),
        close_timeout: Some(Duration::MAX),
        ping_interval: Some(Duration::MAX),
        pong_timeout: Some(Duration::MAX),
        write_timeout: Some(Duration::from_secs(1 << 40)),
        ..Config::default()
    };
    let host = Host::<L>::new(way, config);
    let mut peer = host.open();
    peer.echo("Hello");
    peer.close();
    host.end().expect_clean(1000, "");
}
