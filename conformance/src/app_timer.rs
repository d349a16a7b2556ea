//! The timer of a handler.

use crate::{
    Loop, Way,
    frame::{Frame, TEXT},
    script::{Script, Told, expect_told, normal},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// Long enough to be the later of two timers, short enough to be waited for.
const LATER: Duration = Duration::from_millis(60);

/// A timer fires once, and can be set again by itself.
pub fn a_timer<L: Loop>(_: Way) {
    let (mut script, told) = Script::new();
    script.open = Arc::new(|context| context.set_timer(Duration::from_millis(1)));
    let count = Arc::new(AtomicUsize::new(0));
    script.timer = Arc::new(move |context| {
        let count = count.fetch_add(1, Ordering::SeqCst);
        context.send(format!("{count}")).expect("it is open");
        if count < 2 {
            context.set_timer(Duration::from_millis(1));
        }
    });
    let host = script.serve::<L>();
    let mut peer = host.open();
    for number in 0..3 {
        peer.expect(&Frame::new(TEXT, format!("{number}")));
    }
    peer.close();
    expect_told(&told, &[Told::Open, Told::Timer, Told::Timer, Told::Timer, normal()]);
}

/// A timer that is set again is moved, and one that is cleared does not fire; messages do neither.
pub fn a_timer_that_is_moved<L: Loop>(_: Way) {
    let (mut script, told) = Script::new();
    script.open = Arc::new(|context| context.set_timer(Duration::from_secs(3_600)));
    script.message = Arc::new(|context, message| match message.as_bytes() {
        b"sooner" => context.set_timer(Duration::from_millis(1)),
        b"later" => context.set_timer(LATER),
        b"never" => context.clear_timer(),
        _ => context.send(message).expect("it is open"),
    });
    script.timer = Arc::new(|context| context.send("now").expect("it is open"));
    let host = script.serve::<L>();
    let mut peer = host.open();
    for text in ["sooner", "later"] {
        peer.text(text);
        peer.expect(&Frame::new(TEXT, "now"));
    }
    // Where it is cleared, the timer of another connection, set later, comes first, and this one's not at all.
    peer.text("later");
    peer.text("never");
    peer.echo("cleared");
    let mut other = host.open();
    other.text("later");
    other.expect(&Frame::new(TEXT, "now"));
    peer.echo("still nothing");
    peer.close();
    other.close();
    let timers = std::iter::from_fn(|| told.try_recv().ok()).filter(|told| *told == Told::Timer).count();
    assert_eq!(timers, 3);
}

/// A timer does not outlive its connection.
pub fn a_timer_of_a_connection_that_ends<L: Loop>(_: Way) {
    let (mut script, told) = Script::new();
    script.open = Arc::new(|context| context.set_timer(Duration::from_secs(3_600)));
    let host = script.serve::<L>();
    let mut peer = host.open();
    peer.close();
    drop(peer);
    expect_told(&told, &[Told::Open, normal(), Told::Dropped]);
    host.drain();
    host.join();
}
