//! What fuzzing found, one test each.

mod common;

use common::{
    alloc::{self, Counting},
    config, drain, echo, feed, frame, open,
    pair::ROLES,
};
use std::sync::Arc;
use timtow_core::{Config, Event};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn nothing_is_kept_of_what_was_set_aside_behind_a_close_frame() {
    let config = Arc::new(Config { high_water: 100, ..config() });
    for role in ROLES {
        // The first message fills the outbox, so that the others are set aside.
        let input = [
            frame(role, 0x82, &[1; 200]),
            frame(role, 0x82, &[2; 200]),
            frame(role, 0x88, b""),
            frame(role, 0x82, &[3; 200]),
        ];
        let input = input.concat();
        let before = alloc::owned();
        let mut ws = open(role, &config);
        feed(&mut ws, &input, echo);
        let mut ends = 0;
        while ends == 0 {
            drain(&mut ws);
            feed(&mut ws, &[], |ws, event| {
                ends += usize::from(matches!(event, Event::Closed(_)));
                echo(ws, event);
            });
        }
        drain(&mut ws);
        assert!(ws.state().is_over());
        assert_eq!(alloc::owned() - before, 0, "{ws:?}");
    }
}

#[test]
fn nothing_is_kept_of_an_outbox_whose_transport_failed() {
    let config = Arc::new(config());
    for role in ROLES {
        let before = alloc::owned();
        let mut ws = open(role, &config);
        for _ in 0..100 {
            ws.send("never sent").unwrap();
        }
        ws.receive_error();
        feed(&mut ws, &[], |_, event| assert!(matches!(event, Event::Closed(_))));
        assert_eq!((ws.is_closed(), alloc::owned() - before), (true, 0));
    }
}

#[cfg(feature = "legacy")]
#[test]
fn nothing_is_kept_of_a_text_of_a_draft_that_was_too_long() {
    use timtow_core::{ClientRequest, Connection, Draft, Drafts, Response};

    for draft in [Draft::Hixie75, Draft::Hixie76] {
        let config = Arc::new(Config { max_frame: 10_000, drafts: Drafts::from_iter([draft]), ..config() });
        let request = ClientRequest { draft: Some(draft), ..common::client_request() };
        let asked = drain(&mut Connection::client(request, config.clone()).unwrap());
        let before = alloc::owned();
        let mut ws = Connection::server(config);
        feed(&mut ws, &asked, |ws, event| {
            if let Event::Request(_) = event {
                ws.accept(Response::default()).unwrap();
            }
        });
        let mut ends = 0;
        for piece in [&[0; 1][..], &[b'a'; 9000], &[b'a'; 9000]] {
            feed(&mut ws, piece, |_, event| ends += usize::from(matches!(event, Event::Closed(_))));
        }
        drain(&mut ws);
        assert_eq!((ends, alloc::owned() - before), (1, 0), "{draft}");
    }
}

#[cfg(feature = "legacy")]
#[test]
fn which_limit_a_text_of_a_draft_breaks_does_not_depend_on_how_it_is_cut() {
    use timtow_core::{Cause, ClientRequest, Closed, Connection, Draft, Drafts, Response, Violation};

    let limits =
        [(10, 20, Violation::MessageTooBig), (20, 10, Violation::FrameTooBig), (10, 10, Violation::FrameTooBig)];
    for (max_message, max_frame, violation) in limits {
        let drafts = Drafts::from_iter([Draft::Hixie76]);
        let config = Arc::new(Config { max_message, max_frame, drafts, ..config() });
        let request = ClientRequest { draft: Some(Draft::Hixie76), ..common::client_request() };
        let asked = drain(&mut Connection::client(request, config.clone()).unwrap());
        for size in [1, 7, 15, 100] {
            let mut ws = Connection::server(config.clone());
            feed(&mut ws, &asked, |ws, event| {
                if let Event::Request(_) = event {
                    ws.accept(Response::default()).unwrap();
                }
            });
            let mut causes = Vec::new();
            for piece in [&[0][..], &[b'a'; 50], &[0xff]].concat().chunks(size) {
                feed(&mut ws, piece, |_, event| match event {
                    Event::Closed(Closed { cause, .. }) => causes.push(cause),
                    event => panic!("{event:?}"),
                });
            }
            assert_eq!(causes, [Cause::Violation(violation)], "in pieces of {size}");
        }
    }
}

/// What is not UTF-8 becomes U+FFFD, of three bytes.
#[cfg(feature = "legacy")]
#[test]
fn a_text_of_a_draft_that_was_mended_costs_its_bytes_and_no_more() {
    use timtow_core::{Draft, Message, Role};

    for role in ROLES {
        for bad in [1, 100, 5000] {
            let mut ws = common::drafts::open(role, Draft::Hixie76, config());
            let input = [&[0][..], &[b'a'; 5000], &vec![0x80; bad], &[0xff]].concat();
            let (mut texts, before) = (0, alloc::owned());
            feed(&mut ws, &input, |ws, event| {
                let Event::Message(Message::Text(text)) = event else { panic!("{event:?}") };
                assert_eq!(text.len(), 5000 + 3 * bad, "{role:?}");
                // It moves to the outbox as it is.
                ws.send(Message::Text(text)).unwrap();
                texts += 1;
            });
            assert_eq!(texts, 1);
            let (owned, waits) = (alloc::owned() - before, ws.buffered() as isize);
            assert!(owned <= waits + 1024, "{owned} bytes for {waits}, {role:?}");
            assert!(role == Role::Client || drain(&mut ws).len() as isize == waits);
        }
    }
}

/// Text that is no UTF-8 from a byte on, that is over a limit from another on, and that is no DEFLATE behind its end: what is
/// wrong first is what the peer is told.
#[cfg(feature = "deflate")]
#[test]
fn which_fault_of_a_compressed_message_counts_does_not_depend_on_how_it_is_cut() {
    use timtow_core::{Cause, Closed, Connection, Deflate, DeflateParameters, Role, Violation};

    let text = [&[b'a'; 3000][..], b"\xff", &[b'b'; 3000]].concat();
    let deflate = Some(Deflate { threshold: 0, ..Deflate::default() });
    let open = |role, config| Connection::upgraded_with_deflate(role, Arc::new(config), DeflateParameters::default());
    let mut sender = open(Role::Server, Config { deflate, ..config() });
    sender.send(&text[..]).unwrap();
    let sent = drain(&mut sender);
    // The final block's type is none that there is (RFC 1951 3.2.3), behind what the sender flushed.
    let payload = [&sent[2..], &[0x00, 0x00, 0xff, 0xff, 0x07]].concat();
    assert!(payload.len() < 126);
    let input = frame(Role::Server, 0xc1, &payload);
    for (max_message, max_frame, violation) in [
        (2999, 6000, Violation::MessageTooBig),
        (6000, 2999, Violation::FrameTooBig),
        (3001, 6000, Violation::TextNotUtf8),
        (9000, 9000, Violation::TextNotUtf8),
    ] {
        for (size, fragments) in (1..=input.len()).flat_map(|size| [(size, false), (size, true)]) {
            let mut ws = open(Role::Server, Config { deflate, max_message, max_frame, fragments, ..config() });
            let mut causes = Vec::new();
            for piece in input.chunks(size) {
                feed(&mut ws, piece, |_, event| match event {
                    Event::Fragment(_) if fragments => {}
                    Event::Closed(Closed { cause, .. }) => causes.push(cause),
                    event => panic!("{event:?}"),
                });
            }
            assert_eq!(causes, [Cause::Violation(violation)], "{max_message} {max_frame} in pieces of {size}");
        }
    }
    // Binary is anything, so that its end is what is wrong, or a limit before it.
    let input = frame(Role::Server, 0xc2, &payload);
    for (limit, violation) in [(6000, Violation::MessageTooBig), (6001, Violation::Undecodable)] {
        for size in 1..=input.len() {
            let mut ws = open(Role::Server, Config { deflate, max_message: limit, max_frame: 9000, ..config() });
            let mut causes = Vec::new();
            for piece in input.chunks(size) {
                feed(&mut ws, piece, |_, event| match event {
                    Event::Closed(Closed { cause, .. }) => causes.push(cause),
                    event => panic!("{event:?}"),
                });
            }
            assert_eq!(causes, [Cause::Violation(violation)], "{limit} in pieces of {size}");
        }
    }
}
