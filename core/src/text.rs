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
    /// What has come, and behind it bytes that do not count: room, and what is left of an earlier message.
    bytes: Vec<u8>,
    /// How many bytes have come.
    come: usize,
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
        self.append(piece, left, spares).ok_or(Violation::MessageTooBig)?;
        self.check(kind, piece.len())
    }

    /// Room for so many bytes of a frame, if it was reserved when the frame was believed: what is read there need not be
    /// copied. [`fill`](Assembly::fill) it.
    #[cfg(feature = "std")]
    pub(crate) fn room(&mut self, left: usize) -> Option<&mut [u8]> {
        let end = self.come.checked_add(left)?;
        if self.come < BELIEVED || end > self.bytes.capacity() {
            return None;
        }
        if end > self.bytes.len() {
            self.bytes.resize(end, 0);
        }
        Some(&mut self.bytes[self.come..end])
    }

    /// Takes the next `n` bytes of the room, which `unmask` makes a piece of the message.
    ///
    /// # Errors
    /// As [`push`](Assembly::push).
    #[cfg(feature = "std")]
    pub(crate) fn fill(&mut self, kind: Kind, n: usize, unmask: impl FnOnce(&mut [u8])) -> Result<(), Violation> {
        unmask(&mut self.bytes[self.come..self.come + n]);
        self.come += n;
        self.check(kind, n)
    }

    /// Looks at the last `n` bytes.
    fn check(&mut self, kind: Kind, n: usize) -> Result<(), Violation> {
        match kind {
            Kind::Text if !self.utf8.push(&self.bytes[self.come - n..self.come]) => return Err(Violation::TextNotUtf8),
            Kind::Text => {}
            Kind::Binary => self.unvalidated = true,
        }
        Ok(())
    }

    /// What was taken so far.
    #[cfg(feature = "deflate")]
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.come]
    }

    /// Makes room for `more` bytes, and for a quarter more than there are then, but for no more than `most` in all.
    #[cfg(feature = "deflate")]
    pub(crate) fn reserve(&mut self, more: usize, most: usize) -> Result<(), Violation> {
        let needed = self.come + more;
        if needed > self.bytes.capacity() {
            let ample = (needed + needed / 4).min(most).max(needed);
            self.bytes.truncate(self.come);
            self.bytes.try_reserve_exact(ample - self.come).map_err(|_| Violation::MessageTooBig)?;
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
        let (utf8, unvalidated) = (self.utf8, self.unvalidated);
        let bytes = self.take_binary();
        if unvalidated {
            return String::from_utf8(bytes).ok();
        }
        // SAFETY: `bytes` is private to this module, and each byte of those that have come went through `check` as text,
        // which found no error; `is_complete` says that the last character is whole.
        utf8.is_complete().then(|| unsafe { String::from_utf8_unchecked(bytes) })
    }

    /// The bytes. The assembly is empty again.
    pub(crate) fn take_binary(&mut self) -> Vec<u8> {
        let Assembly { mut bytes, come, .. } = core::mem::take(self);
        bytes.truncate(come);
        bytes
    }

    /// Memory stays within 1.25 times of what came, plus what is believed of what is announced; work is linear. `None` where
    /// there is no memory.
    fn append(&mut self, piece: &[u8], left: usize, spares: &mut Lent) -> Option<()> {
        let needed = self.come + piece.len();
        if needed > self.bytes.capacity() {
            let promise = if needed < BELIEVED { PROMISE.saturating_sub(needed) } else { needed.max(BELIEF) };
            let more = left.min(promise);
            match spares.as_mut().and_then(|spares| spares.take(needed + more, needed + more.max(needed / 4))) {
                Some(buffer) => {
                    let old = core::mem::replace(&mut self.bytes, buffer);
                    let come = core::mem::take(&mut self.come);
                    self.put(&old[..come]);
                    spares::give(spares, old);
                }
                None => {
                    self.bytes.truncate(self.come);
                    self.bytes.try_reserve_exact(piece.len() + more.max(needed / 4)).ok()?;
                }
            }
        }
        self.put(piece);
        Some(())
    }

    /// Writes a piece behind what has come. There is room.
    fn put(&mut self, piece: &[u8]) {
        let end = self.come + piece.len();
        if end <= self.bytes.len() {
            self.bytes[self.come..end].copy_from_slice(piece);
        } else {
            self.bytes.truncate(self.come);
            self.bytes.extend_from_slice(piece);
        }
        self.come = end;
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
