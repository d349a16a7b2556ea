//! The opening handshake as the generator speaks it (RFC 6455 4.1), checked without the code under test.

use super::{Protocol, target::Target};

/// Keys with the answers that they want (RFC 6455 4.2.2), computed beforehand: no SHA-1 while the clock runs. The first
/// is the RFC's own example.
const KEYS: [(&str, &str); 4] = [
    ("dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    ("AAECAwQFBgcICQoLDA0ODw==", "Bz3qJYTGdOe8gUSpLosEdiLKDrk="),
    ("dGltdG93IGFza3MgaGVyZQ==", "wXdfj2i04VQnFPMiePqsgWHIluA="),
    ("/////////////////////w==", "XXpj4jYzLM2yUE0C7TIgMwTQh2g="),
];

/// An answer longer than this is no answer to an opening handshake.
const MAX_ANSWER: usize = 64 << 10;

/// The requests of one run, and how to judge the answers.
pub(crate) struct Opening {
    protocol: Protocol,
    requests: [Vec<u8>; KEYS.len()],
}

/// What an answer is worth so far.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Answer {
    /// It is not complete.
    Partial,
    /// The connection is open; so many bytes were the answer, what follows are frames.
    Opened(usize),
    /// It is not what the request asked for; why.
    Wrong(String),
}

impl Opening {
    /// Requests for `target`. Raw TCP sends the same bytes and wants them back.
    pub(crate) fn new(protocol: Protocol, target: &Target) -> Self {
        let Target { host, resource, .. } = target;
        let requests = KEYS.map(|(key, _)| {
            format!(
                "GET {resource} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
            )
            .into_bytes()
        });
        Opening { protocol, requests }
    }

    /// The request of connection number `index`.
    pub(crate) fn request(&self, index: usize) -> &[u8] {
        &self.requests[index % KEYS.len()]
    }

    /// Judges what came back on connection number `index` so far.
    pub(crate) fn judge(&self, index: usize, answer: &[u8]) -> Answer {
        if self.protocol == Protocol::Raw {
            let request = self.request(index);
            return match answer.len() {
                len if len < request.len() => Answer::Partial,
                _ if answer.starts_with(request) => Answer::Opened(request.len()),
                _ => Answer::Wrong("the server does not echo the bytes that it was sent".into()),
            };
        }
        match answer.windows(4).position(|window| window == b"\r\n\r\n") {
            None if answer.len() > MAX_ANSWER => Answer::Wrong("the server's answer has no end".into()),
            None => Answer::Partial,
            Some(end) => match judge_head(&answer[..end], KEYS[index % KEYS.len()].1) {
                Ok(()) => Answer::Opened(end + 4),
                Err(wrong) => Answer::Wrong(wrong),
            },
        }
    }
}

/// What a client must check before the connection is open (RFC 6455 4.1).
fn judge_head(head: &[u8], accept: &str) -> Result<(), String> {
    let head = str::from_utf8(head).map_err(|_| "the server's answer is not HTTP".to_owned())?;
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap_or_default();
    if !status.starts_with("HTTP/1.1 101") {
        return Err(format!("the server answered {status:?} instead of 101: check the path of the URL"));
    }
    let fields: Vec<(String, &str)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim()))
        .collect();
    let values = |name: &'static str| fields.iter().filter(move |field| field.0 == name).map(|field| field.1);
    if !values("upgrade").any(|value| value.eq_ignore_ascii_case("websocket")) {
        return Err("the server's answer lacks \"Upgrade: websocket\" (RFC 6455 4.1)".into());
    }
    let mut tokens = values("connection").flat_map(|value| value.split(','));
    if !tokens.any(|token| token.trim().eq_ignore_ascii_case("upgrade")) {
        return Err("the server's answer lacks \"Connection: Upgrade\" (RFC 6455 4.1)".into());
    }
    if !values("sec-websocket-accept").eq([accept]) {
        return Err("the server's answer has the wrong Sec-WebSocket-Accept (RFC 6455 4.1)".into());
    }
    if values("sec-websocket-extensions").chain(values("sec-websocket-protocol")).next().is_some() {
        return Err("the server chose an extension or subprotocol that was not offered (RFC 6455 4.1)".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opening(protocol: Protocol) -> Opening {
        Opening::new(protocol, &Target::find("ws://127.0.0.1:3000/echo").unwrap())
    }

    #[test]
    fn keys_have_the_right_answers() {
        for (key, accept) in KEYS {
            assert_eq!(tungstenite::handshake::derive_accept_key(key.as_bytes()), accept);
        }
    }

    #[test]
    fn good_answers_open() {
        let head = format!(
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n\
             Sec-WebSocket-Accept: {}\r\n\r\n",
            KEYS[1].1
        );
        let opening = opening(Protocol::WebSocket);
        assert_eq!(opening.judge(5, head.as_bytes()), Answer::Opened(head.len()));
        assert_eq!(opening.judge(5, &head.as_bytes()[..head.len() - 1]), Answer::Partial);
        assert_eq!(opening.judge(5, format!("{head}x").as_bytes()), Answer::Opened(head.len()));
        for (from, to) in [
            ("101", "200"),
            ("WebSocket", "h2c"),
            ("keep-alive, Upgrade", "close"),
            (KEYS[1].1, KEYS[2].1),
            ("\r\n\r\n", "\r\nSec-WebSocket-Protocol: chat\r\n\r\n"),
        ] {
            assert!(matches!(opening.judge(5, head.replace(from, to).as_bytes()), Answer::Wrong(_)), "{from}");
        }
    }

    #[test]
    fn raw_servers_must_echo_the_request() {
        let opening = opening(Protocol::Raw);
        let mut request = opening.request(0).to_vec();
        assert_eq!(opening.judge(0, &request[1..]), Answer::Partial);
        assert_eq!(opening.judge(0, &request), Answer::Opened(request.len()));
        request[0] ^= 1;
        assert!(matches!(opening.judge(0, &request), Answer::Wrong(_)));
    }
}
