//! A socket without a system: two ends in one thread, which take and give as little as a test wants.

use std::{
    cell::RefCell,
    collections::VecDeque,
    io::{self, IoSlice},
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};
use timtow_core::{Output, clock, task};

/// One direction.
#[derive(Default, Debug)]
struct Way {
    bytes: VecDeque<u8>,
    /// Half-closed by the writer, once `bytes` are read.
    ended: bool,
    /// The reader is gone.
    broken: bool,
}

/// One end of a pipe.
#[derive(Debug)]
pub struct End {
    inbound: Rc<RefCell<Way>>,
    outbound: Rc<RefCell<Way>>,
    /// Bytes that wait to be read before writes block.
    pub window: usize,
    /// Bytes that one read or write takes at most.
    pub step: usize,
}

/// Two ends that are connected with each other.
pub fn pipe(window: usize, step: usize) -> (End, End) {
    let (a, b) = (Rc::new(RefCell::default()), Rc::new(RefCell::default()));
    let end = |inbound: &Rc<_>, outbound: &Rc<_>| End {
        inbound: Rc::clone(inbound),
        outbound: Rc::clone(outbound),
        window,
        step,
    };
    (end(&a, &b), end(&b, &a))
}

impl End {
    /// # Errors
    /// `WouldBlock` when nothing is there.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut way = self.inbound.borrow_mut();
        let n = way.bytes.len().min(buffer.len()).min(self.step);
        if n == 0 {
            return if way.ended { Ok(0) } else { Err(io::ErrorKind::WouldBlock.into()) };
        }
        for (to, from) in buffer.iter_mut().zip(way.bytes.drain(..n)) {
            *to = from;
        }
        Ok(n)
    }

    /// # Errors
    /// `WouldBlock` when there is no room, `BrokenPipe` when there is nobody.
    pub fn write_some(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut way = self.outbound.borrow_mut();
        assert!(!way.ended, "nothing is written after the end");
        if way.broken {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let n = self.window.saturating_sub(way.bytes.len()).min(bytes.len()).min(self.step);
        way.bytes.extend(&bytes[..n]);
        if n == 0 && !bytes.is_empty() { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(n) }
    }

    /// What the other end wrote and nobody read.
    pub fn unread(&self) -> Vec<u8> {
        self.inbound.borrow().bytes.iter().copied().collect()
    }

    pub fn is_ended(&self) -> bool {
        self.inbound.borrow().ended
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.outbound.borrow_mut().ended = true;
        self.inbound.borrow_mut().broken = true;
    }
}

impl Output for End {
    fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut written = 0;
        for slice in slices {
            match self.write_some(slice) {
                Ok(n) if n == slice.len() => written += n,
                Ok(n) => return Ok(written + n),
                Err(error) if written == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok(written)
    }

    fn shutdown(&mut self) -> io::Result<()> {
        self.outbound.borrow_mut().ended = true;
        Ok(())
    }
}

fn poll<T>(result: io::Result<T>) -> Poll<io::Result<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
        result => Poll::Ready(result),
    }
}

/// It wakes nobody: tests poll until nothing moves.
impl task::Socket for End {
    fn poll_read(&mut self, _: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        poll(self.read(buffer))
    }

    fn poll_write(&mut self, _: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        poll(self.write(slices))
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        poll(self.shutdown())
    }

    fn poll_deadline(&mut self, _: &mut Context<'_>, deadline: Option<Duration>) -> Poll<()> {
        if deadline.is_some_and(|deadline| deadline <= clock::now()) { Poll::Ready(()) } else { Poll::Pending }
    }
}
