//! Messages that are prepared once, for connections that have agreed on different things.

use crate::{
    Host, Loop, Peer, WATCHDOG, Way, WebSocket,
    frame::{Frame, TEXT},
    hixie,
    inflate::Naive,
    rfc7692,
    script::Script,
};
use std::sync::{Arc, mpsc};
use timtow_core::{
    Config, Draft, OwnedMessage, Prepared, SendError,
    app::{Options, TrySendError},
};

/// Text that compresses, and that does so in windows of every size.
fn text(seed: u32, len: usize) -> String {
    let words = (seed..).map(|n| format!("{} ", n.wrapping_mul(0x9e37_79b9) >> 20));
    words.flat_map(String::into_bytes).take(len).map(char::from).collect()
}

/// Each connection gets what it has agreed on: no compression, compression, compression with a small window or without takeover, or
/// a draft's own frames. Through senders from another thread, and in a handler, between messages that are not prepared.
pub fn a_broadcast_in_every_variant<L: Loop>(way: Way) {
    let (mut script, _told) = Script::new();
    let (give, senders) = mpsc::channel();
    let news = [text(1, 20_000), text(7, 500), String::new()];
    let prepared = Arc::new(news.each_ref().map(|text| Prepared::new(text.clone())));
    script.open = Arc::new(move |context| give.send(context.sender()).expect("the test waits"));
    let answer = prepared.clone();
    script.message = Arc::new(move |context, _| {
        context.send(&answer[0]).expect("it is open");
        context.try_send(&answer[1]).expect("there is room");
    });
    let drafts = [Draft::Rfc6455, Draft::Hixie75].into_iter().collect();
    let config = Config { drafts, ..rfc7692::config() };
    let host = Host::<L>::serve(Options { config: config.into(), ..Options::default() }, script);
    let mut hixie = host.peer();
    hixie::open(&mut hixie, way, Draft::Hixie75);
    // In this order the variants are made: the one that looks back furthest is there when less is asked for.
    let join = |mut peer: Peer, draft| {
        let sender = senders.recv_timeout(WATCHDOG).expect("a sender");
        sender.try_send(&prepared[0]).expect("room");
        hixie::expect_text(&mut peer, draft, &news[0]);
        (peer, draft, sender)
    };
    let mut room = [
        join(hixie, Draft::Hixie75),
        join(host.open(), Draft::Rfc6455),
        join(rfc7692::open(&host, ""), Draft::Rfc6455),
        join(rfc7692::open(&host, "; server_max_window_bits=9"), Draft::Rfc6455),
        join(rfc7692::open(&host, "; server_no_context_takeover"), Draft::Rfc6455),
    ];
    for turn in 0..3 {
        for (_, _, sender) in &room {
            sender.try_send(&prepared[0]).expect("room");
            sender.send_blocking(news[1].repeat(turn)).expect("it is open");
            sender.send_blocking(&prepared[1]).expect("it is open");
            sender.try_send(news[0].clone()).expect("room");
            sender.send_blocking(&prepared[2]).expect("it is open");
        }
        for (peer, draft, _) in &mut room {
            for expected in [&news[0], &news[1].repeat(turn), &news[1], &news[0], &news[2]] {
                hixie::expect_text(peer, *draft, expected);
            }
            let bytes = hixie::text(peer, *draft, "and to me?");
            peer.write(bytes);
            for expected in &news[..2] {
                hixie::expect_text(peer, *draft, expected);
            }
        }
    }
    for (n, (peer, ..)) in room.iter().enumerate() {
        assert!(if n < 2 { peer.compressed == 0 } else { peer.compressed > 3 * 5 }, "{n}: {}", peer.compressed);
    }
    let furthest = |peer: &Peer| peer.deflate.as_ref().map_or(0, |naive| naive.furthest);
    assert!(furthest(&room[3].0) <= 512 && furthest(&room[2].0) > 512, "no window but its own");
    // What is no text cannot be sent on the draft, and harms nobody.
    let binary = Prepared::new(vec![7; 5000]);
    for (_, _, sender) in &room {
        sender.try_send(&binary).expect("room");
        sender.close(1000, "").expect("what may be sent");
        // The message itself comes back.
        let Err(TrySendError::Closed(back)) = sender.try_send(&binary) else { panic!("it is closed") };
        assert_eq!(back, *binary.message());
    }
    for (peer, draft, _) in &mut room {
        if *draft == Draft::Rfc6455 {
            assert_eq!(peer.frame().payload, [7; 5000]);
            assert_eq!(peer.close_frame().0, Some(1000));
            peer.send(&Frame::close(1000, ""));
            peer.part();
        } else {
            peer.expect_end();
        }
    }
}

/// A socket of either role sends it like any other message. A client masks it.
pub fn a_socket_sends_what_is_prepared<L: Loop>(way: Way) {
    let prepared = Prepared::new(text(1, 20_000));
    for parameters in ["", "; client_no_context_takeover; server_no_context_takeover"] {
        let host = Host::<L>::idle_with(way, rfc7692::config());
        let message = prepared.clone();
        let mut peer = host.use_socket(move |mut socket| {
            for _ in 0..3 {
                socket.send_prepared(&message).expect("it is open");
                socket.send(OwnedMessage::from("between")).expect("it is open");
                socket.offer_prepared(&message).expect("there is room");
            }
            while socket.recv().expect("it is closed").is_some() {}
            let refused = socket.offer_prepared(&message);
            assert!(
                matches!(refused, Err(TrySendError::Closed(_) | TrySendError::Refused(SendError::Closing))),
                "{refused:?}"
            );
        });
        peer.greet();
        rfc7692::negotiate(&mut peer, parameters);
        for n in 0..9 {
            let expected = if n % 3 == 1 { "between" } else { prepared.message().as_text().expect("a text") };
            if !parameters.is_empty() {
                peer.deflate = Some(Naive::default());
            }
            peer.expect(&Frame::new(TEXT, expected));
        }
        assert!(peer.compressed >= 6);
        peer.close();
    }
}
