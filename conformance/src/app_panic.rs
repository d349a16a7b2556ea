//! An application that panics: its connection ends with 1011 (RFC 6455 7.4.1: "the server [...] encountered an unexpected
//! condition that prevented it from fulfilling the request"), and the server serves on.

use crate::{
    Host, Loop, Peer, Task, WATCHDOG, Way,
    app_page::plain,
    frame::{CLOSE, Frame, TEXT},
    http,
};
use std::{
    net::SocketAddr,
    panic::{panic_any, resume_unwind},
    sync::mpsc,
    time::Duration,
};
use timtow_core::{
    Closed, Message, Page, Rejection, Request, Response,
    app::{App, Context, Handler, Options, Sender, TrySendError, on_message},
};

/// Panics where the target of the request says so. It tells of every call.
struct Fragile(mpsc::Sender<&'static str>);

struct Glass {
    target: String,
    told: mpsc::Sender<&'static str>,
}

/// What somebody panics with who wants to make it hard: it panics again when it is dropped.
struct Spite;

impl Drop for Spite {
    fn drop(&mut self) {
        // Without the message on standard error.
        resume_unwind(Box::new("again"));
    }
}

impl Glass {
    fn at(&self, call: &'static str) {
        let _ = self.told.send(call);
        break_at(&self.target, call);
    }
}

fn break_at(target: &str, call: &str) {
    match target.split_once('/') {
        Some(("spite", at)) if at == call => panic_any(Spite),
        Some((_, at)) if at == call => resume_unwind(Box::new("as the test wants it")),
        _ => {}
    }
}

impl App for Fragile {
    type Handler = Glass;

    fn request(&self, request: &Request, _: Option<SocketAddr>) -> Result<(Glass, Response), Rejection> {
        let target = request.target.trim_start_matches('/').to_owned();
        break_at(&target, "request");
        // With `unasked`, the answer cannot stand on the wire, and the handler is dropped at once.
        let subprotocol = target.starts_with("unasked").then(|| "p".into());
        Ok((Glass { target, told: self.0.clone() }, Response { subprotocol, ..Response::default() }))
    }

    fn page(&self, request: &Request, _: Option<SocketAddr>) -> Option<Page> {
        break_at(request.target.trim_start_matches('/'), "page");
        Some(Page::text("whole"))
    }
}

impl Handler for Glass {
    fn open(&mut self, context: &mut Context<'_>) {
        context.send("before").expect("it is open");
        self.at("open");
        context.set_timer(Duration::ZERO);
    }

    fn message(&mut self, context: &mut Context<'_>, message: Message<'_>) {
        context.send(message).expect("it is open");
        self.at("message");
    }

    fn timer(&mut self, _: &mut Context<'_>) {
        self.at("timer");
    }

    fn close(&mut self, _: &Closed) {
        self.at("close");
    }
}

impl Drop for Glass {
    fn drop(&mut self) {
        self.at("drop");
    }
}

fn fragile<L: Loop>(options: Options) -> (Host<L>, mpsc::Receiver<&'static str>) {
    let (tell, told) = mpsc::channel();
    (Host::serve(options, Fragile(tell)), told)
}

/// Asks for `target`; the status of the answer.
fn ask<L: Loop>(host: &Host<L>, target: &str) -> (Peer, u16) {
    let mut peer = host.peer();
    peer.write(http::request(target, ""));
    let status = peer.response().0.status();
    (peer, status)
}

/// A connection of an application that holds, which has greeted.
fn whole<L: Loop>(host: &Host<L>) -> Peer {
    let (mut peer, status) = ask(host, "/");
    assert_eq!(status, 101);
    peer.expect(&Frame::new(TEXT, "before"));
    peer
}

/// Expects 1011, and does the closing handshake.
fn broken(mut peer: Peer) {
    assert_eq!(peer.close_frame().0, Some(1011));
    peer.send(&Frame::close(1011, ""));
    peer.part();
}

/// What was told about one connection, until its handler was dropped.
fn until_dropped(told: &mpsc::Receiver<&'static str>) -> Vec<&'static str> {
    let mut calls = Vec::new();
    while calls.last() != Some(&"drop") {
        calls.push(told.recv_timeout(WATCHDOG).expect("the handler is dropped"));
    }
    calls
}

/// A panic in `open`, `message` or `timer` closes this connection with 1011, behind what was sent before. The handler is
/// dropped and not called again, whatever else comes. Other connections, old and new, are served on.
pub fn a_callback_that_panics<L: Loop>(_: Way) {
    let (host, told) = fragile::<L>(Options::default());
    let mut old = whole(&host);
    // Its timer fires once; from then on it says nothing by itself.
    assert_eq!(told.recv_timeout(WATCHDOG), Ok("open"));
    assert_eq!(told.recv_timeout(WATCHDOG), Ok("timer"));
    for manner in ["glass", "spite"] {
        for at in ["open", "message", "timer"] {
            let (mut peer, status) = ask(&host, &format!("/{manner}/{at}"));
            assert_eq!(status, 101);
            peer.expect(&Frame::new(TEXT, "before"));
            if at == "message" {
                let bytes = peer.encode_all(&[Frame::new(TEXT, "1"), Frame::new(TEXT, "2"), Frame::new(TEXT, "3")]);
                peer.write(bytes);
                peer.expect(&Frame::new(TEXT, "1"));
            }
            broken(peer);
            let calls = until_dropped(&told);
            assert_eq!(calls[calls.len() - 2], at, "{calls:?}");
            assert_eq!(calls.iter().filter(|call| **call == at).count(), 1, "{calls:?}");
            old.echo("still served");
            assert_eq!(told.recv_timeout(WATCHDOG), Ok("message"));
        }
    }
    whole(&host).close();
    old.close();
}

/// A panic in `close`, or when the handler is dropped, changes nothing: the peer gets what it would have got.
pub fn a_handler_that_panics_at_its_end<L: Loop>(_: Way) {
    let (host, _told) = fragile::<L>(Options::default());
    let mut old = whole(&host);
    for target in ["/glass/close", "/spite/close", "/glass/drop", "/spite/drop"] {
        let (mut peer, status) = ask(&host, target);
        assert_eq!(status, 101);
        peer.expect(&Frame::new(TEXT, "before"));
        peer.echo("Hello");
        peer.close();
        // The peer may as well be gone.
        let (mut peer, _) = ask(&host, target);
        peer.expect(&Frame::new(TEXT, "before"));
        peer.reset();
        old.echo("still served");
    }
    // A handler whose connection was never open.
    let (mut peer, status) = ask(&host, "/unasked/drop");
    assert_eq!(status, 500);
    peer.expect_end();
    whole(&host).close();
    old.close();
}

/// A panic in `request` is answered with 500 (RFC 9110 15.6.1).
pub fn a_request_that_panics<L: Loop>(_: Way) {
    let (host, told) = fragile::<L>(Options::default());
    let mut old = whole(&host);
    for target in ["/glass/request", "/spite/request"] {
        let (mut peer, status) = ask(&host, target);
        assert_eq!(status, 500);
        peer.expect_end();
    }
    old.echo("still served");
    old.close();
    whole(&host).close();
    host.drain();
    host.join();
    assert_eq!(told.try_iter().filter(|call| *call == "open").count(), 2);
}

/// And so is one in `page`.
pub fn a_page_that_panics<L: Loop>(_: Way) {
    let (host, _told) = fragile::<L>(Options::default());
    for (target, status) in [("/glass/page", 500), ("/spite/page", 500), ("/glass/whole", 200)] {
        let mut peer = host.peer();
        peer.write(plain("GET", target));
        assert_eq!(peer.response().0.status(), status, "{target}");
        peer.expect_end();
    }
}

/// A connection whose application panicked is not counted any more when it has ended.
pub fn a_panic_gives_the_seat_back<L: Loop>(_: Way) {
    let options = || Options { max_connections: 1, ..Options::default() };
    let (host, _told) = fragile::<L>(options());
    for target in ["/glass/request", "/glass/open", "/glass/message", "/glass/timer", "/glass/close", "/glass/drop"] {
        let (mut peer, status) = ask(&host, target);
        match target {
            "/glass/request" => {
                assert_eq!(status, 500);
                peer.expect_end();
                continue;
            }
            _ => assert_eq!(status, 101, "{target}"),
        }
        peer.expect(&Frame::new(TEXT, "before"));
        match target {
            "/glass/message" => {
                peer.echo("1");
                broken(peer);
            }
            "/glass/open" | "/glass/timer" => broken(peer),
            _ => peer.close(),
        }
    }
    whole(&host).close();
    drop(host);
    let closure = on_message(|_: &mut Context<'_>, _: Message<'_>| resume_unwind(Box::new("as the test wants it")));
    let host = Host::<L>::serve(options(), closure);
    for _ in 0..3 {
        let mut peer = host.open();
        peer.text("go");
        broken(peer);
    }
}

/// A panic while another thread sends: no lock stays behind, what was sent arrives in order until the close frame, and the
/// sender is told that nothing more is taken.
pub fn a_panic_while_others_send<L: Loop>(_: Way) {
    struct Lender(mpsc::Sender<Sender>);
    struct Lent(mpsc::Sender<Sender>);
    impl App for Lender {
        type Handler = Lent;

        fn request(&self, _: &Request, _: Option<SocketAddr>) -> Result<(Lent, Response), Rejection> {
            Ok((Lent(self.0.clone()), Response::default()))
        }
    }
    impl Handler for Lent {
        fn open(&mut self, context: &mut Context<'_>) {
            let _ = self.0.send(context.sender());
        }

        fn message(&mut self, _: &mut Context<'_>, _: Message<'_>) {
            resume_unwind(Box::new("as the test wants it"));
        }
    }
    let (give, senders) = mpsc::channel();
    let host = Host::<L>::serve(Options::default(), Lender(give));
    for _ in 0..5 {
        let mut peer = host.open();
        let sender = senders.recv_timeout(WATCHDOG).expect("a sender");
        let sending = Task::spawn(move || {
            let mut number = 0;
            loop {
                match sender.try_send(format!("{number}")) {
                    Ok(()) => number += 1,
                    Err(TrySendError::Full(_)) => std::thread::yield_now(),
                    Err(_) => break,
                }
            }
            assert!(sender.is_closed());
            sender.close(1000, "").expect("what may be sent");
        });
        peer.expect(&Frame::new(TEXT, "0"));
        peer.text("go");
        let mut number = 1;
        let close = loop {
            let frame = peer.frame();
            if frame.opcode == CLOSE {
                break frame;
            }
            assert_eq!(frame, Frame::new(TEXT, format!("{number}")));
            number += 1;
        };
        assert_eq!(close, Frame::close(1011, ""));
        // The sender need not wait for the end.
        sending.join();
        peer.send(&Frame::close(1011, ""));
        peer.part();
    }
}
