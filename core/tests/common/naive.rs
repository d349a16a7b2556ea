//! A decoder of whole byte streams that is obviously right: it takes one field after the other, keeps everything, and looks at
//! text again from its beginning. It shares nothing with the crate but the names of the roles.

use timtow_core::Role;

/// What a stream means to an endpoint.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Decoded {
    /// What the application sees: the letters t, b, i, o for text, binary, ping and pong, and the payload.
    pub events: Vec<(char, Vec<u8>)>,
    pub end: Option<End>,
}

#[derive(Clone, PartialEq, Debug)]
pub enum End {
    /// The peer closed, with this code, and this reason.
    Closed(Option<u16>, Vec<u8>),
    /// The peer broke the protocol, and is sent this code.
    Violated(u16),
}

/// What the endpoint accepts.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub frame: u64,
    pub message: u64,
}

/// The code of a violation, or nothing: the stream ends inside a frame, and nothing is wrong so far.
type Stop = Option<u16>;

pub fn decode(role: Role, stream: &[u8], limits: Limits) -> Decoded {
    let mut decoded = Decoded::default();
    let mut message = None;
    let mut rest = stream;
    while decoded.end.is_none() {
        match frame(role, &mut rest, limits, &mut message, &mut decoded) {
            Ok(()) => {}
            Err(Some(code)) => decoded.end = Some(End::Violated(code)),
            Err(None) => break,
        }
    }
    decoded
}

fn byte(rest: &mut &[u8]) -> Result<u8, Stop> {
    let (first, behind) = rest.split_first().ok_or(None)?;
    *rest = behind;
    Ok(*first)
}

fn frame(
    role: Role,
    rest: &mut &[u8],
    limits: Limits,
    message: &mut Option<(char, Vec<u8>)>,
    decoded: &mut Decoded,
) -> Result<(), Stop> {
    // The first byte.
    let first = byte(rest)?;
    let (fin, opcode) = (first & 0x80 != 0, first & 0x0f);
    if first & 0x70 != 0 || !matches!(opcode, 0 | 1 | 2 | 8 | 9 | 10) {
        return Err(Some(1002));
    }
    let control = opcode >= 8;
    if (control && !fin) || (!control && (opcode == 0) != message.is_some()) {
        return Err(Some(1002));
    }
    // The second one.
    let second = byte(rest)?;
    if (second & 0x80 != 0) != (role == Role::Server) || (control && second & 0x7f > 125) {
        return Err(Some(1002));
    }
    // The length, of which each byte may prove that it is too long, or in a form that is.
    let (size, least) = match second & 0x7f {
        126 => (2, 126),
        127 => (8, 65_536),
        _ => (0, 0),
    };
    let mut len = u128::from(second & 0x7f);
    if size > 0 {
        len = 0;
    }
    let so_far = message.as_ref().map_or(0, |(_, bytes)| bytes.len() as u64);
    for missing in (0..=size).rev() {
        if missing < size {
            len = len << 8 | u128::from(byte(rest)?);
        }
        let shortest = len << (8 * missing);
        let longest = shortest + (1 << (8 * missing)) - 1;
        if shortest >= 1 << 63 || longest < least {
            return Err(Some(1002));
        }
        if !control && (shortest > u128::from(limits.frame) || shortest > u128::from(limits.message - so_far)) {
            return Err(Some(1009));
        }
    }
    // The mask, and the payload.
    let mask = if role == Role::Server { [byte(rest)?, byte(rest)?, byte(rest)?, byte(rest)?] } else { [0; 4] };
    let mut payload = Vec::new();
    while (payload.len() as u128) < len && !rest.is_empty() {
        payload.push(byte(rest)? ^ mask[payload.len() % 4]);
    }
    let whole = payload.len() as u128 == len;
    if control {
        return if whole { control_frame(opcode, payload, decoded) } else { Err(None) };
    }
    let kind = if opcode == 1 { 't' } else { 'b' };
    let (kind, bytes) = message.get_or_insert((kind, Vec::new()));
    bytes.extend(payload);
    if *kind == 't'
        && let Err(error) = std::str::from_utf8(bytes)
        && (error.error_len().is_some() || (whole && fin))
    {
        return Err(Some(1007));
    }
    if !whole {
        return Err(None);
    }
    if fin {
        decoded.events.extend(message.take());
    }
    Ok(())
}

fn control_frame(opcode: u8, payload: Vec<u8>, decoded: &mut Decoded) -> Result<(), Stop> {
    match (opcode, &payload[..]) {
        (9, _) => decoded.events.push(('i', payload)),
        (10, _) => decoded.events.push(('o', payload)),
        (_, []) => decoded.end = Some(End::Closed(None, payload)),
        (_, [_]) => return Err(Some(1002)),
        (_, [high, low, reason @ ..]) => {
            let code = u16::from_be_bytes([*high, *low]);
            if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
                return Err(Some(1002));
            }
            if std::str::from_utf8(reason).is_err() {
                return Err(Some(1007));
            }
            decoded.end = Some(End::Closed(Some(code), reason.to_vec()));
        }
    }
    Ok(())
}
