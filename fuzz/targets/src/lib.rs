//! The fuzz targets and their oracles. Each is a function of bytes that panics where timtow does not hold what it promises;
//! `fuzz_targets/` gives them to libFuzzer, and `tests/corpus.rs` feeds them the corpora.

pub mod deflate;
pub mod drive;
pub mod duplex;
pub mod frames;
pub mod handshake;
pub mod http;
pub mod legacy;
pub mod reference;
pub mod tasks;

/// The allocator that the tests of the core count with.
#[path = "../../../core/tests/common/alloc.rs"]
#[allow(missing_docs)]
pub mod alloc;

/// The inflater that the tests of the core compare with.
#[path = "../../../conformance/src/inflate.rs"]
#[allow(missing_docs)]
pub mod inflate;

/// The socket without a system that the tests of the core use.
#[path = "../../../core/tests/common/pipe.rs"]
#[allow(missing_docs, dead_code)]
pub mod pipe;

#[global_allocator]
static ALLOCATOR: alloc::Counting = alloc::Counting;

/// A target: what it is called, also in `fuzz_targets/` and `corpus/`, and what it does with bytes.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: &[Target] = &[
    ("frame_header", frames::frame_header),
    ("frames_server", frames::frames_server),
    ("frames_client", frames::frames_client),
    ("handshake_server", handshake::handshake_server),
    ("handshake_client", handshake::handshake_client),
    ("extension_header", handshake::extension_header),
    ("hixie_75", legacy::hixie_75),
    ("hixie_76", legacy::hixie_76),
    ("hybi_07", legacy::hybi_07),
    ("hybi_08", legacy::hybi_08),
    ("inflate", deflate::inflate),
    ("deflate_roundtrip", deflate::deflate_roundtrip),
    ("duplex", duplex::duplex),
    ("tasks", tasks::tasks),
];
