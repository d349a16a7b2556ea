//! What the benchmarks of timtow's codec have in common: connections and bytes to feed them with, the core's leaf modules by
//! themselves, and what both are compared with.
//!
//! ```console
//! $ cargo bench -p timtow-benches                               # each part by itself, with criterion
//! $ cargo run --release -p timtow-benches --bin ratios          # interleaved, against the floor and other kernels
//! $ cargo run --release -p timtow-benches --bin cost -- allocations
//! $ .ci/cost.sh                                                 # instructions and allocations, against the budget
//! ```

use std::{
    io::{self, IoSlice},
    sync::Arc,
};
use timtow_core::{
    Access, Buffers, ClientRequest, Config, Connection, Deflate, DeflateParameters, Endpoint, Event, Input, Kind,
    MaskSource, Outgoing, Output, Response, Role,
    app::{Echo, Options, Server, Session},
};

pub mod floor;
pub mod kernels;
/// The leaf modules of the core: the same files, compiled once more, because nobody else is to call them.
pub mod leaf;

/// A connection that is open.
pub fn open(role: Role) -> Connection {
    ready(Connection::upgraded(role, Arc::new(Config::default())))
}

/// A connection that is open, and compresses.
pub fn open_deflate(role: Role) -> Connection {
    let config = Config { deflate: Some(Deflate::default()), ..Config::default() };
    ready(Connection::upgraded_with_deflate(role, Arc::new(config), DeflateParameters::default()))
}

fn ready(mut connection: Connection) -> Connection {
    // The first call finds out that the fast path holds.
    assert!(connection.receive(&mut &mut [][..]).is_none());
    connection
}

/// Text of so many bytes: for the most part ASCII, as in JSON, and some that is not.
pub fn text(size: usize) -> String {
    let mut text = String::with_capacity(size);
    let parts = r#"{"name": "Grüße", "κόσμε": [1, 2, 3], "漢字": true, "tim toady": "there is more than one way"}, "#;
    for character in parts.chars().cycle() {
        match size - text.len() {
            0 => break,
            left if left < character.len_utf8() => text.push('.'),
            _ => text.push(character),
        }
    }
    text
}

/// The beginning of a text, padded with ASCII where a character does not fit.
pub fn cut(text: &str, size: usize) -> Vec<u8> {
    let mut bytes = text.as_bytes()[..text.floor_char_boundary(size)].to_vec();
    bytes.resize(size, b'.');
    bytes
}

/// Bytes that are like nothing.
pub fn binary(size: usize) -> Vec<u8> {
    let mut state = 1u32;
    let byte = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..size).map(byte).collect()
}

/// `count` messages of `size` bytes, as `role` puts them on the wire.
///
/// Receiving unmasks in place. Binary messages may be received again as they then are; for text to stay text, a client's mask
/// for it changes nothing.
pub fn messages(role: Role, kind: Kind, size: usize, count: usize) -> Vec<u8> {
    let masks = match kind {
        Kind::Text => MaskSource::Source(Arc::new(|| [0; 4])),
        Kind::Binary => MaskSource::System,
    };
    let mut sender = Connection::upgraded(role, Arc::new(Config::with_masks(masks)));
    let (text, binary) = (text(size), binary(size));
    for _ in 0..count {
        let message: Outgoing<'_> = match kind {
            Kind::Text => text.as_str().into(),
            Kind::Binary => binary.as_slice().into(),
        };
        sender.send(message).expect("the connection is open");
    }
    wire(&mut sender)
}

/// All that waits to be sent.
pub fn wire(sender: &mut Connection) -> Vec<u8> {
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

/// Receives everything in `wire` and sends each message back, as a loop does in one turn with its `scratch` buffer. Returns
/// how many bytes were sent.
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

/// A server's side of one connection as every driver has it, with `serve`'s application that echoes: without a socket.
pub struct Turns {
    session: Session<Echo>,
    endpoint: Endpoint,
    buffers: Buffers,
}

/// Takes everything; how many bytes there were.
struct Taken(usize);

impl Output for Taken {
    fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let taken = slices.iter().map(|slice| slice.len()).sum();
        self.0 += taken;
        Ok(taken)
    }

    fn shutdown(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Turns {
    /// A connection that is open.
    pub fn open() -> Self {
        let server = Server::new(Echo, Options::default());
        let (session, endpoint) = (Session::new(&server, None), Endpoint::server(&server.options));
        let mut turns = Turns { session, endpoint, buffers: Buffers::default() };
        assert!(turns.echo(&opening()) > 0);
        turns
    }

    /// One turn: `wire` comes, as from a read, and is sent back. Returns how many bytes were sent.
    pub fn echo(&mut self, wire: &[u8]) -> usize {
        let mut taken = Taken(0);
        self.buffers.input()[..wire.len()].copy_from_slice(wire);
        let input = Input::Read(wire.len());
        self.session.turn(Access::Direct(&mut self.endpoint), &mut self.buffers, input, &mut taken);
        taken.0
    }
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
