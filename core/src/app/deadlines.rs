//! The deadlines of many connections, for loops that bring no timers of their own.

use crate::timers::{NEVER, Time};
use std::{collections::BTreeSet, time::Duration};

/// The deadlines of many connections. A loop waits until [`next`](Deadlines::next), and then gives a turn to whoever
/// [`expire`](Deadlines::expire) names.
///
/// Deadlines mostly move away, with every byte that comes or goes. So each connection keeps the time that it is
/// [`Armed`] for, and only a deadline that is earlier costs anything; one that is later is noticed when that time has come:
/// the turn finds nothing due, and the connection is asked again.
///
/// ```
/// use std::time::Duration;
/// use timtow_core::app::{Armed, Deadlines};
/// let (second, mut due) = (Duration::from_secs(1), Vec::new());
/// let (mut deadlines, mut armed) = (Deadlines::default(), Armed::default());
/// deadlines.arm("a", &mut armed, Some(2 * second));
/// deadlines.arm("a", &mut armed, Some(3 * second));
/// assert_eq!(deadlines.next(), Some(2 * second));
/// deadlines.expire(2 * second, &mut due);
/// assert_eq!(due, ["a"]);
/// deadlines.rearm("a", &mut armed, Some(3 * second));
/// assert_eq!(deadlines.next(), Some(3 * second));
/// ```
#[derive(Clone, Debug)]
pub struct Deadlines<K> {
    // One entry for each key that is armed: a heap would keep the outdated ones until their time has come.
    set: BTreeSet<(Time, K)>,
}

/// When a connection will be asked about its deadline.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Armed(Time);

impl Default for Armed {
    fn default() -> Self {
        Armed(NEVER)
    }
}

impl<K: Copy + Ord> Deadlines<K> {
    /// Has `key` named in [`expire`](Deadlines::expire) at `deadline`, or earlier. `armed` is the one of `key`.
    #[inline]
    pub fn arm(&mut self, key: K, armed: &mut Armed, deadline: Option<Duration>) {
        if let Some(deadline) = deadline
            && Time::from(deadline) < armed.0
        {
            self.rearm(key, armed, Some(deadline));
        }
    }

    /// Has `key` named at `deadline` and no earlier; never, where it is `None`.
    pub fn rearm(&mut self, key: K, armed: &mut Armed, deadline: Option<Duration>) {
        if armed.0 != NEVER {
            self.set.remove(&(armed.0, key));
        }
        armed.0 = deadline.map_or(NEVER, Time::from);
        if armed.0 != NEVER {
            self.set.insert((armed.0, key));
        }
    }

    /// When the first of them is armed for.
    pub fn next(&self) -> Option<Duration> {
        self.set.first().and_then(|(at, _)| at.duration())
    }

    /// Appends to `due` whose time has come. Each is to be [`rearm`](Deadlines::rearm)ed, after a turn.
    pub fn expire(&mut self, now: Duration, due: &mut Vec<K>) {
        while let Some((at, key)) = self.set.first().copied()
            && at <= Time::from(now)
        {
            self.set.pop_first();
            due.push(key);
        }
    }
}

impl<K> Default for Deadlines<K> {
    fn default() -> Self {
        Deadlines { set: BTreeSet::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(n: u64) -> Option<Duration> {
        Some(Duration::from_secs(n))
    }

    fn expired(deadlines: &mut Deadlines<u8>, now: u64) -> Vec<u8> {
        let mut due = Vec::new();
        deadlines.expire(Duration::from_secs(now), &mut due);
        due
    }

    #[test]
    fn an_earlier_deadline_moves_it_and_a_later_one_leaves_it() {
        let (mut deadlines, mut a, mut b) = (Deadlines::default(), Armed::default(), Armed::default());
        deadlines.arm(1, &mut a, seconds(20));
        deadlines.arm(2, &mut b, seconds(15));
        deadlines.arm(1, &mut a, seconds(10));
        deadlines.arm(1, &mut a, seconds(12));
        deadlines.arm(1, &mut a, None);
        assert_eq!(deadlines.next(), seconds(10));
        assert!(expired(&mut deadlines, 9).is_empty());
        assert_eq!(expired(&mut deadlines, 30), [1, 2], "in order, and each once");
        assert_eq!(deadlines.next(), None);
    }

    #[test]
    fn after_its_time_a_key_can_have_the_same_one_again_or_none() {
        let (mut deadlines, mut armed) = (Deadlines::default(), Armed::default());
        deadlines.arm(1, &mut armed, seconds(5));
        assert_eq!(expired(&mut deadlines, 5), [1]);
        deadlines.rearm(1, &mut armed, seconds(5));
        assert_eq!(expired(&mut deadlines, 5), [1]);
        deadlines.rearm(1, &mut armed, seconds(8));
        deadlines.rearm(1, &mut armed, None);
        assert!(expired(&mut deadlines, 100).is_empty());
        deadlines.arm(1, &mut armed, seconds(200));
        assert_eq!(deadlines.next(), seconds(200));
    }

    #[test]
    fn however_often_deadlines_move_there_is_one_for_each_key() {
        let (mut deadlines, mut armed) = (Deadlines::default(), Armed::default());
        for n in 0..1000 {
            deadlines.arm(1, &mut armed, seconds(100_000 - n));
            deadlines.rearm(1, &mut armed, seconds(200_000));
        }
        assert_eq!(deadlines.set.len(), 1);
    }
}
