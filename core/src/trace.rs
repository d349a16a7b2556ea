//! What a connection tells `tracing`: how it begins and how it ends, and nothing in between. Without the feature of
//! that name, nothing at all: all of this is then empty.
//!
//! What comes from the peer is recorded by its `Debug`, which escapes whatever could forge a line of a log.

#[cfg(feature = "tracing")]
pub(crate) use on::Trace;

#[cfg(not(feature = "tracing"))]
pub(crate) use off::Trace;

#[cfg(feature = "tracing")]
mod on {
    use crate::{Closed, Connection, Opened, Role, event::Cause};
    use core::fmt::Display;
    use tracing::{Span, debug, field::Empty, info, info_span};

    impl Connection {
        /// The span of this connection, `timtow.connection`, for events of the application. It is a child of the span in
        /// which the connection was made, and is never entered by itself.
        ///
        /// Its fields are `role`, `peer` where a driver knows the address, and `request`, the target. In it there are, under
        /// the target `timtow`: at level `DEBUG` `opened` with the `subprotocol`, `closed` with the `code` and the `reason` of
        /// the peer's close frame, and the loss without one; at level `INFO` violations with the `code` that the peer was
        /// sent, refused and failed opening handshakes, and deadlines that passed. There is nothing for each message. Strings
        /// of the peer are recorded by their `Debug`, so that none forges a line of a log.
        ///
        /// ```
        /// fn note(ws: &timtow_core::Connection) {
        ///     tracing::info!(parent: ws.span(), "the order is placed");
        /// }
        /// ```
        pub fn span(&self) -> &tracing::Span {
            &self.trace.0
        }
    }

    /// The span of a connection.
    #[derive(Debug)]
    pub(crate) struct Trace(pub(crate) Span);

    impl Trace {
        pub(crate) fn new(role: Role) -> Self {
            let role = match role {
                Role::Server => "server",
                Role::Client => "client",
            };
            Trace(info_span!(target: "timtow", "timtow.connection", role, peer = Empty, request = Empty))
        }

        /// The address of the other end is known.
        #[cfg_attr(not(feature = "std"), expect(dead_code, reason = "drivers know it"))]
        pub(crate) fn peer(&self, peer: impl Display) {
            self.0.record("peer", tracing::field::display(peer));
        }

        /// The target of the request is known.
        pub(crate) fn request(&self, target: &str) {
            self.0.record("request", tracing::field::debug(target));
        }

        #[cold]
        pub(crate) fn opened(&self, opened: &Opened) {
            let subprotocol = opened.subprotocol.as_deref().map(tracing::field::debug);
            debug!(target: "timtow", parent: &self.0, subprotocol, "opened");
        }

        #[cold]
        pub(crate) fn closed(&self, closed: &Closed) {
            let Closed { code, reason, cause } = closed;
            match cause {
                Cause::Handshake => debug!(target: "timtow", parent: &self.0, code = code.0, ?reason, "closed"),
                Cause::Violation(violation) => {
                    let code = violation.close_code().0;
                    info!(target: "timtow", parent: &self.0, code, %violation, "the peer broke the protocol");
                }
                Cause::Refused(refusal) => {
                    let (status, reason) = (refusal.status, refusal.reason);
                    info!(target: "timtow", parent: &self.0, status, reason, "refused the opening handshake");
                }
                Cause::Failed(error) => {
                    // Not its fields and its body: they may be long, and secret.
                    let status = error.status;
                    info!(target: "timtow", parent: &self.0, %error, status, "the opening handshake failed");
                }
                Cause::Timeout(timeout) => info!(target: "timtow", parent: &self.0, ?timeout, "timed out"),
                Cause::Lost => debug!(target: "timtow", parent: &self.0, "lost without a close frame"),
            }
        }
    }
}

#[cfg(not(feature = "tracing"))]
mod off {
    use crate::{Closed, Opened, Role};
    use core::fmt::Display;

    #[derive(Debug)]
    pub(crate) struct Trace;

    // It costs no connection a byte.
    const _: () = assert!(size_of::<Trace>() == 0);

    impl Trace {
        #[inline(always)]
        pub(crate) fn new(_: Role) -> Self {
            Trace
        }

        #[cfg_attr(not(feature = "std"), expect(dead_code, reason = "drivers know it"))]
        #[inline(always)]
        pub(crate) fn peer(&self, _: impl Display) {}

        #[inline(always)]
        pub(crate) fn request(&self, _: &str) {}

        #[inline(always)]
        pub(crate) fn opened(&self, _: &Opened) {}

        #[inline(always)]
        pub(crate) fn closed(&self, _: &Closed) {}
    }
}
