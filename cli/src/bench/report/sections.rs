//! One section for each experiment: how to read it, its figure, and its table.

use super::{
    super::{
        plan::Experiment,
        results::{Results, Syscalls},
        sheets::{self, NAME, Sheet},
    },
    escape, plots,
};

/// All that there are numbers for, and that have no figure of lines.
pub(super) fn all(results: &Results) -> String {
    sheets::all(results).iter().map(|sheet| section(results, sheet)).collect()
}

fn section(results: &Results, sheet: &Sheet) -> String {
    let mut text = format!("<h2>{}</h2>\n", escape(&sheet.title));
    text.push_str(&sheet.experiment.map_or(String::new(), |it| format!("<p>{}</p>\n", reading(it))));
    match sheet.experiment {
        Some(Experiment::Memory) => text.push_str(&plots::memory(results)),
        Some(experiment @ (Experiment::Blocked | Experiment::Stalled | Experiment::Flood)) => {
            let neighbour = results.neighbours.iter().find(|it| it.experiment == experiment);
            text.extend(neighbour.map(|neighbour| plots::neighbour(results, neighbour)));
        }
        _ => {}
    }
    text.push_str(&table(sheet));
    if sheet.experiment == Some(Experiment::Syscalls) {
        text.extend(results.syscalls.as_ref().map(one_message));
    }
    if sheet.experiment == Some(Experiment::Drivers) {
        text.extend(results.drivers.iter().filter_map(|drivers| drivers.syscalls.as_ref()).map(one_message));
    }
    text
}

/// A table with its notes.
pub(super) fn table(sheet: &Sheet) -> String {
    let shown: Vec<usize> = (0..sheet.head.len())
        .filter(|column| {
            !sheet.head[*column].concat().is_empty() || sheet.rows.iter().any(|row| !row[*column].is_empty())
        })
        .collect();
    let class = |column: usize| match column {
        NAME => " class=\"name\"",
        column if sheet.is_left(column) => " class=\"name wide\"",
        _ => "",
    };
    let head = shown.iter().map(|column| {
        let [first, second] = &sheet.head[*column];
        format!("<th{}>{}<br>{}</th>", class(*column), escape(first), escape(second))
    });
    let mut text = format!("<div class=\"scroll\"><table>\n<thead><tr>{}</tr></thead>\n", head.collect::<String>());
    for row in &sheet.rows {
        let best = if row[0].trim_end_matches('=') == "1" { " class=\"best\"" } else { "" };
        let cells = shown.iter().map(|column| {
            let cell = &row[*column];
            let class = if cell == "disqualified" { " class=\"out\"" } else { class(*column) };
            format!("<td{class}>{}</td>", escape(cell))
        });
        text.push_str(&format!("<tr{best}>{}</tr>\n", cells.collect::<String>()));
    }
    text.push_str("</table></div>\n");
    for note in &sheet.notes {
        text.push_str(&format!("<p class=\"soft\">{}</p>\n", escape(note)));
    }
    text
}

/// The system calls of one message, folded away.
fn one_message(syscalls: &Syscalls) -> String {
    let rows = syscalls.rows.iter().filter(|row| !row.one_message.is_empty());
    let rows = rows.map(|row| {
        let calls: String = row.one_message.iter().map(|call| format!("{}\n", escape(call))).collect();
        format!(
            "<details><summary>one message of {} bytes on {}</summary>\n<pre>{calls}</pre></details>\n",
            syscalls.size,
            escape(&row.contestant)
        )
    });
    rows.collect()
}

/// How to read the numbers of an experiment.
fn reading(experiment: Experiment) -> &'static str {
    match experiment {
        Experiment::Connections => {
            "What a message costs when the same work is spread over more connections. A loop that looks at all its \
             connections in each turn would grow with them; what raw TCP on the same loop grows by is the caches' and the \
             kernel's. Compare the two factors at the right."
        }
        Experiment::Text => {
            "Text must be valid UTF-8 (RFC 6455 8.1), so a server has to look at every byte of it, and at none of binary. The \
             text has characters of one to four bytes. What it costs more should not be above what checking the same \
             bytes costs by itself, which was measured here, in memory."
        }
        Experiment::Defaults => {
            "The other tables give every loop one thread on one CPU, because that compares loops. This one gives each what it \
             takes when nobody says otherwise. More threads do not make a message cheaper: read how many messages pass, \
             and at what cost each. With few CPUs, the generator takes its own from the server."
        }
        Experiment::Memory => {
            "Connections that exchanged one message each and are silent now: what they added to the memory of the process \
             that is no file's (its proportional set size), divided by their number. A buffer that a connection keeps while it waits shows here."
        }
        Experiment::Syscalls => {
            "A server spends most of its time in the kernel, and this is how often it goes there. One call to wait, one to read \
             and one to write is what one message alone takes; with sixteen in flight, a server that reads them all at \
             once and answers in one write needs no more for all of them, and one that writes once per message does. \
             Below the table, the calls of one message, in the order in which they ended."
        }
        Experiment::Blocked => {
            "One connection sends messages whose handler blocks its thread, and sends the next when the answer is there: some \
             handler blocks all the time. Where a thread serves many connections, all of them wait for it. A thread for \
             each connection, or another thread that takes the work, keeps the others alive. It is why a handler must \
             not block."
        }
        Experiment::Stalled => {
            "One client sends and never reads. A server that keeps every answer grows by all that is sent; one that stops \
             reading when too much waits lets the client's own system hold it. The others should notice nothing."
        }
        Experiment::Flood => {
            "One client has thousands of small messages in flight, always. A server that serves it until it has nothing left \
             lets the others wait; one that serves it a little in each turn does not. Some waiting is there in any case: \
             the CPU is busy."
        }
        Experiment::Drivers => {
            "The same program on the same runtime, which asks the kernel by io_uring or waits with epoll; only the driver \
             differs. With either, a buffer belongs to the kernel until what was asked for is done, so that each connection \
             has its own; on mio, where the kernel says what is ready, one buffer in the caches serves all. What mio costs less \
             than the runtime on epoll is the runtime's: it registers a socket anew for each operation that has to wait, as the \
             system calls show, and mio does so once. Those are of one connection: where many are ready, one \
             io_uring_enter serves them all. What io_uring leaves to threads of the kernel (io-wq) counts like the \
             rest, since they are threads of the process."
        }
        Experiment::Build => {
            "A package with the fifteen lines of README.md, built in release mode in an empty directory, without the time to \
             download anything. The sizes have the standard library in them."
        }
        Experiment::Throughput | Experiment::Latency | Experiment::Handshakes => "",
    }
}
