//! The results as tables of words, for the terminal, the book and the report alike.

mod chapter;
mod costs;
mod others;

use super::{
    contestants::Contestant,
    format,
    plan::{Experiment, HEADLINE},
    results::{Outcome, Results, Row},
    statistics::Spread,
};
use crate::{load::Protocol, runtimes::Runtime};

/// A table of words. The first column is the place, the second the name; they are followed by numbers.
pub(crate) struct Sheet {
    /// Whose numbers these are; none: the summary of several.
    pub(crate) experiment: Option<Experiment>,
    pub(crate) title: String,
    /// Two lines for each column.
    pub(crate) head: Vec<[String; 2]>,
    pub(crate) rows: Vec<Vec<String>>,
    /// What must be known to read it; each is a sentence.
    pub(crate) notes: Vec<String>,
}

/// The column of the names. It is aligned to the left, and so is what is called [`WORDS`].
pub(crate) const NAME: usize = 1;
/// The head of a column of words.
pub(crate) const WORDS: &str = "calls";

impl Sheet {
    fn new(experiment: Option<Experiment>, title: impl Into<String>, columns: &[[&str; 2]]) -> Self {
        let fixed = [["", ""], ["", "server"]];
        let head = fixed.iter().chain(columns).map(|lines| lines.map(String::from)).collect();
        Sheet { experiment, title: title.into(), head, rows: Vec::new(), notes: Vec::new() }
    }

    /// The column is aligned to the left.
    pub(crate) fn is_left(&self, column: usize) -> bool {
        column == NAME || self.head[column][1] == WORDS
    }
}

/// The summary: what it costs, in the experiments that a quick comparison has, too.
pub(crate) fn summary(results: &Results) -> Sheet {
    costs::summary(results)
}

/// What these loops cost, for the book's chapter about them.
pub(crate) fn chapter(results: &Results, runtimes: &[Runtime]) -> Sheet {
    chapter::chapter(results, runtimes)
}

/// All others that there are numbers for.
pub(crate) fn all(results: &Results) -> Vec<Sheet> {
    let sheets = [
        costs::connections(results),
        costs::texts(results),
        costs::defaults(results),
        others::memory(results),
        others::syscalls(results),
        costs::drivers(results),
    ];
    let sheets = sheets.into_iter().flatten();
    sheets
        .chain(results.neighbours.iter().map(|it| others::neighbour(results, it)))
        .chain(others::build(results))
        .collect()
}

/// The names of the contestants but raw TCP, the cheapest first, those without a cost last.
pub(crate) fn order(results: &Results) -> Vec<String> {
    let cost = |name: &str| {
        let row = results.throughput_of(HEADLINE).and_then(|it| it.table.row(name));
        row.and_then(|row| row.cost).map_or(f64::INFINITY, |cost| cost.median)
    };
    let websockets = results.contestants.iter().filter(|contestant| contestant.protocol() == Protocol::WebSocket);
    let mut names: Vec<String> = websockets.map(|contestant| contestant.name.clone()).collect();
    names.sort_by(|one, other| cost(one).total_cmp(&cost(other)));
    names
}

/// What the marks mean.
pub(crate) fn legend(results: &Results) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(noise) = results.throughput_of(HEADLINE).and_then(|throughput| throughput.table.noise) {
        lines.push(format!(
            "= is a tie: neighbours differ by less than {:.1} %, which is what the same server differs from itself (the \
             row \"again\").",
            noise * 100.0
        ));
    }
    let drivers = results.drivers.iter().flat_map(|it| &it.cells);
    let limited = results.throughput.iter().flat_map(|it| &it.table.rows).any(|row| row.generator_limited)
        || results.latency.iter().flat_map(|it| &it.rows).any(|row| row.generator_limited)
        || results.neighbours.iter().flat_map(|it| &it.rows).any(|row| row.generator_limited)
        || results.defaults.iter().flat_map(|it| &it.table.rows).any(|row| row.generator_limited)
        || drivers.flat_map(|it| &it.table.rows).any(|row| row.generator_limited);
    if limited {
        lines.push("* was limited by the load generator: the server can do better than this.".into());
    }
    let unknown = |contestant: &Contestant| {
        let row = results.throughput_of(HEADLINE).and_then(|it| it.table.row(&contestant.name));
        row.is_some_and(|row| row.outcome.is_good() && row.rate.is_some() && row.cost.is_none())
    };
    if results.contestants.iter().any(unknown) {
        lines.push(
            "- stands where the process of a server is not known, and so neither its CPU time nor its size.".into(),
        );
    }
    lines
}

/// `204 ns (1.02)`.
fn cost_and_ratio(row: &Row, unit: impl Fn(f64) -> String) -> String {
    match (row.cost, row.ratio) {
        (Some(cost), Some(ratio)) => format!("{} ({:.2})", unit(cost.median), ratio.median),
        (Some(cost), None) => unit(cost.median),
        (None, _) => row.outcome.word().into(),
    }
}

fn rate(row: &Row) -> String {
    let shown = |rate: Spread| format!("{}{}", format::whole(rate.median), mark(row.generator_limited));
    row.rate.filter(|rate| rate.median > 0.0).map_or(row.outcome.word().into(), shown)
}

fn median(spread: Option<Spread>, outcome: &Outcome, unit: impl Fn(f64) -> String) -> String {
    spread.map_or(outcome.word().into(), |spread| unit(spread.median))
}

fn mark(limited: bool) -> &'static str {
    if limited { "*" } else { "" }
}
