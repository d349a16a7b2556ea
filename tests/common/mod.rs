//! A program under test, as a process that listens; and an independent client, tungstenite.

use std::{
    io::{BufRead, BufReader},
    net::TcpStream,
    process::{Child, Command, Stdio},
    time::Duration,
};
use tungstenite::{Message, WebSocket, stream::MaybeTlsStream};

pub(crate) type Client = WebSocket<MaybeTlsStream<TcpStream>>;

/// Nothing takes so long unless it hangs.
pub(crate) const WATCHDOG: Duration = Duration::from_secs(60);

/// A server that runs until it is dropped.
pub(crate) struct Listening {
    child: Child,
    pub(crate) url: String,
}

impl Listening {
    /// Starts the program on a port that the system chooses, and waits until it says where it listens.
    pub(crate) fn start(mut command: Command) -> Listening {
        let mut child = command.arg("127.0.0.1:0").stdout(Stdio::piped()).spawn().expect("the program starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).expect("the program speaks");
        let url = line.trim_end().strip_prefix("listening on ").unwrap_or_else(|| panic!("it said {line:?}"));
        Listening { url: url.to_string(), child }
    }

    pub(crate) fn client(&self) -> Client {
        let (client, _) = tungstenite::connect(&self.url).expect("the server accepts");
        if let MaybeTlsStream::Plain(stream) = client.get_ref() {
            stream.set_read_timeout(Some(WATCHDOG)).unwrap();
        }
        client
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.child.kill().expect("it still runs");
        self.child.wait().unwrap();
    }
}

/// Talks to an echo server: two clients at a time, the messages that the ancestors' programs lost, and a clean close.
pub(crate) fn check_echo(server: &Listening) {
    let mut clients = [server.client(), server.client()];
    let messages = [
        Message::text("there is more than one way to do it"),
        Message::text("0"),
        Message::text(""),
        Message::text("κόσμε"),
        Message::binary(vec![0xff; 70_000]),
    ];
    for message in messages {
        for client in &mut clients {
            client.send(message.clone()).unwrap();
        }
        for client in &mut clients {
            assert_eq!(client.read().unwrap(), message, "{}", server.url);
        }
    }
    for mut client in clients {
        client.send(Message::Ping(vec![1, 2, 3].into())).unwrap();
        assert_eq!(client.read().unwrap(), Message::Pong(vec![1, 2, 3].into()));
        client.close(None).unwrap();
        while client.read().is_ok() {}
        assert!(!client.can_write());
    }
}
