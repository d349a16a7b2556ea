//! The suite that every adapter of timtow must pass.
