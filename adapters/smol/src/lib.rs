//! WebSockets on smol.
