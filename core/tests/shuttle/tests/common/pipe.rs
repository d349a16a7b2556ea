//! A socket without a system, whose ends are used by several threads or tasks.

use shuttle::sync::{Condvar, Mutex, MutexGuard};
use std::{
    collections::VecDeque,
    io::{self, IoSlice},
    net::Shutdown,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};
use timtow_core::{blocking, clock, task};

/// One direction.
#[derive(Debug)]
struct Way {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    bytes: VecDeque<u8>,
    room: usize,
    /// The most bytes that one write was given.
    offered: usize,
    /// Half-closed by the writer; what is there is still read.
    ended: bool,
    /// The reader is gone.
    broken: bool,
    /// Only the last one who waits is known, as on any loop.
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// One end of a pipe.
#[derive(Debug)]
pub struct End {
    inbound: Arc<Way>,
    outbound: Arc<Way>,
    /// A write waits for room no longer than it takes to see that there is none.
    impatient: AtomicBool,
}

/// Two ends that are connected with each other, with room for so many bytes on the way.
pub fn pipe(room: usize) -> (End, End) {
    let way = || {
        let bytes = VecDeque::new();
        let state = State { bytes, room, offered: 0, ended: false, broken: false, reader: None, writer: None };
        Arc::new(Way { state: Mutex::new(state), changed: Condvar::new() })
    };
    let (a, b) = (way(), way());
    let end = |inbound: &Arc<Way>, outbound: &Arc<Way>| End {
        inbound: inbound.clone(),
        outbound: outbound.clone(),
        impatient: AtomicBool::new(false),
    };
    (end(&a, &b), end(&b, &a))
}

impl Way {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics with it")
    }

    /// Lets those know who wait for either side.
    fn change(&self, mut state: MutexGuard<'_, State>) {
        let wakers = [state.reader.take(), state.writer.take()];
        drop(state);
        self.changed.notify_all();
        wakers.into_iter().flatten().for_each(Waker::wake);
    }
}

impl State {
    fn read(&mut self, buffer: &mut [u8]) -> Option<usize> {
        let n = self.bytes.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(self.bytes.drain(..n)) {
            *to = from;
        }
        (n > 0 || self.ended).then_some(n)
    }

    fn write(&mut self, slices: &[IoSlice<'_>]) -> Option<io::Result<usize>> {
        if self.broken || self.ended {
            return Some(Err(io::ErrorKind::BrokenPipe.into()));
        }
        self.offered = slices.iter().map(|slice| slice.len()).sum::<usize>().max(self.offered);
        let before = self.bytes.len();
        for slice in slices {
            let n = slice.len().min(self.room.saturating_sub(self.bytes.len()));
            self.bytes.extend(&slice[..n]);
        }
        let n = self.bytes.len() - before;
        (n > 0).then_some(Ok(n))
    }
}

impl End {
    /// Reads, or waits.
    pub fn read(&self, buffer: &mut [u8]) -> usize {
        let mut state = self.inbound.lock();
        loop {
            if let Some(n) = state.read(buffer) {
                self.inbound.change(state);
                return n;
            }
            state = self.inbound.changed.wait(state).expect("nobody panics with it");
        }
    }

    fn write_some(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut state = self.outbound.lock();
        loop {
            if let Some(written) = state.write(slices) {
                self.outbound.change(state);
                return written;
            }
            if self.impatient.load(Ordering::Relaxed) {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            state = self.outbound.changed.wait(state).expect("nobody panics with it");
        }
    }

    /// Writes all of it.
    ///
    /// # Errors
    /// The other end is gone.
    pub fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let n = self.write_some(&[IoSlice::new(bytes)])?;
            bytes = &bytes[n..];
        }
        Ok(())
    }

    /// Half-closes.
    pub fn end(&self) {
        let mut state = self.outbound.lock();
        state.ended = true;
        self.outbound.change(state);
    }

    fn end_both(&self) {
        self.end();
        let mut state = self.inbound.lock();
        state.ended = true;
        state.broken = true;
        self.inbound.change(state);
    }

    /// Waits until the other end is gone.
    pub fn until_alone(&self) {
        let mut state = self.outbound.lock();
        while !state.broken {
            state = self.outbound.changed.wait(state).expect("nobody panics with it");
        }
    }

    /// The most bytes that one write of the other end was given, whether there was room for them or not.
    pub fn most_offered(&self) -> usize {
        self.inbound.lock().offered
    }

    /// Reads a head, and nothing behind it.
    pub fn read_head(&self) -> String {
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") {
            assert_eq!(self.read(&mut byte), 1, "the end inside a head");
            head.extend(byte);
        }
        String::from_utf8(head).expect("ASCII")
    }

    /// Drops what has come.
    pub fn forget_inbound(&self) {
        let mut state = self.inbound.lock();
        state.bytes.clear();
        state.offered = 0;
    }

    /// From now on there is so little room in both directions.
    pub fn make_scarce(&self, room: usize) {
        self.inbound.lock().room = room;
        self.outbound.lock().room = room;
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.end_both();
    }
}

impl blocking::Socket for End {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(self.read(buffer))
    }

    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        assert_eq!(timeout, None, "there is no deadline");
        Ok(())
    }

    fn write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.write_some(slices)
    }

    fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        // The clock stands still: a second is never over, and a millisecond is but a look.
        self.impatient.store(timeout.is_some_and(|timeout| timeout < Duration::from_secs(1)), Ordering::Relaxed);
        Ok(())
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        match how {
            Shutdown::Write => self.end(),
            Shutdown::Read | Shutdown::Both => self.end_both(),
        }
        Ok(())
    }
}

impl task::Socket for End {
    fn poll_read(&mut self, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut state = self.inbound.lock();
        match state.read(buffer) {
            Some(n) => {
                self.inbound.change(state);
                Poll::Ready(Ok(n))
            }
            None => {
                state.reader = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }

    fn poll_write(&mut self, context: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let mut state = self.outbound.lock();
        match state.write(slices) {
            Some(written) => {
                self.outbound.change(state);
                Poll::Ready(written)
            }
            None => {
                state.writer = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.end();
        Poll::Ready(Ok(()))
    }

    fn poll_deadline(&mut self, _: &mut Context<'_>, deadline: Option<Duration>) -> Poll<()> {
        if deadline.is_some_and(|deadline| deadline <= clock::now()) { Poll::Ready(()) } else { Poll::Pending }
    }
}
