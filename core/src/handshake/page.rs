//! Answers of an application, and what they have in common: header fields, cookies, a body that says what it is.

use super::{Rejection, Response, SetCookie};
use crate::SendError;
use alloc::{string::String, vec::Vec};

/// A page for whoever asks with a plain `GET`, without `Upgrade: websocket`, on the port of the WebSocket. The connection
/// ends with it: no second request is read.
///
/// ```
/// use timtow_core::Page;
/// let page = Page::html("<!doctype html><title>chat</title>").header("Cache-Control", "no-store");
/// assert_eq!(page.status, 200);
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Page {
    /// An HTTP status from 200 to 599; 204 and 304 have no body.
    pub status: u16,
    /// Further header fields, `Content-Type` among them; not those that [`Response::headers`] excludes.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Page {
    /// A page with status 200, and a body of this media type.
    pub fn new(content_type: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        let headers = Vec::from([("Content-Type".into(), content_type.into())]);
        Page { status: 200, headers, body: body.into() }
    }

    /// A page of HTML, in UTF-8.
    pub fn html(html: impl Into<String>) -> Self {
        Page::new("text/html; charset=utf-8", html.into())
    }

    /// A page of plain text, in UTF-8.
    pub fn text(text: impl Into<String>) -> Self {
        Page::new("text/plain; charset=utf-8", text.into())
    }

    /// The page with another status.
    pub fn status(self, status: u16) -> Self {
        Page { status, ..self }
    }
}

/// For the answer to a plain `GET` that [`Config::pages`](crate::Config) lets the application see as a
/// [`Request`](crate::Request).
impl From<Page> for Rejection {
    fn from(Page { status, headers, body }: Page) -> Self {
        Rejection { status, headers, body }
    }
}

impl Rejection {
    /// A rejection with this status, from 300 to 599, and a body of plain text.
    ///
    /// ```
    /// use timtow_core::Rejection;
    /// let rejection = Rejection::text(401, "who are you?\n").header("WWW-Authenticate", "Basic realm=\"chat\"");
    /// assert_eq!(rejection.headers[0], ("Content-Type".into(), "text/plain; charset=utf-8".into()));
    /// ```
    pub fn text(status: u16, text: impl Into<String>) -> Self {
        Page::text(text).status(status).into()
    }

    /// A rejection with this status, from 300 to 599, and a body of this media type.
    pub fn body(status: u16, content_type: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Page::new(content_type, body).status(status).into()
    }
}

impl Response {
    /// The answer with this subprotocol, which must be one that was offered.
    pub fn subprotocol(mut self, name: impl Into<String>) -> Self {
        self.subprotocol = Some(name.into());
        self
    }
}

macro_rules! answers {
    ($($answer:ident),*) => {
        $(impl $answer {
            /// The answer with one more header field. Checked when it is sent: see
            /// [`Connection::accept`](crate::Connection::accept).
            pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
                self.headers.push((name.into(), value.into()));
                self
            }

            /// The answer with one more cookie.
            ///
            /// # Errors
            /// [`SendError::InvalidHeader`] for a cookie that could not stand there.
            pub fn cookie(self, cookie: &SetCookie) -> Result<Self, SendError> {
                Ok(self.header("Set-Cookie", cookie.header()?))
            }
        })*
    };
}

answers!(Response, Rejection, Page);
