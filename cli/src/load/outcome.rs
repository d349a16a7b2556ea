//! What `timtow load` prints: one JSON object. Other programs read it: fields may be added, never changed.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::{Pace, Plan, traffic::Measured};

/// The outcome of a load, as it is printed.
#[derive(Serialize, Debug)]
pub(crate) struct Outcome {
    /// The server.
    pub(crate) url: String,
    /// Connections.
    pub(crate) connections: usize,
    /// Payload bytes of a message.
    pub(crate) size: usize,
    /// Messages were text (with multi-byte characters), not binary.
    pub(crate) text: bool,
    /// Closed loop: messages in flight on each connection; else null.
    pub(crate) depth: Option<u32>,
    /// Open loop: messages per second that were to be sent; else null.
    pub(crate) rate: Option<f64>,
    /// Measured time; warming up, and waiting for the last echoes, are not part of it.
    pub(crate) seconds: f64,
    /// Messages that came back in that time.
    pub(crate) messages: u64,
    /// The same per second.
    pub(crate) messages_per_second: f64,
    /// Payload bytes that came back per second.
    pub(crate) payload_bytes_per_second: f64,
    /// Time from sending a message (closed loop), or from the time at which it should have been sent (open loop),
    /// until it had come back whole, in nanoseconds.
    pub(crate) latency_ns: Percentiles,
    /// How the echoes were checked. A wrong one is an error, and then there is no outcome.
    pub(crate) checked: Checked,
    /// What the generator thinks of itself.
    pub(crate) generator: Generator,
}

/// How the echoes were checked.
#[derive(Serialize, Debug)]
pub(crate) struct Checked {
    /// Messages whose opcode and length were right: all of them.
    pub(crate) messages: u64,
    /// Messages whose content was compared, and right: the first of each connection, and one in 64 (in the whole
    /// run, warming up included).
    pub(crate) contents: u64,
    /// Messages that had not come back ten seconds after the last echo, or when Ctrl-C was pressed.
    pub(crate) missing: u64,
}

/// What the generator thinks of itself.
#[derive(Serialize, Debug)]
pub(crate) struct Generator {
    /// CPU time that it used while it measured.
    pub(crate) cpu_seconds: f64,
    /// The same as a part of the measured time. In the open loop it polls without sleeping, and is always near 1.
    pub(crate) busy: f64,
    /// Open loop: how late it sent, in nanoseconds; else null.
    pub(crate) late_ns: Option<Percentiles>,
    /// It was the bottleneck: what is above says more about the generator than about the server.
    pub(crate) bottleneck: bool,
    /// Why it thinks so, or null.
    pub(crate) why: Option<String>,
}

/// A distribution, in nanoseconds.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Percentiles {
    pub(crate) min: u64,
    pub(crate) p50: u64,
    pub(crate) p90: u64,
    pub(crate) p99: u64,
    pub(crate) p99_9: u64,
    pub(crate) p99_99: u64,
    pub(crate) max: u64,
}

impl Percentiles {
    /// The percentiles of `histogram`.
    pub(crate) fn of(histogram: &Histogram<u64>) -> Self {
        let at = |quantile| histogram.value_at_quantile(quantile);
        let (min, max) = if histogram.is_empty() { (0, 0) } else { (histogram.min(), histogram.max()) };
        let (p50, p90, p99, p99_9, p99_99) = (at(0.5), at(0.9), at(0.99), at(0.999), at(0.9999));
        Percentiles { min, p50, p90, p99, p99_9, p99_99, max }
    }
}

impl Outcome {
    /// What came of `plan`.
    pub(crate) fn new(plan: &Plan, measured: &Measured) -> Self {
        let seconds = measured.elapsed.as_secs_f64().max(1e-9);
        let rate = measured.messages as f64 / seconds;
        let (depth, wanted) = match plan.pace {
            Pace::Closed { depth } => (Some(depth), None),
            Pace::Open { rate } => (None, Some(rate)),
        };
        Outcome {
            url: plan.target.url.clone(),
            connections: plan.connections,
            size: plan.size,
            text: plan.text,
            depth,
            rate: wanted,
            seconds,
            messages: measured.messages,
            messages_per_second: rate,
            payload_bytes_per_second: rate * plan.size as f64,
            latency_ns: Percentiles::of(&measured.latency),
            checked: Checked { messages: measured.messages, contents: measured.compared, missing: measured.missing },
            generator: Generator::new(measured, seconds),
        }
    }
}

impl Generator {
    fn new(measured: &Measured, seconds: f64) -> Self {
        let busy = measured.cpu.as_secs_f64() / seconds;
        let late_ns = measured.lateness.as_ref().map(Percentiles::of);
        let why = why_bottleneck(busy, late_ns.as_ref());
        let cpu_seconds = measured.cpu.as_secs_f64();
        Generator { cpu_seconds, busy, late_ns, bottleneck: why.is_some(), why }
    }
}

/// Why a generator that was so busy, or sent so late, was the bottleneck; `None` if it was not.
pub(crate) fn why_bottleneck(busy: f64, late_ns: Option<&Percentiles>) -> Option<String> {
    match late_ns {
        // The open loop polls without sleeping: its CPU time says nothing.
        Some(late) if late.p99 > LATE => Some(format!(
            "one message in a hundred was sent {:.1} ms late or more: lower --rate",
            late.p99 as f64 / 1e6
        )),
        Some(_) => None,
        None if busy >= BUSY => {
            Some(format!("the generator used {:.0} % of a CPU: the server may be faster than this", busy * 100.0))
        }
        None => None,
    }
}

/// Later than this, and latencies are the generator's.
const LATE: u64 = 1_000_000;
/// Busier than this, and it could hardly do more.
pub(crate) const BUSY: f64 = 0.95;
