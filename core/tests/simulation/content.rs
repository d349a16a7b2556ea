//! What the messages are made of. Each is a piece of one of two long patterns, so that a message that is lost, doubled,
//! swapped, cut or changed is not what the receiver looks for next.

use crate::common::chance::Chance;
use std::sync::LazyLock;
use timtow_core::Kind;

/// A message: so many bytes of the pattern of its kind, from `at` on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Item {
    pub kind: Kind,
    pub at: usize,
    pub len: usize,
}

/// No message is longer.
pub const LONGEST: usize = 100 << 10;
/// Where a message may begin: a number for each message of a run.
const STARTS: usize = 10_007;

static BYTES: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut chance = Chance::new(13);
    (0..LONGEST + STARTS).map(|_| chance.next() as u8).collect()
});

static TEXT: LazyLock<String> = LazyLock::new(|| {
    let mut chance = Chance::new(14);
    let mut text = String::new();
    while text.len() < LONGEST + STARTS {
        text.push(chance.pick(&['a', 'b', '7', ' ', 'ß', 'κ', '語', '€', '𝄞', '\u{10ffff}', '\0', '\u{d7ff}']));
    }
    text
});

/// Makes the patterns, before anybody counts memory.
pub fn prepare() {
    LazyLock::force(&BYTES);
    LazyLock::force(&TEXT);
}

impl Item {
    /// The message with this number in its direction.
    pub fn new(number: usize, kind: Kind, len: usize) -> Self {
        let at = number * 61 % STARTS;
        match kind {
            Kind::Binary => Item { kind, at, len },
            Kind::Text => {
                let at = TEXT.floor_char_boundary(at);
                Item { kind, at, len: TEXT.floor_char_boundary(at + len) - at }
            }
        }
    }

    pub fn bytes(self) -> &'static [u8] {
        match self.kind {
            Kind::Binary => &BYTES[self.at..self.at + self.len],
            Kind::Text => &TEXT.as_bytes()[self.at..self.at + self.len],
        }
    }

    pub fn text(self) -> &'static str {
        &TEXT[self.at..self.at + self.len]
    }
}
