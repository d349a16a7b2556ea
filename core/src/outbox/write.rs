//! Writing an outbox with the standard library's means.

use super::Outbox;
use std::io::{self, IoSlice, Write};

impl Outbox {
    /// Fills `slices` with the next bytes in order; returns how many slices are filled.
    pub fn chunks_vectored<'o>(&'o self, slices: &mut [IoSlice<'o>]) -> usize {
        let (mut filled, mut start) = (0, self.start);
        let mut add = |bytes: &'o [u8]| {
            if !bytes.is_empty() && filled < slices.len() {
                slices[filled] = IoSlice::new(bytes);
                filled += 1;
            }
        };
        if self.taken > 0 {
            return 0;
        }
        for placed in self.pieces.iter() {
            add(&self.buffer[start..placed.at]);
            add(&placed.piece);
            start = placed.at;
        }
        add(&self.buffer[start..]);
        filled
    }

    /// Writes until everything is written or `writer` fails, as it does with `WouldBlock`. What was written is off the
    /// outbox in either case.
    ///
    /// # Errors
    /// Those of `writer` but `Interrupted`, and `WriteZero`.
    pub fn write_to(&mut self, writer: &mut impl Write) -> io::Result<()> {
        while !self.chunk().is_empty() {
            let mut slices = [IoSlice::new(&[]); SLICES];
            let written = if self.pieces.is_empty() {
                writer.write(self.chunk())
            } else {
                let filled = self.chunks_vectored(&mut slices);
                writer.write_vectored(&slices[..filled])
            };
            match written {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => self.advance(n),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Slices to one vectored write.
const SLICES: usize = 16;
