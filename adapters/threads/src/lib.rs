//! WebSockets on threads.
