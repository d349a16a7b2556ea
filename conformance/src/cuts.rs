//! How the bytes of a vector come: whole, byte by byte, and at eight seeded cuts.

use crate::Peer;

/// The places where `input` is cut: nowhere, everywhere, and eight times somewhere.
pub(crate) fn cuts(input: &[u8]) -> impl Iterator<Item = Vec<usize>> {
    let len = input.len();
    let mut seed = 0x37fa_213d_u32;
    let seeded = (0..if len > 1 { 8 } else { 0 }).map(move |_| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        vec![1 + (seed >> 8) as usize % (len - 1)]
    });
    [vec![], (1..len).collect()].into_iter().chain(seeded)
}

/// Writes it in pieces, which the test transport has the endpoint read one by one, unless they are too many to wait for each.
/// The endpoint may have seen enough before the end.
pub(crate) fn write(peer: &mut Peer, bytes: &[u8], cuts: &[usize]) {
    let mut start = 0;
    for end in cuts.iter().copied().filter(|end| (1..bytes.len()).contains(end)).chain([bytes.len()]) {
        let piece = &bytes[start..end];
        let written = if cuts.len() < ONE_BY_ONE { peer.deliver(piece) } else { peer.try_write(piece) };
        if written.is_err() {
            return;
        }
        start = end;
    }
}

/// Four vectors are longer.
const ONE_BY_ONE: usize = 1000;

#[cfg(test)]
mod tests {
    #[test]
    fn every_cut_makes_two_of_one() {
        for len in 0..300 {
            let cuts: Vec<_> = super::cuts(&vec![0; len]).collect();
            assert_eq!(cuts.len(), if len > 1 { 10 } else { 2 });
            assert_eq!((cuts[0].len(), cuts[1].len()), (0, len.saturating_sub(1)));
            assert!(cuts[2..].iter().all(|cuts| cuts.len() == 1), "{len}");
            assert!(cuts.concat().iter().all(|cut| (1..len).contains(cut)), "{len}: {cuts:?}");
        }
    }
}
