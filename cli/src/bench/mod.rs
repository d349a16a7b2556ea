//! `timtow bench`: the comparison.
//!
//! This process is the generator. Each contestant is a process of its own, started once, on another CPU; slices of measuring
//! are interleaved in random order, so that what changes on the machine hits all of them alike, and one contestant takes
//! part twice, so that the tables know what chance alone makes. Experiments that change a server for good start it anew.

mod contestants;
mod cpus;
mod experiments;
mod format;
mod machine;
mod peers;
mod plan;
mod process;
mod progress;
mod report;
mod results;
mod server;
mod sheets;
mod statistics;
mod table;
mod trace;
mod watch;

use std::{
    fs,
    io::Write as _,
    path::Path,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use crate::{
    args::BenchArguments,
    failure::{Failure, Result},
    load::{Stop, allow_files, script::Random, target::Target},
};
use contestants::Contestant;
use cpus::Cpus;
use experiments::{Bench, SPARE_FILES};
use machine::{Machine, Versions};
pub(crate) use plan::Experiment;
use plan::Schedule;
use results::{FORMAT, Results};

/// `timtow bench`.
pub(crate) fn run(arguments: &BenchArguments) -> Result<()> {
    if let Some(path) = &arguments.table {
        return print(&table::markdown(&read(path)?, &arguments.only));
    }
    if let Some(path) = &arguments.report {
        return write(&arguments.out.join("report.html"), &report::page(&read(path)?));
    }
    let schedule = Schedule::new(arguments);
    // Before minutes of work that could then not be kept.
    fs::create_dir_all(&arguments.out).map_err(|error| cannot_write(&arguments.out, &error))?;
    arguments.against.iter().try_for_each(|url| Target::find(url).map(|_| ()))?;
    let results = measure(arguments, schedule)?;
    let json = serde_json::to_string_pretty(&results).map_err(|error| Failure::new(error.to_string()))?;
    write(&arguments.out.join("results.json"), &(json + "\n"))?;
    write(&arguments.out.join("report.html"), &report::page(&results))?;
    print(&table::terminal(&results))?;
    let shown = |name| arguments.out.join(name).display().to_string();
    print(&format!("\nfigures: {}   data: {}\n", shown("report.html"), shown("results.json")))?;
    match results.failures().first() {
        Some(failure) => Err(Failure::new(format!("not everything could be measured: {failure}"))),
        None => Ok(()),
    }
}

fn measure(arguments: &BenchArguments, schedule: Schedule) -> Result<Results> {
    let (peers, skipped) = match &arguments.peers {
        Some(wanted) => peers::find(wanted, schedule.uses_contestants())?,
        None => (Vec::new(), Vec::new()),
    };
    let compio = match arguments.peers {
        Some(_) if schedule.experiments.contains(&Experiment::Drivers) => peers::compio(),
        _ => {
            Err("give --peers: its server, on a runtime that has io_uring and epoll, is built apart, in a checkout"
                .into())
        }
    };
    // Before this process is confined to one CPU.
    let (machine, cpus, started) = (Machine::this(), Cpus::choose(), Instant::now());
    let clock = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64);
    // Short, because people may have to type it.
    let seed = arguments.seed.unwrap_or_else(|| clock() / 1_000 % 1_000_000);
    let own_defaults = schedule.experiments.iter().any(|it| matches!(it, Experiment::Defaults | Experiment::Blocked));
    let one_cpu = arguments.quick && !own_defaults;
    let mut contestants = Contestant::all(&arguments.only, one_cpu, &peers, &arguments.against);
    if schedule.has_large_reads() {
        contestants.extend(contestants.clone().iter().filter_map(Contestant::with_large_reads));
    }
    let results = Results {
        format: FORMAT,
        quick: arguments.quick,
        interrupted: false,
        command: command_line(),
        date: machine::now(),
        seconds: 0.0,
        seed,
        rounds: schedule.rounds,
        slice_seconds: schedule.slice.as_secs_f64(),
        versions: Versions::this(),
        machine,
        cpus,
        disturbance: None,
        experiments: schedule.experiments.clone(),
        skipped,
        contestants,
        throughput: Vec::new(),
        defaults: Vec::new(),
        validation: Vec::new(),
        latency: Vec::new(),
        handshakes: None,
        memory: None,
        syscalls: None,
        neighbours: Vec::new(),
        drivers: None,
        build: None,
    };
    // Servers inherit the limit. What it does not allow is skipped.
    let files = allow_files(schedule.most_connections() as u64 + SPARE_FILES);
    let mut bench = Bench::new(schedule, results, Random::new(seed), Stop::on_signals()?, files, compio)?;
    bench.run();
    let mut results = bench.results;
    results.seconds = started.elapsed().as_secs_f64();
    Ok(results)
}

/// As it was typed, but for the path of the program.
fn command_line() -> String {
    let arguments = std::env::args()
        .skip(1)
        .map(|argument| if argument.contains([' ', '\'', '"']) { format!("{argument:?}") } else { argument });
    ["timtow".to_owned()].into_iter().chain(arguments).collect::<Vec<_>>().join(" ")
}

fn read(path: &Path) -> Result<Results> {
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::new(format!("cannot read {} ({error}): correct the path", path.display())))?;
    let other = |what: &str| {
        Failure::new(format!("{} is no results.json of this version ({what}): measure again", path.display()))
    };
    let json: serde_json::Value = serde_json::from_str(&text).map_err(|error| other(&error.to_string()))?;
    if json["format"] != FORMAT {
        return Err(other(&format!("its format is {}, not {FORMAT}", json["format"])));
    }
    serde_json::from_value(json).map_err(|error| other(&error.to_string()))
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).map_err(|error| cannot_write(path, &error))
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("cannot write {} ({error}): choose another --out", path.display()))
}

fn print(text: &str) -> Result<()> {
    let written = std::io::stdout().lock().write_all(text.as_bytes());
    written.map_err(|error| Failure::new(format!("cannot write to stdout ({error}): check where it leads")))
}
