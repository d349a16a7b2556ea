//! No case is forgotten: each stands in the list from which the tests are made.

use std::{fs, path::Path};

#[test]
fn every_case_is_listed() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let list = fs::read_to_string(source.join("cases.rs")).expect("the list");
    let mut cases = 0;
    for entry in fs::read_dir(&source).expect("the sources") {
        let path = entry.expect("a file").path();
        if !path.is_file() {
            continue;
        }
        let module = path.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
        for line in fs::read_to_string(&path).expect("a source").lines() {
            let Some((name, _)) = line.strip_prefix("pub fn ").and_then(|rest| rest.split_once("<L: Loop")) else {
                continue;
            };
            cases += 1;
            let listed = list.split(&format!(" {module}")).skip(1).any(|behind| {
                let end = behind.find(';').unwrap_or(behind.len());
                behind[..end].split([',', ':', ' ', '\n']).any(|listed| listed == name)
            });
            assert!(listed || list.contains(&format!("fn {name}()")), "{module}::{name} is never run");
        }
    }
    assert!(cases > 100, "of {cases} cases");
}
