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
fn the_newest_late_pong_goes_as_soon_as_there_is_room() {
    let mut outbox = Outbox::default();
    for n in 0..PONGS as u8 {
        outbox.push(&[n], b"");
        outbox.note_pong();
    }
    outbox.set_late_pong(b"old");
    outbox.set_late_pong(b"new");
    assert_eq!(outbox.len(), PONGS);
    outbox.advance(1);
    assert_eq!(outbox.len(), PONGS - 1 + 3);
    assert_eq!(outbox.unsent_pongs(), PONGS);
    let mut out = Vec::new();
    outbox.write_to(&mut out).unwrap();
    assert!(out.ends_with(b"\x1fnew"));
    assert_eq!((outbox.unsent_pongs(), outbox.pongs.is_none()), (0, true));
    assert!(!outbox.is_finished());
    outbox.finish();
    assert!(outbox.is_finished());
}

#[test]
fn a_piece_that_waits_alone_outlives_the_lent_buffer() {
    let (mut outbox, mut scratch) = (Outbox::default(), Vec::with_capacity(1 << 10));
    outbox.lend(&mut scratch);
    outbox.push_payload(b"h1", Payload::Owned(vec![1; LARGE]));
    outbox.advance(2 + 10);
    outbox.reclaim(&mut scratch);
    assert_eq!(outbox.chunk(), [1; LARGE - 10]);
    outbox.push(b"h2", b"");
    outbox.advance(LARGE - 10);
    assert_eq!(outbox.chunk(), b"h2");
    outbox.advance(2);
    assert!(outbox.buffer.capacity() == 0 && outbox.pieces.0.is_none(), "an idle outbox owns no buffer");
}

#[test]
fn an_outbox_that_is_never_empty_does_not_grow() {
    let (mut outbox, mut out, mut expected) = (Outbox::default(), Vec::new(), Vec::new());
    for n in 0..100_000u32 {
        let frame = n.to_be_bytes();
        expected.extend(frame);
        outbox.push(&frame, b"");
        if n > 16_000 {
            out.extend_from_slice(&outbox.chunk()[..4]);
            outbox.advance(4);
        }
        assert!(
            outbox.buffer.capacity() <= outbox.len() * 81 / 64 + 2 * STEP,
            "{} for {}",
            outbox.buffer.capacity(),
            outbox.len()
        );
    }
    outbox.write_to(&mut out).unwrap();
    assert_eq!(out, expected);
}

#[test]
fn what_the_kernel_gives_back_after_the_end_is_dropped() {
    let mut outbox = Outbox::default();
    outbox.push(b"abc", b"");
    let piece = outbox.take().unwrap();
    outbox.abandon();
    outbox.restore(piece, 1);
    assert!(outbox.is_finished());
}

#[test]
fn a_lent_buffer_does_not_leave_one_behind() {
    let mut outbox = Outbox::default();
    outbox.push(b"h1", b"");
    outbox.advance(1);
    outbox.push_payload(b"h2", Payload::Owned(vec![1; LARGE]));
    // What goes before the payload is sent, and makes room: the buffer is empty, and large enough for the next frame.
    outbox.advance(3);
    outbox.compact();
    assert!(outbox.buffer.is_empty() && outbox.buffer.capacity() > 0);
    let mut scratch = Vec::new();
    outbox.lend(&mut scratch);
    outbox.advance(LARGE);
    outbox.reclaim(&mut scratch);
    assert!(outbox.is_empty());
    assert_eq!(outbox.buffer.capacity(), 0, "an idle connection owns no buffer");
}
