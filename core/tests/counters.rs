//! What passed over a connection is counted, whatever way it took.

use std::sync::Arc;
use timtow_core::{Config, Connection, Counters, Event, Fragment, Role};

/// Everything that waits, as the driver takes it.
fn sent(ws: &mut Connection) -> Vec<u8> {
    let mut bytes = Vec::new();
    while !ws.outbox().is_empty() {
        let chunk = ws.outbox().chunk().to_vec();
        ws.outbox().advance(chunk.len());
        bytes.extend(chunk);
    }
    bytes
}

fn feed(ws: &mut Connection, bytes: &mut [u8]) {
    let mut input = bytes;
    while let Some(event) = ws.receive(&mut input) {
        drop(event);
    }
}

/// What a client sends, and what both sides have counted when a server has read it in pieces of `size`.
fn counted(size: usize, fragments: bool) -> (usize, Counters, Counters) {
    let config = Arc::new(Config { fragments, ..Config::default() });
    let mut client = Connection::upgraded(Role::Client, Arc::new(Config::default()));
    let mut server = Connection::upgraded(Role::Server, config);
    client.send("one").unwrap();
    client.send(vec![2; 100_000]).unwrap();
    client.ping(b"no message").unwrap();
    for fin in [false, false, true] {
        client.send_fragment(Fragment::binary(&b"piece"[..], fin)).unwrap();
    }
    client.close(1000, "").unwrap();
    let mut bytes = sent(&mut client);
    for piece in bytes.chunks_mut(size) {
        feed(&mut server, piece);
    }
    let mut answer = sent(&mut server);
    feed(&mut client, &mut answer);
    assert_eq!(server.counters().bytes_sent, client.counters().bytes_received);
    assert_eq!(client.counters().bytes_received, answer.len() as u64);
    (bytes.len(), client.counters(), server.counters())
}

#[test]
fn all_that_passed_is_counted_however_it_came() {
    for size in [1, 7, 1000, usize::MAX] {
        for fragments in [false, true] {
            let (bytes, client, server) = counted(size, fragments);
            assert_eq!((client.messages_sent, client.bytes_sent), (3, bytes as u64));
            assert_eq!((server.messages_received, server.bytes_received), (3, bytes as u64), "{size} {fragments}");
            assert_eq!((client.messages_received, server.messages_sent), (0, 0));
        }
    }
}

#[test]
fn what_is_set_aside_counts_once_and_what_fails_is_no_message() {
    let mut client = Connection::upgraded(Role::Client, Arc::new(Config::default()));
    let mut server = Connection::upgraded(Role::Server, Arc::new(Config::default()));
    client.send("one").unwrap();
    client.send("two").unwrap();
    let mut bytes = sent(&mut client);
    server.hold();
    feed(&mut server, &mut bytes);
    assert_eq!((server.counters().messages_received, server.counters().bytes_received), (0, bytes.len() as u64));
    server.release();
    while let Some(Event::Message(_)) = server.receive(&mut &mut [][..]) {}
    assert_eq!((server.counters().messages_received, server.counters().bytes_received), (2, bytes.len() as u64));
    // Masked with zero: no UTF-8, and a byte behind it.
    let mut wrong = [0x81, 0x81, 0, 0, 0, 0, 0xff, 0x81];
    feed(&mut server, &mut wrong);
    assert_eq!(server.counters().messages_received, 2);
    assert_eq!(server.counters().bytes_received, bytes.len() as u64 + 8);
}
