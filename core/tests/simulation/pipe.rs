//! One direction of the transport, which does whatever a transport may do.

use std::{collections::VecDeque, time::Duration};

/// Bytes on their way from one side to the other.
pub struct Pipe {
    bytes: VecDeque<u8>,
    /// When how many of the bytes may be read, in order.
    arrivals: VecDeque<(Duration, usize)>,
    /// So many bytes are under way at most.
    pub window: usize,
    pub latency: Duration,
    /// Nothing moves until then.
    pub blocked_until: Duration,
    /// The writer has half-closed.
    pub ended: bool,
    /// The reader has seen that.
    pub end_seen: bool,
    /// The reader is gone: what is written is lost, and the writer is told so, or is not.
    pub broken: Option<Broken>,
    /// Reading fails, where it otherwise ends.
    pub reset: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Broken {
    Silently,
    WithAnError,
}

/// What a read or a write came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Moved {
    Bytes(usize),
    Blocked,
    End,
    Error,
}

impl std::fmt::Debug for Pipe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Pipe { bytes, arrivals, window, blocked_until, ended, broken, .. } = self;
        let (len, next) = (bytes.len(), arrivals.front());
        write!(f, "{len} of {window}, next {next:?}, blocked until {blocked_until:?}, ended {ended}, broken {broken:?}")
    }
}

impl Pipe {
    pub fn new(window: usize, latency: Duration) -> Self {
        Pipe {
            bytes: VecDeque::with_capacity(window),
            arrivals: VecDeque::new(),
            window,
            latency,
            blocked_until: Duration::ZERO,
            ended: false,
            end_seen: false,
            broken: None,
            reset: false,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub fn is_writable(&self, now: Duration) -> bool {
        self.broken.is_some() || (self.bytes.len() < self.window && self.blocked_until <= now)
    }

    pub fn is_readable(&self, now: Duration) -> bool {
        self.blocked_until <= now
            && match self.arrivals.front() {
                Some((at, _)) => *at <= now,
                None => self.ended && !self.end_seen,
            }
    }

    /// When something changes by itself.
    pub fn next_change(&self) -> Option<Duration> {
        let waits = !self.bytes.is_empty() || (self.ended && !self.end_seen) || self.blocked_until > Duration::ZERO;
        let arrival = self.arrivals.front().map_or(Duration::ZERO, |(at, _)| *at);
        waits.then_some(self.blocked_until.max(arrival)).filter(|at| *at < FOREVER)
    }

    pub fn write(&mut self, bytes: &[u8], now: Duration) -> Moved {
        assert!(!self.ended || self.broken.is_some(), "nothing is written after the end");
        match self.broken {
            Some(Broken::WithAnError) => return Moved::Error,
            Some(Broken::Silently) => return Moved::Bytes(bytes.len()),
            None => {}
        }
        let n = bytes.len().min(self.window.saturating_sub(self.bytes.len()));
        if n == 0 || self.blocked_until > now {
            return Moved::Blocked;
        }
        self.bytes.extend(&bytes[..n]);
        let at = now + self.latency;
        match self.arrivals.back_mut() {
            Some((last, count)) if *last == at => *count += n,
            _ => self.arrivals.push_back((at, n)),
        }
        Moved::Bytes(n)
    }

    pub fn read(&mut self, buffer: &mut [u8], now: Duration) -> Moved {
        if !self.is_readable(now) {
            return Moved::Blocked;
        }
        let Some((_, count)) = self.arrivals.front_mut() else {
            self.end_seen = true;
            return if self.reset { Moved::Error } else { Moved::End };
        };
        let n = buffer.len().min(*count);
        *count -= n;
        if *count == 0 {
            self.arrivals.pop_front();
        }
        let (front, back) = self.bytes.as_slices();
        let first = n.min(front.len());
        buffer[..first].copy_from_slice(&front[..first]);
        buffer[first..n].copy_from_slice(&back[..n - first]);
        self.bytes.drain(..n);
        Moved::Bytes(n)
    }

    /// The transport ends here: what is under way is lost, or is not, and what is written later is.
    pub fn cut(&mut self, lose: bool, broken: Broken) {
        if lose {
            self.bytes.clear();
            self.arrivals.clear();
        }
        self.ended = true;
        self.broken = Some(broken);
    }
}

/// Longer than any run.
pub const FOREVER: Duration = Duration::from_secs(1 << 40);
