//! What strace writes, read.

use std::collections::BTreeMap;

/// A system call that has ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Call {
    /// The number of the thread.
    pub(crate) thread: String,
    /// As strace writes it, in one piece.
    pub(crate) text: String,
    /// Where the line on which it ended ends, in bytes from the beginning of the trace.
    pub(crate) end: usize,
}

impl Call {
    /// The name of the call.
    pub(crate) fn name(&self) -> &str {
        self.text.split_once('(').map_or(&self.text, |(name, _)| name)
    }
}

/// The calls of a trace made with `strace -f -o`, in the order in which they ended. Signals and ends of threads are no
/// calls.
pub(crate) fn calls(trace: &str) -> Vec<Call> {
    let mut begun: BTreeMap<&str, &str> = BTreeMap::new();
    let (mut calls, mut end) = (Vec::new(), 0);
    for line in trace.split_inclusive('\n') {
        end += line.len();
        // The last line may not be complete.
        let Some((thread, call)) = line.strip_suffix('\n').and_then(|line| line.split_once(' ')) else { continue };
        let call = call.trim_start();
        if let Some(start) = call.strip_suffix(" <unfinished ...>") {
            begun.insert(thread, start);
            continue;
        }
        let text = match call.strip_prefix("<... ") {
            Some(resumed) => {
                let rest = resumed.split_once(" resumed>").map_or("", |(_, rest)| rest);
                // One that began before the tracer came has no beginning.
                format!("{}{rest}", begun.remove(thread).unwrap_or_default())
            }
            None => call.to_owned(),
        };
        if text.starts_with(|first: char| first.is_ascii_lowercase() || first == '_') {
            calls.push(Call { thread: thread.to_owned(), text, end });
        }
    }
    calls
}

/// Calls as they are shown: without addresses, times, and what else changes from run to run; the number of the thread in
/// front of each, where there are several, and the one that answers, which ends last, is the first.
pub(crate) fn shown(calls: &[Call]) -> Vec<String> {
    let mut threads: Vec<&str> = Vec::new();
    for call in calls.iter().rev() {
        if !threads.contains(&call.thread.as_str()) {
            threads.push(&call.thread);
        }
    }
    let shown = calls.iter().map(|call| {
        let number = threads.iter().position(|thread| *thread == call.thread).unwrap_or(0) + 1;
        let mark = if threads.len() > 1 { format!("[{number}] ") } else { String::new() };
        mark + &normal(&call.text)
    });
    shown.collect()
}

/// A call without what changes from run to run.
fn normal(call: &str) -> String {
    let mut text = without_groups(call, &["data={", "{tv_sec", "{it_interval"]);
    // Addresses: hexadecimal numbers of six digits or more.
    while let Some((at, len)) = text.match_indices("0x").find_map(|(at, _)| {
        let len = text[at + 2..].bytes().take_while(u8::is_ascii_hexdigit).count();
        (len >= 6).then_some((at, len + 2))
    }) {
        text.replace_range(at..at + len, "…");
    }
    // strace aligns results.
    match text.rsplit_once(" = ") {
        Some((call, result)) => format!("{} = {result}", call.trim_end()),
        None => text,
    }
}

/// `text` with every group that begins with one of `starts` and ends with its brace replaced by dots.
fn without_groups(text: &str, starts: &[&str]) -> String {
    let mut text = text.to_owned();
    for start in starts {
        let mut from = 0;
        while let Some(at) = text[from..].find(start).map(|at| at + from) {
            let mut depth = 0;
            let end = text[at..].char_indices().find_map(|(offset, character)| {
                depth += i32::from(character == '{') - i32::from(character == '}');
                (character == '}' && depth == 0).then_some(at + offset + 1)
            });
            text.replace_range(at..end.unwrap_or(text.len()), "…");
            from = at;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "\
7 epoll_wait(3, [{events=EPOLLIN, data={u32=1, u64=1}}], 1024, -1) = 1
7 recvfrom(9, \"\\201\\206\"..., 65536, 0, NULL, NULL) = 12
8 futex(0x7f12345678ab, FUTEX_WAIT_PRIVATE, 1, {tv_sec=1, tv_nsec=5} <unfinished ...>
7 sendto(9, \"a) = b\", 8, MSG_NOSIGNAL, NULL, 0 <unfinished ...>
8 <... futex resumed>)                    = 0
9 <... epoll_wait resumed>[], 1024, 5) = 0
7 --- SIGUSR1 {si_signo=SIGUSR1} ---
7 <... sendto resumed>) = 8
9 +++ exited with 0 +++
7 epoll_wait(3, ";

    #[test]
    fn calls_are_put_together_again() {
        let calls = calls(TRACE);
        let names: Vec<_> = calls.iter().map(|call| (call.thread.as_str(), call.name())).collect();
        assert_eq!(names, [("7", "epoll_wait"), ("7", "recvfrom"), ("8", "futex"), ("7", "sendto")]);
        assert!(calls.iter().all(|call| TRACE.as_bytes()[call.end - 1] == b'\n'));
        assert_eq!(calls[3].text, "sendto(9, \"a) = b\", 8, MSG_NOSIGNAL, NULL, 0) = 8");
    }

    #[test]
    fn what_changes_from_run_to_run_is_not_shown() {
        assert_eq!(
            shown(&calls(TRACE)),
            [
                "[1] epoll_wait(3, [{events=EPOLLIN, …}], 1024, -1) = 1",
                "[1] recvfrom(9, \"\\201\\206\"..., 65536, 0, NULL, NULL) = 12",
                "[2] futex(…, FUTEX_WAIT_PRIVATE, 1, …) = 0",
                "[1] sendto(9, \"a) = b\", 8, MSG_NOSIGNAL, NULL, 0) = 8",
            ]
        );
        assert_eq!(
            normal(
                "timerfd_settime(4, 0, {it_interval={tv_sec=0, tv_nsec=0}, it_value={tv_sec=1, tv_nsec=2}}, NULL) = 0"
            ),
            "timerfd_settime(4, 0, …, NULL) = 0"
        );
    }
}
