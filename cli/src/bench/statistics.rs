//! Medians, ranges, the noise floor, and ranks with ties.

use serde::{Deserialize, Serialize};

/// A median with its range.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Debug)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

/// Where a contestant stands.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    /// From 1; contestants that cannot be told apart from their neighbours share the rank of the best of them.
    pub(crate) rank: usize,
    /// Somebody else has the same rank.
    pub(crate) tied: bool,
}

impl Spread {
    /// The median and range of `values`; `None` if there are none.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median = if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 };
        Some(Spread { median, min, max })
    }
}

/// The relative difference that chance alone makes, from the contestant that takes part twice (A/A): that of its two
/// medians, or half the range of all its samples, whichever is larger. Pairs of the same round would hide what
/// changes between rounds, and with three rounds two medians can be equal by accident. Never less than 1 %: two builds of the
/// same code differ by as much, from where the linker puts it.
pub(crate) fn noise(samples: &[f64], twin: &[f64]) -> Option<f64> {
    let (one, other) = (Spread::of(samples.iter().copied())?, Spread::of(twin.iter().copied())?);
    let all = Spread::of(samples.iter().chain(twin).copied())?;
    // Of the smaller one, as ties are: or the two might not tie with each other.
    let medians = (one.median - other.median).abs() / one.median.min(other.median);
    let half_range = (all.max - all.min) / 2.0 / all.median;
    Some(medians.max(half_range).max(FLOOR)).filter(|noise| noise.is_finite())
}

/// Differences below this mean nothing.
const FLOOR: f64 = 0.01;

/// Ranks of `values`, of which less is better. A value that is not more than `noise` above the one before it ties with it;
/// so no two that differ by less than the noise ever have different ranks.
pub(crate) fn places(values: &[Option<f64>], noise: f64) -> Vec<Option<Place>> {
    let mut order: Vec<(f64, usize)> =
        values.iter().enumerate().filter_map(|(index, value)| Some(((*value)?, index))).collect();
    order.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut places = vec![None; values.len()];
    let mut position = 0;
    for group in order.chunk_by(|one, next| next.0 - one.0 <= noise * one.0.abs()) {
        for (_, index) in group {
            places[*index] = Some(Place { rank: position + 1, tied: group.len() > 1 });
        }
        position += group.len();
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_ranges() {
        assert_eq!(Spread::of([]), None);
        assert_eq!(Spread::of([3.0, 1.0, 2.0]), Some(Spread { median: 2.0, min: 1.0, max: 3.0 }));
        assert_eq!(Spread::of([4.0, 1.0, 2.0, 3.0]), Some(Spread { median: 2.5, min: 1.0, max: 4.0 }));
    }

    #[test]
    fn noise_is_what_the_same_contestant_differs_by() {
        assert_eq!(noise(&[100.0, 100.0, 100.0], &[100.0, 100.0, 110.0]), Some(0.05));
        assert_eq!(noise(&[100.0, 100.0, 100.0], &[120.0, 120.0, 120.0]), Some(0.2));
        assert_eq!(noise(&[100.0], &[100.0]), Some(0.01));
        assert_eq!(noise(&[], &[1.0]), None);
    }

    #[test]
    fn the_same_contestant_always_ties_with_itself() {
        let (one, twin) = ([357.0, 343.0, 426.0], [427.0, 353.0, 428.0]);
        let noise = noise(&one, &twin).unwrap();
        let medians = [&one, &twin].map(|samples| Spread::of(samples.iter().copied()).map(|spread| spread.median));
        assert!(places(&medians, noise).iter().all(|place| place.is_some_and(|place| place.tied)));
    }

    #[test]
    fn those_within_the_noise_share_a_rank() {
        let ranks = |values: &[Option<f64>]| {
            places(values, 0.1).into_iter().map(|place| place.map(|place| (place.rank, place.tied))).collect::<Vec<_>>()
        };
        assert_eq!(
            ranks(&[Some(118.0), Some(100.0), None, Some(109.0), Some(300.0)]),
            [Some((1, true)), Some((1, true)), None, Some((1, true)), Some((4, false))]
        );
        assert_eq!(ranks(&[Some(100.0), Some(111.0)]), [Some((1, false)), Some((2, false))]);
    }
}
