//! What the benchmarks of timtow's codec are fed with. Run them with `cargo bench -p timtow-benches`.

use std::sync::Arc;
use timtow_core::{ClientRequest, Config, Connection, Event, Kind, Outgoing, Response, Role};

/// A connection that is open.
pub fn open(role: Role) -> Connection {
    let mut connection = Connection::upgraded(role, Arc::new(Config::default()));
    // The first call finds out that the fast path holds.
    assert!(connection.receive(&mut &mut [][..]).is_none());
    connection
}

/// `count` messages of `size` bytes, as `role` puts them on the wire.
pub fn messages(role: Role, kind: Kind, size: usize, count: usize) -> Vec<u8> {
    let mut sender = open(role);
    let text: String = "tim toady; ".chars().cycle().take(size).collect();
    for _ in 0..count {
        let message: Outgoing<'_> = match kind {
            Kind::Text => text.as_str().into(),
            Kind::Binary => text.as_bytes().into(),
        };
        sender.send(message).expect("the connection is open");
    }
    let mut wire = Vec::new();
    sender.outbox().write_to(&mut wire).expect("memory takes everything");
    wire
}

/// Receives everything in `wire`; returns how many messages there were.
pub fn receive(connection: &mut Connection, mut wire: &mut [u8]) -> usize {
    let mut messages = 0;
    while let Some(event) = connection.receive(&mut wire) {
        messages += usize::from(matches!(event, Event::Message(_)));
    }
    messages
}

/// Receives everything in `wire` and sends each message back, as a loop does in one turn with its `scratch` buffer.
pub fn echo(connection: &mut Connection, mut wire: &mut [u8], scratch: &mut Vec<u8>) -> usize {
    connection.outbox().lend(scratch);
    while let Some(event) = connection.receive(&mut wire) {
        if let Event::Message(message) = event {
            connection.send(message).expect("the connection is open");
        }
    }
    let sent = connection.outbox().len();
    connection.outbox().advance(sent);
    connection.outbox().reclaim(scratch);
    sent
}

/// The opening handshake that a client sends.
pub fn opening() -> Vec<u8> {
    let request = ClientRequest { host: "example.com".into(), target: "/chat".into(), ..ClientRequest::default() };
    let mut client = Connection::client(request, Arc::new(Config::default())).expect("the request is valid");
    client.outbox().chunk().to_vec()
}

/// A server's part of the opening handshake; returns the bytes of its answer.
pub fn accept(config: &Arc<Config>, request: &mut [u8]) -> usize {
    let mut server = Connection::server(config.clone());
    let mut input = request;
    while let Some(event) = server.receive(&mut input) {
        if let Event::Request(_) = event {
            server.accept(Response::default()).expect("the answer is valid");
        }
    }
    server.outbox().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_measured_happens() {
        let mut wire = messages(Role::Client, Kind::Text, 100, 3);
        assert_eq!(receive(&mut open(Role::Server), &mut wire.clone()), 3);
        assert_eq!(echo(&mut open(Role::Server), &mut wire, &mut Vec::new()), 3 * 102);
        assert!(accept(&Arc::new(Config::default()), &mut opening()) > 100);
    }
}
