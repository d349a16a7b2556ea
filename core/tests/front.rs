//! Replies that go over consumed input, to the socket at once, or to the outbox come out whole and in order, whatever the
//! socket takes.

mod common;

use common::chance::Chance;
use std::{
    io::{self, ErrorKind, IoSlice},
    sync::Arc,
};
use timtow_core::{
    Access, Buffers, Config, Connection, Endpoint, Event, Input, Message, Output, Role,
    app::{Context, Options, Server, Session, on_message},
};

/// Takes as much as chance wills, or nothing.
struct Fickle {
    chance: Chance,
    bytes: Vec<u8>,
}

impl Output for Fickle {
    fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let all: Vec<u8> = slices.iter().flat_map(|slice| slice.to_vec()).collect();
        let n = match self.chance.below(4) {
            0 => return Err(ErrorKind::WouldBlock.into()),
            1 => 1 + self.chance.below(all.len()),
            _ => all.len(),
        };
        self.bytes.extend_from_slice(&all[..n]);
        Ok(n)
    }

    fn shutdown(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What the client sends: messages of all sizes, and pings between them.
fn wire(chance: &mut Chance) -> Vec<u8> {
    let mut client = Connection::upgraded(Role::Client, Arc::new(Config::default()));
    for n in 0..60 {
        let size = match chance.below(5) {
            0 => chance.below(70_000),
            1 => chance.below(9_000),
            _ => chance.below(300),
        };
        match chance.below(6) {
            0 => client.ping(&[n; 9]).unwrap(),
            1 => client.send("ä".repeat(size / 2)).unwrap(),
            _ => client.send(vec![n; size]).unwrap(),
        }
    }
    common::drain(&mut client)
}

/// What is to come back for it.
fn expected(wire: &[u8]) -> Vec<u8> {
    let mut server =
        Connection::upgraded(Role::Server, Arc::new(Config { high_water: usize::MAX, ..Config::default() }));
    let mut out = Vec::new();
    // A frame at a time, so that no pong is coalesced.
    for byte in wire.chunks(64) {
        common::feed(&mut server, byte, answer);
        out.extend(common::drain(&mut server));
    }
    out
}

fn answer(ws: &mut Connection, event: Event<'_>) {
    if let Event::Message(message) = event {
        let size = message.as_bytes().len();
        ws.send(message).unwrap();
        ws.send(more(size)).unwrap();
    }
}

/// Something small, which fits where an echo may not, or now and then more than fits anywhere.
fn more(size: usize) -> Vec<u8> {
    vec![size as u8; if size % 7 == 3 { 80_000 } else { size % 7 }]
}

/// An echo, and something behind it.
fn reply(context: &mut Context<'_>, message: Message<'_>) {
    let size = message.as_bytes().len();
    context.send(message).unwrap();
    context.send(more(size)).unwrap();
}

#[test]
fn replies_are_whole_and_in_order_whatever_the_socket_takes() {
    for seed in 0..60 {
        let mut chance = Chance::new(seed);
        let (wire, options) = (wire(&mut chance), Options::default());
        let server = Server::new(on_message(reply), options);
        let (mut session, mut endpoint) = (Session::new(&server, None), Endpoint::server(&server.options));
        let mut socket = Fickle { chance: Chance::new(!seed), bytes: Vec::new() };
        let mut buffers = Buffers::default();
        let all = [common::REQUEST.as_bytes(), &wire].concat();
        let mut rest = &all[..];
        for _ in 0..100_000 {
            let input = if endpoint.wants_read() && !rest.is_empty() {
                let most = match chance.below(4) {
                    0 => chance.below(40),
                    _ => usize::MAX,
                };
                let room = endpoint.room(&mut buffers);
                let n = rest.len().min(room.len()).min(most.max(1));
                room[..n].copy_from_slice(&rest[..n]);
                rest = &rest[n..];
                Input::Read(n)
            } else if !endpoint.wants_write() && !endpoint.wants_turn() {
                break;
            } else {
                Input::Nothing
            };
            session.turn(Access::Direct(&mut endpoint), &mut buffers, input, &mut socket);
        }
        assert!(rest.is_empty() && !endpoint.wants_write(), "seed {seed} does not come to its end");
        let head = socket.bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
        assert!(socket.bytes[head..] == expected(&wire), "seed {seed}");
        #[cfg(feature = "counters")]
        assert_eq!(endpoint.connection.counters().bytes_sent, socket.bytes.len() as u64, "seed {seed}");
    }
}

/// Takes everything; how many bytes each slice of each write had.
#[derive(Default)]
struct Slices {
    written: Vec<Vec<usize>>,
    bytes: Vec<u8>,
}

impl Output for Slices {
    fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.written.push(slices.iter().map(|slice| slice.len()).collect());
        slices.iter().for_each(|slice| self.bytes.extend_from_slice(slice));
        Ok(self.written.last().unwrap().iter().sum())
    }

    fn shutdown(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// One turn about messages of these sizes, answered by `reply`: what was written.
fn turn(sizes: &[usize], reply: fn(&mut Context<'_>, Message<'_>)) -> Slices {
    let server = Server::new(on_message(reply), Options::default());
    let (mut session, mut endpoint) = (Session::new(&server, None), Endpoint::server(&server.options));
    let mut client = Connection::upgraded(Role::Client, Arc::new(Config::default()));
    for (n, size) in sizes.iter().enumerate() {
        client.send(vec![n as u8; *size]).unwrap();
    }
    let mut buffers = Buffers::default();
    let mut written = Slices::default();
    for input in [common::REQUEST.as_bytes(), &common::drain(&mut client)] {
        written = Slices::default();
        buffers.input()[..input.len()].copy_from_slice(input);
        session.turn(Access::Direct(&mut endpoint), &mut buffers, Input::Read(input.len()), &mut written);
    }
    written
}

/// The frame of a message of so many bytes.
fn frame(byte: u8, size: usize) -> Vec<u8> {
    let mut server = Connection::upgraded(Role::Server, Arc::new(Config::default()));
    server.send(vec![byte; size]).unwrap();
    common::drain(&mut server)
}

#[test]
fn an_echo_is_one_piece_where_it_came() {
    for (size, header) in [(2048, 4), (2049, 4), (4096 + 8, 4), (16 << 10, 4), (0xffff, 4), (64 << 10, 10)] {
        let written = turn(&[size], |context, message| context.send(message).unwrap());
        assert_eq!(written.written, [[size + header]]);
        assert!(written.bytes == frame(0, size));
    }
}

#[test]
fn what_follows_such_an_echo_goes_behind_it() {
    // In the same callback.
    let written = turn(&[16 << 10], reply);
    assert_eq!(written.written, [[(16 << 10) + 4, 6]]);
    let twice = |context: &mut Context<'_>, message: Message<'_>| {
        let again = message.as_bytes();
        context.send(&again[..5000]).unwrap();
        context.send(again).unwrap();
        context.send("bye").unwrap();
    };
    let bytes = [frame(0, 5000), frame(0, 16 << 10), [&[0x81, 3][..], b"bye"].concat()].concat();
    assert!(turn(&[16 << 10], twice).bytes == bytes);
    // In that of a small message behind it.
    for second in [0, 3, 2047] {
        let written = turn(&[16 << 10, second], |context, message| context.send(message).unwrap());
        let bytes = [frame(0, 16 << 10), frame(1, second)].concat();
        assert_eq!(written.written, [[(16 << 10) + 4, bytes.len() - (16 << 10) - 4]]);
        assert!(written.bytes == bytes);
    }
    // A small one before it is not next to it.
    let written = turn(&[3, 16 << 10], |context, message| context.send(message).unwrap());
    assert!(written.bytes == [frame(0, 3), frame(1, 16 << 10)].concat());
}

#[test]
fn echoes_are_moved_together() {
    let sizes = [2048, 16 << 10, 4096, 30_000, 4097, 3000];
    let written = turn(&sizes, |context, message| context.send(message).unwrap());
    let bytes = sizes.iter().zip(0..).flat_map(|(size, n)| frame(n, *size)).collect::<Vec<_>>();
    assert_eq!(written.written, [[bytes.len()]]);
    assert!(written.bytes == bytes);
    // What is not sent back is not in the way, nor is what is sent instead.
    let odd = |context: &mut Context<'_>, message: Message<'_>| match message.as_bytes()[0] {
        n if n % 2 == 1 => context.send(message).unwrap(),
        0 => {}
        n => context.send(vec![n; 10]).unwrap(),
    };
    let bytes = [frame(1, 16 << 10), frame(2, 10), frame(3, 30_000), frame(4, 10), frame(5, 3000)].concat();
    assert!(turn(&sizes, odd).bytes == bytes);
}

#[test]
fn replies_that_end_where_the_header_of_an_echo_would_go_are_no_trouble() {
    // Room in front of what is read, with the header of the message that came, less that of its echo.
    for size in [16 << 10, 64 << 10] {
        let written = turn(&[size], |context, message| {
            context.send(&[9; 4096][..]).unwrap();
            context.send(message.as_bytes()).unwrap();
            context.send(message.as_bytes()).unwrap();
            context.send(&[7; 5000][..]).unwrap();
        });
        let bytes = [frame(9, 4096), frame(0, size), frame(0, size), frame(7, 5000)].concat();
        assert!(written.bytes == bytes, "{size}");
    }
}

#[test]
fn a_part_of_what_came_may_go_back() {
    let half = |context: &mut Context<'_>, message: Message<'_>| context.send(&message.as_bytes()[..9000]).unwrap();
    let written = turn(&[16 << 10], half);
    assert_eq!(written.written, [[9004]]);
    assert!(written.bytes == frame(0, 9000));
    let rest = |context: &mut Context<'_>, message: Message<'_>| context.send(&message.as_bytes()[1..]).unwrap();
    assert!(turn(&[16 << 10], rest).bytes == frame(0, (16 << 10) - 1));
}

#[cfg(feature = "counters")]
#[test]
fn a_text_that_is_none_is_counted_once() {
    for size in [3, 2500] {
        let server = Server::new(on_message(reply), Options::default());
        let (mut session, mut endpoint) = (Session::new(&server, None), Endpoint::server(&server.options));
        let mut client = Connection::upgraded(Role::Client, Arc::new(Config::default()));
        client.send(vec![0xff; size]).unwrap();
        let mut frame = common::drain(&mut client);
        frame[0] = 0x81;
        let mut buffers = Buffers::default();
        for input in [common::REQUEST.as_bytes(), &frame] {
            buffers.input()[..input.len()].copy_from_slice(input);
            let mut written = Slices::default();
            session.turn(Access::Direct(&mut endpoint), &mut buffers, Input::Read(input.len()), &mut written);
        }
        let came = common::REQUEST.len() + frame.len();
        assert_eq!(endpoint.connection.counters().bytes_received, came as u64, "{size}");
    }
}
