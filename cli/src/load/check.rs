//! What comes back, checked: the frames of a server that should echo, parsed without the code under test.

use super::{
    Protocol,
    script::{BINARY, CLOSE, PING, PONG, Script, TEXT},
};

/// The stream from one server connection.
pub(crate) struct Checker {
    /// The first frame of the script on this connection.
    first: u64,
    /// Messages that came back whole.
    pub(crate) messages: u64,
    /// Messages whose content was compared.
    pub(crate) compared: u64,
    /// Bytes of the message that is being received.
    at: usize,
    /// Between the first frame of a fragmented message and its end.
    continuing: bool,
    head: [u8; 10],
    head_len: usize,
    frame: Option<Frame>,
    control: Vec<u8>,
    /// Payloads of pings that want an answer.
    pub(crate) pings: Vec<Vec<u8>>,
    /// A close frame came; nothing may follow.
    pub(crate) closed: bool,
}

/// A frame whose payload is being received.
#[derive(Clone, Copy)]
struct Frame {
    fin: bool,
    opcode: u8,
    left: u64,
}

/// What is wrong with an echo, to be put behind "connection N: ".
pub(crate) type Wrong = String;

impl Checker {
    /// A stream whose first message is number `first` of the script.
    pub(crate) fn new(first: u64) -> Self {
        Checker {
            first,
            messages: 0,
            compared: 0,
            at: 0,
            continuing: false,
            head: [0; 10],
            head_len: 0,
            frame: None,
            control: Vec::new(),
            pings: Vec::new(),
            closed: false,
        }
    }

    /// Takes what was read. `sent` is how many messages were sent whole: more echoes than that are wrong, too.
    pub(crate) fn receive(&mut self, mut input: &[u8], script: &Script, sent: u64) -> Result<(), Wrong> {
        if script.protocol == Protocol::Raw {
            while !input.is_empty() {
                self.content(&mut input, usize::MAX, script, sent)?;
                if self.at == script.message {
                    self.finish();
                }
            }
            return Ok(());
        }
        while !input.is_empty() {
            if self.closed {
                return Err("the server sent bytes after its close frame".into());
            }
            if let Some(frame) = self.frame {
                self.payload(&mut input, frame, script, sent)?;
            } else if !self.whole_echo(&mut input, script, sent)? {
                self.header(&mut input, script, sent)?;
            }
        }
        Ok(())
    }

    /// The common case: a whole echo in a single frame lies in front of us.
    fn whole_echo<'a>(&mut self, input: &mut &'a [u8], script: &Script, sent: u64) -> Result<bool, Wrong> {
        let header = &*script.reply_header;
        if self.head_len > 0 || self.continuing || input.len() < script.reply() || !input.starts_with(header) {
            return Ok(false);
        }
        let (reply, rest) = input.split_at(script.reply());
        *input = rest;
        let mut payload: &'a [u8] = &reply[header.len()..];
        if payload.is_empty() && self.messages >= sent {
            return Err(self.too_many(sent));
        }
        self.content(&mut payload, usize::MAX, script, sent)?;
        self.finish();
        Ok(true)
    }

    /// The next part of a header; the frame begins when it is complete.
    fn header(&mut self, input: &mut &[u8], script: &Script, sent: u64) -> Result<(), Wrong> {
        let wanted = match (self.head_len, self.head[1] & 0x7f) {
            (0 | 1, _) => 2,
            (_, 126) => 4,
            (_, 127) => 10,
            _ => 2,
        };
        let taken = (wanted - self.head_len).min(input.len());
        self.head[self.head_len..self.head_len + taken].copy_from_slice(&input[..taken]);
        self.head_len += taken;
        *input = &input[taken..];
        if self.head_len < 2 {
            return Ok(());
        }
        let length = match self.head[1] & 0x7f {
            126 if self.head_len < 4 => return Ok(()),
            127 if self.head_len < 10 => return Ok(()),
            126 => u64::from(u16::from_be_bytes([self.head[2], self.head[3]])),
            127 => self.head[2..10].iter().fold(0, |length, byte| length << 8 | u64::from(*byte)),
            short => u64::from(short),
        };
        let frame = self.begin(length)?;
        if length == 0 {
            // Nothing follows that would end it.
            self.payload(&mut &[][..], frame, script, sent)?;
        }
        Ok(())
    }

    /// The rules for a header (RFC 6455 5.1, 5.2, 5.4, 5.5).
    fn begin(&mut self, length: u64) -> Result<Frame, Wrong> {
        let [first, second] = [self.head[0], self.head[1]];
        let frame = Frame { fin: first & 0x80 != 0, opcode: first & 0x0f, left: length };
        let shortest = match self.head_len {
            4 => length > 125,
            10 => length > 0xffff,
            _ => true,
        };
        if first & 0x70 != 0 {
            return Err("the server set a reserved bit without an extension (RFC 6455 5.2)".into());
        }
        if second & 0x80 != 0 {
            return Err("the server masked a frame (RFC 6455 5.1)".into());
        }
        if !shortest {
            return Err("the server did not write a length in its shortest form (RFC 6455 5.2)".into());
        }
        match frame.opcode {
            CLOSE | PING | PONG if !frame.fin || length > 125 => {
                return Err("the server sent a control frame that is fragmented or too long (RFC 6455 5.5)".into());
            }
            CLOSE | PING | PONG => {}
            0 if !self.continuing => {
                return Err("the server continued a message that it had not begun (RFC 6455 5.4)".into());
            }
            TEXT | BINARY if self.continuing => {
                return Err("the server began a message inside another (RFC 6455 5.4)".into());
            }
            0 | TEXT | BINARY => {}
            opcode => return Err(format!("the server sent the unknown opcode {opcode} (RFC 6455 5.2)")),
        }
        self.head_len = 0;
        self.frame = Some(frame);
        Ok(frame)
    }

    /// The next part of a frame's payload, which may be empty.
    fn payload(&mut self, input: &mut &[u8], frame: Frame, script: &Script, sent: u64) -> Result<(), Wrong> {
        let before = input.len();
        if frame.opcode >= CLOSE {
            let taken = input.len().min(frame.left as usize);
            self.control.extend_from_slice(&input[..taken]);
            *input = &input[taken..];
        } else {
            if frame.opcode != 0 && !self.continuing {
                self.opcode(frame.opcode, script)?;
                self.continuing = true;
            }
            self.content(input, frame.left.min(usize::MAX as u64) as usize, script, sent)?;
        }
        let left = frame.left - (before - input.len()) as u64;
        self.frame = Some(Frame { left, ..frame });
        if left == 0 {
            self.end(frame, script, sent)?;
        }
        Ok(())
    }

    /// The end of a frame.
    fn end(&mut self, frame: Frame, script: &Script, sent: u64) -> Result<(), Wrong> {
        self.frame = None;
        match frame.opcode {
            CLOSE => self.closed = true,
            PING => self.pings.push(std::mem::take(&mut self.control)),
            PONG => self.control.clear(),
            _ if !frame.fin => {}
            _ if self.at != script.message => {
                return Err(format!(
                    "message {} came back with {} bytes instead of {}",
                    self.messages + 1,
                    self.at,
                    script.message
                ));
            }
            _ if self.messages >= sent => return Err(self.too_many(sent)),
            _ => self.finish(),
        }
        Ok(())
    }

    /// The next part of a message's content, at most `limit` bytes and the rest of the message.
    fn content(&mut self, input: &mut &[u8], limit: usize, script: &Script, sent: u64) -> Result<(), Wrong> {
        let available = input.len().min(limit);
        if available == 0 {
            return Ok(());
        }
        if self.messages >= sent {
            return Err(self.too_many(sent));
        }
        let taken = available.min(script.message - self.at);
        if taken == 0 {
            return Err(format!("message {} came back longer than {} bytes", self.messages + 1, script.message));
        }
        let (part, rest) = input.split_at(taken);
        if self.is_sampled() && part != &script.content(self.first, self.messages)[self.at..self.at + taken] {
            return Err(format!("message {} came back with another content", self.messages + 1));
        }
        self.at += taken;
        *input = rest;
        Ok(())
    }

    fn opcode(&self, opcode: u8, script: &Script) -> Result<(), Wrong> {
        let name = |text: bool| if text { "text" } else { "binary" };
        if (opcode == TEXT) == script.text {
            return Ok(());
        }
        Err(format!(
            "message {} came back as {} although it was {}",
            self.messages + 1,
            name(!script.text),
            name(script.text)
        ))
    }

    fn too_many(&self, sent: u64) -> Wrong {
        format!("more came back than the {sent} messages that were sent")
    }

    fn finish(&mut self) {
        self.compared += u64::from(self.is_sampled());
        self.messages += 1;
        self.at = 0;
        self.continuing = false;
    }

    /// The first message of each connection and one in 64 have their content compared; which, differs by connection.
    fn is_sampled(&self) -> bool {
        self.messages == 0 || (self.messages + self.first).is_multiple_of(64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::script::Header;

    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = Header::new(first & 0x0f, payload.len(), false).to_vec();
        frame[0] = first;
        frame.extend_from_slice(payload);
        frame
    }

    fn script() -> Script {
        Script::new(Protocol::WebSocket, 16, false, 3)
    }

    /// Feeds `stream` in pieces of every size; the outcome must not depend on it.
    fn receive(stream: &[u8], script: &Script, sent: u64) -> Result<Checker, Wrong> {
        let mut outcomes = (1..=stream.len()).map(|piece| {
            let mut checker = Checker::new(0);
            let result = stream.chunks(piece).try_for_each(|part| checker.receive(part, script, sent));
            result.map(|()| checker)
        });
        let first = outcomes.next().unwrap();
        for outcome in outcomes {
            let summary = |outcome: &Result<Checker, Wrong>| match outcome {
                Ok(checker) => Ok((checker.messages, checker.compared, checker.pings.clone(), checker.closed)),
                Err(wrong) => Err(wrong.clone()),
            };
            assert_eq!(summary(&outcome), summary(&first));
        }
        first
    }

    #[test]
    fn echoes_are_counted_whole_or_in_fragments_with_control_frames_between() {
        let script = script();
        let mut stream = frame(0x82, script.content(0, 0));
        stream.extend(frame(0x02, &script.content(0, 1)[..5]));
        stream.extend(frame(0x89, b"ping"));
        stream.extend(frame(0x00, &[]));
        stream.extend(frame(0x80, &script.content(0, 1)[5..]));
        stream.extend(frame(0x82, script.content(0, 2)));
        stream.extend(frame(0x88, &[3, 232]));
        let checker = receive(&stream, &script, 3).unwrap_or_else(|wrong| panic!("{wrong}"));
        assert_eq!((checker.messages, checker.compared, checker.closed), (3, 1, true));
        assert_eq!(checker.pings, [b"ping"]);
    }

    #[test]
    fn wrong_echoes_are_found() {
        let script = script();
        let content = script.content(0, 0);
        let mut other = content.to_vec();
        other[15] ^= 1;
        let mut masked = frame(0x82, content);
        masked[1] |= 0x80;
        let mut long_form = vec![0x82, 126, 0, 16];
        long_form.extend_from_slice(content);
        let mut bytes_after_close = frame(0x88, &[]);
        bytes_after_close.push(0);
        for (stream, wrong) in [
            (frame(0x82, &other), "another content"),
            (frame(0x81, content), "came back as text"),
            (frame(0x82, &content[..15]), "15 bytes instead of 16"),
            (frame(0x82, &[content, b"x"].concat()), "longer than 16"),
            (frame(0x82, &[]), "0 bytes instead of 16"),
            (frame(0xc2, content), "reserved bit"),
            (frame(0x83, content), "unknown opcode 3"),
            (frame(0x80, content), "had not begun"),
            ([frame(0x02, &content[..5]), frame(0x82, content)].concat(), "inside another"),
            (frame(0x09, b""), "control frame"),
            (frame(0x89, &[0; 126]), "control frame"),
            ([frame(0x82, content), frame(0x82, script.content(0, 1))].concat(), "more came back"),
            (masked, "masked"),
            (long_form, "shortest form"),
            (bytes_after_close, "after its close frame"),
        ] {
            let found = receive(&stream, &script, 1).err().unwrap_or_else(|| panic!("not found: {wrong}"));
            assert!(found.contains(wrong), "{found:?} instead of {wrong:?}");
        }
    }

    #[test]
    fn raw_echoes_are_counted_and_compared() {
        let script = Script::new(Protocol::Raw, 16, false, 3);
        let mut stream = [script.content(0, 0), script.content(0, 1)].concat();
        assert_eq!(receive(&stream, &script, 2).map(|checker| checker.messages), Ok(2));
        stream[3] ^= 1;
        assert!(receive(&stream, &script, 2).is_err_and(|wrong| wrong.contains("another content")));
    }

    #[test]
    fn one_echo_in_64_is_compared() {
        let script = script();
        let mut checker = Checker::new(5);
        for number in 0..640 {
            checker.receive(&frame(0x82, script.content(5, number)), &script, 640).unwrap();
        }
        assert_eq!((checker.messages, checker.compared), (640, 11));
    }
}
