//! timtow.
