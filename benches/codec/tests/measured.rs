//! What is measured happens.

use std::sync::Arc;
use timtow_benches::{
    Turns, accept, binary, echo, floor, kernels::KERNELS, leaf, messages, open, opening, receive, text,
};
use timtow_core::{Config, Kind, Role};

#[test]
fn messages_are_received_and_sent_back() {
    let mut wire = messages(Role::Client, Kind::Text, 100, 3);
    assert_eq!(receive(&mut open(Role::Server), &mut wire.clone()), 3);
    assert_eq!(echo(&mut open(Role::Server), &mut wire, &mut Vec::new()), 3 * 102);
    assert!(accept(&Arc::new(Config::default()), &mut opening()) > 100);
}

#[test]
fn a_turn_sends_back_what_came() {
    let mut turns = Turns::open();
    for (size, count) in [(16, 16), (1024, 1), (16 << 10, 1)] {
        let sent = turns.echo(&messages(Role::Client, Kind::Binary, size, count));
        assert_eq!(sent, messages(Role::Server, Kind::Binary, size, count).len());
    }
}

#[test]
fn the_floor_says_what_the_connection_says() {
    for (size, count) in [(0, 2), (16, 16), (125, 3), (126, 2), (1024, 3), (70_000, 1)] {
        let mut wire = messages(Role::Client, Kind::Binary, size, count);
        let mut out = vec![0; wire.len()];
        let end = floor::echo(&wire, &mut out, leaf::unmask_into);
        let mut connection = open(Role::Server);
        let mut input = &mut wire[..];
        while let Some(timtow_core::Event::Message(message)) = connection.receive(&mut input) {
            connection.send(message).unwrap();
        }
        assert_eq!(out[..end], timtow_benches::wire(&mut connection), "{count} messages of {size} bytes");
    }
}

#[test]
fn kernels_agree() {
    let (plain, mask) = (binary(1000), [1, 2, 3, 4]);
    for len in 0..plain.len() {
        let mut ours = plain[..len].to_vec();
        leaf::unmask(&mut ours, mask);
        let mut into = vec![0; len];
        leaf::unmask_into(&plain[..len], &mut into, mask);
        assert_eq!(into, ours, "{len} bytes");
        for (name, kernel) in KERNELS {
            let mut theirs = plain[..len].to_vec();
            assert!(!kernel(&mut theirs, mask) || theirs == ours, "{name}, {len} bytes");
        }
    }
}

#[test]
fn text_is_of_any_length_and_valid() {
    for size in (0..200).chain([65_536]) {
        assert_eq!(text(size).len(), size);
        assert!(leaf::is_text(text(size).as_bytes()) && leaf::is_text_in_pieces(text(size).as_bytes(), 7));
    }
}
