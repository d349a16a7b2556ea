//! Peers that vanish, in each state of a connection and in each manner: the endpoint notices, tells its application once,
//! gives the connection up, and goes on with others.
//!
//! RFC 6455 7.1.5: "The connection was closed abnormally" is 1006. Dropping the host demands that nothing is left.

use crate::{
    End, Host, Idiom, Loop, Peer, Way,
    frame::{BINARY, Frame, TEXT},
    http, record,
};
use std::{net::Shutdown, time::Duration};
use timtow_core::{Cause, Config, Error, Role, Timeout};

/// In which manner a peer vanishes.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Manner {
    /// The process ends: FIN, and RST for whatever comes later.
    Fin,
    /// RST.
    Rst,
    /// FIN from a peer that still reads.
    HalfClose,
    /// Not even FIN: a deadline ends it.
    Silence,
}

const MANNERS: [Manner; 4] = [Manner::Fin, Manner::Rst, Manner::HalfClose, Manner::Silence];

/// Short enough to be waited for, and set only where no connection needs more.
const SHORT: Option<Duration> = Some(Duration::from_millis(60));

impl Manner {
    fn vanish(self, mut peer: Peer) -> Option<Peer> {
        match self {
            Manner::Fin => None,
            Manner::Rst => {
                peer.reset();
                None
            }
            Manner::HalfClose => {
                peer.stream().shutdown(Shutdown::Write).expect("FIN");
                peer.expect_loss();
                Some(peer)
            }
            Manner::Silence => {
                peer.expect_loss();
                Some(peer)
            }
        }
    }
}

/// Before anything was said.
pub fn before_the_handshake<L: Loop>(way: Way) {
    for manner in MANNERS {
        during_the_handshake::<L>(way, manner, |_, _| {});
    }
}

/// Inside the transport's handshake, or the first bytes of the opening one.
pub fn inside_the_transports_handshake<L: Loop>(way: Way) {
    for manner in MANNERS {
        during_the_handshake::<L>(way, manner, |peer, transport| {
            if transport && peer.role() == Role::Client {
                peer.write_wire(&record::GREETING[..4]);
            }
        });
    }
}

/// Inside the opening handshake.
pub fn inside_the_handshake<L: Loop>(way: Way) {
    for manner in MANNERS {
        during_the_handshake::<L>(way, manner, |peer, _| {
            peer.greet();
            match peer.role() {
                Role::Client => peer.write(&http::request("/", "")[..60]),
                Role::Server => {
                    let key = peer.head().only("Sec-WebSocket-Key").to_owned();
                    peer.write(&http::switching(&key, "")[..60]);
                }
            }
        });
    }
}

fn during_the_handshake<L: Loop>(way: Way, manner: Manner, begin: impl Fn(&mut Peer, bool)) {
    let silent = manner == Manner::Silence;
    let config =
        Config { handshake_timeout: if silent { SHORT } else { None }, close_timeout: SHORT, ..Config::default() };
    let host = Host::<L>::new(way, config);
    for _ in 0..2 {
        let mut peer = host.silent_peer(false);
        begin(&mut peer, way.transport);
        let _peer = manner.vanish(peer);
        // An application is not told of a connection that never opened.
        if way.idiom != Idiom::Serve {
            let end = host.end();
            match manner {
                Manner::Silence => end.expect_cause(&Cause::Timeout(Timeout::Handshake)),
                // A client may not even have seen that it was connected.
                Manner::Rst if matches!(end, End::Failed(Error::Io(_))) => assert_eq!(way.role(), Role::Client),
                _ => assert!(matches!(end.cause(), Cause::Lost | Cause::Failed(_)), "{manner:?}: {end:?}"),
            }
        }
    }
}

/// Open, with nothing under way.
pub fn open_and_idle<L: Loop>(way: Way) {
    while_open::<L>(way, |peer| peer.echo("Hello"));
}

/// Inside a frame.
pub fn inside_a_frame<L: Loop>(way: Way) {
    while_open::<L>(way, |peer| {
        let frame = peer.encode(&Frame::new(TEXT, "Hello"));
        peer.write(&frame[..frame.len() - 2]);
    });
    while_open::<L>(way, |peer| {
        peer.announce(true, BINARY, 1 << 20);
        let _ = peer.try_write(vec![0; 100_000]);
    });
}

/// Inside a fragmented message.
pub fn inside_a_fragmented_message<L: Loop>(way: Way) {
    while_open::<L>(way, |peer| peer.send(&Frame::fragment(TEXT, "Hel", false)));
}

/// With replies under way that nobody will read.
pub fn with_replies_under_way<L: Loop>(way: Way) {
    while_open::<L>(way, |peer| {
        // On a slow machine the endpoint may have given up a silent peer before it was.
        let frame = peer.encode(&Frame::new(BINARY, vec![0; 1 << 20]));
        let _ = peer.try_write(frame);
    });
}

fn while_open<L: Loop>(way: Way, prepare: impl Fn(&mut Peer)) {
    for manner in MANNERS {
        let silent = if manner == Manner::Silence { SHORT } else { None };
        let config = Config {
            ping_interval: silent,
            pong_timeout: silent,
            write_timeout: silent,
            close_timeout: silent,
            ..Config::default()
        };
        let host = Host::<L>::new(way, config);
        let mut other = if silent.is_none() { Some(host.open()) } else { None };
        let mut peer = host.open();
        prepare(&mut peer);
        let _peer = manner.vanish(peer);
        let end = host.end();
        match manner {
            Manner::Silence => end.expect_cause(&Cause::Timeout(Timeout::Pong)),
            _ => end.expect_cause(&Cause::Lost),
        }
        if let Some(other) = &mut other {
            other.echo("nothing happened to others");
            other.close();
            host.end().expect_clean(1000, "");
        }
    }
}

/// When the endpoint has begun to close, and waits for the answer.
pub fn while_it_closes<L: Loop>(way: Way) {
    for manner in MANNERS {
        let silent = if manner == Manner::Silence { SHORT } else { None };
        let host = Host::<L>::new(way, Config { close_timeout: silent, ..Config::default() });
        let mut peer = host.open();
        peer.text("close 1000 bye");
        assert_eq!(peer.close_frame().0, Some(1000));
        let _peer = manner.vanish(peer);
        match manner {
            Manner::Silence => host.end().expect_cause(&Cause::Timeout(Timeout::Close)),
            _ => host.end().expect_cause(&Cause::Lost),
        }
    }
}

/// When both close frames have passed.
pub fn after_the_closing_handshake<L: Loop>(way: Way) {
    for manner in MANNERS {
        let silent = if manner == Manner::Silence { SHORT } else { None };
        let host = Host::<L>::new(way, Config { close_timeout: silent, ..Config::default() });
        let mut peer = host.open();
        peer.send(&Frame::close(1000, "bye"));
        assert_eq!(peer.close_frame().0, Some(1000));
        let _peer = manner.vanish(peer);
        expect_clean(&host.end());
    }
}

fn expect_clean(end: &End) {
    end.expect_clean(1000, "bye");
}

/// When the endpoint has failed the connection.
pub fn after_a_violation<L: Loop>(way: Way) {
    for manner in MANNERS {
        let silent = if manner == Manner::Silence { SHORT } else { None };
        let host = Host::<L>::new(way, Config { close_timeout: silent, ..Config::default() });
        let mut peer = host.open();
        peer.send(&Frame::new(3, ""));
        assert_eq!(peer.close_frame().0, Some(1002));
        let _peer = manner.vanish(peer);
        assert!(matches!(host.end().cause(), Cause::Violation(_)));
    }
}
