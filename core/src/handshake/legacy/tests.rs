//! Keys, and what a request in a draft is answered.

use super::{challenge::*, *};
use crate::{MaskSource, Origins, handshake::ServerOpening};
use alloc::{string::ToString, sync::Arc, vec};
use core::sync::atomic::{AtomicU32, Ordering};

#[test]
fn a_key_hides_a_number() {
    for (key, hidden) in [
        ("4 @1  46546xW%0l 1 5", Some(829_309_203)),
        ("12998 5 Y3 1  .P00", Some(259_970_620)),
        ("3e6b263  4 17 80", Some(906_585_445)),
        ("17  9 G`ZD9   2 2b 7X 3 /r90", Some(179_922_739)),
        (" 0", Some(0)),
        ("4294967295 x", Some(u32::MAX)),
        ("4294967296 x", None),
        ("99999999999999999999999999 x", None),
        ("00000000000000000000000000012 x", Some(12)),
        ("1 x 1", None),
        ("x y", None),
        ("12x", None),
        ("", None),
        ("1\t0", None),
    ] {
        assert_eq!(number(key.as_bytes()), hidden, "{key}");
    }
    let long = |n| number(["1 ", &"x".repeat(n)].concat().as_bytes());
    assert_eq!((long(62), long(63), long(8000)), (Some(1), None, None));
}

#[test]
fn the_examples_of_the_draft() {
    // hixie-76 1.2 and 1.3.
    assert_eq!(&answer([829_309_203, 259_970_620], *b"^n:ds[4U"), b"8jKS'y:G*Co,Wxa-");
    assert_eq!(&answer([155_712_099, 173_347_027], *b"Tm[K T2u"), b"fQJ,fN/4F4!~K~MH");
}

#[test]
fn keys_that_we_make_hide_what_they_should() {
    let seed = AtomicU32::new(1);
    let random = move || {
        let next = seed.load(Ordering::Relaxed).wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        seed.store(next, Ordering::Relaxed);
        (next ^ next >> 16).wrapping_mul(0x9e37_79b9).to_be_bytes()
    };
    let sources: [MaskSource; 4] = [
        MaskSource::Source(Arc::new(random)),
        MaskSource::Source(Arc::new(|| [0; 4])),
        MaskSource::Source(Arc::new(|| [0xff; 4])),
        MaskSource::Source(Arc::new(|| [0, 0, 0, 11])),
    ];
    for masks in &sources {
        for _ in 0..2000 {
            let (key, hidden) = key(masks);
            assert_eq!(number(key.as_bytes()), Some(hidden), "{key}");
            // hixie-76 4.1: a space at either end would not be there when the field is parsed.
            assert_eq!(key.trim(), key);
            let noise = key.bytes().filter(|byte| !byte.is_ascii_digit() && *byte != b' ').count();
            assert!((1..=12).contains(&noise) && key.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{key}");
        }
    }
    let keys: alloc::collections::BTreeSet<_> = (0..100).map(|_| key(&sources[0])).collect();
    assert!(keys.len() > 90);
}

const HIXIE: &str = "Host: example.com\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n";
const KEY1: &str = "Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5\r\n";
const KEY2: &str = "Sec-WebSocket-Key2: 12998 5 Y3 1  .P00\r\n";
const RFC: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

fn config(drafts: impl IntoIterator<Item = Draft>) -> Config {
    let masks = MaskSource::Source(Arc::new(|| [0; 4]));
    Config { drafts: drafts.into_iter().collect(), ..Config::with_masks(masks) }
}

/// The status, or the draft that was found, of a request with these fields and eight bytes behind it.
fn ask(fields: &[&str], config: &Config) -> String {
    let mut bytes = ["GET /demo HTTP/1.1\r\n", HIXIE, &fields.concat(), "\r\n^n:ds[4U"].concat().into_bytes();
    match ServerOpening::new().receive(&mut &mut bytes[..], config) {
        Ok(asked) => asked.expect("all came").1.draft.to_string(),
        Err(refusal) => refusal.status.to_string(),
    }
}

#[test]
fn a_draft_is_recognised_by_its_fields() {
    let all = config(Draft::ALL);
    for (fields, found) in [
        (&[][..], "hixie-75"),
        (&[KEY1, KEY2], "hixie-76"),
        (&[KEY1, KEY2, RFC], "hixie-76"),
        (&[RFC, "Sec-WebSocket-Version: 13\r\n"], "13"),
        (&[RFC, "Sec-WebSocket-Version: 8\r\n"], "8"),
        (&[RFC, "Sec-WebSocket-Version: 7\r\n"], "7"),
        (&[RFC, "Sec-WebSocket-Version: 13\r\n", KEY1, KEY2], "13"),
        (&[RFC], "426"),
        (&[RFC, "Sec-WebSocket-Version: 6\r\n"], "426"),
        (&[RFC, "Sec-WebSocket-Version: hixie-76\r\n"], "426"),
        (&[RFC, "Sec-WebSocket-Version: 13, 8\r\n"], "426"),
        (&[RFC, "Sec-WebSocket-Version: 8\r\n", "Sec-WebSocket-Version: 8\r\n"], "426"),
        (&["Sec-WebSocket-Version: 13\r\n", KEY1, KEY2], "400"),
        (&[KEY1], "400"),
        (&[KEY2], "400"),
        (&[KEY1, KEY1, KEY2], "400"),
        (&[KEY1, KEY2, "Content-Length: 8\r\n"], "hixie-76"),
        (&[KEY1, KEY2, "Content-Length: 0\r\n"], "hixie-76"),
        (&[KEY1, KEY2, "Content-Length: 9\r\n"], "400"),
        (&[KEY1, KEY2, "Content-Length: 8\r\n", "Content-Length: 8\r\n"], "400"),
        (&[KEY1, KEY2, "Transfer-Encoding: chunked\r\n"], "400"),
        (&[RFC, "Sec-WebSocket-Version: 13\r\n", KEY1, KEY2, "Content-Length: 8\r\n"], "400"),
        (&[RFC, "Sec-WebSocket-Version: 8\r\n", "Content-Length: 8\r\n"], "400"),
        (&["Content-Length: 8\r\n"], "400"),
    ] {
        assert_eq!(ask(fields, &all), found, "{fields:?}");
        // One that is off is refused, and the others do not mind.
        for draft in Draft::ALL.into_iter().filter(|_| found.parse::<Draft>().is_ok()) {
            let others = config(Draft::ALL.into_iter().filter(|other| *other != draft));
            let expected = if draft.name() == found { "426" } else { found };
            assert_eq!(ask(fields, &others), expected.to_string(), "{fields:?} without {draft}");
        }
    }
}

#[test]
fn versions_that_are_on_are_listed() {
    for (drafts, listed) in [
        (&Draft::ALL[..], "13, 8, 7"),
        (&[Draft::Hybi07, Draft::Rfc6455], "13, 7"),
        (&[Draft::Hybi08], "8"),
        (&[Draft::Hixie75, Draft::Hixie76], ""),
        (&[], ""),
    ] {
        assert_eq!(config(drafts.iter().copied()).versions(), listed);
    }
}

#[test]
fn the_origin_is_checked_under_each_of_its_names() {
    let policy = |draft| Config { origins: Origins::SameHost, ..config([draft]) };
    let fields = |draft| match draft {
        Draft::Hixie75 => vec![],
        Draft::Hixie76 => vec![KEY1, KEY2],
        Draft::Hybi07 => vec![RFC, "Sec-WebSocket-Version: 7\r\n"],
        Draft::Hybi08 => vec![RFC, "Sec-WebSocket-Version: 8\r\n"],
        Draft::Rfc6455 => vec![RFC, "Sec-WebSocket-Version: 13\r\n"],
    };
    for draft in Draft::ALL {
        let ask = |origin| ask(&[&fields(draft)[..], &[origin]].concat(), &policy(draft));
        assert_eq!(ask("Origin: http://example.com\r\n"), draft.name());
        assert_eq!(ask("Origin: http://evil.example\r\n"), "403", "{draft}");
        assert_eq!(ask("Sec-WebSocket-Origin: http://example.com\r\n"), draft.name());
        let old = if matches!(draft, Draft::Hybi07 | Draft::Hybi08) { "403" } else { draft.name() };
        assert_eq!(ask("Sec-WebSocket-Origin: http://evil.example\r\n"), old, "{draft}");
    }
}

#[test]
fn a_subprotocol_is_visible_text() {
    let config = Config { subprotocols: ["b c".into()].into(), ..config([Draft::Hixie75]) };
    for (fields, found) in [
        ("WebSocket-Protocol: a\r\n", "hixie-75"),
        ("WebSocket-Protocol: a, b c\r\n", "hixie-75"),
        ("WebSocket-Protocol:\r\n", "400"),
        ("WebSocket-Protocol: ,\r\n", "400"),
        ("WebSocket-Protocol: \u{fc}\r\n", "400"),
        ("Sec-WebSocket-Protocol:\r\n", "hixie-75"),
    ] {
        assert_eq!(ask(&[fields], &config), found, "{fields}");
    }
    let mut bytes = ["GET / HTTP/1.1\r\n", HIXIE, "WebSocket-Protocol: a, b c\r\n\r\n"].concat().into_bytes();
    let (request, asked) = ServerOpening::new().receive(&mut &mut bytes[..], &config).unwrap().unwrap();
    assert_eq!(request.subprotocols().collect::<Vec<_>>(), ["a", "b c"]);
    let (answer, opened) = asked.accept(&Default::default(), &config).unwrap();
    assert_eq!(opened.subprotocol.as_deref(), Some("b c"));
    assert!(String::from_utf8(answer).unwrap().ends_with("\r\nWebSocket-Protocol: b c\r\n\r\n"));
}

#[test]
fn the_location_is_the_url() {
    for (target, lines, location) in [
        ("/a?b", "Host: h:81", "ws://h:81/a?b"),
        ("http://x.example:1/a?b=://", "Host: h", "ws://x.example:1/a?b=://"),
        ("/a?b=http://c/d", "Host: h", "ws://h/a?b=http://c/d"),
        ("http://x.example?b", "Host: h", "ws://x.example?b"),
    ] {
        for secure in [false, true] {
            let request =
                alloc::format!("GET {target} HTTP/1.1\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n{lines}\r\n\r\n");
            let mut opening = ServerOpening::new();
            if secure {
                opening.over_tls();
            }
            let config = config([Draft::Hixie75]);
            let (_, asked) = opening.receive(&mut &mut request.into_bytes()[..], &config).unwrap().unwrap();
            let (answer, _) = asked.accept(&Default::default(), &config).unwrap();
            let answer = String::from_utf8(answer).unwrap();
            // A strict client of hixie-75 compares so much.
            let expected =
                "HTTP/1.1 101 Web Socket Protocol Handshake\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n";
            assert_eq!(expected.len(), 85);
            let location = if secure { location.replacen("ws", "wss", 1) } else { location.into() };
            assert_eq!(answer, alloc::format!("{expected}WebSocket-Location: {location}\r\n\r\n"));
        }
    }
}
