//! A page of the book whose blocks of bytes are held against what the core sends and reads.

use std::fs;
use timtow_core::Connection;

/// All that waits to be sent.
pub(crate) fn output(connection: &mut Connection) -> Vec<u8> {
    let mut output = Vec::new();
    connection.outbox().write_to(&mut output).expect("a vector takes everything");
    output
}

/// Bytes in hex, up to two spaces: behind them stands what they mean.
pub(crate) fn hex(line: &str) -> Vec<u8> {
    let (bytes, _) = line.split_once("  ").unwrap_or((line, ""));
    bytes.split(' ').map(|byte| u8::from_str_radix(byte, 16).unwrap_or_else(|_| panic!("{byte} in {line}"))).collect()
}

/// The blocks of the page that have a comment before them.
pub(crate) fn blocks(page: &str) -> Vec<(String, Vec<String>)> {
    let page = fs::read_to_string(page).expect("the page");
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(comment) = line.strip_prefix("<!-- ").and_then(|line| line.strip_suffix(" -->")) {
            assert_eq!(lines.next(), Some("```text"), "behind {comment}");
            let block = lines.by_ref().take_while(|line| *line != "```").map(str::to_owned).collect();
            blocks.push((comment.to_owned(), block));
        }
    }
    blocks
}
