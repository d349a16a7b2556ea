//! The codec without sockets: headers, masks, UTF-8, the opening handshake, and the echo of one turn.
//!
//! Receiving unmasks in place, so each iteration begins with a fresh copy of the wire; `copy` shows what that costs.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use std::{hint::black_box, sync::Arc};
use timtow_benches::{accept, echo, messages, open, opening, receive};
use timtow_core::{Config, Kind, Role};

/// Messages to a turn, of the small sizes.
const BATCH: usize = 16;

fn received(c: &mut Criterion, name: &str, from: Role, kind: Kind, sizes: &[usize]) {
    let to = if from == Role::Client { Role::Server } else { Role::Client };
    let mut group = c.benchmark_group(name);
    for &size in sizes {
        let count = if size > 4096 { 1 } else { BATCH };
        let wire = messages(from, kind, size, count);
        let (mut connection, mut buffer) = (open(to), wire.clone());
        group.throughput(Throughput::Bytes((size.max(1) * count) as u64));
        group.bench_function(format!("{size} B x {count}"), |b| {
            b.iter(|| {
                buffer.copy_from_slice(&wire);
                black_box(receive(&mut connection, &mut buffer))
            });
        });
    }
    group.finish();
}

/// Frames without payload: nothing but headers.
fn header(c: &mut Criterion) {
    received(c, "header", Role::Server, Kind::Binary, &[0]);
}

/// Masked frames: what is measured beside the header is the unmasking.
fn mask(c: &mut Criterion) {
    received(c, "mask", Role::Client, Kind::Binary, &[16, 125, 1024, 16 << 10, 64 << 10, 1 << 20]);
}

/// Text that is not masked: what is measured beside the header is the validation.
fn utf8(c: &mut Criterion) {
    received(c, "utf8", Role::Server, Kind::Text, &[16, 125, 1024, 64 << 10]);
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

fn in_memory_echo(c: &mut Criterion) {
    let mut group = c.benchmark_group("echo");
    for size in [16, 125, 1024, 16 << 10, 64 << 10] {
        let count = if size > 1024 { 1 } else { BATCH };
        let wire = messages(Role::Client, Kind::Binary, size, count);
        let (mut connection, mut buffer, mut scratch) = (open(Role::Server), wire.clone(), Vec::new());
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(format!("{size} B x {count}"), |b| {
            b.iter(|| {
                buffer.copy_from_slice(&wire);
                black_box(echo(&mut connection, &mut buffer, &mut scratch))
            });
        });
        group.bench_function(format!("copy of {size} B x {count}"), |b| {
            b.iter(|| buffer.copy_from_slice(black_box(&wire)))
        });
    }
    group.finish();
}

criterion_group!(codec, header, mask, utf8, handshake, in_memory_echo);
criterion_main!(codec);
