//! One connection of the generator: its socket, what it may send, and what came back.

use std::{
    collections::VecDeque,
    io::{ErrorKind, Read as _, Write as _},
    net::Shutdown,
};

use mio::{Interest, Registry, Token, event::Event, net::TcpStream};

use super::{
    Protocol, Shared,
    check::Checker,
    opening::Answer,
    script::{self, CLOSE, PONG},
};
use crate::failure::{Failure, Result};

/// One connection.
pub(crate) struct Peer {
    /// Its number; decides which key and which first message it sends.
    pub(crate) index: usize,
    /// Its place in the fleet.
    pub(crate) slot: usize,
    /// Where it is in its life.
    pub(crate) stage: Stage,
    /// Messages that it may send, and has sent unless the socket is full.
    pub(crate) asked: u64,
    stream: TcpStream,
    /// Bytes of the request, later of the script, that the socket has taken.
    sent: u64,
    /// What came of the answer to the opening handshake.
    answer: Vec<u8>,
    /// Pongs and the close frame, which must wait for the end of a frame of the script.
    control: Vec<u8>,
    first: u64,
    checker: Checker,
    /// When messages were sent: (messages up to here, nanoseconds).
    batches: VecDeque<(u64, u64)>,
}

/// Where a connection is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stage {
    /// TCP is connecting.
    Connecting,
    /// The request is on its way.
    Opening,
    /// Messages may be sent.
    Open,
    /// The close frame is on its way.
    Closing,
    /// The end of the stream was seen.
    Closed,
}

impl Peer {
    /// Begins to connect.
    pub(crate) fn connect(index: usize, slot: usize, shared: &Shared, registry: &Registry) -> Result<Self> {
        let address = shared.target.address;
        let refused = |error| cannot_connect(&address, error);
        let mut stream = TcpStream::connect(address).map_err(refused)?;
        registry.register(&mut stream, Token(slot), Interest::READABLE | Interest::WRITABLE).map_err(refused)?;
        // Far apart, so that neighbours send different messages at a time.
        let first = index as u64 * 7;
        Ok(Peer {
            index,
            slot,
            stage: Stage::Connecting,
            asked: 0,
            stream,
            sent: 0,
            answer: Vec::new(),
            control: Vec::new(),
            first,
            checker: Checker::new(first),
            batches: VecDeque::new(),
        })
    }

    /// Messages that came back.
    pub(crate) fn messages(&self) -> u64 {
        self.checker.messages
    }

    /// Bytes that the socket has taken.
    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }

    /// Messages whose content was compared.
    pub(crate) fn compared(&self) -> u64 {
        self.checker.compared
    }

    /// Everything that was asked for came back.
    pub(crate) fn is_settled(&self) -> bool {
        self.checker.messages == self.asked
    }

    /// Does what the socket is ready for.
    pub(crate) fn turn(&mut self, event: &Event, shared: &Shared, input: &mut [u8]) -> Result<()> {
        if self.stage == Stage::Connecting && !self.connected(shared)? {
            return Ok(());
        }
        if event.is_writable() {
            self.flush(shared)?;
        }
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            self.read(event.is_read_closed(), shared, input)?;
        }
        Ok(())
    }

    /// Lets `messages` more be sent; `now` is remembered as their time.
    pub(crate) fn ask(&mut self, messages: u64, now: u64) {
        self.asked += messages;
        self.batches.push_back((self.asked, now));
    }

    /// Tells `record` how long the messages took that came back since the last call: (nanoseconds, messages).
    pub(crate) fn settle(&mut self, from: u64, now: u64, mut record: impl FnMut(u64, u64)) {
        let (mut from, until) = (from, self.checker.messages);
        while let Some((last, time)) = self.batches.front().copied().filter(|_| from < until) {
            let count = last.min(until) - from;
            record(now.saturating_sub(time), count);
            from += count;
            if last <= until {
                self.batches.pop_front();
            }
        }
    }

    /// Forgets when messages were sent that came back, or were taken back.
    pub(crate) fn forget(&mut self) {
        self.batches.clear();
    }

    /// Takes back what has not reached the socket, up to the end of a frame.
    pub(crate) fn cancel_unsent(&mut self, shared: &Shared) {
        self.asked = self.sent.div_ceil(shared.script.frame as u64);
    }

    /// Sends a close frame, or half-closes a raw connection.
    pub(crate) fn close(&mut self, shared: &Shared) -> Result<()> {
        if self.stage != Stage::Open {
            return Ok(());
        }
        self.stage = Stage::Closing;
        match shared.script.protocol {
            Protocol::Raw => {
                // The server may have gone already; then there is nothing to shut down.
                let _ = self.stream.shutdown(Shutdown::Write);
                Ok(())
            }
            Protocol::WebSocket => {
                self.control.extend(script::control_frame(CLOSE, &1000u16.to_be_bytes(), self.mask()));
                self.flush(shared)
            }
        }
    }

    /// Writes what may be written.
    pub(crate) fn flush(&mut self, shared: &Shared) -> Result<()> {
        match self.stage {
            Stage::Connecting | Stage::Closed => return Ok(()),
            Stage::Opening => return self.flush_request(shared),
            Stage::Open | Stage::Closing => {}
        }
        let frame = shared.script.frame as u64;
        loop {
            let inside = !self.sent.is_multiple_of(frame);
            let limit = if self.control.is_empty() { self.asked * frame } else { self.sent.next_multiple_of(frame) };
            if !self.control.is_empty() && !inside {
                let Some(written) = written(self.stream.write(&self.control), self.index)? else {
                    return Ok(());
                };
                self.control.drain(..written);
            } else if self.sent < limit {
                let bytes = shared.script.bytes(self.first, self.sent, limit);
                let Some(written) = written(self.stream.write(bytes), self.index)? else {
                    return Ok(());
                };
                self.sent += written as u64;
            } else {
                return Ok(());
            }
        }
    }

    fn flush_request(&mut self, shared: &Shared) -> Result<()> {
        let request = shared.opening.request(self.index);
        while (self.sent as usize) < request.len() {
            let rest = &request[self.sent as usize..];
            let Some(written) = written(self.stream.write(rest), self.index)? else {
                return Ok(());
            };
            self.sent += written as u64;
        }
        Ok(())
    }

    fn connected(&mut self, shared: &Shared) -> Result<bool> {
        let refused = |error| cannot_connect(&shared.target.address, error);
        if let Some(error) = self.stream.take_error().map_err(refused)? {
            return Err(refused(error));
        }
        match self.stream.peer_addr() {
            Err(error) if error.kind() == ErrorKind::NotConnected => return Ok(false),
            result => result.map_err(refused)?,
        };
        self.stream.set_nodelay(true).map_err(refused)?;
        self.stage = Stage::Opening;
        self.flush_request(shared)?;
        Ok(true)
    }

    /// Reads until a short read, which on an edge-triggered poller means that there is no more; after the peer's end,
    /// until that end.
    fn read(&mut self, to_the_end: bool, shared: &Shared, input: &mut [u8]) -> Result<()> {
        while self.stage != Stage::Closed {
            match self.stream.read(input) {
                Ok(0) => return self.ended("closed the connection"),
                Ok(len) => {
                    self.take(&input[..len], shared)?;
                    if len < input.len() && !to_the_end {
                        break;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return self.ended(&format!("broke the connection ({error})")),
            }
        }
        Ok(())
    }

    fn take(&mut self, input: &[u8], shared: &Shared) -> Result<()> {
        if self.stage != Stage::Opening {
            return self.check(input, shared);
        }
        self.answer.extend_from_slice(input);
        match shared.opening.judge(self.index, &self.answer) {
            Answer::Partial => Ok(()),
            Answer::Wrong(wrong) => Err(Failure::server(wrong)),
            Answer::Opened(len) => {
                self.stage = Stage::Open;
                self.sent = 0;
                let answer = std::mem::take(&mut self.answer);
                self.check(&answer[len..], shared)
            }
        }
    }

    fn check(&mut self, input: &[u8], shared: &Shared) -> Result<()> {
        let sent = self.sent / shared.script.frame as u64;
        let result = self.checker.receive(input, &shared.script, sent);
        result.map_err(|wrong| self.failure(&format!("{wrong}; this is not an echo server, or it has a bug")))?;
        while let Some(payload) = self.checker.pings.pop() {
            self.control.extend(script::control_frame(PONG, &payload, self.mask()));
        }
        if !self.control.is_empty() {
            self.flush(shared)?;
        }
        if self.checker.closed && self.stage == Stage::Open {
            return self.ended("sent a close frame");
        }
        Ok(())
    }

    /// The stream ended, which is an error unless we asked for it.
    fn ended(&mut self, how: &str) -> Result<()> {
        if self.stage == Stage::Closing {
            self.stage = Stage::Closed;
            return Ok(());
        }
        let when = match self.stage {
            Stage::Opening => "before it answered the opening handshake".to_owned(),
            _ => format!("after {} messages", self.checker.messages),
        };
        Err(self.failure(&format!("the server {how} {when}: see what it logged")))
    }

    fn failure(&self, what: &str) -> Failure {
        Failure::server(format!("connection {}: {what}", self.index + 1))
    }

    /// Masks of control frames vary like all others.
    fn mask(&self) -> [u8; 4] {
        (script::Random::new(self.sent ^ self.first ^ self.asked).next() as u32).to_ne_bytes()
    }
}

/// How much was written, `None` when the socket is full.
fn written(result: std::io::Result<usize>, index: usize) -> Result<Option<usize>> {
    match result {
        Ok(len) => Ok(Some(len)),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(error) if error.kind() == ErrorKind::Interrupted => Ok(Some(0)),
        // What the server has to say about it comes with the next read, if anything.
        Err(error) => Err(Failure::server(format!(
            "connection {}: the server broke the connection ({error}): see what it logged",
            index + 1
        ))),
    }
}

fn cannot_connect(address: &std::net::SocketAddr, error: std::io::Error) -> Failure {
    let advice = match error.raw_os_error().map(rustix::io::Errno::from_raw_os_error) {
        Some(rustix::io::Errno::ADDRNOTAVAIL) => "all local ports are in use, wait a minute or use fewer connections",
        Some(rustix::io::Errno::MFILE) => "raise the limit of open files (ulimit -n) or use fewer connections",
        _ => "start the server, or correct the address",
    };
    Failure::new(format!("cannot connect to {address} ({error}): {advice}"))
}
