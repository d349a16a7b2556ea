//! Two connections, the bytes between them, a clock, and any operations in any order.

mod side;

use crate::{
    alloc,
    drive::{brief, client_request, config},
    reference::{Said, output},
};
use arbitrary::{Arbitrary, Unstructured};
use side::Side;
use std::{sync::Arc, time::Duration};
use timtow_core::{Config, Connection, Rejection, Response, Role, State};

/// What is done, and which side does it.
#[derive(Arbitrary, Clone, Copy, Debug)]
struct Operation {
    client: bool,
    what: What,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum What {
    Send {
        text: bool,
        len: Length,
        owned: bool,
    },
    Fragment {
        text: bool,
        len: Length,
        fin: bool,
    },
    Ping {
        len: u8,
    },
    Close {
        code: u16,
        reason: u8,
    },
    Accept,
    Reject,
    /// So many bytes at most are read.
    Read {
        most: Length,
    },
    /// So many bytes at most are written.
    Write {
        most: Length,
    },
    /// By value, as completion-based drivers do it.
    Take,
    Restore {
        most: Length,
    },
    Hold,
    Release,
    Pass {
        quarters: u8,
    },
    /// The peer half-closes its transport, whatever it was about to send.
    Eof,
    Error,
    /// Both sides do all that they can.
    Settle,
}

/// A length near to where something changes.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Length {
    Short(u8),
    Around(Edge, i8),
    Any(u16),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Edge {
    Extended16,
    Moved,
    Extended64,
    Mark,
}

impl Length {
    fn bytes(self) -> usize {
        match self {
            Length::Short(len) => len.into(),
            Length::Any(len) => usize::from(len) % 3000,
            Length::Around(edge, by) => {
                let edge: usize = match edge {
                    Edge::Extended16 => 126,
                    Edge::Moved => 4096,
                    Edge::Extended64 => 1 << 16,
                    Edge::Mark => 64 << 10,
                };
                edge.saturating_add_signed(by.into())
            }
        }
    }
}

/// Any operations on two connections.
pub fn duplex(data: &[u8]) {
    let mut data = Unstructured::new(data);
    let Ok((opened, small, fragments)) = <(bool, bool, bool)>::arbitrary(&mut data) else { return };
    let configured = || {
        let high_water = if small { 1000 } else { 64 << 10 };
        Arc::new(Config { high_water, fragments: fragments && opened, ..config() })
    };
    let make = |role: Role| {
        let config = configured();
        let before = alloc::owned();
        let ws = match role {
            _ if opened => Connection::upgraded(role, config),
            Role::Server => Connection::server(config),
            Role::Client => Connection::client(client_request(), config).expect("a valid request"),
        };
        Side::new(ws, alloc::owned() - before)
    };
    let mut sides = [make(Role::Server), make(Role::Client)];
    let (mut now, mut harmed) = (Duration::from_secs(1000), false);
    for _ in 0..200 {
        let Ok(operation) = Operation::arbitrary(&mut data) else { break };
        let [server, client] = &mut sides;
        let (side, peer) = if operation.client { (client, server) } else { (server, client) };
        harmed |= apply(operation.what, side, peer, &mut now);
        let largest = sides.iter().map(|side| side.largest).max().unwrap_or(0);
        sides.iter().for_each(|side| side.weigh(largest));
        if data.is_empty() {
            break;
        }
    }
    end(&mut sides, now, harmed, opened);
}

/// Whether it keeps messages from arriving.
fn apply(what: What, side: &mut Side, peer: &mut Side, now: &mut Duration) -> bool {
    match what {
        What::Send { text, len, owned } => side.send(text, len.bytes(), owned),
        What::Fragment { text, len, fin } => side.send_fragment(text, len.bytes(), fin),
        What::Ping { len } => {
            let state = (side.ws.state(), side.ws.ending().is_none());
            let pinged = side.with(|ws| ws.ping(&[7; 255][..len.into()]));
            assert_eq!(pinged.is_ok(), state == (State::Open, true) && len <= 125);
        }
        What::Close { code, reason } => {
            let reason = "r".repeat(reason.into());
            let _ = side.with(|ws| ws.close(code, &reason));
        }
        What::Accept | What::Reject if !side.asked => {}
        What::Accept => {
            side.asked = false;
            let _ = side.with(|ws| ws.accept(Response::default()));
            side.receive(Vec::new());
        }
        What::Reject => {
            side.asked = false;
            let _ = side.with(|ws| ws.reject(&Rejection::new(403)));
            side.receive(Vec::new());
            return true;
        }
        What::Read { most } => drop(side.read(most.bytes())),
        What::Write { most } => drop(side.write(most.bytes(), peer)),
        What::Take if side.taken.is_none() && !side.broken => {
            side.taken = side.with(|ws| ws.outbox().take());
            // It is the kernel's now, and comes back.
            assert!(side.ws.outbox().chunk().is_empty() || side.taken.is_none());
        }
        What::Take => {}
        What::Restore { most } => side.restore(most.bytes(), peer),
        What::Hold => side.with(Connection::hold),
        What::Release => {
            side.with(Connection::release);
            if side.ws.wants_receive() {
                side.receive(Vec::new());
            }
        }
        What::Pass { quarters } => {
            *now += Duration::from_millis(250) * quarters.into();
            // In two steps, as pings and what they wait for are.
            for _ in 0..2 {
                side.with(|ws| ws.handle_timeout(*now));
                side.receive(Vec::new());
            }
            return true;
        }
        What::Eof => {
            side.ended = true;
            side.inbound.clear();
            peer.broken = true;
            return true;
        }
        What::Error => {
            side.broken = true;
            side.eof = true;
            side.with(Connection::receive_error);
            side.receive(Vec::new());
            peer.ended = true;
            return true;
        }
        What::Settle => settle(side, peer, *now),
    }
    false
}

fn settle(side: &mut Side, peer: &mut Side, now: Duration) {
    // What is held or taken stays so.
    for _ in 0..100_000 {
        let moved = side.turn(peer, now);
        if !(peer.turn(side, now) || moved) {
            return;
        }
    }
    panic!("it never settles");
}

/// Everything is let go; then messages must have arrived, in order, and time ends what is left.
fn end(sides: &mut [Side; 2], mut now: Duration, harmed: bool, opened: bool) {
    let [server, client] = sides;
    server.restore(usize::MAX, client);
    client.restore(usize::MAX, server);
    let mut waits = true;
    while waits {
        server.with(Connection::release);
        client.with(Connection::release);
        settle(server, client, now);
        waits = server.asked;
        if std::mem::take(&mut server.asked) {
            let _ = server.with(|ws| ws.accept(Response::default()));
        }
    }
    for (side, peer) in [(&*server, &*client), (&*client, &*server)] {
        assert!(peer.sent.starts_with(&side.received), "lost, repeated or out of order");
        assert!(
            harmed || side.received == peer.sent,
            "not all arrived: {}, {} unread, {} written",
            brief(&side.ws),
            side.inbound.len(),
            peer.wire.len()
        );
    }
    for side in [&mut *server, &mut *client] {
        let _ = side.with(|ws| ws.close(1000, ""));
    }
    for round in 0.. {
        settle(server, client, now);
        let next = [&*server, &*client].into_iter().filter_map(|side| side.ws.poll_timeout()).min();
        let Some(next) = next else { break };
        assert!(round < 100, "it never ends: {} {}", brief(&server.ws), brief(&client.ws));
        now = now.max(next);
    }
    for (side, role) in [(server, Role::Server), (client, Role::Client)] {
        assert!(side.over && side.ws.is_closed(), "no end: {}", brief(&side.ws));
        side.weigh(0);
        side.judge_work();
        let size = if opened { 0 } else { crate::http::head(&side.wire).map_or(side.wire.len(), |head| head.size) };
        let said = if side.wire.starts_with(b"HTTP/1.1 4") { vec![] } else { output(&side.wire[size..], role, harmed) };
        assert!(said.iter().filter(|said| matches!(said, Said::Close(..))).count() <= 1);
    }
}
