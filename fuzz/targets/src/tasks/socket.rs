//! A socket that writes down what goes over it, and may fail.

use crate::{alloc, pipe::End};
use std::{
    cell::{Cell, RefCell},
    io::{self, ErrorKind, IoSlice},
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};
use timtow_core::{Output, task::Socket};

/// What became of a socket.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) enum Fate {
    #[default]
    Fine,
    /// Its peer sends no more, whatever was under way.
    Ended,
    /// Reading and writing fail.
    Failed,
}

/// What a test sees of a socket, and does to it.
#[derive(Default, Debug)]
pub(super) struct Notes {
    pub(super) fate: Cell<Fate>,
    /// All that was written.
    pub(super) wire: RefCell<Vec<u8>>,
}

/// One end of a pipe. What it allocates is not its connection's.
#[derive(Debug)]
pub(super) struct Noted {
    end: Option<End>,
    notes: Rc<Notes>,
}

impl Noted {
    pub(super) fn new(end: End, notes: &Rc<Notes>) -> Self {
        Noted { end: Some(end), notes: Rc::clone(notes) }
    }

    /// Bytes that wait to be read.
    pub(super) fn unread(&self) -> usize {
        self.end.as_ref().map_or(0, |end| end.unread().len())
    }

    fn with<R>(&mut self, f: impl FnOnce(&mut End, &Notes) -> io::Result<R>) -> Poll<io::Result<R>> {
        let Noted { end, notes } = self;
        let end = end.as_mut().expect("it is there until it is dropped");
        match alloc::uncounted(|| f(end, notes)) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Poll::Pending,
            result => Poll::Ready(result),
        }
    }
}

impl Drop for Noted {
    fn drop(&mut self) {
        alloc::uncounted(|| self.end = None);
    }
}

impl Socket for Noted {
    fn poll_read(&mut self, _: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.with(|end, notes| match notes.fate.get() {
            Fate::Fine => end.read(buffer),
            Fate::Ended => Ok(0),
            Fate::Failed => Err(ErrorKind::ConnectionReset.into()),
        })
    }

    fn poll_write(&mut self, _: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        self.with(|end, notes| {
            if notes.fate.get() == Fate::Failed {
                return Err(ErrorKind::ConnectionReset.into());
            }
            let written = end.write(slices)?;
            let bytes = slices.iter().flat_map(|slice| slice.iter().copied());
            notes.wire.borrow_mut().extend(bytes.take(written));
            Ok(written)
        })
    }

    fn poll_shutdown(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let end = self.end.as_mut().expect("it is there until it is dropped");
        Socket::poll_shutdown(end, context)
    }

    fn poll_deadline(&mut self, context: &mut Context<'_>, deadline: Option<Duration>) -> Poll<()> {
        let end = self.end.as_mut().expect("it is there until it is dropped");
        Socket::poll_deadline(end, context, deadline)
    }
}
