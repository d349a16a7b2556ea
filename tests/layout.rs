//! The places that name the loops agree: the folders of `adapters/`, the features and dependencies of the root package, the
//! facade's list, and the README.

use std::{collections::BTreeSet, fs, path::Path};

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path))
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn folders() -> BTreeSet<String> {
    let adapters = Path::new(env!("CARGO_MANIFEST_DIR")).join("adapters");
    let entries = fs::read_dir(adapters).unwrap().map(|entry| entry.unwrap());
    entries.filter(|entry| entry.path().is_dir()).map(|entry| entry.file_name().into_string().unwrap()).collect()
}

#[test]
fn every_loop_is_a_feature_of_its_name() {
    let manifest = read("Cargo.toml");
    let features: BTreeSet<String> = manifest
        .lines()
        .filter_map(|line| line.split_once(" = [\"dep:timtow-"))
        .map(|(feature, rest)| {
            assert_eq!(rest, format!("{feature}\"]"), "the feature {feature} brings the adapter of its name");
            feature.to_string()
        })
        .collect();
    assert_eq!(features, folders());
    for feature in &features {
        let dependency = format!("timtow-{feature} = {{ workspace = true, optional = true }}");
        assert!(manifest.contains(&dependency), "{dependency}");
    }
}

#[test]
fn every_loop_is_a_module_of_the_facade() {
    let facade = read("src/lib.rs");
    let listed: BTreeSet<String> = facade
        .lines()
        .skip_while(|line| !line.starts_with("loops! {"))
        .skip(1)
        .take_while(|line| *line != "}")
        .map(|line| {
            let (module, rest) = line.trim().split_once(" = \"").expect(line);
            let (feature, adapter) = rest.split_once("\": ").expect(line);
            assert_eq!(module, feature.replace('-', "_"));
            assert_eq!(adapter, format!("timtow_{module};"));
            feature.to_string()
        })
        .collect();
    assert_eq!(listed, folders());
    assert!(facade.lines().count() < 100, "the facade is documentation and re-exports");
}

#[test]
fn every_loop_has_its_program_in_the_readme() {
    let readme = read("README.md");
    for name in folders() {
        assert!(readme.contains(&format!("\n### {name}\n")), "README.md has no program for {name}");
        assert!(read(&format!("adapters/{name}/README.md")).contains(&format!("timtow-{name}")));
        assert!(read(&format!("adapters/{name}/tests/conformance.rs")).contains("timtow_conformance"));
    }
}
