//! A reader of frames that is slow and obvious: it looks at all bytes that came so far, keeps no state between, and shares
//! no code with the core. It says what must come of any input, and whether an output may stand on the wire.

use timtow_core::{Kind, Role, Violation};

/// What a reader is held to.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of a frame.
    pub frame: usize,
    /// Bytes of a message.
    pub message: usize,
    /// Frames of a message.
    pub fragments: usize,
}

impl Limits {
    /// None at all.
    pub const NONE: Limits = Limits { frame: usize::MAX, message: usize::MAX, fragments: usize::MAX };
}

/// What a frame or a message says, whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Said {
    /// A message.
    Message(Kind, Vec<u8>),
    /// A ping.
    Ping(Vec<u8>),
    /// A pong.
    Pong(Vec<u8>),
    /// A close frame: the code, 1005 where it has none, and the reason.
    Close(u16, String),
    /// What broke the protocol.
    Broken(Violation),
}

/// What came of some bytes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Read {
    /// What they say, up to a close frame or a violation.
    pub said: Vec<Said>,
    /// Bytes that were not looked at: an incomplete frame, or all that is behind the end.
    pub rest: usize,
    /// Bytes so far of a message that has begun and not ended.
    pub message: Option<usize>,
}

/// A header that is complete.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// Whether it is the last frame of its message.
    pub fin: bool,
    /// The opcode.
    pub opcode: u8,
    /// The mask; zeros where there is none.
    pub mask: [u8; 4],
    /// Bytes of the header.
    pub size: usize,
    /// Bytes of the payload.
    pub len: u64,
}

/// The rules for a header (RFC 6455 5.2 to 5.5), in order. `message`: the bytes of the message that is open.
fn check(bytes: &[u8; 14], role: Role, message: Option<usize>, limits: Limits) -> Result<Header, Violation> {
    let (fin, opcode, short) = (bytes[0] & 0x80 != 0, bytes[0] & 0x0f, bytes[1] & 0x7f);
    let control = opcode >= 8;
    let rules = [
        (bytes[0] & 0x70 != 0, Violation::ReservedBits),
        ((3..8).contains(&opcode) || opcode > 10, Violation::ReservedOpcode),
        (control && !fin, Violation::ControlFragmented),
        (opcode == 0 && message.is_none(), Violation::ContinuationWithoutStart),
        ((opcode == 1 || opcode == 2) && message.is_some(), Violation::MessageInsideMessage),
        (role == Role::Server && bytes[1] & 0x80 == 0, Violation::Unmasked),
        (role == Role::Client && bytes[1] & 0x80 != 0, Violation::Masked),
        (control && short > 125, Violation::ControlTooLong),
    ];
    if let Some((_, violation)) = rules.into_iter().find(|(broken, _)| *broken) {
        return Err(violation);
    }
    let (len, extended) = match short {
        126 => (u64::from(u16::from_be_bytes([bytes[2], bytes[3]])), 2),
        127 => (u64::from_be_bytes([2, 3, 4, 5, 6, 7, 8, 9].map(|n| bytes[n])), 8),
        len => (u64::from(len), 0),
    };
    let least = [(0, 0), (2, 126), (8, 1 << 16)].into_iter().find(|(size, _)| *size == extended).map_or(0, |l| l.1);
    let rules = [
        (len >> 63 == 1, Violation::LengthTopBit),
        (len < least, Violation::LengthNotMinimal),
        (!control && len > limits.frame as u64, Violation::FrameTooBig),
        (!control && len > limits.message.saturating_sub(message.unwrap_or(0)) as u64, Violation::MessageTooBig),
    ];
    if let Some((_, violation)) = rules.into_iter().find(|(broken, _)| *broken) {
        return Err(violation);
    }
    let size = 2 + extended;
    match role {
        Role::Client => Ok(Header { fin, opcode, mask: [0; 4], size, len }),
        Role::Server => {
            let mask = [0, 1, 2, 3].map(|n| bytes[size + n]);
            Ok(Header { fin, opcode, mask, size: size + 4, len })
        }
    }
}

/// The header that `bytes` begin with, `None` where it is not complete. A violation is proven when no byte that is still to
/// come can avert it: it is there if these are all zeros, and if all their bits are set.
///
/// # Errors
/// The violation.
pub fn header(bytes: &[u8], role: Role, message: Option<usize>, limits: Limits) -> Result<Option<Header>, Violation> {
    let filled = |fill| {
        let mut all = [fill; 14];
        all.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        check(&all, role, message, limits)
    };
    match (filled(0), filled(0xff)) {
        _ if bytes.is_empty() => Ok(None),
        (Err(a), Err(b)) if a == b => Err(a),
        // Over one limit, and perhaps over another.
        (Err(Violation::MessageTooBig), Err(Violation::FrameTooBig)) => Err(Violation::MessageTooBig),
        (Ok(header), _) if bytes.len() >= header.size => Ok(Some(header)),
        _ => Ok(None),
    }
}

/// Whether `bytes` can be continued so that they are UTF-8; where they are all, whether they are.
fn is_text(bytes: &[u8], all: bool) -> bool {
    match std::str::from_utf8(bytes) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none() && !all,
    }
}

/// What a peer of the sender, which has this `role`, makes of `bytes`.
pub fn read(mut bytes: &[u8], role: Role, limits: Limits) -> Read {
    let mut read = Read::default();
    let (mut message, mut fragments): (Option<(Kind, Vec<u8>)>, usize) = (None, 0);
    loop {
        let open = message.as_ref().map(|(_, payload)| payload.len());
        let end = |read: Read, said: Option<Said>, rest: usize| {
            let said = read.said.into_iter().chain(said).collect();
            Read { said, rest, message: open }
        };
        let header = match header(bytes, role, open, limits) {
            Err(violation) => return end(read, Some(Said::Broken(violation)), bytes.len()),
            Ok(None) => return end(read, None, bytes.len()),
            Ok(Some(header)) => header,
        };
        fragments += usize::from(header.opcode < 8);
        if fragments > limits.fragments {
            return end(read, Some(Said::Broken(Violation::TooManyFragments)), bytes.len());
        }
        let came = usize::try_from(header.len).unwrap_or(usize::MAX).min(bytes.len() - header.size);
        let complete = came as u64 == header.len;
        let payload = bytes[header.size..header.size + came].iter().zip(header.mask.iter().cycle());
        let payload: Vec<u8> = payload.map(|(byte, mask)| byte ^ mask).collect();
        if header.opcode < 8 {
            let (kind, mut whole) =
                message.take().unwrap_or((if header.opcode == 1 { Kind::Text } else { Kind::Binary }, Vec::new()));
            whole.extend(payload);
            if kind == Kind::Text && !is_text(&whole, complete && header.fin) {
                return end(read, Some(Said::Broken(Violation::TextNotUtf8)), bytes.len());
            }
            message = Some((kind, whole));
        } else if complete {
            let said = control(header.opcode, payload);
            if matches!(said, Said::Close(..) | Said::Broken(_)) {
                return end(read, Some(said), bytes.len() - header.size - came);
            }
            read.said.push(said);
        }
        if !complete {
            let message = message.as_ref().map(|(_, payload)| payload.len());
            return Read { message, ..end(read, None, bytes.len()) };
        }
        bytes = &bytes[header.size + came..];
        if header.fin && header.opcode < 8 {
            fragments = 0;
            read.said.extend(message.take().map(|(kind, whole)| Said::Message(kind, whole)));
        }
    }
}

/// RFC 6455 5.5 and 7.4.
fn control(opcode: u8, payload: Vec<u8>) -> Said {
    match (opcode, payload.as_slice()) {
        (9, _) => Said::Ping(payload),
        (10, _) => Said::Pong(payload),
        (_, []) => Said::Close(1005, String::new()),
        (_, [_]) => Said::Broken(Violation::CloseTooShort),
        (_, [high, low, reason @ ..]) => {
            let code = u16::from_be_bytes([*high, *low]);
            match (code, String::from_utf8(reason.to_vec())) {
                (0..1000 | 1004..=1006 | 1015..3000 | 5000.., _) => Said::Broken(Violation::CloseCodeNotAllowed),
                (_, Err(_)) => Said::Broken(Violation::CloseReasonNotUtf8),
                (code, Ok(reason)) => Said::Close(code, reason),
            }
        }
    }
}

/// What our side of this `role` put out: asserts that its peer may be sent all of it, frame by frame. Where `cut` is true the
/// transport was given up, and the last frame need not be whole.
///
/// # Panics
/// If not.
pub fn output(bytes: &[u8], role: Role, cut: bool) -> Vec<Said> {
    let peer = if role == Role::Server { Role::Client } else { Role::Server };
    let Read { said, rest, .. } = read(bytes, peer, Limits::NONE);
    if let Some(Said::Broken(violation)) = said.last() {
        panic!("the output breaks the protocol: {violation}, after {said:?}");
    }
    if let Some(Said::Close(..)) = said.last() {
        assert_eq!(rest, 0, "bytes behind the close frame");
    }
    assert!(rest == 0 || cut, "the output ends inside a frame: {rest} bytes of it, after {said:?}");
    said
}
