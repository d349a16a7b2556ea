//! The thread that reads, keeps the time, and writes where it is alone.

use super::{
    Socket,
    patience::{Patience, SHORTEST, passes},
    shared::{Direct, Owner, Shared},
};
use crate::{
    Access, Buffers, Endpoint, Input,
    app::{App, Drain, Server, Session},
    clock,
    endpoint::SET_ASIDE,
    lock,
};
use std::{net::SocketAddr, sync::Arc, time::Duration};

/// Serves one connection that has just been accepted, on this thread, until it has ended.
pub fn serve_connection<A: App, S: Socket>(server: &Arc<Server<A>>, socket: S, peer: Option<SocketAddr>) {
    let drain = &server.options.drain;
    let mut session = Session::new(server, peer);
    let endpoint = Endpoint::server(&server.options);
    endpoint.set_peer(peer);
    let mut reader = Reader::new(socket, endpoint, Some(drain.clone()));
    let _registration = drain.register(&reader.owner.0.waker());
    reader.run(&mut session, &mut Buffers::new(READ));
}

/// The reader's side.
#[derive(Debug)]
pub(crate) struct Reader<S: Socket> {
    pub(crate) owner: Arc<Owner<S>>,
    patience: Patience,
    /// When it was last known what the socket had.
    looked: Duration,
    /// The last turn left something to write.
    stalled: bool,
}

impl<S: Socket> Reader<S> {
    // ANCHOR: driver
    /// Drives the connection of a server until it has ended.
    pub(crate) fn run<A: App>(&mut self, session: &mut Session<A>, buffers: &mut Buffers) {
        while let Some(input) = self.wait(buffers, |endpoint| session.poll_timeout(&mut Access::Direct(endpoint))) {
            self.turn(|access, output| session.turn(access, buffers, input, output));
        }
    }

    /// Waits for what the next turn is about: blocks in a read, until the next deadline at most.
    pub(crate) fn wait(
        &mut self,
        buffers: &mut Buffers,
        poll_timeout: impl FnOnce(&mut Endpoint) -> Option<Duration>,
    ) -> Option<Input> {
        let shared = &self.owner.0;
        let mut endpoint = lock(&shared.endpoint);
        if endpoint.is_closed() {
            return None;
        }
        if shared.must_write(&endpoint) || endpoint.connection.wants_receive() {
            if self.stalled {
                endpoint = shared.write_all(endpoint);
            }
            if !self.is_due(&endpoint) {
                return Some(Input::Nothing);
            }
            let begun = endpoint.begun();
            drop(endpoint);
            return Some(self.read(buffers.room(begun, READ), Some(clock::now())));
        }
        let mut deadline = poll_timeout(&mut endpoint);
        if deadline == Some(Duration::ZERO) && self.is_due(&endpoint) {
            deadline = Some(clock::now());
        }
        // After a clean end the peer has nothing more to say, but the writer may have.
        let is_last = endpoint.connection.ended_cleanly && endpoint.wants_write();
        if is_last || !endpoint.wants_read() {
            drop(shared.until_changed(endpoint, deadline));
            return Some(Input::Nothing);
        }
        let begun = endpoint.begun();
        drop(endpoint);
        Some(self.read(buffers.room(begun, READ), deadline))
    }

    /// Reads, until the deadline at most. What came before the deadline is read although it is late.
    fn read(&mut self, room: &mut [u8], deadline: Option<Duration>) -> Input {
        let now = clock::now();
        let left = deadline.map_or(Duration::MAX, |deadline| deadline.saturating_sub(now)).max(SHORTEST);
        if deadline.is_some_and(|deadline| deadline <= now && deadline <= self.looked) {
            return Input::Nothing;
        }
        let socket = &self.owner.0.socket;
        if let Some(timeout) = self.patience.within(left) {
            // It fails for zero only.
            let _ = socket.set_read_timeout((timeout != Duration::MAX).then_some(timeout));
        }
        let result = socket.read(room);
        self.patience.idle = matches!(&result, Err(error) if passes(error));
        self.looked = if self.patience.idle { clock::now() } else { now };
        match result {
            Ok(n) => Input::Read(n),
            Err(_) if self.patience.idle => Input::Nothing,
            Err(_) => Input::Failed,
        }
    }
    // ANCHOR_END: driver

    /// Whether it is time to see what came, for one who has much to write and does not come to read: before a deadline is
    /// held against the peer, and now and then, since it may be a ping.
    fn is_due(&self, endpoint: &Endpoint) -> bool {
        let now = clock::now();
        let passed =
            endpoint.connection.timers.next().is_some_and(|deadline| self.looked < deadline && deadline <= now);
        endpoint.wants_read() && (passed || now.saturating_sub(self.looked) > LOOK)
    }

    pub(crate) fn new(socket: S, endpoint: Endpoint, drain: Option<Drain>) -> Self {
        let owner = Owner(Arc::new(Shared::new(socket, endpoint, drain)));
        Reader { owner: Arc::new(owner), patience: Patience::new(Duration::MAX), looked: clock::now(), stalled: false }
    }

    /// A turn: with the endpoint for itself while there is no writer.
    pub(crate) fn turn(&mut self, turn: impl FnOnce(Access<'_>, &mut Direct<'_, S>)) {
        let shared = &self.owner.0;
        let mut endpoint = lock(&shared.endpoint);
        if !shared.has_writer() {
            turn(Access::Direct(&mut endpoint), &mut shared.output());
            self.stalled = endpoint.wants_write();
            return;
        }
        drop(endpoint);
        self.stalled = false;
        turn(Access::Shared(&shared.endpoint), &mut shared.no_output());
        let endpoint = lock(&shared.endpoint);
        if endpoint.wants_write() || endpoint.is_closed() {
            shared.wake_writer();
        }
        shared.settle(&endpoint);
    }
}

/// So long one may write without reading.
const LOOK: Duration = Duration::from_secs(1);
/// Read at a time: so much may gather in the inbox of one who reads for himself.
const READ: usize = SET_ASIDE;
