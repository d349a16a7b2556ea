//! Raw TCP echo, the ceiling: every loop sends back what it was sent, however much.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Shutdown, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.kill().expect("it still runs");
        self.0.wait().expect("it was started");
    }
}

#[test]
fn every_loop_echoes_more_than_sockets_hold() {
    let sent: Vec<u8> = (0..8 << 20).map(|number: u32| (number >> 3) as u8 ^ number as u8).collect();
    for runtime in ["threads", "mio", "tokio", "tokio-current", "tokio-reuseport", "smol", "async-std"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_timtow"));
        let mut server = Server(command.args(["raw", runtime]).stdout(Stdio::piped()).spawn().unwrap());
        let mut line = String::new();
        BufReader::new(server.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.strip_prefix("listening on tcp://").and_then(|rest| rest.split(' ').next());
        let mut stream = TcpStream::connect(address.unwrap_or_else(|| panic!("it said {line:?}"))).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(60))).unwrap();
        let (mut writer, bytes) = (stream.try_clone().unwrap(), sent.clone());
        let writing = thread::spawn(move || {
            writer.write_all(&bytes).unwrap();
            writer.shutdown(Shutdown::Write).unwrap();
        });
        let mut echoed = Vec::new();
        stream.read_to_end(&mut echoed).unwrap();
        writing.join().unwrap();
        assert!(echoed == sent, "{runtime}: {} of {} bytes came back, or others", echoed.len(), sent.len());
    }
}
