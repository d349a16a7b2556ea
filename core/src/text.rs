//! Text that was validated already: a leaf module with `unsafe`, so that it is not validated twice.
//!
//! The safe twin of each unchecked conversion is the checked one of the standard library; the tests hold them together.
#![allow(unsafe_code)]

use crate::{
    Kind, Violation, shared,
    spares::{self, Lent},
    utf8::{self, Utf8},
};
use alloc::{string::String, sync::Arc, vec::Vec};
use bytes::Bytes;
use core::{fmt, ops::Deref};

/// Text that is cheap to clone: [`Bytes`] that hold valid UTF-8.
///
/// ```
/// use timtow_core::Text;
/// let text = Text::from("Grüße");
/// assert_eq!(&*text.clone(), "Grüße");
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(Bytes);

impl Text {
    /// The bytes, without a copy.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        // SAFETY: a `Text` is made from a `str` or a `String` only, its own or shared, and `Bytes` are immutable.
        unsafe { core::str::from_utf8_unchecked(&self.0) }
    }
}

/// The text, if all of it is valid.
#[inline]
pub(crate) fn whole(bytes: &[u8]) -> Option<&str> {
    // SAFETY: it is valid.
    utf8::is_valid(bytes).then(|| unsafe { core::str::from_utf8_unchecked(bytes) })
}

/// A message in assembly. Text is validated as it comes, so that it need not be validated again when it is whole.
#[derive(Default, Debug)]
pub(crate) struct Assembly {
    bytes: Vec<u8>,
    utf8: Utf8,
    /// Whether every byte went through `utf8`.
    unvalidated: bool,
}

/// What a mere promise of the peer may cost.
const PROMISE: usize = 16 << 10;
/// Once so much has come, the rest of a frame is believed, and reserved exactly.
const BELIEVED: usize = 64 << 10;
/// So much of the rest at a time, or as much as has come.
const BELIEF: usize = 1 << 20;

impl Assembly {
    /// Takes a piece of a message, of whose frame `left` bytes are still to come. Fails as soon as a byte proves that a text is
    /// not UTF-8, or where there is no memory for the message.
    pub(crate) fn push(&mut self, kind: Kind, piece: &[u8], left: usize, spares: &mut Lent) -> Result<(), Violation> {
        match kind {
            Kind::Text if !self.utf8.push(piece) => return Err(Violation::TextNotUtf8),
            Kind::Text => {}
            Kind::Binary => self.unvalidated = true,
        }
        self.append(piece, left, spares).ok_or(Violation::MessageTooBig)
    }

    /// What was taken so far.
    #[cfg(feature = "deflate")]
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Makes room for `more` bytes, and for a quarter more than there are then, but for no more than `most` in all.
    #[cfg(feature = "deflate")]
    pub(crate) fn reserve(&mut self, more: usize, most: usize) -> Result<(), Violation> {
        let needed = self.bytes.len() + more;
        if needed > self.bytes.capacity() {
            let ample = (needed + needed / 4).min(most).max(needed);
            self.bytes.try_reserve_exact(ample - self.bytes.len()).map_err(|_| Violation::MessageTooBig)?;
        }
        Ok(())
    }

    /// Checks a piece of a text message that is not kept; at the end, that the last character is whole.
    #[must_use]
    pub(crate) fn check_text(&mut self, piece: &[u8], fin: bool) -> bool {
        self.utf8.push(piece) && (self.utf8.is_complete() || !fin)
    }

    /// The text, unless it ends inside a character. The assembly is empty again.
    pub(crate) fn take_text(&mut self) -> Option<String> {
        let Assembly { bytes, utf8, unvalidated } = core::mem::take(self);
        if unvalidated {
            return String::from_utf8(bytes).ok();
        }
        // SAFETY: `bytes` is private to this module, and each byte in it came through `push` as text, which found no
        // error; `is_complete` says that the last character is whole.
        utf8.is_complete().then(|| unsafe { String::from_utf8_unchecked(bytes) })
    }

    /// The bytes. The assembly is empty again.
    pub(crate) fn take_binary(&mut self) -> Vec<u8> {
        core::mem::take(self).bytes
    }

    /// Memory stays within 1.25 times of what came, plus what is believed of what is announced; work is linear. `None` where
    /// there is no memory.
    fn append(&mut self, piece: &[u8], left: usize, spares: &mut Lent) -> Option<()> {
        let needed = self.bytes.len() + piece.len();
        if needed > self.bytes.capacity() {
            let promise = if needed < BELIEVED { PROMISE.saturating_sub(needed) } else { needed.max(BELIEF) };
            let more = left.min(promise);
            match spares.as_mut().and_then(|spares| spares.take(needed + more, needed + more.max(needed / 4))) {
                Some(mut buffer) => {
                    buffer.extend_from_slice(&self.bytes);
                    spares::give(spares, core::mem::replace(&mut self.bytes, buffer));
                }
                None => self.bytes.try_reserve_exact(piece.len() + more.max(needed / 4)).ok()?,
            }
        }
        self.bytes.extend_from_slice(piece);
        Some(())
    }
}

impl From<&'static str> for Text {
    fn from(text: &'static str) -> Self {
        Text(Bytes::from_static(text.as_bytes()))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Text(Bytes::from(text.into_bytes()))
    }
}

impl From<Arc<str>> for Text {
    fn from(text: Arc<str>) -> Self {
        Text(shared::bytes(text))
    }
}

impl From<Arc<String>> for Text {
    fn from(text: Arc<String>) -> Self {
        Text(shared::bytes(text))
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        self
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unchecked_equals_checked() {
        for text in ["", "a", "κόσμε", "\u{10ffff}", "\0"] {
            let bytes = Text::from(String::from(text)).into_bytes();
            assert_eq!(core::str::from_utf8(&bytes), Ok(text));
            assert_eq!(whole(&bytes), Some(text));
            assert_eq!(&*Text::from(String::from(text)), text);
            assert_eq!(&*Text::from(Arc::<str>::from(text)), text);
            assert_eq!(&*Text::from(Arc::new(String::from(text))), text);
        }
    }

    #[test]
    fn assembled_text_equals_the_checked_twin() {
        for bytes in ["κόσμε\u{10ffff}".as_bytes(), b"", b"a\xce", b"\xff", b"\xed\xa0\x80"] {
            for cut in 0..=bytes.len() {
                let mut assembly = Assembly::default();
                let pushed = assembly.push(Kind::Text, &bytes[..cut], bytes.len() - cut, &mut None);
                let pushed = pushed.and_then(|()| assembly.push(Kind::Text, &bytes[cut..], 0, &mut None));
                let text = pushed.ok().and_then(|()| assembly.take_text());
                assert_eq!(text, String::from_utf8(bytes.to_vec()).ok(), "{bytes:x?} cut at {cut}");
            }
        }
        let mut mixed = Assembly::default();
        mixed.push(Kind::Binary, b"\xff", 0, &mut None).unwrap();
        assert_eq!(mixed.take_text(), None, "what was not validated is not believed");
    }

    #[test]
    fn a_promise_costs_little_and_the_sum_little_more_than_its_bytes() {
        let mut promised = Assembly::default();
        promised.push(Kind::Binary, &[0], 1 << 20, &mut None).unwrap();
        assert!(promised.bytes.capacity() <= PROMISE);
        let mut fragments = Assembly::default();
        for n in 1..100_000 {
            fragments.push(Kind::Binary, &[0], 0, &mut None).unwrap();
            assert!(fragments.bytes.capacity() <= n * 5 / 4 + 4096);
        }
        let mut frame = Assembly::default();
        for sent in (0..1 << 20).step_by(4096) {
            frame.push(Kind::Binary, &[0; 4096], (1 << 20) - sent - 4096, &mut None).unwrap();
        }
        assert_eq!(frame.bytes.capacity(), 1 << 20, "a believed frame is reserved exactly");
        let mut endless = Assembly::default();
        for sent in (4096..4 << 20).step_by(4096) {
            endless.push(Kind::Binary, &[0; 4096], usize::MAX - sent, &mut None).unwrap();
            assert!(endless.bytes.capacity() <= sent + sent.max(BELIEF));
        }
    }
}
