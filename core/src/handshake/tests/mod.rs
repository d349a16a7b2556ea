//! Both sides of the opening handshake, fed whole, byte by byte, and at each cut.

mod client;
mod server;
mod vectors;

use super::{ClientOpening, ClientRequest, HandshakeError, Opened, Rejection, Response, ServerOpening, answer};
use crate::{Config, MaskSource, Origins};
use alloc::{string::String, sync::Arc, vec::Vec};
use core::sync::atomic::{AtomicUsize, Ordering};

/// Any origin, as the vectors assume, and the key of RFC 6455 1.3.
fn config() -> Config {
    let next = AtomicUsize::new(0);
    let key = move || b"the sample nonce".as_chunks().0[next.fetch_add(1, Ordering::Relaxed) % 4];
    Config { origins: Origins::Any, ..Config::with_masks(MaskSource::Source(Arc::new(key))) }
}

/// Splits `bytes` in every way that is worth it, and checks that it makes no difference to `outcome`.
fn in_all_pieces<T: PartialEq + core::fmt::Debug>(
    bytes: &[u8],
    outcome: impl Fn(&mut dyn Iterator<Item = &[u8]>) -> T,
) -> T {
    let whole = outcome(&mut [bytes].into_iter());
    assert_eq!(outcome(&mut bytes.chunks(1)), whole, "byte by byte");
    for cut in 1..bytes.len().min(1024) {
        let (front, back) = bytes.split_at(cut);
        assert_eq!(outcome(&mut [front, back].into_iter()), whole, "cut at {cut}");
    }
    whole
}

/// What a server answers that accepts whatever is valid, and what of the bytes is left for the connection.
fn serve(bytes: &[u8], config: &Config) -> Option<(String, Vec<u8>)> {
    in_all_pieces(bytes, |pieces| {
        let mut opening = ServerOpening::new();
        let mut answered: Option<(Vec<u8>, Vec<u8>)> = None;
        for piece in pieces {
            let mut piece = piece.to_vec();
            let mut input = &mut piece[..];
            match &mut answered {
                // Behind an answer that was no 101, nothing is looked at.
                Some((answer, rest)) if answer.starts_with(b"HTTP/1.1 101 ") => rest.extend_from_slice(input),
                Some(_) => {}
                None => {
                    let answer = match opening.receive(&mut input, config) {
                        Ok(Some((_, asked))) => Some(asked.accept(&Response::default(), config).unwrap().0),
                        Ok(None) => None,
                        Err(refusal) => Some(answer::refusal_bytes(&refusal, config, opening.is_head)),
                    };
                    assert!(answer.is_some() || input.is_empty());
                    answered = answer.map(|answer| (answer, input.to_vec()));
                }
            }
        }
        answered.map(|(answer, rest)| (String::from_utf8(answer).unwrap(), rest))
    })
}

/// The status that a server answers, 0 where it waits for more.
fn status(bytes: &[u8], config: &Config) -> u16 {
    serve(bytes, config).map_or(0, |(answer, _)| answer[9..12].parse().unwrap())
}

/// What a client makes of a response, and what of the bytes is left for the connection; `eof` ends it.
fn connect(request: &ClientRequest, response: &[u8], eof: bool) -> Option<Result<(Opened, Vec<u8>), HandshakeError>> {
    in_all_pieces(response, |pieces| {
        let config = config();
        let (mut opening, _) = ClientOpening::new(request.clone(), &config).unwrap();
        let mut done: Option<Result<(Opened, Vec<u8>), HandshakeError>> = None;
        for piece in pieces {
            let mut piece = piece.to_vec();
            let mut input = &mut piece[..];
            match &mut done {
                Some(Ok((_, rest))) => Vec::extend_from_slice(rest, input),
                Some(Err(_)) => {}
                None => {
                    let result = opening.receive(&mut input, &config).transpose();
                    assert!(result.is_some() || input.is_empty());
                    done = result.map(|result| result.map(|opened| (opened, input.to_vec())));
                }
            }
        }
        done.or_else(|| eof.then(|| Err(opening.receive_eof())))
    })
}

fn request() -> ClientRequest {
    ClientRequest { host: "server.example.com".into(), target: "/chat".into(), ..ClientRequest::default() }
}

#[test]
fn a_client_and_a_server_agree() {
    let config = Config { origins: Origins::SameHost, subprotocols: ["b".into(), "a".into()].into(), ..config() };
    let request = ClientRequest {
        subprotocols: ["a".into(), "b".into()].into(),
        headers: [("Origin".into(), "http://server.example.com".into())].into(),
        ..request()
    };
    let (mut client, mut bytes) = ClientOpening::new(request, &config).unwrap();
    let mut input = &mut bytes[..];
    let (request, asked) = ServerOpening::new().receive(&mut input, &config).unwrap().unwrap();
    assert_eq!((request.target.as_str(), request.host()), ("/chat", "server.example.com"));
    let response = Response { headers: [("Set-Cookie".into(), "a=b".into())].into(), ..Response::default() };
    let (mut bytes, served) = asked.accept(&response, &config).unwrap();
    assert_eq!(served.subprotocol.as_deref(), Some("b"));
    let opened = client.receive(&mut &mut bytes[..], &config).unwrap().unwrap();
    assert_eq!(opened.subprotocol.as_deref(), Some("b"));
    assert_eq!(opened.headers.first("set-cookie"), Some("a=b"));
}

#[test]
fn a_rejection_reaches_the_client_whole() {
    let mut rejection = Rejection::unavailable(7);
    rejection.body = b"later".to_vec();
    let bytes = answer::reject(&rejection, &config()).unwrap();
    let error = connect(&request(), &bytes, false).unwrap().unwrap_err();
    assert_eq!((error.status, &error.body[..]), (503, &b"later"[..]));
    assert_eq!(error.headers.first("Retry-After"), Some("7"));
    assert_eq!(error.headers.first("Connection"), Some("close"));
}

/// `serve` and `connect` compare all cuts.
#[test]
fn cuts_make_no_difference_to_what_is_spoiled() {
    const SPOILERS: &[u8] = b"\r\n\0 \t:,;\"=#/\x7f\xffAz0";
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % below as u64) as usize
    };
    let (config, request) = (config(), request());
    let (_, asked) = ClientOpening::new(request.clone(), &config).unwrap();
    let (answer, _) = serve(&asked, &config).unwrap();
    let mut statuses = Vec::new();
    for _ in 0..200 {
        let (mut asked, mut answer) = (asked.clone(), answer.clone().into_bytes());
        for bytes in [&mut asked, &mut answer] {
            let (at, spoiler) = (random(bytes.len()), SPOILERS[random(SPOILERS.len())]);
            match random(3) {
                0 => bytes[at] = spoiler,
                1 => bytes.insert(at, spoiler),
                _ => drop(bytes.remove(at)),
            }
        }
        statuses.push(status(&asked, &config));
        connect(&request, &answer, true);
    }
    for status in [101, 400, 405, 426] {
        assert!(statuses.contains(&status), "{status} did not occur in {statuses:?}");
    }
}
