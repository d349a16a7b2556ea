//! One connection, and so many messages at a time: sent at once, and nothing more until all of them are back. How the
//! server reads them does not depend on how fast it is, so its system calls can be counted.

use super::{
    Plan,
    fleet::{Fleet, MILLISECOND, SECOND},
    script::Script,
};
use crate::failure::{Failure, Result};

/// A connection that is open, and silent between two calls of [`exchange`](Self::exchange).
pub(crate) struct Lockstep {
    fleet: Fleet,
}

impl Lockstep {
    /// Opens the connection.
    pub(crate) fn open(plan: &Plan) -> Result<Self> {
        let texts = (0..MESSAGES).map(|number| format!("message {number:08}"));
        let mut fleet = Fleet::with(plan, Script::say(plan.protocol, texts))?;
        fleet.open(1, |_, _| Ok(()))?;
        Ok(Lockstep { fleet })
    }

    /// Sends `messages` in one write, as long as sockets hold them, and waits until all are back.
    pub(crate) fn exchange(&mut self, messages: u64) -> Result<()> {
        let Fleet { peers, shared, .. } = &mut self.fleet;
        peers[0].asked += messages;
        peers[0].flush(shared)?;
        let end = self.fleet.now() + PATIENCE;
        while !self.fleet.peers[0].is_settled() {
            self.fleet.turn(100 * MILLISECOND, |_, _, _| Ok(()))?;
            if self.fleet.is_stopped() {
                return Err(Failure::new("stopped before all messages were back"));
            }
            if self.fleet.now() > end {
                return Err(Failure::server("a message did not come back: see what the server logged"));
            }
        }
        Ok(())
    }

    /// Closes the connection.
    pub(crate) fn close(mut self) -> Result<()> {
        self.fleet.close()
    }
}

/// Different ones. The payload is as long as that of the comparison's smallest messages: 16 bytes.
const MESSAGES: u64 = 1024;
/// Under a tracer everything takes long.
const PATIENCE: u64 = 30 * SECOND;
