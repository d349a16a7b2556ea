//! `timtow raw`: TCP echo without any protocol, on the same loops: the ceiling that `bench` measures against.
//!
//! Each server does what its adapter does with sockets, and nothing else: one read buffer for a thread, reads of the same
//! size, one write for a read, write first and wait only when the socket is full.

mod mio;
mod tasks;
mod threads;

use std::{io, net::TcpListener};

use socket2::{Domain, Socket, Type};

use crate::{
    args::RawArguments,
    failure::{Failure, Result},
    runtimes::Runtime,
};

/// `timtow raw`.
pub(crate) fn run(arguments: &RawArguments) -> Result<()> {
    let cannot = |error: io::Error| {
        Failure::new(format!("cannot listen on {} ({error}): choose another --listen", arguments.listen))
    };
    let listener = listen(arguments.listen).map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    println!("listening on tcp://{address} with raw {}", arguments.runtime);
    let read = if arguments.large { LARGE_READ } else { READ };
    let served = match arguments.runtime {
        Runtime::Threads => threads::serve(&listener, read),
        Runtime::Mio => mio::serve(listener, read),
        Runtime::Tokio => tasks::tokio(listener, read, true),
        // Several such loops on one port are one loop on one CPU.
        Runtime::TokioCurrent | Runtime::TokioReuseport => tasks::tokio(listener, read, false),
        Runtime::Smol => tasks::smol(listener, read),
        Runtime::AsyncStd => tasks::async_std(listener, read),
    };
    served.map_err(|error| Failure::new(format!("the raw server on {} failed ({error}): try again", arguments.runtime)))
}

/// A listener with room for thousands of connections that come at once.
fn listen(address: std::net::SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

const BACKLOG: i32 = 4096;
/// Bytes read at a time: those of the adapters, 64 KiB and room for some headers.
const READ: usize = (64 << 10) + 224;
/// The same where a frame is larger, and the rest of it is read.
const LARGE_READ: usize = 1 << 20;
