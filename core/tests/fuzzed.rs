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
