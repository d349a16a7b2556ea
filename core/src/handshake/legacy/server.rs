//! A server's side of the handshakes of hixie-75 (5) and hixie-76 (5).

use super::{
    KEYS,
    challenge::{self, BODY},
    location, names,
};
use crate::{
    Draft,
    handshake::{Headers, Opened, Refusal, Request, Response, headers::write_field, list},
};
use alloc::{string::String, vec::Vec};

/// What of a request its answer depends on.
#[derive(Debug)]
pub(in crate::handshake) struct Hixie {
    draft: Draft,
    /// The URL's scheme is `wss`.
    pub(in crate::handshake) secure: bool,
    /// The origin, which the answer repeats; empty where there is none.
    origin: String,
    host: String,
    path: String,
    numbers: [u32; 2],
    body: [u8; BODY],
    received: usize,
}

/// Whether eight bytes stand behind this head, so that a `Content-Length: 8` only says so.
pub(in crate::handshake) fn expects_body(headers: &Headers) -> bool {
    KEYS.iter().all(|key| headers.contains(key)) && !headers.contains("Sec-WebSocket-Version")
}

impl Hixie {
    /// Checks what is particular to the draft. The subprotocols come with it, as `Asked` keeps them.
    pub(in crate::handshake) fn new(request: &Request, draft: Draft) -> Result<(Self, String), Refusal> {
        let headers = &request.headers;
        let mut numbers = [0; 2];
        if draft == Draft::Hixie76 {
            for (number, key) in numbers.iter_mut().zip(KEYS) {
                *number = headers
                    .only(key)
                    .and_then(challenge::number)
                    .ok_or(Refusal::new(400, "Sec-WebSocket-Key1 or -Key2 hides no number"))?;
            }
        }
        let target = request.target.as_str();
        // The path of a target in absolute form begins behind its authority.
        let path = match target.split_once("://") {
            Some((_, rest)) if !target.starts_with('/') => rest.find(['/', '?']).map_or("", |at| &rest[at..]),
            _ => target,
        };
        let hixie = Hixie {
            draft,
            secure: false,
            origin: headers.only("Origin").and_then(|origin| str::from_utf8(origin).ok()).unwrap_or_default().into(),
            host: request.host().into(),
            path: path.into(),
            numbers,
            body: [0; BODY],
            received: if draft == Draft::Hixie76 { 0 } else { BODY },
        };
        Ok((hixie, subprotocols(headers, draft)?))
    }

    /// Takes what there is of the eight bytes. Whether they are complete.
    pub(in crate::handshake) fn receive(&mut self, input: &mut &mut [u8]) -> bool {
        let missing = (BODY - self.received).min(input.len());
        let (taken, rest) = core::mem::take(input).split_at_mut(missing);
        *input = rest;
        self.body[self.received..self.received + missing].copy_from_slice(taken);
        self.received += missing;
        self.received == BODY
    }

    /// The bytes of the 101. A strict client of hixie-75 compares the first 85 of them, up to the end of `Connection`.
    pub(in crate::handshake) fn accept(&self, response: &Response, subprotocol: Option<String>) -> (Vec<u8>, Opened) {
        let names = names(self.draft);
        let phrase = if self.draft == Draft::Hixie75 { "Web Socket" } else { "WebSocket" };
        let mut answer = Vec::with_capacity(256);
        for part in ["HTTP/1.1 101 ", phrase, " Protocol Handshake\r\n"] {
            answer.extend_from_slice(part.as_bytes());
        }
        write_field(&mut answer, "Upgrade", "WebSocket");
        write_field(&mut answer, "Connection", "Upgrade");
        if !self.origin.is_empty() {
            write_field(&mut answer, names.origin, &self.origin);
        }
        write_field(&mut answer, names.location, &location(self.secure, &self.host, &self.path));
        if let Some(name) = &subprotocol {
            write_field(&mut answer, names.protocol, name);
        }
        for (name, value) in &response.headers {
            write_field(&mut answer, name, value);
        }
        answer.extend_from_slice(b"\r\n");
        if self.draft == Draft::Hixie76 {
            answer.extend_from_slice(&challenge::answer(self.numbers, self.body));
        }
        (answer, Opened { subprotocol, draft: self.draft, ..Opened::default() })
    }
}

/// In the hixie drafts a subprotocol is any visible text; clients have sent one, or a list as the RFC has it.
fn subprotocols(headers: &Headers, draft: Draft) -> Result<String, Refusal> {
    let name = names(draft).protocol;
    let visible = |name: &&[u8]| name.iter().all(|byte| matches!(byte, 0x20..=0x7e));
    let listed = list::elements(headers.values(name))
        .map(|name| Some(name).filter(visible).and_then(|name| str::from_utf8(name).ok()))
        .collect::<Option<Vec<_>>>()
        .filter(|listed| !listed.is_empty() || !headers.contains(name))
        .ok_or(Refusal::new(400, "the subprotocol is no visible text"))?;
    Ok(listed.join(","))
}
