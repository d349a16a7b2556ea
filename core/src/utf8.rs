//! UTF-8 (RFC 3629), whole and in pieces (RFC 6455 8.1).

// Where what was found valid becomes text.
pub(crate) use super::text::whole as text;

/// The validator takes blocks of so many bytes.
const BLOCK: usize = 64;
/// From so many bytes on, a block padded with zeros is validated sooner than by the standard library.
const PADDED: usize = 40;
/// Set in every byte that is not ASCII.
const HIGH: u64 = 0x8080_8080_8080_8080;

/// Whether all of it is valid.
#[inline(always)]
pub(crate) fn is_valid(bytes: &[u8]) -> bool {
    match bytes.len() {
        0..PADDED => is_short_ascii(bytes) || core::str::from_utf8(bytes).is_ok(),
        PADDED..BLOCK => is_short_ascii(bytes) || is_valid_padded(bytes),
        len if len.is_multiple_of(BLOCK) => simdutf8::basic::from_utf8(bytes).is_ok(),
        _ => is_valid_with_rest(bytes),
    }
}

/// A rest costs the validator more than a block, because it copies it. But most texts are ASCII at their end at least, and no
/// character that begins before ends in that.
#[inline(never)]
fn is_valid_with_rest(bytes: &[u8]) -> bool {
    let (blocks, rest) = bytes.split_at(bytes.len() / BLOCK * BLOCK);
    if is_short_ascii(rest) {
        return simdutf8::basic::from_utf8(blocks).is_ok();
    }
    simdutf8::basic::from_utf8(bytes).is_ok()
}

/// More than half a block.
#[inline(never)]
fn is_valid_padded(bytes: &[u8]) -> bool {
    const HALF: usize = BLOCK / 2;
    let (Some(first), Some(last)) = (bytes.first_chunk::<HALF>(), bytes.last_chunk::<HALF>()) else { return false };
    // A zero is a character of its own, so one that is not complete is found as well.
    let mut block = [0; BLOCK];
    block[..HALF].copy_from_slice(first);
    block[bytes.len() - HALF..bytes.len()].copy_from_slice(last);
    simdutf8::basic::from_utf8(&block).is_ok()
}

/// Whether less than a block is nothing but ASCII.
#[inline]
fn is_short_ascii(bytes: &[u8]) -> bool {
    /// The first and the last bytes, which may overlap.
    #[inline(always)]
    fn ends<const N: usize>(bytes: &[u8]) -> bool {
        let (Some(first), Some(last)) = (bytes.first_chunk::<N>(), bytes.last_chunk::<N>()) else { return false };
        // Text in another alphabet is seen at its beginning.
        [first, last].into_iter().all(|bytes| {
            let mut all = 0;
            for lane in bytes.as_chunks::<8>().0 {
                all |= u64::from_ne_bytes(*lane);
            }
            all & HIGH == 0
        })
    }
    match bytes.len() {
        0..8 => bytes.iter().fold(0, |all, byte| all | byte) < 0x80,
        8..16 => ends::<8>(bytes),
        16..32 => ends::<16>(bytes),
        32..BLOCK => ends::<32>(bytes),
        _ => bytes.is_ascii(),
    }
}

/// A validator that is fed in pieces. It keeps the bytes of a character that a piece ended in: at most three, which can
/// still become one.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Utf8 {
    tail: [u8; 4],
    len: u8,
}

impl Utf8 {
    /// Takes the next piece. False as soon as a byte proves that no continuation can make the text valid.
    #[must_use]
    pub(crate) fn push(&mut self, mut piece: &[u8]) -> bool {
        if self.len > 0 {
            if !self.join(&mut piece) {
                return false;
            }
            if self.len > 0 {
                return true;
            }
        }
        let unfinished = unfinished(piece);
        if unfinished > 0 {
            // Each byte is looked at once: those that are whole characters, and the one that it may end in.
            let (whole, tail) = piece.split_at(piece.len() - unfinished);
            piece = whole;
            self.tail[..unfinished].copy_from_slice(tail);
            self.len = unfinished as u8;
            if !can_begin(tail) {
                return false;
            }
        }
        is_valid(piece)
    }

    /// Takes what the kept character lacks from the front of the piece.
    fn join(&mut self, piece: &mut &[u8]) -> bool {
        let len = usize::from(self.len);
        let lacks = width(self.tail[0]) - len;
        let (head, rest) = piece.split_at(lacks.min(piece.len()));
        let joined = &mut self.tail[..len + head.len()];
        joined[len..].copy_from_slice(head);
        *piece = rest;
        if head.len() < lacks {
            self.len = joined.len() as u8;
            return can_begin(joined);
        }
        self.len = 0;
        core::str::from_utf8(joined).is_ok()
    }

    /// Whether the text may end here.
    pub(crate) fn is_complete(&self) -> bool {
        self.len == 0
    }
}

/// How many bytes a character has that begins with this one, if any does.
fn width(first: u8) -> usize {
    match first {
        0..0xc0 => 1,
        0xc0..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0.. => 4,
    }
}

/// How many bytes at the end belong to a character that is not all there.
fn unfinished(piece: &[u8]) -> usize {
    for (before, &byte) in piece.iter().rev().take(3).enumerate() {
        // Anything but a continuation byte.
        if !(0x80..0xc0).contains(&byte) {
            return if width(byte) > before + 1 { before + 1 } else { 0 };
        }
    }
    0
}

/// Whether a character that is not all there can still become one.
fn can_begin(tail: &[u8]) -> bool {
    core::str::from_utf8(tail).is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The position after which the text is known to be invalid, one byte at a time.
    fn fails_at(bytes: &[u8]) -> Option<usize> {
        let mut utf8 = Utf8::default();
        bytes.iter().position(|byte| !utf8.push(&[*byte]))
    }

    #[test]
    fn validity_is_as_the_standard_library_says_at_every_length() {
        for unit in ["a", "ab\u{e4}", "\u{20ac}", "\u{1f600}, "] {
            for len in 0..300 {
                // Whatever the end may be cut to.
                let mut bytes = unit.repeat(300).into_bytes();
                bytes.truncate(len);
                assert_eq!(is_valid(&bytes), core::str::from_utf8(&bytes).is_ok(), "{unit} to {len} bytes");
                assert_eq!(
                    bytes.len() < BLOCK && is_short_ascii(&bytes),
                    bytes.len() < BLOCK && bytes.is_ascii(),
                    "{unit} to {len} bytes"
                );
                // One byte that does not fit, wherever it is.
                for at in 0..len {
                    let good = bytes[at];
                    for bad in [0x80, 0xc3, 0xff] {
                        bytes[at] = bad;
                        assert_eq!(is_valid(&bytes), core::str::from_utf8(&bytes).is_ok(), "{bytes:x?}");
                        assert_eq!(
                            bytes.len() < BLOCK && is_short_ascii(&bytes),
                            bytes.len() < BLOCK && bytes.is_ascii(),
                            "{bytes:x?}"
                        );
                    }
                    bytes[at] = good;
                }
            }
        }
    }

    #[test]
    fn fails_at_the_first_bad_byte() {
        assert_eq!(fails_at(b"abc"), None);
        assert_eq!(fails_at(b"\xff"), Some(0));
        assert_eq!(fails_at(b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited"), Some(12));
        assert_eq!(fails_at(b"\xf4\x90\x80\x80"), Some(1));
        assert_eq!(fails_at(b"\xc0\xaf"), Some(0));
        assert_eq!(fails_at(b"\xe0\x80\x80"), Some(1));
    }

    #[test]
    fn pieces_equal_the_whole() {
        let texts: [&[u8]; 6] =
            ["κόσμε\u{10ffff}".as_bytes(), b"a\xce", b"\xed\x9f\xbf", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", b""];
        for bytes in texts {
            for cut in 0..=bytes.len() {
                let mut utf8 = Utf8::default();
                let valid = utf8.push(&bytes[..cut]) && utf8.push(&bytes[cut..]) && utf8.is_complete();
                assert_eq!(valid, core::str::from_utf8(bytes).is_ok(), "{bytes:x?} cut at {cut}");
            }
        }
    }

    /// The automaton of the Unicode Standard's table of well-formed byte sequences, one byte at a time: after which byte it
    /// is known that the text is not UTF-8, and whether a text that is may end.
    #[derive(Default)]
    struct Oracle {
        /// How many continuation bytes are due, and the range of the next.
        due: u8,
        low: u8,
        high: u8,
    }

    impl Oracle {
        fn push(&mut self, byte: u8) -> bool {
            if self.due > 0 {
                let fits = (self.low..=self.high).contains(&byte);
                (self.due, self.low, self.high) = (self.due - 1, 0x80, 0xbf);
                return fits;
            }
            (self.due, self.low, self.high) = match byte {
                0..=0x7f => (0, 0, 0),
                0xc2..=0xdf => (1, 0x80, 0xbf),
                0xe0 => (2, 0xa0, 0xbf),
                0xed => (2, 0x80, 0x9f),
                0xe1..=0xef => (2, 0x80, 0xbf),
                0xf0 => (3, 0x90, 0xbf),
                0xf1..=0xf3 => (3, 0x80, 0xbf),
                0xf4 => (3, 0x80, 0x8f),
                _ => return false,
            };
            true
        }
    }

    /// Bytes at both sides of every border in the table.
    const BYTES: [u8; 24] = [
        0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee,
        0xef, 0xf0, 0xf3, 0xf4, 0xf5, 0xff,
    ];

    /// The first piece whose end is behind a byte that proves a fault, of the pieces that `cuts` end.
    fn assert_like_the_oracle(bytes: &[u8], cuts: &[usize]) {
        let mut oracle = Oracle::default();
        let fault = bytes.iter().position(|byte| !oracle.push(*byte));
        let mut utf8 = Utf8::default();
        let mut start = 0;
        for &end in cuts.iter().chain([&bytes.len()]) {
            let goes_on = utf8.push(&bytes[start..end]);
            assert_eq!(goes_on, fault.is_none_or(|at| at >= end), "{bytes:x?}, {start}..{end} of {cuts:?}");
            if !goes_on {
                return;
            }
            start = end;
        }
        assert_eq!(utf8.is_complete(), oracle.due == 0, "{bytes:x?} cut at {cuts:?}");
    }

    #[test]
    fn every_sequence_at_every_cut_is_as_the_oracle_says() {
        // With nothing in front, and with so much that the vectors of the fast validator are used.
        let before = "Grüße, ".repeat(12);
        for len in 1..=4 {
            for n in 0..BYTES.len().pow(len) {
                let sequence: [u8; 4] = core::array::from_fn(|i| BYTES[n / BYTES.len().pow(i as u32) % BYTES.len()]);
                let sequence = &sequence[..len as usize];
                for cut in 0..=sequence.len() {
                    assert_like_the_oracle(sequence, &[cut]);
                    for second in cut + 1..sequence.len() {
                        assert_like_the_oracle(sequence, &[cut, second]);
                    }
                }
                if n % 7 == 0 {
                    let long = [before.as_bytes(), sequence].concat();
                    for cut in 0..=sequence.len() {
                        assert_like_the_oracle(&long, &[before.len() + cut]);
                    }
                }
            }
        }
    }

    #[test]
    fn long_texts_are_as_the_oracle_says_at_every_cut() {
        let text = "ASCII that is a while, Grüße, κόσμε, 漢字仮名, \u{10ffff}\u{1f600}. ".repeat(3);
        for cut in 0..=text.len() {
            assert_like_the_oracle(text.as_bytes(), &[cut]);
            let mut spoilt = text.clone().into_bytes();
            for bad in [b'a', 0x80, 0xff] {
                if let Some(byte) = spoilt.get_mut(cut) {
                    *byte = bad;
                }
                assert_like_the_oracle(&spoilt, &[text.len() / 3 + 1, text.len() / 2]);
                assert_like_the_oracle(&spoilt, &[cut]);
            }
        }
    }
}
