//! The opening handshakes that came before RFC 6455. Versions 7 and 8 differ from it by a number and by the name of the
//! field that tells the origin; hixie-75 and hixie-76 have handshakes of their own, to which `server` and `client` here are
//! the two sides. `challenge` is what hixie-76 had in place of `Sec-WebSocket-Key`.

mod challenge;
mod client;
mod server;
#[cfg(test)]
mod tests;

pub(super) use client::Hixie as HixieClient;
pub(super) use server::{Hixie as HixieServer, expects_body};

use super::Headers;
use crate::{Config, Draft, Drafts};
use alloc::string::String;

/// Which of the drafts that are spoken a request asks for.
pub(super) fn recognise(headers: &Headers, drafts: &Drafts) -> Option<Draft> {
    const VERSION: &str = "Sec-WebSocket-Version";
    let draft = if headers.contains(VERSION) {
        // Whoever names a version wants that one, whatever keys there are besides.
        let named = headers.only(VERSION)?;
        Draft::ALL.into_iter().find(|draft| !draft.is_hixie() && draft.name().as_bytes() == named)?
    } else if KEYS.iter().any(|key| headers.contains(key)) {
        Draft::Hixie76
    } else if headers.contains("Sec-WebSocket-Key") {
        return None;
    } else {
        Draft::Hixie75
    };
    Some(draft).filter(|draft| drafts.contains(*draft))
}

/// What a client asks for that names no draft.
pub(super) fn preferred(config: &Config) -> Draft {
    config.drafts.iter().next().unwrap_or_default()
}

/// The name under which a client sends a field: in versions 7 and 8 the origin has another one.
pub(super) fn field_name(draft: Draft, name: &str) -> &str {
    match draft {
        Draft::Hybi07 | Draft::Hybi08 if name.eq_ignore_ascii_case("Origin") => "Sec-WebSocket-Origin",
        _ => name,
    }
}

/// hixie-76 4.1, 5.1.
const KEYS: [&str; 2] = ["Sec-WebSocket-Key1", "Sec-WebSocket-Key2"];

/// The names of the fields, which in hixie-75 have no `Sec-` before them.
struct Names {
    origin: &'static str,
    location: &'static str,
    protocol: &'static str,
}

const fn names(draft: Draft) -> Names {
    match draft {
        Draft::Hixie75 => {
            Names { origin: "WebSocket-Origin", location: "WebSocket-Location", protocol: "WebSocket-Protocol" }
        }
        _ => Names {
            origin: "Sec-WebSocket-Origin",
            location: "Sec-WebSocket-Location",
            protocol: "Sec-WebSocket-Protocol",
        },
    }
}

/// The URL as both sides tell it (hixie-76 5.2).
fn location(secure: bool, host: &str, path: &str) -> String {
    let scheme = if secure { "wss" } else { "ws" };
    alloc::format!("{scheme}://{host}{path}")
}
