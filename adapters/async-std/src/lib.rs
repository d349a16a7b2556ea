//! WebSockets on async-std.
