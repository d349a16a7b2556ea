//! One connection that behaves badly beside the others, to see what becomes of them.

use mio::{Registry, event::Event};

use super::{Plan, Protocol, Shared, opening::Opening, peer::Peer, peer::Stage, script::Script};
use crate::{echo::BLOCK, failure::Result};

/// How a guest behaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Manners {
    /// The handler of each of its messages blocks its thread (`timtow serve --app blocking`); the next one is sent when the
    /// answer is there.
    Blocks,
    /// It sends, and never reads.
    Stalls,
    /// It has thousands of messages in flight, always.
    Floods,
}

/// A guest.
pub(crate) struct Guest {
    manners: Manners,
    peer: Peer,
    shared: Shared,
    /// The server has ended its connection, as it may.
    gone: bool,
}

/// What a guest did.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Visit {
    /// Messages that came back to it.
    pub(crate) messages: u64,
    /// Bytes that the server, and the system for it, took from it.
    pub(crate) sent: u64,
}

impl Guest {
    /// Begins to connect, under the token `slot`.
    pub(crate) fn connect(manners: Manners, plan: &Plan, slot: usize, registry: &Registry) -> Result<Self> {
        let script = match manners {
            Manners::Blocks => Script::say(Protocol::WebSocket, [BLOCK.to_owned()]),
            Manners::Stalls => Script::new(Protocol::WebSocket, STALLED_SIZE, false, plan.seed),
            Manners::Floods => Script::new(Protocol::WebSocket, plan.size, false, plan.seed),
        };
        let opening = Opening::new(plan.protocol, &plan.target);
        let shared = Shared { target: plan.target.clone(), opening, script };
        let peer = Peer::connect(0, slot, &shared, registry)?;
        Ok(Guest { manners, peer, shared, gone: false })
    }

    /// The opening handshake is complete.
    pub(crate) fn is_open(&self) -> bool {
        self.peer.stage == Stage::Open
    }

    /// Begins to behave.
    pub(crate) fn begin(&mut self, now: u64) -> Result<()> {
        let messages = match self.manners {
            Manners::Blocks => 1,
            Manners::Stalls => STALLED_MESSAGES,
            Manners::Floods => FLOOD,
        };
        self.peer.ask(messages, now);
        self.peer.flush(&self.shared)
    }

    /// Does what its socket is ready for, in its manner.
    pub(crate) fn turn(&mut self, event: &Event, now: u64, input: &mut [u8]) -> Result<()> {
        if self.manners == Manners::Stalls && self.is_open() {
            // The server may lose its patience with it; that is not wrong.
            self.gone |= event.is_writable() && self.peer.flush(&self.shared).is_err();
            return Ok(());
        }
        let before = self.peer.messages();
        self.peer.turn(event, &self.shared, input)?;
        let released = self.peer.messages() - before;
        if released > 0 {
            self.peer.settle(before, now, |_, _| {});
            self.peer.ask(released, now);
            self.peer.flush(&self.shared)?;
        }
        Ok(())
    }

    /// What it did so far.
    pub(crate) fn visit(&self) -> Visit {
        Visit { messages: self.peer.messages(), sent: self.peer.sent() }
    }
}

/// Payload bytes of what is never read.
pub(crate) const STALLED_SIZE: usize = 64 << 10;
/// More is not sent to a server that takes it all: 64 MiB.
pub(crate) const STALLED_MESSAGES: u64 = 1024;
/// Messages that a flooder has in flight.
pub(crate) const FLOOD: u64 = 16 << 10;
