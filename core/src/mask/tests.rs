use super::*;
use alloc::vec::Vec;

/// The last bytes of a buffer go to its beginning: the signature of all that is compared.
pub(super) type Within = fn(&mut [u8], usize, [u8; 4]);

const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
/// All lengths below.
const LENGTHS: usize = 600;
/// The largest alignment that a kernel knows.
const ALIGNMENTS: Range<usize> = 0..64;
/// What no test may touch.
const GUARD: u8 = 0xa5;

/// RFC 6455 5.3, to the letter.
fn formula(payload: &mut [u8], mask: [u8; 4]) {
    for (i, octet) in payload.iter_mut().enumerate() {
        *octet ^= mask[i % 4];
    }
}

fn plain(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 7 + i / 256) as u8).collect()
}

/// Each length from `least` with each mask as it may be due, and what must come of it.
fn each(least: usize, mut check: impl FnMut(&[u8], &[u8], [u8; 4])) {
    let plain = plain(LENGTHS);
    for len in least..LENGTHS {
        for phase in 0..4 {
            let mask = turn(MASK, phase);
            let mut expected = plain[..len].to_vec();
            formula(&mut expected, mask);
            check(&plain[..len], &expected, mask);
        }
    }
}

/// A place that begins `at` bytes behind an aligned one, with a guard on both sides.
fn guarded(memory: &mut Vec<u8>, at: usize, len: usize) -> Range<usize> {
    memory.clear();
    memory.resize(len + 3 * 64, GUARD);
    let start = memory.as_ptr().align_offset(64) + 64 + at % 64;
    start..start + len
}

fn assert_guards(memory: &[u8], inside: Range<usize>) {
    let mut outside = memory[..inside.start].iter().chain(&memory[inside.end..]);
    assert!(outside.all(|byte| *byte == GUARD), "a byte outside was touched");
}

/// Whether a move to the front equals the formula, in place and by every distance that may matter.
fn assert_within(least: usize, within: Within) {
    let mut memory = Vec::new();
    each(least, |plain, expected, mask| {
        let len = plain.len();
        for at in ALIGNMENTS {
            for by in [0, 1 + at, 64 + at, len] {
                // The longest moves at a few alignments only.
                if by > 0 && at % 7 > 0 {
                    continue;
                }
                let place = guarded(&mut memory, at, len + by);
                memory[place.start + by..place.end].copy_from_slice(plain);
                within(&mut memory[place.clone()], len, mask);
                assert_eq!(&memory[place.start..][..len], expected, "{len} bytes at {at}, moved by {by}");
                // What lies behind is whatever it is; what lies outside is not touched.
                assert_guards(&memory, place);
            }
        }
    });
}

#[test]
fn equals_the_formula_at_every_length_and_cut() {
    each(0, |plain, expected, mask| {
        let len = plain.len();
        for cut in [0, 1, 2, 3, len / 2, len] {
            let mut masked = plain.to_vec();
            let (a, b) = masked.split_at_mut(cut.min(len));
            let next = apply(a, mask);
            assert_eq!(apply(b, next), turn(mask, len));
            assert_eq!(masked, expected, "{len} bytes, cut at {cut}");
        }
    });
}

#[test]
fn equals_the_formula_at_every_length_and_alignment() {
    let mut memory = Vec::new();
    each(0, |plain, expected, mask| {
        for at in ALIGNMENTS {
            let place = guarded(&mut memory, at, plain.len());
            memory[place.clone()].copy_from_slice(plain);
            apply(&mut memory[place.clone()], mask);
            assert_eq!(&memory[place.clone()], expected, "{} bytes at {at}", plain.len());
            assert_guards(&memory, place);
        }
    });
}

#[test]
fn equals_the_formula_into_another_slice() {
    let mut memory = Vec::new();
    each(0, |plain, expected, mask| {
        for at in ALIGNMENTS {
            let place = guarded(&mut memory, at, plain.len());
            let next = apply_into(plain, &mut memory[place.clone()], mask);
            assert_eq!(next, turn(mask, plain.len()));
            assert_eq!(&memory[place.clone()], expected, "{} bytes at {at}", plain.len());
            assert_guards(&memory, place);
        }
    });
}

#[test]
fn equals_the_formula_when_moved_to_the_front() {
    assert_within(0, |buffer, len, mask| {
        let from = buffer.len() - len..buffer.len();
        assert_eq!(apply_within(buffer, from, 0, mask), turn(mask, len));
    });
}

#[test]
fn lanes_equal_the_formula() {
    each(0, |plain, expected, mask| {
        let (mut in_place, mut into) = (plain.to_vec(), plain.to_vec());
        lanes(&mut in_place, mask);
        lanes_into(plain, &mut into, mask);
        assert!(in_place == expected && into == expected, "{} bytes", plain.len());
    });
}

#[cfg(target_arch = "x86_64")]
#[test]
fn every_kernel_equals_its_twin() {
    for (least, kernel) in x86::kernels() {
        assert_within(least, kernel);
    }
}

/// More than fits any cache line, page or block, and all three ways.
#[test]
fn what_is_large_equals_its_twin() {
    for len in [4095, 4096, 65_537, (1 << 20) + 3] {
        let plain = plain(len);
        let mut twin = plain.clone();
        lanes(&mut twin, MASK);
        let (mut in_place, mut into) = (plain.clone(), plain.clone());
        apply(&mut in_place, MASK);
        apply_into(&plain, &mut into, MASK);
        let mut within = [&[0; 10], &*plain].concat();
        apply_within(&mut within, 10..len + 10, 3, MASK);
        assert!(in_place == twin && into == twin && within[3..len + 3] == twin, "{len} bytes");
        assert_eq!(within[..3], [0; 3]);
    }
}

#[test]
#[should_panic = "to the front"]
fn nothing_is_moved_to_the_back() {
    apply_within(&mut [0; 8], 0..4, 1, MASK);
}
