//! Servers that are not timtow's: those that run already, and those on other crates; and those that do not echo.

mod common;

use common::{Directory, bench, column, sentence, serve, timtow_with};
use serde_json::Value;
use std::{fs, process::Command};
use tungstenite::Message;

/// The row of a contestant in each table of closed loops.
fn rows<'a>(results: &'a Value, name: &str) -> Vec<&'a Value> {
    let tables = results["throughput"].as_array().unwrap().iter();
    let rows = tables.map(|table| table["rows"].as_array().unwrap().iter().find(|row| row["contestant"] == name));
    rows.map(|row| row.unwrap_or_else(|| panic!("{name} takes no part"))).collect()
}

#[test]
fn a_server_that_runs_already_is_compared_and_its_process_is_found() {
    let url = serve(|_, message| vec![message]);
    let arguments = ["--only", "mio", "--experiments", "throughput,memory,flood", "--against", &url];
    let (results, table, page) = bench("against", &arguments, |_| {});
    assert!(results["contestants"].as_array().unwrap().iter().any(|it| it["kind"] == "against" && it["url"] == url));
    for row in rows(&results, &url) {
        assert_eq!(row["samples"].as_array().unwrap().len(), 3, "{row}");
        assert!(row["rate"]["median"].as_f64() > Some(0.0) && row["cost"].is_object(), "{row}");
        assert!(row["ratio"].is_null(), "nobody knows its loop: {row}");
    }
    let memory = results["memory"]["rows"].as_array().unwrap().iter().find(|row| row["contestant"] == url);
    assert!(memory.unwrap()["cost"].is_object(), "it is this process: {memory:?}");
    assert!(table.contains(&url) && page.contains(&url), "{table}");
}

#[test]
fn without_a_process_there_is_a_rate_and_no_cost() {
    // The system shows no process that listens at an address of another machine, and of this one only where it is loopback.
    let Some(host) = other_address() else { return };
    let url = serve(|_, message| vec![message]);
    let url = url.replace("127.0.0.1", &host);
    let Ok(_) = std::net::TcpStream::connect(url.trim_start_matches("ws://").trim_end_matches('/')) else {
        // Only loopback is bound.
        return;
    };
    let (results, _, _) =
        bench("foreign", &["--only", "mio", "--experiments", "throughput", "--against", &url], |_| {});
    assert!(rows(&results, &url).iter().all(|row| row["cost"].is_null() && row["rate"].is_object()));
}

fn other_address() -> Option<String> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    socket.local_addr().ok().map(|address| address.ip().to_string())
}

#[test]
fn wrong_answers_disqualify_and_the_run_goes_on() {
    let liar = serve(|_, message| vec![Message::binary(vec![b'x'; message.len()])]);
    let experiments = "throughput,latency,memory,flood,syscalls";
    let arguments = ["--only", "mio", "--experiments", experiments, "--against", &liar];
    let (results, table, page) = bench("liar", &arguments, |_| {});
    for row in rows(&results, &liar) {
        let why = row["disqualified"].as_str().unwrap_or_else(|| panic!("{row}"));
        assert!(why.contains("another content") || why.contains("came back as binary"), "{why}");
        assert!(row["failure"].is_null() && row["cost"].is_null() && row["place"].is_null(), "{row}");
        assert_eq!(row["samples"].as_array().unwrap().len(), 0, "{row}");
    }
    assert!(rows(&results, "mio").iter().all(|row| row["disqualified"].is_null() && row["cost"].is_object()));
    for rows in [&results["latency"][0]["rows"], &results["memory"]["rows"], &results["neighbours"][0]["rows"]] {
        let row = rows.as_array().unwrap().iter().find(|row| row["contestant"] == liar).unwrap();
        assert!(row["disqualified"].is_string() && row["p99"].is_null() && row["cost"].is_null(), "{row}");
        assert_eq!(row["samples"].as_array().unwrap().len(), 0, "{row}");
    }
    for text in [&table, &page] {
        assert!(text.contains("disqualified") && text.contains("Disqualified where the table says so"), "{text}");
    }
}

#[test]
fn what_listens_nowhere_is_not_measured_and_the_others_are() {
    // A port that was free a moment ago, and that nobody listens on.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("ws://127.0.0.1:{port}/");
    let (results, table, _) =
        bench("nobody", &["--only", "mio", "--experiments", "throughput", "--against", &url], |_| {});
    assert!(rows(&results, &url).iter().all(|row| row["failure"].as_str().unwrap().contains("start the server")));
    assert!(rows(&results, "mio").iter().all(|row| row["cost"].is_object()));
    assert!(table.contains("failed"), "{table}");
}

#[test]
fn what_a_machine_cannot_do_is_skipped_in_a_sentence() {
    let elsewhere = Directory::new("elsewhere");
    let arguments = ["--only", "mio", "--experiments", "handshakes,syscalls,build,blocked"];
    let (results, table, page) = bench("bare", &arguments, |command| {
        command.env("PATH", "").current_dir(elsewhere.path());
    });
    let skipped = results["skipped"].as_array().unwrap();
    for (experiment, words) in [("syscalls", "strace"), ("build", "checkout")] {
        let found = skipped.iter().find(|it| it["experiment"] == experiment).unwrap_or_else(|| panic!("{skipped:?}"));
        let why = found["why"].as_str().unwrap();
        assert!(why.contains(words) && table.contains(why) && page.contains(why), "{why}: {table}");
    }
    assert_eq!(skipped.len(), 2, "{skipped:?}");
    assert!(results["syscalls"].is_null() && results["build"].is_null());
    assert!(results["handshakes"]["rows"][0]["cost"].is_object() && results["neighbours"][0].is_object());

    let (results, ..) = bench("no-cargo", &["--only", "mio", "--experiments", "build"], |command| {
        command.env("PATH", "");
    });
    assert!(results["skipped"][0]["why"].as_str().unwrap().contains("cargo"), "{}", results["skipped"]);
}

#[test]
fn peers_need_a_checkout_and_cargo() {
    let elsewhere = Directory::new("no-checkout");
    let output = timtow_with(&["bench", "--quick", "--peers"], |command| {
        command.current_dir(elsewhere.path());
    });
    assert_eq!(output.status.code(), Some(1));
    assert!(sentence(&output).contains("needs a checkout"), "{output:?}");
    let output = timtow_with(&["bench", "--quick", "--against", "http://127.0.0.1/"], |_| {});
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

/// A workspace with peers that need no other crate: one becomes timtow itself, one answers everything with 200, and one
/// does not build; and with the server of `drivers`, which becomes timtow itself whatever the driver is.
fn peers(name: &str) -> Directory {
    let root = Directory::new(name);
    let write = |name: &str, text: &str| {
        let path = root.0.join("benches/peers").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let peer = |name: &str| {
        format!(
            r#"{{"name": "{name}", "crate": "{name}", "version": "1.2.3", "loop": "threads", "how": "as <it> is"}}"#
        )
    };
    write("peers.json", &format!("[{}, {}, {}]", peer("honest"), peer("liar"), peer("broken")));
    write("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"honest\", \"liar\", \"broken\", \"compio\"]\n");
    let programs = [
        (
            "honest",
            "use std::os::unix::process::CommandExt;\nfn main() {\n    let program = std::env::var_os(\"ECHO\").unwrap();\n    \
             let error = std::process::Command::new(program).args([\"serve\", \"threads\"])\n        \
             .args(std::env::args_os().skip(1)).exec();\n    panic!(\"{error}\");\n}\n",
        ),
        (
            "liar",
            "use std::io::{Read, Write};\nfn main() {\n    let listener = std::net::TcpListener::bind(\"127.0.0.1:0\").unwrap();\n    \
             println!(\"listening on ws://{}/ with liar 1.2.3\", listener.local_addr().unwrap());\n    \
             for stream in listener.incoming() {\n        let mut stream = stream.unwrap();\n        \
             let _ = stream.read(&mut [0; 4096]);\n        \
             let _ = stream.write_all(b\"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n\");\n    }\n}\n",
        ),
        ("broken", "fn main() { no(); }\n"),
        (
            "compio",
            "use std::{env, os::unix::process::CommandExt, process};\nfn main() {\n    \
             let words: Vec<String> = env::args().skip(1).collect();\n    \
             if words[1] == \"io-uring\" && env::var_os(\"FORBIDDEN\").is_some() {\n        \
             eprintln!(\"io_uring is forbidden\");\n        process::exit(1);\n    }\n    \
             let Some(at) = words.iter().position(|word| word == \"--listen\") else { return println!(\"compio 1.2.3\") };\n    \
             let command = if words[2] == \"--raw\" { \"raw\" } else { \"serve\" };\n    \
             let error = process::Command::new(env::var_os(\"ECHO\").unwrap()).args([command, \"threads\"])\n        \
             .args(&words[at..]).exec();\n    panic!(\"{error}\");\n}\n",
        ),
    ];
    for (name, program) in programs {
        let manifest = format!("[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n");
        write(&format!("{name}/Cargo.toml"), &manifest);
        write(&format!("{name}/src/main.rs"), program);
    }
    let mut lock = Command::new(env!("CARGO"));
    let status = lock.arg("generate-lockfile").current_dir(root.0.join("benches/peers")).status().unwrap();
    assert!(status.success());
    root
}

#[test]
fn the_drivers_of_one_runtime_are_compared_where_the_system_has_both() {
    let root = peers("drivers");
    let below = root.0.join("benches/peers/honest");
    let arguments = ["--only", "mio", "--experiments", "drivers", "--peers"];
    let (results, table, page) = bench("with-drivers", &arguments, |command| {
        command.current_dir(&below).env("ECHO", env!("CARGO_BIN_EXE_timtow"));
    });
    let nobody_else = "who is measured by nothing else is not built";
    assert_eq!(column(&results["contestants"], "name"), ["mio", "mio again", "raw TCP, mio"], "{nobody_else}");
    let skipped = results["skipped"].as_array().unwrap();
    assert!(skipped.iter().all(|it| it["experiment"] == "drivers" && it["contestant"].is_null()), "{skipped:?}");

    let drivers = &results["drivers"];
    let websockets = ["compio, io_uring", "compio, epoll", "mio", "mio again"];
    let raws = ["raw TCP, compio, io_uring", "raw TCP, compio, epoll", "raw TCP, mio"];
    let shapes = drivers["cells"].as_array().unwrap().iter().map(|it| [&it["connections"], &it["size"], &it["depth"]]);
    assert_eq!(shapes.collect::<Vec<_>>(), [[64, 16, 16], [64, 16, 1], [64, 1024, 16]]);
    for cell in drivers["cells"].as_array().unwrap() {
        let rows = cell["rows"].as_array().unwrap();
        assert_eq!(rows.len(), websockets.len() + raws.len());
        assert!(cell["noise"].as_f64() > Some(0.0));
        for row in rows {
            assert!(row["failure"].is_null() && row["disqualified"].is_null(), "{row}");
            assert_eq!(row["samples"].as_array().unwrap().len(), 3, "{row}");
            assert!(row["cost"]["min"].as_f64() > Some(0.0) && row["rate"]["median"].as_f64() > Some(0.0), "{row}");
            assert_eq!(row["ratio"].is_object(), websockets.contains(&row["contestant"].as_str().unwrap()), "{row}");
        }
    }
    // Where strace is not, a sentence says so.
    assert_eq!(drivers["syscalls"].is_null(), skipped.iter().any(|it| it["why"].as_str().unwrap().contains("strace")));
    for words in websockets.into_iter().chain(raws).chain(["io_uring against epoll inside compio 1.2.3"]) {
        assert!(table.contains(words) && page.contains(words), "{words}: {table}");
    }
    assert!(page.contains("(io-wq)"), "how to read it is told");

    let (results, table, page) = bench("no-io-uring", &arguments, |command| {
        command.current_dir(&below).env("ECHO", env!("CARGO_BIN_EXE_timtow")).env("FORBIDDEN", "1");
    });
    assert!(results["drivers"].is_null());
    for text in [&table, &page] {
        assert!(text.contains("Skipped: drivers: io_uring is forbidden."), "{text}");
    }
}

#[test]
fn other_crates_are_built_and_compared_and_liars_disqualified() {
    let root = peers("peers");
    let below = root.0.join("benches/peers/honest");
    let arguments = ["--only", "mio", "--experiments", "throughput", "--peers"];
    let (results, table, page) = bench("with-peers", &arguments, |command| {
        command.current_dir(&below).env("ECHO", env!("CARGO_BIN_EXE_timtow"));
    });
    let names = column(&results["contestants"], "name");
    assert_eq!(names, ["mio", "mio again", "honest", "liar", "raw TCP, threads", "raw TCP, mio"]);
    let honest = &results["contestants"][2];
    assert_eq!([&honest["kind"], &honest["version"], &honest["loop"]], ["peer", "1.2.3", "threads"]);
    for row in rows(&results, "honest") {
        assert!(row["cost"].is_object() && row["ratio"].is_object(), "{row}");
    }
    for row in rows(&results, "liar") {
        assert!(row["disqualified"].as_str().unwrap().contains("200 OK"), "{row}");
    }
    let broken = results["skipped"].as_array().unwrap().iter().find(|it| it["contestant"] == "broken").unwrap();
    assert!(broken["why"].as_str().unwrap().contains("did not build"), "{broken}");
    for words in ["honest", "liar", "disqualified", "did not build"] {
        assert!(table.contains(words) && page.contains(words), "{words}: {table}");
    }
    assert!(page.contains("as &lt;it&gt; is"), "how a crate is used is told");

    let (results, ..) =
        bench("one-peer", &["--only", "mio", "--experiments", "throughput", "--peers=honest"], |command| {
            command.current_dir(&below).env("ECHO", env!("CARGO_BIN_EXE_timtow"));
        });
    assert_eq!(
        column(&results["contestants"], "name"),
        ["mio", "mio again", "honest", "raw TCP, threads", "raw TCP, mio"]
    );
    let output = timtow_with(&["bench", "--quick", "--peers=nobody"], |command| {
        command.current_dir(&below);
    });
    assert_eq!(output.status.code(), Some(2));
    assert!(sentence(&output).contains("honest, liar, broken"), "{output:?}");
}
