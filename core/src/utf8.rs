//! UTF-8 (RFC 3629), whole and in pieces (RFC 6455 8.1).

/// Below so many bytes the standard library is as fast, and needs no set-up.
const SHORT: usize = 64;

/// The text, if all of it is valid.
#[inline]
pub(crate) fn text(bytes: &[u8]) -> Option<&str> {
    if bytes.len() < SHORT { core::str::from_utf8(bytes).ok() } else { simdutf8::basic::from_utf8(bytes).ok() }
}

/// A validator that is fed in pieces. It keeps the bytes of a character that a piece ended in: at most three.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Utf8 {
    tail: [u8; 4],
    len: u8,
}

impl Utf8 {
    /// Takes the next piece. False as soon as a byte proves that no continuation can make the text valid.
    #[must_use]
    pub(crate) fn push(&mut self, mut piece: &[u8]) -> bool {
        while self.len > 0 {
            let Some((&byte, rest)) = piece.split_first() else {
                return true;
            };
            piece = rest;
            self.tail[usize::from(self.len)] = byte;
            self.len += 1;
            match core::str::from_utf8(&self.tail[..usize::from(self.len)]) {
                Ok(_) => self.len = 0,
                Err(error) if error.error_len().is_none() => {}
                Err(_) => return false,
            }
        }
        if text(piece).is_some() {
            return true;
        }
        match core::str::from_utf8(piece) {
            Ok(_) => true,
            Err(error) if error.error_len().is_none() => {
                let tail = &piece[error.valid_up_to()..];
                self.tail[..tail.len()].copy_from_slice(tail);
                self.len = tail.len() as u8;
                true
            }
            Err(_) => false,
        }
    }

    /// Whether the text may end here.
    pub(crate) fn is_complete(&self) -> bool {
        self.len == 0
    }
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
}
