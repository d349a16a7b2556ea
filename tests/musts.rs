//! The book's page of MUSTs is true: what it names is there, and it speaks of every section that demands something.

#[path = "common/named.rs"]
mod named;

use named::{exists, read};
use std::collections::BTreeSet;

/// The sections of RFC 6455 behind its introduction that have a MUST, or a must, for an endpoint.
const SECTIONS: &str = "3 4.1 4.2.1 4.2.2 4.3 4.4 5.1 5.2 5.3 5.4 5.5 5.5.1 5.5.2 5.5.3 5.6 5.8 6.1 6.2 7.1.2 7.1.7 7.2.1 \
    7.2.2 7.4.1 8.1 9 9.1 10.1 10.3 10.4 10.6 10.7 11.1.1 11.1.2 11.3.1 11.3.2 11.3.3 11.3.4 11.3.5";

/// Those of RFC 7692.
const SECTIONS_7692: &str = "5 6.1 6.2 7.1 7.1.1.2 7.1.2.1 7.1.2.2 7.2.1 7.2.2";

/// The rows of the tables, without those of the legend: the RFC of the heading above, and the cells.
fn rows(page: &str) -> Vec<(u32, Vec<&str>)> {
    let (mut rows, mut rfc) = (Vec::new(), 6455);
    for line in page.lines() {
        if let Some((_, number)) = line.split_once("## RFC ") {
            rfc = number.split(',').next().and_then(|number| number.parse().ok()).expect("a number");
        }
        let Some(cells) = line.strip_prefix("| ") else { continue };
        let cells: Vec<&str> = cells.trim_end_matches('|').split(" | ").map(str::trim).collect();
        if cells[0].starts_with(|first: char| first.is_ascii_digit()) {
            rows.push((rfc, cells));
        }
    }
    rows
}

#[test]
fn every_rule_names_tests_that_exist() {
    let page = read("book/src/musts.md");
    let mut faults = Vec::new();
    let mut rules = 0;
    for (rfc, cells) in rows(&page) {
        let [section, rule, whose, checked] = cells[..] else { continue };
        rules += 1;
        let place = format!("RFC {rfc} {section}, {rule}");
        if !["server", "client", "both"].contains(&whose) {
            faults.push(format!("{place}: who is {whose:?}?"));
        }
        for name in checked.split(", ") {
            match name.strip_prefix('`').and_then(|name| name.strip_suffix('`')) {
                Some(name) if exists(name) => {}
                _ => faults.push(format!("{place}: there is no {name}")),
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    assert!(rules > 120, "of {rules} rules");
}

#[test]
fn every_section_that_demands_something_is_there() {
    let page = read("book/src/musts.md");
    let rows = rows(&page);
    let of = |rfc| rows.iter().filter(move |row| row.0 == rfc).map(|row| row.1[0]).collect::<BTreeSet<_>>();
    assert_eq!(of(6455), SECTIONS.split_whitespace().collect());
    assert_eq!(of(7692), SECTIONS_7692.split_whitespace().collect());
}

#[test]
fn what_does_not_exist_is_noticed() {
    assert!(exists("tests/musts.rs::what_does_not_exist_is_noticed") && exists("vector F01"));
    for name in ["H02", "rfc6455-handshake", "hixie75-handshake", "binary-0-server"] {
        assert!(exists(&format!("vector {name}")), "{name}");
    }
    assert!(exists("conformance::section_5_framing::reserved_bits"));
    for name in [
        "tests/musts.rs::rows",
        "tests/musts.rs::what_does_not",
        "vector F00",
        "conformance::section_5_framing::reserved",
        "F01",
        "",
    ] {
        assert!(!exists(name), "{name}");
    }
}
