//! How a connection keeps time: it is told what time it is, and says when it wants to be told again.

use crate::{
    Connection, Refusal, State, Timeout,
    connection::Opening,
    event::{Cause, Payload},
    frame::Opcode,
    handshake,
    state::Step,
    timers::{NEVER, Reads, Time, after},
};
use alloc::boxed::Box;
use core::time::Duration;

impl Connection {
    /// Tells the time: the duration since an epoch of your choice, always the same one. Arms what is to be armed and does
    /// what is due. Call [`receive`](Connection::receive) afterwards.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.arm(now);
        let due = |deadline: Time| deadline <= Time::from(now) && deadline != NEVER;
        if due(self.timers.phase) {
            self.timers.phase = NEVER;
            self.phase_is_over();
        }
        if due(self.timers.write) {
            self.timers.write = NEVER;
            self.give_up(Timeout::Write);
        }
        if self.ending.is_some() || self.timers.reads == Reads::Never {
            return;
        }
        if due(self.timers.pong) && self.timers.reads == Reads::Has {
            self.pong_is_due(now);
        }
        if due(self.timers.ping) && self.state == State::Open {
            self.timers.ping = after(now, self.config.ping_interval);
            self.keep_alive(now);
        }
    }

    /// When to call [`handle_timeout`](Connection::handle_timeout); zero asks for the time at once. Ask again after every
    /// turn. `None`: there is nothing to wait for.
    #[inline]
    pub fn poll_timeout(&self) -> Option<Duration> {
        if self.is_closed() { None } else { self.next_deadline() }
    }

    /// The same, where the connection is closed and what stands below it is not.
    #[inline]
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        if self.timers.unarmed || self.write_is_unarmed() {
            return Some(Duration::ZERO);
        }
        self.timers.next()
    }

    /// Whether it asks for the time at once.
    #[cfg(feature = "std")]
    #[inline]
    pub(crate) fn wants_time(&self) -> bool {
        (self.timers.unarmed || self.write_is_unarmed()) && !self.is_closed()
    }

    /// A pong is due. Before that is held against the peer, a driver looks whether it waits to be read.
    #[cfg(feature = "std")]
    #[inline]
    pub(crate) fn has_late_pong(&self) -> bool {
        self.timers.pong != NEVER && self.timers.pong <= Time::from(crate::clock::now())
    }

    /// The outbox waits, or has been emptied, and the write deadline does not know.
    #[inline]
    fn write_is_unarmed(&self) -> bool {
        if self.outbox.is_empty() {
            return self.timers.write != NEVER;
        }
        self.config.write_timeout.is_some() && (self.timers.write == NEVER || self.timers.sent != self.outbox.sent())
    }

    fn arm(&mut self, now: Duration) {
        if self.timers.unarmed {
            self.timers.unarmed = false;
            self.timers.phase = match self.state {
                State::Connecting | State::Requested => after(now, self.config.handshake_timeout),
                State::Closing | State::Lingering => after(now, self.config.close_timeout),
                State::Open | State::Closed => NEVER,
            };
            // The hixie drafts have no pings.
            if self.state == State::Open && !self.is_hixie() {
                self.timers.ping = after(now, self.config.ping_interval);
            }
        }
        if self.write_is_unarmed() {
            self.timers.sent = self.outbox.sent();
            self.timers.write = if self.outbox.is_empty() { NEVER } else { after(now, self.config.write_timeout) };
        }
    }

    fn phase_is_over(&mut self) {
        match self.state {
            State::Connecting | State::Requested => {
                let mut cause = Cause::Timeout(Timeout::Handshake);
                match self.opening.as_deref_mut() {
                    // The response that was being collected says more than that it was slow.
                    Some(Opening::Client(opening)) => {
                        if let Some(error) = opening.timed_out() {
                            cause = Cause::Failed(Box::new(error));
                        }
                    }
                    Some(Opening::Server(_) | Opening::Asked(_) | Opening::Get) => {
                        let response = handshake::refusal_bytes(&Refusal::timeout(), &self.config, false);
                        self.outbox.push(&response, &[]);
                    }
                    None => {}
                }
                self.opening = None;
                self.end_soon(cause);
            }
            State::Closing | State::Lingering => self.give_up(Timeout::Close),
            State::Open | State::Closed => {}
        }
    }

    /// The peer will not take what waits, or will not end: no more patience.
    pub(crate) fn give_up(&mut self, timeout: Timeout) {
        self.outbox.abandon();
        self.eof = true;
        if self.state == State::Lingering {
            self.step(Step::Released);
        } else {
            self.end_soon(Cause::Timeout(timeout));
        }
    }

    /// RFC 6455 5.5.2: a ping serves as a keep-alive. A ping that is out is answered first; a peer that does not read is a
    /// matter of the write deadline; and none comes inside a frame.
    fn keep_alive(&mut self, now: Duration) {
        if self.timers.pong != NEVER || !self.outbox.is_empty() || self.is_amid_frame() {
            return;
        }
        self.timers.pinged = self.timers.pinged.wrapping_add(1);
        self.timers.pong = after(now, self.config.pong_timeout);
        self.timers.heard = false;
        self.timers.graced = false;
        let payload = self.timers.pinged.to_be_bytes();
        self.push_frame(true, Opcode::Ping, Payload::Borrowed(&payload));
    }

    /// No pong came, unless it could not: a peer cannot interrupt a frame for it, and what is not read is not seen. Such a
    /// ping is forgotten, and the next one asks again. Who is
    /// told the time late has not read either, as where an application does not poll while it works: it may read first.
    fn pong_is_due(&mut self, now: Duration) {
        let amid_frame = self.frame.is_some() && core::mem::take(&mut self.timers.heard);
        if self.state == State::Open && (amid_frame || !self.stash.is_empty() || !self.wants_read()) {
            self.timers.pong = NEVER;
            return;
        }
        if !self.timers.graced && Time::from(now).since(self.timers.pong) > LATE {
            self.timers.graced = true;
            self.timers.pong = after(now, Some(GRACE));
            return;
        }
        self.timers.pong = NEVER;
        if self.state == State::Open {
            self.push_close(Some(crate::CloseCode::INTERNAL_ERROR), "no pong");
            self.end_soon(Cause::Timeout(Timeout::Pong));
        }
    }

    /// RFC 6455 5.5.3: a pong carries the payload of its ping.
    pub(crate) fn receive_pong(&mut self, payload: &[u8]) {
        if *payload == self.timers.pinged.to_be_bytes() {
            self.timers.pong = NEVER;
        }
    }
}

/// A driver that is told of a deadline so long after it was elsewhere.
const LATE: Duration = Duration::from_millis(20);
/// So long it may look for a pong then, once for each ping.
const GRACE: Duration = Duration::from_secs(1);
