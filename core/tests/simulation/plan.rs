//! What a run is to do, made of its seed.

use crate::{
    common::chance::Chance,
    content::{Item, LONGEST},
    pipe::Broken,
};
use std::time::Duration;
use timtow_core::Kind;

/// A run.
#[derive(Debug)]
pub struct Plan {
    pub sides: [SidePlan; 2],
    /// Bytes and latency of each direction.
    pub pipes: [(usize, Duration); 2],
    pub fault: Fault,
    /// At which step.
    pub fault_at: usize,
    /// What writing to one who is gone does.
    pub broken: Broken,
    /// The deadlines are on.
    pub timed: bool,
    /// The application refuses the request.
    pub rejects: bool,
    /// How each side would compress, where the feature is there; both do, or none.
    pub compression: Option<[Compression; 2]>,
}

/// How one side would compress.
#[cfg_attr(not(feature = "deflate"), expect(dead_code, reason = "then nobody compresses"))]
#[derive(Clone, Copy, Debug)]
pub struct Compression {
    /// Without takeover, of the server and of the client.
    pub apart: [bool; 2],
    /// The bits of their windows.
    pub bits: [u8; 2],
    pub level: u8,
    pub threshold: usize,
}

/// One side of it.
#[derive(Debug)]
pub struct SidePlan {
    pub idiom: Idiom,
    /// Events wait to be asked for.
    pub asks: bool,
    /// Sends back what comes.
    pub echo: bool,
    /// Its turn comes late.
    pub slow: bool,
    /// Takes fragments as they come.
    pub fragments: bool,
    pub high_water: usize,
    /// Bytes of one read, and of one write, at most.
    pub read: usize,
    pub write: usize,
    /// In order, from the last to the first.
    pub script: Vec<Act>,
}

/// How a driver takes the output.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Idiom {
    Chunks,
    /// With a scratch buffer that is lent, and several slices to a write.
    Lent,
    /// By value, with the write under way between two turns.
    Taken,
    /// What the drivers of the adapters do.
    Turn,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    None,
    /// Reading and writing fail on both sides.
    Reset,
    /// One direction ends, and what was under way arrives, or does not.
    Cut {
        direction: usize,
        lose: bool,
    },
    /// Nothing moves any more, in one direction or in both.
    Hole {
        direction: Option<usize>,
    },
}

/// What an application does by itself.
#[derive(Clone, Copy, Debug)]
pub enum Act {
    Send(Item, Form),
    /// From here to there of it, as a fragment.
    Piece(Item, usize, usize),
    /// With this number, and so many bytes.
    Ping(u64, usize),
    Wait(Duration),
    Close(u16, &'static str),
}

/// In what form a message is handed over.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    Borrowed,
    Owned,
    Shared,
    Prepared,
}

impl Plan {
    pub fn new(chance: &mut Chance) -> Self {
        let fault = match chance.below(100) {
            0..60 => Fault::None,
            60..70 => Fault::Reset,
            70..85 => Fault::Cut { direction: chance.below(2), lose: chance.percent(50) },
            _ => Fault::Hole { direction: chance.pick(&[None, Some(0), Some(1)]) },
        };
        let hole = matches!(fault, Fault::Hole { .. });
        let timed = hole || chance.percent(50);
        let closer = chance.below(3);
        let mut sides = [0, 1].map(|side| SidePlan::new(chance, closer == side || closer == 2));
        // So that all fits through in a few hundred steps, and within the deadlines.
        let total: usize = sides.iter().map(SidePlan::bytes).sum();
        // Two who send back what comes never come to rest.
        sides[1].echo &= !sides[0].echo;
        // Two who read nothing until what they sent is taken would wait for each other until the write deadline; what keeps them
        // from it is that one of them has room for all that it sends.
        sides[chance.below(2)].high_water = 2 * total + 10_000;
        for side in &mut sides {
            side.read = side.read.clamp(1 + total / 150, READ);
            side.write = side.write.max(1 + total / 150);
        }
        let pipes = [0, 1].map(|_| {
            let latency = Duration::from_millis(chance.pick(&[0, 0, 1, 20]));
            let least = if latency > Duration::ZERO { 1 + total / 40 } else { 1 + total / 1000 };
            (chance.pick(&[1, 10, 500, 5000, 65_536]).max(least), latency)
        });
        let latest = chance.pick(&[10, 60, 400]);
        let fault_at = chance.below(latest);
        Plan {
            sides,
            pipes,
            fault,
            fault_at,
            broken: chance.pick(&[Broken::Silently, Broken::WithAnError]),
            timed,
            rejects: chance.percent(3),
            compression: chance.percent(25).then(|| [0, 1].map(|_| Compression::new(chance))),
        }
    }
}

impl Compression {
    fn new(chance: &mut Chance) -> Self {
        Compression {
            apart: [0, 1].map(|_| chance.percent(30)),
            bits: [0, 1].map(|_| chance.pick(&[9, 10, 12, 15, 15])),
            level: chance.pick(&[0, 1, 6, 9]),
            threshold: chance.pick(&[0, 0, 100, 4000]),
        }
    }

    #[cfg(feature = "deflate")]
    pub fn configured(&self) -> timtow_core::Deflate {
        timtow_core::Deflate {
            server_no_context_takeover: self.apart[0],
            client_no_context_takeover: self.apart[1],
            server_max_window_bits: self.bits[0],
            client_max_window_bits: self.bits[1],
            level: self.level,
            threshold: self.threshold,
            ..timtow_core::Deflate::default()
        }
    }
}

impl SidePlan {
    fn new(chance: &mut Chance, closes: bool) -> Self {
        let mut script = Vec::new();
        let count = chance.pick(&[0, 1, 3, 3, 12, 12, 40, 400]);
        // Long messages are dear; few runs have them, and then few.
        let most = chance.pick(&[20, 200, 200, 200, 5000, 5000, LONGEST]);
        let (mut budget, mut pinged) = (LONGEST + LONGEST / 2, 0);
        for number in 0..count {
            match chance.below(12) {
                0 => script.push(Act::Wait(Duration::from_millis(chance.pick(&[1, 100, 25_000, 70_000])))),
                1 => {
                    let len = chance.pick(&[8, 8, 125]);
                    for _ in 0..chance.pick(&[1, 1, 3, 3, 40, 150]) {
                        pinged += 1;
                        script.push(Act::Ping(pinged, len));
                    }
                }
                _ => {}
            }
            let most = chance.pick(&[0, 3, 125, 126, most, most]).min(budget);
            let item = Item::new(number, chance.pick(&[Kind::Text, Kind::Binary]), chance.between(most / 2, most));
            budget -= item.len;
            if chance.percent(70) {
                script.push(Act::Send(item, chance.pick(&[Form::Borrowed, Form::Owned, Form::Shared, Form::Prepared])));
                continue;
            }
            let mut from = 0;
            for _ in 0..chance.below(6) {
                let to = chance.between(from, item.len);
                script.push(Act::Piece(item, from, to));
                from = to;
                if chance.percent(20) {
                    pinged += 1;
                    script.push(Act::Ping(pinged, 8));
                }
            }
            // The last one, which ends the message, even if nothing is left for it.
            script.push(Act::Piece(item, from, usize::MAX));
        }
        if closes {
            let behind = script.len() - if chance.percent(30) { chance.below(script.len() + 1) } else { 0 };
            script.truncate(behind);
            let code = chance.pick(&[1000, 1001, 1005, 3000, 4999]);
            script.push(Act::Close(code, if code == 1005 { "" } else { chance.pick(&["", "bye", "tschüß"]) }));
        }
        script.reverse();
        let fragments = chance.percent(20);
        SidePlan {
            idiom: chance.pick(&[Idiom::Chunks, Idiom::Lent, Idiom::Taken, Idiom::Turn]),
            asks: chance.percent(25) && !fragments,
            echo: chance.percent(25),
            slow: chance.percent(25),
            fragments,
            high_water: chance.pick(&[0, 1, 100, 4096, 65_536]),
            read: chance.pick(&[1, 20, 1000, READ]),
            write: chance.pick(&[1, 20, 1000, READ]),
            script,
        }
    }

    /// All that it sends by itself, or is sent for it.
    fn bytes(&self) -> usize {
        let bytes = self.script.iter().map(|act| match act {
            Act::Send(item, _) => item.len + 14,
            Act::Piece(item, from, to) => (*to).min(item.len) - from + 14,
            Act::Ping(_, len) => len + 14,
            Act::Wait(_) | Act::Close(..) => 20,
        });
        bytes.sum()
    }

    /// The longest message that it sends by itself.
    pub fn longest(&self) -> usize {
        let items = self.script.iter().map(|act| match act {
            Act::Send(item, _) | Act::Piece(item, ..) => item.len,
            _ => 0,
        });
        items.max().unwrap_or(0)
    }

    /// How many messages it sends by itself.
    pub fn messages(&self) -> usize {
        self.script.iter().filter(|act| matches!(act, Act::Send(..) | Act::Piece(_, _, usize::MAX))).count()
    }
}

/// The largest buffer to read with.
pub const READ: usize = 64 << 10;
