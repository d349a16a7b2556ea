#[allow(dead_code)]
#[path = "../../../core/src/mask/mod.rs"]
mod mask;
#[allow(unused_imports, dead_code)]
#[path = "../../../core/src/utf8.rs"]
mod utf8;

/// What `utf8` needs of the core's module of that name: the twin that checks again.
mod text {
    #[inline]
    pub(crate) fn whole(bytes: &[u8]) -> Option<&str> {
        super::utf8::is_valid(bytes).then(|| std::str::from_utf8(bytes).ok()).flatten()
    }
}

/// Unmasks in place.
#[inline]
pub fn unmask(payload: &mut [u8], key: [u8; 4]) {
    mask::apply(payload, key);
}

/// Unmasks into another slice.
#[inline]
pub fn unmask_into(from: &[u8], to: &mut [u8], key: [u8; 4]) {
    mask::apply_into(from, to, key);
}

/// Unmasks on the way to the front of the same buffer.
#[inline]
pub fn unmask_within(buffer: &mut [u8], from: std::ops::Range<usize>, to: usize, key: [u8; 4]) {
    mask::apply_within(buffer, from, to, key);
}

/// Whether a whole message is text.
#[inline]
pub fn is_text(bytes: &[u8]) -> bool {
    utf8::is_valid(bytes)
}

/// Whether a message that comes in pieces is text.
pub fn is_text_in_pieces(bytes: &[u8], size: usize) -> bool {
    let mut utf8 = utf8::Utf8::default();
    bytes.chunks(size).all(|piece| utf8.push(piece)) && utf8.is_complete()
}
