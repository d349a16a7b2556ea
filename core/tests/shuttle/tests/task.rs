//! The halves of `task`: two tasks, whose socket knows one waker for each direction.

mod common;

use common::{
    Closes, OURS, PINGS, Received, Sent, client, judge, judge_pings, opened, options,
    peer::{Peer, Say},
    ping,
    pipe::End,
    prepared, sayings, text, try_schedules,
};
use shuttle::future::{block_on, spawn};
use std::{future::poll_fn, pin::pin, task::Poll};
use timtow_core::{
    Role,
    task::{RecvHalf, SendHalf, WebSocket},
};

fn open(role: Role) -> (WebSocket<End>, End) {
    let (socket, theirs) = match role {
        Role::Server => {
            let (ours, theirs) = prepared(role, None);
            (block_on(WebSocket::accept(ours, &options())).unwrap(), theirs)
        }
        Role::Client => {
            let mut connection = client();
            let (ours, theirs) = prepared(role, Some(&mut connection));
            (block_on(WebSocket::connect(ours, connection, &options())).unwrap().0, theirs)
        }
    };
    opened(&theirs);
    (socket, theirs)
}

/// Receives until the end, or so many messages.
async fn receive(mut half: RecvHalf<End>, at_most: usize) -> Received {
    let mut messages = Vec::new();
    while messages.len() < at_most {
        match half.recv().await {
            Ok(Some(message)) => messages.push(message.as_text().unwrap().to_owned()),
            end => return Received { messages, end: Some((end.map(drop), half.closed())) },
        }
    }
    Received { messages, end: None }
}

async fn send(mut half: SendHalf<End>, closes: Closes) -> Sent {
    let mut sent = Sent::default();
    for number in 0..OURS {
        sent.tried += 1;
        // With and without waiting until it is written.
        let result = if number % 2 == 0 { half.send(text(number)).await } else { half.feed(text(number)).await };
        if result.is_err() || half.ping(&ping(number)).await.is_err() {
            assert!(closes.peer_does());
            return sent;
        }
        sent.succeeded += 1;
    }
    // The last ping has been written, and everything before it.
    if closes.we_do() {
        half.close(4321, "").await.unwrap();
    }
    sent
}

/// Both halves are busy until the connection has ended.
fn busy(role: Role, closes: Closes) {
    try_schedules(move || {
        let (socket, theirs) = open(role);
        let peer = Peer::new(role, theirs, sayings(closes));
        let (receiver, sender) = socket.split();
        let receiving = spawn(receive(receiver, usize::MAX));
        let sent = block_on(send(sender, closes));
        let received = block_on(receiving).unwrap();
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
        let receiving = spawn(receive(receiver, 1));
        let sent = block_on(send(sender, closes));
        let received = block_on(receiving).unwrap();
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
        let sending = spawn(async move {
            let sent = sender.send(text(0)).await.is_ok() && sender.ping(&ping(0)).await.is_ok();
            usize::from(sent)
        });
        let received = block_on(receive(receiver, usize::MAX));
        let sent = Sent { tried: 1, succeeded: block_on(sending).unwrap() };
        judge(Closes::Peer, &sent, &received, &peer.minutes());
    });
}

/// A `recv` is dropped after one poll, again and again, while the other half sends; nobody polls on its behalf then.
#[test]
fn a_receiving_half_that_is_not_polled() {
    try_schedules(|| {
        let (socket, theirs) = open(Role::Server);
        let peer = Peer::new(Role::Server, theirs, sayings(Closes::Peer));
        let (mut receiver, sender) = socket.split();
        let looking = spawn(async move {
            let mut messages = Vec::new();
            for _ in 0..3 {
                let once = {
                    let mut recv = pin!(receiver.recv());
                    poll_fn(|context| Poll::Ready(recv.as_mut().poll(context))).await
                };
                match once {
                    Poll::Ready(Ok(Some(message))) => messages.push(message.as_text().unwrap().to_owned()),
                    Poll::Ready(end) => return Received { messages, end: Some((end.map(drop), receiver.closed())) },
                    Poll::Pending => {}
                }
                shuttle::future::yield_now().await;
            }
            let mut rest = receive(receiver, usize::MAX).await;
            messages.append(&mut rest.messages);
            Received { messages, ..rest }
        });
        let sent = block_on(send(sender, Closes::Peer));
        let received = block_on(looking).unwrap();
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
        let receiving = spawn(receive(receiver, usize::MAX));
        let mut sent = Sent { tried: 1, succeeded: 0 };
        while block_on(sender.feed(text(sent.succeeded))).is_ok()
            && block_on(sender.ping(&ping(sent.succeeded))).is_ok()
        {
            sent = Sent { tried: sent.tried + 1, succeeded: sent.tried };
        }
        drop(sender);
        let peer = deaf.speak(Vec::new());
        let received = block_on(receiving).unwrap();
        judge(Closes::Peer, &sent, &received, &peer.minutes());
    });
}

/// A `ping` that is dropped has been queued whole, or not at all; who goes on without waiting fills no memory.
#[test]
fn pings_wait_for_room() {
    try_schedules(|| {
        let (socket, theirs) = open(Role::Server);
        let peer = Peer::new(Role::Server, theirs, Vec::new());
        let (receiver, mut sender) = socket.split();
        let mut sent = Vec::new();
        for number in 0..PINGS {
            let payload = ping(number);
            let mut pinging = pin!(sender.ping(&payload));
            if let Poll::Ready(result) = block_on(poll_fn(|context| Poll::Ready(pinging.as_mut().poll(context)))) {
                result.unwrap();
                sent.push(number);
            }
        }
        block_on(sender.close(4321, "")).unwrap();
        drop((receiver, sender));
        judge_pings(&sent, &peer.minutes());
    });
}
