//! WebSockets on tokio.
