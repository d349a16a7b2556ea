//! RFC 6455 5.1 to 5.3 and 5.6: frames, their lengths, their masks, their limits.

use crate::{
    Host, Idiom, Loop, Peer, Way,
    frame::{BINARY, CLOSE, CONTINUATION, Frame, PING, PONG, TEXT, header},
};
use timtow_core::{Cause, Config, Role, Violation};

/// RFC 6455 5.2: "The length of the 'Payload data', in bytes: if 0-125, that is the payload length. If 126, the following
/// 2 bytes interpreted as a 16-bit unsigned integer are the payload length. If 127, the following 8 bytes […]. Note that
/// in all cases, the minimal number of bytes MUST be used to encode the length."
pub fn every_length_is_echoed<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    let mut peer = host.open();
    for len in [0, 1, 125, 126, 65_535, 65_536, 1 << 20] {
        for opcode in [TEXT, BINARY] {
            let frame = Frame::new(opcode, payload(opcode, len));
            peer.send(&frame);
            peer.expect(&frame);
        }
    }
    peer.close();
    host.end().expect_clean(1000, "");
}

/// Of two lengths nothing is alike: no byte stands where another could.
fn payload(opcode: u8, len: usize) -> Vec<u8> {
    let bytes = (0..len).map(|at| (at.wrapping_mul(0x9e37_79b1) >> 11) as u8);
    if opcode == TEXT { bytes.map(|byte| b' ' + byte % 95).collect() } else { bytes.collect() }
}

/// RFC 6455 10.4: "Implementations […] MUST protect themselves against exceeding those limits". A message of the limit
/// passes; one byte more is refused with 1009 (7.4.1) when the header says so.
pub fn the_limit_of_a_message<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config { max_message: 70_000, max_frame: 100_000, ..Config::default() });
    let mut peer = host.open();
    for opcode in [TEXT, BINARY] {
        let frame = Frame::new(opcode, payload(opcode, 70_000));
        peer.send(&frame);
        peer.expect(&frame);
    }
    peer.announce(true, BINARY, 70_001);
    expect_violation(&host, peer, Violation::MessageTooBig);

    let mut peer = host.open();
    peer.send(&Frame::fragment(BINARY, payload(BINARY, 40_000), false));
    peer.announce(true, CONTINUATION, 30_001);
    expect_violation(&host, peer, Violation::MessageTooBig);
}

/// RFC 6455 10.4, for the frame: "set limits on frame size and total message size after reassembly from multiple frames".
pub fn the_limit_of_a_frame<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config { max_message: 10_000, max_frame: 1_000, ..Config::default() });
    let mut peer = host.open();
    let message = payload(BINARY, 10_000);
    for (at, piece) in message.chunks(1_000).enumerate() {
        peer.send(&Frame::fragment(if at == 0 { BINARY } else { CONTINUATION }, piece, at == 9));
    }
    peer.expect(&Frame::new(BINARY, &message));
    peer.announce(true, BINARY, 1_001);
    expect_violation(&host, peer, Violation::FrameTooBig);
}

/// RFC 6455 5.2: "the most significant bit MUST be 0"; and a length that no memory holds is only over the limit.
pub fn absurd_lengths<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    for (len, violation) in [
        (u64::MAX, Violation::LengthTopBit),
        (1 << 63, Violation::LengthTopBit),
        (u64::MAX >> 1, Violation::FrameTooBig),
        ((1 << 20) + 1, Violation::FrameTooBig),
    ] {
        let mut peer = host.open();
        peer.announce(true, BINARY, len);
        expect_violation(&host, peer, violation);
    }
}

/// RFC 6455 5.2: "in all cases, the minimal number of bytes MUST be used to encode the length".
pub fn lengths_that_are_not_minimal<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    for (form, len) in [(126, &[0, 125][..]), (127, &[0, 0, 0, 0, 0, 0, 0xff, 0xff])] {
        let mut peer = host.open();
        let mask = peer.mask();
        let masked = if mask.is_some() { 0x80 } else { 0 };
        peer.write([&[0x82, masked | form], len, &mask.unwrap_or_default()].concat());
        expect_violation(&host, peer, Violation::LengthNotMinimal);
    }
}

/// RFC 6455 5.2: RSV1 to RSV3 "MUST be 0 unless an extension is negotiated that defines meanings for non-zero values. If a
/// nonzero value is received and none of the negotiated extensions defines the meaning of such a nonzero value, the
/// receiving endpoint MUST _Fail the WebSocket Connection_."
pub fn reserved_bits<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    for rsv in 1..8 {
        let mut peer = host.open();
        peer.send(&Frame { rsv, ..Frame::new(TEXT, "Hello") });
        expect_violation(&host, peer, Violation::ReservedBits);
    }
}

/// RFC 6455 5.2: "If an unknown opcode is received, the receiving endpoint MUST _Fail the WebSocket Connection_."
pub fn reserved_opcodes<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    for opcode in (3..8).chain(11..16) {
        let mut peer = host.open();
        peer.send(&Frame::new(opcode, ""));
        expect_violation(&host, peer, Violation::ReservedOpcode);
    }
}

/// RFC 6455 5.1: "The server MUST close the connection upon receiving a frame that is not masked", and "A client MUST close
/// a connection if it detects a masked frame".
pub fn masks_of_the_wrong_side<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    let mut peer = host.open();
    let (mask, violation) = match peer.role() {
        Role::Client => (None, Violation::Unmasked),
        Role::Server => (Some([0x37, 0xfa, 0x21, 0x3d]), Violation::Masked),
    };
    peer.write(Frame::new(TEXT, "Hello").encode(mask));
    expect_violation(&host, peer, violation);
}

/// RFC 6455 7.1.7: whatever the violation, the peer is told, and nothing that it says afterwards is heard.
pub fn what_follows_a_violation_is_not_heard<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    let mut peer = host.open();
    let bytes = peer.encode_all(&[
        Frame::new(TEXT, "before"),
        Frame::new(3, ""),
        Frame::new(TEXT, "after"),
        Frame::new(PING, "after"),
        Frame::close(1000, ""),
    ]);
    peer.write(bytes);
    let mut first = peer.frame();
    // Halves may hear of the end before what one has received is sent by the other.
    if way.idiom != Idiom::Split || first.opcode == TEXT {
        assert_eq!(first, Frame::new(TEXT, "before"));
        first = peer.frame();
    }
    assert_eq!((first.opcode, &first.payload[..2]), (CLOSE, &1002_u16.to_be_bytes()[..]));
    peer.expect_end();
    drop(peer);
    host.end().expect_cause(&Cause::Violation(Violation::ReservedOpcode));
}

/// RFC 6455 5.2: frames say where they end; how the bytes are cut says nothing. Many frames come in one read.
pub fn many_frames_in_one_write<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    let mut peer = host.open();
    let frames: Vec<Frame> = (0..3_000).map(|number| Frame::new(TEXT, number.to_string())).collect();
    let bytes = peer.encode_all(&frames);
    peer.write(bytes);
    for frame in &frames {
        peer.expect(frame);
    }
    peer.close();
    host.end().expect_clean(1000, "");
}

/// RFC 6455 5.2: a frame may come a byte at a time, its header included.
pub fn frames_byte_by_byte<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    let mut peer = host.open();
    for len in [0, 1, 125, 126, 300] {
        for opcode in [TEXT, BINARY, PING] {
            if opcode == PING && len > 125 {
                continue;
            }
            let frame = Frame::new(opcode, payload(TEXT, len));
            let bytes = peer.encode(&frame);
            peer.write_slowly(bytes);
            peer.expect(&Frame { opcode: if opcode == PING { PONG } else { opcode }, ..frame });
        }
    }
    let close = peer.encode(&Frame::close(1000, "slow"));
    peer.write_slowly(close);
    assert_eq!(peer.close_frame().0, Some(1000));
    peer.part();
    host.end().expect_clean(1000, "slow");
}

/// RFC 6455 5.3: "each frame must be masked with a new masking key": a connection's own state is its own. Two connections
/// whose frames are cut and interleaved get their own bytes back.
pub fn connections_share_no_state<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    let mut peers: Vec<Peer> = (0..3).map(|_| host.open()).collect();
    let frames: Vec<Frame> = (0..3).map(|at| Frame::new(TEXT, format!("{at}").repeat(200))).collect();
    let bytes: Vec<Vec<u8>> = peers.iter_mut().zip(&frames).map(|(peer, frame)| peer.encode(frame)).collect();
    for cut in 0..bytes[0].len() {
        for (peer, bytes) in peers.iter_mut().zip(&bytes) {
            peer.write(&bytes[cut..=cut]);
        }
    }
    for (peer, frame) in peers.iter_mut().zip(&frames) {
        peer.expect(frame);
        peer.close();
    }
}

/// The header may come in one segment and its payload in others, for a frame that does not fit into any buffer.
pub fn a_large_frame_in_pieces<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    let mut peer = host.open();
    let frame = Frame::new(BINARY, payload(BINARY, 700_001));
    let bytes = peer.encode(&frame);
    for piece in bytes.chunks(4_099) {
        peer.write(piece);
    }
    peer.expect(&frame);
    peer.close();
}

/// A connection that has failed for this reason: the peer is told so (RFC 6455 7.1.7).
pub(crate) fn expect_violation<L: Loop>(host: &Host<L>, mut peer: Peer, violation: Violation) {
    peer.expect_failure(violation.close_code().0);
    drop(peer);
    host.end().expect_cause(&Cause::Violation(violation));
}

/// RFC 6455 5.3: "The masking key is a 32-bit value chosen at random by the client. […] each frame must be masked with a new
/// masking key". (Of 100 that are random, two are the same in one run of a million.)
pub fn no_two_masks_are_alike<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    let mut seen = std::collections::HashSet::new();
    for _ in 0..2 {
        let mut peer = host.open();
        for number in 0..50 {
            peer.echo(&number.to_string());
        }
        seen.extend(std::mem::take(&mut peer.seen_masks));
        peer.close();
    }
    assert_eq!(seen.len(), 100);
    assert!(!seen.contains(&[0; 4]));
}

/// The header of a frame that is cut off everywhere means nothing yet: the connection is lost, and not violated.
pub fn a_cut_header_is_no_violation<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    for len in 1.. {
        let mut peer = host.open();
        let whole = header(true, 0, BINARY, 70_000, peer.mask());
        if len > whole.len() {
            break;
        }
        peer.write(&whole[..len]);
        peer.shutdown();
        peer.expect_end();
        host.end().expect_cause(&Cause::Lost);
    }
}
