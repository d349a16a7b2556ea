//! Sending from other threads.

use crate::{
    Loop, Task, WATCHDOG, Way,
    frame::{BINARY, Frame, TEXT},
    script::{Script, Told, next},
};
use std::sync::{
    Arc,
    mpsc::{self, Receiver},
};
use timtow_core::{
    OwnedMessage, SendError,
    app::{Sender, TrySendError},
};

/// An application that hands out the senders of its connections.
fn with_senders() -> (Script, Receiver<Told>, Receiver<Sender>) {
    let (mut script, told) = Script::new();
    let (give, senders) = mpsc::channel();
    script.open = Arc::new(move |context| give.send(context.sender()).expect("the test waits"));
    script.message = Arc::new(|context, message| context.send(message).expect("it is open"));
    (script, told, senders)
}

/// A sender wakes an idle connection from another thread; what it sends arrives in order.
pub fn a_sender_from_other_threads<L: Loop>(_: Way) {
    let (script, _told, senders) = with_senders();
    let host = script.serve::<L>();
    let mut peer = host.open();
    let sender = senders.recv_timeout(WATCHDOG).expect("a sender");
    // One by one, each when the connection is idle again.
    for number in 0..100 {
        sender.try_send(format!("{number}")).expect("room");
        peer.expect(&Frame::new(TEXT, format!("{number}")));
    }
    peer.echo("between");
    let threads: Vec<Task> = (0..4)
        .map(|thread| {
            let sender = sender.clone();
            Task::spawn(move || {
                for number in 0..500 {
                    let mut message = OwnedMessage::from(format!("{thread} {number}"));
                    while let Err(error) = sender.try_send(message) {
                        let TrySendError::Full(back) = error else { panic!("{error:?}") };
                        message = back;
                        std::thread::yield_now();
                    }
                }
            })
        })
        .collect();
    let mut numbers = [0; 4];
    for _ in 0..2_000 {
        let frame = peer.frame();
        let text = String::from_utf8(frame.payload).expect("text");
        let (thread, number) = text.split_once(' ').expect("two numbers");
        let expected = &mut numbers[thread.parse::<usize>().expect("a number")];
        assert_eq!(number, expected.to_string());
        *expected += 1;
    }
    threads.into_iter().for_each(Task::join);
    peer.echo("behind");
    peer.close();
}

/// A sender can close the connection, behind what it has sent; then it takes no more.
pub fn a_sender_that_closes<L: Loop>(_: Way) {
    let (script, _told, senders) = with_senders();
    let host = script.serve::<L>();
    let mut peer = host.open();
    let sender = senders.recv_timeout(WATCHDOG).expect("a sender");
    sender.try_send("last").expect("room");
    sender.close(4000, "bye").expect("what may be sent");
    assert_eq!(sender.try_send("later"), Err(TrySendError::Closed("later".into())));
    peer.expect(&Frame::new(TEXT, "last"));
    assert_eq!(peer.close_frame(), (Some(4000), "bye".into()));
    peer.send(&Frame::close(4000, ""));
    peer.part();
}

/// A close frame that must not be sent is an error, and closes nothing (RFC 6455 7.4, 5.5): the connection and its sender go
/// on, and what waits is not dropped.
pub fn a_close_that_cannot_be_sent<L: Loop>(_: Way) {
    let (script, _told, senders) = with_senders();
    let host = script.serve::<L>();
    let mut peer = host.open();
    let sender = senders.recv_timeout(WATCHDOG).expect("a sender");
    let (short, long) = ("why".to_owned(), "x".repeat(124));
    for (code, reason, error) in [
        (999, &short, SendError::CloseCodeNotAllowed),
        (1005, &short, SendError::CloseCodeNotAllowed),
        (1006, &short, SendError::CloseCodeNotAllowed),
        (1000, &long, SendError::ControlTooLong),
    ] {
        sender.try_send(format!("before {code}")).expect("room");
        assert_eq!(sender.close(code, reason), Err(error));
        assert_eq!(sender.close_now(code, reason), Err(error));
        assert!(!sender.is_closed());
        sender.try_send(format!("behind {code}")).expect("it is open");
        peer.expect(&Frame::new(TEXT, format!("before {code}")));
        peer.expect(&Frame::new(TEXT, format!("behind {code}")));
        peer.echo("Hello");
    }
    sender.close(1000, &long[1..]).expect("what may be sent");
    assert_eq!(sender.close(999, ""), Err(SendError::CloseCodeNotAllowed), "closed or not");
    assert_eq!(peer.close_frame(), (Some(1000), long[1..].into()));
    peer.send(&Frame::close(1000, ""));
    peer.part();
}

/// A sender of a connection that has ended says so.
pub fn a_sender_of_a_connection_that_ended<L: Loop>(_: Way) {
    let (script, told, senders) = with_senders();
    let host = script.serve::<L>();
    for rude in [false, true] {
        let mut peer = host.open();
        let sender = senders.recv_timeout(WATCHDOG).expect("a sender");
        assert!(!sender.is_closed());
        if rude {
            peer.reset();
        } else {
            peer.close();
        }
        while next(&told) != Told::Dropped {}
        assert!(sender.is_closed());
        assert_eq!(sender.try_send("Hello"), Err(TrySendError::Closed("Hello".into())));
        assert_eq!(sender.close(1000, ""), Ok(()));
    }
}

/// A mailbox is bounded: a peer that does not read fills it, and gets everything that was taken once it reads.
pub fn a_sender_that_is_full<L: Loop>(_: Way) {
    let (script, _told, senders) = with_senders();
    let host = script.serve::<L>();
    let mut peer = host.open();
    let sender = senders.recv_timeout(WATCHDOG).expect("a sender");
    let message = |number: u64| Frame::new(BINARY, [&number.to_be_bytes()[..], &[0; 9_000]].concat());
    let (mut taken, mut refused) = (0, 0);
    // The loop may be on its way to make room: full for a while is full.
    while refused < 1_000 {
        match sender.try_send(message(taken).payload) {
            Ok(()) => (taken, refused) = (taken + 1, 0),
            Err(TrySendError::Full(back)) => {
                assert_eq!(back.as_bytes(), message(taken).payload);
                refused += 1;
                std::thread::yield_now();
            }
            Err(error) => panic!("{error:?}"),
        }
        assert!(taken * 9_000 < crate::backpressure::MORE_THAN_BUFFERS as u64, "it is never full");
    }
    for number in 0..taken {
        peer.expect(&message(number));
    }
    // There is room again.
    while let Err(error) = sender.try_send("room") {
        assert_eq!(error, TrySendError::Full("room".into()));
        std::thread::yield_now();
    }
    peer.expect(&Frame::new(TEXT, "room"));
    peer.close();
}
