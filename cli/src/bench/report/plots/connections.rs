//! Throughput, and CPU per message, by connections.

use super::{
    super::super::{
        format,
        plan::HEADLINE,
        results::{Cell, Results, Row, Throughput},
        statistics::Spread,
    },
    color,
    figures::{self, Axis, Look, Point, Series},
    left_out, legend, shown,
};

/// Throughput, and CPU per message, by connections.
pub(in super::super) fn throughput(results: &Results) -> String {
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
        "<h2 id=\"connections\">Throughput by connections</h2>\n<figure>\n{}<div class=\"panels\">\n{panels}</div>\n\
         <figcaption>Closed loop: {} messages of {} bytes are in flight on each connection, and an echo releases the next. \
         Left, more is better; right, less. Thin bars are the range over the rounds. Hollow points: the generator was the \
         limit, not the server; compare those on the right. A line that rises to the left of the right-hand figure shows \
         what a turn of the loop costs when only few messages share it.{}</figcaption>\n</figure>\n",
        legend(results),
        HEADLINE.depth,
        HEADLINE.size,
        left_out(results),
    )
}

fn throughput_panel(
    results: &Results,
    experiments: &[&Throughput],
    unit: &str,
    value: impl Fn(&Row) -> Option<Spread>,
    label: impl Fn(f64) -> String,
) -> String {
    let series: Vec<Series> = shown(results)
        .into_iter()
        .map(|contestant| Series {
            color: color(results, contestant),
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

/// `250 k`, `1.5 M`.
fn short_count(count: f64) -> String {
    match count {
        1e6.. => format!("{} M", (count / 1e5).round() / 10.0),
        1e3.. => format!("{} k", (count / 1e2).round() / 10.0),
        _ => format!("{count}"),
    }
}
