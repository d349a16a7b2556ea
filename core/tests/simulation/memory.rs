//! What may lie on the heap at any time.

use crate::{
    plan::{Idiom, READ},
    world::World,
};
use timtow_core::State;

impl World {
    /// What holds after every step.
    pub fn check_memory(&mut self) {
        let seed = self.seed;
        let ceilings = [0, 1].map(|n| self.ceiling(n));
        let most = [0, 1].map(|n: usize| {
            // A buffer that grows is copied, and an event owns a message. The state may have changed by it.
            2 * ceilings[n].max(std::mem::replace(&mut self.sides[n].ceiling, ceilings[n]))
        });
        let heaps = [0, 1].map(|n: usize| self.sides[n].heap);
        let peaks = [0, 1].map(|n: usize| std::mem::replace(&mut self.sides[n].peak, heaps[n]));
        let compression = self.compression();
        if compression == 0 {
            for n in [0, 1] {
                let (heap, ceiling, peak, most) = (heaps[n], ceilings[n], peaks[n], most[n]);
                assert!((0..=ceiling).contains(&heap), "seed {seed}: {heap} bytes, not {ceiling}");
                assert!(peak <= most, "seed {seed}: {peak} bytes within a call, not {most}");
            }
            return;
        }
        // What zlib needs is the thread's, or a connection's, as it comes: so both of them and their thread are looked at
        // as one.
        let (heap, ceiling) = (heaps[0] + heaps[1], ceilings[0] + ceilings[1] + compression);
        assert!((0..=ceiling).contains(&heap), "seed {seed}: {heap} bytes, not {ceiling}");
        for n in [0, 1] {
            let (peak, most) = (peaks[n] + heaps[1 - n], most[n] + ceilings[1 - n] + compression);
            assert!(peak <= most, "seed {seed}: {peak} bytes within a call, not {most}");
        }
    }

    /// Nothing is on its way in the directions that are `idle`: their receivers own nothing.
    pub fn check_idle(&self, idle: [bool; 2]) {
        let seed = self.seed;
        let compression = self.compression();
        if compression > 0 {
            let heap = self.sides[0].heap + self.sides[1].heap;
            assert!(idle != [true; 2] || heap <= compression, "seed {seed}: both are idle, and own {heap} bytes");
            return;
        }
        for from in [0, 1] {
            let heap = self.sides[1 - from].heap;
            assert!(!idle[from] || heap == 0, "seed {seed}: it is idle, and owns {heap} bytes");
        }
    }

    /// What a connection may own (see "Memory" in SECURITY.md), each with the quarter that a buffer that grows may be
    /// larger.
    fn ceiling(&self, n: usize) -> isize {
        let side = &self.sides[n];
        let ws = &side.endpoint.connection;
        let (sends, receives) = (self.longest[n], self.longest[1 - n]);
        let stash =
            if side.judge.asks { 2 * (ws.config().high_water + READ.min(side.plan.read)) } else { side.plan.read };
        let waits = (ws.config().high_water + sends) * 5 / 4 + (4 << 10);
        // Who writes by value gets a copy of what lies between two large pieces.
        let written = if side.plan.idiom == Idiom::Taken { ws.config().high_water * 5 / 4 } else { 0 };
        let said = side.plan.echo || self.speaks[n];
        let pongs = (5 << 10) * if side.plan.idiom == Idiom::Taken { 2 } else { 1 } * 5 / 4;
        let outbox = pongs + if said { waits + written } else { 0 };
        let ceiling = match ws.state() {
            State::Connecting | State::Requested => (17 << 10) + stash,
            State::Lingering | State::Closed => outbox,
            State::Open | State::Closing => {
                let assembly = (receives * 5 / 4 + (4 << 10)).max(16 << 10);
                outbox + assembly + stash
            }
        };
        ceiling as isize
    }

    /// What both sides, and their thread, may keep for compression; nothing where they did not agree on it.
    #[cfg(feature = "deflate")]
    fn compression(&self) -> isize {
        let agreed = self.sides.iter().find_map(|side| side.judge.agreed);
        let Some(agreed) = agreed else { return if self.sides[0].wire.compresses { CODECS } else { 0 } };
        let windows = [agreed.server_max_window_bits, agreed.client_max_window_bits];
        // Of each direction: who compresses has what the book says of its size; messages that are prepared need as much once
        // more. Who inflates has up to 64 KiB while a message comes, and the window.
        let directions = windows.map(|bits| 2 * ((152 << 10) + (4 << bits)) + (64 << 10) + (1 << bits));
        CODECS + directions.iter().sum::<isize>()
    }

    #[cfg(not(feature = "deflate"))]
    fn compression(&self) -> isize {
        0
    }
}

/// What two connections own before the first message, and the list of what a thread has to spare.
#[cfg(feature = "deflate")]
const CODECS: isize = 1 << 10;
