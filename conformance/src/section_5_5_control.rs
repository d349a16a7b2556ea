//! RFC 6455 5.5: control frames.

use crate::{
    Host, Loop, Way,
    frame::{CLOSE, Frame, PING, PONG, TEXT},
    section_5_framing::expect_violation,
};
use std::io::Write;
use timtow_core::{Config, SendError, Violation};

/// RFC 6455 5.5.2: "Upon receipt of a Ping frame, an endpoint MUST send a Pong frame in response", and 5.5.3: "A Pong frame
/// sent in response to a Ping frame must have identical 'Application data'".
pub fn pings_are_answered_in_order<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    let mut peer = host.open();
    let payloads = [vec![], b"0".to_vec(), vec![0xff; 125], b"Hello".to_vec()];
    for payload in &payloads {
        peer.send(&Frame::new(PING, payload));
        peer.expect(&Frame::new(PONG, payload));
    }
    let pings: Vec<Frame> = payloads.iter().map(|payload| Frame::new(PING, payload)).collect();
    let bytes = peer.encode_all(&pings);
    peer.write(bytes);
    for payload in &payloads {
        peer.expect(&Frame::new(PONG, payload));
    }
    peer.close();
}

/// RFC 6455 5.5.2: "An endpoint MAY send a Ping frame any time after the connection is established and before the connection
/// is closed." The application may, in every idiom, with a half as well. A ping that is too long (5.5) is an error, and the
/// connection goes on.
pub fn pings_of_the_application<L: Loop>(way: Way) {
    // No ping but those, and no deadline at which somebody looks what there is to write.
    let host = Host::<L>::new(way, Config { ping_interval: None, write_timeout: None, ..Config::default() });
    let mut peer = host.open();
    let long = "x".repeat(126);
    for payload in ["", "0", "Hello", &long[1..]] {
        peer.text(&format!("ping {payload}"));
        peer.expect(&Frame::new(PING, payload));
        peer.send(&Frame::new(PONG, payload));
    }
    peer.text(&format!("ping {long}"));
    peer.expect(&Frame::new(TEXT, SendError::ControlTooLong.to_string()));
    peer.echo("Hello");
    peer.close();
}

/// RFC 6455 5.5.3: "A Pong frame MAY be sent unsolicited. […] A response to an unsolicited Pong frame is not expected."
pub fn pongs_are_not_answered<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    let mut peer = host.open();
    peer.send(&Frame::new(PONG, ""));
    peer.send(&Frame::new(PONG, vec![0; 125]));
    peer.echo("Hello");
    peer.close();
}

/// RFC 6455 5.5: "All control frames MUST have a payload length of 125 bytes or less". The header is enough to know.
pub fn long_control_frames<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    for opcode in [CLOSE, PING, PONG] {
        for len in [126, 65_536] {
            let mut peer = host.open();
            peer.announce(true, opcode, len);
            expect_violation(&host, peer, Violation::ControlTooLong);
        }
    }
}

/// RFC 6455 5.5.3: "If an endpoint receives a Ping frame and has not yet sent Pong frame(s) in response to previous Ping
/// frame(s), the endpoint MAY elect to send a Pong frame for only the most recently processed Ping frame." Pings of a peer
/// that does not read cost no memory without bound; the last one is answered.
pub fn a_flood_of_pings<L: Loop>(way: Way) {
    const PINGS: u32 = 100_000;
    let host = Host::<L>::with_small_buffers(way, Config::default());
    let mut peer = host.open_small();
    let pings: Vec<Frame> = (0..=PINGS).map(|number| Frame::new(PING, number.to_be_bytes())).collect();
    let bytes = peer.encode_all(&pings);
    let wire = peer.sealed(&bytes);
    let mut writer = peer.writer();
    let writing = crate::Task::spawn(move || writer.write_all(&wire).expect("the endpoint reads again"));
    let mut next = 0;
    while next <= PINGS {
        let pong = peer.frame();
        assert_eq!(pong.opcode, PONG);
        let number = u32::from_be_bytes(pong.payload.try_into().expect("a number"));
        assert!(number >= next && number <= PINGS, "pong {number} after {next} others");
        next = number + 1;
    }
    writing.join();
    peer.echo("still there");
    peer.close();
}

/// RFC 6455 5.5.2: a ping is answered "unless it already received a Close frame".
pub fn no_pong_after_close<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    let mut peer = host.open();
    let bytes = peer.encode_all(&[
        Frame::close(1000, ""),
        Frame::new(PING, "late"),
        Frame::new(TEXT, "late"),
        Frame::new(3, ""),
    ]);
    peer.write(bytes);
    assert_eq!(peer.close_frame().0, Some(1000));
    peer.part();
    host.end().expect_clean(1000, "");
}
