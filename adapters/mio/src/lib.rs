//! WebSockets on [mio]: one or several event loops that call back, and a [`WebSocket`] for a `Poll` of your own.
//!
//! [`serve`] is the whole server. Its application is the same value on every loop of timtow:
//!
//! ```no_run
//! use timtow_mio::{Context, Message, Options, on_message, serve};
//!
//! let listener = std::net::TcpListener::bind("127.0.0.1:3000")?;
//! serve(listener, Options::default(), on_message(|context: &mut Context<'_>, message: Message<'_>| {
//!     let _ = context.send(message);
//! }))?;
//! # std::io::Result::Ok(())
//! ```
//!
//! [`connect`] and [`accept`] give a [`WebSocket`] that is registered with your [`mio::Poll`] as any other source of
//! events is:
//!
//! ```
//! use std::time::Duration;
//! use mio::{Events, Interest, Poll, Token};
//! use timtow_mio::{Buffers, CloseCode, Event, Message, Options, connect};
//!
//! # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
//! # let url = format!("ws://{}/", listener.local_addr()?);
//! # let options = Options::default();
//! # let drain = options.drain.clone();
//! # let server = std::thread::spawn(|| timtow_mio::serve(listener, options, timtow_mio::Echo));
//! let (mut poll, mut events, mut buffers) = (Poll::new()?, Events::with_capacity(64), Buffers::default());
//! let mut socket = connect(&url, &Options::default())?;
//! poll.registry().register(&mut socket, Token(0), Interest::READABLE | Interest::WRITABLE)?;
//! let mut echo = None;
//! while !socket.is_closed() {
//!     poll.poll(&mut events, socket.poll_timeout())?;
//!     let mut on_event = |connection: &mut timtow_mio::Connection, event: Event<'_>| match event {
//!         Event::Open(_) => connection.send("hello").expect("it is open"),
//!         Event::Message(Message::Text(text)) => {
//!             echo = Some(text.into_owned());
//!             connection.close(CloseCode::NORMAL, "").expect("it is open");
//!         }
//!         _ => {}
//!     };
//!     for event in &events {
//!         socket.handle(event, &mut buffers, &mut on_event);
//!     }
//!     if socket.poll_timeout() == Some(Duration::ZERO) {
//!         socket.handle_timeout(&mut buffers, &mut on_event);
//!     }
//! }
//! assert_eq!(echo.as_deref(), Some("hello"));
//! # drain.start();
//! # server.join().expect("the server has ended")?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod serve;
mod tcp;
mod websocket;

pub use serve::serve;
pub use tcp::Tcp;
use tcp::readiness;
pub use timtow_core::{Buffers, Connection, Event, prelude::*};
pub use websocket::{WebSocket, accept, connect, connect_with};
