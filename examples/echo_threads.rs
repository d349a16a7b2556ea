//! cargo run --example echo_threads -- 127.0.0.1:3000
//!
//! An echo server on threads: each connection has one, and a program that reads from top to bottom. It ends a connection
//! by returning. (`timtow::threads::serve` does all of this, counts the connections, and ends them when it is asked to.)

// ANCHOR: program
use std::{env, io, net::TcpListener, net::TcpStream, thread, time::Duration};
use timtow::{Error, Options, threads::accept};

fn main() -> io::Result<()> {
    let address = env::args().nth(1).unwrap_or("127.0.0.1:3000".into());
    let listener = TcpListener::bind(address)?;
    println!("listening on ws://{}/", listener.local_addr()?);
    let options = Options::default();
    thread::scope(|scope| {
        for stream in listener.incoming() {
            let started = stream.and_then(|stream| {
                thread::Builder::new().spawn_scoped(scope, || {
                    if let Err(error) = echo(stream, &options) {
                        eprintln!("{error}");
                    }
                })
            });
            if let Err(error) = started {
                // Out of threads or file descriptors: others must end first.
                eprintln!("{error}");
                thread::sleep(Duration::from_millis(100));
            }
        }
    });
    Ok(())
}

fn echo(stream: TcpStream, options: &Options) -> Result<(), Error> {
    let mut socket = accept(stream, options)?;
    while let Some(message) = socket.recv()? {
        socket.send(message)?;
    }
    Ok(())
}
// ANCHOR_END: program
