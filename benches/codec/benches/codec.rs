//! The codec without sockets: masks, headers, UTF-8, the opening handshake, compression, and the echo of one turn. How they
//! compare is better asked of the program `ratios`, which takes turns.
//!
//! Receiving unmasks in place: what binary messages hold changes from one iteration to the next, and what it costs does not.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use std::{hint::black_box, sync::Arc};
use timtow_benches::{
    accept, binary, cut, echo, floor,
    kernels::KERNELS,
    leaf::{is_text, is_text_in_pieces, unmask, unmask_into},
    messages, open, open_deflate, opening, receive, text, wire,
};
use timtow_core::{Config, Kind, Role};

/// Messages to a turn, of the small sizes.
const BATCH: usize = 16;
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

fn mask(c: &mut Criterion) {
    for size in [16, 125, 1024, 16 << 10, 64 << 10, 1 << 20] {
        let mut group = c.benchmark_group(format!("mask/{size} B"));
        let mut payload = binary(size);
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function("timtow", |b| b.iter(|| unmask(black_box(&mut payload), black_box(MASK))));
        for (name, kernel) in KERNELS {
            if kernel(&mut [], MASK) {
                group.bench_function(name, |b| b.iter(|| kernel(black_box(&mut payload), black_box(MASK))));
            }
        }
        group.finish();
    }
}

/// Frames without payload: nothing but headers, unmasked and masked.
fn header(c: &mut Criterion) {
    for (name, from, to) in [("client", Role::Server, Role::Client), ("server", Role::Client, Role::Server)] {
        let (mut connection, mut wire) = (open(to), messages(from, Kind::Binary, 0, BATCH));
        c.bench_function(&format!("header/{name} x {BATCH}"), |b| {
            b.iter(|| receive(&mut connection, black_box(&mut wire)));
        });
    }
}

fn utf8(c: &mut Criterion) {
    let kinds = [("ASCII", "there is more than one way ".repeat(2500)), ("other", "γνῶθι σεαυτόν ".repeat(3000))];
    for size in [16, 125, 1024, 64 << 10] {
        for (kind, text) in &kinds {
            let bytes = cut(text, size);
            let mut group = c.benchmark_group(format!("utf8/{kind}, {size} B"));
            group.throughput(Throughput::Bytes(size as u64));
            group.bench_function("timtow", |b| b.iter(|| is_text(black_box(&bytes))));
            group.bench_function("timtow, in pieces of 1021 B", |b| {
                b.iter(|| is_text_in_pieces(black_box(&bytes), 1021));
            });
            group.bench_function("simdutf8", |b| b.iter(|| simdutf8::basic::from_utf8(black_box(&bytes)).is_ok()));
            group.bench_function("std", |b| b.iter(|| std::str::from_utf8(black_box(&bytes)).is_ok()));
            group.finish();
        }
    }
}

fn handshake(c: &mut Criterion) {
    let (config, request) = (Arc::new(Config::default()), opening());
    c.bench_function("handshake", |b| {
        b.iter_batched(
            || request.clone(),
            |mut request| black_box(accept(&config, &mut request)),
            BatchSize::SmallInput,
        );
    });
}

/// A client's messages compressed, and one of them inflated again and again, without context takeover.
fn deflate(c: &mut Criterion) {
    for size in [125, 1024, 16 << 10] {
        for (kind, message) in [("JSON", text(size)), ("one word", "timtowtdi ".repeat(size / 10))] {
            let mut group = c.benchmark_group(format!("deflate/{kind}, {size} B"));
            group.throughput(Throughput::Bytes(size as u64));
            let (mut client, mut scratch) = (open_deflate(Role::Client), Vec::new());
            group.bench_function("compress", |b| {
                b.iter(|| {
                    client.outbox().lend(&mut scratch);
                    client.send(black_box(message.as_str())).expect("the connection is open");
                    let sent = client.outbox().len();
                    client.outbox().advance(sent);
                    client.outbox().reclaim(&mut scratch);
                });
            });
            let mut client = open_deflate(Role::Client);
            client.send(message.as_str()).expect("the connection is open");
            let (mut server, compressed) = (open_deflate(Role::Server), wire(&mut client));
            let mut buffer = compressed.clone();
            group.bench_function("inflate", |b| {
                b.iter(|| {
                    buffer.copy_from_slice(&compressed);
                    receive(&mut server, black_box(&mut buffer))
                });
            });
            group.finish();
        }
    }
}

fn in_memory_echo(c: &mut Criterion) {
    for size in [16, 125, 1024, 16 << 10, 64 << 10] {
        let count = if size > 1024 { 1 } else { BATCH };
        let mut group = c.benchmark_group(format!("echo/{size} B x {count}"));
        group.throughput(Throughput::Elements(count as u64));
        for (name, kind) in [("binary", Kind::Binary), ("text", Kind::Text)] {
            let mut wire = messages(Role::Client, kind, size, count);
            let (mut connection, mut scratch) = (open(Role::Server), Vec::new());
            group.bench_function(name, |b| b.iter(|| echo(&mut connection, black_box(&mut wire), &mut scratch)));
        }
        let wire = messages(Role::Client, Kind::Binary, size, count);
        let mut out = vec![0; wire.len()];
        group.bench_function("floor", |b| b.iter(|| floor::echo(black_box(&wire), &mut out, unmask_into)));
        group.bench_function("memcpy", |b| b.iter(|| out.copy_from_slice(black_box(&wire))));
        group.finish();
    }
}

criterion_group!(codec, mask, header, utf8, handshake, deflate, in_memory_echo);
criterion_main!(codec);
