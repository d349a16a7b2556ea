//! The words of the command line, what is refused, and the exit status.

mod common;

use common::{sentence, timtow};

#[test]
fn runtimes_are_listed() {
    let output = timtow(&["runtimes", "--json"]);
    assert!(output.status.success());
    let list: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let names: Vec<&str> = list.as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["threads", "mio", "tokio", "tokio-current", "tokio-reuseport", "smol", "async-std"]);
    let text = String::from_utf8(timtow(&["runtimes"]).stdout).unwrap();
    assert!(names.iter().all(|name| text.lines().any(|line| line.starts_with(name))), "{text}");
}

#[test]
fn what_is_not_there_yet_is_refused_in_a_sentence() {
    for (arguments, word) in [
        (&["serve", "mio", "--cert", "a.pem", "--key", "b.pem"][..], "--cert"),
        (&["connect", "wss://127.0.0.1:1/", "--insecure"], "--insecure"),
        (&["load", "wss://127.0.0.1:1/"], "ws://"),
    ] {
        let output = timtow(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let sentence = sentence(&output);
        assert!(sentence.contains(word), "{arguments:?}: {sentence}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_wrong_command_line_is_status_2() {
    for arguments in [
        &[][..],
        &["dance"],
        &["serve"],
        &["serve", "windows"],
        &["serve", "mio", "--threads", "0"],
        &["serve", "mio", "--listen", "nowhere"],
        &["serve", "mio", "--drafts", "14"],
        &["serve", "mio", "--drafts", ""],
        &["connect", "ws://127.0.0.1:1/", "--draft", "13,8"],
        &["serve", "mio", "--cert", "a.pem"],
        &["serve", "mio", "--app", "poker"],
        &["connect"],
        &["load"],
        &["load", "http://127.0.0.1/"],
        &["load", "ws://127.0.0.1:1/", "--connections", "0"],
        &["load", "ws://127.0.0.1:1/", "--rate", "-1"],
        &["load", "ws://127.0.0.1:1/", "--rate", "5", "--depth", "2"],
        &["load", "ws://127.0.0.1:1/", "--seconds", "0"],
        &["bench", "--only", "abacus"],
        &["bench", "--seconds", "inf"],
    ] {
        let output = timtow(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn what_else_goes_wrong_is_status_1_and_a_sentence() {
    // A port that was free a moment ago, and that nobody listens on.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("ws://127.0.0.1:{port}/");
    for (arguments, advice) in [
        (&["load", &url][..], "start the server"),
        (&["bench", "--table", "/nowhere/results.json"], "correct the path"),
        (&["bench", "--report", "Cargo.toml"], "measure again"),
        (&["bench", "--quick", "--out", "Cargo.toml"], "--out"),
    ] {
        let output = timtow(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let sentence = sentence(&output);
        assert!(sentence.contains(advice), "{arguments:?}: {sentence}");
    }
}

#[test]
fn help_and_version_are_no_errors() {
    for arguments in [&["--help"][..], &["--version"], &["bench", "--help"]] {
        assert!(timtow(arguments).status.success(), "{arguments:?}");
    }
}
