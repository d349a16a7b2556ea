//! What went wrong with the programs of 2010, whose loops are this library's, and is not to go wrong again. What sections of
//! the RFC cover stands in their modules: bytes behind the handshake, unmasked close frames, unanswered closes and pings.

use crate::{
    Host, Loop, Peer, Way, child,
    frame::{BINARY, Frame, PONG, TEXT, header},
    http,
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::{fs::File, os::fd::AsRawFd};
use timtow_core::{
    Role,
    app::{Echo, Options},
};

/// `while (my $m = $frame->next)` ended at the messages "0" and "".
pub fn messages_that_perl_takes_for_false<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Default::default());
    let mut peer = host.open();
    for text in ["0", "", "0", "00", "0.0", "\0"] {
        peer.echo(text);
        peer.send(&Frame::new(BINARY, text));
        peer.expect(&Frame::new(BINARY, text));
    }
    let frames = ["", "0", "", "end"].map(|text| Frame::new(TEXT, text));
    let bytes = peer.encode_all(&frames);
    peer.write(bytes);
    for frame in &frames {
        peer.expect(frame);
    }
    peer.close();
}

/// Opcodes were ignored: control frames came back as text, and binary messages too.
pub fn control_frames_are_no_messages<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Default::default());
    let mut peer = host.open();
    peer.send(&Frame::new(PONG, "no message"));
    peer.send(&Frame::new(BINARY, b"\xff"));
    peer.expect(&Frame::new(BINARY, b"\xff"));
    peer.close();
}

/// A message over 65,536 bytes, or an absurd length, ended the whole process: here it ends at most its own connection.
pub fn one_connection_does_not_end_others<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Default::default());
    let mut other = host.open();
    let hostile: [fn(&mut Peer); 4] = [
        |peer| peer.announce(true, BINARY, u64::MAX),
        |peer| peer.write([0xff; 100]),
        |peer| {
            let mask = peer.mask();
            peer.write(header(true, 7, 15, 125, mask));
        },
        |peer| peer.write(http::request("/", "")),
    ];
    for hostile in hostile {
        let mut peer = host.open();
        hostile(&mut peer);
        let code = peer.close_frame().0;
        assert!([Some(1002), Some(1009)].contains(&code), "{code:?}");
        peer.expect_end();
        other.send(&Frame::new(BINARY, vec![7; 65_537]));
        other.expect(&Frame::new(BINARY, vec![7; 65_537]));
    }
    other.close();
}

/// Writing to a peer that is gone raised SIGPIPE: here it ends the connection only.
pub fn writing_to_a_peer_that_is_gone<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Default::default());
    for _ in 0..10 {
        let mut peer = host.open();
        let frames: Vec<Frame> = (0..100).map(|_| Frame::new(BINARY, vec![0; 1_000])).collect();
        let bytes = peer.encode_all(&frames);
        peer.write(bytes);
        // What it is sent is answered with RST.
        drop(peer);
        host.end().cause();
    }
    let mut peer = host.open();
    peer.echo("still there");
    peer.close();
}

/// Descriptors leaked: here a server goes on for many times as many connections as there may be files.
pub fn descriptors_are_given_back<L: Loop>(way: Way, test: &str) {
    child::run(test, || {
        let host = Host::<L>::serve(Options::default(), Echo);
        for (at, limited) in [(0, false), (1, true)] {
            if limited {
                leave(20);
            }
            for number in 0..if limited { 100 } else { 2 } {
                let mut peer = child::retry(|| host.try_open());
                peer.echo(&format!("{at} {number}"));
                match number % 3 {
                    0 => peer.close(),
                    1 => peer.reset(),
                    _ => drop(peer),
                }
            }
        }
        assert_eq!(way.role(), Role::Server);
    });
}

/// An accept loop that runs out of descriptors goes on when there are some again, and its connections go on meanwhile
/// (accept(2), EMFILE).
pub fn running_out_of_descriptors<L: Loop>(way: Way, test: &str) {
    child::run(test, || {
        let host = Host::<L>::serve(Options::default(), Echo);
        let mut first = host.open();
        first.echo("Hello");
        let sockets: Vec<socket2::Socket> = (0..20).map(|_| child::socket()).collect();
        leave(2);
        for socket in &sockets {
            socket.connect(&host.address().into()).expect("a place in the backlog");
        }
        // Once the server has accepted what it can, there are none left, also for us.
        let end = std::time::Instant::now() + crate::WATCHDOG;
        while File::open("/dev/null").is_ok() {
            assert!(std::time::Instant::now() < end, "the server accepts nothing");
            std::thread::yield_now();
        }
        for number in 0..100 {
            first.echo(&format!("{number}"));
        }
        // Others give something back, and there is room for new ones.
        drop(sockets);
        for number in 0..10 {
            let mut peer = child::retry(|| host.try_open());
            peer.echo(&format!("{number}"));
            peer.close();
        }
        first.close();
        assert_eq!(way.role(), Role::Server);
    });
}

/// Leaves room for so many descriptors beyond those that are open.
fn leave(descriptors: u64) {
    let next = File::open("/dev/null").expect("a descriptor").as_raw_fd();
    let maximum = getrlimit(Resource::Nofile).maximum;
    let current = Some(u64::try_from(next).expect("a descriptor") + descriptors);
    setrlimit(Resource::Nofile, Rlimit { current, maximum }).expect("a lower limit");
}
