//! Text that was validated already: a leaf module with `unsafe`, so that it is not validated twice.
//!
//! The safe twin of each unchecked conversion is the checked one of the standard library; the tests hold them together.
#![allow(unsafe_code)]

use alloc::{string::String, vec::Vec};
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
        // SAFETY: a `Text` is made from a `str` or a `String` only, and `Bytes` are immutable.
        unsafe { core::str::from_utf8_unchecked(&self.0) }
    }
}

/// Text from bytes that the caller has validated, in whole or in pieces.
///
/// # Safety
/// The bytes are valid UTF-8.
pub(crate) unsafe fn from_validated(bytes: Vec<u8>) -> String {
    debug_assert!(core::str::from_utf8(&bytes).is_ok());
    // SAFETY: the caller's promise.
    unsafe { String::from_utf8_unchecked(bytes) }
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
            assert_eq!(&*Text::from(String::from(text)), text);
            // SAFETY: the bytes of a `str`.
            let string = unsafe { from_validated(text.as_bytes().to_vec()) };
            assert_eq!(Ok(string), String::from_utf8(text.as_bytes().to_vec()));
        }
    }
}
