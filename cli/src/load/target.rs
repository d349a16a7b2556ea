//! Where the load goes: a URL taken apart.

use std::net::{SocketAddr, ToSocketAddrs};

use url::Url;

use crate::failure::{Failure, Result};

/// A server, found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Target {
    /// The URL, as it was given.
    pub(crate) url: String,
    /// The first address of its host.
    pub(crate) address: SocketAddr,
    /// The value of `Host`.
    pub(crate) host: String,
    /// Path and query.
    pub(crate) resource: String,
}

impl Target {
    /// Takes `url` apart and looks its host up.
    pub(crate) fn find(url: &str) -> Result<Self> {
        let wrong = |why: &str| Failure::usage(format!("{url:?} {why}: give one like ws://127.0.0.1:3000/"));
        let parsed = Url::parse(url).map_err(|error| wrong(&format!("is not a URL ({error})")))?;
        match parsed.scheme() {
            "ws" => {}
            "wss" => {
                return Err(Failure::usage("the load generator has no TLS: give the ws:// URL behind the proxy"));
            }
            _ => return Err(wrong("is not a WebSocket URL")),
        }
        if parsed.fragment().is_some() {
            // RFC 6455 3: fragment identifiers are meaningless in WebSocket URIs and must not be used.
            return Err(wrong("has a fragment (#), which WebSocket URLs cannot have"));
        }
        let (Some(name), Some(port)) = (parsed.host_str(), parsed.port_or_known_default()) else {
            return Err(wrong("names no host"));
        };
        let host = parsed.port().map_or(name.to_owned(), |port| format!("{name}:{port}"));
        let resource = parsed[url::Position::BeforePath..url::Position::AfterQuery].to_owned();
        // The resolver takes IPv6 addresses without their brackets.
        let addresses = (name.trim_start_matches('[').trim_end_matches(']'), port).to_socket_addrs();
        let address = addresses.ok().and_then(|mut found| found.next());
        let address = address.ok_or_else(|| Failure::new(format!("cannot find the host {name:?}: check the name")))?;
        Ok(Target { url: url.to_owned(), address, host, resource })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Fault;

    #[test]
    fn urls_are_taken_apart() {
        let target = Target::find("ws://127.0.0.1:3000/chat?room=1").unwrap();
        assert_eq!(target.address, "127.0.0.1:3000".parse().unwrap());
        assert_eq!((target.host.as_str(), target.resource.as_str()), ("127.0.0.1:3000", "/chat?room=1"));
        let target = Target::find("ws://[::1]").unwrap();
        assert_eq!(target.address, "[::1]:80".parse().unwrap());
        assert_eq!((target.host.as_str(), target.resource.as_str()), ("[::1]", "/"));
    }

    #[test]
    fn what_is_no_websocket_url_is_a_usage_error() {
        for url in ["", "127.0.0.1:3000", "http://127.0.0.1/", "wss://127.0.0.1/", "ws://127.0.0.1/#part"] {
            assert_eq!(Target::find(url).unwrap_err().fault, Fault::Usage, "{url:?}");
        }
    }
}
