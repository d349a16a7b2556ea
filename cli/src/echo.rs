//! The application that `timtow serve` serves: it echoes, and tells whoever comes with a browser what it is.

use std::{net::SocketAddr, thread, time::Duration};

use timtow::{
    Message, Rejection, Request, Response,
    app::{self, App, Context, Handler},
    core::Page,
};

/// Sends every message back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Echo;

impl App for Echo {
    type Handler = app::Echo;

    fn request(&self, _: &Request, _: Option<SocketAddr>) -> Result<(app::Echo, Response), Rejection> {
        Ok((app::Echo, Response::default()))
    }

    fn page(&self, request: &Request, _: Option<SocketAddr>) -> Option<Page> {
        (request.path() == "/").then(|| Page::text(WHAT))
    }
}

/// Sends every message back, but blocks its thread before it answers one that says [`BLOCK`]: what a handler must not do, to
/// be measured by `timtow bench`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Blocking;

impl App for Blocking {
    type Handler = Blocking;

    fn request(&self, _: &Request, _: Option<SocketAddr>) -> Result<(Blocking, Response), Rejection> {
        Ok((Blocking, Response::default()))
    }
}

impl Handler for Blocking {
    fn message(&mut self, context: &mut Context<'_>, message: Message<'_>) {
        if matches!(&message, Message::Text(text) if text == BLOCK) {
            thread::sleep(BLOCKED);
        }
        // Without room there is no connection that could want it.
        let _ = context.send(message);
    }
}

/// The message whose handler blocks.
pub(crate) const BLOCK: &str = "block for a while";
/// How long.
pub(crate) const BLOCKED: Duration = Duration::from_millis(50);

const WHAT: &str = "This is a WebSocket server of timtow: it sends every message back. Come with a WebSocket client, such \
                    as `timtow connect`.\n";
