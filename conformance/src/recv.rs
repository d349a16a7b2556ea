//! The idiom of `recv`, `send` and `close`, used otherwise than for an echo.

use crate::{
    Host, Loop, Peer, WATCHDOG, Way, WebSocket,
    frame::{CLOSE, Frame, PING, PONG, TEXT},
    http,
};
use std::{
    sync::mpsc,
    time::{Duration, Instant},
};
use timtow_core::{Cause, CloseCode, Closed, Config, Error, OwnedMessage, Role, SendError};

/// Sends bytes in one segment with the head that completes the opening handshake.
fn open_with(peer: &mut Peer, frames: &[Frame]) {
    peer.greet();
    let head = match peer.role() {
        Role::Client => http::request("/", ""),
        Role::Server => http::switching(peer.head().only("Sec-WebSocket-Key"), ""),
    };
    let bytes = [head.into_bytes(), peer.encode_all(frames)].concat();
    peer.write(bytes);
    if peer.role() == Role::Client {
        assert_eq!(peer.response().0.status(), 101);
    }
}

/// What came before the end is received before it, though the end has come as well: in one segment with the handshake, or
/// later.
pub fn what_came_before_the_end<L: Loop>(way: Way) {
    type Check = fn(&Closed);
    let last: [(&[Frame], Check); 3] = [
        (&[Frame::close(4000, "bye")], |closed| assert_eq!((closed.code, &*closed.reason), (CloseCode(4000), "bye"))),
        (&[Frame::new(3, "")], |closed| assert!(matches!(closed.cause, Cause::Violation(_)))),
        (&[], |closed| assert_eq!(closed.cause, Cause::Lost)),
    ];
    for (last, check) in last {
        for glued in [true, false] {
            let host = Host::<L>::idle(way);
            let (told, tells) = mpsc::channel();
            let mut peer = host.use_socket(move |mut socket| {
                let mut messages = Vec::new();
                let end = loop {
                    match socket.recv() {
                        Ok(Some(message)) => messages.push(message),
                        end => break end,
                    }
                };
                let closed = socket.closed().expect("how it ended");
                match end {
                    Ok(None) => assert!(closed.is_clean()),
                    Err(Error::Closed(error)) => assert_eq!(error, closed),
                    end => panic!("{end:?}"),
                }
                told.send((messages, closed)).expect("the test waits");
            });
            let texts = ["one", "", "0"];
            let frames: Vec<Frame> =
                texts.map(|text| Frame::new(TEXT, text)).into_iter().chain(last.to_vec()).collect();
            if glued {
                open_with(&mut peer, &frames);
            } else {
                peer.open();
                let bytes = peer.encode_all(&frames);
                peer.write(bytes);
            }
            peer.shutdown();
            if !last.is_empty() {
                assert_eq!(peer.frame().opcode, CLOSE);
            }
            peer.expect_end();
            let (messages, closed) = tells.recv_timeout(WATCHDOG).expect("an end");
            assert_eq!(messages, texts.map(OwnedMessage::from));
            check(&closed);
            host.join();
        }
    }
}

/// After the end `recv` says the same again, `send` says that it is over, and `close` does no harm.
pub fn after_the_end<L: Loop>(way: Way) {
    let host = Host::<L>::idle(way);
    let mut peer = host.use_socket(|mut socket| {
        for _ in 0..3 {
            assert_eq!(socket.recv().expect("a clean end"), None);
        }
        match socket.send("late".into()) {
            Err(Error::Closed(closed)) => assert!(closed.is_clean()),
            Err(Error::Send(error)) => assert_eq!(error, SendError::Closing),
            sent => panic!("{sent:?}"),
        }
        for _ in 0..2 {
            let closed = socket.close(1000, "").expect("how it ended");
            assert_eq!((closed.code, closed.reason.as_str()), (CloseCode(3000), "bye"));
        }
        assert_eq!(socket.recv().expect("a clean end"), None);
    });
    peer.open();
    peer.send(&Frame::close(3000, "bye"));
    assert_eq!(peer.close_frame().0, Some(3000));
    peer.part();
    host.join();
}

/// Who only sends still answers pings, when it sends; and what it sends needs no `recv` to be written.
pub fn sending_without_receiving<L: Loop>(way: Way) {
    let host = Host::<L>::idle(way);
    let (go, went) = mpsc::channel::<()>();
    let mut peer = host.use_socket(move |mut socket| {
        socket.send("first".into()).expect("an open connection");
        went.recv_timeout(WATCHDOG).expect("the test goes on");
        for number in 0..10 {
            socket.send(vec![number; 100_000].into()).expect("an open connection");
        }
        assert_eq!(socket.recv().expect("a message"), Some("Hello".into()));
        let closed = socket.close(4000, "bye").expect("a clean end");
        assert_eq!(closed.code, CloseCode(4001));
    });
    peer.open();
    peer.expect(&Frame::new(TEXT, "first"));
    peer.send(&Frame::new(PING, "?"));
    peer.text("Hello");
    go.send(()).expect("the endpoint waits");
    let (mut others, mut pongs) = (Vec::new(), 0);
    loop {
        let frame = peer.frame();
        match frame.opcode {
            CLOSE => break,
            PONG => pongs += 1,
            _ => others.push(frame.payload),
        }
    }
    assert_eq!(pongs, 1);
    assert_eq!(others, (0..10).map(|number| vec![number; 100_000]).collect::<Vec<_>>());
    peer.send(&Frame::close(4001, ""));
    peer.part();
    host.join();
}

/// A peer is alive though nobody asks for the message that came before its pong.
pub fn a_pong_behind_a_message<L: Loop>(way: Way) {
    const SHORT: Duration = Duration::from_millis(60);
    let config = Config { ping_interval: Some(SHORT), pong_timeout: Some(SHORT), ..Config::default() };
    let host = Host::<L>::idle_with(way, config);
    let (go, goes) = mpsc::channel::<()>();
    let mut peer = host.use_socket(move |mut socket| {
        assert_eq!(socket.recv().expect("an open connection"), Some("asked for".into()));
        while goes.recv_timeout(WATCHDOG).is_ok() {
            socket.send("tick".into()).expect("an open connection");
        }
        for number in 0..2 {
            assert_eq!(socket.recv().expect("an open connection"), Some(format!("{number}").into()));
        }
        while socket.recv().expect("a clean end").is_some() {}
    });
    peer.open();
    for text in ["asked for", "0", "1"] {
        peer.text(text);
    }
    // Until the pong has been due for long; the endpoint need not ping again while it has not looked for the answer.
    let (mut answered, begun) = (None::<Instant>, Instant::now());
    while answered.is_none_or(|answered| answered.elapsed() < SHORT * 3) {
        assert!(begun.elapsed() < WATCHDOG, "no ping comes");
        go.send(()).expect("the endpoint sends");
        let mut frame = peer.frame();
        while frame.opcode == PING {
            peer.send(&Frame::new(PONG, frame.payload));
            answered = answered.or(Some(Instant::now()));
            frame = peer.frame();
        }
        assert_eq!(frame, Frame::new(TEXT, "tick"));
    }
    drop(go);
    peer.send(&Frame::close(1000, ""));
    while peer.frame().opcode != CLOSE {}
    peer.part();
    host.join();
}

/// A close frame that must not be sent is refused, and changes nothing (RFC 6455 7.4.1, 5.5).
pub fn a_close_that_cannot_be_sent<L: Loop>(way: Way) {
    let host = Host::<L>::idle(way);
    let mut peer = host.use_socket(|mut socket| {
        for (code, reason) in [(1006, String::new()), (999, String::new()), (1000, "x".repeat(124))] {
            match socket.close(code, &reason) {
                Err(Error::Send(SendError::CloseCodeNotAllowed | SendError::ControlTooLong)) => {}
                closed => panic!("{closed:?}"),
            }
        }
        // The peer may have closed by the time that it is written.
        match socket.send("still open".into()) {
            Ok(()) | Err(Error::Closed(_)) => {}
            Err(error) => panic!("{error:?}"),
        }
        assert_eq!(socket.recv().expect("a clean end"), None);
    });
    peer.open();
    peer.expect(&Frame::new(TEXT, "still open"));
    peer.close();
    host.join();
}
