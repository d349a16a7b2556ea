//! The head of an HTTP/1.1 message: found in whatever pieces it comes, within limits that hold from the earliest byte.

use super::{Headers, list};
use alloc::vec::Vec;

/// Collects a head up to its empty line. Each byte is looked at once, however the bytes are cut.
#[derive(Debug, Default)]
pub(super) struct HeadReader {
    bytes: Vec<u8>,
    state: State,
    /// Bytes taken, the empty lines in front included.
    taken: usize,
    /// Bytes of the line that is being read, its CRLF not included.
    line: usize,
    /// Lines that are complete; the first is the start line.
    lines: usize,
    #[cfg(test)]
    pub(super) examined: usize,
}

/// A whole head: its start line is checked by whoever knows which kind of line it should be.
#[derive(Debug)]
pub(super) struct Head {
    bytes: Vec<u8>,
    start_line: usize,
}

/// What is wrong with a head before it is complete.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum HeadError {
    /// The first byte begins no HTTP message.
    NotHttp,
    /// The start line is over [`MAX_LINE`].
    StartLineTooLong,
    /// A field line is over [`MAX_LINE`], there are over [`MAX_FIELDS`] of them, or all is over [`MAX_HEAD`].
    TooBig,
    /// A NUL, or a CR or LF without the other.
    Malformed,
}

/// Not the grammar of HTTP/1.1.
#[derive(Debug)]
pub(super) struct Malformed;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum State {
    /// In front of the start line; a recipient skips empty lines there (RFC 9112 2.2).
    #[default]
    Leading,
    /// Behind a CR in front of the start line.
    LeadingCr,
    Line,
    /// Behind a CR that ends a line.
    Cr,
}

impl HeadReader {
    /// Takes bytes of the head off `input`, and leaves what is behind it.
    pub(super) fn receive(&mut self, input: &mut &mut [u8]) -> Result<Option<Head>, HeadError> {
        let (mut end, mut start) = (0, 0);
        let scanned = self.scan(input, &mut end, &mut start);
        self.keep(&take(input, end)[start..]);
        Ok(scanned?.then(|| self.finish()))
    }

    /// Looks at `input` up to `end`; what lies before `start` is in front of the start line. Whether the head is complete.
    fn scan(&mut self, input: &[u8], end: &mut usize, start: &mut usize) -> Result<bool, HeadError> {
        while let Some(&byte) = input.get(*end) {
            let mut run = 1;
            if self.taken == MAX_HEAD {
                return Err(HeadError::TooBig);
            }
            match (self.state, byte) {
                (State::Line, b'\r') => self.state = State::Cr,
                (State::Line, _) => run = self.run(&input[*end..])?,
                (State::Cr, b'\n') => self.state = State::Line,
                // RFC 9112 2.2: a bare CR is invalid.
                (State::Cr, _) => return Err(HeadError::Malformed),
                (State::Leading, b'\r') => self.state = State::LeadingCr,
                (State::Leading, byte) if list::is_token_byte(byte) => {
                    self.state = State::Line;
                    continue;
                }
                (State::LeadingCr, b'\n') => self.state = State::Leading,
                (State::Leading | State::LeadingCr, _) => return Err(HeadError::NotHttp),
            }
            self.taken += run;
            *end += run;
            match self.state {
                State::Leading | State::LeadingCr => *start = *end,
                State::Line if byte == b'\n' => {
                    if self.line == 0 {
                        return Ok(true);
                    }
                    self.line = 0;
                    self.lines += 1;
                }
                State::Line | State::Cr => {}
            }
        }
        Ok(false)
    }

    /// The start line, once it is complete.
    pub(super) fn start_line(&self) -> Option<&[u8]> {
        self.bytes.split(|&byte| byte == b'\r').next().filter(|_| self.lines > 0)
    }

    /// How many of the first bytes of `input` belong to the line and are in order: at least one.
    fn run(&mut self, input: &[u8]) -> Result<usize, HeadError> {
        // No further than the limits reach, so that no byte is looked at twice.
        let (room, over) = match self.lines {
            0 => (MAX_LINE - self.line, HeadError::StartLineTooLong),
            // The first byte of one line more is one field too many.
            fields if fields > MAX_FIELDS => (0, HeadError::TooBig),
            _ => (MAX_LINE - self.line, HeadError::TooBig),
        };
        let reach = &input[..input.len().min(room + 1).min(MAX_HEAD - self.taken)];
        let run = reach.iter().position(|byte| matches!(byte, b'\r' | b'\n' | 0)).unwrap_or(reach.len());
        #[cfg(test)]
        {
            self.examined += (run + 1).min(reach.len());
        }
        if run > room {
            return Err(over);
        }
        if run == 0 {
            // RFC 9112 2.2 allows to take a bare LF for a line's end; who does disagrees with who does not.
            return Err(HeadError::Malformed);
        }
        self.line += run;
        Ok(run)
    }

    /// Grows by doubling, but never over the limit of a head.
    fn keep(&mut self, taken: &[u8]) {
        let needed = self.bytes.len() + taken.len();
        if needed > self.bytes.capacity() {
            let capacity = needed.max(2 * self.bytes.capacity()).clamp(MIN_CAPACITY, MAX_HEAD);
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
        self.bytes.extend_from_slice(taken);
    }

    fn finish(&mut self) -> Head {
        let bytes = core::mem::take(self).bytes;
        let start_line = bytes.iter().position(|&byte| byte == b'\r').unwrap_or(bytes.len());
        Head { bytes, start_line }
    }
}

impl Head {
    pub(super) fn start_line(&self) -> &[u8] {
        &self.bytes[..self.start_line]
    }

    pub(super) fn into_headers(mut self) -> Result<Headers, Malformed> {
        self.bytes.drain(..self.start_line + b"\r\n".len());
        Headers::parse(self.bytes)
    }
}

/// Takes the first `n` bytes off `input`.
pub(super) fn take<'b>(input: &mut &'b mut [u8], n: usize) -> &'b mut [u8] {
    let (taken, rest) = core::mem::take(input).split_at_mut(n);
    *input = rest;
    taken
}

/// The version in a start line: `HTTP/digit.digit`, the case as it is (RFC 9112 2.3).
pub(super) fn version(bytes: &[u8]) -> Option<(u8, u8)> {
    match bytes.strip_prefix(b"HTTP/")? {
        &[major @ b'0'..=b'9', b'.', minor @ b'0'..=b'9'] => Some((major - b'0', minor - b'0')),
        _ => None,
    }
}

/// Bytes of a head, its empty line and those in front of it included.
pub(super) const MAX_HEAD: usize = 16 << 10;
/// Bytes of a line, its CRLF not included.
pub(super) const MAX_LINE: usize = 8 << 10;
/// Field lines.
pub(super) const MAX_FIELDS: usize = 100;
/// Most heads fit.
const MIN_CAPACITY: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, string::String};

    /// The head that comes of `bytes` in pieces of `size`, and how many bytes were taken for it.
    fn read(bytes: &[u8], size: usize) -> Result<Option<(String, usize)>, HeadError> {
        let mut reader = HeadReader::default();
        let mut bytes = bytes.to_vec();
        let mut seen = 0;
        for piece in bytes.chunks_mut(size) {
            seen += piece.len();
            let mut input = piece;
            let lines = reader.lines;
            let result = reader.receive(&mut input);
            if let Ok(Some(head)) = result {
                return Ok(Some((String::from_utf8(head.bytes).unwrap(), seen - input.len())));
            }
            // Each byte once, and the one that ends a run once more.
            assert!(reader.examined <= seen + lines.max(reader.lines) + 1, "bytes are looked at again");
            assert!(reader.bytes.capacity() <= MAX_HEAD);
            if result?.is_none() {
                assert!(input.is_empty());
            }
        }
        Ok(None)
    }

    /// The same, which must not depend on the pieces.
    fn read_all(bytes: &[u8]) -> Result<Option<(String, usize)>, HeadError> {
        let whole = read(bytes, bytes.len().max(1));
        for size in [1, 2, 3, 7, 1000] {
            assert_eq!(read(bytes, size), whole, "in pieces of {size}");
        }
        whole
    }

    fn result(bytes: &[u8]) -> Result<bool, HeadError> {
        read_all(bytes).map(|head| head.is_some())
    }

    #[test]
    fn a_head_ends_with_its_empty_line() {
        let head = "GET / HTTP/1.1\r\nA: b\r\n\r\n";
        let taken = head.len() + 4;
        assert_eq!(read_all(format!("\r\n\r\n{head}frames").as_bytes()), Ok(Some((head.into(), taken))));
        assert_eq!(result(b"GET / HTTP/1.1\r\n\r\n"), Ok(true));
        assert_eq!(result(b"GET / HTTP/1.1\r\n\r"), Ok(false));
        assert_eq!(result(b""), Ok(false));
    }

    #[test]
    fn what_is_no_http_is_known_by_its_first_byte() {
        for bytes in [&b"\x16"[..], b"\n", b" ", b"\0", b"\xff", b"\r\n\r\n\x16", b"\r\r", b"\rG", b":"] {
            assert_eq!(result(bytes), Err(HeadError::NotHttp), "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn lines_end_with_cr_and_lf() {
        for bytes in
            [&b"G\n"[..], b"G\r\nA: b\n", b"G\r\nA: b\rc", b"G\r\r", b"G\0", b"G\r\n\n", b"G\r\n\0", b"G\r\n\r\r"]
        {
            assert_eq!(result(bytes), Err(HeadError::Malformed), "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn limits_hold_from_the_first_byte_that_is_over() {
        let line = |n| "a".repeat(n);
        assert_eq!(result(format!("{}\r\n\r\n", line(MAX_LINE)).as_bytes()), Ok(true));
        assert_eq!(result(line(MAX_LINE).as_bytes()), Ok(false));
        assert_eq!(result(line(MAX_LINE + 1).as_bytes()), Err(HeadError::StartLineTooLong));

        assert_eq!(result(format!("G\r\n{}\r\n\r\n", line(MAX_LINE)).as_bytes()), Ok(true));
        assert_eq!(result(format!("G\r\n{}", line(MAX_LINE + 1)).as_bytes()), Err(HeadError::TooBig));

        assert_eq!(result(format!("G\r\n{}\r\n", "a:\r\n".repeat(MAX_FIELDS)).as_bytes()), Ok(true));
        assert_eq!(result(format!("G\r\n{}a", "a:\r\n".repeat(MAX_FIELDS)).as_bytes()), Err(HeadError::TooBig));

        // Leading CRLF 2, G CRLF 3, two lines and their CRLFs, an empty line 2.
        let head = |n| format!("\r\nG\r\n{}\r\n{}\r\n\r\n", line(MAX_LINE), line(n - 2 - 3 - MAX_LINE - 2 - 2 - 2));
        assert_eq!(head(MAX_HEAD).len(), MAX_HEAD);
        assert_eq!(result(head(MAX_HEAD).as_bytes()), Ok(true));
        assert_eq!(result(head(MAX_HEAD + 1).as_bytes()), Err(HeadError::TooBig));
        assert_eq!(result(&head(MAX_HEAD + 1).as_bytes()[..MAX_HEAD]), Ok(false));
        assert_eq!(result("\r\n".repeat(MAX_HEAD / 2).as_bytes()), Ok(false));
        assert_eq!(result(("\r\n".repeat(MAX_HEAD / 2) + "\r").as_bytes()), Err(HeadError::TooBig));
    }

    #[test]
    fn versions() {
        assert_eq!(version(b"HTTP/1.1"), Some((1, 1)));
        assert_eq!(version(b"HTTP/2.0"), Some((2, 0)));
        for bytes in [&b"http/1.1"[..], b"HTTP/1", b"HTTP/1.10", b"HTTP/11", b"HTTP/a.b", b""] {
            assert_eq!(version(bytes), None);
        }
    }
}
