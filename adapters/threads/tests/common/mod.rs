//! A server in the test's own process, an independent client, and a watchdog.

use std::{
    io,
    net::{SocketAddr, TcpListener, TcpStream},
    sync::mpsc,
    thread::{self, JoinHandle},
    time::Duration,
};
use timtow_threads::{App, Config, Drain, Options, serve};
use tungstenite::WebSocket;

/// Nothing takes so long unless it hangs.
pub(crate) const WATCHDOG: Duration = Duration::from_secs(60);

/// Runs a test, and fails it where it hangs.
pub(crate) fn watched(test: impl FnOnce() + Send + 'static) {
    let (done, ended) = mpsc::channel::<()>();
    let thread = thread::spawn(move || {
        test();
        drop(done);
    });
    assert_ne!(ended.recv_timeout(WATCHDOG), Err(mpsc::RecvTimeoutError::Timeout), "it hangs");
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

/// A server that runs until it is drained.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) drain: Drain,
    thread: JoinHandle<io::Result<()>>,
}

impl Running {
    pub(crate) fn start(config: Config, app: impl App) -> Running {
        Running::with(Options { config: config.into(), ..Options::default() }, app)
    }

    pub(crate) fn with(options: Options, app: impl App) -> Running {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, drain) = (listener.local_addr().unwrap(), options.drain.clone());
        Running { address, drain, thread: thread::spawn(|| serve(listener, options, app)) }
    }

    /// Waits until it has ended, which nothing but a drain makes it.
    pub(crate) fn join(self) {
        self.thread.join().unwrap().unwrap();
    }

    pub(crate) fn stop(self) {
        self.drain.start();
        self.join();
    }
}

/// tungstenite, as a client.
pub(crate) fn client(stream: TcpStream) -> WebSocket<TcpStream> {
    stream.set_read_timeout(Some(WATCHDOG)).unwrap();
    tungstenite::client("ws://localhost/", stream).unwrap().0
}
