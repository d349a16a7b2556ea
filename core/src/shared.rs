//! Payloads that others own, too: sent as they are.

use crate::{Kind, Outgoing, OwnedMessage, Text, event::Payload};
use alloc::{string::String, sync::Arc, vec::Vec};
use bytes::Bytes;

/// The bytes of what is shared, without a copy.
pub(crate) fn bytes<T: ?Sized>(payload: Arc<T>) -> Bytes
where
    Owner<T>: AsRef<[u8]> + Send + 'static,
{
    Bytes::from_owner(Owner(payload))
}

/// Gives [`Bytes`] a slice where there is only a reference to what holds it.
pub(crate) struct Owner<T: ?Sized>(Arc<T>);

impl AsRef<[u8]> for Owner<str> {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl AsRef<[u8]> for Owner<String> {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl AsRef<[u8]> for Owner<[u8]> {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for Owner<Vec<u8>> {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

macro_rules! messages_of {
    ($($kind:ident, $convert:path: $($from:ty),*;)*) => {
        $($(impl From<Arc<$from>> for Outgoing<'_> {
            fn from(payload: Arc<$from>) -> Self {
                Outgoing::new(Kind::$kind, Payload::Shared(bytes(payload)))
            }
        }

        impl From<Arc<$from>> for OwnedMessage {
            fn from(payload: Arc<$from>) -> Self {
                OwnedMessage::$kind($convert(payload))
            }
        })*)*
    };
}

messages_of! {
    Text, Text::from: str, String;
    Binary, bytes: [u8], Vec<u8>;
}
