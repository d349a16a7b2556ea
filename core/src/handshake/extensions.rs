//! `Sec-WebSocket-Extensions` (RFC 6455 9.1): what a client offers, and a server chooses.

#[cfg(feature = "deflate")]
use super::headers::write_field;
use super::{HandshakeFailure, Headers, Opened, Refusal, list};
use crate::Config;
use alloc::vec::Vec;

/// What a server has chosen of the offers.
#[derive(Debug, Default)]
pub(super) struct Chosen {
    #[cfg(feature = "deflate")]
    deflate: Option<crate::deflate::Answer>,
}

/// RFC 6455 4.2.1, item 9. An offer that cannot be accepted is declined, and the next is looked at (RFC 7692 5.1).
pub(super) fn choose(headers: &Headers, config: &Config) -> Result<Chosen, Refusal> {
    let mut chosen = Chosen::default();
    let valid = list::extensions(headers.values(NAME), |offer| chosen.consider(&offer, config));
    match valid || !headers.contains(NAME) {
        true => Ok(chosen),
        false => Err(Refusal::new(400, "Sec-WebSocket-Extensions is not a list of extensions")),
    }
}

/// What a client offers (RFC 6455 9.1).
pub(super) fn write_offers(_to: &mut Vec<u8>, _config: &Config) {
    #[cfg(feature = "deflate")]
    if let Some(deflate) = _config.deflate {
        write_field(_to, NAME, &deflate.offers());
    }
}

/// RFC 6455 4.1, item 5: what the server chose was offered, and was chosen once.
pub(super) fn check(
    headers: &Headers,
    offered: bool,
    config: &Config,
    opened: &mut Opened,
) -> Result<(), HandshakeFailure> {
    if !headers.contains(NAME) {
        return Ok(());
    }
    let mut valid = true;
    let listed = list::extensions(headers.values(NAME), |answer| valid = agree(&answer, config, opened) && valid);
    if offered && listed && valid { Ok(()) } else { Err(HandshakeFailure::Extension) }
}

#[cfg(not(feature = "deflate"))]
fn agree(_: &list::Extension<'_>, _: &Config, _: &mut Opened) -> bool {
    false
}

#[cfg(feature = "deflate")]
fn agree(answer: &list::Extension<'_>, config: &Config, opened: &mut Opened) -> bool {
    let Some(deflate) = config.deflate.filter(|_| answer.name == DEFLATE && opened.deflate.is_none()) else {
        return false;
    };
    opened.deflate = deflate.agree(answer.parameters());
    opened.deflate.is_some()
}

impl Chosen {
    #[cfg(not(feature = "deflate"))]
    fn consider(&mut self, _: &list::Extension<'_>, _: &Config) {}

    #[cfg(feature = "deflate")]
    fn consider(&mut self, offer: &list::Extension<'_>, config: &Config) {
        if let (None, Some(deflate), DEFLATE) = (self.deflate, config.deflate, offer.name) {
            self.deflate = deflate.accept(offer.parameters());
        }
    }

    /// Writes the server's answer (RFC 6455 4.2.2, item 5.6), and says it to the application.
    pub(super) fn write(&self, _answer: &mut Vec<u8>, _opened: &mut Opened) {
        #[cfg(feature = "deflate")]
        if let Some(deflate) = self.deflate {
            write_field(_answer, NAME, &std::format!("{deflate}"));
            _opened.deflate = Some(deflate.agreed);
        }
    }
}

const NAME: &str = "Sec-WebSocket-Extensions";
#[cfg(feature = "deflate")]
const DEFLATE: &[u8] = crate::deflate::NAME.as_bytes();
