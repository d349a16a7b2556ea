//! The sections with figures.

use super::{
    super::{
        contestants::Contestant,
        format,
        plan::HEADLINE,
        results::{Cell, Latency, Results, Row, Throughput},
    },
    escape,
    figures::{self, Axis, Bar, Look, Point, Series},
};
use crate::{load::Protocol, runtimes::Runtime};

/// Throughput, and CPU per message, by connections.
pub(super) fn throughput(results: &Results) -> String {
    let mut experiments: Vec<&Throughput> = results
        .throughput
        .iter()
        .filter(|it| it.cell == Cell { connections: it.cell.connections, ..HEADLINE })
        .collect();
    experiments.sort_by_key(|it| it.cell.connections);
    if experiments.is_empty() {
        return String::new();
    }
    let panels = [
        (
            "Messages per second",
            throughput_panel(results, &experiments, "messages per second", |row| row.rate, short_count),
        ),
        (
            "Server CPU per message",
            throughput_panel(results, &experiments, "nanoseconds", |row| row.cost, format::whole),
        ),
    ];
    let panels: String = panels.iter().map(|(title, svg)| format!("<div><h3>{title}</h3>{svg}</div>\n")).collect();
    format!(
        "<h2>Throughput by connections</h2>\n<figure>\n{}<div class=\"panels\">\n{panels}</div>\n\
         <figcaption>Closed loop: {} messages of {} bytes are in flight on each connection, and an echo releases the next. \
         Left, more is better; right, less. Thin bars are the range over the rounds. Hollow points: the generator was the \
         limit, not the server; compare those on the right. A line that rises to the left of the right-hand figure shows \
         what a turn of the loop costs when only few messages share it.</figcaption>\n</figure>\n",
        legend(results),
        HEADLINE.depth,
        HEADLINE.size,
    )
}

fn throughput_panel(
    results: &Results,
    experiments: &[&Throughput],
    unit: &str,
    value: impl Fn(&Row) -> Option<super::super::statistics::Spread>,
    label: impl Fn(f64) -> String,
) -> String {
    let series: Vec<Series> = shown(results)
        .map(|contestant| Series {
            color: color(contestant.runtime),
            points: experiments
                .iter()
                .filter_map(|experiment| {
                    let row = experiment.table.row(&contestant.name)?;
                    let spread = value(row)?;
                    Some(Point {
                        x: (experiment.cell.connections as f64).log2(),
                        y: spread.median,
                        range: Some((spread.min, spread.max)),
                        hollow: row.generator_limited,
                    })
                })
                .collect(),
        })
        .collect();
    let most = series.iter().flat_map(|series| &series.points).filter_map(|point| Some(point.range?.1));
    let y = Axis::linear(unit, most.fold(0.0, f64::max), label);
    let ticks: Vec<(f64, String)> = experiments
        .iter()
        .map(|experiment| ((experiment.cell.connections as f64).log2(), experiment.cell.connections.to_string()))
        .collect();
    let (from, to) = (ticks.first().map_or(0.0, |tick| tick.0), ticks.last().map_or(1.0, |tick| tick.0));
    let x = Axis { title: "connections".into(), from: from - 0.25, to: to.max(from + 1.0) + 0.25, ticks };
    figures::lines(&format!("{unit} by connections"), &x, &y, &series, Look { width: 1120, markers: true })
}

/// Latency by percentile, one panel for each rate.
pub(super) fn latency(results: &Results) -> String {
    if results.latency.is_empty() {
        return String::new();
    }
    let values =
        || results.latency.iter().flat_map(|it| &it.rows).flat_map(|row| &row.curve).map(|point| point.1 as f64);
    let (least, most) = (values().fold(f64::INFINITY, f64::min), values().fold(0.0, f64::max));
    if most == 0.0 {
        return String::new();
    }
    let panels: String = results
        .latency
        .iter()
        .map(|latency| {
            format!(
                "<div><h3>{} per second ({} %)</h3>{}</div>\n",
                format::whole(latency.rate),
                latency.percent,
                latency_panel(results, latency, least, most)
            )
        })
        .collect();
    let limited = limited(results);
    let (connections, size) = results.latency.first().map_or((0, 0), |latency| (latency.connections, latency.size));
    format!(
        "<h2>Latency by percentile at a fixed rate</h2>\n<figure>\n{}<div class=\"panels three\">\n{panels}</div>\n\
         <figcaption>Open loop: {connections} connections, {size} bytes, the same rate for all, in percent of what the slowest \
         contestant can do. The curve says how long all but the slowest messages took: at 99 %, one in a hundred took longer. \
         Lower and flatter is better; both axes are logarithmic. Time counts from when a message should have been sent. The \
         curves of all rounds together; the far right is made of few messages, and belongs to the machine as much as to \
         the loop. {limited}</figcaption>\n</figure>\n",
        legend(results),
    )
}

/// Where the generator did not keep its times.
fn limited(results: &Results) -> String {
    let rows = || results.latency.iter().flat_map(|latency| latency.rows.iter().map(move |row| (latency.percent, row)));
    let limited: Vec<String> = rows()
        .filter(|(_, row)| row.generator_limited)
        .map(|(percent, row)| format!("{} at {percent} %", escape(&row.contestant)))
        .collect();
    if limited.is_empty() {
        return "The generator kept its times in all of them.".into();
    }
    let which = if limited.len() == rows().count() { "all of them".into() } else { limited.join(", ") };
    format!("The generator sent late, so that this says little about the server: {which}.")
}

fn latency_panel(results: &Results, latency: &Latency, least: f64, most: f64) -> String {
    let series: Vec<Series> = shown(results)
        .filter_map(|contestant| {
            let row = latency.rows.iter().find(|row| row.contestant == contestant.name)?;
            let points = row.curve.iter().map(|(quantile, nanoseconds)| Point {
                x: nines(*quantile),
                y: (*nanoseconds as f64).max(1.0).log10(),
                range: None,
                hollow: false,
            });
            Some(Series { color: color(contestant.runtime), points: points.collect() })
        })
        .collect();
    let right = series.iter().filter_map(|series| series.points.last()).map(|point| point.x).fold(1.0, f64::max);
    let ticks = [(0.0, "0"), (0.5, "50 %"), (0.9, "90 %"), (0.99, "99 %"), (0.999, "99.9 %"), (0.9999, "99.99 %")]
        .map(|(quantile, label)| (nines(quantile), label.to_owned()));
    let ticks = ticks.into_iter().filter(|tick| tick.0 <= right + 0.01).collect();
    let x = Axis { title: "percentile".into(), from: 0.0, to: right + 0.05, ticks };
    let y = Axis::logarithmic("latency", least, most, format::round_duration);
    let name = format!("latency by percentile at {} messages per second", format::whole(latency.rate));
    figures::lines(&name, &x, &y, &series, Look { width: 860, markers: false })
}

/// Memory of an idle connection.
pub(super) fn memory(results: &Results) -> String {
    let Some(memory) = &results.memory else {
        return String::new();
    };
    let mut bars: Vec<Bar> = shown(results)
        .filter_map(|contestant| {
            let cost = memory.table.row(&contestant.name)?.cost?;
            let label = format!("{} B", format::whole(cost.median));
            Some(Bar { color: color(contestant.runtime), name: contestant.name.clone(), value: cost.median, label })
        })
        .collect();
    bars.sort_by(|one, other| one.value.total_cmp(&other.value));
    format!(
        "<h2>Memory of an idle connection</h2>\n<figure class=\"narrow\">\n{}\n<figcaption>{} connections that exchanged one message each and are \
         silent now: what they added to the proportional set size of the process, divided by their number. Shorter is \
         better. What the kernel keeps for each socket is not in it, and is the same for all.</figcaption>\n</figure>\n",
        figures::bars("bytes per idle connection", &bars),
        format::whole(memory.connections as f64),
    )
}

/// The contestants that have lines: not raw TCP, and not the one that takes part to show the noise.
fn shown(results: &Results) -> impl Iterator<Item = &Contestant> {
    results.contestants.iter().filter(|it| it.protocol == Protocol::WebSocket && it.twin_of.is_none())
}

fn legend(results: &Results) -> String {
    let items = shown(results).map(|contestant| {
        let color = color(contestant.runtime);
        format!("<li><i style=\"background:var(--series-{color})\"></i>{}</li>", escape(&contestant.name))
    });
    format!("<ul class=\"legend\">{}</ul>\n", items.collect::<String>())
}

/// A runtime has the same colour in all figures of all reports.
fn color(runtime: Runtime) -> usize {
    Runtime::ALL.iter().position(|it| *it == runtime).unwrap_or(0)
}

/// 90 % is 1, 99 % is 2, and so on.
fn nines(quantile: f64) -> f64 {
    -(1.0 - quantile).max(1e-12).log10()
}

/// `250 k`, `1.5 M`.
fn short_count(count: f64) -> String {
    match count {
        1e6.. => format!("{} M", (count / 1e5).round() / 10.0),
        1e3.. => format!("{} k", (count / 1e2).round() / 10.0),
        _ => format!("{count}"),
    }
}
