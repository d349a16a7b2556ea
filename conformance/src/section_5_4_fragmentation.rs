//! RFC 6455 5.4: messages in several frames.

use crate::{
    Host, Loop, Way,
    frame::{BINARY, CLOSE, CONTINUATION, Frame, PING, PONG, TEXT},
    section_5_framing::expect_violation,
};
use timtow_core::{Cause, Config, Violation};

/// RFC 6455 5.4: "A fragmented message consists of a single frame with the FIN bit clear and an opcode other than 0,
/// followed by zero or more frames with the FIN bit clear and the opcode set to 0, and terminated by a single frame with the
/// FIN bit set and an opcode of 0. […] An endpoint MUST be capable of handling \[them\]."
pub fn fragments_make_a_message<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    let mut peer = host.open();
    for opcode in [TEXT, BINARY] {
        for pieces in [&["Hel", "lo"][..], &["", "Hello"], &["Hello", ""], &["H", "", "e", "", "", "llo"], &["", ""]] {
            let bytes: Vec<u8> = (0..pieces.len())
                .flat_map(|at| {
                    let opcode = if at == 0 { opcode } else { CONTINUATION };
                    peer.encode(&Frame::fragment(opcode, pieces[at], at + 1 == pieces.len()))
                })
                .collect();
            peer.write(&bytes);
            peer.expect(&Frame::new(opcode, pieces.concat()));
            peer.write_slowly(&bytes);
            peer.expect(&Frame::new(opcode, pieces.concat()));
        }
    }
    peer.close();
}

/// RFC 6455 5.4 sets no limit to the number of fragments: empty ones cost nothing, and small ones their bytes.
pub fn any_number_of_fragments<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    let mut peer = host.open();
    for piece in ["", "x"] {
        let mut bytes = peer.encode(&Frame::fragment(TEXT, "<", false));
        for _ in 0..10_000 {
            bytes.extend(peer.encode(&Frame::fragment(CONTINUATION, piece, false)));
        }
        bytes.extend(peer.encode(&Frame::fragment(CONTINUATION, ">", true)));
        peer.write(bytes);
        peer.expect(&Frame::new(TEXT, format!("<{}>", piece.repeat(10_000))));
    }
    peer.close();
}

/// RFC 6455 5.4: "Control frames […] MAY be injected in the middle of a fragmented message. […] An endpoint MUST be capable
/// of handling control frames in the middle of a fragmented message." They are answered before the message is complete.
pub fn control_frames_between_fragments<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    let mut peer = host.open();
    peer.send(&Frame::fragment(TEXT, "one ", false));
    for number in 0..3 {
        peer.send(&Frame::new(PING, format!("{number}")));
        peer.expect(&Frame::new(PONG, format!("{number}")));
        peer.send(&Frame::new(PONG, "nobody asked"));
        peer.send(&Frame::fragment(CONTINUATION, format!("{number} "), false));
    }
    peer.send(&Frame::fragment(CONTINUATION, "end", true));
    peer.expect(&Frame::new(TEXT, "one 0 1 2 end"));
    peer.close();
}

/// RFC 6455 5.5.1: a close frame may come in the middle of a fragmented message too, which is then nobody's.
pub fn a_close_frame_between_fragments<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    let mut peer = host.open();
    peer.send(&Frame::fragment(TEXT, "never ", false));
    peer.close();
    host.end().expect_clean(1000, "");
}

/// RFC 6455 5.4: "terminated by a single frame with the FIN bit set and an opcode of 0", of a message that has begun.
pub fn a_continuation_of_nothing<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    for fin in [true, false] {
        let mut peer = host.open();
        peer.send(&Frame::fragment(CONTINUATION, "Hello", fin));
        expect_violation(&host, peer, Violation::ContinuationWithoutStart);
        // Nor does it continue what was complete.
        let mut peer = host.open();
        for frame in [Frame::fragment(TEXT, "a", false), Frame::fragment(CONTINUATION, "b", true)] {
            peer.send(&frame);
        }
        peer.expect(&Frame::new(TEXT, "ab"));
        peer.send(&Frame::fragment(CONTINUATION, "c", fin));
        expect_violation(&host, peer, Violation::ContinuationWithoutStart);
    }
}

/// RFC 6455 5.4: "The fragments of one message MUST NOT be interleaved between the fragments of another message unless an
/// extension has been negotiated that can interpret the interleaving."
pub fn a_message_inside_of_another<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    for opcode in [TEXT, BINARY] {
        for fin in [true, false] {
            let mut peer = host.open();
            peer.send(&Frame::fragment(TEXT, "a", false));
            peer.send(&Frame::fragment(opcode, "b", fin));
            expect_violation(&host, peer, Violation::MessageInsideMessage);
        }
    }
}

/// RFC 6455 5.4: "Control frames themselves MUST NOT be fragmented."
pub fn a_control_frame_in_fragments<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    for opcode in [CLOSE, PING, PONG] {
        let mut peer = host.open();
        peer.send(&Frame::fragment(opcode, "", false));
        expect_violation(&host, peer, Violation::ControlFragmented);
    }
}

/// More fragments than the configuration allows are against its policy (RFC 6455 7.4.1, 1008).
pub fn the_limit_of_fragments<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config { max_fragments: Some(3), ..Config::default() });
    let mut peer = host.open();
    for (opcode, fin) in [(TEXT, false), (CONTINUATION, false), (CONTINUATION, true)] {
        peer.send(&Frame::fragment(opcode, "x", fin));
    }
    peer.expect(&Frame::new(TEXT, "xxx"));
    for opcode in [TEXT, CONTINUATION, CONTINUATION, CONTINUATION] {
        peer.send(&Frame::fragment(opcode, "x", false));
    }
    peer.expect_failure(1008);
    drop(peer);
    host.end().expect_cause(&Cause::Violation(Violation::TooManyFragments));
}
