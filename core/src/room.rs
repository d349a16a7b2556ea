//! The rest of a large frame, which is read to where its message is put together.

use crate::{Connection, Role, mask};

impl Connection {
    /// Where the next bytes may be read to, if nothing but the rest of a large frame can come there: nobody need copy them.
    /// [`receive_there`](Connection::receive_there) says how many came.
    pub(crate) fn room(&mut self) -> Option<&mut [u8]> {
        let frame = self.frame?;
        if frame.left < ROOM || frame.opcode.is_control() || self.compressed || self.config.fragments || self.held {
            return None;
        }
        self.assembly.room(frame.left)
    }

    /// So many bytes were read to the [`room`](Connection::room).
    pub(crate) fn receive_there(&mut self, n: usize) {
        let (Some(frame), Some(kind)) = (&mut self.frame, self.message) else { return };
        frame.left -= n;
        let (mask, is_masked) = (&mut frame.mask, self.role == Role::Server);
        self.timers.heard = true;
        self.counting.bytes_received(n);
        let filled = self.assembly.fill(kind, n, |piece| {
            if is_masked {
                *mask = mask::apply(piece, *mask);
            }
        });
        if let Err(violation) = filled {
            self.fail_soon(violation);
        }
    }
}

/// Of a frame's rest so much is read for itself. Behind less other frames may come in the same read.
const ROOM: usize = 64 << 10;
