//! The transport seam: what is read from the socket is not what the connection receives. (Every case about the wire runs
//! through the test transport as well; here is what only a transport does.)

use crate::{
    Host, Idiom, Loop, Way,
    record::{self, GREETING, Times},
};
use std::time::Duration;
use timtow_core::{Cause, Config, Role, app::Options};

/// Short enough to be waited for.
const SHORT: Option<Duration> = Some(Duration::from_millis(60));

fn host<L: Loop>(way: Way, config: Config, times: Times) -> Host<L> {
    let transport = Some(record::transport(times));
    Host::with_options(way, Options { config: config.into(), transport, ..Options::default() })
}

/// The transport's own handshake comes first, in pieces; the opening handshake waits for it.
pub fn its_handshake_comes_first<L: Loop>(way: Way) {
    let host = host::<L>(way, Config::default(), Times::default());
    let mut peer = host.silent_peer(false);
    peer.greet_in_pieces(1);
    peer.shake_hands();
    peer.echo("Hello");
    peer.close();
    host.end().expect_clean(1000, "");
}

/// What is no greeting ends the connection.
pub fn another_protocol<L: Loop>(way: Way) {
    let host = host::<L>(way, Config { close_timeout: SHORT, ..Config::default() }, Times::default());
    let mut peer = host.silent_peer(false);
    peer.write_wire(b"GET / HTTP/1.1\r\n\r\n");
    peer.expect_loss();
    drop(peer);
    if way.idiom != Idiom::Serve {
        host.end().expect_cause(&Cause::Lost);
    }
}

/// What breaks the transport's protocol later does so too.
pub fn garbage_in_an_open_connection<L: Loop>(way: Way) {
    let host = host::<L>(way, Config { close_timeout: SHORT, ..Config::default() }, Times::default());
    let mut peer = host.open();
    peer.echo("Hello");
    peer.write_wire(&[0xee; 64]);
    peer.expect_loss();
    drop(peer);
    host.end().expect_cause(&Cause::Lost);
}

/// A deadline of the transport ends the connection, though the connection itself has none.
pub fn its_deadline_ends_the_connection<L: Loop>(way: Way) {
    let config = Config { handshake_timeout: None, close_timeout: SHORT, ..Config::default() };
    let host = host::<L>(way, config, Times { greeting: SHORT, tick: None });
    let mut peer = host.silent_peer(false);
    if peer.role() == Role::Client {
        peer.write_wire(&GREETING[..3]);
    }
    peer.expect_loss();
    drop(peer);
    if way.idiom != Idiom::Serve {
        host.end().expect_cause(&Cause::Lost);
    }
}

/// What the transport says of its own accord, by time alone, is written while the connection is idle.
pub fn it_speaks_by_itself<L: Loop>(way: Way) {
    let config = Config { ping_interval: None, ..Config::default() };
    let host = host::<L>(way, config, Times { greeting: None, tick: SHORT });
    let mut peer = host.open();
    peer.echo("Hello");
    while peer.ticks() == 0 {
        assert!(peer.fill());
    }
    peer.close();
    host.end().expect_clean(1000, "");
}
