//! Which `Origin` may open a connection (RFC 6455 4.2.2, item 4, and 10.2), and what a host is.

use super::Headers;
use crate::Origins;

/// Whether the policy lets the request pass, which states its origin in `field`. `host` is the request's own host and port.
pub(super) fn is_allowed(headers: &Headers, field: &str, host: &str, origins: &Origins) -> bool {
    // No browser leaves `Origin` out, and only in browsers does it protect anyone (RFC 6455 10.2).
    if *origins == Origins::Any || !headers.contains(field) {
        return true;
    }
    // Two of them, and `null`, are the same as no known one (RFC 6454 7.1, 7.3).
    let Some(origin) = headers.only(field).and_then(|value| str::from_utf8(value).ok()).and_then(Origin::parse) else {
        return false;
    };
    match origins {
        Origins::Any => true,
        // Behind a proxy the server cannot know its own scheme: what `Host` leaves out is the default of the origin's.
        Origins::SameHost => origin.default_port().is_some() && origin.is(&Origin::of_host(origin.scheme, host)),
        Origins::List(list) => list.iter().filter_map(|allowed| Origin::parse(allowed)).any(|ours| origin.is(&ours)),
    }
}

/// `scheme://host[:port]` (RFC 6454 6.2).
struct Origin<'a> {
    scheme: &'a str,
    host: &'a str,
    port: Option<&'a str>,
}

impl<'a> Origin<'a> {
    fn parse(origin: &'a str) -> Option<Self> {
        let (scheme, host) = origin.split_once("://")?;
        (!scheme.is_empty() && is_host(host)).then(|| Origin::of_host(scheme, host))
    }

    fn of_host(scheme: &'a str, host: &'a str) -> Self {
        let (host, port) = split_port(host);
        Origin { scheme, host, port: port.filter(|port| !port.is_empty()) }
    }

    fn is(&self, other: &Origin<'_>) -> bool {
        self.scheme.eq_ignore_ascii_case(other.scheme)
            && self.host.eq_ignore_ascii_case(other.host)
            && self.port.or(self.default_port()) == other.port.or(other.default_port())
    }

    fn default_port(&self) -> Option<&'static str> {
        match self.scheme {
            scheme if ["http", "ws"].iter().any(|plain| scheme.eq_ignore_ascii_case(plain)) => Some("80"),
            scheme if ["https", "wss"].iter().any(|tls| scheme.eq_ignore_ascii_case(tls)) => Some("443"),
            _ => None,
        }
    }
}

/// Whether it is `uri-host [ ":" port ]` and the host is not empty (RFC 9110 7.2, RFC 3986 3.2.2).
pub(super) fn is_host(value: &str) -> bool {
    let (host, port) = split_port(value);
    let literal = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let (host, special): (&str, &[u8]) = match literal {
        Some(address) => (address, b":.-_~%"),
        None => (host, b"-._~%!$&'()*+,;="),
    };
    !host.is_empty()
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || special.contains(&byte))
        && port.is_none_or(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Host and port; the colons inside of an IPv6 literal's brackets are the host's.
fn split_port(value: &str) -> (&str, Option<&str>) {
    match value.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (value, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, string::String, vec::Vec};

    fn allowed(origins: &[&str], host: &str, policy: &Origins) -> bool {
        let lines: String = origins.iter().map(|origin| format!("Origin: {origin}\r\n")).collect();
        let headers = Headers::parse(format!("{lines}\r\n").into_bytes()).unwrap();
        is_allowed(&headers, "Origin", host, policy)
    }

    #[test]
    fn same_host_compares_host_and_port() {
        for (origin, host, expected) in [
            ("http://example.com", "example.com", true),
            ("HTTP://Example.COM", "example.com", true),
            ("http://example.com", "example.com:80", true),
            ("https://example.com", "example.com", true),
            ("https://example.com", "example.com:443", true),
            ("https://example.com:8443", "example.com:8443", true),
            ("http://[::1]:3000", "[::1]:3000", true),
            ("http://[::1]", "[::1]", true),
            ("http://example.com:3000", "example.com", false),
            ("http://example.com", "example.com:3000", false),
            ("http://example.com:443", "example.com", false),
            ("https://example.com", "example.com:80", false),
            ("http://evil.example", "example.com", false),
            ("http://example.com.evil.example", "example.com", false),
            ("http://evil.example/http://example.com", "example.com", false),
            ("http://user@example.com", "example.com", false),
            ("http://example.com/", "example.com", false),
            ("http://example.com http://evil.example", "example.com", false),
            ("null", "example.com", false),
            ("", "example.com", false),
            ("://example.com", "example.com", false),
            ("file://example.com", "example.com", false),
        ] {
            assert_eq!(allowed(&[origin], host, &Origins::SameHost), expected, "{origin} at {host}");
        }
        assert!(allowed(&[], "example.com", &Origins::SameHost));
        assert!(!allowed(&["http://example.com", "http://example.com"], "example.com", &Origins::SameHost));
    }

    #[test]
    fn a_list_names_scheme_host_and_port() {
        let list =
            Origins::List(["http://good.example", "https://Better.example:8443", "app://id"].map(String::from).into());
        for (origins, expected) in [
            (Vec::new(), true),
            (["http://good.example"].into(), true),
            (["HTTP://GOOD.example:80"].into(), true),
            (["https://better.example:8443"].into(), true),
            (["app://id"].into(), true),
            (["https://good.example"].into(), false),
            (["http://good.example:8080"].into(), false),
            (["https://better.example"].into(), false),
            (["https://evil.example"].into(), false),
            (["http://good.example", "http://good.example"].into(), false),
            (["http://good.example", "http://evil.example"].into(), false),
            (["null"].into(), false),
        ] {
            assert_eq!(allowed(&origins, "good.example", &list), expected, "{origins:?}");
        }
        assert!(!allowed(&["null"], "a", &Origins::List(["null".into()].into())));
        assert!(allowed(&["null", "http://evil.example"], "a", &Origins::Any));
    }

    #[test]
    fn hosts_are_checked() {
        for host in
            ["a", "example.com", "example.com:80", "example.com:", "[::1]", "[::1]:80", "1.2.3.4", "a_b", "a%20b"]
        {
            assert!(is_host(host), "{host}");
        }
        for host in ["", ":80", "a b", "a:b", "a:80:80", "[::1", "::1", "[]", "a@b", "a/b", "a\"", "[::1]x", "é"] {
            assert!(!is_host(host), "{host}");
        }
    }
}
