//! WebSocket URLs (RFC 6455 3): what is asked, and where to connect for it.

use crate::{ClientRequest, app::Options};
use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use core::fmt;
use url::{Host, Url};

/// Where to connect.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Target {
    /// A name or an address, an IPv6 address without brackets.
    pub host: String,
    /// The port: 80 or 443 where the URL names none.
    pub port: u16,
    /// Whether TLS is asked for (`wss://`).
    pub secure: bool,
}

/// Why a URL is not a WebSocket's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum UrlError {
    /// It is no URL, or has no host.
    Invalid(url::ParseError),
    /// It begins with neither `ws://` nor `wss://`.
    Scheme,
    /// It has a fragment (`#`), which a WebSocket's must not have (RFC 6455 3).
    Fragment,
    /// It asks for TLS, and nothing in [`Options`](crate::app::Options) stands for it.
    Secure,
}

impl ClientRequest {
    /// The request for a URL that begins with `ws://` or `wss://`, and where to connect for it. A user and password in
    /// it become an `Authorization` header (RFC 7617).
    ///
    /// ```
    /// use timtow_core::ClientRequest;
    /// let (request, target) = ClientRequest::from_url("ws://[::1]:3000/chat?room=1")?;
    /// assert_eq!((request.host.as_str(), request.target.as_str()), ("[::1]:3000", "/chat?room=1"));
    /// assert_eq!((target.host.as_str(), target.port, target.secure), ("::1", 3000, false));
    /// # Ok::<(), timtow_core::UrlError>(())
    /// ```
    pub fn from_url(url: &str) -> Result<(ClientRequest, Target), UrlError> {
        let url = Url::parse(url).map_err(UrlError::Invalid)?;
        let secure = match url.scheme() {
            "ws" => false,
            "wss" => true,
            _ => return Err(UrlError::Scheme),
        };
        if url.fragment().is_some() {
            return Err(UrlError::Fragment);
        }
        let host = match url.host() {
            Some(Host::Ipv6(address)) => address.to_string(),
            Some(host) => host.to_string(),
            None => return Err(UrlError::Invalid(url::ParseError::EmptyHost)),
        };
        let target =
            Target { host, port: url.port_or_known_default().unwrap_or(if secure { 443 } else { 80 }), secure };
        // RFC 6455 4.1, item 4 of the request: the port is left out where it is the scheme's own.
        let host = url.host_str().unwrap_or_default();
        let host = url.port().map_or(host.into(), |port| format!("{host}:{port}"));
        let query = url.query().map_or(String::new(), |query| format!("?{query}"));
        let request = ClientRequest {
            host,
            target: format!("{}{query}", url.path()),
            headers: authorization(&url).into_iter().collect(),
            ..ClientRequest::default()
        };
        Ok((request, target))
    }
}

impl Options {
    /// The request for a URL, and where to connect for it, for one who connects with these options.
    ///
    /// # Errors
    /// Where it is no WebSocket's, and where it asks for TLS (`wss://`) but no transport is there to stand for it.
    pub fn client_request(&self, url: &str) -> Result<(ClientRequest, Target), UrlError> {
        let (request, target) = ClientRequest::from_url(url)?;
        self.check(&target)?;
        Ok((request, target))
    }

    /// Whether one who connects with these options can connect there.
    ///
    /// # Errors
    /// [`UrlError::Secure`] where TLS is asked for, but no transport is there to stand for it.
    pub fn check(&self, target: &Target) -> Result<(), UrlError> {
        match target.secure && self.transport.is_none() {
            true => Err(UrlError::Secure),
            false => Ok(()),
        }
    }
}

/// RFC 7617 2: user and password, as they are once they are decoded.
fn authorization(url: &Url) -> Option<(String, String)> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let mut credentials = percent_decode(url.username());
    credentials.push(b':');
    credentials.extend(percent_decode(url.password().unwrap_or_default()));
    Some(("Authorization".into(), format!("Basic {}", BASE64_STANDARD.encode(credentials))))
}

/// RFC 3986 2.1; a `%` that no two digits follow is itself.
fn percent_decode(text: &str) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, behind @ ..] = rest {
        let digit = |at: usize| behind.get(at).and_then(|&digit| char::from(digit).to_digit(16));
        match (byte, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push((high * 16 + low) as u8);
                rest = &behind[2..];
            }
            _ => {
                decoded.push(*byte);
                rest = behind;
            }
        }
    }
    decoded
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UrlError::Invalid(error) => write!(f, "not a URL: {error}"),
            UrlError::Scheme => f.write_str("a WebSocket's URL begins with ws:// or wss://"),
            UrlError::Secure => {
                f.write_str("wss:// asks for TLS, which is not here: connect to ws://, or give the options a transport")
            }
            UrlError::Fragment => f.write_str("a WebSocket's URL has no fragment: leave out # and what follows"),
        }
    }
}

impl core::error::Error for UrlError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, Connection};

    #[test]
    fn host_and_target_are_taken_apart() {
        for (url, host, target, connect, port, secure) in [
            ("ws://example.com", "example.com", "/", "example.com", 80, false),
            ("WS://Example.COM:80/", "example.com", "/", "example.com", 80, false),
            ("wss://example.com", "example.com", "/", "example.com", 443, true),
            ("wss://example.com:443/a", "example.com", "/a", "example.com", 443, true),
            ("wss://example.com:80/a", "example.com:80", "/a", "example.com", 80, true),
            ("ws://example.com:3000?x=y", "example.com:3000", "/?x=y", "example.com", 3000, false),
            ("ws://example.com/a b/ü?ß", "example.com", "/a%20b/%C3%BC?%C3%9F", "example.com", 80, false),
            ("ws://[::1]/", "[::1]", "/", "::1", 80, false),
            ("ws://[2001:DB8::1]:81/", "[2001:db8::1]:81", "/", "2001:db8::1", 81, false),
            ("ws://127.0.0.1:9/", "127.0.0.1:9", "/", "127.0.0.1", 9, false),
        ] {
            let (request, to) = ClientRequest::from_url(url).unwrap();
            assert_eq!((request.host.as_str(), request.target.as_str()), (host, target), "{url}");
            assert_eq!((to.host.as_str(), to.port, to.secure), (connect, port, secure), "{url}");
            assert!(request.headers.is_empty());
        }
    }

    /// RFC 6455 11.1.1 and 11.1.2: a host as IDNA has it, everything else as the percent-encoded bytes of its UTF-8.
    #[test]
    fn what_is_not_ascii_is_converted() {
        for (scheme, port) in [("ws", 80), ("wss", 443)] {
            for (url, host, target) in [
                ("bücher.example/ü", "xn--bcher-kva.example", "/%C3%BC"),
                ("BÜCHER.example/ü/%C3%BC", "xn--bcher-kva.example", "/%C3%BC/%C3%BC"),
                ("例え.テスト/道?名=値", "xn--r8jz45g.xn--zckzah", "/%E9%81%93?%E5%90%8D=%E5%80%A4"),
                ("h/𝄞?ß", "h", "/%F0%9D%84%9E?%C3%9F"),
            ] {
                let url = format!("{scheme}://{url}");
                let (request, to) = ClientRequest::from_url(&url).unwrap();
                assert_eq!((request.host.as_str(), request.target.as_str()), (host, target), "{url}");
                assert_eq!((to.host.as_str(), to.port), (host, port), "{url}");
                let mut ws = Connection::client(request, Config::default().into()).unwrap();
                let head = ws.outbox().chunk();
                assert!(
                    head.is_ascii()
                        && head.starts_with(format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n").as_bytes())
                );
            }
        }
        // Nothing in ASCII stands for these: a host that is empty without its soft hyphen, and one that is no UTF-8.
        for url in ["ws://\u{ad}/", "ws://b%C3/"] {
            assert!(matches!(ClientRequest::from_url(url), Err(UrlError::Invalid(_))), "{url}");
        }
        let (request, _) = ClientRequest::from_url("ws://ü:ß@h/").unwrap();
        assert_eq!(request.headers[0].1, format!("Basic {}", BASE64_STANDARD.encode("ü:ß")));
    }

    #[test]
    fn credentials_become_a_header() {
        for (url, credentials) in [
            ("ws://user:pass@h/", "user:pass"),
            ("ws://user@h/", "user:"),
            ("ws://:pass@h/", ":pass"),
            ("ws://a%3Ab:%2B%25%zz@h/", "a:b:+%%zz"),
        ] {
            let (request, _) = ClientRequest::from_url(url).unwrap();
            let expected = format!("Basic {}", BASE64_STANDARD.encode(credentials));
            assert_eq!(request.headers, [("Authorization".into(), expected)], "{url}");
            assert_eq!(request.host, "h");
        }
    }

    #[test]
    fn other_urls_are_refused() {
        for (url, error) in [
            ("http://h/", UrlError::Scheme),
            ("mailto:a@h", UrlError::Scheme),
            ("ws://h/#", UrlError::Fragment),
            ("ws://h/#a", UrlError::Fragment),
            ("ws://", UrlError::Invalid(url::ParseError::EmptyHost)),
            ("h:x", UrlError::Scheme),
            ("/chat", UrlError::Invalid(url::ParseError::RelativeUrlWithoutBase)),
            ("ws://h:99999/", UrlError::Invalid(url::ParseError::InvalidPort)),
        ] {
            assert_eq!(ClientRequest::from_url(url), Err(error), "{url}");
            assert!(!format!("{error}").is_empty());
        }
    }
}
