//! The challenge of hixie-76: two numbers that a client hides in two fields, eight bytes behind its head, and the MD5 with
//! which a server shows that it has understood (hixie-76 1.3, 4.1, 5.2).

use crate::MaskSource;
use alloc::{format, string::String};
use md5::{Digest, Md5};

/// Bytes behind the head of a request.
pub(super) const BODY: usize = 8;
/// Bytes behind the head of the answer.
pub(super) const ANSWER: usize = 16;

/// The number that a key hides: its digits, divided by its spaces (hixie-76 5.2, items 4 to 8). `None` where it has no
/// digits or no spaces, where the division leaves a remainder, where the digits make more than 32 bits, and where it is longer
/// than any client makes it.
pub(super) fn number(key: &[u8]) -> Option<u32> {
    if key.len() > MAX_KEY {
        return None;
    }
    let mut digits = key.iter().filter(|byte| byte.is_ascii_digit()).map(|digit| u32::from(digit - b'0')).peekable();
    digits.peek()?;
    let product = digits.try_fold(0_u32, |product, digit| product.checked_mul(10)?.checked_add(digit))?;
    let spaces = key.iter().filter(|byte| **byte == b' ').count() as u32;
    (spaces > 0 && product % spaces == 0).then(|| product / spaces)
}

/// What a server answers (hixie-76 5.2, items 9 and 10).
pub(super) fn answer(numbers: [u32; 2], body: [u8; BODY]) -> [u8; ANSWER] {
    let [first, second] = numbers.map(u32::to_be_bytes);
    Md5::new().chain_update(first).chain_update(second).chain_update(body).finalize().into()
}

/// A key, and the number that it hides (hixie-76 4.1, items 16 to 23).
pub(super) fn key(masks: &MaskSource) -> (String, u32) {
    let random = |below: u32| u32::from_be_bytes(masks.mask()) % below;
    let spaces = 1 + random(12);
    let number = match u32::MAX / spaces {
        u32::MAX => u32::from_be_bytes(masks.mask()),
        max => random(max + 1),
    };
    let mut key = format!("{}", number * spaces);
    for _ in 0..1 + random(12) {
        // Anything that is visible, and no digit: 21-2f or 3a-7e.
        let byte = 0x21 + random(84) as u8;
        let byte = if byte < b'0' { byte } else { byte + 10 };
        key.insert(random(key.len() as u32 + 1) as usize, char::from(byte));
    }
    for _ in 0..spaces {
        // Neither at the start nor at the end, where a space is no part of a field's value.
        key.insert(1 + random(key.len() as u32 - 1) as usize, ' ');
    }
    (key, number)
}

/// The eight bytes (hixie-76 4.1, item 26).
pub(super) fn body(masks: &MaskSource) -> [u8; BODY] {
    let mut body = [0; BODY];
    body.as_chunks_mut::<4>().0.fill_with(|| masks.mask());
    body
}

/// Ten digits, twelve spaces, twelve other characters: no client makes a longer one.
const MAX_KEY: usize = 64;
