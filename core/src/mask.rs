//! Masking (RFC 6455 5.3), in place.
//!
//! Eight-byte lanes in blocks of 64 bytes, which the compiler turns into vector instructions; the tests hold it against
//! the RFC's own formula.

/// Masks or unmasks `payload`, which begins at a byte where `mask[0]` is due.
/// Returns the mask as it is due behind `payload`, for the next piece of the same frame.
#[inline]
pub(crate) fn apply(payload: &mut [u8], mask: [u8; 4]) -> [u8; 4] {
    let half = u64::from(u32::from_ne_bytes(mask));
    let lane = half << 32 | half;
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
    // Rotated as one number, which costs nothing where nobody asks for it.
    u32::from_le_bytes(mask).rotate_right(8 * (tail.len() as u32 & 3)).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    /// RFC 6455 5.3, to the letter.
    fn formula(payload: &mut [u8], mask: [u8; 4]) {
        for (i, octet) in payload.iter_mut().enumerate() {
            *octet ^= mask[i % 4];
        }
    }

    #[test]
    fn equals_the_formula_at_every_length_and_cut() {
        let mask = [0x37, 0xfa, 0x21, 0x3d];
        let plain: Vec<u8> = (0..300u32).map(|i| (i * 7) as u8).collect();
        for len in 0..plain.len() {
            let mut expected = plain[..len].to_vec();
            formula(&mut expected, mask);
            for cut in [0, 1, 2, 3, len / 2, len] {
                let mut masked = plain[..len].to_vec();
                let (a, b) = masked.split_at_mut(cut.min(len));
                let next = apply(a, mask);
                apply(b, next);
                assert_eq!(masked, expected, "{len} bytes, cut at {cut}");
            }
        }
    }
}
