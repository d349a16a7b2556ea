//! The comparison as a table: on the terminal, and in Markdown for the book.

use super::{
    format,
    plan::{CAPACITY, HEADLINE},
    results::{Cell, Results, Row, Table},
};
use crate::load::Protocol;

/// What is printed when everything is measured.
pub(crate) fn terminal(results: &Results) -> String {
    let table = Grid::new(results);
    let mut text = format!("\n{}\n\n", title(results));
    let widths: Vec<usize> = (0..table.head.len())
        .map(|column| {
            let cells = table.rows.iter().map(|row| row[column].chars().count());
            let heads = table.head[column].iter().map(|head| head.chars().count());
            cells.chain(heads).max().unwrap_or(0)
        })
        .collect();
    for line in 0..2 {
        let heads: Vec<&str> = table.head.iter().map(|head| head[line].as_str()).collect();
        text.push_str(&aligned(&heads, &widths));
    }
    for row in &table.rows {
        let cells: Vec<&str> = row.iter().map(String::as_str).collect();
        text.push_str(&aligned(&cells, &widths));
    }
    text.push('\n');
    for line in legend(results).into_iter().chain(format::warnings(results)) {
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// The same in Markdown, with where it comes from.
pub(crate) fn markdown(results: &Results) -> String {
    let table = Grid::new(results);
    let escaped = |cell: &str| cell.trim().replace('|', "\\|").replace('*', "\\*");
    let heads = table.head.iter().map(|head| escaped(&format!("{} {}", head[0], head[1])));
    let mut text = format!("| {} |\n", heads.collect::<Vec<_>>().join(" | "));
    let rules = (0..table.head.len()).map(|column| if column == NAME { "---" } else { "---:" });
    text.push_str(&format!("| {} |\n", rules.collect::<Vec<_>>().join(" | ")));
    for row in &table.rows {
        text.push_str(&format!("| {} |\n", row.iter().map(|cell| escaped(cell)).collect::<Vec<_>>().join(" | ")));
    }
    let machine = &results.machine;
    let notes = legend(results).into_iter().chain(format::warnings(results));
    let notes: Vec<String> = notes.map(|note| escaped(&note)).collect();
    text.push_str(&format!(
        "\n{}. {} Measured on {} with `{}`: {}, {} CPUs, {}.\n",
        title(results),
        notes.join(" "),
        &results.date[..results.date.len().min(10)],
        results.command,
        machine.cpu,
        machine.cores,
        machine.kernel,
    ));
    text
}

fn title(results: &Results) -> String {
    let quick = if results.quick { " (quick)" } else { "" };
    format!("Server CPU per echoed message{quick}, and in parentheses ÷ raw TCP echo on the same loop; less is better")
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
    let limited = results.throughput.iter().flat_map(|it| &it.table.rows).any(|row| row.generator_limited)
        || results.latency.iter().flat_map(|it| &it.rows).any(|row| row.generator_limited);
    if limited {
        lines.push("* was limited by the load generator: the server can do better than this.".into());
    }
    lines
}

/// The text of a table.
pub(crate) struct Grid {
    /// Two lines for each column.
    pub(crate) head: Vec<[String; 2]>,
    pub(crate) rows: Vec<Vec<String>>,
}

/// The column of the names, the only one that is aligned to the left.
pub(crate) const NAME: usize = 1;

impl Grid {
    /// One line for each contestant, the cheapest first.
    pub(crate) fn new(results: &Results) -> Self {
        let mut head = vec![[String::new(), String::new()], [String::new(), "runtime".into()]];
        let cells: Vec<Cell> = columns(results);
        for cell in &cells {
            head.push([format::payload(*cell), format!("{} in flight", cell.depth)]);
        }
        let latency = results.latency.iter().find(|latency| latency.percent == 50);
        head.push(["messages/s".into(), format!("{}, {}", format::size(HEADLINE.size), HEADLINE.depth)]);
        if let Some(latency) = latency {
            head.push(["p99 at".into(), format!("{} k/s", latency.rate / 1e3)]);
        }
        if let Some(memory) = &results.memory {
            head.push(["memory, idle".into(), format!("of {}", format::whole(memory.connections as f64))]);
        }
        if results.handshakes.is_some() {
            head.push(["handshake".into(), "CPU".into()]);
        }
        let rows = order(results).into_iter().map(|name| {
            let headline = results.throughput_of(HEADLINE).and_then(|it| it.table.row(&name));
            let mut row = vec![format::rank(headline.and_then(|row| row.place)), name.clone()];
            for cell in &cells {
                let cost = results.throughput_of(*cell).and_then(|it| it.table.row(&name));
                row.push(cost.map_or("-".into(), |row| cost_and_ratio(row, format::duration)));
            }
            row.push(headline.map_or("-".into(), rate));
            if let Some(latency) = latency {
                let p99 = latency.rows.iter().find(|row| row.contestant == name).and_then(|row| {
                    Some(format!("{}{}", format::duration(row.p99?.median), mark(row.generator_limited)))
                });
                row.push(p99.unwrap_or("-".into()));
            }
            let shown = |table: &Table, unit: fn(f64) -> String| {
                table.row(&name).map_or("-".into(), |row| cost_and_ratio(row, unit))
            };
            row.extend(
                results.memory.as_ref().map(|it| shown(&it.table, |bytes| format!("{} B", format::whole(bytes)))),
            );
            row.extend(results.handshakes.as_ref().map(|it| shown(&it.table, format::duration)));
            row
        });
        Grid { rows: rows.collect(), head }
    }
}

/// The experiments that have a column: those that a quick comparison has, too.
fn columns(results: &Results) -> Vec<Cell> {
    let wanted = [HEADLINE, CAPACITY, Cell { size: 1024, ..HEADLINE }, Cell { size: 1024, ..CAPACITY }];
    wanted.into_iter().filter(|cell| results.throughput_of(*cell).is_some()).collect()
}

/// The names of the contestants but raw TCP, the cheapest first, those that failed last.
pub(crate) fn order(results: &Results) -> Vec<String> {
    let cost = |name: &str| {
        let row = results.throughput_of(HEADLINE).and_then(|it| it.table.row(name));
        row.and_then(|row| row.cost).map_or(f64::INFINITY, |cost| cost.median)
    };
    let websockets = results.contestants.iter().filter(|contestant| contestant.protocol == Protocol::WebSocket);
    let mut names: Vec<String> = websockets.map(|contestant| contestant.name.clone()).collect();
    names.sort_by(|one, other| cost(one).total_cmp(&cost(other)));
    names
}

/// `204 ns (1.02)`.
pub(crate) fn cost_and_ratio(row: &Row, unit: impl Fn(f64) -> String) -> String {
    match (row.cost, row.ratio) {
        (Some(cost), Some(ratio)) => format!("{} ({:.2})", unit(cost.median), ratio.median),
        (Some(cost), None) => unit(cost.median),
        (None, _) => nothing(row).into(),
    }
}

fn rate(row: &Row) -> String {
    row.rate
        .map_or(nothing(row).into(), |rate| format!("{}{}", format::whole(rate.median), mark(row.generator_limited)))
}

/// What stands where there is no number.
fn nothing(row: &Row) -> &'static str {
    if row.failure.is_some() { "failed" } else { "-" }
}

fn mark(limited: bool) -> &'static str {
    if limited { "*" } else { "" }
}

fn aligned(cells: &[&str], widths: &[usize]) -> String {
    let mut line = String::new();
    for (column, (cell, width)) in cells.iter().zip(widths).enumerate() {
        let padding = " ".repeat(width - cell.chars().count());
        line.push_str(&if column == NAME { format!("{cell}{padding}   ") } else { format!("{padding}{cell}   ") });
    }
    format!("{}\n", line.trim_end())
}
