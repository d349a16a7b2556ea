//! The application that `timtow serve` serves: it echoes, and tells whoever comes with a browser what it is.

use std::net::SocketAddr;

use timtow::{
    Rejection, Request, Response,
    app::{self, App},
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

const WHAT: &str = "This is a WebSocket server of timtow: it sends every message back. Come with a WebSocket client, such \
                    as `timtow connect`.\n";
