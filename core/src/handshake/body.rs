//! The body of the response that did not open a connection: it often says why.

use super::{Headers, head::take};
use alloc::vec::Vec;

/// Where a body ends (RFC 9112 6.3).
#[derive(Debug)]
pub(super) enum Body {
    /// After so many bytes.
    Length(u64),
    /// After its last chunk (RFC 9112 7.1).
    Chunked(Chunk),
    /// With the connection.
    Eof,
}

#[derive(Debug)]
pub(super) enum Chunk {
    /// In the digits of a size.
    Size(u64),
    /// Behind them.
    Extension(u64),
    /// So many bytes are left.
    Data(u64),
}

impl Body {
    /// RFC 9112 6.3, items 1, 4, 6 and 8.
    pub(super) fn new(status: u16, headers: &Headers) -> Self {
        if matches!(status, 204 | 304) {
            Body::Length(0)
        } else if headers.contains("Transfer-Encoding") {
            match headers.lists("Transfer-Encoding", "chunked") {
                true => Body::Chunked(Chunk::Size(0)),
                false => Body::Eof,
            }
        } else {
            headers.first("Content-Length").and_then(|length| length.parse().ok()).map_or(Body::Eof, Body::Length)
        }
    }

    /// Moves what `input` holds of the body to `body`, up to [`MAX_BODY`]. Whether that is all that there will be.
    pub(super) fn receive(&mut self, input: &mut &mut [u8], body: &mut Vec<u8>) -> bool {
        loop {
            let room = MAX_BODY.saturating_sub(body.len());
            if room == 0 {
                return true;
            }
            let available = match self {
                Body::Length(0) => return true,
                Body::Length(left) | Body::Chunked(Chunk::Data(left)) if *left > 0 => {
                    let n = input.len().min(room).min(usize::try_from(*left).unwrap_or(usize::MAX));
                    *left -= n as u64;
                    n
                }
                Body::Eof => input.len().min(room),
                Body::Chunked(chunk) => {
                    let Some(&byte) = input.first() else { return false };
                    take(input, 1);
                    if chunk.receive(byte) {
                        return true;
                    }
                    continue;
                }
                Body::Length(_) => return true,
            };
            if available == 0 {
                return false;
            }
            keep(body, take(input, available));
        }
    }
}

/// Grows by an eighth, so that work stays linear, and memory near to what came.
fn keep(body: &mut Vec<u8>, taken: &[u8]) {
    if taken.len() > body.capacity() - body.len() {
        let more = taken.len().max(body.len() / 8).max(STEP);
        body.reserve_exact(more.min(MAX_BODY - body.len()));
    }
    body.extend_from_slice(taken);
}

impl Chunk {
    /// A byte between the data of two chunks. Whether it is the last that matters: the trailers don't, and what is
    /// malformed ends the body, which is only of use to people.
    fn receive(&mut self, byte: u8) -> bool {
        *self = match (&*self, byte) {
            // The CRLF behind the data, too.
            (Chunk::Data(_), b'\r') => Chunk::Data(0),
            (Chunk::Data(_), b'\n') => Chunk::Size(0),
            (Chunk::Size(size), _) if byte.is_ascii_hexdigit() && *size < MAX_BODY as u64 * 16 => {
                Chunk::Size(size * 16 + u64::from((byte as char).to_digit(16).unwrap_or(0)))
            }
            (Chunk::Size(0) | Chunk::Extension(0), b'\n') => return true,
            (Chunk::Size(size) | Chunk::Extension(size), b'\n') => Chunk::Data(*size),
            (Chunk::Size(size), b'\r' | b';' | b' ' | b'\t') | (Chunk::Extension(size), _) => Chunk::Extension(*size),
            _ => return true,
        };
        false
    }
}

/// Bytes of a body that are kept.
pub(super) const MAX_BODY: usize = 64 << 10;
/// Bytes that a small body grows by.
const STEP: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, vec};

    /// The body, how many bytes are left behind it, and whether it is complete; in pieces of every size.
    fn receive(lines: &str, bytes: &[u8]) -> (Vec<u8>, bool) {
        let headers = Headers::parse(format!("{lines}\r\n").into_bytes()).unwrap();
        let mut results = [1, 2, 3, 1000].map(|size| {
            let (mut reader, mut body, mut done) = (Body::new(404, &headers), vec![], false);
            for piece in bytes.to_vec().chunks_mut(size) {
                let mut input = piece;
                done = done || reader.receive(&mut input, &mut body);
            }
            (body, done || reader.receive(&mut &mut [][..], &mut vec![]))
        });
        assert!(results.iter().all(|result| *result == results[0]));
        core::mem::take(&mut results[0])
    }

    #[test]
    fn bodies_end_as_their_fields_say() {
        assert_eq!(receive("Content-Length: 3\r\n", b"abcdef"), (b"abc".to_vec(), true));
        assert_eq!(receive("Content-Length: 3\r\n", b"ab"), (b"ab".to_vec(), false));
        assert_eq!(receive("Content-Length: 0\r\n", b""), (vec![], true));
        assert_eq!(receive("Content-Length: x\r\n", b"abc"), (b"abc".to_vec(), false));
        assert_eq!(receive("", b"abc"), (b"abc".to_vec(), false));
        let chunked = "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n";
        assert_eq!(
            receive(chunked, b"3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n"),
            (b"abc0123456789".to_vec(), true)
        );
        assert_eq!(receive(chunked, b"3\r\nabc\r\n"), (b"abc".to_vec(), false));
        assert_eq!(receive(chunked, b"3\r\nabcd"), (b"abc".to_vec(), true));
        assert_eq!(receive(chunked, b"!"), (vec![], true));
        assert_eq!(receive(chunked, b"fffffffffffffffffffffff\r\n"), (vec![], true));
    }

    #[test]
    fn at_most_64_kib_are_kept() {
        let long = vec![b'a'; MAX_BODY + 1];
        assert_eq!(receive("", &long), (long[..MAX_BODY].to_vec(), true));
        assert_eq!(receive("Content-Length: 99999999\r\n", &long), (long[..MAX_BODY].to_vec(), true));
        let chunk = [b"ffff1\r\n", &long[..]].concat();
        assert_eq!(receive("Transfer-Encoding: chunked\r\n", &chunk), (long[..MAX_BODY].to_vec(), true));
    }
}
