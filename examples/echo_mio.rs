//! cargo run --example echo_mio --features mio -- 127.0.0.1:3000
//!
//! The tour's echo server on mio: one loop, which calls you back.

// ANCHOR: program
use std::{env, io, net::SocketAddr, net::TcpListener};
use timtow::mio::{App, Closed, Context, Handler, Message, Options, Rejection, Request, Response, serve};

struct Echo;

/// One client.
#[derive(Default)]
struct Client {
    messages: u64,
}

impl App for Echo {
    type Handler = Client;

    fn request(&self, _: &Request, _: Option<SocketAddr>) -> Result<(Client, Response), Rejection> {
        Ok((Client::default(), Response::default()))
    }
}

impl Handler for Client {
    fn message(&mut self, context: &mut Context<'_>, message: Message<'_>) {
        self.messages += 1;
        let _ = context.send(message); // it fails only while the connection closes
    }

    fn close(&mut self, closed: &Closed) {
        eprintln!("{} messages, {closed}", self.messages);
    }
}

fn main() -> io::Result<()> {
    let listener = TcpListener::bind(env::args().nth(1).as_deref().unwrap_or("127.0.0.1:3000"))?;
    println!("listening on ws://{}/", listener.local_addr()?);
    serve(listener, Options::default(), Echo)
}
// ANCHOR_END: program
