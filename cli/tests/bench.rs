//! The whole comparison, with slices too short to mean anything: every experiment must have its numbers.

mod common;

use common::timtow;

#[test]
fn a_comparison_measures_everything_that_it_shows() {
    let directory = std::env::temp_dir().join(format!("timtow-bench-test-{}", std::process::id()));
    let out = directory.to_str().unwrap();
    let output =
        timtow(&["bench", "--quick", "--only", "mio,tokio-current", "--seconds", "0.01", "--seed", "7", "--out", out]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = std::fs::read_to_string(directory.join("results.json")).unwrap();
    let page = std::fs::read_to_string(directory.join("report.html")).unwrap();
    std::fs::remove_dir_all(&directory).unwrap();
    let results: serde_json::Value = serde_json::from_str(&text).unwrap();
    let names: Vec<&str> = rows(&results["contestants"], "name");
    assert_eq!(names, ["mio", "tokio-current", "mio again", "raw TCP, mio", "raw TCP, tokio-current"]);
    assert_eq!((&results["quick"], &results["seed"], &results["rounds"]), (&true.into(), &7.into(), &3.into()));
    let websockets = &names[..3];
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(websockets.iter().all(|name| table.contains(name) && page.contains(name)), "{table}");

    let throughput = results["throughput"].as_array().unwrap();
    assert_eq!(throughput.len(), 4 + 2);
    for (index, experiment) in throughput.iter().enumerate() {
        let expected = if index < 4 { &names[..] } else { websockets };
        assert_eq!(rows(&experiment["rows"], "contestant"), expected);
        for row in experiment["rows"].as_array().unwrap() {
            check(row, 3);
            assert!(row["rate"]["median"].as_f64() > Some(0.0), "{row}");
        }
        assert!(experiment["noise"].as_f64() > Some(0.0));
        assert_eq!(experiment["rows"][0]["ratio"].is_object(), index < 4);
    }
    for latency in results["latency"].as_array().unwrap() {
        assert_eq!(rows(&latency["rows"], "contestant"), websockets);
        for row in latency["rows"].as_array().unwrap() {
            check(row, 3);
            assert!(row["p50"]["median"].as_f64() > Some(0.0), "{row}");
            assert!(row["p50"]["median"].as_f64() <= row["p99"]["median"].as_f64(), "{row}");
        }
    }
    assert_eq!(results["latency"].as_array().unwrap().len(), 3);
    assert_eq!(rows(&results["handshakes"]["rows"], "contestant"), names);
    results["handshakes"]["rows"].as_array().unwrap().iter().for_each(|row| check(row, 3));
    for row in results["memory"]["rows"].as_array().unwrap() {
        check(row, 1);
        assert!(row["cost"]["median"].as_f64() > Some(0.0), "idle connections cost something: {row}");
    }
}

fn rows<'a>(list: &'a serde_json::Value, field: &str) -> Vec<&'a str> {
    list.as_array().unwrap().iter().map(|row| row[field].as_str().unwrap()).collect()
}

fn check(row: &serde_json::Value, samples: usize) {
    assert!(row["failure"].is_null(), "{row}");
    assert_eq!(row["samples"].as_array().unwrap().len(), samples, "{row}");
}
