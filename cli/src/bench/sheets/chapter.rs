//! What some loops cost, all in one table: for the book's chapter about them.

use super::{
    super::{
        format,
        plan::{CAPACITY, Experiment, HEADLINE},
        results::{Cell, Results, Row},
    },
    NAME, Sheet, cost_and_ratio, median,
    others::counted,
};
use crate::runtimes::Runtime;

/// One column for each of `runtimes`, and a line for each experiment that has a number of theirs.
pub(super) fn chapter(results: &Results, runtimes: &[Runtime]) -> Sheet {
    let names: Vec<String> = runtimes.iter().map(Runtime::to_string).collect();
    let title = "Server CPU per message, and in parentheses ÷ raw TCP echo on the same loop; less is better";
    let mut sheet = Sheet::new(None, title, &[]);
    sheet.head[NAME] = [String::new(), "what".into()];
    sheet.head.extend(names.iter().map(|name| [String::new(), name.clone()]));
    let mut line = |what: String, cell: &dyn Fn(&str) -> Option<String>| {
        let cells: Vec<Option<String>> = names.iter().map(|name| cell(name)).collect();
        if cells.iter().any(Option::is_some) {
            let cells = cells.into_iter().map(|cell| cell.unwrap_or_else(|| "-".into()));
            sheet.rows.push([String::new(), what].into_iter().chain(cells).collect());
        }
    };
    for cell in cells(results) {
        let table = &results.throughput_of(cell).expect("it is one of them").table;
        let of = format::whole(cell.connections as f64);
        let what = format!("{}, {} in flight on each of {of}", format::payload(cell), cell.depth);
        line(what, &|name| table.row(name).map(|row| cost_and_ratio(row, format::duration)));
    }
    if let Some(handshakes) = &results.handshakes {
        line("an opening handshake, and the end".into(), &|name| {
            handshakes.table.row(name).map(|row| cost_and_ratio(row, format::duration))
        });
    }
    if let Some(memory) = &results.memory {
        let bytes = |bytes: f64| format!("{} B", format::whole(bytes));
        let shown = |row: &Row| median(row.cost, &row.outcome, bytes);
        let of = format::whole(memory.connections as f64);
        line(format!("memory of an idle connection, of {of}"), &|name| memory.table.row(name).map(shown));
        if let Some(kernel) = &memory.kernel {
            line("the kernel's memory for both its ends".into(), &|name| kernel.row(name).map(shown));
        }
    }
    for depth in [CAPACITY.depth, HEADLINE.depth].map(u64::from) {
        let what = if depth == 1 {
            "system calls for one message".into()
        } else {
            format!("system calls for {depth} messages at once")
        };
        line(what, &|name| {
            let row = results.syscalls.as_ref()?.rows.iter().find(|row| row.contestant == name)?;
            let count = row.counts.iter().find(|count| count.depth == depth)?;
            Some(counted(count))
        });
    }
    for neighbour in &results.neighbours {
        let what = match neighbour.experiment {
            Experiment::Blocked => "99 % of latencies beside a handler that blocks",
            Experiment::Stalled => "beside a client that stops reading",
            _ => "beside a client that floods",
        };
        line(what.into(), &|name| {
            let row = neighbour.rows.iter().find(|row| row.contestant == name)?;
            Some(median(row.p99, &row.outcome, format::duration))
        });
    }
    sheet
}

/// By connections, payload and depth: those over 64, then the fewest and the most, and the largest payload over as many as it has.
fn cells(results: &Results) -> Vec<Cell> {
    let most = results.throughput.iter().map(|it| it.cell.connections).max();
    let is_shown = |cell: &Cell| {
        let is_wide = cell.connections == 1 || Some(cell.connections) == most;
        !cell.text
            && (cell.connections == HEADLINE.connections
                || cell.size > 64 << 10
                || (is_wide && cell.size == HEADLINE.size))
    };
    let mut cells: Vec<Cell> = results.throughput.iter().map(|it| it.cell).filter(is_shown).collect();
    cells.sort_by_key(|cell| (cell.connections != HEADLINE.connections, cell.connections, cell.size, cell.depth));
    cells
}
