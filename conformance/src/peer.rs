//! The other end: a blocking socket, and frames made by hand. It shares no code with the core.

use crate::{
    WATCHDOG,
    buffer::Buffer,
    frame::{self, BINARY, CLOSE, Frame, RSV1, TEXT},
    http::{self, Head},
    inflate::Naive,
    record::{self, Decoder},
};
use socket2::SockRef;
use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
    time::Duration,
};
use timtow_core::Role;

mod through;

/// The other end of a connection of the endpoint under test. Everything that it waits for ends with a panic by the
/// watchdog.
#[derive(Debug)]
pub struct Peer {
    stream: TcpStream,
    /// The peer's own role.
    role: Role,
    /// What came and was not taken yet, without the transport.
    buffer: Buffer,
    /// The test transport, where there is one.
    decoder: Option<Decoder>,
    masks: u32,
    /// What inflates the messages that come, where compression was agreed on (RFC 7692).
    pub deflate: Option<Naive>,
    /// How many compressed messages came.
    pub compressed: usize,
    /// The masks of the frames that came.
    pub seen_masks: Vec<[u8; 4]>,
}

impl Peer {
    /// A peer on a connected socket.
    pub fn new(stream: TcpStream, role: Role, transport: bool) -> Self {
        stream.set_nodelay(true).expect("TCP_NODELAY");
        stream.set_read_timeout(Some(WATCHDOG)).expect("a read timeout");
        stream.set_write_timeout(Some(WATCHDOG)).expect("a write timeout");
        let decoder = transport.then(Decoder::default);
        Peer {
            stream,
            role,
            buffer: Buffer::default(),
            decoder,
            masks: 0x37fa_213d,
            deflate: None,
            compressed: 0,
            seen_masks: Vec::new(),
        }
    }

    /// The peer's own role.
    pub fn role(&self) -> Role {
        self.role
    }

    /// The socket.
    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// A handle that writes from another thread.
    pub fn writer(&self) -> TcpStream {
        self.stream.try_clone().expect("another handle")
    }

    /// Writes bytes to the socket, around the transport.
    pub fn write_wire(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the endpoint reads");
    }

    /// Writes bytes.
    pub fn write(&mut self, bytes: impl AsRef<[u8]>) {
        let wire = self.sealed(bytes.as_ref());
        self.write_wire(&wire);
    }

    /// Writes bytes, each by itself.
    pub fn write_slowly(&mut self, bytes: impl AsRef<[u8]>) {
        for byte in self.sealed(bytes.as_ref()) {
            self.write_wire(&[byte]);
        }
    }

    /// As [`write`](Peer::write), for as long as the endpoint takes it.
    ///
    /// # Errors
    /// The endpoint is gone.
    pub fn try_write(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        let wire = self.sealed(bytes.as_ref());
        self.stream.write_all(&wire)
    }

    /// A mask that was not used before, where this peer masks (RFC 6455 5.1).
    pub fn mask(&mut self) -> Option<[u8; 4]> {
        self.masks = self.masks.wrapping_mul(0x9e37_79b1).wrapping_add(0x7f4a_7c15);
        (self.role == Role::Client).then(|| self.masks.to_be_bytes())
    }

    /// The bytes of a frame from this peer.
    pub fn encode(&mut self, frame: &Frame) -> Vec<u8> {
        let mask = self.mask();
        frame.encode(mask)
    }

    /// The bytes of frames from this peer.
    pub fn encode_all(&mut self, frames: &[Frame]) -> Vec<u8> {
        frames.iter().flat_map(|frame| self.encode(frame)).collect()
    }

    /// Sends a frame.
    pub fn send(&mut self, frame: &Frame) {
        let bytes = self.encode(frame);
        self.write(bytes);
    }

    /// Sends a text message.
    pub fn text(&mut self, text: &str) {
        self.send(&Frame::new(frame::TEXT, text));
    }

    /// Sends a header that announces `len` bytes, and none of them.
    pub fn announce(&mut self, fin: bool, opcode: u8, len: u64) {
        let mask = self.mask();
        self.write(frame::header(fin, 0, opcode, len, mask));
    }

    /// Sends a text message, and expects it back.
    pub fn echo(&mut self, text: &str) {
        self.text(text);
        self.expect(&Frame::new(frame::TEXT, text));
    }

    /// Reads; false at the end.
    pub fn fill(&mut self) -> bool {
        match self.try_fill() {
            Ok(more) => more,
            Err(error) => panic!("no end, and nothing comes: {error}; {:?} is there", lossy(self.buffer.as_slice())),
        }
    }

    /// Reads; false at the end.
    ///
    /// # Errors
    /// As `read(2)`.
    pub fn try_fill(&mut self) -> io::Result<bool> {
        let mut chunk = [0; 64 << 10];
        let n = loop {
            match self.stream.read(&mut chunk) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result?,
            }
        };
        match &mut self.decoder {
            None => self.buffer.end().extend_from_slice(&chunk[..n]),
            Some(decoder) => decoder.receive(&chunk[..n], self.buffer.end())?,
        }
        Ok(n > 0)
    }

    /// The next bytes, so many.
    pub fn take(&mut self, len: usize) -> Vec<u8> {
        while self.buffer.as_slice().len() < len {
            assert!(self.fill(), "the end behind {:?}", lossy(self.buffer.as_slice()));
        }
        self.buffer.take(len)
    }

    /// Whether a whole head has come.
    pub fn has_head(&self) -> bool {
        self.head_len().is_some()
    }

    /// The next head; what is behind it waits.
    pub fn head(&mut self) -> Head {
        loop {
            if let Some(len) = self.head_len() {
                let head = self.buffer.take(len);
                return Head::parse(str::from_utf8(&head[..len - 4]).expect("ASCII"));
            }
            assert!(self.fill(), "the end inside a head: {:?}", lossy(self.buffer.as_slice()));
        }
    }

    fn head_len(&self) -> Option<usize> {
        self.buffer.as_slice().windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4)
    }

    /// The next response, with its body.
    pub fn response(&mut self) -> (Head, String) {
        let head = self.head();
        let len = if head.status() == 101 { 0 } else { head.only("Content-Length").parse().expect("a number") };
        while self.buffer.as_slice().len() < len {
            assert!(self.fill(), "the end inside a body");
        }
        let body = self.buffer.take(len);
        (head, String::from_utf8(body).expect("a body in UTF-8"))
    }

    /// Does all opening handshakes, whichever side this is. The head that came.
    pub fn open(&mut self) -> Head {
        self.greet();
        self.shake_hands()
    }

    /// Does the opening handshake of the RFC.
    pub fn shake_hands(&mut self) -> Head {
        match self.role {
            Role::Client => {
                self.write(http::request("/", ""));
                let (head, _) = self.response();
                assert_eq!(head.status(), 101, "{head:?}");
                head
            }
            Role::Server => {
                let head = self.head();
                self.write(http::switching(head.only("Sec-WebSocket-Key"), ""));
                head
            }
        }
    }

    /// The next frame, or `None` at the end; it must be one that the endpoint may send.
    pub fn next_frame(&mut self) -> Option<Frame> {
        loop {
            if let Some((mut frame, mask, len)) = Frame::parse(self.buffer.as_slice()) {
                self.buffer.skip(len);
                // RFC 6455 5.1: a client masks, a server does not.
                assert_eq!(mask.is_some(), self.role == Role::Server, "wrongly masked: {frame:?}");
                if let (Some(naive), RSV1, TEXT | BINARY) = (&mut self.deflate, frame.rsv, frame.opcode) {
                    frame.payload = naive.message(&frame.payload).expect("RFC 7692 7.2.1");
                    frame.rsv = 0;
                    self.compressed += 1;
                }
                assert_eq!(frame.rsv, 0, "a reserved bit is set");
                assert!(!frame.is_control() || (frame.fin && frame.payload.len() <= 125), "{frame:?}");
                self.seen_masks.extend(mask);
                return Some(frame);
            }
            if !self.fill() {
                assert!(
                    self.buffer.as_slice().is_empty(),
                    "the end inside a frame: {:?}",
                    lossy(self.buffer.as_slice())
                );
                return None;
            }
        }
    }

    /// The next frame.
    pub fn frame(&mut self) -> Frame {
        self.next_frame().expect("a frame, not the end")
    }

    /// Expects this frame.
    pub fn expect(&mut self, expected: &Frame) {
        let frame = self.frame();
        if frame != *expected {
            let brief = |frame: &Frame| {
                let start = lossy(&frame.payload[..frame.payload.len().min(200)]);
                format!("fin {}, opcode {:x}, {} bytes: {start:?}", frame.fin, frame.opcode, frame.payload.len())
            };
            panic!("expected {}\n     got {}", brief(expected), brief(&frame));
        }
    }

    /// Expects a close frame; its code and reason.
    pub fn close_frame(&mut self) -> (Option<u16>, String) {
        let frame = self.frame();
        assert_eq!(frame.opcode, CLOSE, "no close frame: {frame:?}");
        let code = frame.payload.first_chunk().map(|code| u16::from_be_bytes(*code));
        let reason = frame.payload.get(2..).unwrap_or_default();
        (code, String::from_utf8(reason.to_vec()).expect("RFC 6455 5.5.1: a reason in UTF-8"))
    }

    /// Expects that the endpoint fails the connection (RFC 6455 7.1.7): a close frame with this code, and the end.
    pub fn expect_failure(&mut self, code: u16) {
        assert_eq!(self.close_frame().0, Some(code));
        self.expect_end();
    }

    /// Expects the end, and nothing before it.
    pub fn expect_end(&mut self) {
        assert!(self.buffer.as_slice().is_empty(), "not the end: {:?}", lossy(self.buffer.as_slice()));
        while self.fill() {
            assert!(self.buffer.as_slice().is_empty(), "not the end: {:?}", lossy(self.buffer.as_slice()));
        }
        if let Some(decoder) = &self.decoder {
            assert!(decoder.is_over || !decoder.is_open, "the transport was not closed");
        }
    }

    /// Expects the end of a connection that the endpoint gives up, by whatever means; what came before it is dropped.
    pub fn expect_loss(&mut self) {
        loop {
            match self.try_fill() {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) if is_lost(&error) => return,
                Err(error) => panic!("the endpoint does not give up: {error}"),
            }
        }
    }

    /// Expects that the endpoint drops its socket, and does not only half-close it: what is written then is refused.
    pub fn expect_refusal(&mut self) {
        self.expect_loss();
        self.stream.set_read_timeout(Some(Duration::from_millis(10))).expect("a read timeout");
        let end = std::time::Instant::now() + WATCHDOG;
        while self.stream.write(b"\0").is_ok_and(|n| n > 0) {
            // The answer to that byte may come; reading is a wait for it that ends when it does.
            match self.stream.read(&mut [0]) {
                Err(error) if is_lost(&error) => return,
                _ => assert!(std::time::Instant::now() < end, "the endpoint does not drop its socket"),
            }
            std::thread::yield_now();
        }
    }

    /// Does its part of the closing handshake's end, when both close frames have passed (RFC 6455 7.1.1): a server ends
    /// the transport at once, a client waits for that.
    pub fn part(&mut self) {
        match self.role {
            Role::Client => {
                self.expect_end();
                self.shutdown();
            }
            Role::Server => {
                self.shutdown();
                self.expect_end();
            }
        }
    }

    /// Does the closing handshake.
    pub fn close(&mut self) {
        self.send(&Frame::close(1000, ""));
        assert_eq!(self.close_frame(), (Some(1000), String::new()));
        self.part();
    }

    /// Half-closes.
    pub fn shutdown(&mut self) {
        if self.decoder.as_ref().is_some_and(|decoder| decoder.is_open) {
            let mut wire = Vec::new();
            record::over(&mut wire);
            // The endpoint may be gone, which is no concern of whoever goes as well.
            let _ = self.stream.write_all(&wire);
        }
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Ends the connection with RST.
    pub fn reset(self) {
        SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)).expect("SO_LINGER");
    }
}

/// Whether the error says that the connection is gone.
pub fn is_lost(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset)
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(400)]).into_owned()
}
