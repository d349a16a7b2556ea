//! The whole server: a thread that accepts, and one for each connection.

use crate::Socket;
use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex},
    task::{Wake, Waker},
    thread,
    time::Duration,
};
use timtow_core::{
    app::{App, Backoff, Options, Server},
    blocking::{STACK, serve_connection},
    lock,
};

/// Serves `app` to whoever connects, with a thread for each connection, until [`Options::drain`] is started; then returns
/// when the last connection has ended. [`Options::threads`] means nothing here.
///
/// A handler that panics ends its own connection only. Where no thread can be started, the connection is dropped, and the
/// next one accepted a little later.
///
/// # Errors
/// Where the listener is none; once the connections have ended. Everything else passes: see [`Backoff`].
pub fn serve(listener: TcpListener, options: Options, app: impl App) -> io::Result<()> {
    listener.set_nonblocking(false)?;
    let server = &Server::new(app, options);
    let drain = &server.options.drain;
    let _registration = drain.register(&doorbell(&listener)?);
    let mut backoff = Backoff::default();
    thread::scope(move |scope| {
        loop {
            let accepted = listener.accept();
            // It may be our own ring.
            if drain.is_draining() {
                return Ok(());
            }
            let started = accepted.and_then(|(stream, peer)| {
                let Ok(socket) = Socket::new(stream) else { return Ok(()) };
                let thread = thread::Builder::new().name(format!("timtow {peer}")).stack_size(STACK);
                let run = move || serve_connection(server, socket, Some(peer));
                // The core lets no panic of the application out; the scope would panic for another, a transport's, when
                // all is over.
                thread.spawn_scoped(scope, || drop(catch_unwind(AssertUnwindSafe(run)))).map(drop)
            });
            match started {
                Ok(()) => backoff.reset(),
                Err(error) => thread::sleep(backoff.after(error)?.unwrap_or_default()),
            }
        }
    })
}

/// Ends a blocked accept: by a connection to itself.
struct Doorbell {
    address: SocketAddr,
    /// A descriptor in reserve, for when there are no more.
    spare: Mutex<Option<TcpListener>>,
}

fn doorbell(listener: &TcpListener) -> io::Result<Waker> {
    let mut address = listener.local_addr()?;
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    let spare = Mutex::new(Some(listener.try_clone()?));
    Ok(Waker::from(Arc::new(Doorbell { address, spare })))
}

impl Wake for Doorbell {
    fn wake(self: Arc<Self>) {
        drop(lock(&self.spare).take());
        // It fails where the backlog is full, and then accept is not blocked.
        let _ = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
    }
}
