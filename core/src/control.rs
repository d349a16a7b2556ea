//! Control frames that came (RFC 6455 5.5).

use crate::{
    CloseCode, Closed, Connection, Event, State, Violation,
    event::Cause,
    frame::{MAX_CONTROL, Opcode},
    receive::Received,
    utf8,
};
use alloc::{borrow::Cow, string::String};

/// The payload of a control frame that came in pieces.
#[derive(Debug)]
pub(crate) struct Control {
    bytes: [u8; MAX_CONTROL],
    len: usize,
}

impl Default for Control {
    fn default() -> Self {
        Control { bytes: [0; MAX_CONTROL], len: 0 }
    }
}

impl Control {
    /// Appends a piece. Its header has said that all fits.
    pub(crate) fn push(&mut self, piece: &[u8]) {
        self.bytes[self.len..self.len + piece.len()].copy_from_slice(piece);
        self.len += piece.len();
    }

    pub(crate) fn payload(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl Connection {
    pub(crate) fn receive_control<'b>(&mut self, opcode: Opcode, payload: Cow<'b, [u8]>) -> Received<'b> {
        match opcode {
            Opcode::Ping => {
                // RFC 6455 5.5.2: a pong answers, unless a close frame has been sent.
                if self.state == State::Open {
                    self.push_pong(&payload);
                }
                Ok(Some(Event::Ping(payload)))
            }
            Opcode::Pong => {
                self.receive_pong(&payload);
                Ok(Some(Event::Pong(payload)))
            }
            _ => self.receive_close(&payload).map(Some),
        }
    }

    /// RFC 6455 5.5.1.
    fn receive_close(&mut self, payload: &[u8]) -> Result<Event<'static>, Violation> {
        let (code, reason) = match payload {
            [] => (CloseCode::NO_STATUS, ""),
            [_] => return Err(Violation::CloseTooShort),
            [high, low, reason @ ..] => {
                let code = CloseCode(u16::from_be_bytes([*high, *low]));
                if !code.is_allowed_on_wire() {
                    return Err(Violation::CloseCodeNotAllowed);
                }
                (code, utf8::text(reason).ok_or(Violation::CloseReasonNotUtf8)?)
            }
        };
        if self.state == State::Open {
            self.push_close(Some(code).filter(|code| *code != CloseCode::NO_STATUS), "");
        }
        Ok(self.end(Closed { code, reason: String::from(reason), cause: Cause::Handshake }))
    }
}
