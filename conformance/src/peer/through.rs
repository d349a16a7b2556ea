//! A peer that speaks through the test transport, where there is one.

use super::Peer;
use crate::record;
use std::io::{self, Write};
use timtow_core::Role;

impl Peer {
    /// Does the opening handshake of the test transport, if there is one.
    pub fn greet(&mut self) {
        self.greet_in_pieces(record::GREETING.len());
    }

    /// As [`greet`](Peer::greet), so many bytes at a time.
    pub fn greet_in_pieces(&mut self, len: usize) {
        if self.decoder.is_none() {
            return;
        }
        if self.role == Role::Client {
            record::GREETING.chunks(len).for_each(|piece| self.write_wire(piece));
        }
        while !self.decoder.as_ref().is_some_and(|decoder| decoder.is_open) {
            assert!(self.fill(), "the end before the greeting");
        }
        if self.role == Role::Server {
            record::GREETING.chunks(len).for_each(|piece| self.write_wire(piece));
        }
    }

    /// What the bytes are on the wire.
    pub fn sealed(&self, bytes: &[u8]) -> Vec<u8> {
        match self.decoder {
            None => bytes.to_vec(),
            Some(_) => {
                let mut wire = Vec::new();
                record::encode(bytes, &mut wire);
                wire
            }
        }
    }

    /// As [`try_write`](Peer::try_write), and through the test transport it returns when the endpoint has read them, or has
    /// said that it reads no more: what is written next is then read by itself.
    ///
    /// # Errors
    /// The endpoint is gone.
    pub fn deliver(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(decoder) = self.decoder.as_ref().filter(|decoder| !decoder.is_over) else {
            return self.try_write(bytes);
        };
        let taken = decoder.taken + 1;
        let mut wire = Vec::new();
        record::encode_piece(bytes, &mut wire);
        self.stream.write_all(&wire)?;
        while self.decoder.as_ref().is_some_and(|decoder| decoder.taken < taken && !decoder.is_over) {
            if !self.try_fill()? {
                break;
            }
        }
        Ok(())
    }

    /// Ticks of the test transport that came.
    pub fn ticks(&self) -> usize {
        self.decoder.as_ref().map_or(0, |decoder| decoder.ticks)
    }
}
