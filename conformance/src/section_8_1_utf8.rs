//! RFC 6455 8.1: text is UTF-8.

use crate::{
    Host, Loop, Way,
    frame::{CONTINUATION, Frame, TEXT},
    section_5_framing::expect_violation,
};
use timtow_core::{Config, Violation};

/// RFC 6455 8.1: "When an endpoint is to interpret a byte stream as UTF-8 but finds that the byte stream is not, in fact, a
/// valid UTF-8 stream, that endpoint MUST _Fail the WebSocket Connection_."
pub fn text_that_is_not_utf8<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    for text in [
        &b"\xff"[..],
        b"\x80",
        // Longer than need be.
        b"\xc0\xaf",
        b"\xe0\x80\xaf",
        // A surrogate.
        b"\xed\xa0\x80",
        // Beyond U+10FFFF.
        b"\xf4\x90\x80\x80",
        b"\xf5\x80\x80\x80",
        // Not complete.
        b"abc\xce",
        b"\xf0\x9f\x92",
    ] {
        let mut peer = host.open();
        peer.send(&Frame::new(TEXT, text));
        expect_violation(&host, peer, Violation::TextNotUtf8);

        let mut peer = host.open();
        for (at, byte) in text.iter().enumerate() {
            // It may have failed already.
            let frame = peer.encode(&Frame::fragment(if at == 0 { TEXT } else { CONTINUATION }, [*byte], false));
            let _ = peer.try_write(frame);
        }
        let last = peer.encode(&Frame::fragment(CONTINUATION, "", true));
        let _ = peer.try_write(last);
        expect_violation(&host, peer, Violation::TextNotUtf8);
    }
}

/// RFC 3629: what is UTF-8 is text, non-characters and NUL included; how it is cut says nothing (RFC 6455 5.6: "a particular
/// text frame might include a partial UTF-8 sequence").
pub fn text_that_is_utf8<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    let mut peer = host.open();
    for text in
        ["κόσμε", "\0", "\u{7f}\u{80}\u{7ff}\u{800}", "\u{ffff}\u{fffe}\u{fdd0}", "\u{d7ff}\u{e000}", "\u{10ffff}💩"]
    {
        peer.echo(text);
        let bytes = text.as_bytes();
        for cut in 0..=bytes.len() {
            peer.send(&Frame::fragment(TEXT, &bytes[..cut], false));
            peer.send(&Frame::fragment(CONTINUATION, &bytes[cut..], true));
            peer.expect(&Frame::new(TEXT, text));
        }
        let frame = peer.encode(&Frame::new(TEXT, text));
        peer.write_slowly(frame);
        peer.expect(&Frame::new(TEXT, text));
    }
    peer.close();
}

/// A byte that proves it is enough, even inside a frame: the peer waits for nothing else.
pub fn the_first_bad_byte_is_enough<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    for prefix in ["", "κόσμε", &"x".repeat(70_000)] {
        let mut peer = host.open();
        let bytes = peer.encode(&Frame::new(TEXT, [prefix.as_bytes(), b"\xed\xa0", &[b'x'; 1000]].concat()));
        let cut = bytes.len() - 1000;
        peer.write(&bytes[..cut]);
        expect_violation(&host, peer, Violation::TextNotUtf8);
    }
    let mut peer = host.open();
    peer.send(&Frame::fragment(TEXT, b"\xce\xba\xf4\x90", false));
    expect_violation(&host, peer, Violation::TextNotUtf8);
}

/// RFC 6455 5.5.1: the reason is "UTF-8-encoded data".
pub fn a_reason_that_is_not_utf8<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, Config::default());
    for reason in [&b"\xff"[..], b"abc\xce"] {
        let mut peer = host.open();
        peer.send(&Frame::close(1000, reason));
        expect_violation(&host, peer, Violation::CloseReasonNotUtf8);
    }
}
