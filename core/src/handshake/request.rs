//! What a client asked, and what an application answers.

use super::{Headers, list};
use alloc::{string::String, vec::Vec};
use core::fmt;

/// An opening handshake that a client sent, checked and found valid (RFC 6455 4.2.1); or, where
/// [`Config::pages`](crate::Config) asks for them, a plain `GET`.
///
/// ```
/// use timtow_core::{Request, Response, SetCookie};
///
/// fn answer(request: &Request) -> Response {
///     let response = Response::default();
///     match request.cookies().find(|(name, _)| *name == "session") {
///         None if request.path() == "/chat" => response.cookie(&SetCookie::new("session", "7f3a")).unwrap_or_default(),
///         _ => response,
///     }
/// }
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// The request target as it was sent: a path and query, or a whole URL (RFC 9112 3.2). Visible ASCII.
    pub target: String,
    /// All header fields.
    pub headers: Headers,
}

/// The application's answer that accepts a [`Request`].
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Response {
    /// The subprotocol, one that was offered; where it is `None`, the first of
    /// [`Config::subprotocols`](crate::Config) that was offered.
    pub subprotocol: Option<String>,
    /// Further header fields, `Set-Cookie` among them. `Upgrade`, `Connection`, `Content-Length`, `Transfer-Encoding`
    /// and those that begin with `Sec-WebSocket-` are not the application's.
    pub headers: Vec<(String, String)>,
}

/// The application's answer that refuses a [`Request`].
///
/// ```
/// use timtow_core::Rejection;
/// let mut moved = Rejection::new(308);
/// moved.headers.push(("Location".into(), "/elsewhere".into()));
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rejection {
    /// An HTTP status from 300 to 599; from 200 for a plain `GET`. 204 and 304 have no body.
    pub status: u16,
    /// Further header fields, `Content-Type` among them; not those that [`Response::headers`] excludes.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// Why a server refused an opening handshake.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// The HTTP status that the client was sent.
    pub status: u16,
    /// What was wrong, in a sentence.
    pub reason: &'static str,
}

/// A completed opening handshake.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Opened {
    /// The subprotocol that was agreed on.
    pub subprotocol: Option<String>,
    /// Clients: the header fields of the response.
    pub headers: Headers,
    /// The version of the protocol that is spoken.
    #[cfg(feature = "legacy")]
    pub draft: crate::Draft,
    /// How messages are compressed (RFC 7692), where that was agreed on.
    #[cfg(feature = "deflate")]
    pub deflate: Option<crate::DeflateParameters>,
}

impl Request {
    /// Whether it asks for a WebSocket: false for a plain `GET`, which [`Config::pages`](crate::Config) lets the
    /// application see.
    pub fn is_upgrade(&self) -> bool {
        self.headers.lists("Upgrade", "websocket")
    }

    /// The path of the target, as it was sent: nothing in it is decoded.
    pub fn path(&self) -> &str {
        let path = self.path_and_query();
        match path.split_once('?').map_or(path, |(path, _)| path) {
            "" => "/",
            path => path,
        }
    }

    /// The query of the target, as it was sent: what is behind the first `?`.
    pub fn query(&self) -> Option<&str> {
        self.path_and_query().split_once('?').map(|(_, query)| query)
    }

    /// The target without scheme and host, where it is a whole URL (RFC 9112 3.2.2).
    fn path_and_query(&self) -> &str {
        let behind_host = || {
            let host = target_host(&self.target)?;
            let (_, rest) = self.target.split_once("://")?;
            rest.get(host.len()..)
        };
        behind_host().unwrap_or(&self.target)
    }

    /// The subprotocols that the client offers, best first.
    pub fn subprotocols(&self) -> impl Iterator<Item = &str> {
        // hixie-75 has no `Sec-` before it.
        let name = self.or_in_drafts("Sec-WebSocket-Protocol", "WebSocket-Protocol");
        list::elements(self.headers.values(name)).filter_map(|name| str::from_utf8(name).ok())
    }

    /// The extensions that the client offers, best first, each with its parameters: `permessage-deflate;
    /// client_max_window_bits` (RFC 6455 9.1). What of it is spoken is the protocol's business, and not the application's.
    pub fn extensions(&self) -> impl Iterator<Item = &str> {
        // No comma hides in a quoted string: it holds a token.
        list::elements(self.headers.values("Sec-WebSocket-Extensions")).filter_map(|offer| str::from_utf8(offer).ok())
    }

    /// The `Origin` that the browser states, which the policy of [`Config::origins`](crate::Config) let pass. The policy is
    /// about WebSockets: a plain `GET` may have any.
    pub fn origin(&self) -> Option<&str> {
        // Versions 7 and 8 have another name for it.
        let field = self.or_in_drafts("Origin", "Sec-WebSocket-Origin");
        self.headers.first(field)
    }

    /// The host, with the port unless it is the scheme's own: of the target where that is a whole URL, which then
    /// goes before `Host` (RFC 9112 3.2.2).
    pub fn host(&self) -> &str {
        target_host(&self.target).or(self.headers.first("Host")).unwrap_or_default()
    }

    /// The name of a field, or the one that a draft before RFC 6455 has for it, where the request is in one and says that.
    fn or_in_drafts(&self, name: &'static str, old: &'static str) -> &'static str {
        let is_draft = cfg!(feature = "legacy") && self.headers.first("Sec-WebSocket-Version") != Some("13");
        if is_draft && self.headers.contains(old) { old } else { name }
    }

    /// The names and values of the cookies (RFC 6265 4.2), as they were sent.
    pub fn cookies(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers
            .all("Cookie")
            .flat_map(|field| field.split(';'))
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.trim(), value.trim()))
    }
}

/// The host and port of a target in absolute form (RFC 9112 3.2.2).
pub(super) fn target_host(target: &str) -> Option<&str> {
    let (scheme, rest) = target.split_once("://")?;
    if !["http", "https", "ws", "wss"].iter().any(|known| known.eq_ignore_ascii_case(scheme)) {
        return None;
    }
    rest.split(['/', '?']).next()
}

impl Rejection {
    /// A rejection with this status, from 300 to 599, and nothing else.
    pub fn new(status: u16) -> Self {
        Rejection { status, headers: Vec::new(), body: Vec::new() }
    }

    /// 503: too many connections, or the server is going away; the client may come back after so many seconds
    /// (RFC 9110 15.6.4).
    pub fn unavailable(retry_after_seconds: u32) -> Self {
        let mut rejection = Rejection::new(503);
        rejection.headers.push(("Retry-After".into(), alloc::format!("{retry_after_seconds}")));
        rejection
    }

    /// What is reported of the rejection once it is sent.
    pub(crate) fn refusal(&self, is_upgrade: bool) -> Refusal {
        let reason = if is_upgrade { "refused by the application" } else { "a plain GET, answered by the application" };
        Refusal::new(self.status, reason)
    }
}

impl Refusal {
    pub(crate) const fn new(status: u16, reason: &'static str) -> Self {
        Refusal { status, reason }
    }

    /// 408: the opening handshake was not complete in time (RFC 9110 15.5.9).
    pub(crate) const fn timeout() -> Self {
        Refusal::new(408, "the opening handshake was not complete in time")
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status, self.reason)
    }
}

impl core::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(target: &str, lines: &str) -> Request {
        Request { target: target.into(), headers: Headers::parse(alloc::format!("{lines}\r\n").into_bytes()).unwrap() }
    }

    #[test]
    fn cookies_come_in_pairs() {
        let request = request("/", "Cookie: a=1; b=x=y;c\r\ncookie: d=\"q\"\r\n");
        assert_eq!(request.cookies().collect::<Vec<_>>(), [("a", "1"), ("b", "x=y"), ("d", "\"q\"")]);
    }

    #[test]
    fn the_host_of_an_absolute_target_goes_before_host() {
        let lines =
            "Host: a.example\r\nOrigin: http://c\r\nSec-WebSocket-Protocol: x\r\nSec-WebSocket-Protocol: y, z\r\n";
        assert_eq!(request("/", lines).host(), "a.example");
        assert_eq!(request("http://b.example:81/x", lines).host(), "b.example:81");
        assert_eq!(request("WS://b.example?http://c/", lines).host(), "b.example");
        assert_eq!(request("/?http://b.example/", lines).host(), "a.example");
        assert_eq!(request("/", lines).origin(), Some("http://c"));
        assert_eq!(request("/", lines).subprotocols().collect::<Vec<_>>(), ["x", "y", "z"]);
    }

    #[test]
    fn path_and_query_are_those_of_the_target() {
        for (target, path, query) in [
            ("/", "/", None),
            ("/a/b?c=d?e", "/a/b", Some("c=d?e")),
            ("/%20?", "/%20", Some("")),
            ("http://h/a?b", "/a", Some("b")),
            ("ws://h:80?b", "/", Some("b")),
            ("WSS://h", "/", None),
            ("/x://h/a", "/x://h/a", None),
        ] {
            let request = request(target, "");
            assert_eq!((request.path(), request.query()), (path, query), "{target}");
        }
    }

    #[test]
    fn extensions_come_one_by_one() {
        let lines = "Sec-WebSocket-Extensions: a; b=\"c\", d\r\nSec-WebSocket-Extensions: e;f\r\n";
        assert_eq!(request("/", lines).extensions().collect::<Vec<_>>(), ["a; b=\"c\"", "d", "e;f"]);
        assert_eq!(request("/", "").extensions().count(), 0);
    }

    #[test]
    fn an_upgrade_lists_websocket() {
        assert!(request("/", "Upgrade: h2c, WebSocket\r\n").is_upgrade());
        assert!(!request("/", "Upgrade: h2c\r\n").is_upgrade());
        assert!(!request("/", "Connection: upgrade\r\n").is_upgrade());
    }
}
