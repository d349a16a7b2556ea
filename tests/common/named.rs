//! Tests that a page names: whether they are there.

use serde_json::Value;
use std::{fs, path::Path};

/// A file of this repository.
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path))
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Whether there is such a test: a function that is marked so, a case of the suite, or a wire vector.
pub(crate) fn exists(name: &str) -> bool {
    if let Some(id) = name.strip_prefix("vector ") {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance/vectors");
        let mut files = fs::read_dir(folder).expect("a folder of vectors");
        return files.any(|file| {
            let text = fs::read_to_string(file.expect("a file of vectors").path()).expect("text");
            let vectors: Vec<Value> = serde_json::from_str(&text).expect("JSON");
            vectors.iter().any(|vector| vector.get("id").unwrap_or(&vector["name"]) == id)
        });
    }
    let Some((path, test)) = name.rsplit_once("::") else { return false };
    if let Some(module) = path.strip_prefix("conformance::") {
        let source = read(&format!("conformance/src/{module}.rs"));
        return source.contains(&format!("\npub fn {test}<L: Loop>("));
    }
    let source = read(path);
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    lines.windows(2).any(|pair| pair[0] == "#[test]" && pair[1].starts_with(&format!("fn {test}(")))
}
