//! What is not CPU time: memory, system calls, neighbours, builds.

use super::{
    super::{
        format,
        plan::Experiment,
        results::{Count, Guest, Neighbour, NeighbourRow, Results},
        statistics::Spread,
    },
    Sheet, WORDS, mark, median, order,
};
use crate::{
    echo::BLOCKED,
    load::guest::{FLOOD, STALLED_MESSAGES, STALLED_SIZE},
};

/// Idle connections, in the process and in the kernel.
pub(super) fn memory(results: &Results) -> Option<Sheet> {
    let memory = results.memory.as_ref()?;
    let title = format!("Memory of an idle connection, of {}", format::whole(memory.connections as f64));
    let mut sheet = Sheet::new(Some(Experiment::Memory), title, &[["in the", "process"]]);
    if memory.kernel.is_some() {
        sheet.head.push(["in the kernel,".into(), "both ends".into()]);
    }
    let mut rows: Vec<_> = memory.table.rows.iter().collect();
    let cost = |spread: Option<Spread>| spread.map_or(f64::INFINITY, |it| it.median);
    rows.sort_by(|one, other| cost(one.cost).total_cmp(&cost(other.cost)));
    let bytes = |bytes: f64| format!("{} B", format::whole(bytes));
    for row in rows {
        let mut cells = vec![format::rank(row.place), row.contestant.clone(), median(row.cost, &row.outcome, bytes)];
        if let Some(kernel) = &memory.kernel {
            let row = kernel.row(&row.contestant);
            cells.push(row.map_or("-".into(), |row| median(row.cost, &row.outcome, bytes)));
        }
        sheet.rows.push(cells);
    }
    if let Some(kernel) = &memory.kernel {
        let noise = kernel.noise.map_or(String::new(), |noise| format!(" Its noise is {:.0} %.", noise * 100.0));
        sheet.notes.push(format!(
            "The kernel's share is what its slabs, thread stacks, page tables and socket buffers grew by, for both ends of \
             each connection: the system does not tell it for one process.{noise}"
        ));
    }
    Some(sheet)
}

/// How often each asks the system.
pub(super) fn syscalls(results: &Results) -> Option<Sheet> {
    let syscalls = results.syscalls.as_ref().filter(|it| !it.rows.is_empty())?;
    let mut sheet = Sheet::new(Some(Experiment::Syscalls), "System calls per message, counted by strace", &[]);
    let counts: Vec<u64> = syscalls.rows.iter().flat_map(|row| &row.counts).map(|count| count.depth).collect();
    let mut depths = counts.clone();
    depths.sort_unstable();
    depths.dedup();
    let per = |depth: u64| if depth == 1 { "per message".into() } else { format!("per {depth} messages") };
    sheet.head.extend(depths.iter().map(|depth| [format!("{depth} in flight,"), per(*depth)]));
    sheet.head.push([per(depths.last().copied().unwrap_or(0)), WORDS.into()]);
    let mut rows: Vec<_> = syscalls.rows.iter().collect();
    let last = |count: Option<&Count>| count.map_or(f64::INFINITY, |count| count.per_message);
    rows.sort_by(|one, other| last(one.counts.last()).total_cmp(&last(other.counts.last())));
    for row in rows {
        let mut cells = vec![String::new(), row.contestant.clone()];
        for depth in &depths {
            let count = row.counts.iter().find(|count| count.depth == *depth);
            cells.push(count.map_or(row.outcome.word().into(), |count| number(count.per_message * count.depth as f64)));
        }
        cells.push(row.counts.last().map_or(String::new(), calls_of));
        sheet.rows.push(cells);
    }
    sheet.notes.push(
        "One connection; what is in flight is sent at once, and the next when all of it is back. A run of its own, never \
         timed."
            .into(),
    );
    Some(sheet)
}

/// `epoll_wait 1, recvfrom 1`: the most frequent first.
fn calls_of(count: &Count) -> String {
    let mut calls: Vec<(&String, f64)> =
        count.calls.iter().map(|(name, calls)| (name, calls * count.depth as f64)).collect();
    calls.sort_by(|one, other| other.1.total_cmp(&one.1));
    // What happens once in a hundred times is not what it costs.
    let calls = calls.into_iter().filter(|(_, calls)| *calls >= 0.05);
    calls.map(|(name, calls)| format!("{name} {}", number(calls))).collect::<Vec<_>>().join(", ")
}

/// The same with their sum in front: `3: epoll_wait 1, recvfrom 1, sendto 1`.
pub(super) fn counted(count: &Count) -> String {
    format!("{}: {}", number(count.per_message * count.depth as f64), calls_of(count))
}

/// `3`, or `3.1`.
fn number(number: f64) -> String {
    let text = format!("{number:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// How polite clients fare beside another.
pub(super) fn neighbour(results: &Results, neighbour: &Neighbour) -> Sheet {
    let polite =
        format!("{} polite connections, {} messages per second", neighbour.connections, format::whole(neighbour.rate));
    let (title, note, more) = match neighbour.experiment {
        Experiment::Blocked => (
            format!("A handler that blocks for {} ms, always: latency of {polite}", BLOCKED.as_millis()),
            "Each server has the threads that it takes by itself, on all CPUs.".to_owned(),
            vec![],
        ),
        Experiment::Stalled => (
            format!("A client that stops reading: latency of {polite}, and what it costs the server"),
            format!(
                "It sends {} at most, and reads none of the answers. What the server took includes what the system holds \
                 for it.",
                format::bytes((STALLED_SIZE as u64 * STALLED_MESSAGES) as f64)
            ),
            vec![["server", "grew by"], ["server", "took"]],
        ),
        _ => (
            format!("A client that floods: latency of {polite}"),
            format!("It has {} messages in flight, always.", format::whole(FLOOD as f64)),
            vec![["flooder's", "messages/s"]],
        ),
    };
    let columns = [["p99", "alone"], ["median", "beside it"], ["p99", "beside it"], ["longest", "beside it"]];
    let mut sheet = Sheet::new(Some(neighbour.experiment), title, &[&columns[..], &more].concat());
    let names: Vec<String> = order(results);
    let mut rows: Vec<&NeighbourRow> = neighbour.rows.iter().collect();
    rows.sort_by_key(|row| names.iter().position(|name| *name == row.contestant));
    let p99 = |row: &NeighbourRow| row.p99.map_or(f64::INFINITY, |it| it.median);
    rows.sort_by(|one, other| p99(one).total_cmp(&p99(other)));
    for row in rows {
        let time = |spread| median(spread, &row.outcome, format::duration);
        let visit = |value: fn(&Guest) -> f64| Spread::of(row.samples.iter().map(|sample| value(&sample.neighbour)));
        let late = mark(row.generator_limited);
        let mut cells = vec![
            format::rank(row.place),
            row.contestant.clone(),
            time(row.alone_p99),
            time(row.p50),
            format!("{}{late}", time(row.p99)),
            time(row.max),
        ];
        match neighbour.experiment {
            Experiment::Blocked => {}
            Experiment::Stalled => {
                cells.push(median(row.grown, &row.outcome, format::bytes));
                cells.push(median(visit(|guest| guest.sent as f64), &row.outcome, format::bytes));
            }
            _ => cells.push(median(visit(|guest| guest.messages_per_second), &row.outcome, format::whole)),
        }
        sheet.rows.push(cells);
    }
    sheet.notes.push(note);
    if let Some(noise) = neighbour.noise {
        sheet.notes.push(format!("Noise of the 99 % beside it: {:.1} %.", noise * 100.0));
    }
    sheet
}

/// What building costs.
pub(super) fn build(results: &Results) -> Option<Sheet> {
    let build = results.build.as_ref().filter(|build| !build.rows.is_empty())?;
    let title = format!("The smallest server on each loop, built from nothing on {} CPUs", build.cpus);
    let columns = [["crates", ""], ["build", "time"], ["stripped", "size"]];
    let mut sheet = Sheet::new(Some(Experiment::Build), title, &columns);
    for row in &build.rows {
        let cells = match row.failure {
            Some(_) => ["failed"; 3].map(String::from),
            None => [row.crates.to_string(), format!("{:.1} s", row.seconds), format::bytes(row.bytes as f64)],
        };
        sheet.rows.push([vec![String::new(), row.name.clone()], cells.to_vec()].concat());
    }
    sheet.notes.push(
        "The programs of README.md, in release mode. Crates are those that were compiled, timtow's own among them. One build \
         each: the seconds have no noise floor."
            .into(),
    );
    Some(sheet)
}
