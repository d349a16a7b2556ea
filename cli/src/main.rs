//! The program `timtow`: serve, connect, load and compare WebSockets on every event loop.

mod args;
mod bench;
mod connect;
mod echo;
mod failure;
mod load;
mod raw;
mod runtimes;
mod serve;

use std::process::ExitCode;

use clap::Parser;

use args::{Arguments, Command};

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Runtimes(arguments) => runtimes::run(&arguments),
        Command::Serve(arguments) => arguments.check().and_then(|()| serve::run(&arguments)),
        Command::Connect(arguments) => arguments.check().and_then(|()| connect::run(&arguments)),
        Command::Load(arguments) => arguments.check().and_then(|()| load::run(&arguments)),
        Command::Bench(arguments) => arguments.check().and_then(|()| bench::run(&arguments)),
        Command::Raw(arguments) => raw::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("timtow: {failure}");
            failure.exit_code()
        }
    }
}
