//! Servers that are asked to end: no new connections, a goodbye to the open ones (RFC 6455 7.4.1: "1001 indicates that an
//! endpoint is 'going away', such as a server going down").

use crate::{
    Host, Loop, Peer, Way,
    frame::{BINARY, Frame, TEXT},
    http, is_lost,
};
use std::{io::Read, net::TcpStream, time::Duration};
use timtow_core::{Cause, CloseCode, Closed, Config, Timeout, app::Options};

/// Short enough to be waited for.
const SHORT: Option<Duration> = Some(Duration::from_millis(60));

/// A server without connections returns.
pub fn a_server_without_connections<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    host.drain();
    host.join();
    assert!(TcpStream::connect(host.address()).is_err(), "somebody still listens");
}

/// So does one that was asked before it began.
pub fn a_drain_that_has_begun<L: Loop>(way: Way) {
    let options = Options::default();
    options.drain.start();
    Host::<L>::with_options(way, options).join();
}

/// Each open connection is sent 1001; when the last has answered, the server returns, and nobody listens any more.
pub fn every_connection_is_told<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    let mut peers: Vec<Peer> = (0..5).map(|_| host.open()).collect();
    // One of them is inside a message.
    peers[0].send(&Frame::fragment(TEXT, "never", false));
    host.drain();
    for peer in &mut peers {
        assert_eq!(peer.close_frame().0, Some(1001));
        peer.send(&Frame::close(1001, ""));
        peer.part();
        let end = host.end();
        end.expect_clean(1001, "");
    }
    host.join();
    assert!(TcpStream::connect(host.address()).is_err(), "somebody still listens");
}

/// A client that does not answer holds the server up until the close deadline, and no longer.
pub fn a_client_that_does_not_answer<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config { close_timeout: SHORT, ..Config::default() });
    let mut mute = host.open();
    host.drain();
    assert_eq!(mute.close_frame().0, Some(1001));
    host.join();
    host.end().expect_cause(&Cause::Timeout(Timeout::Close));
}

/// Nor does one that does not read.
pub fn a_client_that_does_not_read<L: Loop>(way: Way) {
    let host = Host::<L>::with_small_buffers(way, Config { close_timeout: SHORT, ..Config::default() });
    let mut peer = host.open_small();
    peer.send(&Frame::new(BINARY, vec![0; 1 << 20]));
    // Its reply is under way: the server has seen the message.
    assert!(peer.fill());
    host.drain();
    host.join();
    host.end();
    drop(peer);
}

/// RFC 9110 15.6.4: a connection that is inside its opening handshake is answered 503, and not waited for.
pub fn a_connection_that_is_not_open<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config { handshake_timeout: None, ..Config::default() });
    let silent = host.peer();
    let mut begun = host.peer();
    begun.write(&http::request("/", "")[..60]);
    let mut open = host.open();
    host.drain();
    assert_eq!(open.close_frame().0, Some(1001));
    open.send(&Frame::close(1001, ""));
    open.part();
    for mut peer in [silent, begun] {
        let (head, _) = peer.response();
        assert_eq!((head.status(), head.only("Connection")), (503, "close"));
        assert!(head.only("Retry-After").parse::<u32>().is_ok());
        peer.expect_end();
    }
    host.join();
}

/// While others are waited for, a new connection is not accepted, or refused with 503; it is not left waiting.
pub fn a_new_connection_during_the_drain<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config { close_timeout: None, ..Config::default() });
    let mut mute = host.open();
    host.drain();
    assert_eq!(mute.close_frame().0, Some(1001));
    if let Ok(stream) = TcpStream::connect(host.address()) {
        let mut peer = Peer::new(stream, timtow_core::Role::Client, false);
        let _ = peer.try_write(http::request("/", ""));
        let mut answer = Vec::new();
        match peer.stream().read_to_end(&mut answer) {
            Ok(_) => {
                let answer = String::from_utf8_lossy(&answer);
                assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 503 "), "{answer}");
            }
            Err(error) => assert!(is_lost(&error), "{error}"),
        }
    }
    mute.send(&Frame::close(1001, ""));
    mute.part();
    host.join();
}

/// A connection that has begun to close goes on to do so.
pub fn a_connection_that_is_closing<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    let mut peer = host.open();
    peer.text("close 4000 bye");
    assert_eq!(peer.close_frame(), (Some(4000), "bye".into()));
    host.drain();
    peer.send(&Frame::close(4000, ""));
    peer.part();
    host.join();
    match host.end() {
        crate::End::Closed(Closed { code, cause: Cause::Handshake, .. }) => assert_eq!(code, CloseCode(4000)),
        end => panic!("{end:?}"),
    }
}
