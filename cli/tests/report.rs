//! results.json becomes a table and a report: complete, well-formed, and one file that needs no network.

mod common;

use common::timtow;

const RESULTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/results.json");

fn report() -> String {
    let directory = tempdir();
    let output = timtow(&["bench", "--report", RESULTS, "--out", &directory]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let path = format!("{directory}/report.html");
    let page = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_dir_all(&directory).unwrap();
    page
}

/// A directory of this thread's own.
fn tempdir() -> String {
    let name = format!("timtow-report-{}-{:?}", std::process::id(), std::thread::current().id());
    let path = std::env::temp_dir().join(name.replace(['(', ')'], "-"));
    std::fs::create_dir_all(&path).unwrap();
    path.to_str().unwrap().to_owned()
}

/// The names of the contestants, as they are in the file.
fn contestants() -> Vec<String> {
    let results: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(RESULTS).unwrap()).unwrap();
    let all = results["contestants"].as_array().unwrap();
    all.iter().map(|contestant| contestant["name"].as_str().unwrap().to_owned()).collect()
}

/// Every element that is opened is closed, in order; returns how often each occurs.
fn check_nesting(page: &str) -> std::collections::BTreeMap<String, usize> {
    let mut open: Vec<&str> = Vec::new();
    let mut counts = std::collections::BTreeMap::new();
    let body = page.strip_prefix("<!doctype html>").expect("a document type");
    for (index, part) in body.split('<').enumerate().skip(1) {
        let (tag, text) = part.split_once('>').unwrap_or_else(|| panic!("a tag without end: <{part}"));
        assert!(!text.contains('>') || open.last() == Some(&"style"), "a bare > in {text:?}, part {index}");
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name), "in part {index}: {part}"),
            None => {
                let name = tag.split([' ', '/']).next().unwrap();
                *counts.entry(name.to_owned()).or_default() += 1;
                assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
                if !["meta", "br"].contains(&name) && !tag.ends_with('/') {
                    open.push(name);
                }
            }
        }
    }
    assert!(open.is_empty(), "{open:?}");
    counts
}

#[test]
fn the_report_is_well_formed_and_complete() {
    let page = report();
    let counts = check_nesting(&page);
    assert_eq!(counts["svg"], 2 + 2 + 3 + 1 + 3, "costs, throughput and CPU, three rates, memory, three neighbours");
    // The summary, connections, text, own defaults, memory, system calls, drivers, three neighbours, builds, the other crates.
    let shown = 1 + 10 + 1;
    // Five closed loops, one of them twice, two on drivers, three rates, handshakes, and memory in the process and in the kernel.
    assert_eq!(counts["table"], shown + 6 + 2 + 3 + 1 + 2);
    assert_eq!(counts["pre"], 3 + 2, "the calls of one message, of each that was traced");
    for contestant in contestants() {
        assert!(page.contains(&contestant), "{contestant}");
    }
    for word in
        ["A CPU &lt;with&gt; &quot;odd&quot; &amp; characters", "timtow bench --quick --only mio,smol", "quick look"]
    {
        assert!(page.contains(word), "{word}");
    }
    assert!(page.contains("Other programs used 40 %"), "the noise of the machine is not hidden");
    for words in [
        "Skipped: connections: 10000 connections need",
        "io_uring against epoll inside compio 0.19.2",
        "System calls on compio, io_uring, for one message 2: io_uring_enter 2;",
        "Skipped: syscalls of ws://127.0.0.1:9/: its process is &lt;not&gt; known.",
        "Skipped: unbuilt: cargo did not build it.",
        "Disqualified where the table says so: ws://127.0.0.1:9/: connection 1: message 1 came back with another content",
        "The smallest server on mio was not built: error: no &lt;space&gt; left.",
        "<td class=\"out\">disqualified</td>",
        "a &lt;small&gt; buffer, one write per read",
    ] {
        assert!(page.contains(words), "{words}");
    }
    assert!(page.contains("it said &lt;b&gt;&quot;no&quot; &amp; left"), "failures are shown");
}

#[test]
fn the_report_needs_no_network_and_no_script() {
    let page = report();
    // The name of a contestant is no link.
    let page = page.replace("ws://127.0.0.1:9/", "");
    for word in ["http:", "https:", "//", "<script", "<link", "@import", "url("] {
        assert!(!page.contains(word), "{word}");
    }
}

#[test]
fn figures_take_their_colours_from_the_page() {
    let page = report();
    let style = &page[..page.find("</style>").unwrap()];
    assert!(style.contains("prefers-color-scheme: dark"));
    let figures = page.split("<svg").skip(1).map(|figure| figure.split("</svg>").next().unwrap());
    for color in figures.flat_map(|figure| figure.split("=\"#").skip(1)).map(|rest| rest.split('"').next().unwrap()) {
        assert!(style.contains(&format!("\"#{color}\"")), "#{color} has no meaning in the style sheet");
    }
}

#[test]
fn the_book_gets_a_table() {
    let output = timtow(&["bench", "--table", RESULTS]);
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let rows: Vec<&str> = text.lines().take_while(|line| line.starts_with('|')).collect();
    assert_eq!(rows.len(), 2 + 5, "a head, a rule, and a line for each contestant but raw TCP:\n{text}");
    let columns = rows[0].matches(" |").count();
    assert!(rows.iter().all(|row| row.matches(" |").count() == columns), "{text}");
    assert!(text.contains("mio again") && text.contains("\\*"), "{text}");
}

#[test]
fn a_chapter_gets_what_its_loop_costs() {
    let output = timtow(&["bench", "--table", RESULTS, "--only", "mio,smol"]);
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let head = text.lines().next().unwrap();
    assert!(head.ends_with("| mio | smol |"), "{text}");
    for what in ["16 B, 16 in flight", "handshake", "idle connection", "kernel's memory", "for one message", "floods"] {
        assert!(text.lines().any(|line| line.starts_with("| ") && line.contains(what)), "{what}: {text}");
    }
    assert!(!text.contains("tokio"), "{text}");
}

/// `book/measure.sh` makes all of them.
#[test]
fn the_tables_in_the_book_are_those_of_its_results() {
    let book = concat!(env!("CARGO_MANIFEST_DIR"), "/../book");
    let chapters = [
        ("pick", None),
        ("cost-threads", Some("threads")),
        ("cost-mio", Some("mio")),
        ("cost-tokio", Some("tokio,tokio-current,tokio-reuseport")),
        ("cost-smol", Some("smol")),
        ("cost-async-std", Some("async-std")),
    ];
    for (name, only) in chapters {
        let results = format!("{book}/results.json");
        let mut arguments = vec!["bench", "--table", &results];
        arguments.extend(only.into_iter().flat_map(|only| ["--only", only]));
        let output = timtow(&arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let shown = std::fs::read_to_string(format!("{book}/src/generated/{name}.md")).unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), shown, "{name}");
    }
}
