//! An application for tests: made of functions, and it tells what it was told.

use crate::{Host, Loop, WATCHDOG};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        mpsc::{self, Receiver, Sender as Report},
    },
};
use timtow_core::{
    Cause, CloseCode, Closed, Message, OwnedMessage, Page, Rejection, Request, Response,
    app::{App, Context, Handler, Options},
};

/// What the test application was told.
#[derive(PartialEq, Debug)]
pub(crate) enum Told {
    Open,
    Message(OwnedMessage),
    Timer,
    Close(Closed),
    Dropped,
}

type Answer = Box<dyn Fn(&Request, Option<SocketAddr>) -> Result<Response, Rejection> + Send + Sync>;
type Show = Box<dyn Fn(&Request, Option<SocketAddr>) -> Option<Page> + Send + Sync>;
type Callback = Arc<dyn Fn(&mut Context<'_>) + Send + Sync>;
type OnMessage = Arc<dyn Fn(&mut Context<'_>, Message<'_>) + Send + Sync>;

/// An application made of functions.
pub(crate) struct Script {
    pub(crate) told: Report<Told>,
    pub(crate) request: Answer,
    pub(crate) page: Show,
    pub(crate) open: Callback,
    pub(crate) message: OnMessage,
    pub(crate) timer: Callback,
}

pub(crate) struct Scripted {
    pub(crate) told: Report<Told>,
    pub(crate) open: Callback,
    pub(crate) message: OnMessage,
    pub(crate) timer: Callback,
}

impl Script {
    pub(crate) fn new() -> (Self, Receiver<Told>) {
        let (told, receiver) = mpsc::channel();
        let script = Script {
            told,
            request: Box::new(|_, _| Ok(Response::default())),
            page: Box::new(|_, _| None),
            open: Arc::new(|_| {}),
            message: Arc::new(|_, _| {}),
            timer: Arc::new(|_| {}),
        };
        (script, receiver)
    }

    pub(crate) fn serve<L: Loop>(self) -> Host<L> {
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

    fn page(&self, request: &Request, peer: Option<SocketAddr>) -> Option<Page> {
        (self.page)(request, peer)
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

pub(crate) fn next(told: &Receiver<Told>) -> Told {
    told.recv_timeout(WATCHDOG).expect("the application is told")
}

pub(crate) fn expect_told(told: &Receiver<Told>, expected: &[Told]) {
    for expected in expected {
        assert_eq!(next(told), *expected);
    }
}

pub(crate) fn normal() -> Told {
    Told::Close(Closed { code: CloseCode::NORMAL, reason: String::new(), cause: Cause::Handshake })
}
