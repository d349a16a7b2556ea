//! The figures.

mod connections;

pub(super) use connections::throughput;

use super::{
    super::{
        contestants::{Contestant, Kind},
        format,
        plan::{CAPACITY, HEADLINE},
        results::{Latency, Neighbour, Results},
        sheets,
    },
    escape,
    figures::{self, Axis, Bar, Change, Look, Point, Series},
};
use crate::runtimes::Runtime;

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
         the loop. {limited}{}</figcaption>\n</figure>\n",
        legend(results),
        left_out(results),
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
        .into_iter()
        .filter_map(|contestant| {
            let row = latency.rows.iter().find(|row| row.contestant == contestant.name)?;
            let points = row.curve.iter().map(|(quantile, nanoseconds)| Point {
                x: nines(*quantile),
                y: (*nanoseconds as f64).max(1.0).log10(),
                range: None,
                hollow: false,
            });
            Some(Series { color: color(results, contestant), points: points.collect() })
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

/// What a small message costs everybody, raw TCP among them.
pub(super) fn costs(results: &Results) -> String {
    let panels: String = [HEADLINE, CAPACITY]
        .into_iter()
        .filter_map(|cell| {
            let table = &results.throughput_of(cell)?.table;
            let mut bars: Vec<Bar> = results
                .contestants
                .iter()
                .filter(|contestant| contestant.twin_of.is_none())
                .filter_map(|contestant| {
                    let row = table.row(&contestant.name)?;
                    let (cost, name) = (row.cost?.median, short_name(&contestant.name));
                    let ratio = row.ratio.map_or(String::new(), |ratio| format!(" ({:.2})", ratio.median));
                    let label = format!("{}{ratio}", format::duration(cost));
                    Some(Bar { color: color(results, contestant), name, value: cost, label })
                })
                .collect();
            bars.sort_by(|one, other| one.value.total_cmp(&other.value));
            let title = format!("{}, {} in flight", format::payload(cell), cell.depth);
            (!bars.is_empty()).then(|| format!("<div><h3>{title}</h3>{}</div>\n", figures::bars(&title, &bars)))
        })
        .collect();
    if panels.is_empty() {
        return String::new();
    }
    format!(
        "<figure>\n<div class=\"panels\">\n{panels}</div>\n<figcaption>Server CPU per echoed message over {} connections, \
         everybody who takes part; shorter is better. Light grey is raw TCP echo, the ceiling of its loop, and in \
         parentheses stands how many times that of its own loop a server needs.</figcaption>\n</figure>\n",
        HEADLINE.connections
    )
}

/// Memory of an idle connection.
pub(super) fn memory(results: &Results) -> String {
    let Some(memory) = &results.memory else {
        return String::new();
    };
    let everybody = results.contestants.iter().filter(|contestant| contestant.twin_of.is_none());
    let mut bars: Vec<Bar> = everybody
        .filter_map(|contestant| {
            let cost = memory.table.row(&contestant.name)?.cost?;
            let (label, name) = (format!("{} B", format::whole(cost.median)), short_name(&contestant.name));
            Some(Bar { color: color(results, contestant), name, value: cost.median, label })
        })
        .collect();
    bars.sort_by(|one, other| one.value.total_cmp(&other.value));
    figure(&figures::bars("bytes per idle connection", &bars), "In the process; shorter is better.")
}

/// From the 99th percentile alone to that beside the neighbour.
pub(super) fn neighbour(results: &Results, neighbour: &Neighbour) -> String {
    let rows = neighbour.rows.iter().filter_map(|row| {
        let contestant = results.contestant(&row.contestant).filter(|it| it.twin_of.is_none())?;
        let (from, to) = (row.alone_p99?.median, row.p99?.median);
        let (color, name) = (color(results, contestant), short_name(&contestant.name));
        Some(Change { color, name, from, to, label: format::duration(to) })
    });
    let mut changes: Vec<Change> = rows.collect();
    if changes.is_empty() {
        return String::new();
    }
    changes.sort_by(|one, other| one.to.total_cmp(&other.to));
    let values = || changes.iter().flat_map(|change| [change.from, change.to]);
    let (least, most) = (values().fold(f64::INFINITY, f64::min), values().fold(0.0, f64::max));
    let axis = Axis::logarithmic("latency", least, most, format::round_duration);
    let svg = figures::changes("99 % of latencies, alone and beside the neighbour", &axis, &changes);
    figure(
        &svg,
        "The time that 99 % of the polite ones' messages took at most: hollow without the neighbour, full beside it. \
                  The axis is logarithmic.",
    )
}

fn figure(svg: &str, caption: &str) -> String {
    format!("<figure class=\"narrow\">\n{svg}\n<figcaption>{caption}</figcaption>\n</figure>\n")
}

/// The contestants that have lines: timtow's, those of `--against`, and the cheapest others, as many as have a colour. Not
/// raw TCP, and not the one that takes part to show the noise.
fn shown(results: &Results) -> Vec<&Contestant> {
    let has_color = |contestant: &&Contestant| match contestant.kind {
        Kind::Timtow { .. } => contestant.twin_of.is_none(),
        _ => others(results).take(OTHERS).any(|name| name == contestant.name),
    };
    results.contestants.iter().filter(has_color).collect()
}

/// The names of those that are not timtow's, `--against` first, then the cheapest.
fn others(results: &Results) -> impl Iterator<Item = String> {
    let kind = |name: &String, wanted: fn(&Kind) -> bool| {
        results.contestant(name).is_some_and(|contestant| wanted(&contestant.kind))
    };
    let mut names = sheets::order(results);
    names.retain(|name| !kind(name, |it| matches!(it, Kind::Timtow { .. })));
    names.sort_by_key(|name| !kind(name, |it| matches!(it, Kind::Against { .. })));
    names.into_iter()
}

fn legend(results: &Results) -> String {
    let items = shown(results).into_iter().map(|contestant| {
        let color = color(results, contestant);
        format!("<li><i style=\"background:var(--series-{color})\"></i>{}</li>", escape(&contestant.name))
    });
    format!("<ul class=\"legend\">{}</ul>\n", items.collect::<String>())
}

/// What is said where not everybody has a line.
fn left_out(results: &Results) -> String {
    let (all, drawn) = (others(results).count(), OTHERS);
    if all <= drawn {
        return String::new();
    }
    format!(" Of the {all} servers that are not timtow's, the {drawn} with the cheapest small messages are drawn.")
}

/// A runtime has the same colour in all figures of all reports; others have what is left.
fn color(results: &Results, contestant: &Contestant) -> usize {
    match &contestant.kind {
        Kind::Timtow { runtime } => Runtime::ALL.iter().position(|it| it == runtime).unwrap_or(0),
        Kind::Raw { .. } => RAW,
        _ => {
            let place = others(results).position(|name| name == contestant.name).unwrap_or(OTHERS);
            if place < OTHERS { Runtime::ALL.len() + place } else { RAW - 1 }
        }
    }
}

/// A name that leaves room for the bar.
fn short_name(name: &str) -> String {
    let name = name.trim_start_matches("ws://").trim_end_matches('/');
    match name.char_indices().nth(LONGEST_NAME) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

/// 90 % is 1, 99 % is 2, and so on.
fn nines(quantile: f64) -> f64 {
    -(1.0 - quantile).max(1e-12).log10()
}

/// Those that are not timtow's and have a colour of their own.
const OTHERS: usize = 5;
/// The colours: a runtime's, the others', that of the rest, and that of raw TCP.
pub(super) const COLORS: usize = Runtime::ALL.len() + OTHERS + 2;
const RAW: usize = COLORS - 1;
/// Letters.
const LONGEST_NAME: usize = 29;
