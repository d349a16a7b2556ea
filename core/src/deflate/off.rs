//! What stands for compression where the feature `deflate` is off: nothing, so that nobody else has to ask.

use crate::{
    Config, Connection, Kind, Opened, Role, connection::Frame, event::Payload, frame::Opcode, receive::Received,
};
use alloc::boxed::Box;

/// There is none.
#[derive(Debug)]
pub(crate) enum Codec {}

impl Codec {
    pub(crate) fn agreed(_: &Opened, _: Role, _: &Config) -> Option<Box<Codec>> {
        None
    }

    #[cfg(feature = "std")]
    pub(crate) fn prepare<'p>(&mut self, _: &'p crate::Prepared) -> Option<&'p crate::prepared::Framed> {
        None
    }
}

impl Connection {
    #[inline]
    pub(crate) fn has_inflated(&self) -> bool {
        false
    }

    #[cfg(feature = "std")]
    #[inline]
    pub(crate) fn begin_turn(&mut self) {}

    #[cfg(feature = "std")]
    #[inline]
    pub(crate) fn has_inflated_much(&self) -> bool {
        false
    }

    /// Whether nothing can be done for this frame without more input.
    #[inline]
    pub(crate) fn waits(&self, frame: Frame, input: &[u8]) -> bool {
        frame.left > 0 && input.is_empty()
    }

    pub(crate) fn receive_compressed<'b>(&mut self, _: Frame, _: &mut &'b mut [u8]) -> Received<'b> {
        Ok(None)
    }

    #[inline]
    pub(crate) fn push_message(&mut self, kind: Kind, payload: Payload<'_>) {
        self.push_frame(true, kind.into(), payload);
    }

    #[inline]
    pub(crate) fn push_fragment(&mut self, fin: bool, opcode: Opcode, payload: Payload<'_>) {
        self.push_frame(fin, opcode, payload);
    }
}
