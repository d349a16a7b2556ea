//! The halves of `blocking`: two threads, and the one that writes.

mod common;

use common::{
    Closes, OURS, PINGS, Received, Sent, client, judge, judge_pings, opened, options,
    peer::{Peer, Say},
    ping,
    pipe::End,
    prepared, sayings, text, try_schedules,
};
use shuttle::thread;
use timtow_core::{
    Role,
    blocking::{RecvHalf, SendHalf, WebSocket},
};

fn open(role: Role) -> (WebSocket<End>, End) {
    let (socket, theirs) = match role {
        Role::Server => {
            let (ours, theirs) = prepared(role, None);
            (WebSocket::accept(ours, &options()).unwrap(), theirs)
        }
        Role::Client => {
            let mut connection = client();
            let (ours, theirs) = prepared(role, Some(&mut connection));
            (WebSocket::connect(ours, connection, &options()).unwrap().0, theirs)
        }
    };
    opened(&theirs);
    (socket, theirs)
}

/// Receives until the end, or so many messages.
fn receive(mut half: RecvHalf<End>, at_most: usize) -> Received {
    let mut messages = Vec::new();
    while messages.len() < at_most {
        match half.recv() {
            Ok(Some(message)) => messages.push(message.as_text().unwrap().to_owned()),
            end => return Received { messages, end: Some((end.map(drop), half.closed())) },
        }
    }
    Received { messages, end: None }
}

fn send(mut half: SendHalf<End>, closes: Closes) -> Sent {
    let mut sent = Sent::default();
    for number in 0..OURS {
        sent.tried += 1;
        if half.send(text(number)).and_then(|()| half.ping(&ping(number))).is_err() {
            assert!(closes.peer_does());
            break;
        }
        sent.succeeded += 1;
    }
    if closes.we_do() {
        half.close(4321, "").unwrap();
    }
    sent
}

/// Both halves are busy until the connection has ended.
fn busy(role: Role, closes: Closes) {
    try_schedules(move || {
        let (socket, theirs) = open(role);
        let peer = Peer::new(role, theirs, sayings(closes));
        let (receiver, sender) = socket.split();
        let receiving = thread::spawn(move || receive(receiver, usize::MAX));
        let sent = send(sender, closes);
        let received = receiving.join().unwrap();
        judge(closes, &sent, &received, &peer.minutes());
    });
}

#[test]
fn the_peer_closes_a_server() {
    busy(Role::Server, Closes::Peer);
}

#[test]
fn the_peer_closes_a_client() {
    busy(Role::Client, Closes::Peer);
}

#[test]
fn a_server_closes() {
    busy(Role::Server, Closes::We);
}

#[test]
fn a_client_closes() {
    busy(Role::Client, Closes::We);
}

#[test]
fn both_close_a_server() {
    busy(Role::Server, Closes::Both);
}

#[test]
fn both_close_a_client() {
    busy(Role::Client, Closes::Both);
}

/// The receiving half goes first; what was sent arrives, with or without a close frame.
fn without_receiver(closes: Closes) {
    try_schedules(move || {
        let (socket, theirs) = open(Role::Server);
        let peer = Peer::new(Role::Server, theirs, sayings(Closes::Nobody));
        let (receiver, sender) = socket.split();
        let receiving = thread::spawn(move || receive(receiver, 1));
        let sent = send(sender, closes);
        let received = receiving.join().unwrap();
        assert_eq!(sent.succeeded, OURS);
        judge(closes, &sent, &received, &peer.minutes());
    });
}

#[test]
fn the_receiving_half_goes_first() {
    without_receiver(Closes::Nobody);
}

#[test]
fn the_receiving_half_goes_first_and_the_other_closes() {
    without_receiver(Closes::We);
}

#[test]
fn the_sending_half_goes_first() {
    try_schedules(|| {
        let (socket, theirs) = open(Role::Server);
        let peer = Peer::new(Role::Server, theirs, sayings(Closes::Peer));
        let (receiver, mut sender) = socket.split();
        let sending =
            thread::spawn(move || sender.send(text(0)).and_then(|()| sender.ping(&ping(0))).map_or(0, |()| 1));
        let received = receive(receiver, usize::MAX);
        let sent = Sent { tried: 1, succeeded: sending.join().unwrap() };
        judge(Closes::Peer, &sent, &received, &peer.minutes());
    });
}

/// The end lies behind a message. Whoever waits for room learns of it when the other half has come so far.
#[test]
fn the_end_behind_a_message() {
    try_schedules(|| {
        let (socket, theirs) = open(Role::Server);
        let deaf = Peer::deaf(Role::Server, theirs, &[Say::Text(0), Say::Close(4000)]);
        let (receiver, mut sender) = socket.split();
        let receiving = thread::spawn(move || receive(receiver, usize::MAX));
        let mut sent = Sent { tried: 1, succeeded: 0 };
        while sender.send(text(sent.succeeded)).and_then(|()| sender.ping(&ping(sent.succeeded))).is_ok() {
            sent = Sent { tried: sent.tried + 1, succeeded: sent.tried };
        }
        drop(sender);
        let peer = deaf.speak(Vec::new());
        let received = receiving.join().unwrap();
        judge(Closes::Peer, &sent, &received, &peer.minutes());
    });
}

/// Who pings all the time waits for the peer, and fills no memory.
#[test]
fn pings_wait_for_room() {
    try_schedules(|| {
        let (socket, theirs) = open(Role::Server);
        let peer = Peer::new(Role::Server, theirs, Vec::new());
        let (receiver, mut sender) = socket.split();
        let sent: Vec<usize> = (0..PINGS).collect();
        sent.iter().for_each(|number| sender.ping(&ping(*number)).unwrap());
        sender.close(4321, "").unwrap();
        drop((receiver, sender));
        judge_pings(&sent, &peer.minutes());
    });
}
