//! Connections that have said something once and are silent now: what do they cost?

use super::{
    Observer, Plan,
    fleet::{Fleet, MILLISECOND},
};
use crate::failure::{Failure, Result};

/// Opens a few connections first, so that the server has what it needs only once; tells `observer` to begin; opens those
/// of `plan`, exchanges one message on each, and tells `observer` that it is the end while all of them are open and silent.
pub(crate) fn run(plan: &Plan, observer: &mut dyn Observer) -> Result<()> {
    let mut fleet = Fleet::new(plan)?;
    exchange(&mut fleet, WARM)?;
    observer.begin();
    exchange(&mut fleet, WARM + plan.connections)?;
    observer.end();
    fleet.close()
}

fn exchange(fleet: &mut Fleet, count: usize) -> Result<()> {
    let clock = fleet.clock();
    fleet.open(count, |peer, shared| {
        peer.ask(1, clock.now());
        peer.flush(shared)
    })?;
    let mut patience = PATIENCE;
    while fleet.peers.iter().any(|peer| !peer.is_settled()) {
        if patience == 0 || fleet.is_stopped() {
            return Err(Failure::server(format!(
                "not all of {count} connections got their echo: see what the server logged"
            )));
        }
        let mut heard = false;
        fleet.turn(100 * MILLISECOND, |_, _, _| {
            heard = true;
            Ok(())
        })?;
        patience = if heard { PATIENCE } else { patience - 1 };
    }
    Ok(())
}

/// Connections that pay for what the server allocates once.
const WARM: usize = 32;
/// Turns without any echo, of 100 ms each.
const PATIENCE: usize = 50;
