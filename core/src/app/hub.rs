//! Several loops that serve together, for loops that bring no threads of their own.

use crate::{lock, sync::Mutex};
use std::{
    io, mem,
    net::SocketAddr,
    panic,
    sync::Arc,
    task::{Wake, Waker},
    thread,
};

/// How a loop is reached from other threads: it takes what they have for the loop, and wakes it. `S` is an accepted
/// socket, as one loop hands it to another.
#[derive(Debug)]
pub struct Hub<S> {
    news: Mutex<News<S>>,
    waker: Waker,
}

/// What other threads have for a loop.
#[derive(Debug)]
pub struct News<S> {
    /// Connections that are to have a turn; some may be gone.
    pub woken: Vec<usize>,
    /// Connections that another loop has accepted.
    pub accepted: Vec<Accepted<S>>,
    /// Another loop has failed: this one ends, too.
    pub stop: bool,
    /// The loop was woken, and has not looked yet.
    posted: bool,
}

/// An accepted socket, and the address of its other end.
pub type Accepted<S> = (S, Option<SocketAddr>);

/// Wakes a loop for one of its connections.
struct Call<S> {
    hub: Arc<Hub<S>>,
    key: usize,
}

impl<S> Hub<S> {
    /// The hub of a loop that `waker` wakes.
    pub fn new(waker: Waker) -> Arc<Self> {
        Arc::new(Hub { news: Mutex::default(), waker })
    }

    /// Hands a socket over.
    pub fn give(&self, socket: Accepted<S>) {
        self.post(|news| news.accepted.push(socket));
    }

    /// What came since the last call. To be asked whenever the loop was woken.
    pub fn take(&self) -> News<S> {
        mem::take(&mut lock(&self.news))
    }

    fn post(&self, put: impl FnOnce(&mut News<S>)) {
        let mut news = lock(&self.news);
        put(&mut news);
        let posted = mem::replace(&mut news.posted, true);
        drop(news);
        if !posted {
            self.waker.wake_by_ref();
        }
    }
}

impl<S: Send + 'static> Hub<S> {
    /// Wakes the loop for the connection that it knows by `key`.
    pub fn waker(self: &Arc<Self>, key: usize) -> Waker {
        Waker::from(Arc::new(Call { hub: self.clone(), key }))
    }
}

/// Runs the first of `loops` on this thread, and the others on threads of their own, until all have ended. Where one
/// fails or panics, the others are told to stop.
///
/// # Errors
/// Those of the loops, and of making threads.
///
/// # Panics
/// Where a loop does.
pub fn run_loops<L: Send, S: Send>(
    loops: Vec<L>,
    hubs: &[Arc<Hub<S>>],
    run: impl Fn(L) -> io::Result<()> + Sync,
) -> io::Result<()> {
    let (mut loops, run) = (loops.into_iter(), &run);
    let Some(first) = loops.next() else { return Ok(()) };
    thread::scope(|scope| {
        or_stop(hubs, || {
            let threads = loops.enumerate().map(|(n, other)| {
                let thread = thread::Builder::new().name(format!("loop {}", n + 2));
                thread.spawn_scoped(scope, move || or_stop(hubs, || run(other)))
            });
            let threads = threads.collect::<io::Result<Vec<_>>>()?;
            run(first)?;
            threads.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(|panic| panic::resume_unwind(panic)))
        })
    })
}

/// Stops all loops unless `run` ends well.
fn or_stop<S>(hubs: &[Arc<Hub<S>>], run: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    let stop = Stop(hubs);
    run()?;
    mem::forget(stop);
    Ok(())
}

struct Stop<'h, S>(&'h [Arc<Hub<S>>]);

impl<S> Drop for Stop<'_, S> {
    fn drop(&mut self) {
        self.0.iter().for_each(|hub| hub.post(|news| news.stop = true));
    }
}

impl<S: Send> Wake for Call<S> {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.hub.post(|news| news.woken.push(self.key));
    }
}

impl<S> Default for News<S> {
    fn default() -> Self {
        News { woken: Vec::new(), accepted: Vec::new(), stop: false, posted: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// Wakes a loop that waits on a channel.
    struct Bell(mpsc::Sender<()>);

    impl Wake for Bell {
        fn wake(self: Arc<Self>) {
            let _ = self.0.send(());
        }
    }

    fn hub() -> (Arc<Hub<u8>>, mpsc::Receiver<()>) {
        let (sender, receiver) = mpsc::channel();
        (Hub::new(Waker::from(Arc::new(Bell(sender)))), receiver)
    }

    #[test]
    fn a_loop_is_woken_once_for_all_that_it_has_not_seen() {
        let (hub, bell) = hub();
        let waker = hub.waker(7);
        waker.wake_by_ref();
        hub.give((1, None));
        waker.wake();
        assert_eq!(bell.try_iter().count(), 1);
        let news = hub.take();
        assert_eq!((news.woken, news.accepted, news.stop), (vec![7, 7], vec![(1, None)], false));
        hub.give((2, None));
        assert_eq!(bell.try_iter().count(), 1);
        assert_eq!(hub.take().accepted, [(2, None)]);
    }

    /// What three loops come to of which one does `this` and the others wait to be stopped.
    fn run_three(this: impl Fn() -> io::Result<()> + Sync, its_index: usize) -> io::Result<()> {
        let (hubs, bells): (Vec<_>, Vec<_>) = (0..3).map(|_| hub()).unzip();
        let loops = bells.into_iter().enumerate().collect();
        run_loops(loops, &hubs, |(index, bell)| {
            if index == its_index {
                return this();
            }
            bell.recv().map_err(io::Error::other)?;
            assert!(hubs[index].take().stop);
            Ok(())
        })
    }

    #[test]
    fn a_loop_that_fails_stops_the_others() {
        for index in 0..3 {
            let error = run_three(|| Err(io::ErrorKind::Unsupported.into()), index).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::Unsupported);
        }
    }

    #[test]
    fn a_loop_that_panics_stops_the_others() {
        for index in 0..3 {
            let end = panic::catch_unwind(|| run_three(|| panic!("as the test wants it"), index));
            assert!(end.is_err());
        }
    }
}
