//! Heads of HTTP, looked at in the simplest way: split, and compared.

use base64::{Engine, engine::general_purpose::STANDARD};
use sha1::{Digest, Sha1};

/// A head: its first line, and its fields.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Head {
    /// The words of the first line.
    pub start: Vec<Vec<u8>>,
    /// Names in lower case, and values without the white space around them.
    pub fields: Vec<(Vec<u8>, Vec<u8>)>,
    /// Bytes up to and with the empty line.
    pub size: usize,
}

/// No white space but these two stands in a field.
pub fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

/// A token (RFC 9110 5.6.2).
pub fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| byte.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]{}".contains(byte))
}

/// Where the first empty line begins, the CRLF in front of it included. By number: a comparison of slices at each byte is
/// what a fuzzer looks at most closely, and slowly.
fn empty_line(bytes: &[u8]) -> Option<usize> {
    let mut last = 0u32;
    let end = bytes.iter().position(|byte| {
        last = last << 8 | u32::from(*byte);
        last == u32::from_be_bytes(*b"\r\n\r\n")
    });
    end.map(|end| end - 3)
}

/// The head that `bytes` begin with; `None` where it is not complete, or not well-formed and within its limits.
pub fn head(bytes: &[u8]) -> Option<Head> {
    let mut lines = bytes;
    while let Some(rest) = lines.strip_prefix(b"\r\n") {
        lines = rest;
    }
    let leading = bytes.len() - lines.len();
    let end = empty_line(lines)?;
    let size = leading + end + 4;
    let mut parts = Vec::new();
    let mut from = 0;
    for at in 0..=end {
        if lines[at] == b'\r' && lines[at + 1] == b'\n' {
            parts.push(&lines[from..at]);
            from = at + 2;
        }
    }
    let (start, rest) = parts.split_first()?;
    if size > 16 << 10 || rest.len() > 100 || parts.iter().any(|line| line.len() > 8 << 10) {
        return None;
    }
    let mut fields = Vec::new();
    for line in rest {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = (&line[..colon], trim(&line[colon + 1..]));
        if !is_token(name) || value.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
            return None;
        }
        fields.push((name.to_ascii_lowercase(), value.to_vec()));
    }
    if start.iter().any(|byte| b"\0\r\n".contains(byte)) {
        return None;
    }
    Some(Head { start: start.split(|byte| *byte == b' ').map(<[u8]>::to_vec).collect(), fields, size })
}

impl Head {
    /// The values of the fields of this name.
    pub fn all(&self, name: &str) -> Vec<&[u8]> {
        self.fields.iter().filter(|field| field.0 == name.as_bytes()).map(|field| &field.1[..]).collect()
    }

    /// The value, where exactly one field has this name.
    pub fn only(&self, name: &str) -> Option<&[u8]> {
        match self.all(name)[..] {
            [value] => Some(value),
            _ => None,
        }
    }

    /// The elements of a comma list, without case.
    pub fn list(&self, name: &str) -> Vec<Vec<u8>> {
        let fields = self.all(name);
        let elements = fields.iter().flat_map(|field| field.split(|byte| *byte == b','));
        elements.map(|element| trim(element).to_ascii_lowercase()).filter(|element| !element.is_empty()).collect()
    }

    /// Whether a comma list holds this.
    pub fn lists(&self, name: &str, wanted: &str) -> bool {
        self.list(name).iter().any(|element| element == wanted.as_bytes())
    }
}

/// What answers a `Sec-WebSocket-Key` (RFC 6455 4.2.2, item 5.4); `None` for what is no key.
pub fn accept(key: &[u8]) -> Option<String> {
    let nonce = STANDARD.decode(key).ok()?;
    if nonce.len() != 16 || STANDARD.encode(&nonce).as_bytes() != key {
        return None;
    }
    Some(STANDARD.encode(Sha1::digest([key, b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"].concat())))
}

/// The extensions that the fields list, each with its parameters, unquoted; `None` where that is not the grammar (RFC 6455
/// 9.1). A quoted string holds a token, so that a comma or a semicolon is never inside of one.
pub type Extension = (String, Vec<(String, Option<String>)>);

/// See [`Extension`].
pub fn extensions(fields: &[&[u8]]) -> Option<Vec<Extension>> {
    let mut listed = Vec::new();
    for element in fields.iter().flat_map(|field| field.split(|byte| *byte == b',')).map(trim) {
        if element.is_empty() {
            continue;
        }
        let mut parts = element.split(|byte| *byte == b';').map(trim);
        let name = parts.next().filter(|name| is_token(name))?;
        let mut parameters = Vec::new();
        for part in parts {
            let equals = part.iter().position(|byte| *byte == b'=');
            let name = trim(&part[..equals.unwrap_or(part.len())]);
            let value = match equals.map(|equals| trim(&part[equals + 1..])) {
                Some([b'"', quoted @ .., b'"']) => Some(unquote(quoted)?),
                value => value.map(<[u8]>::to_vec),
            };
            if !is_token(name) || value.as_ref().is_some_and(|value| !is_token(value)) {
                return None;
            }
            parameters.push((text(name), value.map(|value| text(&value))));
        }
        listed.push((text(name), parameters));
    }
    Some(listed).filter(|listed| !listed.is_empty())
}

fn text(token: &[u8]) -> String {
    String::from_utf8_lossy(token).into_owned()
}

fn unquote(quoted: &[u8]) -> Option<Vec<u8>> {
    let (mut bytes, mut value) = (quoted.iter(), Vec::new());
    while let Some(byte) = bytes.next() {
        value.push(if *byte == b'\\' { *bytes.next()? } else { *byte });
    }
    // A quotation mark that is not escaped ends it, and one that is escaped is no token.
    Some(value)
}

/// Asserts that `answer` is one whole response that ends the connection.
///
/// # Panics
/// If it is not.
pub fn refusal(answer: &[u8], status: u16) {
    let head = head(answer).expect("a whole head");
    assert_eq!(head.start[..2], [b"HTTP/1.1".to_vec(), status.to_string().into_bytes()]);
    assert!(head.lists("connection", "close"), "{head:?}");
    let length: usize = text(head.only("content-length").expect("a length")).parse().expect("a number");
    assert_eq!(answer.len() - head.size, length, "the body is as long as it says");
    match status {
        405 => assert!(head.lists("allow", "get")),
        426 => assert!(head.lists("upgrade", "websocket")),
        _ => {}
    }
}
