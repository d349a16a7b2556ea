//! How often a reader moves the time-out of its socket; and that it goes on reading while much waits to be written.

use super::{Socket, reader::Reader};
use crate::{Connection, Endpoint, Role, app::Options};
use std::{
    io::{self, IoSlice},
    net::Shutdown,
    sync::Mutex,
    time::Duration,
};

/// Remembers what its time-outs were.
#[derive(Debug, Default)]
struct Fake(Mutex<Vec<Option<Duration>>>);

impl Socket for Fake {
    fn read(&self, _: &mut [u8]) -> io::Result<usize> {
        Ok(0)
    }

    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.0.lock().unwrap().push(timeout);
        Ok(())
    }

    fn write(&self, _: &[IoSlice<'_>]) -> io::Result<usize> {
        Ok(0)
    }

    fn shutdown(&self, _: Shutdown) -> io::Result<()> {
        Ok(())
    }
}

fn reader() -> Reader<Fake> {
    Reader::new(Fake::default(), Endpoint::server(&Options::default()), None)
}

fn timeouts(reader: &Reader<Fake>) -> Vec<Option<Duration>> {
    std::mem::take(&mut reader.owner.0.socket.0.lock().unwrap())
}

const MS: Duration = Duration::from_millis(1);

#[test]
fn a_busy_reader_moves_its_timeout_a_few_times_and_is_never_late() {
    let mut reader = reader();
    reader.set_timeout(Duration::MAX, false);
    assert_eq!(timeouts(&reader), [], "there is none to begin with");
    let mut set = Vec::new();
    for left in (1..=20_000 * 8).rev().map(|n| n * MS / 8) {
        reader.set_timeout(left, false);
        set.extend(timeouts(&reader));
        assert!(set.last().unwrap().unwrap() <= left.max(MS));
    }
    assert_eq!(set.len(), 15, "{set:?}");
}

#[test]
fn an_idle_reader_waits_exactly() {
    let mut reader = reader();
    reader.set_timeout(20_000 * MS, false);
    reader.set_timeout(3616 * MS, true);
    reader.set_timeout(20_000 * MS, true);
    reader.set_timeout(MS / 2, true);
    reader.set_timeout(Duration::MAX, true);
    assert_eq!(timeouts(&reader), [Some(16_384 * MS), Some(3616 * MS), Some(20_000 * MS), Some(MS), None]);
}

#[test]
fn reading_goes_on_where_whoever_sends_waits_for_room() {
    let mut connection = Connection::upgraded(Role::Server, Options::default().config);
    connection.send(vec![0; 100_000]).unwrap();
    assert!(!connection.wants_read());
    connection.sender_waits = true;
    assert!(connection.wants_read());
}
