//! Messages that pass piece by piece: the endpoint sends each piece back as it comes, before it has the whole.

use crate::{
    Cancel, Host, Loop, Task, WATCHDOG, Way, WebSocket,
    backpressure::Writer,
    frame::{BINARY, CONTINUATION, Frame, PING, PONG, TEXT, header},
    host::shrink,
    script::Script,
};
use socket2::SockRef;
use std::{
    io::Write,
    net::SocketAddr,
    sync::{Arc, Mutex, mpsc},
};
use timtow_core::{
    Cause, Closed, Config, Error, Fragment, Kind, Message, OwnedFragment, OwnedMessage, Rejection, Request, Response,
    Violation,
    app::{App, Context, Handler, Options, Sender},
};

fn config() -> Config {
    Config { fragments: true, max_message: 1 << 30, max_frame: 1 << 30, ..Config::default() }
}

/// What is one frame comes back as one frame, and what waited for its end behind it.
pub fn one_frame_comes_back_as_one<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, config());
    let mut peer = host.open();
    for len in [0, 1, 125, 126, 5_000, 65_536, 300_000] {
        let frames = [Frame::new(BINARY, vec![b'x'; len]), Frame::new(PING, "?"), Frame::new(TEXT, "behind")];
        let bytes = peer.encode_all(&frames);
        // Whole, and in two pieces, the first of which may come back before the second is sent.
        for cut in [0, bytes.len() / 3] {
            peer.write(&bytes[..cut]);
            peer.write(&bytes[cut..]);
            peer.expect(&frames[0]);
            peer.expect(&Frame::new(PONG, "?"));
            peer.expect(&frames[2]);
        }
    }
    peer.close();
    host.end().expect_clean(1000, "");
}

/// RFC 6455 5.4: fragments come back before the message is complete, and control frames between them are answered at once.
pub fn fragments_come_back_at_once<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, config());
    let mut peer = host.open();
    for opcode in [TEXT, BINARY] {
        let mut next = opcode;
        for piece in ["There ", "is more than ", "one way"] {
            let frame = Frame::fragment(next, piece, piece == "one way");
            peer.send(&frame);
            peer.expect(&frame);
            peer.send(&Frame::new(PING, piece));
            peer.expect(&Frame::new(PONG, piece));
            next = CONTINUATION;
        }
    }
    peer.close();
    host.end().expect_clean(1000, "");
}

/// RFC 6455 5.6: "Note that a particular text frame might include a partial UTF-8 sequence; however, the whole message MUST
/// contain valid UTF-8."
pub fn characters_may_be_cut<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, config());
    let mut peer = host.open();
    let text = "κόσμε€😀".as_bytes();
    for len in 1..=text.len() {
        let chunks: Vec<&[u8]> = text.chunks(len).collect();
        for (at, chunk) in chunks.iter().enumerate() {
            let opcode = if at == 0 { TEXT } else { CONTINUATION };
            let frame = Frame::fragment(opcode, chunk, at + 1 == chunks.len());
            peer.send(&frame);
            peer.expect(&frame);
        }
        let bytes = peer.encode(&Frame::new(TEXT, text));
        peer.write_slowly(bytes);
        peer.expect(&Frame::new(TEXT, text));
    }
    peer.close();
    host.end().expect_clean(1000, "");
}

/// RFC 6455 8.1: the first byte that makes the text invalid ends it, though the bytes before it are with the application.
pub fn text_that_turns_out_not_to_be<L: Loop>(way: Way) {
    for bad in [&b"\xff"[..], b"\xce"] {
        let host = Host::<L>::new(way, config());
        let mut peer = host.open();
        peer.send(&Frame::fragment(TEXT, "good", false));
        peer.expect(&Frame::fragment(TEXT, "good", false));
        peer.send(&Frame::fragment(CONTINUATION, bad, true));
        peer.expect_failure(1007);
        drop(peer);
        host.end().expect_cause(&Cause::Violation(Violation::TextNotUtf8));
    }
}

/// Inside of a frame there is no place for a close frame (RFC 6455 5.4): the end of the transport says it.
pub fn an_end_inside_a_frame<L: Loop>(way: Way) {
    let host = Host::<L>::new(way, config());
    let mut peer = host.open();
    let mask = peer.mask();
    let bytes = Frame::new(TEXT, [&vec![b'x'; 70_000][..], b"\xff", &[b'x'; 100]].concat()).encode(mask);
    peer.write(&bytes[..bytes.len() - 101]);
    peer.write(&bytes[bytes.len() - 101..]);
    peer.shutdown();
    peer.expect_loss();
    host.end().expect_cause(&Cause::Violation(Violation::TextNotUtf8));
}

/// Messages that are larger than what the endpoint may keep, to a peer that reads slowly: one frame, and many.
pub fn megabytes<L: Loop>(way: Way) {
    const LEN: usize = 1 << 20;
    let host = Host::<L>::with_small_buffers(way, Config { ping_interval: None, ..config() });
    for frames in [1, 128] {
        let mut peer = host.open_small();
        let (len, mut writer) = (LEN / frames, peer.writer());
        let wire: Vec<Vec<u8>> = (0..frames)
            .map(|at| {
                let opcode = if at == 0 { BINARY } else { CONTINUATION };
                let bytes = peer.encode(&Frame::fragment(opcode, vec![at as u8; len], at + 1 == frames));
                peer.sealed(&bytes)
            })
            .collect();
        let writing = Task::spawn(move || wire.iter().for_each(|wire| writer.write_all(wire).expect("it reads")));
        let (mut heard, mut pieces) = (Vec::new(), 0);
        loop {
            let frame = peer.frame();
            assert_eq!(frame.opcode, if pieces == 0 { BINARY } else { CONTINUATION });
            heard.extend_from_slice(&frame.payload);
            pieces += 1;
            if frame.fin {
                break;
            }
        }
        writing.join();
        assert_eq!(pieces == 1, frames == 1);
        assert!(heard.chunks(len).enumerate().all(|(at, chunk)| chunk.iter().all(|byte| *byte == at as u8)));
        assert_eq!(heard.len(), len * frames);
        peer.close();
        host.end().expect_clean(1000, "");
    }
}

/// The last was sent, which the peer may have answered with its close frame already.
pub(crate) fn said(sent: Result<(), Error>) {
    match sent {
        Ok(()) | Err(Error::Closed(_)) => {}
        Err(error) => panic!("{error:?}"),
    }
}

/// Pieces and messages are two views of one thing, whatever comes.
pub fn whoever_asks_gets_pieces_or_messages<L: Loop>(way: Way) {
    for fragments in [false, true] {
        let host = Host::<L>::idle_with(way, Config { fragments, ..config() });
        let mut peer = host.use_socket(move |mut socket| {
            let piece = |text: &'static str, fin| OwnedFragment::text(text, fin);
            for _ in 0..2 {
                assert_eq!(socket.recv().expect("a message"), Some("Hello".into()));
                assert_eq!(socket.recv().expect("a message"), Some(OwnedMessage::from(vec![0xff])));
            }
            let mut pieces = vec![socket.recv_fragment().expect("a piece").expect("no end")];
            while !pieces[pieces.len() - 1].fin {
                pieces.push(socket.recv_fragment().expect("a piece").expect("no end"));
            }
            let whole = [piece("Hello", true).announcing(5)];
            let parts = [piece("He", false), piece("llo", true)];
            assert_eq!(pieces, if fragments { &parts[..] } else { &whole });
            let last = socket.recv_fragment().expect("a piece").expect("no end");
            assert_eq!(last, whole[0]);
            // One frame, one of two, and another announced one.
            socket.send_fragment(piece("al", false).announcing(6)).expect("it is open");
            socket.send_fragment(piece("l at", true)).expect("it is open");
            socket.send_fragment(OwnedFragment::binary(&b"all"[..], false)).expect("it is open");
            said(socket.send_fragment(OwnedFragment::binary(&b""[..], true)));
            assert_eq!(socket.recv_fragment().expect("a clean end"), None);
        });
        peer.open();
        let fragmented = [Frame::fragment(TEXT, "He", false), Frame::fragment(CONTINUATION, "llo", true)];
        let bytes = peer.encode(&Frame::new(BINARY, [0xff]));
        for hello in [&[Frame::new(TEXT, "Hello")][..], &fragmented] {
            let hello = peer.encode_all(hello);
            peer.write([&hello[..], &bytes].concat());
        }
        let bytes = peer.encode_all(&[&fragmented[..], &[Frame::new(TEXT, "Hello")]].concat());
        peer.write(bytes);
        peer.expect(&Frame::new(TEXT, "all at"));
        peer.expect(&Frame::fragment(BINARY, "all", false));
        peer.expect(&Frame::fragment(CONTINUATION, "", true));
        peer.close();
        host.join();
    }
}

/// Pieces that nobody asks for hold their sender back, also where the endpoint reads because it waits to write.
pub fn pieces_wait_to_be_asked_for<L: Loop>(way: Way) {
    // More than the buffers of two sockets, one of which is small.
    const LEN: usize = 24 << 20;
    const OWN: usize = 12 << 20;
    const PIECE: usize = 1 << 20;
    let host = Host::<L>::idle_with(way, Config { ping_interval: None, ..config() });
    let mut peer = host.use_socket(|mut socket| {
        let first = socket.recv_fragment().expect("a piece").expect("no end");
        assert_eq!((first.kind, first.message_len), (Kind::Binary, Some(LEN)));
        // It waits for the peer, which writes and does not read.
        socket.send(vec![0; OWN].into()).expect("a peer that reads at last");
        let (mut heard, mut fin) = (first.payload.len(), first.fin);
        while !fin {
            let piece = socket.recv_fragment().expect("a piece").expect("no end");
            assert!(piece.payload == vec![7; piece.payload.len()]);
            heard += piece.payload.len();
            fin = piece.fin;
        }
        assert_eq!(heard, LEN);
        said(socket.send("heard".into()));
        assert_eq!(socket.recv_fragment().expect("a clean end"), None);
    });
    shrink(&SockRef::from(peer.stream()));
    peer.open();
    let mask = peer.mask();
    let start = peer.sealed(&header(true, 0, BINARY, LEN as u64, mask));
    let piece: Vec<u8> = mask.unwrap_or_default().map(|mask| mask ^ 7).repeat(PIECE / 4);
    let (wire, writer) = (peer.sealed(&piece), peer.writer());
    let (stalled, stalls) = mpsc::channel();
    let writing = Task::spawn(move || {
        let mut writer = Writer::new(writer, stalled);
        writer.write(&start);
        (0..LEN / PIECE).for_each(|_| writer.write(&wire));
    });
    stalls.recv_timeout(WATCHDOG).expect("the endpoint stops reading");
    peer.expect(&Frame::new(BINARY, vec![0; OWN]));
    peer.expect(&Frame::new(TEXT, "heard"));
    writing.join();
    peer.close();
    host.join();
}

/// What another thread sends waits while the handler is inside of a message.
pub fn a_sender_does_not_break_into_a_message<L: Loop>(_: Way) {
    let (mut script, _told) = Script::new();
    let (give, senders) = mpsc::channel();
    script.open = Arc::new(move |context| give.send(context.sender()).expect("the test waits"));
    script.message = Arc::new(|context, message| {
        let last = message.as_bytes() == b"last";
        context.send_fragment(Fragment::binary(message.as_bytes(), last)).expect("it is open");
    });
    let host = script.serve::<L>();
    let mut peer = host.open();
    let sender: Sender = senders.recv_timeout(WATCHDOG).expect("a sender");
    peer.text("first");
    peer.expect(&Frame::fragment(BINARY, "first", false));
    sender.try_send("from elsewhere").expect("room");
    peer.send(&Frame::new(PING, "?"));
    peer.expect(&Frame::new(PONG, "?"));
    peer.text("last");
    peer.expect(&Frame::fragment(CONTINUATION, "last", true));
    peer.expect(&Frame::new(TEXT, "from elsewhere"));
    peer.close();
}

/// The application sees when a message begins, of what kind it is, and how long one of one frame will be.
pub fn an_application_sees_pieces<L: Loop>(_: Way) {
    struct Pieces(Arc<Mutex<mpsc::Sender<OwnedFragment>>>);
    impl App for Pieces {
        type Handler = Pieces;

        fn request(&self, _: &Request, _: Option<SocketAddr>) -> Result<(Pieces, Response), Rejection> {
            Ok((Pieces(self.0.clone()), Response::default()))
        }
    }
    impl Handler for Pieces {
        fn message(&mut self, _: &mut Context<'_>, _: Message<'_>) {
            panic!("a whole message");
        }

        fn fragment(&mut self, _: &mut Context<'_>, fragment: Fragment<'_>) {
            let _ = self.0.lock().expect("no panic").send(fragment.into());
        }

        fn close(&mut self, _: &Closed) {}
    }
    let (told, tells) = mpsc::channel();
    let options = Options { config: config().into(), ..Options::default() };
    let host = Host::<L>::serve(options, Pieces(Arc::new(Mutex::new(told))));
    let mut peer = host.open();
    let next = || tells.recv_timeout(WATCHDOG).expect("a piece");
    let bytes = peer.encode(&Frame::new(TEXT, "Hello"));
    peer.write(&bytes[..bytes.len() - 2]);
    assert_eq!(next(), OwnedFragment::text("Hel", false).announcing(5));
    peer.write(&bytes[bytes.len() - 2..]);
    assert_eq!(next(), OwnedFragment::text("lo", true));
    peer.send(&Frame::fragment(BINARY, "one", false));
    assert_eq!(next(), OwnedFragment::binary(&b"one"[..], false));
    peer.send(&Frame::fragment(CONTINUATION, "", true));
    assert_eq!(next(), OwnedFragment::binary(&b""[..], true));
    peer.send(&Frame::new(BINARY, ""));
    assert_eq!(next(), OwnedFragment::binary(&b""[..], true).announcing(0));
    peer.close();
}

/// A `recv_fragment` that is dropped whenever it has to wait loses no byte, wherever the bytes are cut.
pub fn a_dropped_recv_fragment<L: Loop<WebSocket: Cancel>>(way: Way) {
    let host = Host::<L>::idle_with(way, config());
    let (done, is_done) = mpsc::channel();
    let mut peer = host.use_socket(move |mut socket| {
        let (mut messages, mut begun) = (Vec::new(), Vec::new());
        while let Some(piece) = socket.recv_fragment_with_cancels().expect("a clean end") {
            begun.extend_from_slice(&piece.payload);
            if piece.fin {
                messages.push(String::from_utf8(std::mem::take(&mut begun)).expect("text"));
            }
        }
        done.send(messages).expect("the test waits");
    });
    peer.open();
    let mut expected = Vec::new();
    for number in 0..30_usize {
        let text = format!("{number}").repeat(number);
        let frames = [
            Frame::fragment(TEXT, &text[..number / 2], false),
            Frame::new(PING, number.to_be_bytes()),
            Frame::fragment(CONTINUATION, &text[number / 2..], true),
            Frame::new(TEXT, &text),
        ];
        let bytes = peer.encode_all(&frames);
        peer.write_slowly(bytes);
        peer.expect(&Frame::new(PONG, number.to_be_bytes()));
        expected.extend([text.clone(), text]);
    }
    peer.close();
    assert_eq!(is_done.recv_timeout(WATCHDOG).expect("the messages"), expected);
    host.join();
}
