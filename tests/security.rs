//! `SECURITY.md` is true: its defaults are the code's, and the tests that it names are there.

#[path = "common/named.rs"]
mod named;

use named::{exists, read};
use std::time::Duration;
use timtow::{Config, Options};

/// The table of settings: names and defaults.
fn settings(page: &str) -> Vec<(&str, &str)> {
    let rows = page.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split(" | ");
        let name = cells.next()?.strip_suffix('`')?;
        (name.starts_with("Config::") || name.starts_with("Options::")).then_some((name, cells.next()?))
    });
    rows.collect()
}

fn bytes(bytes: usize) -> String {
    match bytes {
        usize::MAX => "none".into(),
        _ if bytes.is_multiple_of(1 << 20) => format!("{} MiB", bytes >> 20),
        _ => format!("{} KiB", bytes as f64 / 1024.0),
    }
}

fn time(time: Option<Duration>) -> String {
    time.map_or("none".into(), |time| format!("{} s", time.as_secs_f64()))
}

#[test]
fn every_limit_and_its_default() {
    let (config, options) = (Config::default(), Options::default());
    let expected = [
        ("Config::max_message", bytes(config.max_message)),
        ("Config::max_frame", bytes(config.max_frame)),
        ("Config::max_fragments", config.max_fragments.map_or("none".into(), |most| most.to_string())),
        ("Config::high_water", bytes(config.high_water)),
        ("Config::handshake_timeout", time(config.handshake_timeout)),
        ("Config::close_timeout", time(config.close_timeout)),
        ("Config::ping_interval", time(config.ping_interval)),
        ("Config::pong_timeout", time(config.pong_timeout)),
        ("Config::write_timeout", time(config.write_timeout)),
        ("Options::max_connections", bytes(options.max_connections)),
    ];
    let page = read("SECURITY.md");
    assert_eq!(settings(&page), expected.each_ref().map(|(name, default)| (*name, default.as_str())));
    // What else is a number or a time in the configuration is a limit as well.
    let debug = format!("{config:?}");
    for field in debug.split(['{', ',']).filter_map(|field| field.split_once(": ")) {
        let (name, value) = (field.0.trim(), field.1.trim_start_matches("Some("));
        if value.starts_with(|first: char| first.is_ascii_digit()) {
            assert!(page.contains(&format!("| `Config::{name}` |")), "SECURITY.md says nothing of {name}");
        }
    }
    assert_eq!(config.origins, timtow::Origins::SameHost, "SECURITY.md says what the default trusts");
}

#[test]
fn every_test_that_is_named_exists() {
    let page = read("SECURITY.md");
    let names: Vec<&str> = page.split('`').skip(1).step_by(2).filter(|name| name.contains(".rs::")).collect();
    let cases: Vec<&str> =
        page.split('`').skip(1).step_by(2).filter(|name| name.starts_with("conformance::")).collect();
    assert!(names.len() > 20 && cases.len() > 20, "{} and {}", names.len(), cases.len());
    for name in names.into_iter().chain(cases) {
        assert!(exists(name), "SECURITY.md names {name}");
    }
}

#[test]
fn every_row_of_an_attack_is_checked() {
    let page = read("SECURITY.md");
    let mut checked = false;
    let mut rows = 0;
    for line in page.lines() {
        let Some(row) = line.strip_prefix("| ") else {
            checked = false;
            continue;
        };
        if row.ends_with("| Checked by |") {
            checked = true;
        } else if checked && !row.starts_with("---") {
            rows += 1;
            assert!(row.trim_end_matches(" |").ends_with('`'), "no test in: {line}");
        }
    }
    assert!(rows > 30, "of {rows} rows");
}
