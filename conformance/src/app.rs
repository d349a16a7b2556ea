//! The application layer: one value that runs unchanged on every loop.

use crate::{
    Host, Loop, Peer, Task, WATCHDOG, Way,
    frame::{BINARY, Frame, PING, TEXT},
    http,
};
use std::{
    net::SocketAddr,
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, Receiver, Sender as Report},
    },
    time::Duration,
};
use timtow_core::{
    Cause, CloseCode, Closed, Config, Message, OwnedMessage, Rejection, Request, Response,
    app::{App, Context, Echo, Handler, Options, Sender, TrySendError, on_message},
};

/// Long enough to be the later of two timers, short enough to be waited for.
const LATER: Duration = Duration::from_millis(60);

/// What the test application was told.
#[derive(PartialEq, Debug)]
enum Told {
    Open,
    Message(OwnedMessage),
    Timer,
    Close(Closed),
    Dropped,
}

/// An application made of functions.
struct Script {
    told: Report<Told>,
    request: Box<dyn Fn(&Request, Option<SocketAddr>) -> Result<Response, Rejection> + Send + Sync>,
    open: Arc<dyn Fn(&mut Context<'_>) + Send + Sync>,
    message: Arc<dyn Fn(&mut Context<'_>, Message<'_>) + Send + Sync>,
    timer: Arc<dyn Fn(&mut Context<'_>) + Send + Sync>,
}

struct Scripted {
    told: Report<Told>,
    open: Arc<dyn Fn(&mut Context<'_>) + Send + Sync>,
    message: Arc<dyn Fn(&mut Context<'_>, Message<'_>) + Send + Sync>,
    timer: Arc<dyn Fn(&mut Context<'_>) + Send + Sync>,
}

impl Script {
    fn new() -> (Self, Receiver<Told>) {
        let (told, receiver) = mpsc::channel();
        let script = Script {
            told,
            request: Box::new(|_, _| Ok(Response::default())),
            open: Arc::new(|_| {}),
            message: Arc::new(|_, _| {}),
            timer: Arc::new(|_| {}),
        };
        (script, receiver)
    }

    fn serve<L: Loop>(self) -> Host<L> {
        Host::serve(Options::default(), self)
    }
}

impl App for Script {
    type Handler = Scripted;

    fn request(&self, request: &Request, peer: Option<SocketAddr>) -> Result<(Scripted, Response), Rejection> {
        let response = (self.request)(request, peer)?;
        let (open, message, timer) = (self.open.clone(), self.message.clone(), self.timer.clone());
        Ok((Scripted { told: self.told.clone(), open, message, timer }, response))
    }
}

impl Handler for Scripted {
    fn open(&mut self, context: &mut Context<'_>) {
        let _ = self.told.send(Told::Open);
        (self.open)(context);
    }

    fn message(&mut self, context: &mut Context<'_>, message: Message<'_>) {
        let _ = self.told.send(Told::Message(message.clone().into()));
        (self.message)(context, message);
    }

    fn timer(&mut self, context: &mut Context<'_>) {
        let _ = self.told.send(Told::Timer);
        (self.timer)(context);
    }

    fn close(&mut self, closed: &Closed) {
        let _ = self.told.send(Told::Close(closed.clone()));
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        let _ = self.told.send(Told::Dropped);
    }
}

fn next(told: &Receiver<Told>) -> Told {
    told.recv_timeout(WATCHDOG).expect("the application is told")
}

fn expect_told(told: &Receiver<Told>, expected: &[Told]) {
    for expected in expected {
        assert_eq!(next(told), *expected);
    }
}

fn normal() -> Told {
    Told::Close(Closed { code: CloseCode::NORMAL, reason: String::new(), cause: Cause::Handshake })
}

/// `open`, then each message, then `close`, once; then the handler is gone.
pub fn callbacks_come_in_order<L: Loop>(_: Way) {
    let (script, told) = Script::new();
    let host = script.serve::<L>();
    let mut peer = host.open();
    let bytes =
        peer.encode_all(&[Frame::new(TEXT, "0"), Frame::new(BINARY, ""), Frame::new(TEXT, ""), Frame::close(1000, "")]);
    peer.write(bytes);
    assert_eq!(peer.close_frame().0, Some(1000));
    peer.part();
    expect_told(
        &told,
        &[
            Told::Open,
            Told::Message("0".into()),
            Told::Message(Vec::new().into()),
            Told::Message("".into()),
            normal(),
            Told::Dropped,
        ],
    );
    host.drain();
    host.join();
    assert!(told.try_recv().is_err());
}

/// However a connection that was open ends, `close` is called, once, and the handler is dropped.
pub fn close_is_called_once<L: Loop>(_: Way) {
    let (script, told) = Script::new();
    let host = script.serve::<L>();
    let ends: [fn(Peer); 5] = [
        drop,
        Peer::reset,
        |mut peer| {
            peer.shutdown();
            peer.expect_end();
        },
        |mut peer| {
            peer.send(&Frame::new(3, ""));
            peer.expect_failure(1002);
        },
        |mut peer| peer.close(),
    ];
    for end in ends {
        end(host.open());
        assert_eq!(next(&told), Told::Open);
        assert!(matches!(next(&told), Told::Close(_)));
        assert_eq!(next(&told), Told::Dropped);
    }
    // A connection that never opened is nobody's.
    let mut peer = host.peer();
    peer.write("POST / HTTP/1.1\r\n\r\n");
    assert_eq!(peer.response().0.status(), 400);
    peer.expect_end();
    drop(peer);
    host.drain();
    host.join();
    assert!(told.try_recv().is_err());
}

/// What `open` sends follows the answer, before any reply.
pub fn a_greeting_in_open<L: Loop>(_: Way) {
    let (mut script, _told) = Script::new();
    script.open = Arc::new(|context| {
        context.send("welcome").expect("it is open");
        context.ping(b"?").expect("it is open");
    });
    script.message = Arc::new(|context, message| context.send(message).expect("it is open"));
    let host = script.serve::<L>();
    let mut peer = host.peer();
    let bytes = [http::request("/", "").into_bytes(), peer.encode(&Frame::new(TEXT, "Hello"))].concat();
    peer.write(bytes);
    assert_eq!(peer.response().0.status(), 101);
    peer.expect(&Frame::new(TEXT, "welcome"));
    peer.expect(&Frame::new(PING, "?"));
    peer.expect(&Frame::new(TEXT, "Hello"));
    peer.close();
}

/// What a handler sends when it is told of a message goes out in order, and `close` behind it.
pub fn a_handler_that_closes<L: Loop>(_: Way) {
    let (mut script, told) = Script::new();
    script.message = Arc::new(|context, _| {
        for number in 0..3 {
            context.send(format!("{number}")).expect("it is open");
        }
        context.close(4321, "enough").expect("it is open");
        context.send("too late").expect_err("it is closing");
    });
    let host = script.serve::<L>();
    let mut peer = host.open();
    peer.text("go");
    for number in 0..3 {
        peer.expect(&Frame::new(TEXT, format!("{number}")));
    }
    assert_eq!(peer.close_frame(), (Some(4321), "enough".into()));
    peer.send(&Frame::close(4321, "indeed"));
    peer.part();
    let closed = Closed { code: CloseCode(4321), reason: "indeed".into(), cause: Cause::Handshake };
    expect_told(&told, &[Told::Open, Told::Message("go".into()), Told::Close(closed)]);
}

/// A timer fires once, and can be set again by itself.
pub fn a_timer<L: Loop>(_: Way) {
    let (mut script, told) = Script::new();
    script.open = Arc::new(|context| context.set_timer(Duration::from_millis(1)));
    let count = Arc::new(AtomicUsize::new(0));
    script.timer = Arc::new(move |context| {
        let count = count.fetch_add(1, Ordering::SeqCst);
        context.send(format!("{count}")).expect("it is open");
        if count < 2 {
            context.set_timer(Duration::from_millis(1));
        }
    });
    let host = script.serve::<L>();
    let mut peer = host.open();
    for number in 0..3 {
        peer.expect(&Frame::new(TEXT, format!("{number}")));
    }
    peer.close();
    expect_told(&told, &[Told::Open, Told::Timer, Told::Timer, Told::Timer, normal()]);
}

/// A timer that is set again is moved, and one that is cleared does not fire; messages do neither.
pub fn a_timer_that_is_moved<L: Loop>(_: Way) {
    let (mut script, told) = Script::new();
    script.open = Arc::new(|context| context.set_timer(Duration::from_secs(3_600)));
    script.message = Arc::new(|context, message| match message.as_bytes() {
        b"sooner" => context.set_timer(Duration::from_millis(1)),
        b"later" => context.set_timer(LATER),
        b"never" => context.clear_timer(),
        _ => context.send(message).expect("it is open"),
    });
    script.timer = Arc::new(|context| context.send("now").expect("it is open"));
    let host = script.serve::<L>();
    let mut peer = host.open();
    for text in ["sooner", "later"] {
        peer.text(text);
        peer.expect(&Frame::new(TEXT, "now"));
    }
    // Where it is cleared, the timer of another connection, set later, comes first, and this one's not at all.
    peer.text("later");
    peer.text("never");
    peer.echo("cleared");
    let mut other = host.open();
    other.text("later");
    other.expect(&Frame::new(TEXT, "now"));
    peer.echo("still nothing");
    peer.close();
    other.close();
    let timers = std::iter::from_fn(|| told.try_recv().ok()).filter(|told| *told == Told::Timer).count();
    assert_eq!(timers, 3);
}

/// A timer does not outlive its connection.
pub fn a_timer_of_a_connection_that_ends<L: Loop>(_: Way) {
    let (mut script, told) = Script::new();
    script.open = Arc::new(|context| context.set_timer(Duration::from_secs(3_600)));
    let host = script.serve::<L>();
    let mut peer = host.open();
    peer.close();
    drop(peer);
    expect_told(&told, &[Told::Open, normal(), Told::Dropped]);
    host.drain();
    host.join();
}

/// An application that hands out the senders of its connections.
fn with_senders() -> (Script, Receiver<Told>, Receiver<Sender>) {
    let (mut script, told) = Script::new();
    let (give, senders) = mpsc::channel();
    script.open = Arc::new(move |context| give.send(context.sender()).expect("the test waits"));
    script.message = Arc::new(|context, message| context.send(message).expect("it is open"));
    (script, told, senders)
}

/// A sender wakes an idle connection from another thread; what it sends arrives in order.
pub fn a_sender_from_other_threads<L: Loop>(_: Way) {
    let (script, _told, senders) = with_senders();
    let host = script.serve::<L>();
    let mut peer = host.open();
    let sender = senders.recv_timeout(WATCHDOG).expect("a sender");
    // One by one, each when the connection is idle again.
    for number in 0..100 {
        sender.try_send(format!("{number}")).expect("room");
        peer.expect(&Frame::new(TEXT, format!("{number}")));
    }
    peer.echo("between");
    let threads: Vec<Task> = (0..4)
        .map(|thread| {
            let sender = sender.clone();
            Task::spawn(move || {
                for number in 0..500 {
                    let mut message = OwnedMessage::from(format!("{thread} {number}"));
                    while let Err(error) = sender.try_send(message) {
                        let TrySendError::Full(back) = error else { panic!("{error:?}") };
                        message = back;
                        std::thread::yield_now();
                    }
                }
            })
        })
        .collect();
    let mut numbers = [0; 4];
    for _ in 0..2_000 {
        let frame = peer.frame();
        let text = String::from_utf8(frame.payload).expect("text");
        let (thread, number) = text.split_once(' ').expect("two numbers");
        let expected = &mut numbers[thread.parse::<usize>().expect("a number")];
        assert_eq!(number, expected.to_string());
        *expected += 1;
    }
    threads.into_iter().for_each(Task::join);
    peer.echo("behind");
    peer.close();
}

/// A sender can close the connection, behind what it has sent; then it takes no more.
pub fn a_sender_that_closes<L: Loop>(_: Way) {
    let (script, _told, senders) = with_senders();
    let host = script.serve::<L>();
    let mut peer = host.open();
    let sender = senders.recv_timeout(WATCHDOG).expect("a sender");
    sender.try_send("last").expect("room");
    sender.close(4000, "bye");
    assert_eq!(sender.try_send("later"), Err(TrySendError::Closed("later".into())));
    peer.expect(&Frame::new(TEXT, "last"));
    assert_eq!(peer.close_frame(), (Some(4000), "bye".into()));
    peer.send(&Frame::close(4000, ""));
    peer.part();
}

/// A sender of a connection that has ended says so.
pub fn a_sender_of_a_connection_that_ended<L: Loop>(_: Way) {
    let (script, told, senders) = with_senders();
    let host = script.serve::<L>();
    for rude in [false, true] {
        let mut peer = host.open();
        let sender = senders.recv_timeout(WATCHDOG).expect("a sender");
        assert!(!sender.is_closed());
        if rude {
            peer.reset();
        } else {
            peer.close();
        }
        while next(&told) != Told::Dropped {}
        assert!(sender.is_closed());
        assert_eq!(sender.try_send("Hello"), Err(TrySendError::Closed("Hello".into())));
        sender.close(1000, "");
    }
}

/// A mailbox is bounded: a peer that does not read fills it, and gets everything that was taken once it reads.
pub fn a_sender_that_is_full<L: Loop>(_: Way) {
    let (script, _told, senders) = with_senders();
    let host = script.serve::<L>();
    let mut peer = host.open();
    let sender = senders.recv_timeout(WATCHDOG).expect("a sender");
    let message = |number: u64| Frame::new(BINARY, [&number.to_be_bytes()[..], &[0; 9_000]].concat());
    let (mut taken, mut refused) = (0, 0);
    // The loop may be on its way to make room: full for a while is full.
    while refused < 1_000 {
        match sender.try_send(message(taken).payload) {
            Ok(()) => (taken, refused) = (taken + 1, 0),
            Err(TrySendError::Full(back)) => {
                assert_eq!(back.as_bytes(), message(taken).payload);
                refused += 1;
                std::thread::yield_now();
            }
            Err(error) => panic!("{error:?}"),
        }
        assert!(taken * 9_000 < crate::backpressure::MORE_THAN_BUFFERS as u64, "it is never full");
    }
    for number in 0..taken {
        peer.expect(&message(number));
    }
    // There is room again.
    while let Err(error) = sender.try_send("room") {
        assert_eq!(error, TrySendError::Full("room".into()));
        std::thread::yield_now();
    }
    peer.expect(&Frame::new(TEXT, "room"));
    peer.close();
}

/// The application sees target, header fields, cookies, and the address of the other end.
pub fn the_request_is_seen<L: Loop>(_: Way) {
    let (mut script, _told) = Script::new();
    script.request = Box::new(|request, peer| {
        let cookies: Vec<_> = request.cookies().map(|(name, value)| format!("{name}={value}")).collect();
        let seen = [
            request.target.clone(),
            request.host().into(),
            request.origin().unwrap_or_default().into(),
            request.headers.first("X-Header").unwrap_or_default().into(),
            request.subprotocols().collect::<Vec<_>>().join("+"),
            cookies.join("+"),
            peer.map(|peer| peer.to_string()).unwrap_or_default(),
        ];
        Ok(Response { headers: vec![("X-Seen".into(), seen.join(" "))], ..Response::default() })
    });
    let host = script.serve::<L>();
    let mut peer = host.peer();
    let lines = "Origin: http://example.com\r\nX-Header: y\r\nCookie: a=1; b=2\r\nSec-WebSocket-Protocol: p, q\r\n";
    peer.write(http::request("/chat?room=1", lines));
    let (head, _) = peer.response();
    let address = peer.stream().local_addr().expect("an address");
    let seen = format!("/chat?room=1 example.com http://example.com y p+q a=1+b=2 {address}");
    assert_eq!(head.only("X-Seen"), seen);
    peer.close();
}

/// RFC 6455 4.2.2, item 5.5: the application may choose among the subprotocols that were offered, and set header fields of
/// its own, two cookies included.
pub fn the_answer_is_the_applications<L: Loop>(_: Way) {
    let (mut script, _told) = Script::new();
    script.request = Box::new(|request, _| {
        let subprotocol = request.subprotocols().last().map(str::to_owned);
        let cookie = |value: &str| ("Set-Cookie".to_owned(), value.to_owned());
        Ok(Response {
            subprotocol,
            headers: vec![cookie("a=1; HttpOnly"), ("X-Own".into(), "y".into()), cookie("b=2")],
        })
    });
    let host = script.serve::<L>();
    let mut peer = host.peer();
    peer.write(http::request("/", "Sec-WebSocket-Protocol: p, q\r\n"));
    let (head, _) = peer.response();
    assert_eq!(head.only("Sec-WebSocket-Protocol"), "q");
    assert_eq!(head.all("Set-Cookie"), ["a=1; HttpOnly", "b=2"]);
    assert_eq!(head.only("X-Own"), "y");
    peer.close();
}

/// The application may refuse, with a status, header fields and a body; the connection then ends, and has no handler.
pub fn a_rejection<L: Loop>(_: Way) {
    let (mut script, told) = Script::new();
    script.request = Box::new(|request, _| {
        let mut rejection = match request.target.as_str() {
            "/moved" => Rejection::new(308),
            "/broken" => Rejection::new(200),
            _ => Rejection::new(404),
        };
        rejection.headers.push(("Location".into(), "/elsewhere".into()));
        rejection.body = b"not here\n".to_vec();
        Err(rejection)
    });
    let host = script.serve::<L>();
    for (target, status, expected) in
        [("/moved", 308, "not here\n"), ("/lost", 404, "not here\n"), ("/broken", 500, "")]
    {
        let mut peer = host.peer();
        let glued = peer.encode(&Frame::new(TEXT, "nobody hears this"));
        peer.write([http::request(target, "").as_bytes(), &glued].concat());
        let (head, body) = peer.response();
        assert_eq!((head.status(), head.only("Connection"), body.as_str()), (status, "close", expected));
        if status != 500 {
            assert_eq!(head.only("Location"), "/elsewhere");
        }
        peer.expect_end();
    }
    host.drain();
    host.join();
    assert!(told.try_recv().is_err());
}

/// An answer that could not stand on the wire is the server's own fault, and splits nothing.
pub fn an_answer_that_cannot_be_sent<L: Loop>(_: Way) {
    let (mut script, told) = Script::new();
    script.request = Box::new(|request, _| {
        let headers = match request.target.as_str() {
            "/split" => vec![("X".into(), "y\r\nSet-Cookie: evil".into())],
            _ => vec![],
        };
        Ok(Response { headers, subprotocol: (request.target == "/unasked").then(|| "p".into()) })
    });
    let host = script.serve::<L>();
    for target in ["/split", "/unasked"] {
        let mut peer = host.peer();
        peer.write(http::request(target, ""));
        let (head, _) = peer.response();
        assert_eq!(head.status(), 500);
        assert!(head.all("Set-Cookie").is_empty());
        peer.expect_end();
    }
    host.drain();
    host.join();
    assert_eq!(told.try_iter().filter(|told| *told != Told::Dropped).count(), 0);
}

/// Over the limit of connections the answer is 503 with `Retry-After` (RFC 9110 15.6.4); when one has ended there is room.
pub fn too_many_connections<L: Loop>(_: Way) {
    let host = Host::<L>::serve(Options { max_connections: 2, ..Options::default() }, Echo);
    let mut peers = vec![host.open(), host.open()];
    for _ in 0..3 {
        let mut refused = host.peer();
        refused.write(http::request("/", ""));
        let (head, _) = refused.response();
        assert_eq!((head.status(), head.only("Connection")), (503, "close"));
        assert!(head.only("Retry-After").parse::<u32>().is_ok());
        refused.expect_end();
    }
    for peer in &mut peers {
        peer.echo("still served");
    }
    peers.remove(0).close();
    let mut third = host.open();
    third.echo("Hello");
    third.close();
    peers.remove(0).close();
}

/// Several loops, where the loop can be had more than once, share the connections.
pub fn several_loops<L: Loop>(_: Way) {
    let threads = NonZeroUsize::new(3).expect("it is not zero");
    let host = Host::<L>::serve(Options { threads, ..Options::default() }, Echo);
    let mut peers: Vec<Peer> = (0..12).map(|_| host.open()).collect();
    for round in 0..3 {
        for (at, peer) in peers.iter_mut().enumerate() {
            peer.echo(&format!("{round} {at}"));
        }
    }
    host.drain();
    for peer in &mut peers {
        assert_eq!(peer.close_frame().0, Some(1001));
        peer.send(&Frame::close(1001, ""));
        peer.part();
    }
    host.join();
}

/// A closure is an application too; and many connections are served at once.
pub fn a_closure_for_many_connections<L: Loop>(_: Way) {
    let shout = on_message(|context: &mut Context<'_>, message: Message<'_>| {
        if let Message::Text(text) = message {
            context.send(text.to_uppercase()).expect("it is open");
        }
    });
    let host = Host::<L>::serve(Options::default(), shout);
    let mut peers: Vec<Peer> = (0..100).map(|_| host.open()).collect();
    for peer in peers.iter_mut().rev() {
        peer.text("grüße");
        peer.expect(&Frame::new(TEXT, "GRÜSSE"));
    }
    for mut peer in peers {
        peer.close();
    }
}

/// A handler sees how much waits to be sent; what is sent in many callbacks of one turn goes out whole and in order.
pub fn a_handler_that_sends_much<L: Loop>(_: Way) {
    const LEN: usize = 300_000;
    let (mut script, _told) = Script::new();
    script.message = Arc::new(|context, _| {
        let before = context.buffered();
        for number in 0..10 {
            context.send(vec![number; LEN]).expect("it is open");
        }
        assert!(context.buffered() >= before + 10 * LEN);
    });
    let host = Host::<L>::serve(Options { config: Config::default().into(), ..Options::default() }, script);
    let mut peer = host.open();
    let bytes = peer.encode_all(&[Frame::new(TEXT, ""), Frame::new(TEXT, "")]);
    peer.write(bytes);
    for _ in 0..2 {
        for number in 0..10 {
            peer.expect(&Frame::new(BINARY, vec![number; LEN]));
        }
    }
    peer.close();
}
