//! The contestants of `timtow bench --peers`: their folders, `peers.json`, the pins of their manifests, the lock file and
//! their sources say the same. It reads files only; `.ci/peers.sh` builds and runs them.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The folders of packages, without the one that all share.
fn folders() -> BTreeSet<String> {
    let entries = fs::read_dir(root().join("benches/peers")).unwrap().map(|entry| entry.unwrap());
    let packages = entries.filter(|entry| entry.path().join("Cargo.toml").exists());
    packages.map(|entry| entry.file_name().into_string().unwrap()).filter(|name| name != "common").collect()
}

/// What stands in `peers.json`.
struct Peer {
    name: String,
    krate: String,
    version: String,
    event_loop: String,
}

/// The server of the experiment `drivers`, which is no contestant of the others, and not in `peers.json`.
const DRIVERS: &str = "compio";

/// The contestants, and that server.
fn packages() -> Vec<Peer> {
    let manifest = read(&format!("benches/peers/{DRIVERS}/Cargo.toml"));
    let version = manifest.split_once("\nversion = \"").unwrap().1.split_once('"').unwrap().0;
    let name = || DRIVERS.to_owned();
    peers()
        .into_iter()
        .chain([Peer { name: name(), krate: name(), version: version.into(), event_loop: name() }])
        .collect()
}

fn peers() -> Vec<Peer> {
    let list: Value = serde_json::from_str(&read("benches/peers/peers.json")).unwrap();
    let peers = list.as_array().unwrap().iter().map(|peer| {
        let keys: Vec<&str> = peer.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(BTreeSet::from_iter(keys), BTreeSet::from(["crate", "how", "loop", "name", "version"]));
        let field = |key: &str| peer[key].as_str().unwrap_or_else(|| panic!("{key} of {peer}")).to_owned();
        let how = field("how");
        assert!(how.ends_with('.') && !how.trim_end_matches('.').contains(". "), "{how:?} is not one sentence");
        Peer { name: field("name"), krate: field("crate"), version: field("version"), event_loop: field("loop") }
    });
    peers.collect()
}

#[test]
fn every_folder_is_a_contestant_and_a_member() {
    let listed: Vec<String> = peers().into_iter().map(|peer| peer.name).collect();
    assert_eq!(BTreeSet::from_iter(listed.iter().cloned().chain([DRIVERS.to_owned()])), folders());
    assert!(listed.is_sorted(), "peers.json is sorted by name, each once: {listed:?}");
    let manifest = read("benches/peers/Cargo.toml");
    let members = manifest.split_once("members = [").unwrap().1.split_once(']').unwrap().0;
    let mut members: BTreeSet<String> = members.split('"').skip(1).step_by(2).map(str::to_owned).collect();
    assert!(members.remove("common"));
    assert_eq!(members, folders());
}

#[test]
fn every_pin_is_the_version_that_is_named() {
    let lock = read("benches/peers/Cargo.lock");
    let locked_packages: Vec<&str> = lock.split("[[package]]\n").skip(1).collect();
    for Peer { name, krate, version, .. } in packages() {
        let manifest = read(&format!("benches/peers/{name}/Cargo.toml"));
        // What it says that it is.
        assert!(manifest.contains(&format!("\nname = \"{name}\"\n")), "the package in the folder {name}");
        assert!(manifest.contains(&format!("\nversion = \"{version}\"\n")), "{name} bears the version of {krate}");
        let pins = [format!("\n{krate} = \"={version}\"\n"), format!("\n{krate} = {{ version = \"={version}\",")];
        assert!(pins.iter().any(|pin| manifest.contains(pin)), "{name} pins {krate} to {version}");
        let locked: Vec<&&str> = locked_packages
            .iter()
            .filter(|package| package.starts_with(&format!("name = \"{krate}\"\n")) && package.contains("\nsource = "))
            .collect();
        assert_eq!(locked.len(), 1, "the lock file has one {krate}");
        assert!(locked[0].contains(&format!("\nversion = \"{version}\"\n")), "the lock file has {krate} {version}");
        assert!(locked_packages.iter().any(|package| {
            package.starts_with(&format!("name = \"{name}\"\nversion = \"{version}\"\n"))
                && !package.contains("\nsource = ")
        }));
    }
}

#[test]
fn every_source_says_whose_advice_it_follows_and_runs_on_the_loop_that_is_named() {
    for Peer { name, event_loop, .. } in packages() {
        let source = read(&format!("benches/peers/{name}/src/main.rs"));
        let heading: String = source.lines().take_while(|line| line.starts_with("//!")).collect();
        assert!(heading.contains("Followed: "), "{name} names its source");
        let mark = match event_loop.as_str() {
            "threads" => "thread::Builder::new().spawn",
            "tokio-current" => "peers_common::serve_on_tokio",
            "smol" => "smol::block_on(",
            DRIVERS if name == DRIVERS => "proactor.driver_type(driver)",
            other => panic!("{name}: no raw TCP echo is the ceiling of {other:?}"),
        };
        assert!(source.contains(mark), "{name} is no server on {event_loop}");
    }
}

/// One profile for all: Cargo's own, with timtow's. And the ordinary commands do not meet them.
#[test]
fn the_contestants_are_built_as_timtow_is_and_apart_from_it() {
    let manifest = read("Cargo.toml");
    for text in [&manifest, &read("benches/peers/Cargo.toml")] {
        assert!(!text.contains("[profile.release"), "a profile of one is a profile of both");
    }
    assert!(manifest.lines().any(|line| line.starts_with("exclude = [") && line.contains("\"benches/peers\"")));
    for name in folders() {
        assert!(!read(&format!("benches/peers/{name}/Cargo.toml")).contains("[profile"), "{name}");
    }
}
