//! Open loops at fixed rates.

use hdrhistogram::Histogram;

use super::{
    super::{
        plan::CAPACITY,
        results::{Cell, Latency, LatencyRow, LatencySample, Outcome},
    },
    Bench, Why,
};
use crate::load::{
    Pace,
    outcome::{Percentiles, why_bottleneck},
    traffic,
};

impl Bench {
    /// At several rates, the same for all.
    pub(super) fn latency(&mut self) -> Result<(), Why> {
        let who = self.websockets();
        let Some(capacity) = self.capacity() else {
            return Err("nobody's capacity is known, and so no rate that all can serve".into());
        };
        for percent in self.schedule.percents.clone() {
            if self.stop.is_set() {
                break;
            }
            // A round number is easier to quote.
            let rate = (capacity * f64::from(percent) / 100_000.0).round().max(1.0) * 1_000.0;
            self.progress.experiment(format!("latency at {rate} messages per second ({percent} %)"));
            self.latency_at(rate, percent, &who);
        }
        Ok(())
    }

    fn latency_at(&mut self, rate: f64, percent: u32, who: &[usize]) {
        let mut histograms: Vec<Histogram<u64>> = who.iter().map(|_| traffic::histogram()).collect();
        let slices = self.interleave(self.schedule.rounds, who, |bench, index, round| {
            let plan = bench.plan(index, CAPACITY, Pace::Open { rate })?;
            let measured = traffic::run(&plan, &mut ())?;
            let place = who.iter().position(|other| *other == index).unwrap_or(0);
            // They have the same bounds.
            let _ = histograms[place].add(&measured.latency);
            let late_ns = measured.lateness.as_ref().map(Percentiles::of).unwrap_or_default();
            Ok(LatencySample {
                round,
                latency_ns: Percentiles::of(&measured.latency),
                late_ns,
                generator_limited: why_bottleneck(0.0, Some(&late_ns)).is_some(),
                missing: measured.missing,
            })
        });
        let rows = who.iter().zip(slices).zip(&histograms).map(|((who, (samples, failure)), histogram)| {
            let (samples, outcome) = Outcome::of(samples, failure);
            let curve = if outcome.disqualified.is_some() { Vec::new() } else { curve(histogram) };
            let contestant = self.results.contestants[*who].name.clone();
            LatencyRow { contestant, samples, outcome, curve, ..LatencyRow::default() }
        });
        let Cell { connections, size, .. } = CAPACITY;
        let mut latency = Latency { rate, percent, connections, size, noise: None, rows: rows.collect() };
        latency.summarize(&self.results.contestants);
        self.results.latency.push(latency);
    }
}

/// Points for a plot over the number of nines, as far as a few messages are slower.
fn curve(histogram: &Histogram<u64>) -> Vec<(f64, u64)> {
    let quantiles = (0..=48).map(|eighth| 1.0 - 10f64.powf(-f64::from(eighth) / 8.0));
    let enough = |quantile: &f64| histogram.len() as f64 * (1.0 - quantile) >= 3.0;
    quantiles.take_while(enough).map(|quantile| (quantile, histogram.value_at_quantile(quantile))).collect()
}
