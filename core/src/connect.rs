//! What a client asks for, and where; and where it goes when the server sends it elsewhere.

use crate::{
    Cause, ClientRequest, Closed, Error, HandshakeError, HandshakeFailure, SendError, Target, UrlError,
    handshake::is_pair,
};
use alloc::{boxed::Box, format, string::String};
use core::convert::Infallible;
use url::Url;

/// What a client asks for, and where: what every adapter's `connect` takes. A URL alone becomes one by itself.
///
/// ```
/// use timtow_core::Connect;
/// let connect = Connect::to("ws://user:secret@example.com/chat")?
///     .origin("https://example.com")
///     .cookie("session", "7f3a")?
///     .header("X-Room", "1")
///     .subprotocol("chat")
///     .redirects(5);
/// assert_eq!(connect.target.host, "example.com");
/// // The user and the password of the URL.
/// assert_eq!(connect.request.headers[0], ("Authorization".into(), "Basic dXNlcjpzZWNyZXQ=".into()));
/// # Ok::<(), timtow_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Connect {
    /// What is asked.
    pub request: ClientRequest,
    /// Where.
    pub target: Target,
    /// How many redirects are followed, one after the other; of more than 10 only 10 (RFC 9110 15.4). None.
    pub redirects: u8,
    /// How many were.
    followed: u8,
}

/// Redirects that are followed at most, whatever is asked for.
const MAX_REDIRECTS: u8 = 10;

impl Connect {
    /// What a URL asks for that begins with `ws://` or `wss://`, as [`ClientRequest::from_url`] reads it.
    ///
    /// # Errors
    /// Where it is no WebSocket's.
    pub fn to(url: &str) -> Result<Self, UrlError> {
        let (request, target) = ClientRequest::from_url(url)?;
        Ok(Connect { request, target, redirects: 0, followed: 0 })
    }

    /// With one more header field. It is checked when the request is made: see [`ClientRequest::headers`].
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.request.headers.push((name.into(), value.into()));
        self
    }

    /// With one more cookie. All of them are one header field (RFC 6265 5.4).
    ///
    /// # Errors
    /// [`SendError::InvalidHeader`] for a name or a value that could not stand there (RFC 6265 4.1.1).
    pub fn cookie(mut self, name: &str, value: &str) -> Result<Self, SendError> {
        if !is_pair(name, value) {
            return Err(SendError::InvalidHeader);
        }
        match self.request.headers.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case("Cookie")) {
            Some((_, cookies)) => cookies.extend(["; ", name, "=", value]),
            None => self.request.headers.push(("Cookie".into(), format!("{name}={value}"))),
        }
        Ok(self)
    }

    /// With an `Origin`, as browsers send it: `scheme://host[:port]` (RFC 6455 10.2).
    pub fn origin(self, origin: impl Into<String>) -> Self {
        self.header("Origin", origin)
    }

    /// Offers one more subprotocol, the best first.
    pub fn subprotocol(mut self, name: impl Into<String>) -> Self {
        self.request.subprotocols.push(name.into());
        self
    }

    /// Follows so many redirects, 10 at most.
    pub fn redirects(self, redirects: u8) -> Self {
        Connect { redirects, ..self }
    }

    /// Where to connect next, after the server has answered with a redirect: for those who connect by themselves. Adapters
    /// do so in their `connect`.
    ///
    /// ```
    /// # use timtow_core::{Connect, HandshakeError, Headers};
    /// fn next(connect: &Connect, answer: HandshakeError) -> Result<Connect, HandshakeError> {
    ///     let next = connect.redirect(answer)?;
    ///     println!("on to {}:{}, for {}", next.target.host, next.target.port, next.request.target);
    ///     Ok(next)
    /// }
    /// ```
    ///
    /// `http` and `https` in `Location` mean `ws` and `wss`. Credentials, which are `Authorization`, `Proxy-Authorization`,
    /// `Cookie`, and what the URL in `Location` has of them, do not go to another origin: another scheme, host or port.
    ///
    /// # Errors
    /// The answer itself, where it is no redirect or [`redirects`](Connect::redirects) is 0. Where the redirect must not be
    /// followed, [`HandshakeError::kind`] becomes [`TooManyRedirects`](HandshakeFailure::TooManyRedirects),
    /// [`Redirect`](HandshakeFailure::Redirect) or [`Downgrade`](HandshakeFailure::Downgrade).
    pub fn redirect(&self, mut error: HandshakeError) -> Result<Connect, HandshakeError> {
        let is_redirect = error.kind == HandshakeFailure::Status && matches!(error.status, 301..=303 | 307 | 308);
        if !is_redirect || self.redirects == 0 {
            return Err(error);
        }
        match self.follow(&error) {
            Ok(next) => Ok(next),
            Err(kind) => {
                error.kind = kind;
                Err(error)
            }
        }
    }

    /// As [`redirect`](Connect::redirect), for what a driver's `connect` says.
    pub(crate) fn after(&self, error: Error) -> Result<Connect, Error> {
        match error {
            Error::Closed(Closed { cause: Cause::Failed(error), code, reason }) => self
                .redirect(*error)
                .map_err(|error| Error::Closed(Closed { cause: Cause::Failed(Box::new(error)), code, reason })),
            error => Err(error),
        }
    }

    fn follow(&self, error: &HandshakeError) -> Result<Connect, HandshakeFailure> {
        if self.followed >= self.redirects.min(MAX_REDIRECTS) {
            return Err(HandshakeFailure::TooManyRedirects);
        }
        // RFC 9110 10.2.2: a URL, or a reference that is relative to the one that was asked for.
        let location = error.headers.only("Location").and_then(|location| str::from_utf8(location).ok());
        let mut url = location
            .zip(self.url())
            .and_then(|(location, base)| base.join(location).ok())
            .ok_or(HandshakeFailure::Redirect)?;
        let mapped = match url.scheme() {
            "http" => url.set_scheme("ws"),
            "https" => url.set_scheme("wss"),
            _ => Ok(()),
        };
        mapped.map_err(|()| HandshakeFailure::Redirect)?;
        // Another scheme or a fragment is refused as in any URL (RFC 6455 3).
        let Connect { request: ClientRequest { host, target: resource, headers: own, .. }, target, .. } =
            Connect::to(url.as_str()).map_err(|_| HandshakeFailure::Redirect)?;
        if self.target.secure && !target.secure {
            return Err(HandshakeFailure::Downgrade);
        }
        let mut request = ClientRequest { target: resource, ..self.request.clone() };
        if target != self.target {
            request.host = host;
            request.headers.retain(|(name, _)| !is_credential(name));
        } else if !own.is_empty() {
            // A user and a password of the new URL.
            request.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("Authorization"));
            request.headers.extend(own);
        }
        Ok(Connect { request, target, redirects: self.redirects, followed: self.followed + 1 })
    }

    /// The URL that is asked for, without its credentials.
    fn url(&self) -> Option<Url> {
        let Target { host, port, secure } = &self.target;
        let scheme = if *secure { "wss" } else { "ws" };
        let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        Url::parse(&format!("{scheme}://{host}:{port}{}", self.request.target)).ok()
    }
}

/// Whether the header field says who the user is.
fn is_credential(name: &str) -> bool {
    ["Authorization", "Proxy-Authorization", "Cookie"].iter().any(|known| known.eq_ignore_ascii_case(name))
}

macro_rules! try_from_url {
    ($($url:ty),*) => {
        $(impl TryFrom<$url> for Connect {
            type Error = UrlError;

            fn try_from(url: $url) -> Result<Self, UrlError> {
                Connect::to(url.as_ref())
            }
        })*
    };
}

try_from_url!(&str, &String, String);

/// What is a [`Connect`] already does not fail to become one.
impl From<Infallible> for Error {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

#[cfg(test)]
mod tests;
