//! What an application is told, held against what the other one said.

use crate::content::Item;
use std::{
    cell::RefCell,
    collections::VecDeque,
    hash::{DefaultHasher, Hash},
    mem,
    rc::Rc,
};
use timtow_core::{Cause, CloseCode, Closed, Connection, Event, Fragment, Kind, Message, Rejection, Response, Timeout};

/// What was sent in one direction, and has not been received.
#[derive(Debug, Default)]
pub struct Link {
    pub items: VecDeque<Item>,
    /// The last one was begun with fragments, and not ended.
    pub is_open: bool,
}

/// How a connection ended, without anything on the heap.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    Handshake,
    Refused,
    Failed,
    Timeout(Timeout),
    Lost,
}

/// An application, and all that it was told.
#[derive(Debug)]
pub struct Judge {
    /// What must come next.
    pub due: Rc<RefCell<Link>>,
    /// What it says itself.
    pub said: Rc<RefCell<Link>>,
    pub echo: bool,
    pub asks: bool,
    pub rejects: bool,
    /// Bytes of the message that came in fragments so far.
    partial: usize,
    pub requested: bool,
    pub opened: bool,
    pub end: Option<(CloseCode, Ending)>,
    /// Pings that are to be answered.
    pub pings: usize,
    pub events: usize,
    /// Of all of them.
    pub digest: DefaultHasher,
    /// What was agreed on, if it was.
    #[cfg(feature = "deflate")]
    pub agreed: Option<timtow_core::DeflateParameters>,
}

impl Judge {
    pub fn new(due: &Rc<RefCell<Link>>, said: &Rc<RefCell<Link>>) -> Self {
        Judge {
            due: Rc::clone(due),
            said: Rc::clone(said),
            echo: false,
            asks: false,
            rejects: false,
            partial: 0,
            requested: false,
            opened: false,
            end: None,
            pings: 0,
            events: 0,
            digest: DefaultHasher::new(),
            #[cfg(feature = "deflate")]
            agreed: None,
        }
    }

    /// Takes an event. Allocates nothing that it keeps.
    pub fn event(&mut self, ws: &mut Connection, event: Event<'_>) {
        assert!(self.end.is_none(), "something behind the end: {event:?}");
        self.events += 1;
        self.note(&event);
        match event {
            Event::Request(_) => self.requested = true,
            Event::Open(_opened) => {
                assert!(!self.opened, "opened twice");
                self.opened = true;
                #[cfg(feature = "deflate")]
                (self.agreed = _opened.deflate);
            }
            Event::Message(message) => self.message(ws, message),
            Event::Fragment(fragment) => self.fragment(ws, fragment),
            Event::Ping(_) => self.pings += usize::from(ws.state() == timtow_core::State::Open),
            Event::Pong(_) => {}
            Event::Closed(Closed { code, cause, .. }) => {
                let ending = match cause {
                    Cause::Handshake => Ending::Handshake,
                    Cause::Violation(violation) => panic!("nobody broke the protocol: {violation}"),
                    Cause::Refused(_) => Ending::Refused,
                    Cause::Failed(_) => Ending::Failed,
                    Cause::Timeout(timeout) => Ending::Timeout(timeout),
                    Cause::Lost => Ending::Lost,
                };
                self.end = Some((code, ending));
            }
        }
    }

    fn note(&mut self, event: &Event<'_>) {
        mem::discriminant(event).hash(&mut self.digest);
        match event {
            Event::Message(message) => message.as_bytes().hash(&mut self.digest),
            Event::Fragment(fragment) => (&fragment.payload, fragment.fin).hash(&mut self.digest),
            Event::Ping(payload) | Event::Pong(payload) => payload.hash(&mut self.digest),
            Event::Closed(closed) => (closed.code.0, &closed.reason).hash(&mut self.digest),
            Event::Request(_) | Event::Open(_) => {}
        }
    }

    /// Answers the request that came.
    pub fn answer(&mut self, ws: &mut Connection) {
        self.requested = false;
        // It may have ended meanwhile.
        let _ = if self.rejects { ws.reject(&Rejection::new(404)) } else { ws.accept(Response::default()) };
    }

    fn expected(&self) -> Item {
        assert!(self.opened, "a message before the opening handshake");
        *self.due.borrow().items.front().expect("a message that nobody sent")
    }

    fn message(&mut self, ws: &mut Connection, message: Message<'_>) {
        let item = self.expected();
        let kind = if matches!(message, Message::Text(_)) { Kind::Text } else { Kind::Binary };
        assert!((kind, message.as_bytes()) == (item.kind, item.bytes()), "another message than {item:?}");
        self.due.borrow_mut().items.pop_front();
        if self.echo && ws.send(message).is_ok() {
            self.said.borrow_mut().items.push_back(item);
        }
        if self.asks {
            ws.hold();
        }
    }

    fn fragment(&mut self, ws: &mut Connection, fragment: Fragment<'_>) {
        let item = self.expected();
        let rest = &item.bytes()[self.partial..];
        assert!(fragment.kind == item.kind && rest.starts_with(&fragment.payload), "another fragment of {item:?}");
        self.partial += fragment.payload.len();
        if fragment.fin {
            assert_eq!(self.partial, item.len, "the whole of {item:?}");
            self.partial = 0;
            self.due.borrow_mut().items.pop_front();
            let echoed = self.echo
                && match item.kind {
                    Kind::Text => ws.send(item.text()).is_ok(),
                    Kind::Binary => ws.send(item.bytes()).is_ok(),
                };
            if echoed {
                self.said.borrow_mut().items.push_back(item);
            }
        }
    }
}
