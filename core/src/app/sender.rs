//! Sending from other threads.

use super::{
    Mailbox,
    post::{Post, give_back},
};
use crate::{
    CloseCode, SendError, TrySendError,
    sync::thread::{self, Thread},
};
use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
};

/// Sends on a connection from anywhere: cheap to clone.
///
/// What is sent waits in a mailbox that is bounded by [`Config::high_water`](crate::Config) in bytes until the connection's
/// loop takes it; one message fits into an empty mailbox, however large it is. It may be lost if the connection closes first.
/// Messages wait, too, while the connection's own handler is inside a message that it sends in fragments.
///
/// What becomes of a message to a peer that reads too slowly is the caller's choice. A broadcast that drops:
///
/// ```
/// use timtow_core::{Prepared, TrySendError, app::Sender};
///
/// /// Returns how many missed it.
/// fn broadcast(room: &mut Vec<Sender>, message: &Prepared) -> usize {
///     let mut missed = 0;
///     room.retain(|member| match member.try_send(message) {
///         Ok(()) => true,
///         Err(TrySendError::Full(_)) => {
///             missed += 1;
///             true
///         }
///         Err(_) => false,
///     });
///     missed
/// }
/// ```
///
/// One that closes the connections of slow consumers:
///
/// ```
/// use timtow_core::{CloseCode, Prepared, TrySendError, app::Sender};
///
/// fn broadcast(room: &mut Vec<Sender>, message: &Prepared) {
///     room.retain(|member| match member.try_send(message) {
///         Ok(()) => true,
///         Err(TrySendError::Full(_)) => {
///             member.close_now(CloseCode::POLICY, "reads too slowly").expect("the code may be sent");
///             false
///         }
///         Err(_) => false,
///     });
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Sender(Arc<Mailbox>);

impl Sender {
    pub(crate) fn new(mailbox: Arc<Mailbox>) -> Self {
        Sender(mailbox)
    }

    /// Sends a message, unless the mailbox is full. Never blocks. A message that the connection's draft cannot say, such as a
    /// binary one on hixie-76, is dropped.
    ///
    /// # Errors
    /// Gives the message back, one that was prepared as it was before.
    pub fn try_send(&self, message: impl Into<Post>) -> Result<(), TrySendError> {
        self.0.put(message.into(), None).map_err(give_back)
    }

    /// Sends a message: waits until there is room in the mailbox. Cancel-safe: the message is in the mailbox when this is
    /// ready, and not before. Of several that wait any may be first.
    ///
    /// # Errors
    /// [`TrySendError::Closed`] gives the message back.
    pub async fn send(&self, message: impl Into<Post>) -> Result<(), TrySendError> {
        let mut message = Some(message.into());
        poll_fn(|context| {
            let Some(given) = message.take() else { return Poll::Ready(Ok(())) };
            match self.0.put(given, Some(context.waker())) {
                Err(TrySendError::Full(back)) => {
                    message = Some(back);
                    Poll::Pending
                }
                result => Poll::Ready(result.map_err(give_back)),
            }
        })
        .await
    }

    /// As [`send`](Sender::send), for a thread that may block: not that of the connection itself, whose loop makes the room.
    ///
    /// # Errors
    /// As [`send`](Sender::send).
    pub fn send_blocking(&self, message: impl Into<Post>) -> Result<(), TrySendError> {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut sending = pin!(self.send(message));
        loop {
            if let Poll::Ready(result) = sending.as_mut().poll(&mut Context::from_waker(&waker)) {
                return result;
            }
            thread::park();
        }
    }

    /// Begins the closing handshake, behind what was sent before; nothing more is taken. Does nothing where the connection
    /// is closed already.
    ///
    /// # Errors
    /// [`SendError::CloseCodeNotAllowed`] and [`SendError::ControlTooLong`], as
    /// [`Connection::close`](crate::Connection::close). Nothing has changed then.
    pub fn close(&self, code: impl Into<CloseCode>, reason: impl Into<String>) -> Result<(), SendError> {
        self.0.put_close(code.into(), reason.into(), false)
    }

    /// As [`close`](Sender::close), at once: what waits in the mailbox is dropped. For a peer that reads too slowly: the
    /// close frame goes out behind what the connection has queued already, and
    /// [`Config::close_timeout`](crate::Config) ends the connection if the peer does not come to it.
    ///
    /// # Errors
    /// As [`close`](Sender::close). What waits is not dropped then.
    pub fn close_now(&self, code: impl Into<CloseCode>, reason: impl Into<String>) -> Result<(), SendError> {
        self.0.put_close(code.into(), reason.into(), true)
    }

    /// Whether nothing more is taken.
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
