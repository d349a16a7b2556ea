//! The application layer: one value that runs unchanged on every loop.

use crate::{
    Host, Loop, Peer, Way,
    frame::{BINARY, Frame, PING, TEXT},
    http,
    script::{Script, Told, expect_told, next, normal},
};
use std::{num::NonZeroUsize, sync::Arc};
use timtow_core::{
    Cause, CloseCode, Closed, Message,
    app::{Context, Echo, Options, on_message},
};

/// `open`, then each message, then `close`, once; then the handler is gone.
pub fn callbacks_come_in_order<L: Loop>(_: Way) {
    let (script, told) = Script::new();
    let host = script.serve::<L>();
    let mut peer = host.open();
    let bytes =
        peer.encode_all(&[Frame::new(TEXT, "0"), Frame::new(BINARY, ""), Frame::new(TEXT, ""), Frame::close(1000, "")]);
    peer.write(bytes);
    assert_eq!(peer.close_frame().0, Some(1000));
    peer.part();
    expect_told(
        &told,
        &[
            Told::Open,
            Told::Message("0".into()),
            Told::Message(Vec::new().into()),
            Told::Message("".into()),
            normal(),
            Told::Dropped,
        ],
    );
    host.drain();
    host.join();
    assert!(told.try_recv().is_err());
}

/// However a connection that was open ends, `close` is called, once, and the handler is dropped.
pub fn close_is_called_once<L: Loop>(_: Way) {
    let (script, told) = Script::new();
    let host = script.serve::<L>();
    let ends: [fn(Peer); 5] = [
        drop,
        Peer::reset,
        |mut peer| {
            peer.shutdown();
            peer.expect_end();
        },
        |mut peer| {
            peer.send(&Frame::new(3, ""));
            peer.expect_failure(1002);
        },
        |mut peer| peer.close(),
    ];
    for end in ends {
        end(host.open());
        assert_eq!(next(&told), Told::Open);
        assert!(matches!(next(&told), Told::Close(_)));
        assert_eq!(next(&told), Told::Dropped);
    }
    // A connection that never opened is nobody's.
    let mut peer = host.peer();
    peer.write("POST / HTTP/1.1\r\n\r\n");
    assert_eq!(peer.response().0.status(), 400);
    peer.expect_end();
    drop(peer);
    host.drain();
    host.join();
    assert!(told.try_recv().is_err());
}

/// What `open` sends follows the answer, before any reply.
pub fn a_greeting_in_open<L: Loop>(_: Way) {
    let (mut script, _told) = Script::new();
    script.open = Arc::new(|context| {
        context.send("welcome").expect("it is open");
        context.ping(b"?").expect("it is open");
    });
    script.message = Arc::new(|context, message| context.send(message).expect("it is open"));
    let host = script.serve::<L>();
    let mut peer = host.peer();
    let bytes = [http::request("/", "").into_bytes(), peer.encode(&Frame::new(TEXT, "Hello"))].concat();
    peer.write(bytes);
    assert_eq!(peer.response().0.status(), 101);
    peer.expect(&Frame::new(TEXT, "welcome"));
    peer.expect(&Frame::new(PING, "?"));
    peer.expect(&Frame::new(TEXT, "Hello"));
    peer.close();
}

/// What a handler sends when it is told of a message goes out in order, and `close` behind it.
pub fn a_handler_that_closes<L: Loop>(_: Way) {
    let (mut script, told) = Script::new();
    script.message = Arc::new(|context, _| {
        for number in 0..3 {
            context.send(format!("{number}")).expect("it is open");
        }
        context.close(4321, "enough").expect("it is open");
        context.send("too late").expect_err("it is closing");
    });
    let host = script.serve::<L>();
    let mut peer = host.open();
    peer.text("go");
    for number in 0..3 {
        peer.expect(&Frame::new(TEXT, format!("{number}")));
    }
    assert_eq!(peer.close_frame(), (Some(4321), "enough".into()));
    peer.send(&Frame::close(4321, "indeed"));
    peer.part();
    let closed = Closed { code: CloseCode(4321), reason: "indeed".into(), cause: Cause::Handshake };
    expect_told(&told, &[Told::Open, Told::Message("go".into()), Told::Close(closed)]);
}

/// Several loops, where the loop can be had more than once, share the connections.
pub fn several_loops<L: Loop>(_: Way) {
    let threads = NonZeroUsize::new(3).expect("it is not zero");
    let host = Host::<L>::serve(Options { threads, ..Options::default() }, Echo);
    let mut peers: Vec<Peer> = (0..12).map(|_| host.open()).collect();
    for round in 0..3 {
        for (at, peer) in peers.iter_mut().enumerate() {
            peer.echo(&format!("{round} {at}"));
        }
    }
    host.drain();
    for peer in &mut peers {
        assert_eq!(peer.close_frame().0, Some(1001));
        peer.send(&Frame::close(1001, ""));
        peer.part();
    }
    host.join();
}

/// A closure is an application too; and many connections are served at once.
pub fn a_closure_for_many_connections<L: Loop>(_: Way) {
    let shout = on_message(|context: &mut Context<'_>, message: Message<'_>| {
        if let Message::Text(text) = message {
            context.send(text.to_uppercase()).expect("it is open");
        }
    });
    let host = Host::<L>::serve(Options::default(), shout);
    let mut peers: Vec<Peer> = (0..100).map(|_| host.open()).collect();
    for peer in peers.iter_mut().rev() {
        peer.text("grüße");
        peer.expect(&Frame::new(TEXT, "GRÜSSE"));
    }
    for mut peer in peers {
        peer.close();
    }
}

/// A handler sees how much waits to be sent; what is sent in many callbacks of one turn goes out whole and in order.
pub fn a_handler_that_sends_much<L: Loop>(_: Way) {
    const LEN: usize = 300_000;
    let (mut script, _told) = Script::new();
    script.message = Arc::new(|context, _| {
        let before = context.buffered();
        for number in 0..10 {
            context.send(vec![number; LEN]).expect("it is open");
        }
        assert!(context.buffered() >= before + 10 * LEN);
    });
    let host = script.serve::<L>();
    let mut peer = host.open();
    let bytes = peer.encode_all(&[Frame::new(TEXT, ""), Frame::new(TEXT, "")]);
    peer.write(bytes);
    for _ in 0..2 {
        for number in 0..10 {
            peer.expect(&Frame::new(BINARY, vec![number; LEN]));
        }
    }
    peer.close();
}
