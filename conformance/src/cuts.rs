//! How the bytes of a vector come: whole, byte by byte, and at eight seeded cuts.

use crate::Peer;

/// The places where `input` is cut: nowhere, everywhere, and eight times somewhere.
pub(crate) fn cuts(input: &[u8]) -> impl Iterator<Item = Vec<usize>> {
    let len = input.len();
    let all = (len < 1000).then(|| (1..len).collect());
    let mut seed = 0x37fa_213d_u32;
    let seeded = (0..8).map(move |_| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        vec![(seed >> 8) as usize % len.max(1)]
    });
    [vec![]].into_iter().chain(all).chain(seeded)
}

/// Writes it in pieces. The endpoint may have seen enough before the end.
pub(crate) fn write(peer: &mut Peer, bytes: &[u8], cuts: &[usize]) {
    let mut start = 0;
    for end in cuts.iter().copied().filter(|end| *end < bytes.len()).chain([bytes.len()]) {
        if peer.try_write(&bytes[start..end]).is_err() {
            return;
        }
        start = end;
    }
}
