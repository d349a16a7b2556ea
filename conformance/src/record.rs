//! A transport for tests: it has a handshake of its own, changes lengths, keeps time, and says when it is over.
//!
//! Each side begins with a greeting, the server only when it has the client's. Then come records: a type, two bytes of
//! length, and up to 1,000 bytes that are not what they were. A record of type `TICK` is sent by time alone, one of type
//! `OVER` says that nothing follows. One of type `PIECE` is answered with `TAKEN` once it has been read: whoever waits for that
//! knows that the next one is read by itself, however the socket joins what was written.

use std::{io, mem, sync::Arc, time::Duration};
use timtow_core::{MakeTransport, Role, Transport};

/// What each side begins with.
pub const GREETING: &[u8] = b"record/1\n";
/// What is neither of those below.
const DATA: u8 = 1;
const TICK: u8 = 2;
const OVER: u8 = 3;
const PIECE: u8 = 4;
const TAKEN: u8 = 5;
/// Payload of a record at most.
const RECORD: usize = 1000;
/// The bytes of a record are changed by this.
const CHANGE: u8 = 0x5a;

/// The deadlines of the transport.
#[derive(Clone, Copy, Debug, Default)]
pub struct Times {
    /// Until the peer's greeting; it counts from the first time that the transport is told.
    pub greeting: Option<Duration>,
    /// From the greeting until a tick is sent.
    pub tick: Option<Duration>,
}

/// Makes such transports.
pub fn transport(times: Times) -> MakeTransport {
    Arc::new(move |role| Box::new(Records::new(role, times)))
}

/// Puts bytes into records.
pub fn encode(plain: &[u8], wire: &mut Vec<u8>) {
    for chunk in plain.chunks(RECORD) {
        put(DATA, chunk, wire);
    }
}

/// Puts bytes into records, and asks to be told when they were read.
pub fn encode_piece(plain: &[u8], wire: &mut Vec<u8>) {
    let (front, back) = plain.split_at(plain.len().saturating_sub(RECORD));
    encode(front, wire);
    put(PIECE, back, wire);
}

/// The record that says that nothing follows.
pub fn over(wire: &mut Vec<u8>) {
    put(OVER, &[], wire);
}

fn put(kind: u8, payload: &[u8], wire: &mut Vec<u8>) {
    wire.push(kind);
    wire.extend_from_slice(&(payload.len() as u16).to_be_bytes());
    wire.extend(payload.iter().map(|byte| byte ^ CHANGE));
}

/// What a side has received of the transport's protocol.
#[derive(Debug, Default)]
pub struct Decoder {
    /// What is not complete yet.
    waits: Vec<u8>,
    /// The greeting came.
    pub is_open: bool,
    /// Ticks that came.
    pub ticks: usize,
    /// Pieces that came.
    pieces: usize,
    /// Pieces that the peer has taken.
    pub taken: usize,
    /// The peer says that nothing follows.
    pub is_over: bool,
}

impl Decoder {
    /// Takes what was read, and appends what it means.
    ///
    /// # Errors
    /// Where it is not the transport's protocol.
    pub fn receive(&mut self, wire: &[u8], plain: &mut Vec<u8>) -> io::Result<()> {
        self.waits.extend_from_slice(wire);
        let mut rest = mem::take(&mut self.waits);
        if !self.is_open {
            let len = rest.len().min(GREETING.len());
            if rest[..len] != GREETING[..len] {
                return Err(io::Error::other("no greeting"));
            }
            if len < GREETING.len() {
                self.waits = rest;
                return Ok(());
            }
            self.is_open = true;
            rest.drain(..len);
        }
        let mut at = 0;
        while let Some(&[kind, high, low]) = rest[at..].first_chunk() {
            let len = usize::from(u16::from_be_bytes([high, low]));
            if self.is_over || len > RECORD {
                return Err(io::Error::other("a record behind the last one, or too long"));
            }
            let end = at + 3 + len;
            let Some(payload) = rest.get(at + 3..end) else { break };
            match kind {
                DATA => plain.extend(payload.iter().map(|byte| byte ^ CHANGE)),
                PIECE => {
                    plain.extend(payload.iter().map(|byte| byte ^ CHANGE));
                    self.pieces += 1;
                }
                TAKEN => self.taken += 1,
                TICK => self.ticks += 1,
                OVER => self.is_over = true,
                _ => return Err(io::Error::other("an unknown record")),
            }
            at = end;
        }
        self.waits = rest.split_off(at);
        Ok(())
    }
}

/// The endpoint's side.
#[derive(Debug)]
struct Records {
    times: Times,
    decoder: Decoder,
    greets: bool,
    greeted: bool,
    /// Pieces of which the peer was told that they were taken.
    told: usize,
    is_over: bool,
    deadline: Deadline,
    tick_is_due: bool,
}

/// The one deadline that is armed.
#[derive(Debug, PartialEq)]
enum Deadline {
    /// The time is needed to arm it.
    Unarmed,
    Greeting(Duration),
    Tick(Duration),
    None,
}

impl Records {
    fn new(role: Role, times: Times) -> Self {
        Records {
            times,
            decoder: Decoder::default(),
            greets: role == Role::Client,
            greeted: false,
            told: 0,
            is_over: false,
            deadline: Deadline::Unarmed,
            tick_is_due: false,
        }
    }
}

impl Transport for Records {
    fn receive(&mut self, wire: &mut [u8], plain: &mut Vec<u8>) -> io::Result<()> {
        let (was_open, pieces) = (self.decoder.is_open, self.decoder.pieces);
        self.decoder.receive(wire, plain)?;
        assert!(self.decoder.pieces <= pieces + 1, "pieces that should be read each by itself came together");
        // Nobody reads it again: a driver that takes it for plain text is found out.
        wire.fill(0xff);
        if self.decoder.is_open && !was_open {
            self.greets = true;
            self.deadline = Deadline::Unarmed;
        }
        Ok(())
    }

    fn send(&mut self, plain: &[u8], wire: &mut Vec<u8>) -> io::Result<()> {
        if self.greets && !mem::replace(&mut self.greeted, true) {
            wire.extend_from_slice(GREETING);
        }
        if mem::take(&mut self.tick_is_due) {
            put(TICK, &[], wire);
        }
        while !self.is_over && self.told < self.decoder.pieces {
            put(TAKEN, &[], wire);
            self.told += 1;
        }
        assert!(plain.is_empty() || self.is_open(), "plain text was offered before the transport was open");
        encode(plain, wire);
        Ok(())
    }

    fn is_open(&self) -> bool {
        self.decoder.is_open && self.greeted
    }

    fn close(&mut self, wire: &mut Vec<u8>) {
        if self.greeted {
            over(wire);
            self.is_over = true;
        }
    }

    fn handle_timeout(&mut self, now: Duration) -> io::Result<()> {
        match self.deadline {
            Deadline::Unarmed => {
                let (length, armed): (_, fn(Duration) -> Deadline) = match self.decoder.is_open {
                    false => (self.times.greeting, Deadline::Greeting),
                    true => (self.times.tick, Deadline::Tick),
                };
                self.deadline = length.map_or(Deadline::None, |length| armed(now + length));
            }
            Deadline::Greeting(deadline) if deadline <= now => {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "no greeting in time"));
            }
            Deadline::Tick(deadline) if deadline <= now => {
                self.tick_is_due = true;
                self.deadline = Deadline::None;
            }
            _ => {}
        }
        Ok(())
    }

    fn poll_timeout(&self) -> Option<Duration> {
        match self.deadline {
            Deadline::Unarmed => Some(Duration::ZERO),
            Deadline::Greeting(deadline) | Deadline::Tick(deadline) => Some(deadline),
            Deadline::None => None,
        }
    }
}
