//! What inflates to much leaves others their turn.
#![cfg(feature = "deflate")]

mod common;

use common::{config, drain, echo};
use std::{
    io::{self, IoSlice},
    sync::Arc,
};
use timtow_core::{
    Access, Buffers, Config, Connection, Deflate, DeflateParameters, Endpoint, Input, Output, Role, app::Options, turn,
};

/// Takes everything.
struct Sink;

impl Output for Sink {
    fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        Ok(slices.iter().map(|slice| slice.len()).sum())
    }

    fn shutdown(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn others_have_their_turn_while_one_inflates() {
    const MESSAGES: usize = 20;
    let config = Arc::new(Config { deflate: Some(Deflate::default()), ..config() });
    let agreed = DeflateParameters { client_no_context_takeover: true, ..DeflateParameters::default() };
    let options = Options { config: config.clone(), ..Options::default() };
    let ws = Connection::upgraded_with_deflate(Role::Server, config.clone(), agreed);
    let (mut endpoint, mut buffers) = (Endpoint::new(ws, &options), Buffers::default());
    let mut client = Connection::upgraded_with_deflate(Role::Client, config, agreed);
    client.send(vec![0; 1 << 20]).unwrap();
    let input = drain(&mut client).repeat(MESSAGES);
    buffers.input()[..input.len()].copy_from_slice(&input);
    let (mut input, mut heard, mut turns) = (Input::Read(input.len()), 0, 0);
    loop {
        let before = heard;
        turn(&mut Access::Direct(&mut endpoint), &mut buffers, input, &mut Sink, |access, event| {
            heard += 1;
            access.with(|endpoint| echo(&mut endpoint.connection, event));
        });
        assert!(heard - before <= 2, "{} messages of 1 MiB in one turn", heard - before);
        turns += 1;
        if !endpoint.wants_turn() {
            break;
        }
        assert!(!endpoint.wants_read());
        input = Input::Nothing;
    }
    assert_eq!(heard, MESSAGES, "in {turns} turns");
    assert!(endpoint.wants_read());
}
