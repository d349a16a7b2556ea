//! A peer in the drafts before RFC 6455, written from their texts: handshakes and frames by hand. It shares no code with the
//! core.

use crate::{
    Peer, Way,
    frame::{Frame, TEXT},
    http::{self, Head},
};
use md5::{Digest, Md5};
use timtow_core::{Draft, Role};

/// Keys that hide numbers, with eight bytes: the examples of hixie-76 1.2, 1.3 and 5.2, and one with bytes that are no text.
pub(crate) const KEYS: [(&str, &str, &[u8; 8]); 4] = [
    ("4 @1  46546xW%0l 1 5", "12998 5 Y3 1  .P00", b"^n:ds[4U"),
    ("18x 6]8vM;54 *(5:  {   U1]8  z [  8", "1_ tx7X d  <  nw  334J702) 7]o}` 0", b"Tm[K T2u"),
    ("3e6b263  4 17 80", "17  9 G`ZD9   2 2b 7X 3 /r90", b"WjN}|M(6"),
    ("1   38 wZ3f9 23O0 3l 0r", "27   0E 6 2  1665:< ;U 1H", b"\x91%>\xd3\xa9\xe7j\x88"),
];

/// hixie-76 1.3: the two numbers in big-endian order, and the eight bytes, through MD5.
pub(crate) fn answer(key1: &str, key2: &str, body: &[u8]) -> [u8; 16] {
    let number = |key: &str| {
        let digits: String = key.chars().filter(char::is_ascii_digit).collect();
        let (product, spaces) = (digits.parse::<u64>().expect("digits"), key.matches(' ').count() as u64);
        assert_eq!(product % spaces, 0, "{key:?}: the division leaves a remainder");
        u32::try_from(product / spaces).expect("32 bits").to_be_bytes()
    };
    Md5::digest([&number(key1)[..], &number(key2), body].concat()).into()
}

/// A request in this draft; the `n`th pair of keys is in it.
pub(crate) fn request(draft: Draft, n: usize) -> Vec<u8> {
    let begin = "GET /demo HTTP/1.1\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\nHost: example.com\r\n\
        Origin: http://example.com\r\n";
    match draft {
        Draft::Hixie75 => format!("{begin}\r\n").into_bytes(),
        Draft::Hixie76 => {
            let (key1, key2, body) = KEYS[n % KEYS.len()];
            let head = format!("{begin}Sec-WebSocket-Key1: {key1}\r\nSec-WebSocket-Key2: {key2}\r\n\r\n");
            [head.as_bytes(), body].concat()
        }
        draft => {
            let version = |version| format!("Sec-WebSocket-Version: {version}\r\n");
            let request = http::request("/demo", "Sec-WebSocket-Origin: http://example.com\r\n");
            request.replace(&version("13"), &version(draft.name())).into_bytes()
        }
    }
}

/// The whole answer to a request of ours, 16 bytes included, must be this.
pub(crate) fn expect_answer(peer: &mut Peer, way: Way, draft: Draft, n: usize) {
    if !draft.is_hixie() {
        let (head, _) = peer.response();
        assert_eq!(head.status(), 101, "{head:?}");
        assert_eq!(head.only("Sec-WebSocket-Accept"), http::accept(http::KEY));
        return;
    }
    let (phrase, sec) = words(draft);
    let scheme = scheme(way);
    let mut expected = format!(
        "HTTP/1.1 101 {phrase} Protocol Handshake\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n\
         {sec}WebSocket-Origin: http://example.com\r\n{sec}WebSocket-Location: {scheme}://example.com/demo\r\n\r\n"
    )
    .into_bytes();
    if draft == Draft::Hixie76 {
        let (key1, key2, body) = KEYS[n % KEYS.len()];
        expected.extend(answer(key1, key2, body));
    }
    let came = peer.take(expected.len());
    assert_eq!(came.escape_ascii().to_string(), expected.escape_ascii().to_string());
}

/// The request of a client in this draft: its head, and the bytes behind it.
pub(crate) fn take_request(peer: &mut Peer, draft: Draft) -> (Head, Vec<u8>) {
    let head = peer.head();
    let body = if draft == Draft::Hixie76 { peer.take(8) } else { Vec::new() };
    (head, body)
}

/// What answers it, with further lines.
pub(crate) fn response(way: Way, draft: Draft, (head, body): &(Head, Vec<u8>), lines: &str) -> Vec<u8> {
    if !draft.is_hixie() {
        assert_eq!(head.only("Sec-WebSocket-Version"), draft.name());
        return http::switching(head.only("Sec-WebSocket-Key"), lines).into_bytes();
    }
    assert!(head.all("Sec-WebSocket-Version").is_empty() && head.all("Sec-WebSocket-Key").is_empty());
    let (phrase, sec) = words(draft);
    let path = head.start.split(' ').nth(1).expect("a path");
    let mut response = format!(
        "HTTP/1.1 101 {phrase} Protocol Handshake\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n\
         {sec}WebSocket-Origin: {}\r\n{sec}WebSocket-Location: {}://{}{path}\r\n{lines}\r\n",
        head.only("Origin"),
        scheme(way),
        head.only("Host"),
    )
    .into_bytes();
    if draft == Draft::Hixie76 {
        response.extend(answer(head.only("Sec-WebSocket-Key1"), head.only("Sec-WebSocket-Key2"), body));
    }
    response
}

/// Does all opening handshakes, whichever side this is.
pub(crate) fn open(peer: &mut Peer, way: Way, draft: Draft) {
    peer.greet();
    match peer.role() {
        Role::Client => {
            peer.write(request(draft, 0));
            expect_answer(peer, way, draft, 0);
        }
        Role::Server => {
            let request = take_request(peer, draft);
            peer.write(response(way, draft, &request, ""));
        }
    }
}

/// hixie-76 5.2: the URL's scheme says whether TLS carries the bytes; the endpoint takes the test transport for it.
pub(crate) fn scheme(way: Way) -> &'static str {
    if way.transport { "wss" } else { "ws" }
}

fn words(draft: Draft) -> (&'static str, &'static str) {
    if draft == Draft::Hixie75 { ("Web Socket", "") } else { ("WebSocket", "Sec-") }
}

/// The bytes of a text message.
pub(crate) fn text(peer: &mut Peer, draft: Draft, text: &str) -> Vec<u8> {
    if draft.is_hixie() { [&[0], text.as_bytes(), &[0xff]].concat() } else { peer.encode(&Frame::new(TEXT, text)) }
}

/// Expects a text message.
pub(crate) fn expect_text(peer: &mut Peer, draft: Draft, text: &str) {
    if !draft.is_hixie() {
        return peer.expect(&Frame::new(TEXT, text));
    }
    let came = peer.take(text.len() + 2);
    assert!(came == [&[0], text.as_bytes(), &[0xff]].concat(), "not {:?} but {}", text, came.escape_ascii());
}

/// Sends a text message, and expects it back.
pub(crate) fn echo(peer: &mut Peer, draft: Draft, message: &str) {
    let bytes = text(peer, draft, message);
    peer.write(bytes);
    expect_text(peer, draft, message);
}

/// The closing frame of hixie-76.
pub(crate) const CLOSE: [u8; 2] = [0xff, 0];

/// Closes as the draft does it, to the end of the transport.
pub(crate) fn close(peer: &mut Peer, draft: Draft) {
    match draft {
        Draft::Hixie75 => {
            peer.shutdown();
            peer.expect_end();
        }
        Draft::Hixie76 => {
            peer.write(CLOSE);
            assert_eq!(peer.take(2), CLOSE);
            peer.part();
        }
        _ => peer.close(),
    }
}

/// The code with which an endpoint ends that was closed so.
pub(crate) fn code(draft: Draft) -> u16 {
    match draft {
        Draft::Hixie75 => 1006,
        Draft::Hixie76 => 1005,
        _ => 1000,
    }
}
