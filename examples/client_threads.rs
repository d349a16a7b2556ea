//! cargo run --example client_threads -- ws://127.0.0.1:3000/
// ANCHOR: program
use std::{env, error::Error, io::ErrorKind, io::Read, io::stdin, mem, net::Shutdown, net::TcpStream, time::Duration};
use timtow_core::{Connection, Event, app::Options, clock};

/// Sends a line, prints the answer, and closes: with the protocol and a socket, and nothing in between.
fn main() -> Result<(), Box<dyn Error>> {
    let url = env::args().nth(1).unwrap_or("ws://127.0.0.1:3000/".into());
    let line = stdin().lines().next().ok_or("no line to send")??;
    let options = Options::default();
    let (request, target) = options.client_request(&url)?;
    let mut socket = TcpStream::connect((target.host.as_str(), target.port))?;
    socket.set_write_timeout(options.config.write_timeout)?;
    let mut ws = Connection::client(request, options.config)?;
    let (mut buffer, mut read) = ([0; 16 << 10], 0);
    while !ws.is_closed() {
        // Tell the connection the time, and feed it what was read.
        ws.handle_timeout(clock::now());
        let mut input = &mut buffer[..mem::take(&mut read)];
        while let Some(event) = ws.receive(&mut input) {
            match event {
                Event::Open(_) => ws.send(line.as_str())?,
                Event::Message(message) => {
                    println!("{}", String::from_utf8_lossy(message.as_bytes()));
                    let _ = ws.close(1000, ""); // fails for a second answer: it closes already
                }
                Event::Closed(closed) if !closed.is_clean() => return Err(closed.to_string().into()),
                _ => {}
            }
        }
        // Drain its outbox, then wait for bytes or the next deadline.
        ws.outbox().write_to(&mut socket)?;
        ws.outbox().is_finished().then(|| socket.shutdown(Shutdown::Write));
        socket.set_read_timeout(ws.poll_timeout().map(|at| clock::until(at).max(Duration::from_millis(1))))?;
        match socket.read(&mut buffer) {
            Ok(0) => ws.receive_eof(),
            Ok(n) => read = n,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
// ANCHOR_END: program
