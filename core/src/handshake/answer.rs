//! What a server answers to an opening handshake, in bytes (RFC 6455 4.2.2).

use super::{
    Opened, Refusal, Rejection, Response,
    headers::{may_be_set, write_field},
    server::Asked,
};
use crate::{Config, SendError};
use alloc::{format, string::String, vec::Vec};

impl Asked {
    /// The bytes of the 101, and what was agreed on.
    pub(crate) fn accept(&self, response: &Response, config: &Config) -> Result<(Vec<u8>, Opened), SendError> {
        check_headers(&response.headers)?;
        let subprotocol = self.choose_subprotocol(response, config)?;
        #[cfg(feature = "legacy")]
        if let Some(hixie) = &self.hixie {
            return Ok(hixie.accept(response, subprotocol));
        }
        let mut answer = Vec::with_capacity(256);
        answer.extend_from_slice(SWITCHING_PROTOCOLS);
        write_field(&mut answer, "Sec-WebSocket-Accept", &self.accept);
        if let Some(name) = &subprotocol {
            write_field(&mut answer, "Sec-WebSocket-Protocol", name);
        }
        let mut opened = Opened {
            subprotocol,
            #[cfg(feature = "legacy")]
            draft: self.draft,
            ..Opened::default()
        };
        self.extensions.write(&mut answer, &mut opened);
        finish(&mut answer, &response.headers, b"");
        Ok((answer, opened))
    }

    /// RFC 6455 4.2.2, item 5.5: one that the client offered, or none.
    fn choose_subprotocol(&self, response: &Response, config: &Config) -> Result<Option<String>, SendError> {
        match &response.subprotocol {
            Some(name) if self.offers(name) => Ok(Some(name.clone())),
            Some(_) => Err(SendError::InvalidAnswer),
            None => Ok(config.subprotocols.iter().find(|name| self.offers(name)).cloned()),
        }
    }
}

/// The bytes of the application's rejection.
pub(crate) fn reject(rejection: &Rejection, config: &Config) -> Result<Vec<u8>, SendError> {
    // Who asked for an upgrade must not take another success for one.
    if rejection.status < 300 { Err(SendError::InvalidAnswer) } else { page(rejection, config) }
}

/// The bytes of the application's answer to a plain GET.
pub(crate) fn page(rejection: &Rejection, config: &Config) -> Result<Vec<u8>, SendError> {
    if !(200..=599).contains(&rejection.status) || (is_empty(rejection.status) && !rejection.body.is_empty()) {
        return Err(SendError::InvalidAnswer);
    }
    check_headers(&rejection.headers)?;
    let mut answer = status_line(rejection.status);
    write_closing_fields(&mut answer, rejection.status, rejection.body.len(), config);
    finish(&mut answer, &rejection.headers, &rejection.body);
    Ok(answer)
}

/// The bytes that tell a client why it was refused. Who asked with HEAD is not sent a body (RFC 9110 9.3.2).
pub(crate) fn refusal_bytes(refusal: &Refusal, config: &Config, is_head: bool) -> Vec<u8> {
    let body = if is_head { String::new() } else { format!("{}\n", refusal.reason) };
    let mut answer = status_line(refusal.status);
    write_closing_fields(&mut answer, refusal.status, body.len(), config);
    if refusal.status == 405 {
        // RFC 9110 15.5.6.
        write_field(&mut answer, "Allow", "GET");
    }
    write_field(&mut answer, "Content-Type", "text/plain; charset=utf-8");
    finish(&mut answer, &[], body.as_bytes());
    answer
}

fn status_line(status: u16) -> Vec<u8> {
    format!("HTTP/1.1 {status} {}\r\n", reason_phrase(status)).into_bytes()
}

/// Any answer but 101 ends the connection (RFC 9112 9.6).
fn write_closing_fields(answer: &mut Vec<u8>, status: u16, body: usize, config: &Config) {
    if status == 426 {
        // RFC 9110 15.5.22 and 7.8: 426 says to what, and in `Connection` that it does; RFC 6455 4.4: which version.
        write_field(answer, "Connection", "close, upgrade");
        write_field(answer, "Upgrade", "websocket");
        let versions = config.versions();
        if !versions.is_empty() {
            write_field(answer, "Sec-WebSocket-Version", &versions);
        }
    } else {
        write_field(answer, "Connection", "close");
    }
    // RFC 9110 8.6: not with 204, and with 304 only that of the page that has not changed.
    if !is_empty(status) {
        write_field(answer, "Content-Length", &format!("{body}"));
    }
}

/// Whether a response with this status never has a body (RFC 9110 6.4.1).
fn is_empty(status: u16) -> bool {
    matches!(status, 204 | 304)
}

fn finish(answer: &mut Vec<u8>, headers: &[(String, String)], body: &[u8]) {
    for (name, value) in headers {
        write_field(answer, name, value);
    }
    answer.extend_from_slice(b"\r\n");
    answer.extend_from_slice(body);
}

fn check_headers(headers: &[(String, String)]) -> Result<(), SendError> {
    match headers.iter().all(|(name, value)| may_be_set(name, value)) {
        true => Ok(()),
        false => Err(SendError::InvalidAnswer),
    }
}

/// RFC 9110 15; a status that is not here is sent without a phrase, which is optional (RFC 9112 4).
fn reason_phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        300 => "Multiple Choices",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        414 => "URI Too Long",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        _ => "",
    }
}

const SWITCHING_PROTOCOLS: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
