//! Masking (RFC 6455 5.3): in place, or while the payload is moved.
//!
//! What is short goes through two overlapping words, without a loop. What is longer goes through lanes of eight bytes in
//! blocks of 64, which the compiler turns into vector instructions, or through the wider registers of the processor at hand,
//! which is asked at run time with feature `std`, and at compile time without. The tests hold all ways against the RFC's own
//! formula.

#[cfg(target_arch = "x86_64")]
mod x86;

use core::ops::Range;

/// Up to so many bytes, two words that any processor has do without asking what else it has.
const SHORT: usize = 64;

/// Masks or unmasks `payload`, which begins at a byte where `mask[0]` is due.
/// Returns the mask as it is due behind `payload`, for the next piece of the same frame.
#[inline]
pub(crate) fn apply(payload: &mut [u8], mask: [u8; 4]) -> [u8; 4] {
    let len = payload.len();
    if len <= SHORT {
        short(&mut InPlace(payload), mask);
    } else {
        long(payload, mask);
    }
    turn(mask, len)
}

/// The same, from one slice into another of the same length.
///
/// # Panics
/// If they are not equally long.
#[inline]
#[allow(dead_code, reason = "the floor that the benchmarks compare with")]
pub(crate) fn apply_into(from: &[u8], to: &mut [u8], mask: [u8; 4]) -> [u8; 4] {
    assert_eq!(from.len(), to.len(), "as many bytes as there is room for");
    let len = from.len();
    if len <= SHORT {
        short(&mut Into { from, to }, mask);
    } else {
        long_into(from, to, mask);
    }
    turn(mask, len)
}

/// The same, from a range of `buffer` to the bytes that begin at `to`, which is not behind the range's start.
///
/// # Panics
/// If `to` is behind the range's start, or the range does not lie in `buffer`.
#[inline]
#[cfg_attr(not(feature = "std"), allow(dead_code, reason = "only a loop has both in one buffer"))]
pub(crate) fn apply_within(buffer: &mut [u8], from: Range<usize>, to: usize, mask: [u8; 4]) -> [u8; 4] {
    assert!(to <= from.start, "bytes are moved to the front");
    let len = from.len();
    let buffer = &mut buffer[to..from.end];
    if len <= SHORT {
        short(&mut Within { from: from.start - to, len, buffer }, mask);
    } else {
        long_within(buffer, len, mask);
    }
    turn(mask, len)
}

/// The mask as it is due `by` bytes later.
#[inline]
fn turn(mask: [u8; 4], by: usize) -> [u8; 4] {
    // Rotated as one number, which costs nothing where nobody asks for it.
    u32::from_le_bytes(mask).rotate_right(8 * (by as u32 & 3)).to_le_bytes()
}

/// Where a short payload comes from, and where it goes to.
trait Way {
    fn len(&self) -> usize;
    fn take<const N: usize>(&self, at: usize) -> [u8; N];
    fn put<const N: usize>(&mut self, at: usize, bytes: [u8; N]);
}

struct InPlace<'a>(&'a mut [u8]);

struct Into<'a> {
    from: &'a [u8],
    to: &'a mut [u8],
}

/// `len` bytes at `from` go to the beginning.
struct Within<'a> {
    buffer: &'a mut [u8],
    from: usize,
    len: usize,
}

/// At most [`SHORT`] bytes: of more, what lies between the two ends would be left out.
#[inline(always)]
fn short(way: &mut impl Way, mask: [u8; 4]) {
    let len = way.len();
    if len >= 16 {
        if len <= 32 {
            ends::<16>(way, mask);
        } else {
            ends::<32>(way, mask);
        }
    } else if len >= 8 {
        ends::<8>(way, mask);
    } else if len >= 4 {
        ends::<4>(way, mask);
    } else if len > 0 {
        // The first, the last, and the one in the middle, which may be one of them.
        let (middle, last) = (len / 2, len - 1);
        let bytes = [way.take::<1>(0), way.take::<1>(middle), way.take::<1>(last)];
        way.put(0, [bytes[0][0] ^ mask[0]]);
        way.put(middle, [bytes[1][0] ^ mask[middle]]);
        way.put(last, [bytes[2][0] ^ mask[last]]);
    }
}

/// The first and the last `N` of at most twice as many bytes. Both are taken before one is put: they may overlap.
#[inline(always)]
fn ends<const N: usize>(way: &mut impl Way, mask: [u8; 4]) {
    let len = way.len();
    let (first, last) = (way.take::<N>(0), way.take::<N>(len - N));
    way.put(0, xor(first, mask));
    way.put(len - N, xor(last, turn(mask, len - N)));
}

#[inline(always)]
fn xor<const N: usize>(mut bytes: [u8; N], mask: [u8; 4]) -> [u8; N] {
    let mask = u32::from_ne_bytes(mask);
    for lane in bytes.as_chunks_mut::<4>().0 {
        *lane = (u32::from_ne_bytes(*lane) ^ mask).to_ne_bytes();
    }
    bytes
}

#[inline(never)]
fn long(payload: &mut [u8], mask: [u8; 4]) {
    #[cfg(target_arch = "x86_64")]
    if x86::apply(payload, mask) {
        return;
    }
    lanes(payload, mask);
}

#[inline(never)]
fn long_into(from: &[u8], to: &mut [u8], mask: [u8; 4]) {
    #[cfg(target_arch = "x86_64")]
    if x86::apply_into(from, to, mask) {
        return;
    }
    lanes_into(from, to, mask);
}

/// The last `len` bytes go to the beginning.
#[inline(never)]
fn long_within(buffer: &mut [u8], len: usize, mask: [u8; 4]) {
    #[cfg(target_arch = "x86_64")]
    if x86::apply_within(buffer, len, mask) {
        return;
    }
    buffer.copy_within(buffer.len() - len.., 0);
    lanes(&mut buffer[..len], mask);
}

/// Any length, in lanes: what runs on every processor, and the twin that the others are tested against.
fn lanes(payload: &mut [u8], mask: [u8; 4]) {
    let lane = lane(mask);
    let (blocks, rest) = payload.as_chunks_mut::<64>();
    for block in blocks {
        for bytes in block.as_chunks_mut::<8>().0 {
            *bytes = (u64::from_ne_bytes(*bytes) ^ lane).to_ne_bytes();
        }
    }
    let (lanes, tail) = rest.as_chunks_mut::<8>();
    for bytes in lanes {
        *bytes = (u64::from_ne_bytes(*bytes) ^ lane).to_ne_bytes();
    }
    for (i, byte) in tail.iter_mut().enumerate() {
        *byte ^= mask[i & 3];
    }
}

/// The same, from one slice into another.
fn lanes_into(from: &[u8], to: &mut [u8], mask: [u8; 4]) {
    let lane = lane(mask);
    let ((from, from_tail), (to, to_tail)) = (from.as_chunks::<8>(), to.as_chunks_mut::<8>());
    for (from, to) in from.iter().zip(to) {
        *to = (u64::from_ne_bytes(*from) ^ lane).to_ne_bytes();
    }
    for (i, (from, to)) in from_tail.iter().zip(to_tail).enumerate() {
        *to = from ^ mask[i & 3];
    }
}

fn lane(mask: [u8; 4]) -> u64 {
    let half = u64::from(u32::from_ne_bytes(mask));
    half << 32 | half
}

impl Way for InPlace<'_> {
    #[inline(always)]
    fn len(&self) -> usize {
        self.0.len()
    }

    #[inline(always)]
    fn take<const N: usize>(&self, at: usize) -> [u8; N] {
        bytes(self.0, at)
    }

    #[inline(always)]
    fn put<const N: usize>(&mut self, at: usize, bytes: [u8; N]) {
        self.0[at..at + N].copy_from_slice(&bytes);
    }
}

impl Way for Into<'_> {
    #[inline(always)]
    fn len(&self) -> usize {
        self.from.len()
    }

    #[inline(always)]
    fn take<const N: usize>(&self, at: usize) -> [u8; N] {
        bytes(self.from, at)
    }

    #[inline(always)]
    fn put<const N: usize>(&mut self, at: usize, bytes: [u8; N]) {
        self.to[at..at + N].copy_from_slice(&bytes);
    }
}

impl Way for Within<'_> {
    #[inline(always)]
    fn len(&self) -> usize {
        self.len
    }

    #[inline(always)]
    fn take<const N: usize>(&self, at: usize) -> [u8; N] {
        bytes(self.buffer, self.from + at)
    }

    #[inline(always)]
    fn put<const N: usize>(&mut self, at: usize, bytes: [u8; N]) {
        self.buffer[at..at + N].copy_from_slice(&bytes);
    }
}

#[inline(always)]
fn bytes<const N: usize>(slice: &[u8], at: usize) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(&slice[at..at + N]);
    bytes
}

#[cfg(test)]
mod tests;
