//! Raw TCP echo: blocking sockets, a thread for each connection.

use std::{
    io::{self, Read as _, Write as _},
    net::TcpListener,
    thread,
};

pub(super) fn serve(listener: &TcpListener, read: usize) -> io::Result<()> {
    loop {
        let (mut stream, _) = listener.accept()?;
        stream.set_nodelay(true)?;
        thread::Builder::new().spawn(move || {
            let mut buffer = vec![0; read];
            // An error is the end of the connection, like its end.
            while let Ok(len @ 1..) = stream.read(&mut buffer) {
                if stream.write_all(&buffer[..len]).is_err() {
                    return;
                }
            }
        })?;
    }
}
