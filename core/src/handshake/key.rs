//! `Sec-WebSocket-Key` and the `Sec-WebSocket-Accept` that answers it.

use alloc::string::String;
use base64::{Engine, prelude::BASE64_STANDARD};
use sha1::{Digest, Sha1};

/// RFC 6455 1.3.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The value of `Sec-WebSocket-Key` (RFC 6455 4.1, item 7).
pub(super) fn encode(random: [u8; 16]) -> String {
    BASE64_STANDARD.encode(random)
}

/// Whether it is 16 bytes in base64 (RFC 6455 4.2.1, item 5), canonical: padded, and no bit set that is not used
/// (RFC 4648 3.5).
pub(super) fn is_valid(key: &[u8]) -> bool {
    // 18 bytes are what its 24 characters could hold; a longer key does not fit, which is an error too.
    let mut decoded = [0; 18];
    BASE64_STANDARD.decode_slice(key, &mut decoded) == Ok(16)
}

/// The value of `Sec-WebSocket-Accept` (RFC 6455 4.2.2, item 5.4).
pub(super) fn accept(key: &[u8]) -> String {
    BASE64_STANDARD.encode(Sha1::new().chain_update(key).chain_update(GUID).finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_6455_1_3() {
        assert_eq!(accept(b"dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn a_key_is_16_bytes_in_canonical_base64() {
        assert!(is_valid(encode(*b"the sample nonce").as_bytes()));
        for key in [
            &b""[..],
            b"dGhlIHNhbXBsZSBub25jZQ",
            b"dGhlIHNhbXBsZSBub25jZQ=",
            b"dGhlIHNhbXBsZSBub25jZR==",
            b"dGhlIHNhbXBsZSBub25jZQ== ",
            b"dGhlIHNhbXBsZSBub25jZXQ=",
            b"dGhlIHNhbXBsZSBub25jZXQh",
            b"dGhlIHNhbXBsZSBub25j",
            b"dGhlIHNhbXBsZSBub25jZ-==",
            b"!!!!!!!!!!!!!!!!!!!!!!!!",
        ] {
            assert!(!is_valid(key), "{}", key.escape_ascii());
        }
    }
}
