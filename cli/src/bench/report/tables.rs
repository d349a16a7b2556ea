//! The sections with all numbers.

use super::{
    super::{
        format,
        results::{LatencyRow, Outcome, Results, Row, Table},
        statistics::Spread,
    },
    escape,
};
use crate::load::Protocol;

/// All experiments, folded away.
pub(super) fn all(results: &Results) -> String {
    let mut text = String::from(
        "<h2>All numbers</h2>\n<p class=\"soft\">Medians, with their range over the rounds behind them.</p>\n",
    );
    for throughput in &results.throughput {
        let what = Columns { cost: "CPU per message", rate: Some("messages/s"), unit: format::duration };
        text.push_str(&table(results, &format::cell(throughput.cell), &throughput.table, &what));
    }
    for defaults in &results.defaults {
        let what = Columns { cost: "CPU per message", rate: Some("messages/s"), unit: format::duration };
        let title = format!("own defaults on all CPUs: {}", format::cell(defaults.cell));
        text.push_str(&table(results, &title, &defaults.table, &what));
    }
    if let Some(drivers) = &results.drivers {
        for it in &drivers.cells {
            let what = Columns { cost: "CPU per message", rate: Some("messages/s"), unit: format::duration };
            let title = format!("drivers of {}: {}", drivers.runtime, format::cell(it.cell));
            text.push_str(&table(results, &title, &it.table, &what));
        }
    }
    for latency in &results.latency {
        let title = format!("latency at {} messages per second ({} %)", format::whole(latency.rate), latency.percent);
        text.push_str(&open(
            &title,
            latency.noise,
            &["", "runtime", "median", "99 %", "99.9 %", "sent late (99 %)", "not echoed"],
        ));
        let mut rows: Vec<&LatencyRow> = latency.rows.iter().collect();
        rows.sort_by(|one, other| order(one.p99).total_cmp(&order(other.p99)));
        text.extend(rows.into_iter().map(latency_row));
        text.push_str(CLOSE);
    }
    if let Some(handshakes) = &results.handshakes {
        let title = format!("connect, upgrade, close; {} at a time", handshakes.connections);
        let what = Columns { cost: "CPU per connection", rate: Some("connections/s"), unit: format::duration };
        text.push_str(&table(results, &title, &handshakes.table, &what));
    }
    if let Some(memory) = &results.memory {
        let title = format!("{} idle connections", format::whole(memory.connections as f64));
        let what = Columns { cost: "bytes per connection", rate: None, unit: format::whole };
        text.push_str(&table(results, &title, &memory.table, &what));
        if let Some(kernel) = &memory.kernel {
            let what = Columns { cost: "bytes per connection", rate: None, unit: format::whole };
            text.push_str(&table(results, &format!("{title}, in the kernel, both ends"), kernel, &what));
        }
    }
    text
}

struct Columns {
    cost: &'static str,
    rate: Option<&'static str>,
    unit: fn(f64) -> String,
}

fn table(results: &Results, title: &str, table: &Table, columns: &Columns) -> String {
    let mut head = vec!["", "contestant", columns.cost, "÷ raw TCP"];
    if let Some(rate) = columns.rate {
        head.extend([rate, "server busy", "generator busy"]);
    }
    let mut text = open(title, table.noise, &head);
    let mut rows: Vec<&Row> = table.rows.iter().collect();
    rows.sort_by(|one, other| order(one.cost).total_cmp(&order(other.cost)));
    for row in rows {
        let raw = results.contestant(&row.contestant).is_some_and(|it| it.protocol() == Protocol::Raw);
        let class = if raw { " class=\"raw\"" } else { "" };
        text.push_str(&format!(
            "<tr{class}><td>{}</td><td class=\"name\">{}</td><td>{}</td><td>{}</td>",
            if raw { String::new() } else { format::rank(row.place) },
            name(&row.contestant, &row.outcome),
            spread(row.cost, columns.unit),
            spread(row.ratio, format::short),
        ));
        if columns.rate.is_some() {
            let mark = if row.generator_limited { "*" } else { "" };
            let busy = |part: fn(&super::super::results::Sample) -> Option<f64>| {
                Spread::of(row.samples.iter().filter_map(part))
                    .map_or(String::new(), |it| format!("{:.0} %", it.median * 100.0))
            };
            text.push_str(&format!(
                "<td>{}{mark}</td><td>{}</td><td>{}</td>",
                spread(row.rate, format::whole),
                busy(|sample| sample.server_busy),
                busy(|sample| Some(sample.generator_busy))
            ));
        }
        text.push_str("</tr>\n");
    }
    text.push_str(CLOSE);
    text
}

fn latency_row(row: &LatencyRow) -> String {
    let over = |value: fn(&super::super::results::LatencySample) -> u64| {
        spread(Spread::of(row.samples.iter().map(|sample| value(sample) as f64)), format::duration)
    };
    let mark = if row.generator_limited { "*" } else { "" };
    format!(
        "<tr><td>{}</td><td class=\"name\">{}</td><td>{}</td><td>{}{mark}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
        format::rank(row.place),
        name(&row.contestant, &row.outcome),
        over(|sample| sample.latency_ns.p50),
        over(|sample| sample.latency_ns.p99),
        over(|sample| sample.latency_ns.p99_9),
        over(|sample| sample.late_ns.p99),
        row.samples.iter().map(|sample| sample.missing).sum::<u64>(),
    )
}

fn open(title: &str, noise: Option<f64>, head: &[&str]) -> String {
    let noise =
        noise.map_or(String::new(), |noise| format!(" <span class=\"soft\">(noise {:.1} %)</span>", noise * 100.0));
    let head: String = head
        .iter()
        .enumerate()
        .map(|(column, head)| format!("<th{}>{head}</th>", if column == 1 { " class=\"name\"" } else { "" }))
        .collect();
    format!(
        "<details><summary>{}{noise}</summary>\n<div class=\"scroll\"><table>\n<thead><tr>{head}</tr></thead>\n",
        escape(title)
    )
}

const CLOSE: &str = "</table></div></details>\n";

fn name(contestant: &str, outcome: &Outcome) -> String {
    let mark = if outcome.disqualified.is_some() { "disqualified: " } else { "" };
    let why =
        outcome.why().map_or(String::new(), |why| format!(" <span class=\"soft\">({mark}{})</span>", escape(why)));
    format!("{}{why}", escape(contestant))
}

fn spread(spread: Option<Spread>, unit: fn(f64) -> String) -> String {
    spread.map_or("-".into(), |it| {
        format!("{} <small class=\"soft\">{} – {}</small>", unit(it.median), unit(it.min), unit(it.max))
    })
}

fn order(spread: Option<Spread>) -> f64 {
    spread.map_or(f64::INFINITY, |it| it.median)
}
