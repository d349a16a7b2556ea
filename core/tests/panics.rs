//! What becomes of a connection whose handler panics. Over sockets, and on every loop, that is `conformance::app_panic`.

mod common;

use common::frame;
use std::{
    io::{self, IoSlice},
    net::SocketAddr,
    panic::resume_unwind,
};
use timtow_core::{
    Access, Buffers, Endpoint, Fragment, Input, Message, Output, Rejection, Request, Response, Role,
    app::{App, Context, Handler, Options, Server, Session},
};

/// Begins a message as the text that it is given says, and panics.
#[derive(Clone)]
struct Breaks;

impl App for Breaks {
    type Handler = Breaks;

    fn request(&self, _: &Request, _: Option<SocketAddr>) -> Result<(Breaks, Response), Rejection> {
        Ok((Breaks, Response::default()))
    }
}

impl Handler for Breaks {
    fn message(&mut self, context: &mut Context<'_>, message: Message<'_>) {
        let begun = Fragment::binary(&b"half"[..], false);
        let begun = if message.as_bytes() == b"announced" { begun.announcing(10) } else { begun };
        context.send_fragment(begun).unwrap();
        // Without the message on standard error.
        resume_unwind(Box::new("as the test wants it"));
    }
}

/// Takes everything.
#[derive(Default)]
struct Sink {
    bytes: Vec<u8>,
    is_shut: bool,
}

impl Output for Sink {
    fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        slices.iter().for_each(|slice| self.bytes.extend_from_slice(slice));
        Ok(slices.iter().map(|slice| slice.len()).sum())
    }

    fn shutdown(&mut self) -> io::Result<()> {
        self.is_shut = true;
        Ok(())
    }
}

/// What is sent behind the opening handshake, and whether the transport was ended.
fn sent(text: &[u8]) -> (Vec<u8>, bool) {
    let server = Server::new(Breaks, Options::default());
    let (mut session, mut endpoint) = (Session::new(&server, None), Endpoint::server(&server.options));
    let (mut buffers, mut sink) = (Buffers::default(), Sink::default());
    let bytes = [common::REQUEST.as_bytes(), &frame(Role::Server, 0x81, text)].concat();
    buffers.input()[..bytes.len()].copy_from_slice(&bytes);
    session.turn(Access::Direct(&mut endpoint), &mut buffers, Input::Read(bytes.len()), &mut sink);
    let head = sink.bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    (sink.bytes.split_off(head), sink.is_shut)
}

#[test]
fn a_panic_is_told_with_1011() {
    assert_eq!(sent(b"fragment"), (b"\x02\x04half\x88\x02\x03\xf3".to_vec(), false));
}

#[test]
fn a_panic_inside_a_frame_ends_the_transport_at_once() {
    assert_eq!(sent(b"announced"), (b"\x82\x0ahalf".to_vec(), true));
}
