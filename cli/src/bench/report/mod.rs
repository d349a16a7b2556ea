//! report.html: one file that opens offline, and says how to read what it shows.

mod figures;
mod plots;
mod sections;
mod tables;

use super::{contestants::Kind, format, machine::Machine, results::Results, sheets};

/// The whole page.
pub(crate) fn page(results: &Results) -> String {
    let title =
        if results.quick { "timtow: event loops compared (quick look)" } else { "timtow: event loops compared" };
    let colors = figures::style(plots::COLORS);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <style>\n{STYLE}{colors}</style>\n<main>\n<h1>{title}</h1>\n"
    );
    let machine = &results.machine;
    page.push_str(&format!(
        "<p class=\"soft\">{}, {} CPUs, {}; {}</p>\n",
        escape(&machine.cpu),
        machine.cores,
        escape(&machine.kernel),
        escape(&results.date)
    ));
    page.push_str(&warnings(results));
    page.push_str(&summary(results));
    page.push_str(&plots::throughput(results));
    page.push_str(&plots::latency(results));
    page.push_str(&sections::all(results));
    page.push_str(&others(results));
    page.push_str(&tables::all(results));
    page.push_str(METHOD);
    page.push_str(&provenance(results));
    page.push_str("</main>\n</html>\n");
    page
}

fn warnings(results: &Results) -> String {
    let warnings = format::warnings(results);
    if warnings.is_empty() {
        return String::new();
    }
    let items: String = warnings.iter().map(|warning| format!("<li>{}</li>\n", escape(warning))).collect();
    format!("<div class=\"warn\"><ul>\n{items}</ul></div>\n")
}

fn summary(results: &Results) -> String {
    let sheet = sheets::summary(results);
    if sheet.head.len() <= 2 {
        return String::new();
    }
    let mut text = format!("<h2>In short</h2>\n{}", sections::table(&sheet));
    text.push_str(
        "<p>The CPU time that the server needs to receive a message and send it back, kernel included, over 64 connections; in \
         parentheses, how many times that of echoing the same bytes without any protocol on the same loop. Less is better. \
         Rows are sorted by the first of these columns: CPU per message says what a core can carry, and is steadier than \
         messages per second, which the generator caps at the fast end. Memory is what one more idle connection adds to the \
         process.</p>\n",
    );
    for line in sheets::legend(results) {
        text.push_str(&format!("<p class=\"soft\">{}</p>\n", escape(&line)));
    }
    text.push_str(&plots::costs(results));
    text
}

/// Who takes part that is not timtow's, and what was left out.
fn others(results: &Results) -> String {
    let mut text = String::new();
    let peers = results.contestants.iter().filter_map(|contestant| match &contestant.kind {
        Kind::Peer(peer) => Some(format!(
            "<tr><td class=\"name\">{}</td><td class=\"name\">{} {}</td><td class=\"name\">{}</td><td class=\"name wide\">{}</td></tr>\n",
            escape(&contestant.name),
            escape(&peer.krate),
            escape(&peer.version),
            peer.runtime,
            escape(&peer.how)
        )),
        _ => None,
    });
    let peers: String = peers.collect();
    if !peers.is_empty() {
        text.push_str(&format!(
            "<h2>The other crates</h2>\n<p>Each is written as its own documentation recommends for speed. The loop is the one \
             whose raw TCP echo is its ceiling.</p>\n<div class=\"scroll\"><table>\n<thead><tr><th class=\"name\">server</th>\
             <th class=\"name\">crate</th><th class=\"name\">loop</th><th class=\"name\">how it is used</th></tr></thead>\n\
             {peers}</table></div>\n"
        ));
    }
    let skipped = format::skipped(results);
    if !skipped.is_empty() {
        let items: String = skipped.iter().map(|line| format!("<li>{}</li>\n", escape(line))).collect();
        text.push_str(&format!("<h2>What was not measured</h2>\n<ul>\n{items}</ul>\n"));
    }
    text
}

fn provenance(results: &Results) -> String {
    let Machine { cpu, cores, memory, kernel, architecture } = &results.machine;
    let versions = &results.versions;
    let unknown = || "unknown".to_owned();
    let cpus = match (results.cpus.server, results.cpus.generator) {
        (Some(server), Some(generator)) => format!("server on CPU {server}, generator on CPU {generator}"),
        _ => "not assigned".into(),
    };
    let rows = [
        ("Command", format!("<code>{}</code>", escape(&results.command))),
        ("Random seed", results.seed.to_string()),
        ("Began", escape(&results.date)),
        ("Took", format!("{:.0} s", results.seconds)),
        ("Rounds", format!("{}, slices of {:.2} s in random order", results.rounds, results.slice_seconds)),
        ("CPU", format!("{} × {}", cores, escape(cpu))),
        ("Memory", memory.map_or_else(unknown, |bytes| format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30)))),
        ("Kernel", format!("{}, {}", escape(kernel), escape(architecture))),
        ("CPUs", cpus),
        ("Taken by other programs", results.disturbance.map_or_else(unknown, |part| format!("{:.1} %", part * 100.0))),
        ("timtow", escape(&versions.timtow)),
        ("Revision", versions.revision.as_deref().map_or_else(unknown, escape)),
        ("Compiler", versions.rustc.as_deref().map_or_else(unknown, escape)),
        ("Build", versions.profile.as_deref().map_or_else(unknown, escape)),
    ];
    let rows: String = rows.iter().map(|(name, value)| format!("<dt>{name}</dt><dd>{value}</dd>\n")).collect();
    format!("<h2>The machine, the program, the command</h2>\n<dl>\n{rows}</dl>\n")
}

/// Text for HTML.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

const STYLE: &str = include_str!("style.css");

const METHOD: &str = r#"<h2>How it was measured, and how far to trust it</h2>
<p><b>Who.</b> timtow's own contestants are the same echo program on one event loop after the other; others are what the table of
other crates says, or what listened at the URL that is their name. Each is a process of its own, with one loop on a CPU of its
own unless a section says otherwise; one that ran already runs where it ran. The load generator runs on another CPU, in one
thread, and shares no code with the servers.</p>
<p><b>Right answers first.</b> The generator checks every echo: opcode, length and count of all; the content of the first on each
connection and of one in 64. Text is sent as text, and masks vary. A server that answers wrongly, or loses a message, is disqualified
from that row, whatever it measured before.</p>
<p><b>CPU time</b> is that of the process, kernel and user. It is read while the server sleeps, before the first message of a slice and
after the answer to the last: the system knows the time of a thread that runs to a tick only.</p>
<p><b>Rounds.</b> Slices of measuring are interleaved in random order, so that whatever else happens on the machine hits all alike.
Figures and tables show the median of the rounds; thin bars, and numbers behind a dash, their range.</p>
<p><b>Noise.</b> One contestant takes part twice, as two processes. What those two differ by is what chance alone makes (never
taken as less than 1 %), and neighbours that differ by less are shown as a tie (=). A tie does not say that they are equal: it
says that this measurement cannot tell.</p>
<p><b>The generator distrusts itself.</b> Where it used its CPU up while the server still had time to spare, messages per second
are marked (* in tables, hollow points in figures): the server can do better than that. CPU per message stays valid. In
the open loop a row is marked where one message in a hundred was sent more than a millisecond late.</p>
<p><b>Raw TCP</b> is a server on the same loop that sends back the bytes it reads, with messages of the same length as the
frames. It is the ceiling; WebSocket divided by raw TCP is the figure that travels between machines, absolute numbers do
not. It reads as much at a time as timtow: 64 KiB, and 1 MiB where a frame is larger than 64 KiB. Where more than 64 KiB may be
in flight on a connection, raw TCP that reads 1 MiB stands beside it, to show what larger reads would save.</p>
<p><b>Closed and open loop.</b> For throughput, an echo releases the next message. For latency, messages are sent at a fixed rate,
the same for all, and the time counts from when a message <em>should</em> have been sent, so that a server that stalls
cannot hide it.</p>
"#;
