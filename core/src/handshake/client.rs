//! A client's side of the opening handshake (RFC 6455 4.1): the request is written, and the response checked.

#[cfg(feature = "legacy")]
use super::legacy;
use super::{
    HandshakeError, HandshakeFailure, Headers, Opened,
    body::Body,
    extensions,
    head::{self, Head, HeadError, HeadReader},
    headers::{may_be_set, write_field},
    key, list, origin,
};
use crate::{Config, SendError};
use alloc::{boxed::Box, string::String, vec::Vec};

/// What a client asks for (RFC 6455 4.1).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ClientRequest {
    /// The host, with the port unless it is the scheme's own: the value of `Host`.
    pub host: String,
    /// The path and query; `/` where it is empty.
    pub target: String,
    /// The subprotocols offered, best first.
    pub subprotocols: Vec<String>,
    /// Further header fields: `Origin`, `Cookie`, `Authorization`. `Host`, `Upgrade`, `Connection`, `Content-Length`,
    /// `Transfer-Encoding` and those that begin with `Sec-WebSocket-` are not the caller's.
    pub headers: Vec<(String, String)>,
    /// The version of the protocol to ask for; where it is `None`, the newest of [`Config::drafts`]. The hixie drafts know one
    /// subprotocol at most, and always send an `Origin`: that of the host, where `headers` has none.
    #[cfg(feature = "legacy")]
    pub draft: Option<crate::Draft>,
}

/// Expects the response.
#[derive(Debug)]
pub(crate) struct ClientOpening {
    /// What `Sec-WebSocket-Accept` has to be.
    accept: String,
    /// What was offered.
    subprotocols: Vec<String>,
    /// Responses with a status of 1xx that were skipped.
    informational: usize,
    state: State,
    #[cfg(feature = "legacy")]
    draft: crate::Draft,
    /// What one of the hixie drafts expects in place of `accept`.
    #[cfg(feature = "legacy")]
    hixie: Option<Box<legacy::HixieClient>>,
}

#[derive(Debug)]
enum State {
    Head(HeadReader),
    /// The handshake has failed; the body is collected before that is reported.
    Body(Box<HandshakeError>, Body),
}

impl ClientOpening {
    /// The side that waits, and the bytes of the request.
    pub(crate) fn new(request: ClientRequest, config: &Config) -> Result<(Self, Vec<u8>), SendError> {
        let target = check_request(&request)?;
        #[cfg(feature = "legacy")]
        let draft = request.draft.unwrap_or_else(|| legacy::preferred(config));
        #[cfg(feature = "legacy")]
        if draft.is_hixie() {
            let (hixie, bytes) = legacy::HixieClient::new(&request, draft, target, config)?;
            let opening = ClientOpening {
                accept: String::new(),
                subprotocols: request.subprotocols,
                informational: 0,
                state: State::Head(HeadReader::default()),
                draft,
                hixie: Some(Box::new(hixie)),
            };
            return Ok((opening, bytes));
        }
        let key = key::encode(config.masks.key());
        let mut bytes = Vec::with_capacity(256);
        bytes.extend_from_slice(b"GET ");
        bytes.extend_from_slice(target.as_bytes());
        bytes.extend_from_slice(b" HTTP/1.1\r\n");
        write_field(&mut bytes, "Host", &request.host);
        write_field(&mut bytes, "Upgrade", "websocket");
        write_field(&mut bytes, "Connection", "Upgrade");
        write_field(&mut bytes, "Sec-WebSocket-Key", &key);
        #[cfg(feature = "legacy")]
        write_field(&mut bytes, "Sec-WebSocket-Version", draft.name());
        #[cfg(not(feature = "legacy"))]
        write_field(&mut bytes, "Sec-WebSocket-Version", "13");
        if !request.subprotocols.is_empty() {
            write_field(&mut bytes, "Sec-WebSocket-Protocol", &request.subprotocols.join(", "));
        }
        for (name, value) in &request.headers {
            #[cfg(feature = "legacy")]
            let name = legacy::field_name(draft, name);
            write_field(&mut bytes, name, value);
        }
        let opening = ClientOpening {
            accept: key::accept(key.as_bytes()),
            subprotocols: request.subprotocols,
            informational: 0,
            state: State::Head(HeadReader::default()),
            #[cfg(feature = "legacy")]
            draft,
            #[cfg(feature = "legacy")]
            hixie: None,
        };
        if opening.has_extensions() {
            extensions::write_offers(&mut bytes, config);
        }
        bytes.extend_from_slice(b"\r\n");
        Ok((opening, bytes))
    }

    /// Whether the version of the protocol is the one that permessage-deflate was made for.
    fn has_extensions(&self) -> bool {
        #[cfg(feature = "legacy")]
        return self.draft == crate::Draft::Rfc6455;
        #[cfg(not(feature = "legacy"))]
        true
    }

    /// Takes the bytes of the response off `input` and leaves what is behind it; takes all where it is not complete, or
    /// has failed. After `Ok(Some)` or `Err` it is done.
    pub(crate) fn receive(&mut self, input: &mut &mut [u8], config: &Config) -> Result<Option<Opened>, HandshakeError> {
        let result = self.advance(input, config);
        if !matches!(result, Ok(Some(_))) {
            *input = &mut [];
        }
        result
    }

    /// The transport has ended: what is reported, with as much of a body as came.
    pub(crate) fn receive_eof(&mut self) -> HandshakeError {
        self.timed_out().unwrap_or_else(|| HandshakeError::new(HandshakeFailure::Lost, 0, Headers::default()))
    }

    /// The deadline has passed: what is reported, with as much of a body as came; `None` where no answer did.
    pub(crate) fn timed_out(&mut self) -> Option<HandshakeError> {
        match core::mem::replace(&mut self.state, State::Head(HeadReader::default())) {
            State::Head(_) => None,
            State::Body(error, _) => Some(*error),
        }
    }

    fn advance(&mut self, input: &mut &mut [u8], config: &Config) -> Result<Option<Opened>, HandshakeError> {
        loop {
            #[cfg(feature = "legacy")]
            if let Some(hixie) = &mut self.hixie
                && hixie.awaits_answer()
            {
                return hixie.receive(input).map_err(|kind| HandshakeError::new(kind, 101, Headers::default()));
            }
            match &mut self.state {
                State::Head(reader) => {
                    let Some(head) = reader.receive(input).map_err(HandshakeError::from)? else {
                        return Ok(None);
                    };
                    if let Some(opened) = self.receive_head(head, config)? {
                        return Ok(Some(opened));
                    }
                }
                State::Body(error, body) => {
                    if !body.receive(input, &mut error.body) {
                        return Ok(None);
                    }
                    return self.timed_out().map_or(Ok(None), Err);
                }
            }
        }
    }

    fn receive_head(&mut self, head: Head, config: &Config) -> Result<Option<Opened>, HandshakeError> {
        let fail = |kind, status| HandshakeError::new(kind, status, Headers::default());
        let (minor, status) = status_line(head.start_line()).ok_or_else(|| fail(HandshakeFailure::Malformed, 0))?;
        let headers = head.into_headers().map_err(|_| fail(HandshakeFailure::Malformed, status))?;
        match status {
            101 => match self.check(minor, &headers, config) {
                Ok(opened) => return Ok(self.opened(Opened { headers, ..opened })),
                Err(kind) => return Err(HandshakeError::new(kind, status, headers)),
            },
            // RFC 9110 15.2: a client skips 1xx responses that it did not expect.
            100..=199 if self.informational == MAX_INFORMATIONAL => {
                return Err(HandshakeError::new(HandshakeFailure::TooManyInformational, status, headers));
            }
            100..=199 => self.informational += 1,
            _ => {
                let body = Body::new(status, &headers);
                let error = HandshakeError::new(HandshakeFailure::Status, status, headers);
                self.state = State::Body(Box::new(error), body);
            }
        }
        Ok(None)
    }

    /// What was agreed on; `None` where more than a head has to come first.
    fn opened(&mut self, opened: Opened) -> Option<Opened> {
        #[cfg(feature = "legacy")]
        if let Some(hixie) = &mut self.hixie {
            return hixie.receive_head(Opened { draft: self.draft, ..opened });
        }
        #[cfg(feature = "legacy")]
        let opened = Opened { draft: self.draft, ..opened };
        Some(opened)
    }

    /// TLS carries the bytes.
    #[cfg(feature = "legacy")]
    pub(crate) fn over_tls(&mut self) {
        if let Some(hixie) = &mut self.hixie {
            hixie.secure = true;
        }
    }

    /// The rules for a 101 (RFC 6455 4.1, items 2 to 6). What was agreed on.
    fn check(&self, minor: u8, headers: &Headers, config: &Config) -> Result<Opened, HandshakeFailure> {
        // RFC 9110 15.2: there are no 1xx in HTTP/1.0.
        if minor == 0 {
            return Err(HandshakeFailure::Malformed);
        }
        let mut upgrades = list::elements(headers.values("Upgrade"));
        if !upgrades.next().is_some_and(|value| value.eq_ignore_ascii_case(b"websocket")) || upgrades.next().is_some() {
            return Err(HandshakeFailure::Upgrade);
        }
        if !headers.lists("Connection", "upgrade") {
            return Err(HandshakeFailure::Connection);
        }
        #[cfg(feature = "legacy")]
        if let Some(hixie) = &self.hixie {
            if headers.contains("Transfer-Encoding") {
                return Err(HandshakeFailure::TransferEncoding);
            }
            let subprotocol = hixie.check(headers, &self.subprotocols)?;
            return Ok(Opened { subprotocol, ..Opened::default() });
        }
        if headers.only("Sec-WebSocket-Accept") != Some(self.accept.as_bytes()) {
            return Err(HandshakeFailure::Accept);
        }
        let mut opened = Opened::default();
        extensions::check(headers, self.has_extensions(), config, &mut opened)?;
        if headers.contains("Transfer-Encoding") {
            return Err(HandshakeFailure::TransferEncoding);
        }
        Ok(Opened { subprotocol: self.check_subprotocol(headers)?, ..opened })
    }

    fn check_subprotocol(&self, headers: &Headers) -> Result<Option<String>, HandshakeFailure> {
        const NAME: &str = "Sec-WebSocket-Protocol";
        if !headers.contains(NAME) {
            return Ok(None);
        }
        let chosen =
            headers.only(NAME).and_then(|chosen| self.subprotocols.iter().find(|name| name.as_bytes() == chosen));
        chosen.cloned().map(Some).ok_or(HandshakeFailure::Subprotocol)
    }
}

/// Nothing in the request may end its line or pose as another (RFC 6455 4.1). Its target.
fn check_request(request: &ClientRequest) -> Result<&str, SendError> {
    let target = match request.target.as_str() {
        "" => "/",
        target => target,
    };
    let valid = origin::is_host(&request.host)
        && target.starts_with('/')
        && target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#')
        && request.subprotocols.iter().all(|name| list::is_token(name.as_bytes()))
        && list::are_unique(&request.subprotocols)
        && request.headers.iter().all(|(name, value)| may_be_set(name, value) && !name.eq_ignore_ascii_case("Host"));
    valid.then_some(target).ok_or(SendError::InvalidHeader)
}

/// The minor version and status of `HTTP/1.digit SP 3digit [ SP phrase ]` (RFC 9112 4; many leave out the last space).
fn status_line(line: &[u8]) -> Option<(u8, u16)> {
    let mut parts = line.splitn(3, |&byte| byte == b' ');
    let (1, minor) = head::version(parts.next()?)? else {
        return None;
    };
    match parts.next()? {
        status @ [b'1'..=b'9', b'0'..=b'9', b'0'..=b'9'] => {
            Some((minor, status.iter().fold(0, |status, digit| status * 10 + u16::from(digit - b'0'))))
        }
        _ => None,
    }
}

impl From<HeadError> for HandshakeError {
    fn from(error: HeadError) -> Self {
        let kind = match error {
            HeadError::NotHttp | HeadError::Malformed => HandshakeFailure::Malformed,
            HeadError::StartLineTooLong | HeadError::TooBig => HandshakeFailure::TooBig,
        };
        HandshakeError::new(kind, 0, Headers::default())
    }
}

const MAX_INFORMATIONAL: usize = 16;
