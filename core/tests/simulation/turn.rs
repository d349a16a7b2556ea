//! The turn that the drivers of all adapters make, with the pipes for a socket.

use crate::{
    common::alloc,
    pipe::Moved,
    side::{Side, Surroundings},
    wire::Wire,
};
use std::io::{self, IoSlice};
use timtow_core::{Access, Buffers, Input, Output, clock, turn};

impl Side {
    /// As the drivers do it: what is due goes before what came. Whether anything moved.
    pub fn turn_of_the_core(&mut self, world: &mut Surroundings<'_>) -> bool {
        let now = world.now;
        clock::simulate(Some(now));
        let mut moved = false;
        if self.endpoint.poll_timeout().is_some_and(|deadline| deadline <= now) {
            self.turn_about(world, |_, _| Some(Input::Nothing));
            moved = true;
        }
        moved |= self.turn_about(world, |room, world| {
            let most = world.chance.between(1, room.len());
            match world.inbound.read(&mut room[..most], now) {
                Moved::Bytes(n) => Some(Input::Read(n)),
                Moved::End => Some(Input::Read(0)),
                Moved::Error => Some(Input::Failed),
                Moved::Blocked => None,
            }
        });
        let asks = self.endpoint.poll_timeout();
        assert!(asks.is_none_or(|deadline| deadline > now), "a busy loop: {asks:?} at {now:?}");
        moved
    }

    /// One turn about what `read` has put into the buffer, if the endpoint wants to be read to. The loop's buffers are made
    /// for the turn and dropped behind it, so that all which is left on the heap is the connection's.
    fn turn_about(
        &mut self,
        world: &mut Surroundings<'_>,
        read: impl FnOnce(&mut [u8], &mut Surroundings<'_>) -> Option<Input>,
    ) -> bool {
        let before = alloc::owned();
        let mut buffers = Buffers::new(self.plan.read);
        let wants = self.endpoint.wants_read();
        let input = if wants { read(self.endpoint.room(&mut buffers), world) } else { None };
        let moved = input.is_some();
        let Side { endpoint, judge, wire, shut, plan, .. } = self;
        let mut socket = Socket { world, wire, shut, most: plan.write, moved };
        let ((), _, peak) = alloc::cost(|| {
            let mut access = Access::Direct(endpoint);
            turn(&mut access, &mut buffers, input.unwrap_or(Input::Nothing), &mut socket, |access, event| {
                access.with(|endpoint| judge.event(&mut endpoint.connection, event));
            });
        });
        let moved = socket.moved;
        drop(buffers);
        self.peak = self.peak.max(self.heap + peak);
        self.heap += alloc::owned() - before;
        moved
    }
}

/// A socket for `turn`. What it and those who watch it need is not the connection's.
struct Socket<'s, 'w> {
    world: &'s mut Surroundings<'w>,
    wire: &'s mut Wire,
    shut: &'s mut bool,
    most: usize,
    moved: bool,
}

impl Output for Socket<'_, '_> {
    fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let most = self.world.chance.between(1, self.most);
        let moved = alloc::uncounted(|| {
            let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).take(most).collect();
            let moved = self.world.outbound.write(&bytes, self.world.now);
            if let Moved::Bytes(n) = moved {
                self.wire.watch(&bytes[..n]);
            }
            moved
        });
        match moved {
            Moved::Bytes(n) => {
                self.moved = true;
                Ok(n)
            }
            Moved::Error => {
                self.moved = true;
                Err(io::ErrorKind::BrokenPipe.into())
            }
            Moved::Blocked | Moved::End => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    fn shutdown(&mut self) -> io::Result<()> {
        *self.shut = true;
        self.world.outbound.ended = true;
        self.moved = true;
        Ok(())
    }
}
