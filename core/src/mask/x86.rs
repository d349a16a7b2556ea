//! Masking in the wide registers of x86-64: a leaf module with `unsafe`.
//!
//! The safe twin of both kernels is [`lanes`](super::lanes); the tests hold them together at every length, alignment and
//! cut.
#![allow(unsafe_code)]

use super::turn;
use core::arch::x86_64::*;

/// What can be asked of the processor at run time, with std, or of the compiler, without.
#[cfg(feature = "std")]
macro_rules! has {
    ($($feature:tt),+) => {
        $(std::is_x86_feature_detected!($feature))&&+
    };
}
#[cfg(not(feature = "std"))]
macro_rules! has {
    ($($feature:tt),+) => {
        cfg!(all($(target_feature = $feature),+))
    };
}

/// The shortest payload that there is a kernel for.
pub(super) const LEAST: usize = 32;

/// In place. False where this processor, or this length, has no kernel, and nothing was done.
#[inline]
pub(super) fn apply(payload: &mut [u8], mask: [u8; 4]) -> bool {
    let to = payload.as_mut_ptr();
    // SAFETY: the bytes are borrowed mutably, and they are moved by nothing.
    unsafe { run(to, to, payload.len(), mask) }
}

/// The same, from one slice into another of the same length.
#[inline]
pub(super) fn apply_into(from: &[u8], to: &mut [u8], mask: [u8; 4]) -> bool {
    assert_eq!(from.len(), to.len());
    // SAFETY: both are borrowed, and so do not overlap; both have that length.
    unsafe { run(from.as_ptr(), to.as_mut_ptr(), to.len(), mask) }
}

/// The same, from the end of `buffer` to its beginning.
#[inline]
pub(super) fn apply_within(buffer: &mut [u8], len: usize, mask: [u8; 4]) -> bool {
    let by = buffer.len() - len;
    let to = buffer.as_mut_ptr();
    // SAFETY: `by + len` is the buffer's length, so both places lie in it, and the bytes are moved to the front.
    unsafe { run(to.add(by), to, len, mask) }
}

/// # Safety
/// `from` can be read and `to` be written for `len` bytes; where the two overlap, `to` is not behind `from`.
#[inline(always)]
unsafe fn run(from: *const u8, to: *mut u8, len: usize, mask: [u8; 4]) -> bool {
    if len < LEAST {
        return false;
    }
    // Processors that have the second do not slow down for using the first.
    if len >= 64 && has!("avx512f", "avx512vbmi2") {
        // SAFETY: the processor has it, `len` is no less than a register, and the rest is the caller's promise.
        unsafe { avx512(from, to, len, mask) };
        return true;
    }
    if has!("avx2") {
        // SAFETY: likewise.
        unsafe { avx2(from, to, len, mask) };
        return true;
    }
    false
}

/// The first and the last register of the payload are taken first and put last, over what lies between them, which goes by
/// whole registers that are aligned where they are put. So there is no rest, and what is put lies in front of all that is
/// still to be taken. Four registers do without a loop.
macro_rules! kernel {
    ($name:ident, $feature:literal, $register:ty, $size:literal, $load:ident, $store:ident, $xor:ident, $splat:ident) => {
        /// # Safety
        /// The processor has the feature, `len` is at least a register's size, `from` can be read and `to` be written for
        /// `len` bytes, and where the two overlap, `to` is not behind `from`.
        #[target_feature(enable = $feature)]
        unsafe fn $name(from: *const u8, to: *mut u8, len: usize, mask: [u8; 4]) {
            const SIZE: usize = $size;
            debug_assert!(len >= SIZE);
            // SAFETY: every `at` below is at most `len - SIZE`.
            let take = |at: usize| unsafe { $load(from.add(at).cast::<$register>()) };
            // SAFETY: likewise.
            let put = |at: usize, bytes: $register| unsafe { $store(to.add(at).cast::<$register>(), bytes) };
            let due = |at: usize| $splat(i32::from_ne_bytes(turn(mask, at)));
            let first = $xor(take(0), due(0));
            let last = $xor(take(len - SIZE), due(len - SIZE));
            if len <= 4 * SIZE {
                if len > 2 * SIZE {
                    let second = $xor(take(SIZE), due(0));
                    let third = $xor(take(len - 2 * SIZE), due(len - SIZE));
                    put(SIZE, second);
                    put(len - 2 * SIZE, third);
                }
                put(0, first);
                put(len - SIZE, last);
                return;
            }
            let mut at = SIZE - to.addr() % SIZE;
            let mask = due(at);
            while at + 4 * SIZE <= len {
                let bytes = [take(at), take(at + SIZE), take(at + 2 * SIZE), take(at + 3 * SIZE)];
                put(at, $xor(bytes[0], mask));
                put(at + SIZE, $xor(bytes[1], mask));
                put(at + 2 * SIZE, $xor(bytes[2], mask));
                put(at + 3 * SIZE, $xor(bytes[3], mask));
                at += 4 * SIZE;
            }
            while at + SIZE < len {
                put(at, $xor(take(at), mask));
                at += SIZE;
            }
            put(0, first);
            put(len - SIZE, last);
        }
    };
}

kernel!(avx512, "avx512f", __m512i, 64, _mm512_loadu_si512, _mm512_storeu_si512, _mm512_xor_si512, _mm512_set1_epi32);
kernel!(avx2, "avx2", __m256i, 32, _mm256_loadu_si256, _mm256_storeu_si256, _mm256_xor_si256, _mm256_set1_epi32);

/// Every kernel of this processor, as [`apply_within`], and the least length for it.
#[cfg(test)]
pub(super) fn kernels() -> alloc::vec::Vec<(usize, super::tests::Within)> {
    // SAFETY: as in `apply_within`; the tests keep to the least length, and the features are asked for below.
    let wide: super::tests::Within = |buffer, len, mask| unsafe {
        let to = buffer.as_mut_ptr();
        avx512(to.add(buffer.len() - len), to, len, mask);
    };
    // SAFETY: likewise.
    let narrow: super::tests::Within = |buffer, len, mask| unsafe {
        let to = buffer.as_mut_ptr();
        avx2(to.add(buffer.len() - len), to, len, mask);
    };
    let mut kernels = alloc::vec::Vec::new();
    kernels.extend(has!("avx512f").then_some((64, wide)));
    kernels.extend(has!("avx2").then_some((32, narrow)));
    kernels
}
