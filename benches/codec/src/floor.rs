//! The least that an echo can cost: one pass over the wire.

/// Echoes the whole, unfragmented and masked messages in `wire` into `out`: headers are believed, payloads are unmasked on
/// their way, as `unmask` does it, from one slice into another. Returns how many bytes `out` begins with; it has room for as
/// many as `wire` has.
#[inline]
pub fn echo(mut wire: &[u8], out: &mut [u8], unmask: impl Fn(&[u8], &mut [u8], [u8; 4])) -> usize {
    let mut end = 0;
    while let [first, second, rest @ ..] = wire {
        let (len, rest) = match (second & 0x7f, rest) {
            (126, [a, b, rest @ ..]) => (usize::from(u16::from_be_bytes([*a, *b])), rest),
            (127, rest) => {
                let (len, rest) = rest.split_first_chunk().expect("a header");
                (u64::from_be_bytes(*len) as usize, rest)
            }
            (len, rest) => (usize::from(len), rest),
        };
        let (mask, rest) = rest.split_first_chunk::<4>().expect("a mask");
        let out = &mut out[end..];
        let header = if len < 126 {
            out[..2].copy_from_slice(&[*first, len as u8]);
            2
        } else if let Ok(len) = u16::try_from(len) {
            out[..2].copy_from_slice(&[*first, 126]);
            out[2..4].copy_from_slice(&len.to_be_bytes());
            4
        } else {
            out[..2].copy_from_slice(&[*first, 127]);
            out[2..10].copy_from_slice(&(len as u64).to_be_bytes());
            10
        };
        unmask(&rest[..len], &mut out[header..header + len], *mask);
        end += header + len;
        wire = &rest[len..];
    }
    end
}
