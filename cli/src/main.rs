//! The program `timtow`.

fn main() {}
