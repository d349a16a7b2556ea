//! A server's side of the opening handshake (RFC 6455 4.2): a request is checked, and found valid or refused.

#[cfg(feature = "legacy")]
use super::legacy;
use super::{
    Headers, Refusal, Request, extensions,
    head::{self, Head, HeadError, HeadReader},
    key, list, origin, request,
};
use crate::Config;
#[cfg(feature = "legacy")]
use alloc::boxed::Box;
use alloc::string::String;

/// Expects a request.
#[derive(Debug, Default)]
pub(crate) struct ServerOpening {
    head: HeadReader,
    /// What was refused asked with HEAD.
    pub(crate) is_head: bool,
    /// TLS carries the bytes.
    #[cfg(feature = "legacy")]
    secure: bool,
    /// A valid head of hixie-76, behind which eight bytes must come.
    #[cfg(feature = "legacy")]
    incomplete: Option<Box<(Request, Asked)>>,
}

/// What of a valid request its answer depends on; `accept` is in `answer.rs`.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// The value of `Sec-WebSocket-Accept`.
    pub(super) accept: String,
    /// The subprotocols that the client offers, best first, with a comma between: one allocation, however many.
    pub(super) subprotocols: String,
    pub(super) extensions: extensions::Chosen,
    #[cfg(feature = "legacy")]
    pub(super) draft: crate::Draft,
    /// What the answer of one of the hixie drafts has in place of `accept`.
    #[cfg(feature = "legacy")]
    pub(super) hixie: Option<Box<legacy::HixieServer>>,
}

impl Asked {
    /// Whether the client offers this subprotocol.
    pub(super) fn offers(&self, name: &str) -> bool {
        !name.is_empty() && self.subprotocols.split(',').any(|offered| offered == name)
    }
}

impl ServerOpening {
    pub(crate) fn new() -> Self {
        ServerOpening::default()
    }

    /// TLS carries the bytes.
    #[cfg(feature = "legacy")]
    pub(crate) fn over_tls(&mut self) {
        self.secure = true;
    }

    /// Takes the eight bytes behind a head of hixie-76, where there must be any.
    #[cfg(feature = "legacy")]
    fn receive_rest(&mut self, input: &mut &mut [u8]) -> Option<(Request, Asked)> {
        let (_, asked) = self.incomplete.as_deref_mut()?;
        if let Some(hixie) = &mut asked.hixie {
            hixie.secure = self.secure;
            if !hixie.receive(input) {
                return None;
            }
        }
        self.incomplete.take().map(|complete| *complete)
    }

    /// Takes the bytes of the request's head off `input` and leaves what is behind it; takes all where it is not
    /// complete, or refused.
    pub(crate) fn receive(
        &mut self,
        input: &mut &mut [u8],
        config: &Config,
    ) -> Result<Option<(Request, Asked)>, Refusal> {
        #[cfg(feature = "legacy")]
        if self.incomplete.is_some() {
            return Ok(self.receive_rest(input));
        }
        let result = match self.head.receive(input) {
            Ok(None) => return Ok(None),
            Ok(Some(head)) => {
                self.is_head = asks_for_head(head.start_line());
                check(head, config)
            }
            Err(error) => {
                self.is_head = self.head.start_line().is_some_and(asks_for_head);
                Err(self.refusal(error))
            }
        };
        if result.is_err() {
            // A second request on a connection that was refused is never parsed: it is how requests are smuggled.
            *input = &mut [];
        }
        #[cfg(feature = "legacy")]
        if let Ok((_, Asked { hixie: Some(_), .. })) = &result {
            self.incomplete = result.ok().map(Box::new);
            return Ok(self.receive_rest(input));
        }
        result.map(Some)
    }

    fn refusal(&self, error: HeadError) -> Refusal {
        match error {
            HeadError::NotHttp => Refusal::new(400, "this is no HTTP request (is it TLS?)"),
            HeadError::StartLineTooLong => Refusal::new(414, "the request line is over 8 KiB"),
            HeadError::TooBig => Refusal::new(431, "the head is over 16 KiB, 100 fields, or 8 KiB in a field"),
            HeadError::Malformed => {
                // What is wrong with a request line that was complete goes before.
                let line = self.head.start_line().map(request_line);
                line.and_then(Result::err).unwrap_or(Refusal::new(400, "a NUL, or a CR or LF without the other"))
            }
        }
    }
}

/// The rules, in the order in which they are applied: the first that is broken answers.
fn check(head: Head, config: &Config) -> Result<(Request, Asked), Refusal> {
    let (method, target) = request_line(head.start_line())?;
    let is_get = method == b"GET";
    // RFC 9112 3.2: visible ASCII, and a fragment is not sent.
    if !target.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'#') {
        return Err(Refusal::new(400, "the request target has a character that is not allowed"));
    }
    let target = String::from_utf8_lossy(target).into_owned();
    let headers = head.into_headers().map_err(|_| Refusal::new(400, "a malformed header field"))?;
    let request = Request { target, headers };
    let headers = &request.headers;

    check_host(&request)?;
    // RFC 6455 4.2.1, item 1.
    if !is_get {
        return Err(Refusal::new(405, "the method is not GET"));
    }
    // RFC 9112 3.2: the other forms are CONNECT's and OPTIONS'.
    if !request.target.starts_with('/') && request::target_host(&request.target).is_none() {
        return Err(Refusal::new(400, "the request target is no path and no URL"));
    }
    check_body(headers)?;
    if config.pages && !request.is_upgrade() {
        // It is the application's to answer; nothing is agreed on.
        return Ok((request, Asked::default()));
    }
    check_upgrade(headers)?;
    // RFC 6455 4.2.1, item 6, and 4.2.2, item 4.
    #[cfg(feature = "legacy")]
    let draft = legacy::recognise(headers, &config.drafts)
        .ok_or(Refusal::new(426, "this version of the protocol is not spoken here"))?;
    #[cfg(feature = "legacy")]
    if draft.is_hixie() {
        return check_hixie(request, draft, config);
    }
    #[cfg(not(feature = "legacy"))]
    if headers.only("Sec-WebSocket-Version") != Some(b"13") {
        return Err(Refusal::new(426, "Sec-WebSocket-Version is not 13"));
    }
    // RFC 6455 4.2.1, item 5.
    let Some(key) = headers.only("Sec-WebSocket-Key").filter(|key| key::is_valid(key)) else {
        return Err(Refusal::new(400, "Sec-WebSocket-Key is not 16 bytes in base64"));
    };
    let accept = key::accept(key);
    let subprotocols = subprotocols(headers)?;
    let extensions = extensions::choose(headers, config)?;
    // permessage-deflate was made for RFC 6455, and not for the drafts before it.
    #[cfg(feature = "legacy")]
    let extensions = if draft == crate::Draft::Rfc6455 { extensions } else { extensions::Chosen::default() };
    check_origin(&request, "Origin", config)?;
    #[cfg(feature = "legacy")]
    if draft != crate::Draft::Rfc6455 {
        check_origin(&request, "Sec-WebSocket-Origin", config)?;
    }
    let asked = Asked {
        accept,
        subprotocols,
        extensions,
        #[cfg(feature = "legacy")]
        draft,
        #[cfg(feature = "legacy")]
        hixie: None,
    };
    Ok((request, asked))
}

/// What is left to check of a request in one of the hixie drafts.
#[cfg(feature = "legacy")]
fn check_hixie(request: Request, draft: crate::Draft, config: &Config) -> Result<(Request, Asked), Refusal> {
    let (hixie, subprotocols) = legacy::HixieServer::new(&request, draft)?;
    check_origin(&request, "Origin", config)?;
    let hixie = Some(Box::new(hixie));
    Ok((
        request,
        Asked { accept: String::new(), subprotocols, extensions: extensions::Chosen::default(), draft, hixie },
    ))
}

/// RFC 6455 4.2.2, item 4, and 10.2.
fn check_origin(request: &Request, field: &str, config: &Config) -> Result<(), Refusal> {
    match origin::is_allowed(&request.headers, field, request.host(), &config.origins) {
        true => Ok(()),
        false => Err(Refusal::new(403, "the origin is not allowed")),
    }
}

fn asks_for_head(line: &[u8]) -> bool {
    line.starts_with(b"HEAD ")
}

/// Method and target of `token SP target SP HTTP/digit.digit` (RFC 9112 3).
fn request_line(line: &[u8]) -> Result<(&[u8], &[u8]), Refusal> {
    const MALFORMED: Refusal = Refusal::new(400, "a malformed request line");
    let mut parts = line.split(|&byte| byte == b' ');
    let (Some(method), Some(target), Some(version), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(MALFORMED);
    };
    if !list::is_token(method) || target.is_empty() {
        return Err(MALFORMED);
    }
    match head::version(version) {
        None => Err(MALFORMED),
        // RFC 6455 4.2.1, item 1: HTTP/1.1 or higher; of the higher ones only 1.x looks like this (RFC 9110 15.6.6).
        Some((1, 1..)) => Ok((method, target)),
        Some(_) => Err(Refusal::new(505, "the version is not HTTP/1.1")),
    }
}

/// RFC 6455 4.2.1, item 2, and RFC 9112 3.2: exactly one, and a valid one.
fn check_host(request: &Request) -> Result<(), Refusal> {
    let host = request.headers.only("Host").and_then(|host| str::from_utf8(host).ok());
    match host.is_some_and(origin::is_host) && origin::is_host(request.host()) {
        true => Ok(()),
        false => Err(Refusal::new(400, "not exactly one valid Host")),
    }
}

/// A body would be taken for frames, or frames for a request: how requests are smuggled.
fn check_body(headers: &Headers) -> Result<(), Refusal> {
    let empty = !headers.contains("Content-Length")
        || headers
            .only("Content-Length")
            .is_some_and(|length| !length.is_empty() && length.iter().all(|&digit| digit == b'0'));
    #[cfg(feature = "legacy")]
    let empty = empty || (headers.only("Content-Length") == Some(b"8") && legacy::expects_body(headers));
    match empty && !headers.contains("Transfer-Encoding") {
        true => Ok(()),
        false => Err(Refusal::new(400, "a handshake has no body")),
    }
}

/// RFC 6455 4.2.1, items 3 and 4.
fn check_upgrade(headers: &Headers) -> Result<(), Refusal> {
    match headers.lists("Upgrade", "websocket") && headers.lists("Connection", "upgrade") {
        true => Ok(()),
        false => Err(NO_UPGRADE),
    }
}

/// The answer to whoever does not ask for a WebSocket (RFC 9110 15.5.22).
pub(crate) const NO_UPGRADE: Refusal =
    Refusal::new(426, "this is a WebSocket: ask with Upgrade: websocket and Connection: Upgrade");

/// RFC 6455 4.2.1, item 8.
fn subprotocols(headers: &Headers) -> Result<String, Refusal> {
    const NAME: &str = "Sec-WebSocket-Protocol";
    if !headers.contains(NAME) {
        return Ok(String::new());
    }
    match list::subprotocols(headers.values(NAME)) {
        Some(listed) => Ok(listed.join(",")),
        None => Err(Refusal::new(400, "Sec-WebSocket-Protocol is not a list of different tokens")),
    }
}
