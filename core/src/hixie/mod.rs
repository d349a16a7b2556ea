//! The framing of hixie-75 and hixie-76, which stands beside `frame`: `00`, UTF-8, `ff`, and nothing else that is of use.
//! (draft-hixie-thewebsocketprotocol-75 4.2 and 5.2, -76 4.2 and 5.3.)
//!
//! `Reader` cuts the bytes into frames; what a connection makes of them is in `connection`.

mod connection;
#[cfg(test)]
mod tests;

use crate::{Draft, Kind, Violation, text::Assembly};
use alloc::{borrow::Cow, string::String};
use core::mem;

/// Cuts bytes into frames. Each byte is looked at once, however the bytes are cut.
#[derive(Debug)]
pub(crate) struct Reader {
    draft: Draft,
    at: At,
    /// The text of a frame that came in pieces, not validated.
    text: Assembly,
    /// Bytes of the frame so far.
    len: usize,
}

/// Where the next byte stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum At {
    /// Between frames.
    Start,
    /// In a frame of type 00.
    Text,
    /// In a frame of type 01-7f, whose payload is discarded up to its `ff`.
    Other,
    /// In the length of a frame of type 80-ff: seven bits in each byte, the most significant first.
    Length { first: u8, length: usize, bytes: u8 },
    /// In its payload, which is discarded.
    Skip { left: usize },
}

/// What a frame means.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Read<'b> {
    Text(Cow<'b, str>),
    /// `ff 00`, on hixie-76.
    Close,
}

/// What a frame may have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) max_frame: usize,
    pub(crate) max_message: usize,
}

impl Reader {
    pub(crate) fn new(draft: Draft) -> Self {
        Reader { draft, at: At::Start, text: Assembly::default(), len: 0 }
    }

    pub(crate) fn draft(&self) -> Draft {
        self.draft
    }

    /// Whether no frame has begun.
    pub(crate) fn is_between(&self) -> bool {
        self.at == At::Start
    }

    /// Reads on, to the end of a frame that means something, to the end of one that does not, or to the end of the input.
    pub(crate) fn receive<'b>(
        &mut self,
        input: &mut &'b mut [u8],
        limits: Limits,
    ) -> Result<Option<Read<'b>>, Violation> {
        match self.at {
            At::Start => {
                let Some(&first) = input.first() else { return Ok(None) };
                take(input, 1);
                self.len = 0;
                self.at = match first {
                    0x00 => At::Text,
                    0x01..=0x7f => At::Other,
                    0x80..=0xff => At::Length { first, length: 0, bytes: 0 },
                };
                // In the same call, so that a text that lies whole in the input is found whole.
                if input.is_empty() { Ok(None) } else { self.receive(input, limits) }
            }
            At::Text => Ok(self.receive_text(input, limits)?.map(Read::Text)),
            At::Other => {
                let (piece, ended) = self.until_ff(input, (limits.max_frame, Violation::FrameTooBig))?;
                self.len += piece.len();
                if ended {
                    self.at = At::Start;
                }
                Ok(None)
            }
            At::Length { first, length, bytes } => self.receive_length(input, limits, first, length, bytes),
            At::Skip { left } => {
                let skipped = left.min(input.len());
                take(input, skipped);
                self.at = if skipped == left { At::Start } else { At::Skip { left: left - skipped } };
                Ok(None)
            }
        }
    }

    fn receive_text<'b>(
        &mut self,
        input: &mut &'b mut [u8],
        limits: Limits,
    ) -> Result<Option<Cow<'b, str>>, Violation> {
        // Whichever limit is reached first, also where all that is too long came at once.
        let limit = match limits.max_message < limits.max_frame {
            true => (limits.max_message, Violation::MessageTooBig),
            false => (limits.max_frame, Violation::FrameTooBig),
        };
        let (piece, ended) = self.until_ff(input, limit)?;
        let whole = self.len == 0;
        self.len += piece.len();
        if ended && whole {
            self.at = At::Start;
            return lossy(Cow::Borrowed(piece), limits).map(Some);
        }
        self.text.push(Kind::Binary, piece, 0, &mut None)?;
        if !ended {
            return Ok(None);
        }
        self.at = At::Start;
        lossy(Cow::Owned(self.text.take_binary()), limits).map(Some)
    }

    /// Takes what there is up to the `ff` that ends a frame, and whether it is there. The `ff` is not returned.
    fn until_ff<'b>(
        &mut self,
        input: &mut &'b mut [u8],
        (most, over): (usize, Violation),
    ) -> Result<(&'b [u8], bool), Violation> {
        // No further than the limit reaches: who sends more is not heard to the end.
        let room = most.saturating_sub(self.len).saturating_add(1);
        let reach = room.min(input.len());
        match find_ff(&input[..reach]) {
            Some(at) => {
                let frame = take(input, at + 1);
                Ok((&frame[..at], true))
            }
            None if reach == room => Err(over),
            None => Ok((take(input, reach), false)),
        }
    }

    fn receive_length<'b>(
        &mut self,
        input: &mut &'b mut [u8],
        limits: Limits,
        first: u8,
        mut length: usize,
        mut bytes: u8,
    ) -> Result<Option<Read<'b>>, Violation> {
        while let Some(&byte) = input.first() {
            take(input, 1);
            bytes += 1;
            length = length.saturating_mul(128).saturating_add(usize::from(byte & 0x7f));
            if length > limits.max_frame || bytes > LENGTH_BYTES {
                return Err(Violation::FrameTooBig);
            }
            if byte & 0x80 == 0 {
                self.at = if length == 0 { At::Start } else { At::Skip { left: length } };
                // hixie-76 5.3: a frame of type ff and length 0 closes; on hixie-75 it is one as any other.
                let closes = first == 0xff && length == 0 && self.draft == Draft::Hixie76;
                return Ok(closes.then_some(Read::Close));
            }
        }
        self.at = At::Length { first, length, bytes };
        Ok(None)
    }
}

/// What is not UTF-8 becomes U+FFFD (hixie-76 4.2, 5.3), and the text is still within the limit.
fn lossy(bytes: Cow<'_, [u8]>, limits: Limits) -> Result<Cow<'_, str>, Violation> {
    let bytes = match bytes {
        Cow::Borrowed(bytes) => match crate::utf8::text(bytes) {
            Some(text) => return Ok(Cow::Borrowed(text)),
            None => Cow::Borrowed(bytes),
        },
        Cow::Owned(bytes) => match String::from_utf8(bytes) {
            Ok(text) => return Ok(Cow::Owned(text)),
            Err(error) => Cow::<[u8]>::Owned(error.into_bytes()),
        },
    };
    let replaced = |invalid: &[u8]| if invalid.is_empty() { 0 } else { char::REPLACEMENT_CHARACTER.len_utf8() };
    let len: usize = bytes.utf8_chunks().map(|chunk| chunk.valid().len() + replaced(chunk.invalid())).sum();
    if len > limits.max_message {
        return Err(Violation::MessageTooBig);
    }
    // As `String::from_utf8_lossy`, but with no more room than it takes.
    let mut text = String::with_capacity(len);
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend((!chunk.invalid().is_empty()).then_some(char::REPLACEMENT_CHARACTER));
    }
    Ok(Cow::Owned(text))
}

/// Where the first `ff` is. `contains` looks at many bytes at a time.
fn find_ff(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    for chunk in bytes.chunks(CHUNK) {
        if chunk.contains(&0xff) {
            return chunk.iter().position(|byte| *byte == 0xff).map(|found| at + found);
        }
        at += chunk.len();
    }
    None
}

fn take<'b>(input: &mut &'b mut [u8], n: usize) -> &'b [u8] {
    let (taken, rest) = mem::take(input).split_at_mut(n);
    *input = rest;
    taken
}

/// A frame as it is sent, without its text: what stands before it.
pub(crate) const BEGIN: u8 = 0x00;
/// And behind it.
pub(crate) const END: u8 = 0xff;
/// The closing handshake of hixie-76.
pub(crate) const CLOSE: [u8; 2] = [0xff, 0x00];

/// As many as 63 bits need: more are leading zeros, which may go on for ever.
const LENGTH_BYTES: u8 = 9;
const CHUNK: usize = 256;
