//! A peer that sends and does not read: the endpoint must stop reading, and lose nothing.

use crate::{
    Host, Loop, Task, WATCHDOG, Way,
    frame::{BINARY, Frame, TEXT},
};
use std::{
    io::{ErrorKind, Write},
    net::TcpStream,
    sync::mpsc,
    time::Duration,
};
use timtow_core::Config;

/// What a peer can get rid of only if the endpoint keeps it: more than all buffers of a connection's two sockets.
pub const MORE_THAN_BUFFERS: usize = 96 << 20;
/// Once it could not write for so long, the peer begins to read; by then the endpoint may have stopped.
const STALL: Duration = Duration::from_millis(150);

/// A peer that writes and does not read is stopped by TCP, since the endpoint stops reading above its high-water mark;
/// then everything arrives, in order, while the peer goes on writing.
pub fn a_reader_that_stops<L: Loop>(way: Way) {
    let host = Host::<L>::with_small_buffers(way, Config { ping_interval: None, ..Config::default() });
    for len in [40, 20 << 10] {
        let mut peer = host.open_small();
        let mask = peer.mask();
        let frame =
            move |number: u64| Frame::new(BINARY, [&number.to_be_bytes()[..], &vec![number as u8; len]].concat());
        let seal = move |bytes: Vec<u8>| {
            if !way.transport {
                return bytes;
            }
            let mut wire = Vec::new();
            crate::record::encode(&bytes, &mut wire);
            wire
        };
        let (stalled, stalls) = mpsc::channel();
        let writer = peer.writer();
        let writing = Task::spawn(move || {
            let mut writer = Writer::new(writer, stalled);
            let mut number = 0;
            // Until it stalls, and then as much again.
            let mut last = u64::MAX;
            while number < last {
                // Many frames in one write, where they are small.
                let mut bytes = Vec::new();
                while bytes.len() < 64 << 10 {
                    bytes.extend(frame(number).encode(mask));
                    number += 1;
                }
                writer.write(&seal(bytes));
                if writer.stalled.is_none() && last == u64::MAX {
                    last = number + 100;
                }
            }
            writer.write(&seal(Frame::new(TEXT, number.to_string()).encode(mask)));
        });
        stalls.recv_timeout(WATCHDOG).expect("the endpoint stops reading");
        assert!(host.has_no_end());
        let mut number = 0;
        loop {
            let next = peer.frame();
            if next == Frame::new(TEXT, number.to_string()) {
                break;
            }
            assert!(next == frame(number), "not frame {number}");
            number += 1;
        }
        writing.join();
        peer.close();
        host.end().expect_clean(1000, "");
    }
}

/// Writes, and tells when it could not for a while.
pub(crate) struct Writer {
    stream: TcpStream,
    stalled: Option<mpsc::Sender<()>>,
    written: usize,
}

impl Writer {
    pub(crate) fn new(stream: TcpStream, stalled: mpsc::Sender<()>) -> Self {
        Writer { stream, stalled: Some(stalled), written: 0 }
    }

    pub(crate) fn write(&mut self, mut bytes: &[u8]) {
        // The two handles share their timeouts with the peer's, which only reads now.
        while !bytes.is_empty() {
            let stall = if self.stalled.is_some() { STALL } else { WATCHDOG };
            self.stream.set_write_timeout(Some(stall)).expect("a write timeout");
            match self.stream.write(bytes) {
                Ok(n) => {
                    self.written += n;
                    bytes = &bytes[n..];
                    assert!(
                        self.stalled.is_none() || self.written < MORE_THAN_BUFFERS,
                        "it reads on and on, and keeps what nobody takes"
                    );
                }
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    let stalled = self.stalled.take().expect("the endpoint reads again");
                    let _ = stalled.send(());
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
}

/// A reader that is slow gets everything, in order, though the endpoint can write only a little at a time.
pub fn a_slow_reader<L: Loop>(way: Way) {
    let host =
        Host::<L>::with_small_buffers(way, Config { high_water: 1 << 10, ping_interval: None, ..Config::default() });
    let mut peer = host.open_small();
    let frames: Vec<Frame> =
        (0..40_u32).map(|number| Frame::new(BINARY, number.to_be_bytes().repeat(10_000))).collect();
    let bytes = peer.encode_all(&frames);
    let wire = peer.sealed(&bytes);
    let mut writer = peer.writer();
    let writing = Task::spawn(move || writer.write_all(&wire).expect("the endpoint reads"));
    for frame in &frames {
        peer.expect(frame);
    }
    writing.join();
    peer.close();
    host.end().expect_clean(1000, "");
}
