//! Heads of the opening handshake, written and read by hand.

use base64::{Engine, prelude::BASE64_STANDARD};
use sha1::{Digest, Sha1};

/// The key of RFC 6455 1.3.
pub const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// What answers a key (RFC 6455 4.2.2, item 5.4).
pub fn accept(key: &str) -> String {
    BASE64_STANDARD.encode(Sha1::digest(format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11")))
}

/// How many bytes a value is in base64; `None` where it is not canonical base64.
pub fn decoded_len(value: &str) -> Option<usize> {
    BASE64_STANDARD.decode(value).ok().map(|bytes| bytes.len())
}

/// A valid request, with further header lines, each with its CRLF.
pub fn request(target: &str, lines: &str) -> String {
    format!(
        "GET {target} HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n{lines}\r\n"
    )
}

/// The answer to a request with this key, with further header lines, each with its CRLF.
pub fn switching(key: &str, lines: &str) -> String {
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\n{lines}\r\n",
        accept(key)
    )
}

/// A head that was received.
#[derive(Clone, Debug)]
pub struct Head {
    /// The request line or status line.
    pub start: String,
    /// The fields.
    pub fields: Vec<(String, String)>,
}

impl Head {
    /// Reads what is before the empty line.
    pub fn parse(head: &str) -> Self {
        let mut lines = head.split("\r\n");
        let start = lines.next().unwrap_or_default().to_owned();
        let fields = lines.filter(|line| !line.is_empty()).map(|line| {
            let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("{line:?} is no header field"));
            (name.to_owned(), value.trim().to_owned())
        });
        Head { start, fields: fields.collect() }
    }

    /// The values of a field.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let named = self.fields.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str()).collect()
    }

    /// The value of a field that must be there once.
    pub fn only(&self, name: &str) -> &str {
        match self.all(name)[..] {
            [value] => value,
            ref values => panic!("{name} is there {} times, not once: {self:?}", values.len()),
        }
    }

    /// The status of a response.
    pub fn status(&self) -> u16 {
        let status = self.start.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3));
        status.and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{:?} is no status line", self.start))
    }
}
