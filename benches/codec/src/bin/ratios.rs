//! What the codec costs, as ratios: each part against the best that is known, in turns, so that what disturbs the machine
//! disturbs all. Prints Markdown.
//!
//! ```console
//! $ cargo run --release -p timtow-benches --bin ratios              # all tables, about half a minute
//! $ cargo run --release -p timtow-benches --bin ratios -- unmask    # one of them
//! ```

use std::{env, fs, hint::black_box, time::Instant};
use timtow_benches::{
    Turns, binary, cut, echo, floor,
    kernels::{KERNELS, lanes_into},
    leaf::{is_text, is_text_in_pieces, unmask, unmask_into, unmask_within},
    messages, open, text,
};
use timtow_core::{Kind, Role};

const ROUNDS: usize = 31;
/// A turn of one contestant is so long, or one pass.
const TURN: f64 = 300_000.0;

/// What is measured, and of what: nanoseconds for each of `per` parts of a pass.
type Contestant<'c, S> = (&'static str, Box<dyn FnMut(&mut S) + 'c>);

/// One row: the contestants, of which the first is ours, and the second is the first again, so that one sees the noise.
/// What is taken for the best is the fastest from the third on, without the `aside` at the end.
struct Contest<'c, S> {
    row: String,
    state: S,
    per: usize,
    contestants: Vec<Contestant<'c, S>>,
    aside: usize,
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

impl<S> Contest<'_, S> {
    /// Prints the row.
    fn run(mut self, random: &mut Random) {
        let count = self.contestants.len();
        let mut times = vec![Vec::new(); count];
        let mut passes = vec![1.0; count];
        // The first round says how many passes make a turn, and the second warms up.
        for round in 0..ROUNDS + 2 {
            for at in random.order(count) {
                let contestant = &mut self.contestants[at].1;
                let begin = Instant::now();
                for _ in 0..passes[at] as usize {
                    contestant(black_box(&mut self.state));
                }
                let pass = begin.elapsed().as_nanos() as f64 / passes[at];
                if round < 2 {
                    passes[at] = (TURN / pass.max(1.0)).clamp(1.0, 100_000.0).floor();
                } else {
                    times[at].push(pass / self.per as f64);
                }
            }
        }
        let medians: Vec<f64> = times.iter().map(|times| median(&mut times.clone())).collect();
        let others = 2..count - self.aside;
        let best = others.min_by(|a, b| medians[*a].total_cmp(&medians[*b])).expect("another");
        let against = |other: usize| {
            let mut ratios: Vec<f64> = times[0].iter().zip(&times[other]).map(|(ours, other)| ours / other).collect();
            let median = median(&mut ratios);
            // Without the tenth at either end: what the machine did meanwhile.
            format!("{median:.2} ({:.2}-{:.2})", ratios[ROUNDS / 10], ratios[ROUNDS - 1 - ROUNDS / 10])
        };
        let cells = medians.iter().enumerate().filter(|(at, _)| *at != 1).map(|(_, median)| format!(" {median:.2} |"));
        println!("| {} |{} {} | {} |", self.row, cells.collect::<String>(), against(best), against(1));
    }

    fn head(&self, what: &str) {
        let names = self.contestants.iter().enumerate().filter(|(at, _)| *at != 1).map(|(_, (name, _))| *name);
        let names: Vec<&str> = names.collect();
        println!("\n| {what} | {} | ours / best of the others | A/A |", names.join(" | "));
        println!("| --- |{}", " ---: |".repeat(names.len() + 2));
    }
}

/// Which is first is not always the same.
struct Random(u64);

impl Random {
    fn order(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for at in (1..count).rev() {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            order.swap(at, (self.0 >> 33) as usize % (at + 1));
        }
        order
    }
}

fn size_name(size: usize) -> String {
    match size {
        0..1024 => format!("{size} B"),
        1024..0x10_0000 => format!("{} KiB", size >> 10),
        _ => format!("{} MiB", size >> 20),
    }
}

/// As many messages as one read brings.
fn batch(size: usize) -> usize {
    if size > 1024 { 1 } else { 16 }
}

/// What a client puts in front of a payload.
fn header(size: usize) -> usize {
    match size {
        0..126 => 6,
        126..0x1_0000 => 8,
        _ => 14,
    }
}

/// Payloads one behind the other, as they lie in what was read.
struct Payloads {
    memory: Vec<u8>,
    places: Vec<(usize, usize)>,
    out: Vec<u8>,
}

impl Payloads {
    fn new(size: usize, bytes: &[u8]) -> Self {
        let (count, step) = (batch(size), header(size) + size);
        let mut memory = vec![0; count * step + 64];
        let start = memory.as_ptr().align_offset(64);
        let places: Vec<_> = (0..count).map(|n| start + n * step + header(size)).map(|at| (at, at + size)).collect();
        places.iter().for_each(|(at, end)| memory[*at..*end].copy_from_slice(&bytes[..size]));
        Payloads { memory, places, out: vec![0; count * step + 64] }
    }

    fn each(&mut self, mut f: impl FnMut(&mut [u8])) {
        for (at, end) in &self.places {
            f(black_box(&mut self.memory[*at..*end]));
        }
    }

    /// With the place to go to, behind a header of ours.
    fn each_into(&mut self, mut f: impl FnMut(&mut [u8], &mut [u8])) {
        let mut to = 0;
        for (at, end) in &self.places {
            to += 4;
            f(black_box(&mut self.memory[*at..*end]), &mut self.out[to..to + end - at]);
            to += end - at;
        }
        black_box(&mut self.out);
    }
}

/// What is echoed, and where to.
struct Echo {
    wire: Vec<u8>,
    out: Vec<u8>,
}

fn echoes(random: &mut Random) {
    println!(
        "\nEcho in memory, ns per message: receive and send, against one pass that believes headers, and unmasks and moves"
    );
    println!("payloads, by our way to do that or in plain lanes; for text, simdutf8 then looks at what was moved.");
    for (kind, name) in [(Kind::Binary, "binary"), (Kind::Text, "text")] {
        for size in [16, 125, 1024, 16 << 10, 64 << 10] {
            let check = move |to: &mut [u8]| assert!(kind == Kind::Binary || simdutf8::basic::from_utf8(to).is_ok());
            let wire = messages(Role::Client, kind, size, batch(size));
            let [mut first, mut second] = [(), ()].map(|()| (open(Role::Server), Vec::new()));
            let contest = Contest {
                row: format!("{name}, {} x {}", size_name(size), batch(size)),
                state: Echo { out: vec![0; wire.len()], wire },
                per: batch(size),
                contestants: vec![
                    each("timtow", move |all: &mut Echo| echo(&mut first.0, &mut all.wire, &mut first.1)),
                    each("again", move |all: &mut Echo| echo(&mut second.0, &mut all.wire, &mut second.1)),
                    each("floor", move |all: &mut Echo| {
                        floor::echo(&all.wire, &mut all.out, |from, to, mask| {
                            unmask_into(from, to, mask);
                            check(to);
                        })
                    }),
                    each("floor in plain lanes", move |all: &mut Echo| {
                        floor::echo(&all.wire, &mut all.out, |from, to, mask| {
                            lanes_into(from, to, mask);
                            check(to);
                        })
                    }),
                    each("memcpy", |all: &mut Echo| all.out.copy_from_slice(&all.wire)),
                ],
                aside: 1,
            };
            if size == 16 && kind == Kind::Binary {
                contest.head("messages");
            }
            contest.run(random);
        }
    }
}

/// What comes, where it is read to, and where the floor sends it to.
struct Reads {
    wire: Vec<u8>,
    read: Vec<u8>,
    out: Vec<u8>,
}

fn turns(random: &mut Random) {
    println!(
        "\nEcho in a turn, as `serve` makes it on every loop, without a socket, ns per message. What comes is copied to where a"
    );
    println!("loop reads it to; so it is for the floor.");
    for size in [16, 125, 1024, 16 << 10, 64 << 10] {
        let wire = messages(Role::Client, Kind::Binary, size, batch(size));
        let (mut first, mut second) = (Turns::open(), Turns::open());
        let floor = |unmask: fn(&[u8], &mut [u8], [u8; 4])| {
            move |all: &mut Reads| {
                all.read.copy_from_slice(&all.wire);
                floor::echo(black_box(&all.read), &mut all.out, unmask)
            }
        };
        let contest = Contest {
            row: format!("binary, {} x {}", size_name(size), batch(size)),
            state: Reads { read: wire.clone(), out: vec![0; wire.len()], wire },
            per: batch(size),
            contestants: vec![
                each("timtow", move |all: &mut Reads| first.echo(&all.wire)),
                each("again", move |all: &mut Reads| second.echo(&all.wire)),
                each("floor", floor(unmask_into)),
                each("floor in plain lanes", floor(lanes_into)),
                each("the copy alone", |all: &mut Reads| all.read.copy_from_slice(&all.wire)),
            ],
            aside: 1,
        };
        if size == 16 {
            contest.head("messages");
        }
        contest.run(random);
    }
}

/// A contestant, whose result nobody needs.
fn each<'c, S, R>(name: &'static str, mut f: impl FnMut(&mut S) -> R + 'c) -> Contestant<'c, S> {
    let f = move |state: &mut S| {
        black_box(f(state));
    };
    (name, Box::new(f))
}

fn unmasking(random: &mut Random) {
    println!("\nUnmasking in place, ns per payload.");
    let mask = black_box([0x37, 0xfa, 0x21, 0x3d]);
    for size in [16, 20, 64, 125, 200, 256, 512, 1024, 4096, 16 << 10, 64 << 10, 256 << 10, 1 << 20] {
        let mut contestants: Vec<Contestant<'_, Payloads>> = vec![
            ("timtow", Box::new(|all| all.each(|payload| unmask(payload, mask)))),
            ("again", Box::new(|all| all.each(|payload| unmask(payload, mask)))),
        ];
        for (name, kernel) in KERNELS {
            if kernel(&mut [], mask) {
                contestants.push((
                    name,
                    Box::new(move |all| {
                        all.each(|payload| {
                            black_box(kernel(payload, mask));
                        })
                    }),
                ));
            }
        }
        contestants.push(("memcpy", Box::new(|all| all.each_into(|from, to| to.copy_from_slice(from)))));
        let state = Payloads::new(size, &binary(size));
        let contest = Contest { row: size_name(size), state, per: batch(size), contestants, aside: 1 };
        if size == 16 {
            contest.head("payload");
        }
        contest.run(random);
    }
}

fn moving(random: &mut Random) {
    println!(
        "\nUnmasking into another buffer, ns per payload: in one pass, or in place and then copied, or the other way round."
    );
    let mask = black_box([0x37, 0xfa, 0x21, 0x3d]);
    for size in [16, 20, 64, 125, 200, 256, 1024, 4096, 16 << 10, 64 << 10] {
        let contest = Contest {
            row: size_name(size),
            state: Payloads::new(size, &binary(size)),
            per: batch(size),
            contestants: vec![
                ("one pass", Box::new(|all: &mut Payloads| all.each_into(|from, to| unmask_into(from, to, mask)))),
                ("again", Box::new(|all| all.each_into(|from, to| unmask_into(from, to, mask)))),
                (
                    "unmask, copy",
                    Box::new(|all| {
                        all.each_into(|from, to| {
                            unmask(from, mask);
                            to.copy_from_slice(from);
                        });
                    }),
                ),
                (
                    "copy, unmask",
                    Box::new(|all| {
                        all.each_into(|from, to| {
                            to.copy_from_slice(from);
                            unmask(to, mask);
                        });
                    }),
                ),
                (
                    "within one buffer",
                    Box::new(|all| {
                        let Payloads { memory, places, .. } = all;
                        for (n, (at, end)) in places.iter().enumerate() {
                            let to = places[0].0 - header(size) + n * (end - at + 4);
                            unmask_within(memory, *at..*end, to.min(*at), mask);
                        }
                    }),
                ),
            ],
            aside: 1,
        };
        if size == 16 {
            contest.head("payload");
        }
        contest.run(random);
    }
}

fn validating(random: &mut Random) {
    let languages = [
        ("ASCII", "there is more than one way ".repeat(2500)),
        ("JSON", text(70_000)),
        ("Greek", "γνῶθι σεαυτόν ".repeat(3000)),
    ];
    println!("\nUTF-8, ns per text.");
    for size in [16, 32, 63, 64, 100, 125, 256, 1024, 16 << 10, 64 << 10] {
        for (language, text) in &languages {
            let part = cut(text, size);
            let contest = Contest {
                row: format!("{language}, {}", size_name(size)),
                state: Payloads::new(size, &part),
                per: batch(size),
                contestants: vec![
                    ("timtow", Box::new(|all: &mut Payloads| all.each(|text| assert!(is_text(text))))),
                    ("again", Box::new(|all| all.each(|text| assert!(is_text(text))))),
                    ("std", Box::new(|all| all.each(|text| assert!(std::str::from_utf8(text).is_ok())))),
                    ("simdutf8", Box::new(|all| all.each(|text| assert!(simdutf8::basic::from_utf8(text).is_ok())))),
                ],
                aside: 0,
            };
            if size == 16 && *language == "ASCII" {
                contest.head("text");
            }
            contest.run(random);
        }
    }
    println!("\nUTF-8 of 64 KiB in pieces, which end inside of characters, against the whole, ns per text.");
    for (piece, n) in [(101, 0), (1021, 1), (4093, 2), (16_381, 3)] {
        for (language, text) in &languages {
            let part = cut(text, 64 << 10);
            let contest = Contest {
                row: format!("{language}, pieces of {piece} B"),
                state: Payloads::new(64 << 10, &part),
                per: 1,
                contestants: vec![
                    (
                        "in pieces",
                        Box::new(move |all: &mut Payloads| all.each(|text| assert!(is_text_in_pieces(text, piece)))),
                    ),
                    ("again", Box::new(move |all| all.each(|text| assert!(is_text_in_pieces(text, piece))))),
                    ("whole", Box::new(|all| all.each(|text| assert!(is_text(text))))),
                ],
                aside: 0,
            };
            if n == 0 && *language == "ASCII" {
                contest.head("text");
            }
            contest.run(random);
        }
    }
}

fn main() {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("an unknown processor", |name| name.trim_start_matches(['\t', ' ', ':']));
    let wanted: Vec<String> = env::args().skip(1).collect();
    println!(
        "`cargo run --release -p timtow-benches --bin ratios{}`, on {cpu}.",
        wanted.iter().map(|name| format!(" {name}")).collect::<String>()
    );
    println!(
        "Medians of {ROUNDS} rounds in random order; of ratios, which are better below 1, also the range of the middle 80 %."
    );
    let random = &mut Random(Instant::now().elapsed().as_nanos() as u64 | 1);
    let tables: [(&str, fn(&mut Random)); 5] =
        [("echo", echoes), ("turn", turns), ("unmask", unmasking), ("move", moving), ("utf8", validating)];
    for (name, table) in tables {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            table(random);
        }
    }
}
