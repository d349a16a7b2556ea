//! Header fields, kept as the bytes that came and where each field lies in them: two allocations, not two per field.

use super::{head::Malformed, list};
use alloc::vec::Vec;
use core::{fmt, ops::Range};

/// The header fields of a request or response, in the order in which they came. Names are compared without case.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Headers {
    bytes: Vec<u8>,
    fields: Vec<Field>,
}

/// Where a field lies; a head is shorter than 64 KiB.
#[derive(Clone, PartialEq, Eq)]
struct Field {
    name: Range<u16>,
    value: Range<u16>,
}

impl Headers {
    /// The value of the first field of this name; `None` where there is none, or where it is not UTF-8.
    pub fn first(&self, name: &str) -> Option<&str> {
        str::from_utf8(self.values(name).next()?).ok()
    }

    /// The values of all fields of this name, those that are not UTF-8 left out.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.values(name).filter_map(|value| str::from_utf8(value).ok())
    }

    /// Names and values of all fields. A value may hold any bytes but control characters (RFC 9110 5.5).
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.fields.iter().map(|field| (self.name(field), self.value(field)))
    }

    /// The field lines of a head, up to and with its empty line (RFC 9112 5).
    pub(super) fn parse(lines: Vec<u8>) -> Result<Headers, Malformed> {
        let mut parsed = [httparse::EMPTY_HEADER; super::head::MAX_FIELDS];
        // Refuses obs-fold, space before the colon, empty names, and control characters (RFC 9112 5.1, 5.2, RFC 9110 5.5).
        let Ok(httparse::Status::Complete((_, parsed))) = httparse::parse_headers(&lines, &mut parsed) else {
            return Err(Malformed);
        };
        let base = lines.as_ptr().addr();
        let range = |part: &[u8]| {
            let start = part.as_ptr().addr() - base;
            Ok(u16::try_from(start).map_err(|_| Malformed)?
                ..u16::try_from(start + part.len()).map_err(|_| Malformed)?)
        };
        let mut fields = Vec::with_capacity(parsed.len());
        for header in parsed {
            fields.push(Field { name: range(header.name.as_bytes())?, value: range(header.value)? });
        }
        Ok(Headers { bytes: lines, fields })
    }

    pub(super) fn values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.fields
            .iter()
            .filter(move |field| self.part(&field.name).eq_ignore_ascii_case(name.as_bytes()))
            .map(|field| self.value(field))
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.values(name).next().is_some()
    }

    /// The value where exactly one field has this name.
    pub(crate) fn only(&self, name: &str) -> Option<&[u8]> {
        let mut values = self.values(name);
        let value = values.next()?;
        values.next().is_none().then_some(value)
    }

    /// Whether the comma list that all fields of this name make together holds this token, without case.
    pub(super) fn lists(&self, name: &str, token: &str) -> bool {
        list::elements(self.values(name)).any(|element| element.eq_ignore_ascii_case(token.as_bytes()))
    }

    fn name(&self, field: &Field) -> &str {
        // A name is a token, so ASCII: this does not fail.
        str::from_utf8(self.part(&field.name)).unwrap_or_default()
    }

    fn value(&self, field: &Field) -> &[u8] {
        self.part(&field.value)
    }

    fn part(&self, range: &Range<u16>) -> &[u8] {
        &self.bytes[usize::from(range.start)..usize::from(range.end)]
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for (name, value) in self.iter() {
            map.entry(&name, &format_args!("\"{}\"", value.escape_ascii()));
        }
        map.finish()
    }
}

/// Whether the application may set this field (RFC 9110 5.1, 5.5): a token, and a value that cannot end its line.
/// What frames the message or belongs to the handshake is not the application's (RFC 6455 4.1, 4.2.2).
pub(super) fn may_be_set(name: &str, value: &str) -> bool {
    const RESERVED: [&str; 4] = ["Connection", "Content-Length", "Transfer-Encoding", "Upgrade"];
    const RESERVED_PREFIX: &[u8] = b"Sec-WebSocket-";
    list::is_token(name.as_bytes())
        && !value.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t')
        && !RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(name))
        && !name
            .as_bytes()
            .get(..RESERVED_PREFIX.len())
            .is_some_and(|prefix| prefix.eq_ignore_ascii_case(RESERVED_PREFIX))
}

/// Writes a field line.
pub(super) fn write_field(to: &mut Vec<u8>, name: &str, value: &str) {
    for part in [name, ": ", value, "\r\n"] {
        to.extend_from_slice(part.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{string::String, vec};

    fn headers(lines: &[u8]) -> Result<Headers, Malformed> {
        Headers::parse(lines.to_vec())
    }

    #[test]
    fn names_are_compared_without_case_and_values_are_trimmed() {
        let headers = headers(b"A:1\r\nb: \t 2 \t\r\na: 3\r\nC:\r\nd: \xff\r\n\r\n").unwrap();
        assert_eq!(headers.first("a"), Some("1"));
        assert_eq!(headers.all("A").collect::<Vec<_>>(), ["1", "3"]);
        assert_eq!(headers.first("B"), Some("2"));
        assert_eq!(headers.first("c"), Some(""));
        assert_eq!(headers.first("d"), None);
        assert_eq!(headers.iter().last(), Some(("d", &b"\xff"[..])));
        assert_eq!(headers.only("a"), None);
        assert_eq!(headers.only("b"), Some(&b"2"[..]));
        assert_eq!(alloc::format!("{headers:?}"), r#"{"A": "1", "b": "2", "a": "3", "C": "", "d": "\xff"}"#);
    }

    #[test]
    fn malformed_fields_are_refused() {
        for lines in [
            &b"X: a\r\n b\r\n\r\n"[..],
            b" X: a\r\n\r\n",
            b"X : a\r\n\r\n",
            b"X\t: a\r\n\r\n",
            b": a\r\n\r\n",
            b"X\r\n\r\n",
            b"X(: a\r\n\r\n",
            b"\xc3\xa9: a\r\n\r\n",
            b"X: a\x00b\r\n\r\n",
            b"X: a\x1fb\r\n\r\n",
            b"X: a\x7fb\r\n\r\n",
            b"X: a\rb\r\n\r\n",
        ] {
            assert!(headers(lines).is_err(), "{}", lines.escape_ascii());
        }
    }

    #[test]
    fn a_field_that_would_end_its_line_or_is_the_protocols_may_not_be_set() {
        for (name, value, allowed) in [
            ("Set-Cookie", "a=b; Path=/", true),
            ("X-Name", "Grüße\tan alle", true),
            ("X", "a\r\nSet-Cookie: b", false),
            ("X", "a\nb", false),
            ("X", "a\rb", false),
            ("X", "a\0b", false),
            ("X\r\nY", "a", false),
            ("X:", "a", false),
            ("", "a", false),
            ("Ü", "a", false),
            ("upgrade", "h2c", false),
            ("CONNECTION", "close", false),
            ("content-length", "1", false),
            ("Transfer-encoding", "chunked", false),
            ("sec-websocket-accept", "a", false),
            ("Sec-WebSocket-Anything", "a", false),
            ("Sec-WebSocke", "a", true),
        ] {
            assert_eq!(may_be_set(name, value), allowed, "{name}: {value}");
        }
    }

    #[test]
    fn a_field_line_is_written_whole() {
        let mut line = vec![];
        write_field(&mut line, "A", "b");
        assert_eq!(String::from_utf8(line).unwrap(), "A: b\r\n");
    }
}
