//! Tells the program which compiler and which revision it was built from, for results.json; neither must be known.

use std::process::Command;

fn main() {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    say("TIMTOW_RUSTC", output(Command::new(rustc).arg("--version")));
    say("TIMTOW_REVISION", output(Command::new("git").args(["describe", "--always", "--dirty", "--abbrev=12"])));
    say("TIMTOW_PROFILE", std::env::var("PROFILE").ok());
    println!("cargo:rerun-if-changed=build.rs");
    if let Some(head) = output(Command::new("git").args(["rev-parse", "--git-path", "logs/HEAD"])) {
        println!("cargo:rerun-if-changed={head}");
    }
}

fn say(name: &str, value: Option<String>) {
    if let Some(value) = value {
        println!("cargo:rustc-env={name}={value}");
    }
}

fn output(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (!text.is_empty()).then_some(text)
}
