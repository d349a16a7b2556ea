//! The turn that every driver makes.

use super::{Access, Buffers, FRONT, Front, Input, Output, Stride, front::IN_PLACE};
use crate::{Event, Message, clock, frame::Header};
use std::mem;

// ANCHOR: turn
/// One turn of a driver: feeds what was read, gives the events to `on_event`, and drains the outbox as far as `output`
/// takes it. Afterwards wait for what [`wants_read`](crate::Endpoint::wants_read), [`wants_write`](crate::Endpoint::wants_write)
/// and [`poll_timeout`](crate::Endpoint::poll_timeout) say, unless it [`is_closed`](crate::Endpoint::is_closed); where it
/// [`wants_turn`](crate::Endpoint::wants_turn), come back when others had their turn.
pub fn turn(
    access: &mut Access<'_>,
    buffers: &mut Buffers,
    input: Input,
    output: &mut impl Output,
    on_event: impl FnMut(&mut Access<'_>, Event<'_>),
) {
    begin(access, buffers, input, output);
    go_on(access, buffers, output, &mut OnEvent(on_event));
}

/// The first half of a turn: what the input means.
#[inline]
pub(crate) fn begin(access: &mut Access<'_>, buffers: &mut Buffers, input: Input, output: &mut impl Output) {
    let Buffers { input: read, output: scratch, plain, left, spares, is_there, .. } = buffers;
    if let Access::Direct(endpoint) = access {
        let outbox = endpoint.connection.outbox();
        outbox.lend(scratch);
        mem::swap(&mut outbox.spares, spares);
    }
    access.with(|endpoint| {
        endpoint.connection.begin_turn();
        (left.at, left.end, left.is_plain) = (0, 0, false);
        match input {
            Input::Read(n @ 1..) if *is_there => endpoint.connection.receive_there(n),
            Input::Read(n) => {
                left.stride.read(n);
                endpoint.open(&mut read[..FRONT + n], plain, left);
            }
            Input::Failed => endpoint.connection.receive_error(),
            Input::Nothing => {
                let now = clock::now();
                if endpoint.poll_timeout().is_some_and(|deadline| deadline <= now) {
                    // Whoever was not polled for long finds a socket that takes what was stuck, and that is progress.
                    endpoint.flush(output);
                }
                endpoint.handle_timeout(now);
            }
        }
    });
}

/// The second half: feeds what is left of the input, and drains the outbox. Called again where it panicked in a callback, it
/// goes on behind what that was about.
pub(crate) fn go_on(
    access: &mut Access<'_>,
    buffers: &mut Buffers,
    output: &mut impl Output,
    hearer: &mut impl Hearer,
) {
    let Buffers { input, output: scratch, plain, left, spares, events, .. } = buffers;
    let bytes: &mut [u8] = if left.is_plain { plain } else { input };
    let (bytes, end) = (&mut bytes[..left.end], left.end);
    let is_in_place = matches!(access, Access::Direct(endpoint) if endpoint.layer.is_none());
    let mut is_enough = false;
    loop {
        while !is_enough {
            let (consumed, mut rest) = bytes.split_at_mut(left.at);
            // The commonest event by itself, so that it is made where it is used, and not moved.
            let heard = if let Some(message) =
                access.with(|endpoint| endpoint.connection.receive_message(&mut rest, IN_PLACE))
            {
                left.at = end - rest.len();
                let front = Front::new(is_in_place, consumed, rest.is_empty(), output);
                hearer.message(access, front, message);
                true
            } else {
                // Text that is none is consumed, and told next.
                left.at = end - rest.len();
                let is_all = rest.is_empty() && access.with(|endpoint| endpoint.connection.fast);
                !is_all && hear_other(access, bytes, left, is_in_place, output, hearer)
            };
            if !heard {
                break;
            }
            *events += 1;
            is_enough = access.with(|endpoint| endpoint.connection.has_inflated_much());
            // Better written now than the rest of the input set aside.
            if let Access::Direct(endpoint) = access
                && endpoint.connection.is_paused()
            {
                endpoint.flush_front(&bytes[..left.at], output);
            }
        }
        let again = access.with(|endpoint| {
            if is_enough {
                endpoint.connection.set_aside(&mut &mut bytes[left.at..]);
            }
            left.at = end;
            endpoint.flush_front(bytes, output);
            if endpoint.wants_time() {
                endpoint.handle_timeout(clock::now());
            }
            endpoint.connection.wants_receive()
        });
        if is_enough || !again {
            break;
        }
    }
    if let Access::Direct(endpoint) = access {
        let outbox = endpoint.connection.outbox();
        outbox.reclaim(scratch);
        mem::swap(&mut outbox.spares, spares);
    }
}
// ANCHOR_END: turn

/// Gives the next event to `hearer`, if there is one, and it is no short message.
#[inline(never)]
fn hear_other(
    access: &mut Access<'_>,
    bytes: &mut [u8],
    left: &mut Left,
    is_in_place: bool,
    output: &mut impl Output,
    hearer: &mut impl Hearer,
) -> bool {
    // Each by itself, so that a header stays in registers: what was written to memory in parts would have to be waited for.
    if let Some(header) = access.with(|endpoint| endpoint.connection.whole_message(&bytes[left.at..])) {
        hear_whole(header, access, bytes, left, is_in_place, output, hearer);
        return true;
    }
    if let Some(header) = access.with(|endpoint| endpoint.connection.long_message(&bytes[left.at..])) {
        hear_whole(header, access, bytes, left, is_in_place, output, hearer);
        return true;
    }
    let (consumed, mut rest) = bytes.split_at_mut(left.at);
    let before = rest.len();
    let Some(event) = access.with(|endpoint| endpoint.connection.receive(&mut rest)) else { return false };
    left.at += before - rest.len();
    // Without its last byte: what was consumed may be all there is.
    let room = consumed.split_last_mut().map_or(&mut [][..], |(_, room)| room);
    hearer.event(access, Front::new(is_in_place, room, rest.is_empty(), output), event);
    true
}

/// Gives a message that lies whole in `bytes` to `hearer`.
#[inline(always)]
fn hear_whole(
    header: Header,
    access: &mut Access<'_>,
    bytes: &mut [u8],
    left: &mut Left,
    is_in_place: bool,
    output: &mut impl Output,
    hearer: &mut impl Hearer,
) {
    let from = left.at + header.size;
    left.at = from + header.len;
    left.stride.heard(header.size + header.len);
    let to = access.with(|endpoint| endpoint.unmask(bytes, header, from));
    let is_last = left.at == bytes.len();
    let (consumed, payload) = bytes[..left.at].split_at_mut(to);
    let payload = &mut payload[..header.len];
    // Text that is none is told next.
    if let Some(message) = access.with(|endpoint| endpoint.connection.take_message(header, payload)) {
        hearer.longer_message(access, Front::new(is_in_place, consumed, is_last, output), message);
    }
}

/// Who hears what came.
pub(crate) trait Hearer {
    /// The commonest event: a short message. Replies may go to `front`.
    fn message(&mut self, access: &mut Access<'_>, front: Front<'_>, message: Message<'_>);

    /// A longer message, for who wants short ones on a way of their own.
    fn longer_message(&mut self, access: &mut Access<'_>, front: Front<'_>, message: Message<'_>) {
        self.message(access, front, message);
    }

    /// Any event.
    fn event(&mut self, access: &mut Access<'_>, front: Front<'_>, event: Event<'_>);
}

struct OnEvent<F>(F);

impl<F: FnMut(&mut Access<'_>, Event<'_>)> Hearer for OnEvent<F> {
    fn message(&mut self, access: &mut Access<'_>, _: Front<'_>, message: Message<'_>) {
        (self.0)(access, Event::Message(message));
    }

    fn event(&mut self, access: &mut Access<'_>, _: Front<'_>, event: Event<'_>) {
        (self.0)(access, event);
    }
}

/// What a connection has had of the loop, until others have their turn: reads, and messages, since a read may be thousands.
pub(crate) struct Share(usize);

/// So many reads in a row at most.
pub(crate) const READS: usize = 16;
/// Messages that count as a read more.
pub(crate) const MESSAGES: usize = 64;

impl Share {
    /// Begins with nothing.
    #[inline]
    pub(crate) fn new(buffers: &mut Buffers) -> Self {
        buffers.events = 0;
        buffers.left.stride.end();
        Share(0)
    }

    /// Whether it may have another read.
    #[inline]
    pub(crate) fn is_left(&self) -> bool {
        self.0 < READS
    }

    /// It has had a read, and the turns that this was about.
    #[inline]
    pub(crate) fn spend(&mut self, buffers: &mut Buffers) {
        self.0 += 1 + mem::take(&mut buffers.events) / MESSAGES;
    }
}

/// What of the last read was not consumed yet, and what it tells of the next.
#[derive(Default)]
pub(super) struct Left {
    /// It begins here; before it is room.
    pub(super) at: usize,
    pub(super) end: usize,
    /// It came out of a transport.
    pub(super) is_plain: bool,
    /// Where the next one ends.
    pub(super) stride: Stride,
}
