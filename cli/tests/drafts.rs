//! The drafts before RFC 6455, from the command line: both sides, on every runtime.

mod common;

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, Command, Output, Stdio},
};

use common::timtow;

const RUNTIMES: [&str; 7] = ["threads", "mio", "tokio", "tokio-current", "tokio-reuseport", "smol", "async-std"];
const DRAFTS: [&str; 5] = ["13", "8", "7", "hixie-76", "hixie-75"];

/// A server, for as long as the test runs.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_timtow"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
        let url = line.split(' ').find(|word| word.starts_with("ws://")).expect("its address").to_owned();
        Server { child, url }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Says two lines, and ends.
fn connect(arguments: &[&str]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_timtow"))
        .arg("connect")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // It may be gone already.
    let _ = child.stdin.take().expect("a pipe").write_all("Hello\nGrüße\n".as_bytes());
    child.wait_with_output().expect("its end")
}

#[test]
fn every_runtime_serves_and_speaks_every_draft() {
    for runtime in RUNTIMES {
        let server = Server::start(&[runtime, "--drafts", &DRAFTS.join(",")]);
        for draft in DRAFTS {
            let output = connect(&[&server.url, "--runtime", runtime, "--draft", draft]);
            assert!(output.status.success(), "{runtime}, {draft}: {}", String::from_utf8_lossy(&output.stderr));
            assert_eq!(String::from_utf8_lossy(&output.stdout), "Hello\nGrüße\n", "{runtime}, {draft}");
        }
    }
}

#[test]
fn a_draft_that_is_not_listed_is_refused_and_so_is_13() {
    let server = Server::start(&["threads", "--drafts", "8,7,hixie-75"]);
    for (draft, spoken) in [("13", false), ("8", true), ("7", true), ("hixie-76", false), ("hixie-75", true)] {
        let output = connect(&[&server.url, "--draft", draft]);
        assert_eq!(output.status.success(), spoken, "{draft}");
        let sentence = String::from_utf8(output.stderr).expect("text");
        assert_eq!(sentence.contains("426"), !spoken, "{draft}: {sentence}");
    }
    // Unless it is asked to, it speaks RFC 6455 alone.
    let server = Server::start(&["threads"]);
    for draft in &DRAFTS[1..] {
        assert!(!connect(&[&server.url, "--draft", draft]).status.success(), "{draft}");
    }
    assert!(timtow(&["connect", &server.url]).status.success());
}
