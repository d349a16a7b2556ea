//! What a sender takes.

use crate::{OwnedMessage, Prepared, TrySendError};

/// What a [`Sender`](super::Sender) takes: anything that is [`Into<OwnedMessage>`], or a [`&Prepared`](Prepared), made for
/// many connections.
#[derive(Clone, Debug)]
pub struct Post(pub(super) Posted);

#[derive(Clone, Debug)]
pub(super) enum Posted {
    Message(OwnedMessage),
    Prepared(Prepared),
}

impl<M: Into<OwnedMessage>> From<M> for Post {
    fn from(message: M) -> Self {
        Post(Posted::Message(message.into()))
    }
}

impl From<&Prepared> for Post {
    fn from(prepared: &Prepared) -> Self {
        Post(Posted::Prepared(prepared.clone()))
    }
}

impl Post {
    /// The bytes that count against the mailbox: shared or not, they are to be sent.
    pub(super) fn len(&self) -> usize {
        match &self.0 {
            Posted::Message(message) => message.as_bytes().len(),
            Posted::Prepared(prepared) => prepared.as_bytes().len(),
        }
    }

    fn into_message(self) -> OwnedMessage {
        match self.0 {
            Posted::Message(message) => message,
            Posted::Prepared(prepared) => prepared.message().clone(),
        }
    }
}

/// What the caller gets back: the message itself.
pub(super) fn give_back(error: TrySendError<Post>) -> TrySendError {
    match error {
        TrySendError::Full(post) => TrySendError::Full(post.into_message()),
        TrySendError::Closed(post) => TrySendError::Closed(post.into_message()),
        TrySendError::Refused(error) => TrySendError::Refused(error),
    }
}
