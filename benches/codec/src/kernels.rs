//! Unmasking as it is commonly written, to compare ours with: lanes of eight bytes, and the wide registers without any care
//! for alignment and rest.
#![allow(unsafe_code)]

/// Unmasks in place; `false`, and nothing done, where this processor cannot.
pub type Kernel = fn(&mut [u8], [u8; 4]) -> bool;

/// Each by its name.
pub const KERNELS: [(&str, Kernel); 3] = [("u64 lanes", lanes), ("AVX2", avx2), ("AVX-512", avx512)];

/// Eight bytes at a time, which the compiler makes more of.
pub fn lanes(payload: &mut [u8], mask: [u8; 4]) -> bool {
    let half = u64::from(u32::from_ne_bytes(mask));
    let lane = half << 32 | half;
    let (lanes, rest) = payload.as_chunks_mut::<8>();
    for bytes in lanes {
        *bytes = (u64::from_ne_bytes(*bytes) ^ lane).to_ne_bytes();
    }
    for (i, byte) in rest.iter_mut().enumerate() {
        *byte ^= mask[i & 3];
    }
    true
}

/// The same, from one slice into another.
#[inline]
pub fn lanes_into(from: &[u8], to: &mut [u8], mask: [u8; 4]) {
    let half = u64::from(u32::from_ne_bytes(mask));
    let lane = half << 32 | half;
    let ((from, from_rest), (to, to_rest)) = (from.as_chunks::<8>(), to.as_chunks_mut::<8>());
    for (from, to) in from.iter().zip(to) {
        *to = (u64::from_ne_bytes(*from) ^ lane).to_ne_bytes();
    }
    for (i, (from, to)) in from_rest.iter().zip(to_rest).enumerate() {
        *to = from ^ mask[i & 3];
    }
}

/// 32 bytes at a time, and the rest in lanes.
pub fn avx2(payload: &mut [u8], mask: [u8; 4]) -> bool {
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has it.
        let rest = unsafe { x86::avx2(payload, mask) };
        return lanes(rest, mask);
    }
    let _ = (payload, mask);
    false
}

/// 64 bytes at a time, and the rest in lanes.
pub fn avx512(payload: &mut [u8], mask: [u8; 4]) -> bool {
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("avx512f") {
        // SAFETY: the processor has it.
        let rest = unsafe { x86::avx512(payload, mask) };
        return lanes(rest, mask);
    }
    let _ = (payload, mask);
    false
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    /// Returns the rest.
    #[target_feature(enable = "avx2")]
    pub(super) fn avx2(payload: &mut [u8], mask: [u8; 4]) -> &mut [u8] {
        let mask = _mm256_set1_epi32(i32::from_ne_bytes(mask));
        let (blocks, rest) = payload.as_chunks_mut::<32>();
        for block in blocks {
            let at = block.as_mut_ptr().cast();
            // SAFETY: the block has 32 bytes.
            unsafe { _mm256_storeu_si256(at, _mm256_xor_si256(_mm256_loadu_si256(at), mask)) };
        }
        rest
    }

    /// Returns the rest.
    #[target_feature(enable = "avx512f")]
    pub(super) fn avx512(payload: &mut [u8], mask: [u8; 4]) -> &mut [u8] {
        let mask = _mm512_set1_epi32(i32::from_ne_bytes(mask));
        let (blocks, rest) = payload.as_chunks_mut::<64>();
        for block in blocks {
            let at = block.as_mut_ptr().cast();
            // SAFETY: the block has 64 bytes.
            unsafe { _mm512_storeu_si512(at, _mm512_xor_si512(_mm512_loadu_si512(at), mask)) };
        }
        rest
    }
}
