//! The opening handshake (RFC 6455 4): what is asked, what is answered, and what is refused.
//!
//! `server` and `client` are the two sides, each sans-I/O: bytes in any pieces go in, a [`Request`] or an [`Opened`]
//! comes out, and what is behind the head stays in the input. `head` finds the end of a head within its limits,
//! `answer` writes what a server says. The rest are the parts that both sides need.

mod answer;
mod body;
mod client;
mod cookie;
mod extensions;
mod failure;
mod head;
mod headers;
mod key;
#[cfg(feature = "legacy")]
mod legacy;
mod list;
mod origin;
mod page;
mod request;
mod server;
#[cfg(test)]
mod tests;

pub(crate) use answer::{page, refusal_bytes, reject};
pub(crate) use client::ClientOpening;
pub use client::ClientRequest;
#[cfg(feature = "url")]
pub(crate) use cookie::is_pair;
pub use cookie::{SameSite, SetCookie};
pub use failure::{HandshakeError, HandshakeFailure};
pub use headers::Headers;
pub use page::Page;
pub use request::{Opened, Refusal, Rejection, Request, Response};
pub(crate) use server::{Asked, NO_UPGRADE, ServerOpening};
