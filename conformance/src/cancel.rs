//! Futures that are dropped before they are ready: a `recv` loses nothing, a `send` has queued its message whole or not at
//! all.

use crate::{
    Cancel, Host, Loop, WATCHDOG, Way, WebSocket,
    frame::{BINARY, CONTINUATION, Frame, PING, PONG, TEXT},
};
use std::sync::mpsc;
use timtow_core::OwnedMessage;

/// A `recv` that is dropped whenever it has to wait loses no byte, wherever the bytes are cut.
pub fn a_dropped_recv<L: Loop<WebSocket: Cancel>>(way: Way) {
    let host = Host::<L>::idle(way);
    let (done, is_done) = mpsc::channel();
    let mut peer = host.use_socket(move |mut socket| {
        let mut messages = Vec::new();
        while let Some(message) = socket.recv_with_cancels().expect("a clean end") {
            messages.push(message);
        }
        done.send(messages).expect("the test waits");
    });
    peer.open();
    let mut expected: Vec<OwnedMessage> = Vec::new();
    for number in 0..30_usize {
        let text = format!("{number}").repeat(number);
        let bytes = match number % 3 {
            0 => peer.encode(&Frame::new(TEXT, &text)),
            1 => peer.encode_all(&[
                Frame::fragment(TEXT, &text[..number / 2], false),
                Frame::new(PING, number.to_be_bytes()),
                Frame::fragment(CONTINUATION, &text[number / 2..], true),
            ]),
            _ => peer.encode_all(&[Frame::new(TEXT, &text), Frame::new(TEXT, "second")]),
        };
        peer.write_slowly(bytes);
        expected.push(text.into());
        match number % 3 {
            1 => peer.expect(&Frame::new(PONG, number.to_be_bytes())),
            2 => expected.push("second".into()),
            _ => {}
        }
    }
    peer.close();
    assert_eq!(is_done.recv_timeout(WATCHDOG).expect("the messages"), expected);
    host.join();
}

/// Of the messages whose `send` was dropped some may have been queued, but each whole, once, and in order.
pub fn a_dropped_send<L: Loop<WebSocket: Cancel>>(way: Way) {
    const LEN: usize = 100_000;
    const DROPPED: u64 = 100;
    let host = Host::<L>::idle(way);
    let (dropped, is_dropped) = mpsc::channel();
    let mut peer = host.use_socket(move |mut socket| {
        let (mut ready, mut number) = (0_u64, 0_u64);
        // Until the peer's buffers are full, and a while longer.
        let mut pending = 0;
        while pending < DROPPED {
            let message = [&number.to_be_bytes()[..], &vec![number as u8; LEN]].concat();
            match socket.try_send(message.into()).expect("an open connection") {
                true => ready += 1,
                false => pending += 1,
            }
            number += 1;
            assert!(ready < 10_000, "it is never full");
        }
        dropped.send(ready).expect("the test waits");
        socket.send("end".into()).expect("an open connection");
        while socket.recv().expect("a clean end").is_some() {}
    });
    peer.open();
    let ready = is_dropped.recv_timeout(WATCHDOG).expect("sends that were dropped");
    let (mut whole, mut next) = (0, 0);
    loop {
        let frame = peer.frame();
        if frame.opcode == TEXT {
            assert_eq!(frame, Frame::new(TEXT, "end"));
            break;
        }
        let number = u64::from_be_bytes(*frame.payload.first_chunk().expect("a number"));
        assert!(number >= next, "{number} comes after {next}");
        assert_eq!(frame, Frame::new(BINARY, [&number.to_be_bytes()[..], &vec![number as u8; LEN]].concat()));
        (whole, next) = (whole + 1, number + 1);
    }
    assert!(whole >= ready, "of {ready} that were sent, {whole} came");
    // Above the high-water mark nothing is queued: the buffers may have taken a little more, but not all.
    assert!(whole < ready + DROPPED / 2, "beside {ready} that were sent, {} were queued", whole - ready);
    peer.close();
    host.join();
}

/// While a `send` waits for the peer to read, what the peer sends is kept for `recv`.
pub fn a_dropped_send_loses_no_message<L: Loop<WebSocket: Cancel>>(way: Way) {
    let host = Host::<L>::idle(way);
    let (full, is_full) = mpsc::channel();
    let (go, went) = mpsc::channel::<()>();
    let mut peer = host.use_socket(move |mut socket| {
        while socket.try_send(vec![0; 100_000].into()).expect("an open connection") {}
        full.send(()).expect("the test waits");
        went.recv_timeout(WATCHDOG).expect("messages");
        // Each turn of a send may also read.
        for _ in 0..10 {
            socket.try_send(vec![0; 10].into()).expect("an open connection");
        }
        for number in 0..100 {
            let message = socket.recv_with_cancels().expect("an open connection").expect("a message");
            assert_eq!(message, OwnedMessage::from(format!("{number}")));
        }
        socket.send("end".into()).expect("an open connection");
        while socket.recv().expect("a clean end").is_some() {}
    });
    peer.open();
    is_full.recv_timeout(WATCHDOG).expect("a peer that does not read");
    for number in 0..100 {
        peer.text(&format!("{number}"));
    }
    go.send(()).expect("the endpoint waits");
    while peer.frame() != Frame::new(TEXT, "end") {}
    peer.close();
    host.join();
}
