//! Compression (RFC 7692, permessage-deflate): `parameters` is what was agreed on, `inflate` and `compress` are the two
//! directions, and `messages` is what a [`Connection`](crate::Connection) does with them.

mod compress;
mod inflate;
mod messages;
mod parameters;

pub(crate) use compress::SIZES;
pub(crate) use parameters::{Answer, NAME};
pub use parameters::{Deflate, DeflateParameters};

use crate::{Config, Opened, Prepared, Role, prepared::Framed};
use compress::Compressor;
use inflate::Inflater;

/// Both directions of one connection.
#[derive(Debug)]
pub(crate) struct Codec {
    compressor: Compressor,
    inflater: Inflater,
    /// Bytes that were inflated in this turn.
    inflated: usize,
}

impl Codec {
    /// What an opening handshake has agreed on.
    pub(crate) fn agreed(opened: &Opened, role: Role, config: &Config) -> Option<Box<Codec>> {
        opened.deflate.map(|agreed| Codec::new(agreed, role, config))
    }

    /// Nothing is allocated for it until there is something to compress, or to inflate.
    pub(crate) fn new(agreed: DeflateParameters, role: Role, config: &Config) -> Box<Codec> {
        let DeflateParameters {
            server_no_context_takeover,
            client_no_context_takeover,
            server_max_window_bits,
            client_max_window_bits,
        } = agreed;
        let server = (server_max_window_bits, !server_no_context_takeover);
        let client = (client_max_window_bits, !client_no_context_takeover);
        let ((own_bits, own_takeover), (bits, takeover)) = match role {
            Role::Server => (server, client),
            Role::Client => (client, server),
        };
        let Deflate { level, threshold, .. } = config.deflate.unwrap_or_default();
        Box::new(Codec {
            compressor: Compressor::new(own_bits, own_takeover, level, threshold),
            inflater: Inflater::new(bits, takeover),
            inflated: 0,
        })
    }
}

impl Codec {
    /// The frame of a message that is compressed by itself; `None` where it is sent as it is.
    pub(crate) fn prepare<'p>(&mut self, prepared: &'p Prepared) -> Option<&'p Framed> {
        let mut apart = self.compressor.apart(prepared.as_bytes().len())?;
        let framed = prepared.compressed(apart.size(), |message| apart.compress(message))?;
        self.compressor.forget();
        Some(framed)
    }
}

/// What ends every flush, and is left out at the end of a message (RFC 7692 7.2.1).
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];
