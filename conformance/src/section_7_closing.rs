//! RFC 6455 7 and 5.5.1: how connections end.

use crate::{
    Host, Idiom, Loop, Way,
    frame::{CLOSE, Frame, PING, PONG, TEXT},
    section_5_framing::expect_violation,
};
use timtow_core::{Cause, Config, Role, Violation};

/// RFC 6455 5.5.1: "If an endpoint receives a Close frame and did not previously send a Close frame, the endpoint MUST send
/// a Close frame in response. (When sending a Close frame in response, the endpoint typically echos the status code it
/// received.)"
pub fn a_close_frame_is_answered<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    for code in (1000..=1003).chain(1007..=1014).chain([3000, 3999, 4000, 4999]) {
        let mut peer = host.open();
        peer.send(&Frame::close(code, "why"));
        assert_eq!(peer.close_frame(), (Some(code), String::new()));
        peer.part();
        host.end().expect_clean(code, "why");
    }
}

/// RFC 6455 7.1.5: "If this Close control frame contains no status code, _The WebSocket Connection Close Code_ is considered
/// to be 1005." It is answered with none.
pub fn a_close_frame_without_a_code<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    let mut peer = host.open();
    peer.send(&Frame::new(CLOSE, ""));
    assert_eq!(peer.close_frame(), (None, String::new()));
    peer.part();
    host.end().expect_clean(1005, "");
}

/// RFC 6455 7.4.1: 1004, 1005, 1006 and 1015 "MUST NOT be set as a status code in a Close control frame by an endpoint", and
/// 7.4.2: "Status codes in the range 0-999 are not used."
pub fn close_codes_that_must_not_be_sent<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    for code in [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1999, 2000, 2999, 5000, 65_535] {
        let mut peer = host.open();
        peer.send(&Frame::close(code, ""));
        expect_violation(&host, peer, Violation::CloseCodeNotAllowed);
    }
}

/// RFC 6455 5.5.1: "If there is a body, the first two bytes of the body MUST be a 2-byte unsigned integer".
pub fn half_a_close_code<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    let mut peer = host.open();
    peer.send(&Frame::new(CLOSE, [3]));
    expect_violation(&host, peer, Violation::CloseTooShort);
}

/// RFC 6455 5.5.1: "the body MAY contain UTF-8-encoded data with value /reason/", of 123 bytes at most.
pub fn the_longest_reason<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    let reason = format!("{}!", "ü".repeat(61));
    let mut peer = host.open();
    peer.send(&Frame::close(1000, &reason));
    assert_eq!(peer.close_frame().0, Some(1000));
    peer.part();
    host.end().expect_clean(1000, &reason);
}

/// RFC 6455 7.1.1: "the server MUST close the connection immediately, whereas the client SHOULD wait for the server to close
/// the connection".
pub fn the_server_ends_the_transport<L: Loop>(way: Way) {
    // No deadline helps anyone here.
    let host = Host::<L>::new(way, Config { close_timeout: None, ..Config::default() });
    let mut peer = host.open();
    peer.send(&Frame::close(1000, ""));
    assert_eq!(peer.close_frame().0, Some(1000));
    match way.role() {
        // The peer does nothing to it.
        Role::Server => peer.expect_end(),
        Role::Client => {
            assert!(host.has_no_end());
            // A client that had closed its socket would answer this with RST.
            peer.write([0; 100]);
            peer.shutdown();
            peer.expect_end();
        }
    }
    drop(peer);
    host.end().expect_clean(1000, "");
}

/// RFC 6455 5.5.1: "The application MUST NOT send any more data frames after sending a Close frame", while what the peer
/// still sends is taken; the peer's close frame ends it, and is not answered again.
pub fn the_endpoint_closes_first<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    let mut peer = host.open();
    peer.text("close 4001 bye");
    assert_eq!(peer.close_frame(), (Some(4001), "bye".into()));
    let bytes = peer.encode_all(&[Frame::new(TEXT, "late"), Frame::new(PING, "late"), Frame::close(4001, "you too")]);
    peer.write(bytes);
    peer.part();
    host.end().expect_clean(4001, "you too");
}

/// RFC 6455 7.1.4 and 5.5.1: both may begin at the same time; each sends one close frame.
pub fn both_close_at_once<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    let mut peer = host.open();
    let bytes = peer.encode_all(&[Frame::new(TEXT, "close 4001 bye"), Frame::close(4002, "no, I")]);
    peer.write(bytes);
    // Whichever the endpoint saw first.
    let code = peer.close_frame().0;
    assert!([Some(4001), Some(4002)].contains(&code), "{code:?}");
    peer.part();
    host.end().expect_clean(4002, "no, I");
}

/// RFC 6455 7.1.5: "If _The WebSocket Connection is Closed_ and no Close control frame was received by the endpoint […],
/// _The WebSocket Connection Close Code_ is considered to be 1006."
pub fn an_end_without_a_close_frame<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    let mut peer = host.open();
    peer.echo("Hello");
    peer.shutdown();
    peer.expect_end();
    host.end().expect_cause(&Cause::Lost);
}

/// What was asked before the peer half-closed is answered: its read side is open.
pub fn a_peer_that_half_closed_is_answered<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    let mut peer = host.open();
    peer.send(&Frame::new(PING, "last"));
    peer.shutdown();
    peer.expect(&Frame::new(PONG, "last"));
    peer.expect_end();
    host.end().expect_cause(&Cause::Lost);
    // Halves hear of the end before what one has received is sent by the other.
    if way.idiom != Idiom::Split {
        let mut peer = host.open();
        let large = Frame::new(TEXT, "x".repeat(1 << 20));
        let bytes = peer.encode_all(&[Frame::new(TEXT, "last"), large.clone()]);
        peer.write(bytes);
        peer.shutdown();
        peer.expect(&Frame::new(TEXT, "last"));
        peer.expect(&large);
        peer.expect_end();
        host.end().expect_cause(&Cause::Lost);
    }
}

/// RFC 6455 7.1.7: the close frame reaches a peer that is still sending, since what it sends is read and dropped: data that
/// nobody reads would make TCP answer with RST, and lose it.
pub fn the_close_frame_reaches_a_peer_that_sends<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    let mut peer = host.open();
    peer.announce(true, 2, 2 << 20);
    peer.write(vec![0; 2 << 20]);
    peer.expect_failure(1009);
    peer.write(vec![0; 1 << 20]);
    peer.shutdown();
    peer.expect_end();
    host.end().expect_cause(&Cause::Violation(Violation::FrameTooBig));
}
