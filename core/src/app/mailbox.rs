//! What other threads have sent and the connection has not taken: bounded, and it wakes the loop.

use super::post::{Post, Posted};
use crate::{
    CloseCode, Connection, SendError, TrySendError, lock,
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
};
use std::{collections::VecDeque, mem, task::Waker};

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
    /// The connection is over.
    over: bool,
    waker: Option<Waker>,
    /// Those who wait for room.
    waiting: Vec<Waker>,
}

#[derive(Debug)]
pub(crate) enum Mail {
    Message(Post),
    Close(CloseCode, String),
}

impl Mailbox {
    pub(crate) fn new(limit: usize, waker: Option<Waker>) -> Self {
        let state =
            Mails { queue: VecDeque::new(), used: 0, limit, closed: false, over: false, waker, waiting: Vec::new() };
        Mailbox { filled: AtomicBool::new(false), state: Mutex::new(state) }
    }

    pub(crate) fn set_waker(&self, waker: Waker) {
        lock(&self.state).waker = Some(waker);
    }

    #[inline]
    pub(crate) fn is_filled(&self) -> bool {
        self.filled.load(Ordering::Acquire)
    }

    pub(super) fn is_closed(&self) -> bool {
        lock(&self.state).closed
    }

    /// Puts a message in. Where there is no room, `waiting` is woken when there may be.
    pub(super) fn put(&self, message: Post, waiting: Option<&Waker>) -> Result<(), TrySendError<Post>> {
        let mut state = lock(&self.state);
        if state.closed {
            return Err(TrySendError::Closed(message));
        }
        let cost = message.len() + OVERHEAD;
        if state.used > 0 && state.used + cost > state.limit {
            if let Some(waker) = waiting
                && !state.waiting.iter().any(|known| known.will_wake(waker))
            {
                state.waiting.push(waker.clone());
            }
            return Err(TrySendError::Full(message));
        }
        state.used += cost;
        state.queue.push_back(Mail::Message(message));
        self.wake(state, false);
        Ok(())
    }

    /// Puts a close frame in, behind the messages or in place of them. Nothing more is taken, and nobody need wait. One that
    /// the connection would refuse is refused here, where somebody hears of it.
    pub(super) fn put_close(&self, code: CloseCode, reason: String, now: bool) -> Result<(), SendError> {
        code.to_send(&reason)?;
        let mut state = lock(&self.state);
        if state.over || (state.closed && !now) {
            return Ok(());
        }
        if now {
            state.queue.clear();
            state.used = 0;
        }
        state.closed = true;
        state.queue.push_back(Mail::Close(code, reason));
        let waiting = mem::take(&mut state.waiting);
        // It is taken even where the messages before it were not.
        self.wake(state, true);
        waiting.into_iter().for_each(Waker::wake);
        Ok(())
    }

    /// The next mail, if it is a message only where those are taken: where there is room, and not inside of another one.
    pub(crate) fn take(&self, takes_messages: bool) -> Option<Mail> {
        if !self.is_filled() {
            return None;
        }
        let mut state = lock(&self.state);
        let mail = state.queue.pop_front_if(|mail| takes_messages || matches!(mail, Mail::Close(..)));
        if let Some(Mail::Message(message)) = &mail {
            state.used -= message.len() + OVERHEAD;
        }
        if state.queue.is_empty() {
            state.queue = VecDeque::new();
            self.filled.store(false, Ordering::Release);
        }
        if state.used <= state.limit / 2 && !state.waiting.is_empty() {
            let waiting = mem::take(&mut state.waiting);
            drop(state);
            waiting.into_iter().for_each(Waker::wake);
        }
        mail
    }

    pub(crate) fn close(&self) {
        let mut state = lock(&self.state);
        (state.closed, state.over) = (true, true);
        state.queue = VecDeque::new();
        state.waker = None;
        let waiting = mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Wakes the loop, without the lock; `again` even if it was woken for what is there already.
    fn wake(&self, state: MutexGuard<'_, Mails>, again: bool) {
        let woken = self.filled.swap(true, Ordering::AcqRel);
        let waker = state.waker.clone();
        drop(state);
        if (again || !woken)
            && let Some(waker) = waker
        {
            waker.wake();
        }
    }
}

impl Mail {
    pub(crate) fn send(self, connection: &mut Connection) -> Result<(), SendError> {
        match self {
            Mail::Message(Post(Posted::Message(message))) => connection.send(message),
            Mail::Message(Post(Posted::Prepared(prepared))) => connection.send(&prepared),
            Mail::Close(code, reason) => connection.close(code, &reason),
        }
    }
}
