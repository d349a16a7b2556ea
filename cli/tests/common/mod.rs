//! The program as a process, and echo servers that share no code with it.

use std::{
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Command, Output},
    sync::mpsc,
    thread,
    time::Duration,
};

use tungstenite::{Message, WebSocket};

/// Runs the program to its end.
#[allow(dead_code, reason = "each test file is a program of its own")]
pub(crate) fn timtow(arguments: &[&str]) -> Output {
    timtow_with(arguments, |_| {})
}

/// The same in another directory, or another environment.
pub(crate) fn timtow_with(arguments: &[&str], change: impl FnOnce(&mut Command)) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_timtow"));
    change(command.args(arguments));
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(command.output().expect("the program starts")));
    receiver.recv_timeout(WATCHDOG).unwrap_or_else(|_| panic!("timtow {arguments:?} hangs"))
}

/// A directory for one test, which goes when this does.
#[allow(dead_code, reason = "each test file is a program of its own")]
pub(crate) struct Directory(pub(crate) PathBuf);

#[allow(dead_code, reason = "each test file is a program of its own")]
impl Directory {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("timtow-test-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a directory can be made");
        Directory(path)
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().expect("a path that is text")
    }

    pub(crate) fn read(&self, name: &str) -> String {
        let path = self.0.join(name);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What `timtow bench --quick` measured, with slices too short to mean anything; its table; and its report.
#[allow(dead_code, reason = "each test file is a program of its own")]
pub(crate) fn bench(
    name: &str,
    arguments: &[&str],
    change: impl FnOnce(&mut Command),
) -> (serde_json::Value, String, String) {
    let out = Directory::new(name);
    let fixed = ["bench", "--quick", "--seconds", "0.01", "--seed", "7", "--out", out.path()];
    let output = timtow_with(&[&fixed[..], arguments].concat(), change);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let results = serde_json::from_str(&out.read("results.json")).expect("results.json is JSON");
    (results, String::from_utf8(output.stdout).expect("the table is text"), out.read("report.html"))
}

/// A field of each row.
#[allow(dead_code, reason = "each test file is a program of its own")]
pub(crate) fn column<'a>(list: &'a serde_json::Value, field: &str) -> Vec<&'a str> {
    list.as_array().unwrap().iter().map(|row| row[field].as_str().unwrap()).collect()
}

/// What it wrote to stderr, which must be one sentence after the program's name.
#[allow(dead_code, reason = "each test file is a program of its own")]
pub(crate) fn sentence(output: &Output) -> String {
    let text = String::from_utf8(output.stderr.clone()).expect("stderr is text");
    assert_eq!(text.lines().count(), 1, "{text}");
    text.trim_end().strip_prefix("timtow: ").unwrap_or_else(|| panic!("{text}")).to_owned()
}

/// Serves with tungstenite for as long as the test runs; `answer` decides what becomes of each message, given its number.
#[allow(dead_code, reason = "each test file is a program of its own")]
pub(crate) fn serve(answer: impl Fn(usize, Message) -> Vec<Message> + Clone + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let url = format!("ws://{}/", listener.local_addr().expect("it is bound"));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, answer) = (stream.expect("a connection"), answer.clone());
            thread::spawn(move || {
                stream.set_nodelay(true).expect("a socket");
                // The end of the connection, whichever way it comes, is the end of its thread.
                if let Ok(socket) = tungstenite::accept(stream) {
                    let _ = talk(socket, answer);
                }
            });
        }
    });
    url
}

#[allow(dead_code, reason = "each test file is a program of its own")]
fn talk(mut socket: WebSocket<TcpStream>, answer: impl Fn(usize, Message) -> Vec<Message>) -> tungstenite::Result<()> {
    let mut number = 0;
    loop {
        let message = socket.read()?;
        if message.is_text() || message.is_binary() {
            for reply in answer(number, message) {
                socket.send(reply)?;
            }
            number += 1;
        }
    }
}

/// Nothing takes so long unless it hangs.
const WATCHDOG: Duration = Duration::from_secs(300);
