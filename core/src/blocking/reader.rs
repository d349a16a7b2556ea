//! The thread that reads, keeps the time, and writes where it is alone.

use super::{
    Socket,
    patience::{Patience, passes},
    shared::{Direct, Owner, Shared},
};
use crate::{
    Access, Buffers, Endpoint, Input,
    app::{App, Drain, Server, Session},
    clock, lock,
};
use std::{net::SocketAddr, sync::Arc, time::Duration};

/// Serves one connection that has just been accepted, on this thread, until it has ended.
pub fn serve_connection<A: App, S: Socket>(server: &Arc<Server<A>>, socket: S, peer: Option<SocketAddr>) {
    let drain = &server.options.drain;
    let mut session = Session::new(server, peer);
    let mut reader = Reader::new(socket, Endpoint::server(&server.options), Some(drain.clone()));
    let _registration = drain.register(&reader.owner.0.waker());
    reader.run(&mut session, &mut Buffers::new(READ));
}

/// The reader's side.
#[derive(Debug)]
pub(crate) struct Reader<S: Socket> {
    pub(crate) owner: Arc<Owner<S>>,
    patience: Patience,
    /// The last turn left something to write.
    stalled: bool,
    /// The next turn follows a look at what came.
    looked: bool,
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
                shared.write_all(endpoint);
            }
            return Some(Input::Nothing);
        }
        let deadline = poll_timeout(&mut endpoint);
        // After a clean end the peer has nothing more to say, but the writer may have.
        let is_last = endpoint.connection.ended_cleanly && endpoint.wants_write();
        if is_last || !endpoint.wants_read() {
            drop(shared.until_changed(endpoint, deadline));
            return Some(Input::Nothing);
        }
        drop(endpoint);
        let input = buffers.input();
        let room = input.len().min(READ);
        Some(self.read(&mut input[..room], deadline))
    }

    fn read(&mut self, buffer: &mut [u8], deadline: Option<Duration>) -> Input {
        let left = deadline.map_or(Duration::MAX, clock::until);
        if left.is_zero() {
            return Input::Nothing;
        }
        let socket = &self.owner.0.socket;
        if let Some(timeout) = self.patience.within(left) {
            // It fails for zero only.
            let _ = socket.set_read_timeout((timeout != Duration::MAX).then_some(timeout));
        }
        let result = socket.read(buffer);
        self.looked = true;
        self.patience.idle = matches!(&result, Err(error) if passes(error));
        match result {
            Ok(n) => Input::Read(n),
            Err(_) if self.patience.idle => Input::Nothing,
            Err(_) => Input::Failed,
        }
    }
    // ANCHOR_END: driver

    pub(crate) fn new(socket: S, endpoint: Endpoint, drain: Option<Drain>) -> Self {
        let owner = Owner(Arc::new(Shared::new(socket, endpoint, drain)));
        Reader { owner: Arc::new(owner), patience: Patience::new(Duration::MAX), stalled: false, looked: false }
    }

    /// A turn: with the endpoint for itself while there is no writer.
    pub(crate) fn turn(&mut self, turn: impl FnOnce(Access<'_>, &mut Direct<'_, S>)) {
        let shared = &self.owner.0;
        let mut endpoint = lock(&shared.endpoint);
        if !shared.has_writer() {
            // Who only writes has not seen whether a pong came.
            endpoint.connection.timers.unseen = !std::mem::take(&mut self.looked);
            turn(Access::Direct(&mut endpoint), &mut shared.output());
            endpoint.connection.timers.unseen = false;
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

/// Read at a time: so much may gather in the inbox of one who reads for himself.
const READ: usize = 64 << 10;
