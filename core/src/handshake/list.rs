//! Tokens, and the lists that header fields make of them.

use alloc::vec::Vec;

/// A token (RFC 9110 5.6.2).
pub(super) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().copied().all(is_token_byte)
}

pub(super) const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
        )
}

/// The elements of a comma list that several fields make together, the empty ones skipped (RFC 9110 5.3, 5.6.1).
pub(super) fn elements<'a>(fields: impl Iterator<Item = &'a [u8]>) -> impl Iterator<Item = &'a [u8]> {
    fields
        .flat_map(|field| field.split(|&byte| byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|element| !element.is_empty())
}

/// The subprotocols that `Sec-WebSocket-Protocol` lists; `None` where it lists nothing, what is no token, or the same
/// one twice (RFC 6455 4.1, item 10).
pub(super) fn subprotocols<'a>(fields: impl Iterator<Item = &'a [u8]>) -> Option<Vec<&'a str>> {
    let mut listed = Vec::new();
    for element in elements(fields) {
        listed.push(str::from_utf8(element).ok().filter(|element| is_token(element.as_bytes()))?);
    }
    (!listed.is_empty() && are_unique(&listed)).then_some(listed)
}

/// Whether no two are the same. Sorted, because 16 KiB of short tokens compared with each other would take a while.
pub(super) fn are_unique<T: AsRef<str>>(tokens: &[T]) -> bool {
    let mut sorted: Vec<&str> = tokens.iter().map(T::as_ref).collect();
    sorted.sort_unstable();
    sorted.is_sorted_by(|a, b| a != b)
}

/// An element of `Sec-WebSocket-Extensions`.
pub(super) struct Extension<'a> {
    #[cfg_attr(not(feature = "deflate"), expect(dead_code, reason = "no extension is spoken"))]
    pub(super) name: &'a [u8],
    /// As they came, each behind its semicolon.
    #[cfg_attr(not(feature = "deflate"), expect(dead_code, reason = "no extension is spoken"))]
    parameters: &'a [u8],
}

#[cfg(feature = "deflate")]
impl<'a> Extension<'a> {
    /// Names and values; a value that was quoted has its backslashes still.
    pub(super) fn parameters(&self) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> {
        let mut cursor = Cursor { rest: self.parameters };
        core::iter::from_fn(move || if cursor.take(b';') { cursor.parameter() } else { None })
    }
}

/// Gives the extensions that `Sec-WebSocket-Extensions` lists to `each`; whether it is such a list (RFC 6455 9.1):
/// `token *( ";" token [ "=" ( token | quoted-string ) ] )`, white space allowed between (RFC 6455 4.3), and not empty.
///
/// One pass; nothing is kept.
pub(super) fn extensions<'a>(fields: impl Iterator<Item = &'a [u8]>, mut each: impl FnMut(Extension<'a>)) -> bool {
    let mut any = false;
    for field in fields {
        let mut cursor = Cursor { rest: field };
        loop {
            cursor.skip_space();
            match cursor.rest.first() {
                None => break,
                Some(b',') => cursor.rest = &cursor.rest[1..],
                Some(_) => match cursor.extension() {
                    Some(extension) => {
                        any = true;
                        each(extension);
                    }
                    None => return false,
                },
            }
        }
    }
    any
}

/// What is left of a field.
struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    fn extension(&mut self) -> Option<Extension<'a>> {
        let name = self.token()?;
        let parameters = self.rest;
        while self.take(b';') {
            self.parameter()?;
        }
        let parameters = &parameters[..parameters.len() - self.rest.len()];
        // The cursor is behind an element: only a comma or the end may follow.
        matches!(self.rest.first(), None | Some(b',')).then_some(Extension { name, parameters })
    }

    fn parameter(&mut self) -> Option<(&'a [u8], Option<&'a [u8]>)> {
        self.skip_space();
        let name = self.token()?;
        if !self.take(b'=') {
            return Some((name, None));
        }
        self.skip_space();
        let value = match self.rest.first()? {
            b'"' => self.quoted_token()?,
            _ => self.token()?,
        };
        Some((name, Some(value)))
    }

    fn token(&mut self) -> Option<&'a [u8]> {
        let end = self.rest.iter().position(|&byte| !is_token_byte(byte)).unwrap_or(self.rest.len());
        let (token, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!token.is_empty()).then_some(token)
    }

    /// A quoted string, which must hold a token once it is unquoted (RFC 6455 9.1). Returned with its backslashes.
    fn quoted_token(&mut self) -> Option<&'a [u8]> {
        let quoted = &self.rest[1..];
        let mut at = 0;
        loop {
            match quoted.get(at)? {
                b'"' => break,
                b'\\' if is_token_byte(*quoted.get(at + 1)?) => at += 2,
                byte if is_token_byte(*byte) => at += 1,
                _ => return None,
            }
        }
        self.rest = &quoted[at + 1..];
        (at > 0).then_some(&quoted[..at])
    }

    fn take(&mut self, byte: u8) -> bool {
        self.skip_space();
        let found = self.rest.first() == Some(&byte);
        if found {
            self.rest = &self.rest[1..];
        }
        found
    }

    fn skip_space(&mut self) {
        let end = self.rest.iter().position(|byte| !matches!(byte, b' ' | b'\t')).unwrap_or(self.rest.len());
        self.rest = &self.rest[end..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_fields_are_one_list_without_its_empty_elements() {
        let fields = [&b" a ,, b"[..], b"", b",c\t, "];
        assert_eq!(elements(fields.into_iter()).collect::<Vec<_>>(), [b"a", b"b", b"c"]);
    }

    #[test]
    fn subprotocols_are_unique_tokens_and_at_least_one() {
        let listed = |field: &'static str| subprotocols([field.as_bytes()].into_iter());
        assert_eq!(listed("chat, superchat,"), Some(alloc::vec!["chat", "superchat"]));
        assert_eq!(listed("a, A"), Some(alloc::vec!["a", "A"]));
        for malformed in ["", " ", ",,", "a, a", "a b", "a, \"b\"", "a;b", "é"] {
            assert_eq!(listed(malformed), None, "{malformed}");
        }
        assert_eq!(subprotocols([&b"a"[..], b"b, a"].into_iter()), None);
    }

    #[test]
    fn extensions_follow_their_grammar() {
        for (field, valid) in [
            ("permessage-deflate", true),
            ("permessage-deflate; server_max_window_bits=10", true),
            ("permessage-deflate; server_max_window_bits=\"10\"", true),
            ("a;b=\"\\1\\0\"", true),
            ("a ; b = c , d", true),
            (",, a ,", true),
            ("a; b; c=d, e;f=g", true),
            ("constructor; __proto__", true),
            ("", false),
            (" , ", false),
            ("a b", false),
            ("a;", false),
            ("a;;b", false),
            (";a", false),
            ("a=b", false),
            ("a;b=", false),
            ("a;=b", false),
            ("a;b=c=d", false),
            ("a;b=\"c", false),
            ("a;b=\"c\\", false),
            ("a;b=\"c\\\"", false),
            ("a;b=\"\"", false),
            ("a;b=\"c d\"", false),
            ("a;b=\"c\\ d\"", false),
            ("a;b=\"\\\"\"", false),
            ("a;b=\"c\"d", false),
            ("a;b=\"c,d\"", false),
            ("\"a\"", false),
            ("a/b", false),
            ("é", false),
        ] {
            assert_eq!(extensions([field.as_bytes()].into_iter(), |_| {}), valid, "{field}");
        }
        assert!(extensions([&b""[..], b"a"].into_iter(), |_| {}));
        assert!(!extensions([&b"a"[..], b"b;"].into_iter(), |_| {}));
    }
}
