//! Frames, cut in all ways.

use super::*;
use alloc::{format, string::ToString, vec};

const LIMITS: Limits = Limits { max_frame: 100, max_message: 100 };

/// What is read from the pieces of `bytes`, in words.
fn read(draft: Draft, bytes: &[u8], size: usize, limits: Limits) -> Vec<String> {
    let mut reader = Reader::new(draft);
    let mut heard = vec![];
    for piece in bytes.to_vec().chunks_mut(size) {
        let mut input = piece;
        while !input.is_empty() {
            match reader.receive(&mut input, limits) {
                Ok(None) => {}
                Ok(Some(Read::Text(text))) => heard.push(text.into_owned()),
                Ok(Some(Read::Close)) => heard.push("(close)".into()),
                Err(violation) => {
                    heard.push(format!("({violation:?})"));
                    return heard;
                }
            }
        }
    }
    heard.push(if reader.is_between() { "(between)" } else { "(inside)" }.to_string());
    heard
}

/// The same, which must not depend on the pieces.
fn read_all(draft: Draft, bytes: &[u8]) -> Vec<String> {
    let whole = read(draft, bytes, bytes.len(), LIMITS);
    for size in 1..bytes.len().min(40) {
        assert_eq!(read(draft, bytes, size, LIMITS), whole, "in pieces of {size}");
    }
    whole
}

#[test]
fn a_text_is_what_stands_between_its_marks() {
    for draft in [Draft::Hixie75, Draft::Hixie76] {
        assert_eq!(read_all(draft, b"\0Hello\xff\0\xff\0a\0b\xff"), ["Hello", "", "a\0b", "(between)"]);
        assert_eq!(read_all(draft, b"\0Hello"), ["(inside)"]);
        assert_eq!(read_all(draft, "\0Grüße\u{ff}\u{10ffff}".as_bytes()), ["(inside)"]);
        assert_eq!(read_all(draft, b"\0a\xc3(\xff\0\xe2\x82\xff"), ["a\u{fffd}(", "\u{fffd}", "(between)"]);
    }
}

#[test]
fn other_frames_are_skipped() {
    for draft in [Draft::Hixie75, Draft::Hixie76] {
        for first in 0x01..=0x7f {
            assert_eq!(read_all(draft, &[first, 0, 0x80, 0xff, 0, b'a', 0xff]), ["a", "(between)"], "{first:x}");
        }
        for first in 0x80..=0xff {
            assert_eq!(read_all(draft, &[first, 2, 0xff, 0, 0, b'a', 0xff]), ["a", "(between)"], "{first:x}");
        }
        for first in 0x80..=0xfe {
            assert_eq!(read_all(draft, &[first, 0, 0, b'a', 0xff]), ["a", "(between)"], "{first:x}");
        }
        assert_eq!(read_all(draft, b"\x80\x80\x80\x02zz\0a\xff"), ["a", "(between)"], "leading zeros");
        assert_eq!(read_all(draft, b"\x80\x05zz"), ["(inside)"]);
        assert_eq!(read_all(draft, b"\x80\x85"), ["(inside)"]);
        assert_eq!(read_all(draft, b"\x05"), ["(inside)"]);
    }
}

#[test]
fn ff_00_closes_hixie_76_only() {
    for frame in [&b"\xff\0"[..], b"\xff\x80\x80\0"] {
        assert_eq!(read_all(Draft::Hixie76, frame), ["(close)", "(between)"]);
        assert_eq!(read_all(Draft::Hixie75, frame), ["(between)"]);
    }
}

#[test]
fn limits_hold_on_the_earliest_byte() {
    for draft in [Draft::Hixie75, Draft::Hixie76] {
        let long = |first: u8, n: usize| [&[first][..], &vec![b'a'; n], &[0xff]].concat();
        assert_eq!(read_all(draft, &long(0, 100)), ["a".repeat(100), "(between)".into()]);
        assert_eq!(read_all(draft, &long(0, 100)[..101]), ["(inside)"]);
        assert_eq!(read_all(draft, &long(0, 101)[..102]), ["(FrameTooBig)"]);
        assert_eq!(read_all(draft, &long(1, 100)), ["(between)"]);
        assert_eq!(read_all(draft, &long(1, 101)[..102]), ["(FrameTooBig)"]);
        assert_eq!(read_all(draft, b"\x80\x80\x65"), ["(FrameTooBig)"]);
        assert_eq!(read_all(draft, &[&b"\x80\x64"[..], &[b'z'; 100]].concat()), ["(between)"]);
        assert_eq!(read_all(draft, &[0x80; 10]), ["(inside)"], "nine bytes of length");
        assert_eq!(read_all(draft, &[0x80; 11]), ["(FrameTooBig)"], "zeros that never end");
        assert_eq!(read_all(draft, b"\x80\xff\xff\xff\xff\xff\xff\xff\xff\x7f"), ["(FrameTooBig)"]);
        let limits = Limits { max_frame: 100, max_message: 9 };
        assert_eq!(read(draft, &long(0, 9), 100, limits), ["aaaaaaaaa", "(between)"]);
        assert_eq!(read(draft, &long(0, 10)[..11], 100, limits), ["(MessageTooBig)"]);
        // What is delivered is three times as long as what came.
        assert_eq!(read(draft, b"\0\x80\x80\x80\xff", 100, limits), ["\u{fffd}\u{fffd}\u{fffd}", "(between)"]);
        for size in [1, 100] {
            assert_eq!(read(draft, b"\0\x80\x80\x80\x80\xff", size, limits), ["(MessageTooBig)"]);
        }
        // A limit of nothing, and none at all.
        assert_eq!(read(draft, b"\0\xff", 1, Limits { max_frame: 0, max_message: 0 }), ["", "(between)"]);
        let unlimited = Limits { max_frame: usize::MAX, max_message: usize::MAX };
        assert_eq!(read(draft, b"\0a\xff\x80\xff\xff\x7f", 1, unlimited), ["a", "(inside)"]);
    }
}

#[test]
fn a_text_that_lies_whole_in_the_input_is_not_copied() {
    let mut bytes = *b"\0Hello\xff";
    let text = Reader::new(Draft::Hixie76).receive(&mut &mut bytes[..], LIMITS);
    assert!(matches!(text, Ok(Some(Read::Text(Cow::Borrowed("Hello"))))));
}
