//! The extension parameters (RFC 7692 7.1): what is offered, what is answered, and what is agreed on.

use std::fmt::{self, Write as _};

/// How messages are compressed, in [`Config::deflate`](crate::Config). The first four fields bear the names that RFC 7692 7.1
/// gives to the parameters; a server accepts what suits them, a client offers them.
///
/// # Memory
///
/// What a connection keeps between messages, from the first in that direction on, for the window that was agreed on:
///
/// | window bits | received | sent |
/// | --- | --- | --- |
/// | 9 | 0.5 KiB | 147 KiB |
/// | 10 | 1 KiB | 149 KiB |
/// | 11 | 2 KiB | 153 KiB |
/// | 12 | 4 KiB | 161 KiB |
/// | 13 | 8 KiB | 177 KiB |
/// | 14 | 16 KiB | 209 KiB |
/// | 15 | 32 KiB | 273 KiB |
/// | no context takeover | nothing | nothing |
///
/// Each thread keeps 55 KiB to inflate with, and as much as the last column says to compress without context takeover, for all
/// of its connections: a connection that has a thread of its own has these to itself. While a message comes in pieces, its
/// connection has 55 KiB of its own. Counted by
/// `cargo test -p timtow-core --all-features --test deflate_limits -- --nocapture what_a_connection_keeps`.
///
/// # Limits
///
/// [`Config::max_message`](crate::Config) and [`Config::max_frame`](crate::Config) hold on the wire, and for what comes out
/// while it is inflated.
///
/// ```
/// use timtow_core::{Config, Deflate};
/// // A server of many idle connections, which keeps nothing between messages.
/// let deflate =
///     Deflate { server_no_context_takeover: true, client_no_context_takeover: true, ..Deflate::default() };
/// let config = Config { deflate: Some(deflate), ..Config::default() };
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Deflate {
    /// The server compresses each message by itself (7.1.1.1). Off.
    pub server_no_context_takeover: bool,
    /// The client compresses each message by itself (7.1.1.2). Off.
    pub client_no_context_takeover: bool,
    /// The server looks back for at most 2 to the power of this many bytes, 9 to 15 (7.1.2.1). 15.
    pub server_max_window_bits: u8,
    /// The client looks back for at most 2 to the power of this many bytes, 9 to 15 (7.1.2.2). 15. A server can ask this
    /// only of clients that say that they can; others are accepted with 15.
    pub client_max_window_bits: u8,
    /// Clients: where one of the two limits for the server is set, offer compression without them too, for a server that
    /// cannot keep to them (7.1.3). Off: the server then accepts the limits, or there is no compression.
    pub fallback: bool,
    /// From 0, which only wraps, over 1, the fastest, to 9, the smallest. 6.
    pub level: u8,
    /// Messages of fewer bytes are sent as they are. 128.
    pub threshold: usize,
}

/// What the two sides have agreed on (RFC 7692 5): in [`Opened::deflate`](crate::Opened), and for
/// [`Connection::upgraded_with_deflate`](crate::Connection::upgraded_with_deflate).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct DeflateParameters {
    /// The server compresses each message by itself.
    pub server_no_context_takeover: bool,
    /// The client compresses each message by itself.
    pub client_no_context_takeover: bool,
    /// The server looks back for at most 2 to the power of this many bytes: 8 to 15.
    pub server_max_window_bits: u8,
    /// The client looks back for at most 2 to the power of this many bytes: 8 to 15.
    pub client_max_window_bits: u8,
}

impl Default for Deflate {
    fn default() -> Self {
        Deflate {
            server_no_context_takeover: false,
            client_no_context_takeover: false,
            server_max_window_bits: MAX_BITS,
            client_max_window_bits: MAX_BITS,
            fallback: false,
            level: 6,
            threshold: 128,
        }
    }
}

impl Default for DeflateParameters {
    /// Those of an offer and an answer without parameters.
    fn default() -> Self {
        DeflateParameters {
            server_no_context_takeover: false,
            client_no_context_takeover: false,
            server_max_window_bits: MAX_BITS,
            client_max_window_bits: MAX_BITS,
        }
    }
}

/// A server's answer to an offer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Answer {
    pub(crate) agreed: DeflateParameters,
    /// The client asked for `server_max_window_bits`, and hears of it whatever it is.
    names_server_bits: bool,
}

/// A parameter as it is listed: its name, and its value, where it has one, with the backslashes of a quoted string.
pub(crate) type Parameter<'a> = (&'a [u8], Option<&'a [u8]>);

impl Deflate {
    /// What a server answers to an offer; `None` where it is declined (RFC 7692 7.1).
    pub(crate) fn accept<'a>(&self, offer: impl Iterator<Item = Parameter<'a>>) -> Option<Answer> {
        let offer = Listed::read(offer)?;
        // Raw deflate has no window of 256 bytes: 7.1.2.1 lets an offer be declined that asks for one.
        let server_bits = offer.server_max_window_bits.unwrap_or(MAX_BITS);
        if server_bits < MIN_BITS {
            return None;
        }
        let client_bits = match offer.client_max_window_bits {
            // 7.1.2.2: who does not offer it cannot be asked for it.
            None => MAX_BITS,
            Some(hint) => hint.unwrap_or(MAX_BITS).min(usable(self.client_max_window_bits)),
        };
        Some(Answer {
            agreed: DeflateParameters {
                server_no_context_takeover: offer.server_no_context_takeover || self.server_no_context_takeover,
                client_no_context_takeover: offer.client_no_context_takeover || self.client_no_context_takeover,
                server_max_window_bits: server_bits.min(usable(self.server_max_window_bits)),
                client_max_window_bits: client_bits,
            },
            names_server_bits: offer.server_max_window_bits.is_some(),
        })
    }

    /// What a client offers: the value of `Sec-WebSocket-Extensions` (RFC 7692 5.1).
    pub(crate) fn offers(&self) -> String {
        let mut offers = String::from(NAME);
        if self.server_no_context_takeover {
            offers += "; server_no_context_takeover";
        }
        if usable(self.server_max_window_bits) < MAX_BITS {
            let _ = write!(offers, "; server_max_window_bits={}", usable(self.server_max_window_bits));
        }
        self.offer_own(&mut offers);
        if self.fallback && self.limits_the_server() {
            offers += ", ";
            offers += NAME;
            self.offer_own(&mut offers);
        }
        offers
    }

    /// What a client can do itself is in every offer.
    fn offer_own(&self, offer: &mut String) {
        if self.client_no_context_takeover {
            *offer += "; client_no_context_takeover";
        }
        *offer += "; client_max_window_bits";
        if usable(self.client_max_window_bits) < MAX_BITS {
            let _ = write!(offer, "={}", usable(self.client_max_window_bits));
        }
    }

    fn limits_the_server(&self) -> bool {
        self.server_no_context_takeover || usable(self.server_max_window_bits) < MAX_BITS
    }

    /// What a server's answer to our offers agrees on; `None` where it is no answer to them (RFC 7692 7.1).
    pub(crate) fn agree<'a>(&self, answer: impl Iterator<Item = Parameter<'a>>) -> Option<DeflateParameters> {
        let answer = Listed::read(answer)?;
        let server_bits = answer.server_max_window_bits.unwrap_or(MAX_BITS);
        // 7.1.1.1, 7.1.2.1: who accepts an offer with these says so.
        let accepts_limits = server_bits <= usable(self.server_max_window_bits)
            && (answer.server_no_context_takeover || !self.server_no_context_takeover);
        if !accepts_limits && !self.fallback {
            return None;
        }
        let own_bits = usable(self.client_max_window_bits);
        let client_bits = match answer.client_max_window_bits {
            None => own_bits,
            // 7.1.2.2: an answer has a value, and one that is not above that of the offer.
            Some(bits) => bits.filter(|bits| *bits <= own_bits)?,
        };
        Some(DeflateParameters {
            server_no_context_takeover: answer.server_no_context_takeover,
            client_no_context_takeover: answer.client_no_context_takeover || self.client_no_context_takeover,
            server_max_window_bits: server_bits,
            client_max_window_bits: client_bits,
        })
    }
}

/// An answer as a server writes it (RFC 7692 7.1).
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let agreed = &self.agreed;
        f.write_str(NAME)?;
        if agreed.server_no_context_takeover {
            f.write_str("; server_no_context_takeover")?;
        }
        if agreed.client_no_context_takeover {
            f.write_str("; client_no_context_takeover")?;
        }
        if self.names_server_bits || agreed.server_max_window_bits < MAX_BITS {
            write!(f, "; server_max_window_bits={}", agreed.server_max_window_bits)?;
        }
        if agreed.client_max_window_bits < MAX_BITS {
            write!(f, "; client_max_window_bits={}", agreed.client_max_window_bits)?;
        }
        Ok(())
    }
}

/// The parameters of one element of the list.
#[derive(Default)]
struct Listed {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: Option<u8>,
    /// Without a value in an offer, it says that the client can.
    client_max_window_bits: Option<Option<u8>>,
}

impl Listed {
    /// `None` where a parameter is unknown, comes twice, or has a value that it must not have (RFC 7692 7.1).
    fn read<'a>(parameters: impl Iterator<Item = Parameter<'a>>) -> Option<Listed> {
        let mut listed = Listed::default();
        for (name, value) in parameters {
            let unheard = match name {
                b"server_no_context_takeover" if value.is_none() => {
                    !std::mem::replace(&mut listed.server_no_context_takeover, true)
                }
                b"client_no_context_takeover" if value.is_none() => {
                    !std::mem::replace(&mut listed.client_no_context_takeover, true)
                }
                b"server_max_window_bits" => listed.server_max_window_bits.replace(window_bits(value?)?).is_none(),
                b"client_max_window_bits" => {
                    let bits = match value {
                        Some(value) => Some(window_bits(value)?),
                        None => None,
                    };
                    listed.client_max_window_bits.replace(bits).is_none()
                }
                _ => false,
            };
            if !unheard {
                return None;
            }
        }
        Some(listed)
    }
}

/// 8 to 15, in decimal and without leading zeros (RFC 7692 7.1.2).
fn window_bits(value: &[u8]) -> Option<u8> {
    // In a quoted string, a backslash stands before any character (RFC 9110 5.6.4).
    let mut digits = value.iter().copied().filter(|byte| *byte != b'\\');
    match (digits.next(), digits.next(), digits.next()) {
        (Some(digit @ b'8'..=b'9'), None, None) => Some(digit - b'0'),
        (Some(b'1'), Some(digit @ b'0'..=b'5'), None) => Some(10 + digit - b'0'),
        _ => None,
    }
}

fn usable(bits: u8) -> u8 {
    bits.clamp(MIN_BITS, MAX_BITS)
}

/// RFC 7692 7.
pub(crate) const NAME: &str = "permessage-deflate";
/// Raw deflate has no smaller window.
pub(super) const MIN_BITS: u8 = 9;
pub(super) const MAX_BITS: u8 = 15;
