#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| timtow_fuzz::deflate::deflate_roundtrip(data));
