//! Sending from other threads: a bounded mailbox that wakes the loop.

use crate::{CloseCode, Connection, OwnedMessage, SendError, endpoint::lock};
use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::Waker,
};

/// Sends on a connection from anywhere: cheap to clone, and never blocks.
///
/// What is sent waits in a mailbox that is bounded by [`Config::high_water`](crate::Config) in bytes until the connection's
/// loop takes it. It may be lost if the connection closes first.
#[derive(Clone, Debug)]
pub struct Sender(Arc<Mailbox>);

/// Why a message was not taken; it is given back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TrySendError {
    /// The mailbox is full: the peer reads more slowly than is sent.
    Full(OwnedMessage),
    /// The connection is closed.
    Closed(OwnedMessage),
}

impl Sender {
    pub(crate) fn new(mailbox: Arc<Mailbox>) -> Self {
        Sender(mailbox)
    }

    /// Sends a message, unless the mailbox is full. One message fits into an empty mailbox, however large it is.
    ///
    /// # Errors
    /// Gives the message back.
    pub fn try_send(&self, message: impl Into<OwnedMessage>) -> Result<(), TrySendError> {
        let message = message.into();
        let mut state = lock(&self.0.state);
        if state.closed {
            return Err(TrySendError::Closed(message));
        }
        let cost = message.as_bytes().len() + OVERHEAD;
        if state.used > 0 && state.used + cost > state.limit {
            return Err(TrySendError::Full(message));
        }
        state.used += cost;
        state.queue.push_back(Mail::Message(message));
        self.0.wake(state);
        Ok(())
    }

    /// Begins the closing handshake, behind what was sent before; nothing more is taken. Does nothing where the connection
    /// is closed already.
    pub fn close(&self, code: impl Into<CloseCode>, reason: impl Into<String>) {
        let mail = Mail::Close(code.into(), reason.into());
        let mut state = lock(&self.0.state);
        if !state.closed {
            state.closed = true;
            state.queue.push_back(mail);
            self.0.wake(state);
        }
    }

    /// Whether nothing more is taken.
    pub fn is_closed(&self) -> bool {
        lock(&self.0.state).closed
    }
}

/// What a message costs beside its bytes.
const OVERHEAD: usize = size_of::<Mail>();

#[derive(Debug)]
pub(crate) struct Mailbox {
    /// Looked at in every turn, without the lock.
    filled: AtomicBool,
    state: Mutex<Mails>,
}

#[derive(Debug)]
struct Mails {
    queue: VecDeque<Mail>,
    used: usize,
    limit: usize,
    closed: bool,
    waker: Option<Waker>,
}

#[derive(Debug)]
pub(crate) enum Mail {
    Message(OwnedMessage),
    Close(CloseCode, String),
}

impl Mailbox {
    pub(crate) fn new(limit: usize, waker: Option<Waker>) -> Self {
        let state = Mails { queue: VecDeque::new(), used: 0, limit, closed: false, waker };
        Mailbox { filled: AtomicBool::new(false), state: Mutex::new(state) }
    }

    pub(crate) fn set_waker(&self, waker: Waker) {
        lock(&self.state).waker = Some(waker);
    }

    pub(crate) fn is_filled(&self) -> bool {
        self.filled.load(Ordering::Acquire)
    }

    pub(crate) fn take(&self) -> Option<Mail> {
        if !self.is_filled() {
            return None;
        }
        let mut state = lock(&self.state);
        let mail = state.queue.pop_front();
        if let Some(Mail::Message(message)) = &mail {
            state.used -= message.as_bytes().len() + OVERHEAD;
        }
        if state.queue.is_empty() {
            state.queue = VecDeque::new();
            self.filled.store(false, Ordering::Release);
        }
        mail
    }

    pub(crate) fn close(&self) {
        let mut state = lock(&self.state);
        state.closed = true;
        state.queue = VecDeque::new();
        state.waker = None;
    }

    /// Wakes the loop, without the lock.
    fn wake(&self, state: std::sync::MutexGuard<'_, Mails>) {
        let woken = self.filled.swap(true, Ordering::AcqRel);
        let waker = state.waker.clone();
        drop(state);
        if !woken && let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Mail {
    pub(crate) fn send(self, connection: &mut Connection) -> Result<(), SendError> {
        match self {
            Mail::Message(message) => connection.send(message),
            Mail::Close(code, reason) => connection.close(code, &reason),
        }
    }
}

impl fmt::Display for TrySendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TrySendError::Full(_) => "the mailbox is full",
            TrySendError::Closed(_) => "the connection is closed",
        })
    }
}

impl std::error::Error for TrySendError {}
