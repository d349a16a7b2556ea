//! What a connection tells `tracing`.

mod common;

use common::{client_request, config, drain, feed, frame};
use std::{
    fmt::{Debug, Write},
    io::{self, IoSlice},
    net::SocketAddr,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};
use timtow_core::{
    Connection, Event, Rejection, Response, Role,
    app::{Echo, Options, Server},
    task,
};
use tracing::{
    Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

/// Writes down whatever it is told.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

impl Notes {
    fn note(&self, head: String, record: impl FnOnce(&mut Line)) {
        let mut line = Line(head);
        record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Subscriber for Notes {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "timtow"
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.note(format!("span {}", span.metadata().name()), |line| span.record(line));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        self.note("record".into(), |line| values.record(line));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        assert_eq!(event.parent(), Some(&Id::from_u64(1)), "it belongs to the connection");
        self.note(event.metadata().level().to_string(), |line| event.record(line));
    }

    fn enter(&self, _: &Id) {
        self.note("enter".into(), |_| {});
    }

    fn exit(&self, _: &Id) {}
}

/// Runs `f` with a subscriber of its own.
fn noted(f: impl FnOnce(&Notes)) {
    let notes = Notes::default();
    tracing::subscriber::with_default(notes.clone(), || f(&notes));
}

fn accept(ws: &mut Connection, event: Event<'_>) {
    match event {
        Event::Request(_) => ws.accept(Response::default()).unwrap(),
        Event::Message(message) => ws.send(message).unwrap(),
        _ => {}
    }
}

fn opened(notes: &Notes) -> Connection {
    let mut ws = Connection::server(config().into());
    feed(&mut ws, common::REQUEST.as_bytes(), accept);
    notes.take();
    ws
}

#[test]
fn a_connection_has_a_span_and_tells_how_it_begins_and_ends() {
    noted(|notes| {
        let mut ws = Connection::server(config().into());
        assert_eq!(notes.take(), [r#"span timtow.connection role="server""#]);
        feed(&mut ws, common::REQUEST.as_bytes(), accept);
        assert_eq!(notes.take(), [r#"record request="/chat""#, "DEBUG message=opened"]);
        feed(&mut ws, &frame(Role::Server, 0x88, b"\x0f\xa0a\nb"), accept);
        assert_eq!(notes.take(), [r#"DEBUG message=closed code=4000 reason="a\nb""#], "on one line");
        assert!(!ws.span().is_disabled());
    });
}

#[test]
fn messages_and_pings_cost_nothing() {
    noted(|notes| {
        let mut ws = opened(notes);
        for _ in 0..100 {
            feed(&mut ws, &frame(Role::Server, 0x81, b"text"), accept);
            feed(&mut ws, &frame(Role::Server, 0x89, b"ping"), accept);
            drain(&mut ws);
        }
        assert!(notes.take().is_empty());
    });
}

#[test]
fn faults_are_told_with_their_codes() {
    noted(|notes| {
        let mut ws = opened(notes);
        feed(&mut ws, &frame(Role::Server, 0x81, b"\xff"), accept);
        let told = notes.take();
        assert!(
            told.len() == 1 && told[0].starts_with("INFO message=the peer broke the protocol code=1007"),
            "{told:?}"
        );

        let mut ws = opened(notes);
        ws.receive_eof();
        feed(&mut ws, b"", accept);
        assert_eq!(notes.take(), ["DEBUG message=lost without a close frame"]);
    });
}

#[test]
fn refused_handshakes_are_told_whoever_refuses() {
    noted(|notes| {
        let mut ws = Connection::server(config().into());
        feed(&mut ws, b"POST / HTTP/1.1\r\n\r\n", accept);
        let told = notes.take();
        assert!(told[1].starts_with("INFO message=refused the opening handshake status=400"), "{told:?}");

        let mut ws = Connection::server(config().into());
        feed(&mut ws, common::REQUEST.as_bytes(), |ws, event| {
            if let Event::Request(_) = event {
                ws.reject(&Rejection::new(404)).unwrap();
            }
        });
        feed(&mut ws, b"", accept);
        let told = notes.take();
        assert!(told[2].starts_with("INFO message=refused the opening handshake status=404"), "{told:?}");
    });
}

#[test]
fn a_client_names_its_request() {
    noted(|notes| {
        let mut ws = Connection::client(client_request(), config().into()).unwrap();
        feed(&mut ws, b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", accept);
        let told = notes.take();
        assert_eq!(told[0], r#"span timtow.connection role="client""#);
        assert_eq!(told[1], r#"record request="/chat""#);
        assert!(told[2].starts_with("INFO message=the opening handshake failed error="), "{told:?}");
        assert!(told[2].ends_with(" status=404") && !told[2].contains('\n'));

        // What the server says besides may be as long as 64 KiB, and a secret.
        let mut ws = Connection::client(client_request(), config().into()).unwrap();
        let head = "HTTP/1.1 403 Forbidden\r\nSet-Cookie: session=7f3a\r\nContent-Length: 60000\r\n\r\n";
        feed(&mut ws, &[head.as_bytes(), &[b'a'; 60_000]].concat(), accept);
        let told = notes.take();
        assert!(told[2].len() < 200 && !told[2].contains("7f3a"), "{}", told[2]);
    });
}

/// A socket of which only the other end's address matters.
struct Dead;

impl task::Socket for Dead {
    fn poll_read(&mut self, _: &mut Context<'_>, _: &mut [u8]) -> Poll<io::Result<usize>> {
        Poll::Pending
    }

    fn poll_write(&mut self, _: &mut Context<'_>, _: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        Poll::Pending
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }

    fn poll_deadline(&mut self, _: &mut Context<'_>, _: Option<Duration>) -> Poll<()> {
        Poll::Pending
    }

    fn peer(&self) -> Option<SocketAddr> {
        Some(([127, 0, 0, 1], 9).into())
    }
}

#[test]
fn a_driver_names_the_peer() {
    noted(|notes| {
        let _serve = task::Serve::new(&Server::new(Echo, Options::default()), Dead);
        assert_eq!(notes.take()[1..], ["record peer=127.0.0.1:9"]);
    });
}
