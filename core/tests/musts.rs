//! What RFC 6455 demands of who sends, where no other test looks: the rules of `book/src/musts.md` about an endpoint's own
//! frames, codes and order, which no peer can provoke.

mod common;

use common::{config, feed, frame, pair::ROLES};
use std::sync::Arc;
use timtow_core::{CloseCode, Config, Connection, Event, Fragment, Kind, MaskSource, Role, SendError};

/// A frame as it stands on the wire.
#[derive(Debug)]
struct Sent {
    /// The first byte: FIN, the reserved bits and the opcode.
    first: u8,
    mask: Option<[u8; 4]>,
    /// Unmasked.
    payload: Vec<u8>,
}

/// Reads frames as RFC 6455 5.2 draws them, and asserts that their lengths are minimal.
fn sent(ws: &mut Connection) -> Vec<Sent> {
    let bytes = common::drain(ws);
    let (mut frames, mut rest) = (Vec::new(), &bytes[..]);
    while let [first, second, behind @ ..] = rest {
        let (len, behind) = match second & 0x7f {
            126 => (u64::from(u16::from_be_bytes(*behind.first_chunk().unwrap())), &behind[2..]),
            127 => (u64::from_be_bytes(*behind.first_chunk().unwrap()), &behind[8..]),
            len => (u64::from(len), behind),
        };
        let shortest = if len < 126 { len as u8 } else { 126 + u8::from(len > 0xffff) };
        assert_eq!(second & 0x7f, shortest, "a length of {len}");
        let mask: Option<[u8; 4]> = (second & 0x80 != 0).then(|| *behind.first_chunk().unwrap());
        let (payload, behind) = behind[if mask.is_some() { 4 } else { 0 }..].split_at(len as usize);
        let key = mask.unwrap_or_default();
        let payload = payload.iter().enumerate().map(|(at, byte)| byte ^ key[at % 4]).collect();
        frames.push(Sent { first: *first, mask, payload });
        rest = behind;
    }
    assert!(rest.is_empty(), "the output ends inside a header");
    frames
}

/// RFC 6455 5.1, 5.3, 5.5.1, 6.1, 7.1.2: every kind of frame, of every form of length and of every ownership.
#[test]
fn every_frame_is_as_its_role_must_send_it() {
    for role in ROLES {
        let mut ws = common::open(role, &Arc::new(config()));
        let (large, huge) = (vec![b'l'; 5_000], vec![b'h'; 70_000]);
        for len in [0, 1, 125, 126, 127, 65_535, 65_536] {
            ws.send(vec![7; len]).unwrap();
            let [frame] = &sent(&mut ws)[..] else { panic!("one frame") };
            assert_eq!((frame.first, &frame.payload), (0x82, &vec![7; len]));
        }
        ws.send("text").unwrap();
        ws.send(&[0xff, 0x00][..]).unwrap();
        ws.send(String::from_utf8(large.clone()).unwrap()).unwrap();
        ws.send(&huge[..]).unwrap();
        ws.send_fragment(Fragment { kind: Kind::Text, payload: b"be"[..].into(), fin: false, message_len: None })
            .unwrap();
        ws.ping(b"?").unwrap();
        ws.send_fragment(Fragment { kind: Kind::Text, payload: b"tw"[..].into(), fin: false, message_len: None })
            .unwrap();
        ws.send_fragment(Fragment { kind: Kind::Text, payload: b"een"[..].into(), fin: true, message_len: None })
            .unwrap();
        ws.send_fragment(Fragment::binary(&b""[..], true)).unwrap();
        let mut frames = sent(&mut ws);
        feed(&mut ws, &frame(role, 0x89, b"!"), |_, _| {});
        ws.close(1001, "bye").unwrap();
        frames.extend(sent(&mut ws));
        let expected: [(u8, &[u8]); 11] = [
            (0x81, b"text"),
            (0x82, b"\xff\x00"),
            (0x81, &large),
            (0x82, &huge),
            (0x01, b"be"),
            (0x89, b"?"),
            (0x00, b"tw"),
            (0x80, b"een"),
            (0x82, b""),
            (0x8a, b"!"),
            (0x88, b"\x03\xe9bye"),
        ];
        assert_eq!(frames.len(), expected.len(), "{role:?}");
        let mut masks = Vec::new();
        for (frame, (first, payload)) in frames.iter().zip(expected) {
            assert_eq!((frame.first, &frame.payload[..]), (first, payload), "{role:?}");
            assert_eq!(frame.mask.is_some(), role == Role::Client, "{first:#x} of {role:?}");
            assert!(frame.mask.is_none_or(|mask| !masks.contains(&mask)), "a mask of {first:#x} again");
            masks.extend(frame.mask);
        }
    }
}

/// RFC 6455 5.1 and 5.5.1: a close frame that is an answer, or a failure's, is masked as any other.
#[test]
fn a_close_frame_is_masked_whatever_it_is_for() {
    for role in ROLES {
        for (bytes, payload) in [
            (frame(role, 0x88, b"\x03\xe8bye"), &b"\x03\xe8"[..]),
            (frame(role, 0x88, b""), b""),
            (frame(role, 0x83, b""), b"\x03\xea"),
        ] {
            let mut ws = common::open(role, &Arc::new(config()));
            feed(&mut ws, &bytes, |_, _| {});
            let [close] = &sent(&mut ws)[..] else { panic!("one frame") };
            assert_eq!((close.first, &close.payload[..]), (0x88, payload));
            assert_eq!(close.mask.is_some(), role == Role::Client);
        }
    }
}

/// RFC 6455 4.1 and 6.1: nothing is sent before the connection is open, by either side.
#[test]
fn nothing_but_the_handshake_is_sent_before_it_is_done() {
    let requested = || {
        let mut ws = Connection::server(Arc::new(config()));
        let mut requests = 0;
        feed(&mut ws, common::REQUEST.as_bytes(), |_, event| {
            requests += usize::from(matches!(event, Event::Request(_)));
        });
        assert_eq!(requests, 1);
        ws
    };
    let mut client = Connection::client(common::client_request(), Arc::new(config())).unwrap();
    assert!(common::drain(&mut client).starts_with(b"GET /chat HTTP/1.1\r\n"));
    for mut ws in [client, Connection::server(Arc::new(config())), requested()] {
        assert_eq!(ws.send("early"), Err(SendError::NotOpen));
        assert_eq!(ws.send_fragment(Fragment::binary(&b"early"[..], false)), Err(SendError::NotOpen));
        assert_eq!(ws.ping(b"early"), Err(SendError::NotOpen));
        assert_eq!(ws.close(1000, "early"), Err(SendError::NotOpen));
        assert!(common::drain(&mut ws).is_empty(), "{:?}", ws.state());
    }
}

/// RFC 6455 7.4.1 and 7.4.2: of all codes, those that no close frame may carry; 5.5: what a control frame may hold.
#[test]
fn what_a_control_frame_must_not_carry_is_not_sent() {
    for role in ROLES {
        for code in 0..=u16::MAX {
            let mut ws = common::open(role, &Arc::new(config()));
            let forbidden = matches!(code, 0..=999 | 1004..=1006 | 1015..=2999 | 5000..);
            match ws.close(code, "why") {
                Err(SendError::CloseCodeNotAllowed) if forbidden => assert_eq!(ws.buffered(), 0, "{code}"),
                Ok(()) if !forbidden => {
                    assert_eq!(sent(&mut ws)[0].payload, [&code.to_be_bytes()[..], b"why"].concat());
                }
                result => panic!("{code}: {result:?}"),
            }
        }
        let mut ws = common::open(role, &Arc::new(config()));
        assert_eq!(ws.ping(&[0; 126]), Err(SendError::ControlTooLong));
        assert_eq!(ws.close(1000, &"r".repeat(124)), Err(SendError::ControlTooLong));
        assert_eq!(ws.buffered(), 0);
        ws.ping(&[0; 125]).unwrap();
        ws.close(1000, &"r".repeat(123)).unwrap();
        assert!(sent(&mut ws).iter().all(|frame| frame.payload.len() == 125));
        // Code 1005 means that the close frame has none.
        let mut ws = common::open(role, &Arc::new(config()));
        ws.close(CloseCode::NO_STATUS, "").unwrap();
        assert!(sent(&mut ws)[0].payload.is_empty());
    }
}

/// RFC 6455 10.3: once a frame is queued, nothing that happens later changes its bytes.
#[test]
fn what_is_queued_does_not_change() {
    for role in ROLES {
        let run = |drained_each_time: bool| {
            let mut ws = common::open(role, &Arc::new(config()));
            let mut out = Vec::new();
            let mut reused = vec![0; 100];
            for n in 0..20_u8 {
                reused.fill(n);
                match n % 5 {
                    0 => ws.send(&reused[..]).unwrap(),
                    1 => ws.send(vec![n; 5_000]).unwrap(),
                    2 => ws.ping(&reused).unwrap(),
                    3 => feed(&mut ws, &frame(role, 0x89, &[n]), |_, _| {}),
                    _ => ws.send_fragment(Fragment::binary(&reused[..], true)).unwrap(),
                }
                if drained_each_time {
                    out.extend(common::drain(&mut ws));
                }
            }
            ws.close(1000, "").unwrap();
            out.extend(common::drain(&mut ws));
            out
        };
        assert!(run(true) == run(false), "{role:?}");
    }
}

/// RFC 6455 5.3 and 10.3: who configures nothing has unpredictable masks.
#[test]
fn masks_come_from_the_operating_system_by_default() {
    assert!(matches!(Config::default().masks, MaskSource::System));
    let mut ws = common::open(Role::Client, &Arc::new(Config::default()));
    for _ in 0..200 {
        ws.send("x").unwrap();
    }
    let masks: Vec<u32> = sent(&mut ws).iter().map(|frame| u32::from_be_bytes(frame.mask.unwrap())).collect();
    assert_eq!(masks.len(), 200);
    // Of a counter, a constant or an arithmetic row the differences repeat; of chance, one in a hundred thousand rows.
    let mut steps: Vec<u32> = masks.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect();
    steps.sort_unstable();
    steps.dedup();
    assert!(steps.len() > 197, "{steps:x?}");
}

/// RFC 6455 8.1: "This rule applies both during the opening handshake": what of a head is read as text must be text.
#[test]
fn what_is_text_in_a_head_must_be_text() {
    for (spoiled, status) in [
        ("GET /chat", "400"),
        ("Host: example.com", "400"),
        ("Upgrade: websocket", "426"),
        ("Connection: Upgrade", "426"),
        ("Sec-WebSocket-Version: 13", "426"),
        ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "400"),
        ("Sec-WebSocket-Protocol: a", "400"),
        ("Sec-WebSocket-Extensions: a", "400"),
        ("Origin: http://example.com", "403"),
    ] {
        let optional = "Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Extensions: a\r\nOrigin: http://example.com\r\n";
        let request = common::REQUEST.replace("Sec-WebSocket-Key", &format!("{optional}Sec-WebSocket-Key"));
        let config = Config { origins: timtow_core::Origins::SameHost, ..config() };
        let (front, behind) = request.split_once(spoiled).unwrap();
        let bytes = [front.as_bytes(), spoiled.as_bytes(), b"\xff", behind.as_bytes()].concat();
        let mut ws = Connection::server(Arc::new(config));
        feed(&mut ws, &bytes, |_, event| assert!(matches!(event, Event::Closed(_)), "{spoiled}: {event:?}"));
        assert_eq!(&common::drain(&mut ws)[9..12], status.as_bytes(), "{spoiled}");
    }
}

/// RFC 6455 3: a "#" that begins no fragment stands as %23, and stays so on the wire.
#[cfg(feature = "url")]
#[test]
fn a_number_sign_is_escaped() {
    let (request, _) = timtow_core::ClientRequest::from_url("ws://example.com/a%23b?c=%23").unwrap();
    assert_eq!(request.target, "/a%23b?c=%23");
    let mut ws = Connection::client(request, Arc::new(config())).unwrap();
    assert!(common::drain(&mut ws).starts_with(b"GET /a%23b?c=%23 HTTP/1.1\r\n"));
}
