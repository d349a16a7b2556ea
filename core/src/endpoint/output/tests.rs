//! Pieces by value are the bytes that `flush` writes, with and without a transport, and failures end the connection.

use super::*;
use crate::{Access, Buffers, Cause, Closed, Config, Connection, Event, Input, Response, Role, app::Options, turn};
use std::{sync::Arc, time::Duration};

/// Takes so many bytes at a time, or fails.
struct Socket {
    bytes: Vec<u8>,
    step: usize,
    error: Option<io::ErrorKind>,
    shut: bool,
}

impl Output for Socket {
    fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        if let Some(error) = self.error {
            return Err(error.into());
        }
        let gathered: Vec<u8> = slices.iter().flat_map(|slice| slice.to_vec()).take(self.step).collect();
        self.bytes.extend_from_slice(&gathered);
        Ok(gathered.len())
    }

    fn shutdown(&mut self) -> io::Result<()> {
        self.shut = true;
        Ok(())
    }
}

fn socket(error: Option<io::ErrorKind>) -> Socket {
    Socket { bytes: Vec::new(), step: 1000, error, shut: false }
}

/// Says hello first, and doubles every byte.
struct Doubling {
    hello: bool,
}

impl Transport for Doubling {
    fn receive(&mut self, wire: &mut [u8], plain: &mut Vec<u8>) -> io::Result<()> {
        plain.extend(wire.iter().step_by(2));
        Ok(())
    }

    fn send(&mut self, plain: &[u8], wire: &mut Vec<u8>) -> io::Result<()> {
        if !mem::replace(&mut self.hello, true) {
            wire.extend_from_slice(b"hello");
        }
        wire.extend(plain.iter().flat_map(|&byte| [byte, byte]));
        Ok(())
    }

    fn is_open(&self) -> bool {
        self.hello
    }

    fn close(&mut self, wire: &mut Vec<u8>) {
        wire.extend_from_slice(b"bye");
    }

    fn handle_timeout(&mut self, _: Duration) -> io::Result<()> {
        Ok(())
    }

    fn poll_timeout(&self) -> Option<Duration> {
        None
    }
}

/// An endpoint, with and without a transport, with messages of all kinds in its outbox.
fn endpoints() -> [Endpoint; 2] {
    let doubling = Options {
        transport: Some(Arc::new(|_| Box::new(Doubling { hello: false }) as Box<dyn Transport>)),
        ..Options::default()
    };
    [Options::default(), doubling].map(|options| {
        let mut endpoint = Endpoint::new(Connection::upgraded(Role::Server, options.config.clone()), &options);
        for message in [vec![1; 10], vec![2; 40_000], vec![3; 1]] {
            endpoint.connection.send(message).unwrap();
        }
        endpoint
    })
}

fn event_after(endpoint: &mut Endpoint) -> Option<Closed> {
    let mut closed = None;
    let mut socket = socket(None);
    turn(&mut Access::Direct(endpoint), &mut Buffers::new(1), Input::Nothing, &mut socket, |_, event| {
        if let Event::Closed(event) = event {
            closed = Some(event);
        }
    });
    assert!(socket.bytes.is_empty(), "nothing is written to a socket that failed");
    closed
}

#[test]
fn pieces_are_what_flush_writes() {
    for (mut flushed, mut taken) in endpoints().into_iter().zip(endpoints()) {
        let mut expected = socket(None);
        flushed.flush(&mut expected);
        assert!(!flushed.wants_write());

        let mut bytes = Vec::new();
        while let Some(piece) = taken.take() {
            assert!(taken.wants_write() && taken.take().is_none(), "one piece is out at a time");
            taken.flush(&mut socket(Some(io::ErrorKind::PermissionDenied)));
            let n = piece.len().min(1000);
            bytes.extend_from_slice(&piece[..n]);
            taken.restore(piece, Ok(n));
        }
        assert!(!taken.wants_write());
        assert_eq!(bytes, expected.bytes);
    }
}

#[test]
fn flush_half_closes_when_the_last_piece_is_back() {
    for mut endpoint in endpoints() {
        endpoint.connection.receive_eof();
        while endpoint.connection.receive(&mut &mut [][..]).is_some() {}
        let mut socket = socket(Some(io::ErrorKind::WouldBlock));
        while let Some(piece) = endpoint.take() {
            endpoint.flush(&mut socket);
            assert!(!socket.shut && !endpoint.is_closed());
            let n = piece.len();
            endpoint.restore(piece, Ok(n));
        }
        endpoint.flush(&mut socket);
        assert!(socket.shut && endpoint.is_closed());
    }
}

#[test]
fn a_piece_may_come_back_to_an_abandoned_endpoint() {
    for mut endpoint in endpoints() {
        let piece = endpoint.take().unwrap();
        endpoint.connection.receive_error();
        assert!(endpoint.is_abandoned());
        assert_eq!(event_after(&mut endpoint).unwrap().cause, Cause::Lost);
        endpoint.restore(piece, Ok(1));
        assert!(endpoint.take().is_none() && endpoint.is_closed() && !endpoint.wants_write());
    }
}

#[test]
fn a_failed_write_ends_the_connection_at_once() {
    let causes = [
        (io::ErrorKind::TimedOut, Cause::Timeout(Timeout::Write)),
        (io::ErrorKind::BrokenPipe, Cause::Lost),
        (io::ErrorKind::WriteZero, Cause::Lost),
    ];
    for (error, cause) in causes {
        for (mut flushed, mut taken) in endpoints().into_iter().zip(endpoints()) {
            flushed.flush(&mut socket(Some(error)));
            let piece = taken.take().unwrap();
            taken.restore(piece, if error == io::ErrorKind::WriteZero { Ok(0) } else { Err(error.into()) });
            for mut endpoint in [flushed, taken] {
                assert!(endpoint.is_abandoned());
                assert_eq!(event_after(&mut endpoint).unwrap().cause, cause);
                assert!(endpoint.is_closed());
            }
        }
    }
}

#[test]
fn what_may_pass_does_not_end_the_connection() {
    for error in [io::ErrorKind::WouldBlock, io::ErrorKind::Interrupted] {
        for mut endpoint in endpoints() {
            let piece = endpoint.take().unwrap();
            endpoint.restore(piece, Err(error.into()));
            assert!(!endpoint.is_abandoned() && endpoint.wants_write());
        }
    }
}

#[test]
fn an_abandoned_connection_has_nothing_more_to_say() {
    let seconds = Duration::from_secs;
    let config = Config { write_timeout: Some(seconds(30)), ping_interval: Some(seconds(30)), ..Config::default() };
    let options = Options { config: config.into(), ..Options::default() };
    let mut endpoint = Endpoint::new(Connection::upgraded(Role::Server, options.config.clone()), &options);
    endpoint.connection.send("nobody reads this").unwrap();
    endpoint.handle_timeout(seconds(1));
    // The write deadline, and the next ping.
    endpoint.handle_timeout(seconds(31));
    assert!(endpoint.is_abandoned());
    assert!(endpoint.connection.outbox().is_empty(), "no ping behind the end");
    assert_eq!(endpoint.connection.ending().unwrap().cause, Cause::Timeout(Timeout::Write));
}

#[test]
fn reading_goes_on_where_whoever_sends_waits_for_room() {
    let [mut endpoint, _] = endpoints();
    endpoint.connection.send(vec![0; 100_000]).unwrap();
    assert!(!endpoint.wants_read());
    endpoint.connection.sender_waits = true;
    assert!(endpoint.wants_read());
}

#[test]
fn what_other_threads_send_before_the_opening_handshake_waits_for_its_end() {
    let options = Options::default();
    let mut endpoint = Endpoint::server(&options);
    let sender = endpoint.sender();
    sender.try_send("early").unwrap();
    let (mut buffers, mut socket) = (Buffers::new(1024), socket(None));
    turn(&mut Access::Direct(&mut endpoint), &mut buffers, Input::Nothing, &mut socket, |_, event| panic!("{event:?}"));
    assert!(socket.bytes.is_empty());
    let request = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    buffers.input()[..request.len()].copy_from_slice(request);
    let input = Input::Read(request.len());
    turn(&mut Access::Direct(&mut endpoint), &mut buffers, input, &mut socket, |access, event| {
        if let Event::Request(_) = event {
            access.with(|endpoint| endpoint.connection.accept(Response::default()).unwrap());
        }
    });
    assert!(socket.bytes.ends_with(b"\r\n\r\n\x81\x05early"));
    assert!(!sender.is_closed());
}

#[test]
fn mail_is_taken_from_senders_while_a_stream_cannot_be_flushed() {
    /// Takes everything, and keeps it.
    struct Full;

    impl Output for Full {
        fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
            Ok(slices.iter().map(|slice| slice.len()).sum())
        }

        fn shutdown(&mut self) -> io::Result<()> {
            Ok(())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::WouldBlock.into())
        }
    }
    let options = Options::default();
    let mut endpoint = Endpoint::new(Connection::upgraded(Role::Server, options.config.clone()), &options);
    let sender = endpoint.sender();
    endpoint.connection.send("first").unwrap();
    endpoint.flush(&mut Full);
    assert!(endpoint.wants_write() && endpoint.connection.buffered() == 0, "it is to be flushed again");
    sender.close(1000, "").unwrap();
    endpoint.flush(&mut Full);
    assert_eq!(endpoint.connection.state(), State::Closing, "its deadline begins");
}
