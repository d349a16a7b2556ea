//! Everything about time, on a virtual clock. `Side::turn` asserts in every turn that no driver is made to spin.

mod common;

use common::{
    config, frame,
    pair::{Pair, ROLES, Side},
};
use std::{sync::Arc, time::Duration};
use timtow_core::{Cause, CloseCode, Config, Connection, Event, Rejection, Response, Role, State, Timeout};

const SECOND: Duration = Duration::from_secs(1);

/// A peer that does nothing but to have a socket.
fn silent() -> Side {
    Side { reads: None, ..Side::new(Connection::upgraded(Role::Client, Arc::new(config()))) }
}

/// Turns `side` at every deadline of its own, and at least every second, for so long.
fn pass(side: &mut Side, peer: &mut Side, now: &mut Duration, seconds: u64, mut each_second: impl FnMut(&mut Side)) {
    for _ in 0..seconds {
        let end = *now + SECOND;
        while side.ws.poll_timeout().is_some_and(|deadline| deadline <= end) {
            *now = side.ws.poll_timeout().unwrap().max(*now);
            while side.turn(peer, *now) {}
        }
        *now = end;
        each_second(side);
        while side.turn(peer, *now) {}
    }
}

fn timeout_of(side: &Side) -> Option<Timeout> {
    match side.closed()?.cause {
        Cause::Timeout(timeout) => {
            assert_eq!(side.closed().unwrap().code, CloseCode::ABNORMAL);
            Some(timeout)
        }
        _ => None,
    }
}

#[test]
fn an_idle_connection_pings_every_20_seconds_from_both_sides() {
    let mut pair = Pair::open();
    pair.pass_seconds(19);
    assert_eq!((pair.client.pings(), pair.server.pings()), (0, 0));
    pair.pass_seconds(1);
    assert_eq!((pair.client.pings(), pair.server.pings()), (1, 1));
    pair.pass_seconds(980);
    assert_eq!((pair.client.pings(), pair.server.pings()), (50, 50));
    assert_eq!((pair.client.pongs(), pair.server.pongs()), (50, 50));
    assert!(pair.server.closed().is_none() && pair.client.closed().is_none());
}

#[test]
fn a_peer_that_does_not_answer_a_ping_is_gone_20_seconds_later() {
    let (mut side, mut peer) = (Side::new(Connection::upgraded(Role::Server, Arc::new(config()))), silent());
    let mut now = 100 * SECOND;
    pass(&mut side, &mut peer, &mut now, 39, |_| {});
    assert_eq!(side.ws.state(), State::Open);
    // A pong that nobody asked for is none, and other frames are no pong either.
    side.inbound.extend(frame(Role::Server, 0x8a, b"other"));
    side.inbound.extend(frame(Role::Server, 0x81, b"text"));
    pass(&mut side, &mut peer, &mut now, 2, |_| {});
    assert_eq!(timeout_of(&side), Some(Timeout::Pong));
    let sent: Vec<u8> = peer.inbound.iter().copied().collect();
    let sent = common::frames(&sent);
    assert_eq!(sent.iter().map(|(first, _)| *first).collect::<Vec<_>>(), [0x89, 0x88], "one ping, and why");
    assert_eq!(sent[1].1[..2], 1011u16.to_be_bytes());
    assert!(peer.half_closed.0 && !side.ws.is_closed(), "the peer may still end it");
    pass(&mut side, &mut peer, &mut now, 10, |_| {});
    assert!(side.ws.is_closed());
}

#[test]
fn without_a_length_there_is_no_deadline() {
    let endless = || Config {
        handshake_timeout: None,
        close_timeout: None,
        ping_interval: None,
        pong_timeout: None,
        write_timeout: None,
        ..config()
    };
    let mut pair = Pair::new(endless(), endless());
    pair.server.reads = None;
    pair.pass_seconds(1_000_000);
    pair.server.reads = Some(usize::MAX);
    pair.settle();
    pair.client.window = 0;
    pair.server.ws.send("stuck").unwrap();
    pair.pass_seconds(1_000_000);
    pair.server.ws.close(1000, "").unwrap();
    pair.pass_seconds(1_000_000);
    assert_eq!((pair.server.pings(), pair.client.pings()), (0, 0));
    assert!(pair.server.closed().is_none() && pair.client.closed().is_none());
    assert_eq!(pair.server.ws.poll_timeout(), None);
}

#[test]
fn a_ping_without_a_pong_deadline_is_repeated() {
    let config = Config { pong_timeout: None, ..config() };
    let (mut side, mut peer) = (Side::new(Connection::upgraded(Role::Server, Arc::new(config))), silent());
    let mut now = 100 * SECOND;
    pass(&mut side, &mut peer, &mut now, 100, |_| {});
    assert_eq!(common::frames(peer.inbound.make_contiguous()).len(), 5);
    assert_eq!(side.ws.state(), State::Open);
}

#[test]
fn a_peer_amid_a_huge_frame_cannot_answer_and_is_not_gone_before_it_stops() {
    let (mut side, mut peer) = (Side::new(Connection::upgraded(Role::Server, Arc::new(config()))), silent());
    let mut now = 100 * SECOND;
    side.inbound.extend(&frame(Role::Server, 0x82, &[0; 1 << 20])[..20]);
    // A byte every second.
    pass(&mut side, &mut peer, &mut now, 500, |side| side.inbound.extend([0]));
    assert_eq!(side.ws.state(), State::Open);
    // Then nothing more.
    pass(&mut side, &mut peer, &mut now, 41, |_| {});
    assert_eq!(timeout_of(&side), Some(Timeout::Pong));
}

#[test]
fn a_pong_that_cannot_be_read_is_not_missed() {
    // The client reads slowly, so that the server's outbox stays above its high-water mark and the server does not read.
    let (mut side, mut peer) = (Side::new(Connection::upgraded(Role::Server, Arc::new(config()))), silent());
    let mut now = 100 * SECOND;
    pass(&mut side, &mut peer, &mut now, 20, |_| {});
    assert_eq!(common::frames(peer.inbound.make_contiguous()).len(), 1, "the ping is out");
    peer.inbound.clear();
    peer.window = 500;
    for _ in 0..100 {
        side.ws.send(vec![0; 10_000]).unwrap();
    }
    for _ in 0..40 {
        // Progress, though not much of it.
        peer.inbound.clear();
        pass(&mut side, &mut peer, &mut now, 10, |_| {});
        assert!(!side.ws.wants_read());
        assert_eq!(side.closed(), None);
    }
    // When there is room again, the pong is due as ever.
    peer.window = usize::MAX;
    pass(&mut side, &mut peer, &mut now, 41, |_| {});
    assert_eq!(timeout_of(&side), Some(Timeout::Pong));
}

#[test]
fn a_pong_that_was_set_aside_is_not_missed() {
    let (mut side, mut peer) = (Side::new(Connection::upgraded(Role::Server, Arc::new(config()))), silent());
    let mut now = 100 * SECOND;
    pass(&mut side, &mut peer, &mut now, 20, |_| {});
    let ping = common::frames(peer.inbound.make_contiguous()).pop().unwrap();
    side.ws.hold();
    side.inbound.extend(frame(Role::Server, 0x81, b"text"));
    side.inbound.extend(frame(Role::Server, 0x8a, &ping.1));
    pass(&mut side, &mut peer, &mut now, 100, |_| {});
    assert_eq!(side.closed(), None);
    side.ws.release();
    pass(&mut side, &mut peer, &mut now, 1, |_| {});
    assert_eq!((side.messages().len(), side.pongs()), (1, 1));
}

#[test]
fn a_driver_that_was_elsewhere_may_read_before_a_pong_is_missed() {
    let (mut side, mut peer) = (Side::new(Connection::upgraded(Role::Server, Arc::new(config()))), silent());
    let mut now = 100 * SECOND;
    pass(&mut side, &mut peer, &mut now, 20, |_| {});
    let ping = common::frames(peer.inbound.make_contiguous()).pop().unwrap();
    // The pong is there, and the driver, who comes back after a minute, tells the time before it reads.
    side.ws.handle_timeout(now + 60 * SECOND);
    now += 60 * SECOND;
    side.inbound.extend(frame(Role::Server, 0x8a, &ping.1));
    while side.turn(&mut peer, now) {}
    pass(&mut side, &mut peer, &mut now, 10, |_| {});
    assert_eq!((side.closed(), side.pongs()), (None, 1));
    // Without one it is gone a second later.
    pass(&mut side, &mut peer, &mut now, 10, |_| {});
    side.ws.handle_timeout(now + 60 * SECOND);
    now += 60 * SECOND;
    pass(&mut side, &mut peer, &mut now, 2, |_| {});
    assert_eq!(timeout_of(&side), Some(Timeout::Pong));
}

#[test]
fn the_opening_handshake_has_10_seconds_in_all_however_slowly_it_comes() {
    let (mut side, mut peer) = (Side::new(Connection::server(Arc::new(config()))), silent());
    let mut now = 100 * SECOND;
    while side.turn(&mut peer, now) {}
    let mut request = common::REQUEST.bytes();
    pass(&mut side, &mut peer, &mut now, 9, |side| side.inbound.extend(request.next()));
    assert_eq!(side.ws.state(), State::Connecting);
    pass(&mut side, &mut peer, &mut now, 1, |side| side.inbound.extend(request.next()));
    assert_eq!(timeout_of(&side), Some(Timeout::Handshake));
    let answer = String::from_utf8(peer.inbound.into_iter().collect()).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("\r\nConnection: close\r\n"), "{answer}");
    assert!(peer.half_closed.0);
}

#[test]
fn an_application_that_does_not_answer_has_no_more_time_than_the_client() {
    let mut ws = Connection::server(Arc::new(config()));
    ws.handle_timeout(100 * SECOND);
    let mut request = common::REQUEST.as_bytes().to_vec();
    assert!(matches!(ws.receive(&mut &mut request[..]), Some(Event::Request(_))));
    ws.handle_timeout(109 * SECOND);
    assert!(ws.receive(&mut &mut [][..]).is_none());
    ws.handle_timeout(110 * SECOND);
    assert!(ws.accept(Response::default()).is_err() && ws.reject(&Rejection::new(404)).is_err());
    let Some(Event::Closed(closed)) = ws.receive(&mut &mut [][..]) else { panic!() };
    assert_eq!(closed.cause, Cause::Timeout(Timeout::Handshake));
    assert!(common::drain(&mut ws).starts_with(b"HTTP/1.1 408 "));
}

#[test]
fn a_client_waits_10_seconds_for_the_response() {
    let client = Connection::client(common::client_request(), Arc::new(config())).unwrap();
    let (mut side, mut peer) = (Side::new(client), silent());
    let mut now = 100 * SECOND;
    while side.turn(&mut peer, now) {}
    pass(&mut side, &mut peer, &mut now, 9, |side| side.inbound.extend(b"HTTP/1.1 1"));
    assert_eq!(side.closed(), None);
    pass(&mut side, &mut peer, &mut now, 1, |_| {});
    assert_eq!(timeout_of(&side), Some(Timeout::Handshake));
}

#[test]
fn a_peer_that_does_not_answer_a_close_frame_has_10_seconds() {
    for role in ROLES {
        let (mut side, mut peer) = (Side::new(Connection::upgraded(role, Arc::new(config()))), silent());
        let mut now = 100 * SECOND;
        pass(&mut side, &mut peer, &mut now, 3, |_| {});
        side.ws.close(1000, "").unwrap();
        // What comes in between does not give it more time.
        let text = frame(role, 0x81, b"text");
        pass(&mut side, &mut peer, &mut now, 9, |side| side.inbound.extend(&text));
        assert_eq!((side.ws.state(), side.messages().len()), (State::Closing, 9));
        pass(&mut side, &mut peer, &mut now, 1, |_| {});
        assert_eq!(timeout_of(&side), Some(Timeout::Close));
        assert!(side.ws.is_closed());
    }
}

#[test]
fn a_peer_that_answers_and_keeps_the_transport_has_the_same_10_seconds() {
    for role in ROLES {
        for by_us in [true, false] {
            let (mut side, mut peer) = (Side::new(Connection::upgraded(role, Arc::new(config()))), silent());
            let mut now = 100 * SECOND;
            pass(&mut side, &mut peer, &mut now, 3, |_| {});
            if by_us {
                side.ws.close(1000, "").unwrap();
                pass(&mut side, &mut peer, &mut now, 5, |_| {});
            }
            side.inbound.extend(frame(role, 0x88, &common::close(1000)));
            while side.turn(&mut peer, now) {}
            pass(&mut side, &mut peer, &mut now, if by_us { 4 } else { 9 }, |_| {});
            assert!(side.closed().unwrap().is_clean() && !side.ws.is_closed());
            assert_eq!(peer.half_closed.0, role == Role::Server, "only the server ends the transport at once");
            pass(&mut side, &mut peer, &mut now, 1, |_| {});
            assert!(side.ws.is_closed(), "from the first close frame on, and not from the second");
        }
    }
}

#[test]
fn a_write_that_makes_no_progress_has_30_seconds_and_progress_gives_30_more() {
    for role in ROLES {
        // Pings at 20 and 40 seconds coincide with the write deadlines at 30, 40 and 50.
        let (mut side, mut peer) = (Side::new(Connection::upgraded(role, Arc::new(config()))), silent());
        let mut now = 100 * SECOND;
        while side.turn(&mut peer, now) {}
        pass(&mut side, &mut peer, &mut now, 10, |_| {});
        peer.window = 5;
        side.ws.send(vec![1; 100]).unwrap();
        while side.turn(&mut peer, now) {}
        for _ in 0..5 {
            pass(&mut side, &mut peer, &mut now, 29, |_| {});
            assert_eq!(side.closed(), None);
            peer.inbound.clear();
            while side.turn(&mut peer, now) {}
        }
        pass(&mut side, &mut peer, &mut now, 29, |_| {});
        assert_eq!(side.closed(), None);
        pass(&mut side, &mut peer, &mut now, 1, |_| {});
        assert_eq!(timeout_of(&side), Some(Timeout::Write));
        assert!(side.ws.is_closed(), "there is nobody to wait for");
        assert_eq!(side.ws.buffered(), 0);
    }
}

#[test]
fn the_write_deadline_may_come_together_with_a_ping() {
    for at in 0..40 {
        let (mut side, mut peer) = (Side::new(Connection::upgraded(Role::Server, Arc::new(config()))), silent());
        let mut now = 100 * SECOND;
        while side.turn(&mut peer, now) {}
        pass(&mut side, &mut peer, &mut now, at, |_| {});
        peer.window = 0;
        side.ws.send("stuck").unwrap();
        while side.turn(&mut peer, now) {}
        pass(&mut side, &mut peer, &mut now, 31, |_| {});
        assert!(side.closed().is_some() && side.ws.buffered() == 0, "sent after {at} seconds: {:?}", side.ws);
    }
}

#[test]
fn an_empty_outbox_has_no_write_deadline() {
    let mut pair =
        Pair::open_with(Config { ping_interval: None, ..config() }, Config { ping_interval: None, ..config() });
    pair.client.window = 4;
    pair.client.reads = None;
    pair.server.ws.send("stuck for a while").unwrap();
    pair.pass_seconds(29);
    pair.client.reads = Some(1000);
    pair.settle();
    assert_eq!((pair.server.ws.poll_timeout(), pair.client.ws.poll_timeout()), (None, None));
    pair.pass_seconds(1000);
    assert_eq!(pair.client.messages().len(), 1);
    assert_eq!(pair.server.closed(), None);
}

/// Zero asks for the time; having been told it, nobody asks again before something has happened.
#[test]
fn deadlines_that_no_clock_reaches_are_armed_once() {
    for length in [Duration::from_secs(1 << 40), Duration::MAX] {
        let far = Some(length);
        let config = Config {
            handshake_timeout: far,
            close_timeout: far,
            ping_interval: far,
            pong_timeout: far,
            write_timeout: far,
            ..config()
        };
        let mut ws = Connection::upgraded(Role::Server, Arc::new(config));
        ws.send("nobody takes it").unwrap();
        assert_eq!(ws.poll_timeout(), Some(Duration::ZERO));
        ws.handle_timeout(SECOND);
        assert_ne!(ws.poll_timeout(), Some(Duration::ZERO), "the time was told");
        ws.close(1000, "").unwrap();
        ws.handle_timeout(1000 * SECOND);
        assert_ne!(ws.poll_timeout(), Some(Duration::ZERO));
    }
}

#[test]
fn the_time_is_asked_for_only_when_it_is_needed() {
    let config = Arc::new(config());
    let mut ws = Connection::server(config.clone());
    let (mut now, mut asked) = (100 * SECOND, 0);
    let mut asks = |ws: &mut Connection| {
        let asks = ws.poll_timeout() == Some(Duration::ZERO);
        asked += usize::from(asks);
        if asks {
            now += SECOND / 1000;
            ws.handle_timeout(now);
        }
        let deadline = ws.poll_timeout();
        assert!(deadline.is_none_or(|deadline| deadline > now), "asked again: {deadline:?} in {:?}", ws.state());
        asks
    };
    assert!(asks(&mut ws), "the handshake's deadline");
    let mut request = common::REQUEST.as_bytes().to_vec();
    let (head, tail) = request.split_at_mut(50);
    assert!(ws.receive(&mut &mut head[..]).is_none());
    assert!(!asks(&mut ws), "it stands");
    assert!(matches!(ws.receive(&mut &mut tail[..]), Some(Event::Request(_))));
    assert!(!asks(&mut ws));
    ws.accept(Response::default()).unwrap();
    assert!(asks(&mut ws), "a ping is to be armed, and a write deadline");
    assert!(matches!(ws.receive(&mut &mut [][..]), Some(Event::Open(_))));
    assert!(!asks(&mut ws));
    common::drain(&mut ws);
    assert!(asks(&mut ws), "the write deadline is to be taken back");
    for _ in 0..100 {
        common::feed(&mut ws, &frame(Role::Server, 0x81, b"text"), common::echo);
        common::drain(&mut ws);
        assert!(!asks(&mut ws), "an echo that is written at once needs no clock");
    }
    ws.send("waits").unwrap();
    assert!(asks(&mut ws) && !asks(&mut ws));
    ws.outbox().advance(1);
    assert!(asks(&mut ws) && !asks(&mut ws), "progress moves the write deadline");
    common::drain(&mut ws);
    assert!(asks(&mut ws) && !asks(&mut ws));
    ws.close(1000, "").unwrap();
    common::drain(&mut ws);
    assert!(asks(&mut ws) && !asks(&mut ws), "the close deadline");
    common::feed(&mut ws, &frame(Role::Server, 0x88, b""), |_, _| {});
    assert!(!asks(&mut ws), "it stands");
    ws.receive_eof();
    assert_eq!(ws.poll_timeout(), None);
    assert_eq!(asked, 7);
}
