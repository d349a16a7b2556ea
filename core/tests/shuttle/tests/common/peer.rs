//! The other end: one thread that says what it has to say, and one that hears. Frames are made by hand.

use super::{pipe::End, text};
use shuttle::{
    sync::Mutex,
    thread::{self, JoinHandle},
};
use std::{io, sync::Arc};
use timtow_core::Role;

/// What the peer says.
#[derive(Clone, Copy, Debug)]
pub enum Say {
    Text(usize),
    Ping(usize),
    Close(u16),
}

/// What the peer hears.
#[derive(PartialEq, Debug)]
pub enum Heard {
    Text(String),
    Ping(usize),
    Pong(usize),
    Close(u16),
}

/// The other end.
pub struct Peer {
    end: Arc<End>,
    saying: JoinHandle<()>,
    hearing: JoinHandle<Vec<Heard>>,
    mouth: Arc<Mutex<Mouth>>,
}

/// What passed at the peer.
#[derive(Debug)]
pub struct Minutes {
    /// What was said: less than was to be said where the other side closed first, or was gone.
    pub said: Vec<Say>,
    pub heard: Vec<Heard>,
    /// The most bytes that the other side had to write at once.
    pub waited: usize,
}

impl Peer {
    /// The peer of who has `role`: says this, and hears meanwhile.
    pub fn new(role: Role, end: End, says: Vec<Say>) -> Self {
        Peer::mute(role, end).speak(says)
    }

    /// Says this now, and hears nothing until it is let to [`speak`](Mute::speak).
    pub fn deaf(role: Role, end: End, says: &[Say]) -> Mute {
        let mute = Peer::mute(role, end);
        says.iter().for_each(|say| mute.0.lock().expect("nobody else has it").say(*say).expect("there is room"));
        mute
    }

    fn mute(role: Role, end: End) -> Mute {
        Mute(Arc::new(Mutex::new(Mouth { end: Arc::new(end), role, said: Vec::new(), closed: false })))
    }

    /// What passed, when the connection is over and the other side has dropped its end.
    pub fn minutes(self) -> Minutes {
        let heard = self.hearing.join().expect("it hears frames");
        self.saying.join().expect("it does not panic");
        self.end.until_alone();
        let said = self.mouth.lock().expect("it does not panic").said.clone();
        Minutes { said, heard, waited: self.end.most_offered() }
    }
}

/// A peer that does not listen.
pub struct Mute(Arc<Mutex<Mouth>>);

impl Mute {
    /// Says this, and hears from now on.
    pub fn speak(self, says: Vec<Say>) -> Peer {
        let mouth = self.0;
        let (end, role) = {
            let mouth = mouth.lock().expect("nobody else has it");
            (mouth.end.clone(), mouth.role)
        };
        let saying = {
            let mouth = mouth.clone();
            thread::spawn(move || {
                for say in says {
                    if mouth.lock().expect("it does not panic").say(say).is_err() {
                        break;
                    }
                }
            })
        };
        let hearing = {
            let (end, mouth) = (end.clone(), mouth.clone());
            thread::spawn(move || hear(&end, role, &mouth))
        };
        Peer { end, saying, hearing, mouth }
    }
}

struct Mouth {
    end: Arc<End>,
    role: Role,
    said: Vec<Say>,
    /// The close frame is sent: nothing follows.
    closed: bool,
}

impl Mouth {
    fn say(&mut self, say: Say) -> io::Result<()> {
        if self.closed {
            return Ok(());
        }
        let (opcode, payload) = match say {
            Say::Text(number) => (0x81, text(number).into_bytes()),
            Say::Ping(number) => (0x89, vec![number as u8]),
            Say::Close(code) => (0x88, code.to_be_bytes().to_vec()),
        };
        self.closed = opcode == 0x88;
        // RFC 6455 5.3: a mask of zeros is one.
        let masked = if self.role == Role::Server { 0x80 } else { 0 };
        let mut frame = match payload.len() {
            len @ 0..126 => vec![opcode, masked | len as u8],
            len => vec![opcode, masked | 126, (len >> 8) as u8, len as u8],
        };
        if masked != 0 {
            frame.extend([0; 4]);
        }
        frame.extend(payload);
        self.end.write_all(&frame)?;
        self.said.push(say);
        Ok(())
    }
}

fn hear(end: &End, role: Role, mouth: &Mutex<Mouth>) -> Vec<Heard> {
    let (mut bytes, mut heard, mut chunk) = (Vec::new(), Vec::new(), [0; 256]);
    loop {
        match end.read(&mut chunk) {
            0 => break,
            n => bytes.extend(&chunk[..n]),
        }
        while let Some((frame, len)) = parse(&bytes, role) {
            bytes.drain(..len);
            if let Heard::Close(code) = frame {
                let mut mouth = mouth.lock().expect("it does not panic");
                let _ = mouth.say(Say::Close(code));
                if role == Role::Client {
                    // RFC 6455 7.1.1: the server ends the transport.
                    end.end();
                }
            }
            heard.push(frame);
        }
    }
    assert!(bytes.is_empty(), "the end inside a frame");
    end.end();
    heard
}

/// The first frame, and its length.
fn parse(bytes: &[u8], role: Role) -> Option<(Heard, usize)> {
    let [first, second, ..] = *bytes else { return None };
    assert_eq!(second & 0x80 != 0, role == Role::Client, "masked, or not");
    let (len, mut start) = match second & 0x7f {
        126 => (bytes.get(2..4).map(|len| usize::from(len[0]) << 8 | usize::from(len[1]))?, 4),
        len => (usize::from(len), 2),
    };
    let mut mask = [0; 4];
    if role == Role::Client {
        mask.copy_from_slice(bytes.get(start..start + 4)?);
        start += 4;
    }
    let payload = bytes.get(start..start + len)?.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask);
    let payload: Vec<u8> = payload.collect();
    let heard = match first {
        0x81 => Heard::Text(String::from_utf8(payload).expect("text")),
        0x89 => Heard::Ping(payload[0].into()),
        0x8a => Heard::Pong(payload[0].into()),
        0x88 => Heard::Close(payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code))),
        _ => panic!("no such frame: {first:x}"),
    };
    Some((heard, start + len))
}
