//! Servers on other crates (`--peers`), and the one on compio: packages of a workspace of its own in the checkout,
//! `benches/peers`, built here.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde::Deserialize;

use super::{
    contestants::{Driver, Peer},
    results::Skipped,
};
use crate::failure::{Failure, Result};

/// One of `benches/peers/peers.json`.
#[derive(Deserialize)]
struct Entry {
    /// That of the package, and of its executable.
    name: String,
    #[serde(flatten)]
    peer: Peer,
}

/// Those that are wanted (all, if `wanted` is empty), by name and built; and those that cannot be. Where they are not `used`,
/// there are none.
pub(crate) fn find(wanted: &[String], used: bool) -> Result<(Vec<(String, Peer)>, Vec<Skipped>)> {
    let list = list().ok_or_else(|| {
        Failure::new(format!(
            "--peers needs a checkout: run it somewhere below the root of timtow's repository, where {LIST} is"
        ))
    })?;
    let text = fs::read_to_string(&list);
    let text = text.map_err(|error| Failure::new(format!("cannot read {} ({error}): correct it", list.display())))?;
    let mut entries: Vec<Entry> = serde_json::from_str(&text)
        .map_err(|error| Failure::new(format!("{} is no list of peers ({error}): correct it", list.display())))?;
    if let Some(unknown) = wanted.iter().find(|name| !entries.iter().any(|entry| entry.name == **name)) {
        let names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
        return Err(Failure::usage(format!("there is no peer {unknown:?}: choose from {}", names.join(", "))));
    }
    entries.retain(|entry| used && (wanted.is_empty() || wanted.contains(&entry.name)));
    let names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
    let programs = build(&list.with_file_name("Cargo.toml"), &names)?;
    let (mut peers, mut missing) = (Vec::new(), Vec::new());
    for Entry { name, peer } in entries {
        match programs.get(&name) {
            Some(program) => peers.push((name, Peer { program: program.clone(), ..peer })),
            None => {
                let why = "cargo did not build it: build benches/peers by hand to see why".into();
                missing.push(Skipped { experiment: None, contestant: Some(name), why });
            }
        }
    }
    Ok((peers, missing))
}

/// The server of the experiment `drivers`, built: what it says that it is, and its executable; or why it cannot be used, in a
/// sentence without a full stop.
pub(crate) fn compio() -> std::result::Result<(String, PathBuf), String> {
    let list = list().ok_or("it needs a checkout: run it somewhere below the root of timtow's repository")?;
    let programs = build(&list.with_file_name("Cargo.toml"), &[COMPIO]).map_err(|failure| failure.sentence)?;
    let program =
        programs.get(COMPIO).ok_or("cargo did not build its server: build benches/peers by hand to see why")?;
    // Without an address to listen on, it only says whether its driver can be used.
    let output = Command::new(program).args(["--driver", Driver::IoUring.name()]).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("its server cannot be started ({error})"))?;
    let says = |text: &[u8]| String::from_utf8_lossy(text).trim().to_owned();
    if output.status.success() { Ok((says(&output.stdout), program.clone())) } else { Err(says(&output.stderr)) }
}

/// The list, in this directory or one above.
fn list() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    here.ancestors().map(|path| path.join(LIST)).find(|path| path.exists())
}

/// The executables by name. What does not build is not among them.
fn build(manifest: &Path, names: &[&str]) -> Result<BTreeMap<String, PathBuf>> {
    if names.is_empty() {
        return Ok(BTreeMap::new());
    }
    eprintln!("timtow: building {} of the servers in benches/peers; the first time, this takes minutes", names.len());
    let mut command = Command::new("cargo");
    command.args(["build", "--release", "--locked", "--keep-going", "--message-format", "json-render-diagnostics"]);
    // Its packages have the names of the crates that they show, so that only executables can be told apart.
    command.arg("--workspace").args(names.iter().flat_map(|name| ["--bin", name]));
    command.arg("--manifest-path").arg(manifest);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let output = command.spawn().and_then(std::process::Child::wait_with_output);
    let output = output.map_err(|error| {
        Failure::new(format!("--peers needs cargo, which cannot be started ({error}): install Rust, or set PATH"))
    })?;
    let messages = String::from_utf8_lossy(&output.stdout);
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let programs = messages.filter_map(|message| {
        let program = message["executable"].as_str()?.into();
        Some((message["target"]["name"].as_str()?.to_owned(), program))
    });
    let programs: BTreeMap<String, PathBuf> = programs.collect();
    if programs.is_empty() {
        return Err(Failure::new("cargo built no server of benches/peers: see what it says above"));
    }
    Ok(programs)
}

/// The package that is no contestant of the other experiments.
const COMPIO: &str = "compio";
const LIST: &str = "benches/peers/peers.json";
