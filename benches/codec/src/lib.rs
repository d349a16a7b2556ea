//! Benchmarks of timtow's codec.
