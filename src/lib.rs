//! There is more than one way to serve a WebSocket: one sans-I/O core, one thin adapter per event loop.
//!
//! Choose a loop by a feature, and use the module of the same name. All modules have the same names in them, in the idiom
//! of their loop: `serve(listener, options, app)`, `accept(stream, options)`, `connect(url, options)`, and `WebSocket`.
//! Features are additive: two loops may be used side by side. The feature `deflate` adds compression to all of them, with
//! `Config::deflate`, and `legacy` the drafts before RFC 6455, with `Config::drafts`; `tracing` gives each connection a span,
//! `counters` counts what passed over it.
//!
//! ```
//! # #[cfg(feature = "threads")]
//! # fn main() -> Result<(), timtow::Error> {
//! use timtow::{Options, app::{Drain, Echo}};
//!
//! // A server that echoes, on a thread of its own, until it is asked to end.
//! let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
//! let url = format!("ws://{}/", listener.local_addr()?);
//! let drain = Drain::new();
//! let options = Options { drain: drain.clone(), ..Options::default() };
//! let server = std::thread::spawn(|| timtow::threads::serve(listener, options, Echo));
//!
//! let mut socket = timtow::threads::connect(&url, &Options::default())?;
//! socket.send("there is more than one way to do it")?;
//! let answer = socket.recv()?.expect("the server has not closed");
//! assert_eq!(answer.as_text(), Some("there is more than one way to do it"));
//!
//! socket.close(1000, "")?;
//! drain.start();
//! server.join().expect("the server does not panic")?;
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "threads"))]
//! # fn main() {}
//! ```
//!
//! The protocol itself is [`timtow_core`], here as [`core`]: it does no I/O at all, and can be driven by any loop. How the
//! loops differ, and what each costs, is told in the book that comes with the source.

/// The protocol, without sockets, clock or runtime.
pub use timtow_core as core;
pub use timtow_core::{
    CloseCode, Closed, Config, Connect, Error, Fragment, Message, Opened, Origins, OwnedFragment, OwnedMessage, Page,
    Prepared, Rejection, Request, Response, SetCookie, Text, TrySendError,
    app::{self, Options},
};
#[cfg(feature = "deflate")]
pub use timtow_core::{Deflate, DeflateParameters};
#[cfg(feature = "legacy")]
pub use timtow_core::{Draft, Drafts};

macro_rules! loops {
    ($($module:ident = $feature:literal: $adapter:ident;)*) => {
        $(#[cfg(feature = $feature)]
        pub use $adapter as $module;)*

        /// The features of this build that are loops.
        pub const LOOPS: &[&str] = &[$(#[cfg(feature = $feature)] $feature,)*];
    };
}

loops! {
    async_std = "async-std": timtow_async_std;
    futures = "futures": timtow_futures;
    mio = "mio": timtow_mio;
    smol = "smol": timtow_smol;
    threads = "threads": timtow_threads;
    tokio = "tokio": timtow_tokio;
}

/// The programs of the README are compiled.
#[cfg(all(
    doctest,
    feature = "async-std",
    feature = "futures",
    feature = "mio",
    feature = "smol",
    feature = "threads",
    feature = "tokio"
))]
#[doc = include_str!("../README.md")]
struct Readme;
