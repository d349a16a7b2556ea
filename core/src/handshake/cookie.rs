//! Cookies (RFC 6265): what a server sets, and what a client sends.

use super::{list, origin};
use crate::SendError;
use alloc::{format, string::String};
use core::fmt::Write;

/// A cookie that an answer sets (RFC 6265 4.1), for [`Response::cookie`](crate::Response::cookie) and its like.
///
/// ```
/// use timtow_core::{Response, SameSite, SetCookie};
/// let session = SetCookie {
///     path: Some("/".into()),
///     http_only: true,
///     same_site: Some(SameSite::Lax),
///     ..SetCookie::new("session", "7f3a")
/// };
/// let response = Response::default().cookie(&session)?;
/// assert_eq!(response.headers[0].1, "session=7f3a; Path=/; HttpOnly; SameSite=Lax");
///
/// // What would end the line, or begin an attribute, is refused.
/// assert!(Response::default().cookie(&SetCookie::new("session", "7f3a\r\nX: y")).is_err());
/// assert!(Response::default().cookie(&SetCookie::new("session", "7f3a; Domain=example.com")).is_err());
/// # Ok::<(), timtow_core::SendError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SetCookie {
    /// The name: a token.
    pub name: String,
    /// The value: visible ASCII but `"`, `,`, `;` and `\`; all of it may stand in double quotes. Encode what is more.
    pub value: String,
    /// Below which path it is sent. That of the request, without its last part.
    pub path: Option<String>,
    /// To which host it is sent, and to those below it. To that of the request alone.
    pub domain: Option<String>,
    /// For how many seconds it is kept; 0 deletes it. Until the browser ends.
    pub max_age: Option<u64>,
    /// Only sent over TLS.
    pub secure: bool,
    /// Not shown to scripts.
    pub http_only: bool,
    /// Whether it is sent with what pages of other sites ask for, WebSockets among them. The browser's own choice.
    pub same_site: Option<SameSite>,
}

/// Whether a cookie is sent with requests that pages of other sites make (RFC 6265bis 4.1.2.7).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SameSite {
    /// Never.
    Strict,
    /// Only where a link is followed.
    Lax,
    /// Always; browsers want [`SetCookie::secure`] with it.
    None,
}

impl SetCookie {
    /// A cookie without attributes.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        SetCookie { name: name.into(), value: value.into(), ..SetCookie::default() }
    }

    /// The value of `Set-Cookie` (RFC 6265 4.1.1).
    ///
    /// # Errors
    /// [`SendError::InvalidHeader`] where a part could not stand there, or would pose as another.
    pub fn header(&self) -> Result<String, SendError> {
        // RFC 6265 4.1.1: path-value is any character but controls and `;`.
        let is_path =
            |path: &str| path.starts_with('/') && path.bytes().all(|byte| matches!(byte, b' '..=b'~' if byte != b';'));
        let is_domain = |domain: &str| origin::is_host(domain) && !domain.contains([':', ';', ',', '=']);
        if !is_pair(&self.name, &self.value)
            || !self.path.as_deref().is_none_or(is_path)
            || !self.domain.as_deref().is_none_or(is_domain)
        {
            return Err(SendError::InvalidHeader);
        }
        let mut header = format!("{}={}", self.name, self.value);
        if let Some(path) = &self.path {
            header.extend(["; Path=", path]);
        }
        if let Some(domain) = &self.domain {
            header.extend(["; Domain=", domain]);
        }
        if let Some(max_age) = self.max_age {
            // Writing to a string does not fail.
            let _ = write!(header, "; Max-Age={max_age}");
        }
        if self.secure {
            header.push_str("; Secure");
        }
        if self.http_only {
            header.push_str("; HttpOnly");
        }
        header.push_str(match self.same_site {
            Some(SameSite::Strict) => "; SameSite=Strict",
            Some(SameSite::Lax) => "; SameSite=Lax",
            Some(SameSite::None) => "; SameSite=None",
            None => "",
        });
        Ok(header)
    }
}

/// Whether it is a `cookie-pair` (RFC 6265 4.1.1).
pub(crate) fn is_pair(name: &str, value: &str) -> bool {
    let octets = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
    list::is_token(name.as_bytes())
        && octets.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b',' | b';' | b'\\'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_attributes_are_written() {
        let cookie = SetCookie {
            path: Some("/a b".into()),
            domain: Some("example.com".into()),
            max_age: Some(0),
            secure: true,
            http_only: true,
            same_site: Some(SameSite::None),
            ..SetCookie::new("a", "\"b\"")
        };
        let expected = "a=\"b\"; Path=/a b; Domain=example.com; Max-Age=0; Secure; HttpOnly; SameSite=None";
        assert_eq!(cookie.header().unwrap(), expected);
        assert_eq!(SetCookie::new("a", "").header().unwrap(), "a=");
        let strict = SetCookie { same_site: Some(SameSite::Strict), ..SetCookie::new("a", "b") };
        assert_eq!(strict.header().unwrap(), "a=b; SameSite=Strict");
    }

    #[test]
    fn what_would_pose_as_something_else_is_refused() {
        for (name, value) in [
            ("", "a"),
            ("a b", "c"),
            ("a=b", "c"),
            ("a;b", "c"),
            ("a\r\nb", "c"),
            ("ü", "c"),
            ("a", "b;c"),
            ("a", "b c"),
            ("a", "b,c"),
            ("a", "b\\c"),
            ("a", "b\"c"),
            ("a", "\""),
            ("a", "\"b\"\""),
            ("a", "b\r\nSet-Cookie: c=d"),
            ("a", "b\n"),
            ("a", "b\0"),
            ("a", "ü"),
        ] {
            assert_eq!(SetCookie::new(name, value).header(), Err(SendError::InvalidHeader), "{name}={value}");
        }
        for path in ["", "a", "/a;b", "/a\r\nX: y", "/\0", "/ü"] {
            let cookie = SetCookie { path: Some(path.into()), ..SetCookie::new("a", "b") };
            assert!(cookie.header().is_err(), "{path:?}");
        }
        for domain in ["", "a;b", "a b", "a:80", "a\r\nX: y", "a/b", "a,b", "a=b"] {
            let cookie = SetCookie { domain: Some(domain.into()), ..SetCookie::new("a", "b") };
            assert!(cookie.header().is_err(), "{domain:?}");
        }
    }
}
