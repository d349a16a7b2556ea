//! WebSockets on futures.
