//! WebSockets on mio.
