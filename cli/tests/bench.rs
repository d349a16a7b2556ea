//! The whole comparison, with slices too short to mean anything: every experiment must have its numbers.

mod common;

use common::{bench, column};
use serde_json::Value;

#[test]
fn a_comparison_measures_everything_that_it_shows() {
    let (results, table, page) = bench("quick", &["--only", "mio,tokio-current"], |_| {});
    let names: Vec<&str> = column(&results["contestants"], "name");
    assert_eq!(names, ["mio", "tokio-current", "mio again", "raw TCP, mio", "raw TCP, tokio-current"]);
    assert_eq!((&results["quick"], &results["seed"], &results["rounds"]), (&true.into(), &7.into(), &3.into()));
    let websockets = &names[..3];
    assert!(websockets.iter().all(|name| table.contains(name) && page.contains(name)), "{table}");

    let throughput = results["throughput"].as_array().unwrap();
    assert_eq!(throughput.len(), 4 + 2);
    for (index, experiment) in throughput.iter().enumerate() {
        let expected = if index < 4 { &names[..] } else { websockets };
        assert_eq!(column(&experiment["rows"], "contestant"), expected);
        for row in experiment["rows"].as_array().unwrap() {
            check(row, 3);
            assert!(row["rate"]["median"].as_f64() > Some(0.0), "{row}");
            assert!(row["cost"]["min"].as_f64() > Some(0.0), "the CPU's time is exact: {row}");
        }
        assert!(experiment["noise"].as_f64() > Some(0.0));
        assert_eq!(experiment["rows"][0]["ratio"].is_object(), index < 4);
    }
    for latency in results["latency"].as_array().unwrap() {
        assert_eq!(column(&latency["rows"], "contestant"), websockets);
        for row in latency["rows"].as_array().unwrap() {
            check(row, 3);
            assert!(row["p50"]["median"].as_f64() > Some(0.0), "{row}");
            assert!(row["p50"]["median"].as_f64() <= row["p99"]["median"].as_f64(), "{row}");
        }
    }
    assert_eq!(results["latency"].as_array().unwrap().len(), 3);
    assert_eq!(column(&results["handshakes"]["rows"], "contestant"), names);
    results["handshakes"]["rows"].as_array().unwrap().iter().for_each(|row| check(row, 3));
    // The kernel's memory is that of all processes: others may give back more than ours take.
    for (table, least) in [(&results["memory"], 0.0), (&results["memory"]["kernel"], f64::MIN)] {
        assert_eq!(column(&table["rows"], "contestant"), websockets);
        for row in table["rows"].as_array().unwrap() {
            check(row, 1);
            assert!(row["cost"]["median"].as_f64() > Some(least), "idle connections cost something: {row}");
        }
    }
    check_syscalls(&results, &table, &page);
}

/// Where strace is.
fn check_syscalls(results: &Value, table: &str, page: &str) {
    if let Some(skipped) = results["skipped"].as_array().unwrap().first() {
        assert!(skipped["why"].as_str().unwrap().contains("strace"), "{skipped}");
        return;
    }
    assert!(table.contains("System calls per message") && page.contains("System calls per message"), "{table}");
    let rows = &results["syscalls"]["rows"];
    assert_eq!(column(rows, "contestant"), ["mio", "tokio-current", "raw TCP, mio", "raw TCP, tokio-current"]);
    for row in rows.as_array().unwrap() {
        assert!(row["failure"].is_null() && row["disqualified"].is_null(), "{row}");
        // To wait, to read, to write: once for what is sent at once.
        for (count, calls) in row["counts"].as_array().unwrap().iter().zip([3.0, 3.0 / 16.0]) {
            let per_message = count["per_message"].as_f64().unwrap();
            assert!((per_message / calls - 1.0).abs() < 0.1, "{row}");
            let sum: f64 = count["calls"].as_object().unwrap().values().filter_map(Value::as_f64).sum();
            assert!((sum - per_message).abs() < 1e-9, "{row}");
        }
        let message: Vec<&str> = row["one_message"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
        let names: Vec<&str> = message.iter().map(|call| call.split('(').next().unwrap()).collect();
        assert_eq!(names, ["epoll_wait", "recvfrom", "sendto"], "{message:?}");
    }
}

#[test]
fn what_a_quick_comparison_leaves_out_is_measured_when_it_is_asked_for() {
    let experiments = ["text", "defaults", "blocked", "stalled", "flood", "drivers"];
    let (results, table, page) =
        bench("asked", &["--only", "mio,threads", "--experiments", &experiments.join(",")], |_| {});
    let asked: Vec<&str> = results["experiments"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
    assert_eq!(asked, experiments);
    let websockets = ["threads", "mio", "mio again"];

    let texts: Vec<bool> =
        results["throughput"].as_array().unwrap().iter().map(|it| it["text"].as_bool().unwrap()).collect();
    assert_eq!(texts, [false, true, false, true], "each beside the same as binary");
    let validation = &results["validation"];
    assert_eq!([&validation[0]["size"], &validation[1]["size"]], [125, 1024]);
    assert!(validation[1]["nanoseconds"]["median"].as_f64() > Some(0.0), "{validation}");

    if results["machine"]["cores"].as_u64() > Some(1) {
        assert_eq!(results["defaults"].as_array().unwrap().len(), 3);
        for experiment in results["defaults"].as_array().unwrap() {
            assert_eq!(column(&experiment["rows"], "contestant"), websockets);
            experiment["rows"].as_array().unwrap().iter().for_each(|row| check(row, 3));
        }
    }

    let neighbours = results["neighbours"].as_array().unwrap();
    assert_eq!(column(&results["neighbours"], "experiment"), ["blocked", "stalled", "flood"]);
    for neighbour in neighbours {
        assert_eq!(column(&neighbour["rows"], "contestant"), websockets);
        for row in neighbour["rows"].as_array().unwrap() {
            check(row, 3);
            for field in ["alone_p99", "p50", "p99", "max"] {
                assert!(row[field]["median"].as_f64() > Some(0.0), "{field}: {row}");
            }
            let visits = row["samples"].as_array().unwrap().iter().map(|sample| &sample["neighbour"]);
            let sum = |field: &str| visits.clone().filter_map(|visit| visit[field].as_f64()).sum::<f64>();
            assert!(sum("sent") > 0.0, "{row}");
            let reads = neighbour["experiment"] != "stalled";
            assert_eq!(sum("messages_per_second") > 0.0, reads, "{row}");
        }
    }
    // Who shares a loop with a handler that sleeps waits for it, on any machine.
    assert!(neighbours[0]["rows"][1]["p50"]["median"].as_f64() > Some(5e6), "{}", neighbours[0]);

    let why = results["skipped"].as_array().unwrap().iter().find(|it| it["experiment"] == "drivers");
    let why = why.unwrap()["why"].as_str().unwrap();
    assert!(
        why.contains("io_uring") && why.contains("--peers") && table.contains(why) && page.contains(why),
        "{table}"
    );
    for words in ["A handler that blocks", "stops reading", "floods", "own defaults", "What text costs"] {
        assert!(table.contains(words) && page.contains(words), "{words}: {table}");
    }
}

#[test]
fn the_smallest_server_is_built() {
    let (results, table, page) = bench("build", &["--only", "threads", "--experiments", "build"], |_| {});
    let rows = results["build"]["rows"].as_array().unwrap();
    assert_eq!(column(&results["build"]["rows"], "name"), ["threads"]);
    assert!(rows[0]["failure"].is_null(), "{}", rows[0]);
    assert!(rows[0]["crates"].as_u64() > Some(3), "{}", rows[0]);
    assert!(rows[0]["seconds"].as_f64() > Some(0.0) && rows[0]["bytes"].as_u64() > Some(100_000), "{}", rows[0]);
    assert!(table.contains("smallest server") && page.contains("smallest server"), "{table}");
}

/// The names of all fields in `value`, but those of maps, whose names are data.
fn fields<'a>(value: &'a Value, names: &mut std::collections::BTreeSet<&'a str>) {
    for inner in value.as_array().into_iter().flatten() {
        fields(inner, names);
    }
    for (name, inner) in value.as_object().into_iter().flatten() {
        names.insert(name);
        if name != "calls" {
            fields(inner, names);
        }
    }
}

#[test]
fn every_field_is_described() {
    let results: Value = serde_json::from_str(include_str!("results.json")).unwrap();
    let mut names = std::collections::BTreeSet::new();
    fields(&results, &mut names);
    let described: Vec<&str> = include_str!("../RESULTS.md").split('`').skip(1).step_by(2).collect();
    let quoted =
        |name: &str| described.iter().any(|text| text.split(['"', ',', ' ', '{', '}']).any(|word| word == name));
    let missing: Vec<&&str> = names.iter().filter(|name| !quoted(name)).collect();
    assert!(missing.is_empty(), "RESULTS.md does not say what these are: {missing:?}");
    assert!(names.len() > 90, "results.json of the tests has an example of everything: {}", names.len());
}

fn check(row: &Value, samples: usize) {
    assert!(row["failure"].is_null() && row["disqualified"].is_null(), "{row}");
    assert_eq!(row["samples"].as_array().unwrap().len(), samples, "{row}");
}
