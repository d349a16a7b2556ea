//! Tests that change the whole process run in a process of their own: the test's program again, with one test.

use std::{
    env,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// Set in the child.
const CHILD: &str = "TIMTOW_CONFORMANCE_CHILD";

/// Runs `f` in a process of its own. `test` is the path of the test that calls this, its crate included.
pub fn run(test: &str, f: impl FnOnce()) {
    if env::var(CHILD).as_deref() == Ok(test) {
        return f();
    }
    let (_, name) = test.split_once("::").expect("the path of a test");
    let output = Command::new(env::current_exe().expect("the test's program"))
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env(CHILD, test)
        .stdin(Stdio::null())
        .output()
        .expect("a process");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{test} failed in its process:\n{stdout}\n{stderr}");
    assert!(stdout.contains("1 passed"), "{name} is no test:\n{stdout}");
}

/// A TCP socket that is not connected.
pub fn socket() -> socket2::Socket {
    socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket")
}

/// Tries until it is there.
pub fn retry<T>(mut f: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + crate::WATCHDOG;
    loop {
        if let Some(value) = f() {
            return value;
        }
        assert!(Instant::now() < end, "it does not come");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}
