//! What the smallest server on each loop costs to build: the programs of the README, as packages of their own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use super::{
    super::{
        results::{Build, BuildRow},
        server::temporary,
    },
    Bench, Why,
};

impl Bench {
    /// All of them, one after the other, with all CPUs.
    pub(super) fn build(&mut self) -> Result<(), Why> {
        let Some(checkout) = checkout() else {
            return Err("it needs a checkout: run it somewhere below the root of timtow's repository".into());
        };
        let version = Command::new("cargo").arg("--version").stdin(Stdio::null()).output();
        if let Err(error) = version {
            return Err(format!("cargo cannot be started ({error}): install Rust, or set PATH"));
        }
        let readme = fs::read_to_string(checkout.join("README.md"));
        let readme = readme.map_err(|error| format!("README.md in the checkout cannot be read ({error})"))?;
        let chosen = |name: &str| {
            let only = &self.schedule.only;
            only.is_empty() || only.iter().any(|runtime| runtime.feature() == name)
        };
        let programs: Vec<_> = programs(&readme).filter(|program| chosen(program.0)).collect();
        let mut rows = Vec::new();
        for (name, dependencies, program) in programs {
            if self.stop.is_set() {
                break;
            }
            self.progress.experiment(format!("building the smallest server on {name}"));
            let package = Package { path: temporary(name) };
            self.results.cpus.enter_all();
            let row = package.write(&checkout, dependencies, program).and_then(|()| package.build());
            self.results.cpus.enter_generator();
            if self.stop.is_set() {
                break;
            }
            let row = row.unwrap_or_else(|failure| BuildRow { failure: Some(failure), ..BuildRow::default() });
            rows.push(BuildRow { name: name.into(), ..row });
        }
        self.results.build = Some(Build { cpus: self.results.machine.cores, rows });
        Ok(())
    }
}

/// The root of timtow's repository, if that is where we are.
pub(crate) fn checkout() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    let is_root = |path: &&Path| {
        fs::read_to_string(path.join("core/Cargo.toml")).is_ok_and(|text| text.contains("\"timtow-core\""))
    };
    here.ancestors().find(is_root).map(Path::to_owned)
}

/// The README's programs: the loop, the lines of Cargo.toml, and main.rs.
fn programs(readme: &str) -> impl Iterator<Item = (&str, &str, &str)> {
    readme.split("\n### ").skip(1).filter_map(|section| {
        let block = |language: &str| {
            let (_, block) = section.split_once(&format!("```{language}\n"))?;
            Some(block.split_once("```")?.0)
        };
        Some((section.lines().next()?, block("toml")?, block("rust,no_run")?))
    })
}

/// A package that nobody keeps.
struct Package {
    path: PathBuf,
}

impl Package {
    fn write(&self, checkout: &Path, dependencies: &str, program: &str) -> Result<(), String> {
        let dependencies = dependencies.replace("../timtow", &checkout.display().to_string());
        let manifest = format!(
            "[package]\nname = \"smallest\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n{dependencies}\n\
             [profile.release]\nstrip = true\n\n[workspace]\n"
        );
        fs::create_dir_all(self.path.join("src"))
            .and_then(|()| fs::write(self.path.join("Cargo.toml"), manifest))
            .and_then(|()| fs::write(self.path.join("src/main.rs"), program))
            .and_then(|()| fs::copy(checkout.join("Cargo.lock"), self.path.join("Cargo.lock")))
            .map_err(|error| format!("the package cannot be written ({error}): set TMPDIR"))?;
        // What must be downloaded is downloaded before the clock starts.
        self.cargo(&["fetch"]).map(|_| ())
    }

    fn build(&self) -> Result<BuildRow, String> {
        let begin = Instant::now();
        let messages = self.cargo(&["build", "--release", "--offline", "--message-format", "json"])?;
        let seconds = begin.elapsed().as_secs_f64();
        let (mut packages, mut executable) = (std::collections::BTreeSet::new(), None);
        for message in messages.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok()) {
            if message["reason"] == "compiler-artifact" {
                packages.extend(message["package_id"].as_str().map(str::to_owned));
                executable = message["executable"].as_str().map(str::to_owned).or(executable);
            }
        }
        let bytes = executable.and_then(|path| fs::metadata(path).ok()).map(|file| file.len());
        let bytes = bytes.ok_or("cargo built no executable")?;
        Ok(BuildRow { crates: packages.len() - 1, seconds, bytes, ..BuildRow::default() })
    }

    /// Runs cargo in the package, with a target directory of its own.
    fn cargo(&self, arguments: &[&str]) -> Result<String, String> {
        let mut command = Command::new("cargo");
        command.args(arguments).current_dir(&self.path).env("CARGO_TARGET_DIR", self.path.join("target"));
        let output = command.stdin(Stdio::null()).env_remove("RUSTFLAGS").output();
        let output = output.map_err(|error| format!("cargo cannot be started ({error})"))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        let error = words.lines().find(|line| line.starts_with("error")).unwrap_or("cargo failed");
        Err(error.to_owned())
    }
}

impl Drop for Package {
    fn drop(&mut self) {
        // It is in the directory for what nobody keeps.
        let _ = fs::remove_dir_all(&self.path);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_loop_of_the_readme_has_a_program() {
        let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).unwrap();
        let programs: Vec<_> = super::programs(&readme).collect();
        let names: Vec<_> = programs.iter().map(|program| program.0).collect();
        assert_eq!(names, ["threads", "mio", "tokio", "smol", "async-std", "futures"]);
        for (name, dependencies, program) in programs {
            assert!(dependencies.contains("path = \"../timtow\"") && program.contains("fn main()"), "{name}");
        }
    }
}
