//! Servers: a handler and a `Sender` in another thread are busy on one connection.

mod common;

use common::{
    OURS, options,
    peer::{Heard, Minutes, Peer, Say},
    pipe::End,
    prepared, text, try_schedules,
};
use shuttle::{future::block_on, sync::mpsc, thread};
use std::{net::SocketAddr, panic::resume_unwind, sync::Arc};
use timtow_core::{
    Closed, Message, Rejection, Request, Response, Role,
    app::{App, Context, Handler, Options, Sender, Server},
    blocking, task,
};

/// Sends everything back, and lends its sender.
struct Lender {
    senders: mpsc::Sender<Sender>,
    ends: mpsc::Sender<Closed>,
    /// The handler panics at its second message.
    panics: bool,
}

struct Lent {
    ends: mpsc::Sender<Closed>,
    senders: Option<mpsc::Sender<Sender>>,
    panics: bool,
    messages: usize,
}

impl App for Lender {
    type Handler = Lent;

    fn request(&self, _: &Request, _: Option<SocketAddr>) -> Result<(Lent, Response), Rejection> {
        let senders = Some(self.senders.clone());
        Ok((Lent { ends: self.ends.clone(), senders, panics: self.panics, messages: 0 }, Response::default()))
    }
}

impl Handler for Lent {
    fn open(&mut self, context: &mut Context<'_>) {
        self.senders.take().expect("it opens once").send(context.sender()).unwrap();
    }

    fn message(&mut self, context: &mut Context<'_>, message: Message<'_>) {
        self.messages += 1;
        if self.panics && self.messages == 2 {
            resume_unwind(Box::new("as the test wants it"));
        }
        // Where the sender or the drain has closed it, nobody waits for the echo.
        let _ = context.send(message);
    }

    fn close(&mut self, closed: &Closed) {
        self.ends.send(closed.clone()).unwrap();
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Ends {
    /// The peer closes; the sender sends meanwhile.
    Peer,
    /// The sender closes.
    Sender,
    /// The server drains.
    Drain,
    /// The handler panics.
    Panic,
}

/// The number of a message from the sender: they are told from echoes by it.
const FROM_SENDER: usize = 100;

fn serve(drive: fn(&Arc<Server<Lender>>, End), ends: Ends) {
    try_schedules(move || {
        let (ours, theirs) = prepared(Role::Server, None);
        // The answer to the request must fit; the rest has little room, too.
        theirs.make_scarce(256);
        let options = Options { config: options().config, ..Options::default() };
        let drain = options.drain.clone();
        let (give, senders) = mpsc::channel();
        let (tell, told) = mpsc::channel();
        let server = Server::new(Lender { senders: give, ends: tell, panics: ends == Ends::Panic }, options);
        let serving = thread::spawn({
            let server = server.clone();
            move || drive(&server, ours)
        });
        let sender = senders.recv().unwrap();
        let answer = theirs.read_head();
        assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
        theirs.make_scarce(24);
        let mut says = vec![Say::Text(0), Say::Ping(0), Say::Text(1), Say::Ping(1)];
        if ends == Ends::Peer {
            says.push(Say::Close(4000));
        }
        let peer = Peer::new(Role::Server, theirs, says);
        let sending = thread::spawn(move || {
            let mut taken = 0;
            // One message fits, and then the loop has to make room.
            while taken < OURS && sender.send_blocking(text(FROM_SENDER + taken)).is_ok() {
                taken += 1;
            }
            if ends == Ends::Sender {
                sender.close(4321, "").unwrap();
            }
            taken
        });
        if ends == Ends::Drain {
            drain.start();
        }
        let taken = sending.join().unwrap();
        let minutes = peer.minutes();
        serving.join().unwrap();
        judge(ends, taken, &minutes);
        assert_eq!(told.try_iter().count(), usize::from(ends != Ends::Panic), "`close` is called once");
    });
}

fn judge(ends: Ends, taken: usize, minutes: &Minutes) {
    let Minutes { said, heard, .. } = minutes;
    let (mut echoes, mut others, mut pongs) = (0, 0, 0);
    for (at, frame) in heard.iter().enumerate() {
        match frame {
            Heard::Text(found) if *found == text(echoes) => echoes += 1,
            Heard::Text(found) => {
                assert_eq!(*found, text(FROM_SENDER + others), "{minutes:?}");
                others += 1;
            }
            Heard::Ping(_) => panic!("nobody pings: {minutes:?}"),
            Heard::Pong(number) => {
                assert_eq!(*number, pongs, "{minutes:?}");
                pongs += 1;
            }
            Heard::Close(code) => {
                assert_eq!(at + 1, heard.len(), "something follows the close frame: {minutes:?}");
                let expected = match ends {
                    Ends::Peer => 4000,
                    Ends::Sender => 4321,
                    Ends::Drain => 1001,
                    Ends::Panic => 1011,
                };
                assert_eq!(*code, expected, "{minutes:?}");
            }
        }
    }
    assert!(matches!(heard.last(), Some(Heard::Close(_))), "{minutes:?}");
    assert!(matches!(said.last(), Some(Say::Close(_))), "{minutes:?}");
    // What the sender has sent is lost only where the connection closed first.
    match ends {
        Ends::Sender => assert_eq!((taken, others), (OURS, OURS), "{minutes:?}"),
        _ => assert!(others <= taken, "{minutes:?}"),
    }
    match ends {
        Ends::Peer => assert_eq!((echoes, pongs), (2, 2), "{minutes:?}"),
        Ends::Panic => assert_eq!((echoes, pongs), (1, 1), "{minutes:?}"),
        Ends::Sender | Ends::Drain => {}
    }
}

fn threads(server: &Arc<Server<Lender>>, socket: End) {
    blocking::serve_connection(server, socket, None);
}

fn tasks(server: &Arc<Server<Lender>>, socket: End) {
    block_on(task::Serve::new(server, socket));
}

macro_rules! tests {
    ($($driver:ident)*) => {
        $(mod $driver {
            use super::{Ends, serve};

            #[test]
            fn the_peer_closes() {
                serve(super::$driver, Ends::Peer);
            }

            #[test]
            fn a_sender_closes() {
                serve(super::$driver, Ends::Sender);
            }

            #[test]
            fn the_server_drains() {
                serve(super::$driver, Ends::Drain);
            }

            #[test]
            fn the_handler_panics() {
                serve(super::$driver, Ends::Panic);
            }
        })*
    };
}

tests!(threads tasks);
