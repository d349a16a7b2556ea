//! A new user's path, as the README writes it: a package outside this checkout with the README's dependency lines, its
//! program, built and run, seen by an independent client.

mod common;

use common::{Listening, check_echo};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The block of `language` that follows the heading `### name`.
fn block(readme: &str, name: &str, language: &str) -> String {
    let section = readme.split(&format!("\n### {name}\n")).nth(1).unwrap_or_else(|| panic!("no section {name}"));
    let block = section.split(&format!("```{language}\n")).nth(1).unwrap_or_else(|| panic!("no {language} for {name}"));
    block.split("```").next().unwrap().to_string()
}

/// Makes the package, builds it, and returns the program.
fn build(readme: &str, name: &str, folder: &Path, target: &Path) -> PathBuf {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR"));
    let package = folder.join(name);
    fs::create_dir_all(package.join("src")).unwrap();
    let dependencies = block(readme, name, "toml").replace("../timtow", checkout.to_str().unwrap());
    let manifest = format!(
        "[package]\nname = \"new-user-{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n{dependencies}\n[workspace]\n"
    );
    fs::write(package.join("Cargo.toml"), manifest).unwrap();
    fs::copy(checkout.join("Cargo.lock"), package.join("Cargo.lock")).unwrap();
    let program = block(readme, name, "rust,no_run");
    assert!(program.lines().filter(|line| !line.trim().is_empty()).count() <= 15, "the program for {name} is longer");
    fs::write(package.join("src/main.rs"), program).unwrap();
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet"])
        .current_dir(&package)
        .env("CARGO_TARGET_DIR", target)
        .env_remove("RUSTFLAGS")
        .status()
        .unwrap();
    assert!(status.success(), "the program for {name} does not build");
    target.join("debug").join(format!("new-user-{name}"))
}

#[test]
fn the_programs_of_the_readme_work_outside_the_checkout() {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(checkout.join("README.md")).unwrap();
    let folder = env::temp_dir().join(format!("timtow-new-user-{}", std::process::id()));
    // What was built before is used again; cargo sees by itself what has changed.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("new_user");
    for entry in fs::read_dir(checkout.join("adapters")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let program = build(&readme, &name, &folder, &target);
        check_echo(&Listening::start(Command::new(program)));
    }
    fs::remove_dir_all(folder).unwrap();
}
