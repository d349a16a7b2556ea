//! The comparison as text: on the terminal, and in Markdown for the book.

use super::{
    format,
    results::Results,
    sheets::{self, Sheet},
};
use crate::runtimes::Runtime;

/// What is printed when everything is measured.
pub(crate) fn terminal(results: &Results) -> String {
    let mut text = String::new();
    let summary = sheets::summary(results);
    if summary.head.len() > 2 {
        text.push_str(&sheet(&summary));
        lines(&mut text, sheets::legend(results));
    }
    for it in sheets::all(results) {
        text.push_str(&sheet(&it));
        lines(&mut text, it.notes);
    }
    let last = format::warnings(results).into_iter().chain(format::skipped(results)).collect::<Vec<_>>();
    if !last.is_empty() {
        text.push('\n');
        lines(&mut text, last);
    }
    text
}

/// The summary in Markdown, with where it comes from; or what some loops cost, for their chapter.
pub(crate) fn markdown(results: &Results, of: &[Runtime]) -> String {
    let escaped = |cell: &str| cell.trim().replace('|', "\\|").replace('*', "\\*");
    let table = if of.is_empty() { sheets::summary(results) } else { sheets::chapter(results, of) };
    // Only a summary has places.
    let first = if of.is_empty() { 0 } else { sheets::NAME };
    let head = &table.head[first..];
    let heads = head.iter().map(|head| escaped(&format!("{} {}", head[0], head[1])));
    let mut text = format!("| {} |\n", heads.collect::<Vec<_>>().join(" | "));
    let rules = (first..table.head.len()).map(|column| if table.is_left(column) { "---" } else { "---:" });
    text.push_str(&format!("| {} |\n", rules.collect::<Vec<_>>().join(" | ")));
    for row in &table.rows {
        text.push_str(&format!(
            "| {} |\n",
            row[first..].iter().map(|cell| escaped(cell)).collect::<Vec<_>>().join(" | ")
        ));
    }
    let machine = &results.machine;
    let legend = sheets::legend(results).into_iter().filter(|_| of.is_empty());
    let notes = legend.chain(format::warnings(results));
    let notes: String = notes.map(|note| escaped(&note) + " ").collect();
    text.push_str(&format!(
        "\n{}. {notes}Measured on {} with `{}`: {}, {} CPUs, {}.\n",
        table.title,
        &results.date[..results.date.len().min(10)],
        results.command,
        machine.cpu,
        machine.cores,
        machine.kernel,
    ));
    text
}

/// A title, and columns as wide as they must be. Columns without any word have no place.
fn sheet(sheet: &Sheet) -> String {
    let width = |column: usize| {
        let cells = sheet.rows.iter().map(|row| row[column].chars().count());
        let widest = cells.max().unwrap_or(0);
        let heads = sheet.head[column].iter().map(|head| head.chars().count()).max().unwrap_or(0);
        widest.max(heads)
    };
    let widths: Vec<usize> = (0..sheet.head.len()).map(width).collect();
    let line = |cells: Vec<&str>| {
        let mut line = String::new();
        for (column, (cell, width)) in cells.into_iter().zip(&widths).enumerate().filter(|(_, (_, width))| **width > 0)
        {
            let padding = " ".repeat(width - cell.chars().count());
            let cell =
                if sheet.is_left(column) { format!("{cell}{padding}   ") } else { format!("{padding}{cell}   ") };
            line.push_str(&cell);
        }
        format!("{}\n", line.trim_end())
    };
    let mut text = format!("\n{}\n\n", sheet.title);
    for number in 0..2 {
        text.push_str(&line(sheet.head.iter().map(|head| head[number].as_str()).collect()));
    }
    for row in &sheet.rows {
        text.push_str(&line(row.iter().map(String::as_str).collect()));
    }
    text.push('\n');
    text
}

fn lines(text: &mut String, lines: impl IntoIterator<Item = String>) {
    for line in lines {
        text.push_str(&line);
        text.push('\n');
    }
}
