//! A peer that reads more slowly than is sent: the application is told, and waits, drops or closes.

use crate::{
    Host, Loop, Task, WATCHDOG, Way, WebSocket,
    backpressure::MORE_THAN_BUFFERS,
    frame::{BINARY, CLOSE, Frame, TEXT},
    script::{Script, Told, next},
    streaming::said,
};
use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        mpsc::{self, Receiver},
    },
    time::Duration,
};
use timtow_core::{
    Cause, CloseCode, Config, Message, OwnedMessage, Rejection, Request, Response, Timeout, TrySendError,
    app::{App, Context, Handler, Options, Sender},
};

/// So large that a few fill all buffers.
const LEN: usize = 50_000;

fn numbered(number: u64) -> Vec<u8> {
    [&number.to_be_bytes()[..], &vec![number as u8; LEN]].concat()
}

/// The number of a message that came.
fn number(frame: &Frame) -> u64 {
    let number = u64::from_be_bytes(*frame.payload.first_chunk().expect("a number"));
    assert_eq!(*frame, Frame::new(BINARY, numbered(number)));
    number
}

/// Whoever waits sends everything, in order, and is called back each time there is room.
pub fn an_application_that_waits<L: Loop>(_: Way) {
    const MESSAGES: u64 = 400;
    struct Pump {
        next: u64,
        refused: Option<Vec<u8>>,
        refusals: Arc<Mutex<u64>>,
    }
    impl App for Pump {
        type Handler = Pump;

        fn request(&self, _: &Request, _: Option<SocketAddr>) -> Result<(Pump, Response), Rejection> {
            Ok((Pump { next: 0, refused: None, refusals: self.refusals.clone() }, Response::default()))
        }
    }
    impl Handler for Pump {
        fn open(&mut self, context: &mut Context<'_>) {
            self.writable(context);
        }

        fn writable(&mut self, context: &mut Context<'_>) {
            while self.next < MESSAGES {
                let message = self.refused.take().unwrap_or_else(|| numbered(self.next));
                match context.try_send(message) {
                    Ok(()) => self.next += 1,
                    Err(TrySendError::Full(message)) => {
                        assert!(context.buffered() < 200_000 && !context.has_room());
                        self.refused = Some(message);
                        *self.refusals.lock().expect("no panic") += 1;
                        return;
                    }
                    Err(error) => panic!("{error:?}"),
                }
            }
        }

        fn message(&mut self, context: &mut Context<'_>, message: Message<'_>) {
            context.send(message).expect("it is open");
        }
    }
    let refusals = Arc::default();
    let options = Options { config: Config::default().into(), ..Options::default() };
    let host = Host::<L>::serve(options, Pump { next: 0, refused: None, refusals: Arc::clone(&refusals) });
    let mut peer = host.open();
    // It is no less heard for that.
    peer.text("Hello");
    let (mut expected, mut heard) = (0, false);
    while expected < MESSAGES || !heard {
        let frame = peer.frame();
        if frame.opcode == TEXT {
            assert_eq!(frame, Frame::new(TEXT, "Hello"));
            heard = true;
        } else {
            assert_eq!(number(&frame), expected);
            expected += 1;
        }
    }
    assert!(*refusals.lock().expect("no panic") > 10);
    peer.echo("behind");
    peer.close();
}

/// The senders of an application's connections, with deadlines so that who is given up is given up soon.
fn with_senders<L: Loop>(config: Config) -> (Host<L>, Receiver<Told>, Receiver<Sender>) {
    let (mut script, told) = Script::new();
    let (give, senders) = mpsc::channel();
    script.open = Arc::new(move |context| give.send(context.sender()).expect("the test waits"));
    script.message = Arc::new(|context, message| context.send(message).expect("it is open"));
    (Host::serve(Options { config: config.into(), ..Options::default() }, script), told, senders)
}

/// Sends until it is full, and full for a while: the loop may be on its way to make room. How many were taken.
fn fill(sender: &Sender) -> u64 {
    let (mut taken, mut refused) = (0, 0);
    while refused < 1_000 {
        match sender.try_send(numbered(taken)) {
            Ok(()) => (taken, refused) = (taken + 1, 0),
            Err(TrySendError::Full(_)) => {
                refused += 1;
                std::thread::yield_now();
            }
            Err(error) => panic!("{error:?}"),
        }
        assert!((taken as usize) * LEN < MORE_THAN_BUFFERS, "it is never full");
    }
    taken
}

/// Whoever drops goes on with the others, and the slow one misses what was dropped and nothing else.
pub fn a_broadcast_that_drops<L: Loop>(_: Way) {
    let (host, _told, senders) = with_senders::<L>(Config::default());
    let mut peers = [host.open(), host.open()];
    let mut room = [(); 2].map(|()| senders.recv_timeout(WATCHDOG).expect("a sender"));
    // Which is whose?
    room[0].try_send("0").expect("room");
    room[1].try_send("1").expect("room");
    if peers[0].frame() == Frame::new(TEXT, "1") {
        room.swap(0, 1);
    }
    peers[1].frame();
    let taken = fill(&room[0]);
    let [slow, quick] = &mut peers;
    let (mut expected, mut missed): (Vec<u64>, _) = ((0..taken).collect(), 0);
    for tick in 1_000..1_200 {
        room[1].try_send(numbered(tick)).expect("who reads has room");
        match room[0].try_send(numbered(tick)) {
            Ok(()) => expected.push(tick),
            Err(TrySendError::Full(_)) => missed += 1,
            Err(error) => panic!("{error:?}"),
        }
        assert_eq!(number(&quick.frame()), tick);
    }
    assert!(missed > 0, "nothing was dropped");
    for expected in expected {
        assert_eq!(number(&slow.frame()), expected);
    }
    slow.echo("behind");
    quick.echo("behind");
}

/// Whoever closes does so at once: what the mailbox holds is dropped, and the peer learns why when it comes to it.
pub fn a_slow_consumer_is_closed<L: Loop>(_: Way) {
    let (host, told, senders) = with_senders::<L>(Config::default());
    let mut peer = host.open();
    let sender = senders.recv_timeout(WATCHDOG).expect("a sender");
    let taken = fill(&sender);
    sender.close_now(CloseCode::POLICY, "reads too slowly").expect("what may be sent");
    assert_eq!(sender.try_send("later"), Err(TrySendError::Closed("later".into())));
    let mut expected = 0;
    loop {
        let frame = peer.frame();
        if frame.opcode == CLOSE {
            assert_eq!(frame, Frame::close(1008, "reads too slowly"));
            break;
        }
        assert_eq!(number(&frame), expected);
        expected += 1;
    }
    assert!(expected < taken, "nothing was dropped of {taken}");
    peer.send(&Frame::close(1008, ""));
    peer.part();
    assert_eq!(next(&told), Told::Open);
    assert!(matches!(next(&told), Told::Close(closed) if closed.is_clean()));
}

/// A peer that does not read even then is given up at the close deadline.
pub fn a_consumer_that_stopped_is_given_up<L: Loop>(_: Way) {
    let close_timeout = Some(Duration::from_millis(100));
    let (host, told, senders) = with_senders::<L>(Config { close_timeout, ..Config::default() });
    let mut peer = host.open();
    let sender = senders.recv_timeout(WATCHDOG).expect("a sender");
    fill(&sender);
    sender.close_now(CloseCode::POLICY, "reads too slowly").expect("what may be sent");
    assert_eq!(next(&told), Told::Open);
    match next(&told) {
        Told::Close(closed) => assert_eq!(closed.cause, Cause::Timeout(Timeout::Close)),
        told => panic!("{told:?}"),
    }
    peer.expect_loss();
}

/// A thread that waits sends everything; who waits for a connection that ends is told, and gets the message back.
pub fn a_sender_that_waits<L: Loop>(_: Way) {
    const MESSAGES: u64 = 300;
    let (host, _told, senders) = with_senders::<L>(Config::default());
    let mut peer = host.open();
    let sender = senders.recv_timeout(WATCHDOG).expect("a sender");
    let (full, is_full) = mpsc::channel();
    let sending = Task::spawn(move || {
        for number in 0..MESSAGES {
            sender.send_blocking(numbered(number)).expect("it is open");
        }
        let mut last = fill(&sender);
        full.send(()).expect("the test waits");
        loop {
            match sender.send_blocking(numbered(last)) {
                Ok(()) => last += 1,
                Err(TrySendError::Closed(message)) => return assert_eq!(message, OwnedMessage::from(numbered(last))),
                Err(error) => panic!("{error:?}"),
            }
        }
    });
    for expected in 0..MESSAGES {
        assert_eq!(number(&peer.frame()), expected);
    }
    is_full.recv_timeout(WATCHDOG).expect("a full mailbox");
    peer.reset();
    sending.join();
}

/// A connection of one's own says that the peer is slow, instead of waiting; and then waits, when it is asked to.
pub fn an_offer_that_is_refused<L: Loop>(way: Way) {
    let host = Host::<L>::idle(way);
    let (filled, is_filled) = mpsc::channel();
    let (go, goes) = mpsc::channel();
    let mut peer = host.use_socket(move |mut socket| {
        let mut taken = 0;
        let refused = loop {
            match socket.offer(numbered(taken).into()) {
                Ok(()) => taken += 1,
                Err(TrySendError::Full(message)) => break message,
                Err(error) => panic!("{error:?}"),
            }
            assert!((taken as usize) * LEN < MORE_THAN_BUFFERS, "it is never full");
        };
        assert_eq!(refused, OwnedMessage::from(numbered(taken)));
        filled.send(taken).expect("the test waits");
        goes.recv_timeout(WATCHDOG).expect("to go on");
        // Dropped; another waits.
        said(socket.send("waited".into()));
        assert_eq!(socket.recv().expect("a clean end"), None);
        assert_eq!(socket.offer("late".into()), Err(TrySendError::Closed("late".into())));
    });
    peer.open();
    let taken = is_filled.recv_timeout(WATCHDOG).expect("a full outbox");
    go.send(()).expect("the endpoint waits");
    for expected in 0..taken {
        assert_eq!(number(&peer.frame()), expected);
    }
    peer.expect(&Frame::new(TEXT, "waited"));
    peer.close();
    host.join();
}
