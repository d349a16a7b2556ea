//! How an endpoint writes: what waits in the outbox, through the transport, to the socket; or by way of whoever writes it
//! without holding the endpoint.

use super::{Endpoint, Output};
use crate::{Outbox, Piece, State, Timeout, Transport};
use std::{
    io::{self, IoSlice},
    mem,
    time::Duration,
};

/// A transport, and what it has made of the outbox.
pub(super) struct Layer {
    pub(super) transport: Box<dyn Transport>,
    wire: Vec<u8>,
    written: usize,
    /// Bytes of the outbox that `wire` stands for; they leave the outbox when `wire` is written.
    sealed: usize,
    /// `wire` is with whoever writes it.
    taken: bool,
    closed: bool,
    /// It cannot go on, and says only why.
    pub(super) failed: bool,
}

impl Endpoint {
    /// Drains the outbox as far as the socket takes it; half-closes when nothing will follow.
    pub fn flush(&mut self, output: &mut impl Output) {
        self.flush_front(&[], output);
    }

    /// The same, with what lies in `front` before it.
    #[inline]
    pub(super) fn flush_front(&mut self, front: &[u8], output: &mut impl Output) {
        // Also where the stream cannot be flushed now: who sent it may close, which has a deadline.
        self.deliver();
        if self.connection.outbox.fronted() > 0 {
            self.write_front(front, output);
        }
        let outbox = &mut self.connection.outbox;
        let is_all = outbox.has_only_front() && self.layer.is_none();
        if is_all && outbox.unflushed {
            match output.flush() {
                Ok(()) => outbox.unflushed = false,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return self.fail(&error),
            }
        }
        if !is_all || outbox.unflushed || outbox.owes_end() || self.mailbox.is_some() {
            self.flush_rest(output);
        }
    }

    /// What lies in front is written.
    fn flush_rest(&mut self, output: &mut impl Output) {
        loop {
            self.deliver();
            match self.write(output) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return self.fail(&error),
            }
        }
        if self.connection.outbox.is_finished() && !self.connection.outbox.shut {
            // A socket that cannot be half-closed any more is closed already.
            self.connection.outbox.shut =
                !matches!(output.shutdown(), Err(error) if error.kind() == io::ErrorKind::WouldBlock);
        }
    }

    /// Writes what lies in front, and what waits behind it, once; what the socket does not take waits.
    #[inline]
    fn write_front(&mut self, front: &[u8], output: &mut impl Output) {
        let outbox = &mut self.connection.outbox;
        let front = &front[outbox.front_range()];
        if !outbox.has_only_front() {
            return self.write_more(front, None, output);
        }
        match output.write(&[IoSlice::new(front)]) {
            Ok(n) if n == front.len() => {
                outbox.take_front(n);
                outbox.unflushed = true;
            }
            written => self.write_more(front, Some(written), output),
        }
    }

    /// The same, with what waits behind it, or where it was tried already and the socket did not take all.
    #[inline(never)]
    fn write_more(&mut self, front: &[u8], mut tried: Option<io::Result<usize>>, output: &mut impl Output) {
        let outbox = &mut self.connection.outbox;
        let mut slices = [IoSlice::new(&[]); SLICES];
        slices[0] = IoSlice::new(front);
        let filled = 1 + outbox.chunks_vectored(&mut slices[1..]);
        let written = loop {
            let written = tried.take().unwrap_or_else(|| output.write(&slices[..filled]));
            match written.and_then(taken) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                written => break written,
            }
        };
        let n = *written.as_ref().unwrap_or(&0);
        let left = outbox.take_front(n);
        if left > 0 {
            outbox.keep_front(&front[front.len() - left..]);
        } else {
            outbox.advance(n - front.len());
        }
        match written {
            Ok(_) => outbox.unflushed = true,
            Err(error) => self.fail(&error),
        }
    }

    /// Writes once, or flushes; whether there was anything to write.
    fn write(&mut self, output: &mut impl Output) -> io::Result<bool> {
        if self.write_some(output)? {
            self.connection.outbox.unflushed = true;
            return Ok(true);
        }
        if self.connection.outbox.unflushed {
            output.flush()?;
            self.connection.outbox.unflushed = false;
        }
        Ok(false)
    }

    fn write_some(&mut self, output: &mut impl Output) -> io::Result<bool> {
        let outbox = self.connection.outbox();
        if outbox.is_abandoned() {
            return Ok(false);
        }
        if let Some(layer) = &mut self.layer {
            if layer.taken {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            layer.seal(outbox)?;
            let waits = &layer.wire[layer.written..];
            if waits.is_empty() {
                return Ok(false);
            }
            let n = taken(output.write(&[IoSlice::new(waits)])?)?;
            layer.advance(n, outbox);
            return Ok(true);
        }
        if outbox.has_only_front() {
            return Ok(false);
        }
        let mut slices = [IoSlice::new(&[]); SLICES];
        let filled = outbox.chunks_vectored(&mut slices);
        if filled == 0 {
            return Ok(false);
        }
        let n = taken(output.write(&slices[..filled])?)?;
        outbox.advance(n);
        Ok(true)
    }

    /// Takes the next bytes that are to be written, by value, for whoever writes them without holding the endpoint: another
    /// thread, or the kernel. `None` when nothing waits, or while a piece is out. Give it back with
    /// [`restore`](Endpoint::restore). [`flush`](Endpoint::flush) half-closes when all is written.
    pub fn take(&mut self) -> Option<Piece> {
        self.deliver();
        let outbox = self.connection.outbox();
        let Some(layer) = &mut self.layer else { return outbox.take() };
        if layer.taken || outbox.is_abandoned() {
            return None;
        }
        if let Err(error) = layer.seal(outbox) {
            self.fail(&error);
            return None;
        }
        if layer.wire.is_empty() {
            return None;
        }
        layer.taken = true;
        Some(Piece::new(mem::take(&mut layer.wire), mem::take(&mut layer.written)))
    }

    /// Gives back a piece, with what writing it came to: how many of its first bytes were written, or an error that means
    /// what one of [`Output::write`] means. The rest goes first again.
    ///
    /// # Panics
    /// If more was written than the piece has.
    pub fn restore(&mut self, piece: Piece, written: io::Result<usize>) {
        let mut written = written.and_then(taken);
        let n = *written.as_ref().unwrap_or(&0);
        match &mut self.layer {
            None => self.connection.outbox().restore(piece, n),
            Some(layer) => {
                layer.taken = false;
                (layer.wire, layer.written) = piece.into_parts();
                layer.advance(n, &mut self.connection.outbox);
                // It may have something to say at the end, and is not closed before.
                written = written.and_then(|n| layer.seal(&self.connection.outbox).map(|()| n));
            }
        }
        if let Err(error) = written {
            self.fail(&error);
        }
    }

    /// The next piece of the transport waits, or is out.
    pub(super) fn has_wire(&self) -> bool {
        let waits = self.layer.as_ref().is_some_and(|layer| layer.taken || layer.written < layer.wire.len());
        waits && !self.is_abandoned()
    }

    /// The transport has something to say before the socket may be dropped, if only that it is over.
    pub(super) fn owes_wire(&self) -> bool {
        let owes = self.layer.as_ref().is_some_and(|layer| !layer.closed && !layer.failed);
        self.has_wire() || (owes && !self.is_abandoned())
    }

    /// Writing failed.
    pub(super) fn fail(&mut self, error: &io::Error) {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => return,
            io::ErrorKind::TimedOut => self.connection.give_up(Timeout::Write),
            _ => self.connection.receive_error(),
        }
        self.connection.outbox.unflushed = false;
    }

    /// Moves what other threads sent to the outbox, as far as there is room; what comes before the connection is open waits
    /// until it is.
    #[inline]
    pub fn deliver(&mut self) {
        if self.mailbox.is_some() {
            self.deliver_mail();
        }
    }

    fn deliver_mail(&mut self) {
        let Some(mailbox) = &self.mailbox else { return };
        if matches!(self.connection.state(), State::Connecting | State::Requested) {
            return;
        }
        while let Some(mail) = mailbox.take(self.connection.has_room() && self.connection.sending.is_none()) {
            // Whoever sent it was told that it may be lost if the connection closes first.
            let _ = mail.send(&mut self.connection);
        }
    }

    /// Nothing more can be sent from other threads.
    pub(crate) fn close_mailbox(&mut self) {
        if let Some(mailbox) = self.mailbox.take() {
            mailbox.close();
        }
    }
}

impl Layer {
    pub(super) fn new(transport: Box<dyn Transport>) -> Self {
        Layer { transport, wire: Vec::new(), written: 0, sealed: 0, taken: false, closed: false, failed: false }
    }

    /// When the transport wants to be told the time.
    pub(super) fn poll_timeout(&self) -> Option<Duration> {
        if self.failed { None } else { self.transport.poll_timeout() }
    }

    /// Makes the next piece of `wire`, where the last is written.
    fn seal(&mut self, outbox: &Outbox) -> io::Result<()> {
        if self.written < self.wire.len() {
            return Ok(());
        }
        self.wire.clear();
        self.written = 0;
        let plain = if self.transport.is_open() { outbox.chunk() } else { &[] };
        self.sealed = plain.len().min(SEAL);
        self.transport.send(&plain[..self.sealed], &mut self.wire)?;
        if self.wire.is_empty() && outbox.is_finished() && !self.closed && !self.failed {
            self.closed = true;
            self.transport.close(&mut self.wire);
        }
        if self.wire.is_empty() {
            self.wire = Vec::new();
        }
        Ok(())
    }

    /// So much more of `wire` is written.
    fn advance(&mut self, n: usize, outbox: &mut Outbox) {
        self.written += n;
        if self.written == self.wire.len() {
            outbox.advance(self.sealed.min(outbox.chunk().len()));
            self.sealed = 0;
        }
    }
}

impl std::fmt::Debug for Layer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Layer").field("wire", &self.wire.len()).finish_non_exhaustive()
    }
}

/// A socket that takes nothing and does not say why will never take anything.
pub(super) fn taken(n: usize) -> io::Result<usize> {
    if n == 0 { Err(io::ErrorKind::WriteZero.into()) } else { Ok(n) }
}

/// Slices to one vectored write.
const SLICES: usize = 16;
/// So much of the outbox goes through a transport at a time: a TLS record.
const SEAL: usize = 16 << 10;

#[cfg(test)]
mod tests;
