//! The idiom that all async loops share, for the suite, which blocks.

use crate::{Order, WebSocket};
use std::{
    collections::VecDeque,
    future::{Future, poll_fn},
    marker::PhantomData,
    pin::pin,
    task::{Context, Poll},
};
use timtow_core::{Closed, Error, OwnedFragment, OwnedMessage, Prepared, TrySendError, task};

/// A loop that runs futures.
pub trait BlockOn: 'static {
    /// Runs the loop on this thread, until the future is ready.
    fn block_on<T>(future: impl Future<Output = T>) -> T;
}

/// A [`task::WebSocket`] that blocks on its loop.
#[derive(Debug)]
pub struct Awaited<L, S>(task::WebSocket<S>, PhantomData<fn() -> L>);

impl<L: BlockOn, S: task::Socket> Awaited<L, S> {
    /// The socket that blocks.
    pub fn new(socket: task::WebSocket<S>) -> Self {
        Awaited(socket, PhantomData)
    }

    /// The socket itself.
    pub fn get_mut(&mut self) -> &mut task::WebSocket<S> {
        &mut self.0
    }
}

impl<L: BlockOn, S: task::Socket + 'static> WebSocket for Awaited<L, S> {
    fn recv(&mut self) -> Result<Option<OwnedMessage>, Error> {
        L::block_on(self.0.recv())
    }

    fn send(&mut self, message: OwnedMessage) -> Result<(), Error> {
        L::block_on(self.0.send(message))
    }

    fn recv_fragment(&mut self) -> Result<Option<OwnedFragment>, Error> {
        L::block_on(self.0.recv_fragment())
    }

    fn send_fragment(&mut self, fragment: OwnedFragment) -> Result<(), Error> {
        L::block_on(self.0.send_fragment(fragment))
    }

    fn offer(&mut self, message: OwnedMessage) -> Result<(), TrySendError<OwnedMessage>> {
        self.0.try_send(message)
    }

    fn send_prepared(&mut self, prepared: &Prepared) -> Result<(), Error> {
        L::block_on(self.0.send(prepared))
    }

    fn offer_prepared<'p>(&mut self, prepared: &'p Prepared) -> Result<(), TrySendError<&'p Prepared>> {
        self.0.try_send(prepared)
    }

    fn ping(&mut self, payload: &[u8]) -> Result<(), Error> {
        L::block_on(self.0.ping(payload))
    }

    fn close(&mut self, code: u16, reason: &str) -> Result<Closed, Error> {
        L::block_on(self.0.close(code, reason))
    }

    fn closed(&self) -> Option<Closed> {
        self.0.closed().cloned()
    }

    fn echo_split(self) -> Result<Option<Closed>, Error> {
        L::block_on(echo_split(self.0))
    }

    fn echo_split_fragments(self) -> Result<Option<Closed>, Error> {
        let (mut receiver, mut sender) = self.0.split();
        L::block_on(async {
            while let Some(fragment) = receiver.recv_fragment().await? {
                // The other half learns how the connection ended.
                let _ = sender.send_fragment(fragment).await;
            }
            Ok(receiver.closed())
        })
    }
}

/// What only futures can do: to be dropped before they are ready.
pub trait Cancel: WebSocket {
    /// As [`recv`](WebSocket::recv), with a future that is dropped whenever it is pending, and made anew when the loop
    /// wakes it.
    ///
    /// # Errors
    /// As [`recv`](WebSocket::recv).
    fn recv_with_cancels(&mut self) -> Result<Option<OwnedMessage>, Error>;

    /// The same for [`recv_fragment`](WebSocket::recv_fragment).
    ///
    /// # Errors
    /// As [`recv`](WebSocket::recv).
    fn recv_fragment_with_cancels(&mut self) -> Result<Option<OwnedFragment>, Error>;

    /// Polls a `send` once, and drops it. Whether it was ready.
    ///
    /// # Errors
    /// As [`send`](WebSocket::send).
    fn try_send(&mut self, message: OwnedMessage) -> Result<bool, Error>;
}

impl<L: BlockOn, S: task::Socket + 'static> Cancel for Awaited<L, S> {
    fn recv_with_cancels(&mut self) -> Result<Option<OwnedMessage>, Error> {
        L::block_on(poll_fn(|context| pin!(self.0.recv()).poll(context)))
    }

    fn recv_fragment_with_cancels(&mut self) -> Result<Option<OwnedFragment>, Error> {
        L::block_on(poll_fn(|context| pin!(self.0.recv_fragment()).poll(context)))
    }

    fn try_send(&mut self, message: OwnedMessage) -> Result<bool, Error> {
        L::block_on(poll_fn(|context| match pin!(self.0.send(message.clone())).poll(context) {
            Poll::Ready(result) => Poll::Ready(result.map(|()| true)),
            Poll::Pending => Poll::Ready(Ok(false)),
        }))
    }
}

/// So many messages wait between the halves.
const BETWEEN: usize = 16;

/// Sends every message back, with one half for each direction, both in one task: whatever wakes it polls both.
async fn echo_split<S: task::Socket>(socket: task::WebSocket<S>) -> Result<Option<Closed>, Error> {
    let (mut receiver, mut sender) = socket.split();
    let queue = std::cell::RefCell::new(VecDeque::new());
    let receive = async {
        loop {
            until(|| queue.borrow().len() < BETWEEN).await;
            match receiver.recv().await {
                Ok(Some(message)) => queue.borrow_mut().push_back(message),
                Ok(None) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    };
    let send = async {
        loop {
            until(|| !queue.borrow().is_empty()).await;
            let message = queue.borrow_mut().pop_front();
            let Some(message) = message else { continue };
            // The other half learns how the connection ended.
            let _ = match Order::of(message.as_bytes()) {
                Order::Close(code, reason) => sender.close(code, reason).await,
                Order::Ping(payload) => match sender.ping(payload).await {
                    Err(error) => sender.send(error.to_string()).await,
                    sent => sent,
                },
                Order::Echo => sender.send(message).await,
            };
        }
    };
    let (mut receive, mut send) = (pin!(receive), pin!(send));
    poll_fn(|context: &mut Context<'_>| {
        loop {
            if let Poll::Ready(end) = receive.as_mut().poll(context) {
                return Poll::Ready(end);
            }
            let before = queue.borrow().len();
            let never: Poll<()> = send.as_mut().poll(context);
            // There is room again for what the receiver may already have.
            if never.is_pending() && (before < BETWEEN || queue.borrow().len() == before) {
                return Poll::Pending;
            }
        }
    })
    .await
}

/// Ready when it is true; the task is polled when that may have changed.
async fn until(mut is: impl FnMut() -> bool) {
    poll_fn(|_| if is() { Poll::Ready(()) } else { Poll::Pending }).await;
}
