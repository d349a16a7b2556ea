//! Every way out of the outbox gives the same bytes.

use super::*;
use std::vec;

/// A header, a small payload, a large owned one and a large shared one, and the bytes that they make.
fn filled() -> (Outbox, Vec<u8>) {
    let mut outbox = Outbox::default();
    outbox.push(b"ab", b"cd");
    outbox.push_payload(b"h1", Payload::Owned(vec![1; LARGE]));
    outbox.push_payload(b"h2", Payload::Shared(vec![2; LARGE + 1].into()));
    outbox.push_payload(b"h3", Payload::Owned(vec![3; 3]));
    let mut bytes = b"abcdh1".to_vec();
    bytes.extend([1; LARGE]);
    bytes.extend(b"h2");
    bytes.extend([2; LARGE + 1]);
    bytes.extend(b"h3\x03\x03\x03");
    (outbox, bytes)
}

#[test]
fn every_way_out_gives_the_same_bytes() {
    for step in [1, 2, 5, 4096, 5000, 100_000] {
        let (mut outbox, bytes) = filled();
        let mut out = Vec::new();
        while !outbox.is_empty() {
            let n = outbox.chunk().len().min(step);
            out.extend_from_slice(&outbox.chunk()[..n]);
            outbox.advance(n);
        }
        assert_eq!(out, bytes, "chunk, {step} at a time");

        let (mut outbox, _) = filled();
        let mut out = Vec::new();
        while !outbox.is_empty() {
            let mut slices = [std::io::IoSlice::new(&[]); 3];
            let filled = outbox.chunks_vectored(&mut slices);
            let gathered: Vec<u8> = slices[..filled].iter().flat_map(|slice| slice.to_vec()).collect();
            let n = gathered.len().min(step);
            out.extend_from_slice(&gathered[..n]);
            outbox.advance(n);
        }
        assert_eq!(out, bytes, "chunks_vectored, {step} at a time");

        let (mut outbox, _) = filled();
        let mut out = Vec::new();
        while let Some(piece) = outbox.take() {
            assert!(outbox.take().is_none() && outbox.chunk().is_empty(), "one piece is out at a time");
            let n = piece.len().min(step);
            out.extend_from_slice(&piece[..n]);
            outbox.restore(piece, n);
        }
        assert!(outbox.is_empty());
        assert_eq!(out, bytes, "take, {step} at a time");
    }
}

#[test]
fn a_lent_buffer_comes_back_empty_and_what_waits_is_kept() {
    for sent in [0, 3, 6, 100, 6 + LARGE + 2 + 5] {
        let (mut outbox, mut scratch) = (Outbox::default(), Vec::with_capacity(1 << 16));
        outbox.lend(&mut scratch);
        let (full, bytes) = filled();
        let mut full = full;
        while let Some(piece) = full.take() {
            let n = piece.len();
            if n >= LARGE {
                outbox.push_piece(&[], piece.to_vec().into())
            } else {
                outbox.push(&piece, &[]);
            }
            full.restore(piece, n);
        }
        outbox.advance(sent);
        outbox.reclaim(&mut scratch);
        assert!(scratch.is_empty() && scratch.capacity() == 1 << 16);
        let mut out = Vec::new();
        outbox.write_to(&mut out).unwrap();
        assert_eq!(out, bytes[sent..]);
        assert_eq!(outbox.buffer.capacity(), 0, "an idle outbox owns no buffer");
    }
}

#[test]
fn the_newest_late_pong_goes_last() {
    let mut outbox = Outbox::default();
    outbox.push(b"one", b"");
    outbox.set_late_pong(b"old");
    outbox.set_late_pong(b"new");
    let mut out = Vec::new();
    outbox.write_to(&mut out).unwrap();
    assert_eq!(out, b"onenew");
    assert!(!outbox.is_finished());
    outbox.finish();
    assert!(outbox.is_finished());
}
