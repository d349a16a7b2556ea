//! A connection whose opening handshake found one of the hixie drafts.

use super::{BEGIN, CLOSE, END, Limits, Read, Reader};
use crate::{
    CloseCode, Closed, Connection, Draft, Event, Kind, Message, Outgoing, SendError, State, Violation,
    event::{Cause, Payload},
};
use alloc::{boxed::Box, string::String};

impl Connection {
    /// From here on the frames are those of the draft that was found.
    pub(crate) fn speak(&mut self, draft: Draft) {
        self.hixie = draft.is_hixie().then(|| Box::new(Reader::new(draft)));
    }

    /// Reads frames until there is an event, the input ends, or the rest must wait.
    pub(crate) fn receive_hixie<'b>(&mut self, input: &mut &'b mut [u8]) -> Result<Option<Event<'b>>, Violation> {
        let limits = Limits { max_frame: self.config.max_frame, max_message: self.config.max_message };
        loop {
            let paused = self.is_paused();
            let Some(reader) = &mut self.hixie else { return Ok(None) };
            if input.is_empty() || (paused && reader.is_between()) {
                return Ok(None);
            }
            match reader.receive(input, limits)? {
                None => {}
                Some(Read::Text(text)) => return Ok(Some(Event::Message(Message::Text(text)))),
                Some(Read::Close) => {
                    if self.state == State::Open {
                        self.push_hixie_close();
                    }
                    let closed = Closed { code: CloseCode::NO_STATUS, reason: String::new(), cause: Cause::Handshake };
                    return Ok(Some(self.end(closed)));
                }
            }
        }
    }

    /// What the end of the transport means. hixie-75 has no other way to close.
    pub(crate) fn ended_by_transport(&self) -> Closed {
        match &self.hixie {
            Some(reader) if reader.draft() == Draft::Hixie75 && reader.is_between() => Closed::lost(Cause::Handshake),
            _ => Closed::lost(Cause::Lost),
        }
    }

    #[cold]
    pub(crate) fn send_hixie(&mut self, message: Outgoing<'_>) -> Result<(), SendError> {
        if message.kind != Kind::Text {
            return Err(SendError::NotInThisDraft);
        }
        self.counting.message_sent(true);
        #[cfg(feature = "std")]
        if let Some(prepared) = message.prepared {
            self.outbox.push_payload(&[], Payload::Shared(prepared.hixie().clone()));
            return Ok(());
        }
        // Text is UTF-8, where no byte is ff.
        self.outbox.push_payload(&[BEGIN], message.payload);
        self.outbox.push(&[END], &[]);
        Ok(())
    }

    /// hixie-76 has a frame that closes, without a code; on hixie-75 the end of the transport is all that there is.
    pub(crate) fn push_hixie_close(&mut self) {
        match self.hixie.as_ref().map(|reader| reader.draft()) {
            Some(Draft::Hixie76) => self.outbox.push_payload(&CLOSE, Payload::Borrowed(&[])),
            _ => self.outbox.finish(),
        }
    }
}
