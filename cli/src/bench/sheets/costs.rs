//! What a message costs.

use super::{
    super::{
        format,
        plan::{CAPACITY, Experiment, HEADLINE},
        results::{Cell, Results, Row, Table, Throughput},
    },
    Sheet, cost_and_ratio, mark, order,
    others::counted,
    rate,
};
use crate::load::Protocol;

/// One line for each contestant, the cheapest first.
pub(super) fn summary(results: &Results) -> Sheet {
    let quick = if results.quick { " (quick)" } else { "" };
    let title = format!(
        "Server CPU per echoed message{quick}, and in parentheses ÷ raw TCP echo on the same loop; less is better"
    );
    let mut sheet = Sheet::new(None, title, &[]);
    let cells: Vec<Cell> = columns(results);
    for cell in &cells {
        sheet.head.push([format::payload(*cell), format!("{} in flight", cell.depth)]);
    }
    let latency = results.latency.iter().find(|latency| latency.percent == 50);
    let headline = results.throughput_of(HEADLINE);
    if headline.is_some() {
        sheet.head.push(["messages/s".into(), format!("{}, {}", format::size(HEADLINE.size), HEADLINE.depth)]);
    }
    if let Some(latency) = latency {
        sheet.head.push(["p99 at".into(), format!("{} k/s", latency.rate / 1e3)]);
    }
    if let Some(memory) = &results.memory {
        sheet.head.push(["memory, idle".into(), format!("of {}", format::whole(memory.connections as f64))]);
    }
    if results.handshakes.is_some() {
        sheet.head.push(["handshake".into(), "CPU".into()]);
    }
    for name in order(results) {
        let headline_row = headline.and_then(|it| it.table.row(&name));
        let mut row = vec![format::rank(headline_row.and_then(|row| row.place)), name.clone()];
        for cell in &cells {
            let cost = results.throughput_of(*cell).and_then(|it| it.table.row(&name));
            row.push(cost.map_or("-".into(), |row| cost_and_ratio(row, format::duration)));
        }
        if headline.is_some() {
            row.push(headline_row.map_or("-".into(), rate));
        }
        if let Some(latency) = latency {
            let row_of = latency.rows.iter().find(|row| row.contestant == name);
            row.push(row_of.map_or("-".into(), |row| match row.p99 {
                Some(p99) => format!("{}{}", format::duration(p99.median), mark(row.generator_limited)),
                None => row.outcome.word().into(),
            }));
        }
        let shown = |table: &Table, unit: fn(f64) -> String| {
            table.row(&name).map_or("-".into(), |row| cost_and_ratio(row, unit))
        };
        row.extend(results.memory.as_ref().map(|it| shown(&it.table, |bytes| format!("{} B", format::whole(bytes)))));
        row.extend(results.handshakes.as_ref().map(|it| shown(&it.table, format::duration)));
        sheet.rows.push(row);
    }
    sheet
}

/// The experiments that have a column: those that a quick comparison has, too.
fn columns(results: &Results) -> Vec<Cell> {
    let wanted = [HEADLINE, CAPACITY, Cell { size: 1024, ..HEADLINE }, Cell { size: 1024, ..CAPACITY }];
    wanted.into_iter().filter(|cell| results.throughput_of(*cell).is_some()).collect()
}

/// How the cost grows with the connections.
pub(super) fn connections(results: &Results) -> Option<Sheet> {
    let few = HEADLINE.connections;
    let mut by_depth: Vec<(u32, Vec<usize>)> = Vec::new();
    for depth in [HEADLINE.depth, CAPACITY.depth] {
        let cells = results.throughput.iter().map(|it| it.cell);
        let cells = cells.filter(|cell| *cell == Cell { connections: cell.connections, depth, ..HEADLINE });
        let mut counts: Vec<usize> = cells.map(|cell| cell.connections).collect();
        counts.sort_unstable();
        if counts.len() > 1 && counts.contains(&few) {
            by_depth.push((depth, counts));
        }
    }
    let has_growth = |counts: &[usize]| counts.last().is_some_and(|most| *most > few);
    let mut sheet = Sheet::new(
        Some(Experiment::Connections),
        format!("Server CPU per message as connections grow, {} each", format::size(HEADLINE.size)),
        &[],
    );
    for (depth, counts) in &by_depth {
        let in_flight = format!("{depth} in flight");
        sheet.head.extend(counts.iter().map(|count| [format::whole(*count as f64), in_flight.clone()]));
        if let Some(most) = counts.last().filter(|_| has_growth(counts)) {
            sheet.head.push([format!("{few} to {}", format::whole(*most as f64)), "grows".into()]);
        }
    }
    for name in order(results) {
        let mut row = vec![String::new(), name.clone()];
        for (depth, counts) in &by_depth {
            let cell = |connections| Cell { connections, depth: *depth, ..HEADLINE };
            let cost = |connections, name: &str| {
                results.throughput_of(cell(connections))?.table.row(name)?.cost.map(|cost| cost.median)
            };
            let growth = |name: &str| Some(cost(*counts.last()?, name)? / cost(few, name)?);
            for count in counts {
                let row_of = results.throughput_of(cell(*count)).and_then(|it| it.table.row(&name));
                row.push(row_of.map_or("-".into(), |row| cost_and_ratio(row, format::duration)));
            }
            if has_growth(counts) {
                let raw = results.contestant(&name).and_then(|it| growth(it.ceiling.as_deref()?));
                row.push(match (growth(&name), raw) {
                    (Some(growth), Some(raw)) => format!("× {growth:.2} (raw × {raw:.2})"),
                    (Some(growth), None) => format!("× {growth:.2}"),
                    (None, _) => "-".into(),
                });
            }
        }
        sheet.rows.push(row);
    }
    (!by_depth.is_empty()).then_some(sheet)
}

/// What text costs more than binary.
pub(super) fn texts(results: &Results) -> Option<Sheet> {
    let pairs = results.throughput.iter().filter(|it| it.cell.text).filter_map(|text| {
        let binary = results.throughput_of(Cell { text: false, ..text.cell })?;
        Some((text, binary, results.validation.iter().find(|it| it.size == text.cell.size)))
    });
    let pairs: Vec<_> = pairs.collect();
    let mut sheet =
        Sheet::new(Some(Experiment::Text), "What text costs more than the same bytes as binary, per message", &[]);
    for (text, _, validation) in &pairs {
        let cell = text.cell;
        sheet.head.push([format::size(cell.size), format!("{} in flight", cell.depth)]);
        if let Some(validation) = validation {
            sheet.notes.push(format!(
                "Checking {} of this text takes {} by itself.",
                format::size(cell.size),
                format::duration(validation.nanoseconds.median)
            ));
        }
    }
    for name in order(results) {
        let cells = pairs.iter().map(|(text, binary, _)| {
            let (text, binary) = (text.table.row(&name)?, binary.table.row(&name)?);
            let Some((nanoseconds, times)) = more(text, binary) else { return Some(text.outcome.word().into()) };
            let sign = if nanoseconds < 0.0 { "-" } else { "+" };
            Some(format!("{sign}{} ({times:.2})", format::duration(nanoseconds.abs())))
        });
        let cells: Vec<String> = cells.map(|cell| cell.unwrap_or_else(|| "-".into())).collect();
        sheet.rows.push([vec![String::new(), name.clone()], cells].concat());
    }
    sheet.notes.push(
        "In parentheses, text divided by binary. Where raw TCP ran beside both, each is taken in proportion to it, since the \
         machine may have been slower in the minutes of one."
            .into(),
    );
    (!pairs.is_empty()).then_some(sheet)
}

/// By how much text costs more than binary, and how many times as much.
fn more(text: &Row, binary: &Row) -> Option<(f64, f64)> {
    let (text_cost, binary_cost) = (text.cost?.median, binary.cost?.median);
    let binary_cost = match (text.ratio, binary.ratio) {
        (Some(text_ratio), Some(binary_ratio)) => text_cost / text_ratio.median * binary_ratio.median,
        _ => binary_cost,
    };
    Some((text_cost - binary_cost, text_cost / binary_cost))
}

/// Each with its own threads.
pub(super) fn defaults(results: &Results) -> Option<Sheet> {
    let first = results.defaults.first()?;
    let title = format!("Each loop with its own defaults, on all {} CPUs", results.machine.cores);
    let mut sheet = Sheet::new(Some(Experiment::Defaults), title, &[]);
    closed_loops(results, &mut sheet, &results.defaults, |row| {
        let busy = super::Spread::of(row.samples.iter().filter_map(|sample| sample.server_busy));
        let busy = busy.map_or(String::new(), |busy| format!(" ({:.0} %)", busy.median * 100.0));
        format!("{}{busy}", cost_and_ratio(row, format::duration))
    });
    sheet.notes.push(
        "In parentheses, how much of one CPU the server used. The generator is one thread, and shares the CPUs with it.".into(),
    );
    if let Some(noise) = first.table.noise {
        sheet.notes.push(format!("Noise of the first column: {:.1} %.", noise * 100.0));
    }
    Some(sheet)
}

/// io_uring against epoll inside the same runtime, and raw TCP below.
pub(super) fn drivers(results: &Results) -> Option<Sheet> {
    let drivers = results.drivers.as_ref()?;
    let first = drivers.cells.first()?;
    let title = format!("io_uring against epoll inside {}: server CPU per echoed message", drivers.runtime);
    let mut sheet = Sheet::new(Some(Experiment::Drivers), title, &[]);
    closed_loops(results, &mut sheet, &drivers.cells, |row| cost_and_ratio(row, format::duration));
    sheet.notes.push(
        "In parentheses ÷ raw TCP echo on the same driver; on compio it makes the same reads into the same buffers."
            .into(),
    );
    // Those of raw TCP are the same.
    let is_shown = |name: &str| results.contestant(name).is_some_and(|it| it.protocol() == Protocol::WebSocket);
    let rows = drivers.syscalls.iter().flat_map(|it| &it.rows).filter(|row| is_shown(&row.contestant));
    for row in rows.filter(|row| !row.counts.is_empty()) {
        let counts = row.counts.iter().map(|count| match count.depth {
            1 => format!("for one message {}", counted(count)),
            depth => format!("for {depth} at once {}", counted(count)),
        });
        let counts = counts.collect::<Vec<_>>().join("; ");
        sheet.notes.push(format!("System calls on {}, {counts}.", row.contestant));
    }
    if let Some(noise) = first.table.noise {
        sheet.notes.push(format!("Noise of the first column: {:.1} %.", noise * 100.0));
    }
    Some(sheet)
}

/// Two columns for each of `loops`, and a line for each of their contestants, the cheapest in the first of them first, and
/// raw TCP last.
fn closed_loops(results: &Results, sheet: &mut Sheet, loops: &[Throughput], cost: impl Fn(&Row) -> String) {
    for it in loops {
        let payload = format!("{}, {} in flight", format::payload(it.cell), it.cell.depth);
        sheet.head.push([payload.clone(), "CPU".into()]);
        sheet.head.push([payload, "messages/s".into()]);
    }
    let is_raw = |row: &Row| results.contestant(&row.contestant).is_some_and(|it| it.protocol() == Protocol::Raw);
    let mut rows: Vec<&Row> = loops.iter().take(1).flat_map(|it| &it.table.rows).collect();
    let median = |row: &Row| row.cost.map_or(f64::INFINITY, |cost| cost.median);
    rows.sort_by(|one, other| is_raw(one).cmp(&is_raw(other)).then(median(one).total_cmp(&median(other))));
    for row in rows {
        let name = &row.contestant;
        let cells = loops.iter().filter_map(|it| it.table.row(name)).flat_map(|row| [cost(row), rate(row)]);
        let rank = format::rank(row.place.filter(|_| !is_raw(row)));
        sheet.rows.push([vec![rank, name.clone()], cells.collect()].concat());
    }
}
