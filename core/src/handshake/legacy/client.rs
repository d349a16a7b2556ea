//! A client's side of the handshakes of hixie-75 (4.1) and hixie-76 (4.1).

use super::{
    KEYS,
    challenge::{self, ANSWER},
    location, names,
};
use crate::{
    ClientRequest, Config, Draft, SendError,
    handshake::{HandshakeFailure, Headers, Opened, headers::write_field},
};
use alloc::{format, string::String, vec::Vec};
use core::mem;

/// What the response has to say.
#[derive(Debug)]
pub(in crate::handshake) struct Hixie {
    draft: Draft,
    /// The URL's scheme is `wss`.
    pub(in crate::handshake) secure: bool,
    origin: String,
    host: String,
    path: String,
    answer: [u8; ANSWER],
    received: [u8; ANSWER],
    len: usize,
    /// The head was valid; behind it the answer is due.
    opened: Option<Opened>,
}

impl Hixie {
    /// The side that waits, and the bytes of the request. `path` is the target as it is sent.
    pub(in crate::handshake) fn new(
        request: &ClientRequest,
        draft: Draft,
        path: &str,
        config: &Config,
    ) -> Result<(Self, Vec<u8>), SendError> {
        let names = names(draft);
        // There is one, and a server need not look for a comma in it.
        if request.subprotocols.len() > 1 {
            return Err(SendError::InvalidHeader);
        }
        let is_origin = |name: &str| name.eq_ignore_ascii_case("Origin");
        // The drafts know browsers only, and these have an origin: servers insist on it.
        let origin = request.headers.iter().find(|(name, _)| is_origin(name));
        let origin = origin.map_or_else(|| format!("http://{}", request.host), |(_, origin)| origin.clone());
        let mut bytes = Vec::with_capacity(256);
        for part in ["GET ", path, " HTTP/1.1\r\n"] {
            bytes.extend_from_slice(part.as_bytes());
        }
        write_field(&mut bytes, "Upgrade", "WebSocket");
        write_field(&mut bytes, "Connection", "Upgrade");
        write_field(&mut bytes, "Host", &request.host);
        write_field(&mut bytes, "Origin", &origin);
        if let Some(name) = request.subprotocols.first() {
            write_field(&mut bytes, names.protocol, name);
        }
        for (name, value) in request.headers.iter().filter(|(name, _)| !is_origin(name)) {
            write_field(&mut bytes, name, value);
        }
        let mut answer = [0; ANSWER];
        if draft == Draft::Hixie76 {
            let keys = [challenge::key(&config.masks), challenge::key(&config.masks)];
            for (name, (key, _)) in KEYS.iter().zip(&keys) {
                write_field(&mut bytes, name, key);
            }
            let body = challenge::body(&config.masks);
            answer = challenge::answer(keys.map(|(_, number)| number), body);
            bytes.extend_from_slice(b"\r\n");
            bytes.extend_from_slice(&body);
        } else {
            bytes.extend_from_slice(b"\r\n");
        }
        let hixie = Hixie {
            draft,
            secure: false,
            origin,
            host: request.host.clone(),
            path: path.into(),
            answer,
            received: [0; ANSWER],
            len: 0,
            opened: None,
        };
        Ok((hixie, bytes))
    }

    /// The rules for a 101 beyond `Upgrade` and `Connection`. The subprotocol that was agreed on.
    pub(in crate::handshake) fn check(
        &self,
        headers: &Headers,
        offered: &[String],
    ) -> Result<Option<String>, HandshakeFailure> {
        let names = names(self.draft);
        if headers.only(names.origin) != Some(self.origin.as_bytes()) {
            return Err(HandshakeFailure::Origin);
        }
        if headers.only(names.location) != Some(location(self.secure, &self.host, &self.path).as_bytes()) {
            return Err(HandshakeFailure::Location);
        }
        match offered.first() {
            Some(name) if headers.only(names.protocol) != Some(name.as_bytes()) => Err(HandshakeFailure::Subprotocol),
            None if headers.contains(names.protocol) => Err(HandshakeFailure::Subprotocol),
            offered => Ok(offered.cloned()),
        }
    }

    /// The head was valid. What was agreed on, unless an answer has to come first.
    pub(in crate::handshake) fn receive_head(&mut self, opened: Opened) -> Option<Opened> {
        let opened = Opened { draft: self.draft, ..opened };
        if self.draft == Draft::Hixie75 {
            return Some(opened);
        }
        self.opened = Some(opened);
        None
    }

    /// Whether the head was valid, and an answer has to come.
    pub(in crate::handshake) fn awaits_answer(&self) -> bool {
        self.opened.is_some()
    }

    /// Takes what there is of the answer (hixie-76 4.1, items 43 and 44).
    pub(in crate::handshake) fn receive(&mut self, input: &mut &mut [u8]) -> Result<Option<Opened>, HandshakeFailure> {
        let missing = (ANSWER - self.len).min(input.len());
        let (taken, rest) = mem::take(input).split_at_mut(missing);
        *input = rest;
        self.received[self.len..self.len + missing].copy_from_slice(taken);
        self.len += missing;
        if self.received[..self.len] != self.answer[..self.len] {
            return Err(HandshakeFailure::Answer);
        }
        Ok(if self.len == ANSWER { self.opened.take() } else { None })
    }
}
