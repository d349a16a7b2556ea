//! The corpora, fed to their targets by the ordinary tests; and that targets, entry points and corpora agree.

use std::{
    collections::BTreeSet,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};
use timtow_fuzz::TARGETS;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("it lies in fuzz/").join(name)
}

fn names(path: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn every_input_that_was_kept_passes() {
    let (mut bytes, mut files) = (0, 0);
    for (name, target) in TARGETS {
        let corpus = folder("corpus").join(name);
        let inputs = names(&corpus);
        assert!((1..=100).contains(&inputs.len()), "{name} has {} files: keep it small", inputs.len());
        for input in inputs {
            let data = fs::read(corpus.join(&input)).unwrap();
            let passed = catch_unwind(AssertUnwindSafe(|| target(&data)));
            assert!(passed.is_ok(), "fuzz/corpus/{name}/{input} fails");
            bytes += data.len();
            files += 1;
        }
    }
    println!("{files} files, {bytes} bytes");
    assert!(bytes <= 100 << 10, "{bytes} bytes are too many to be kept");
}

#[test]
fn nothing_at_all_is_no_trouble_either() {
    for (_, target) in TARGETS {
        for data in [&[][..], &[0], &[0xff; 40], &[0; 40]] {
            target(data);
        }
    }
}

#[test]
fn every_target_has_its_entry_point_and_its_corpus() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| String::from(*name)).collect();
    assert_eq!(names(&folder("corpus")), targets);
    let entries: BTreeSet<String> = names(&folder("fuzz_targets"));
    assert_eq!(entries, targets.iter().map(|name| format!("{name}.rs")).collect());
    let manifest = fs::read_to_string(folder("Cargo.toml")).unwrap();
    for name in targets {
        assert!(manifest.contains(&format!("\nname = \"{name}\"\n")), "fuzz/Cargo.toml has no {name}");
        let entry = fs::read_to_string(folder("fuzz_targets").join(format!("{name}.rs"))).unwrap();
        assert!(entry.contains(&format!("::{name}(data)")), "{entry}");
    }
}
