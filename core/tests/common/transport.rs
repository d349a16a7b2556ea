//! A transport that does all that a transport may do: it changes every byte and every length, needs a handshake and a
//! deadline of its own, and says when it closes and why it fails. Public, so that the suite of the adapters can use it.

use std::{io, sync::Arc, time::Duration};
use timtow_core::{MakeTransport, Role, Transport};

/// Records of three bytes of header (type, length) and a payload that is exclusive-ored with a running byte.
#[derive(Debug)]
pub struct Scrambler {
    role: Role,
    /// What came of a record that is not complete.
    partial: Vec<u8>,
    /// Records that are due whatever is sent.
    due: Vec<u8>,
    open: bool,
    greeted: bool,
    sent: u8,
    received: u8,
    patience: Duration,
    deadline: Option<Duration>,
}

const HELLO: u8 = 0x16;
const DATA: u8 = 0x17;
const CLOSE: u8 = 0x15;
const ALERT: u8 = 0x14;
/// Bytes of a record.
const MOST: usize = 1000;

impl Scrambler {
    pub fn new(role: Role) -> Self {
        Scrambler::with_patience(role, Duration::from_secs(5))
    }

    /// So long may its handshake take.
    pub fn with_patience(role: Role, patience: Duration) -> Self {
        let mut scrambler = Scrambler {
            role,
            partial: Vec::new(),
            due: Vec::new(),
            open: false,
            greeted: false,
            sent: 0,
            received: 0,
            patience,
            deadline: None,
        };
        if role == Role::Client {
            scrambler.greet();
        }
        scrambler
    }

    /// For `Options::transport`.
    pub fn make() -> MakeTransport {
        Arc::new(|role| Box::new(Scrambler::new(role)))
    }

    fn greet(&mut self) {
        self.greeted = true;
        let mut due = std::mem::take(&mut self.due);
        self.record(HELLO, b"hello", &mut due);
        self.due = due;
    }

    fn record(&mut self, kind: u8, payload: &[u8], wire: &mut Vec<u8>) {
        wire.push(kind);
        wire.extend((payload.len() as u16).to_be_bytes());
        for byte in payload {
            self.sent = self.sent.wrapping_mul(5).wrapping_add(1);
            wire.push(byte ^ self.sent);
        }
    }

    fn fail(&mut self, why: &str) -> io::Result<()> {
        let mut due = Vec::new();
        self.record(ALERT, why.as_bytes(), &mut due);
        self.due = due;
        Err(io::Error::new(io::ErrorKind::InvalidData, String::from(why)))
    }

    fn receive_record(&mut self, kind: u8, payload: &[u8], plain: &mut Vec<u8>) -> io::Result<()> {
        let mut clear = payload.to_vec();
        for byte in &mut clear {
            self.received = self.received.wrapping_mul(5).wrapping_add(1);
            *byte ^= self.received;
        }
        match kind {
            HELLO if clear == b"hello" && !self.open => {
                if self.role == Role::Server {
                    self.greet();
                }
                self.open = true;
                self.deadline = None;
            }
            DATA if self.open => plain.extend(clear),
            CLOSE if self.open => {}
            ALERT => return Err(io::ErrorKind::ConnectionAborted.into()),
            _ => return self.fail("unexpected record"),
        }
        Ok(())
    }
}

impl Transport for Scrambler {
    fn receive(&mut self, wire: &mut [u8], plain: &mut Vec<u8>) -> io::Result<()> {
        self.partial.extend_from_slice(wire);
        let bytes = std::mem::take(&mut self.partial);
        let mut rest = &bytes[..];
        while let [kind, high, low, behind @ ..] = rest {
            let len = usize::from(u16::from_be_bytes([*high, *low]));
            if len > MOST || !(ALERT..=DATA).contains(kind) {
                return self.fail("no record");
            }
            let Some((payload, behind)) = behind.split_at_checked(len) else { break };
            self.receive_record(*kind, payload, plain)?;
            rest = behind;
        }
        self.partial = rest.to_vec();
        Ok(())
    }

    fn send(&mut self, plain: &[u8], wire: &mut Vec<u8>) -> io::Result<()> {
        wire.append(&mut self.due);
        for piece in plain.chunks(MOST) {
            self.record(DATA, piece, wire);
        }
        Ok(())
    }

    fn is_open(&self) -> bool {
        self.open && self.greeted
    }

    fn close(&mut self, wire: &mut Vec<u8>) {
        self.record(CLOSE, b"", wire);
    }

    fn handle_timeout(&mut self, now: Duration) -> io::Result<()> {
        let deadline = *self.deadline.get_or_insert(now + self.patience);
        if self.open || now < deadline { Ok(()) } else { self.fail("too slow") }
    }

    fn poll_timeout(&self) -> Option<Duration> {
        if self.open { None } else { Some(self.deadline.unwrap_or(Duration::ZERO)) }
    }
}
