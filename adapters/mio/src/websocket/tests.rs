//! What cannot be seen from outside: a host with several addresses.

use super::*;
use mio::{Events, Poll};
use std::{net::TcpListener, thread, time::Duration};

const WATCHDOG: Duration = Duration::from_secs(60);

/// An address at which nobody listens.
fn nowhere() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Connects to the first of `addresses` at which somebody listens; whether the connection opened.
fn opens(addresses: Vec<SocketAddr>) -> (bool, WebSocket) {
    let (mut poll, mut events, mut buffers) = (Poll::new().unwrap(), Events::with_capacity(8), Buffers::default());
    let connect = Connect::to("ws://several/").unwrap();
    let socket = ready::WebSocket::connect_at(addresses, connect, &Options::default(), open).unwrap();
    let mut socket = WebSocket { socket, connecting: Some(Box::default()) };
    poll.registry().register(&mut socket, Token(5), Interest::READABLE | Interest::WRITABLE).unwrap();
    let (mut opened, mut closed) = (false, false);
    while !opened && !closed {
        poll.poll(&mut events, Some(WATCHDOG)).unwrap();
        assert!(!events.is_empty(), "nothing came");
        for event in &events {
            assert_eq!(event.token(), Token(5));
            socket.handle(event, &mut buffers, |_, event| match event {
                Event::Open(_) => opened = true,
                Event::Closed(_) => closed = true,
                event => panic!("{event:?}"),
            });
        }
    }
    (opened, socket)
}

#[test]
fn all_addresses_of_a_host_are_tried() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let options = Options::default();
    let drain = options.drain.clone();
    let server = thread::spawn(|| crate::serve(listener, options, crate::Echo));
    let (open, socket) = opens(vec![nowhere(), nowhere(), address]);
    assert!(open && socket.error().is_none());
    drop(socket);
    drain.start();
    server.join().unwrap().unwrap();
}

#[test]
fn the_last_of_them_says_why_it_failed() {
    let (open, socket) = opens(vec![nowhere(), nowhere()]);
    assert!(!open && socket.is_closed());
    let Some(Error::Io(error)) = socket.error() else { panic!("{:?}", socket.error()) };
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
}
