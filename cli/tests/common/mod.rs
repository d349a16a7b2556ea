//! The program as a process, and echo servers that share no code with it.

use std::{
    net::{TcpListener, TcpStream},
    process::{Command, Output},
    sync::mpsc,
    thread,
    time::Duration,
};

use tungstenite::{Message, WebSocket};

/// Runs the program to its end.
pub(crate) fn timtow(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_timtow"));
    command.args(arguments);
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(command.output().expect("the program starts")));
    receiver.recv_timeout(WATCHDOG).unwrap_or_else(|_| panic!("timtow {arguments:?} hangs"))
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
