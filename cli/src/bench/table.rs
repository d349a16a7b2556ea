//! x
use super::results::Results;
pub(crate) fn markdown(_results: &Results) -> String { String::new() }
pub(crate) fn terminal(_results: &Results) -> String { String::new() }
