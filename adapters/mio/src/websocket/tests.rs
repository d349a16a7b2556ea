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
    let mut addresses = addresses.into_iter();
    let request = ClientRequest { host: "several".into(), ..ClientRequest::default() };
    let mut socket = connect_with(request, attempt(&mut addresses).unwrap(), &Options::default()).unwrap();
    socket.connecting = Some(Box::new(Connecting { addresses, registered: None }));
    poll.registry().register(&mut socket, Token(5), Interest::READABLE | Interest::WRITABLE).unwrap();
    let (mut open, mut closed) = (false, false);
    while !open && !closed {
        poll.poll(&mut events, Some(WATCHDOG)).unwrap();
        assert!(!events.is_empty(), "nothing came");
        for event in &events {
            assert_eq!(event.token(), Token(5));
            socket.handle(event, &mut buffers, |_, event| match event {
                Event::Open(_) => open = true,
                Event::Closed(_) => closed = true,
                event => panic!("{event:?}"),
            });
        }
    }
    (open, socket)
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
    assert_eq!(socket.error().unwrap().kind(), io::ErrorKind::ConnectionRefused);
}
