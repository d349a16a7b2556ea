//! What the book says about the code is true: each excerpt exists and is compiled, each excerpt that was
//! marked is shown, each link leads somewhere, each version is the locked one.
//!
//! mdBook itself renders a missing anchor as an empty block, silently; these tests don't.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Component, Path, PathBuf},
};

#[test]
fn every_include_shows_something_that_is_compiled() {
    let mut faults = Vec::new();
    for chapter in chapters() {
        for include in chapter.includes() {
            if let Err(fault) = include.check() {
                faults.push(format!("{}:{}: {fault}", chapter.name, include.line));
            }
        }
    }
    none(faults);
}

#[test]
fn every_anchor_is_shown_by_a_chapter() {
    let shown: BTreeSet<_> =
        chapters().iter().flat_map(Chapter::includes).filter_map(|i| Some((i.path, i.anchor?))).collect();
    let mut faults = Vec::new();
    for path in source_files() {
        let (anchors, unpaired) = anchors(&read(&path));
        faults.extend(unpaired.into_iter().map(|fault| format!("{}: {fault}", path.display())));
        for anchor in anchors.into_keys() {
            if !shown.contains(&(path.clone(), anchor.clone())) {
                faults.push(format!("{}: no chapter shows ANCHOR: {anchor}", path.display()));
            }
        }
    }
    none(faults);
}

#[test]
fn code_blocks_say_their_language_and_rust_is_only_included() {
    let mut faults = Vec::new();
    for chapter in chapters() {
        for block in chapter.blocks() {
            let place = format!("{}:{}", chapter.name, block.line);
            match block.language.as_str() {
                "rust" => {
                    if !block.lines.iter().all(|line| line.starts_with("{{#include ") && line.contains(".rs:")) {
                        faults.push(format!("{place}: rust that is not included by ANCHOR from a compiled file"));
                    }
                }
                "text" | "console" | "diff" | "toml" => {}
                other => faults.push(format!("{place}: a code block in {other:?}")),
            }
        }
    }
    none(faults);
}

#[test]
fn every_link_inside_the_book_leads_somewhere() {
    let chapters = chapters();
    let headings: BTreeMap<_, _> = chapters.iter().map(|c| (c.name.clone(), c.heading_ids())).collect();
    let mut faults = Vec::new();
    for chapter in &chapters {
        for (line, link) in chapter.links() {
            if link.contains("://") {
                continue;
            }
            let (file, fragment) = link.split_once('#').unwrap_or((&link, ""));
            let file = if file.is_empty() { &chapter.name } else { file };
            match headings.get(file) {
                None => faults.push(format!("{}:{line}: no chapter {file}", chapter.name)),
                Some(ids) if !fragment.is_empty() && !ids.contains(fragment) => {
                    faults.push(format!("{}:{line}: no heading #{fragment} in {file}", chapter.name));
                }
                Some(_) => {}
            }
        }
    }
    none(faults);
}

#[test]
fn summary_and_files_agree() {
    let summary = Chapter { name: "SUMMARY.md".into(), text: read("book/src/SUMMARY.md") };
    let listed: Vec<_> = summary.links().into_iter().map(|(_, link)| link).collect();
    let present: BTreeSet<_> = chapters().into_iter().map(|chapter| chapter.name).collect();
    let mut faults: Vec<_> = present.iter().filter(|name| !listed.contains(name)).cloned().collect();
    faults.extend(listed.iter().filter(|link| !present.contains(*link)).cloned());
    for chapter in chapters() {
        let title = chapter.text.lines().next().unwrap_or_default().trim_start_matches("# ");
        if !summary.text.contains(&format!("[{title}]({})", chapter.name)) {
            faults.push(format!("{}: SUMMARY.md has another title", chapter.name));
        }
    }
    none(faults);
}

/// A version of three parts behind the name of a locked package is that package's.
#[test]
fn versions_are_those_of_the_lock_file() {
    let mut locked = BTreeMap::<String, BTreeSet<String>>::new();
    let lock = read("Cargo.lock");
    let mut value = lock.lines().filter_map(|line| line.split_once(" = ")).map(|(k, v)| (k, v.trim_matches('"')));
    while let Some((key, name)) = value.next() {
        if key == "name" {
            let (_, version) = value.next().expect("a package has a version");
            locked.entry(name.into()).or_default().insert(version.into());
        }
    }
    let mut faults = Vec::new();
    let mut checked = BTreeSet::new();
    for chapter in chapters() {
        for (line, text) in chapter.prose() {
            let words: Vec<_> =
                text.split([' ', '`', ',', ':', ';', '(', ')']).filter(|word| !word.is_empty()).collect();
            for pair in words.windows(2) {
                let (name, version) = (pair[0], pair[1].trim_end_matches('.'));
                let is_version =
                    version.split('.').count() == 3 && version.split('.').all(|p| p.parse::<u32>().is_ok());
                let Some(versions) = locked.get(name).filter(|_| is_version) else { continue };
                checked.insert(name.to_owned());
                if !versions.contains(version) {
                    faults.push(format!("{}:{line}: {name} {version} is not in Cargo.lock", chapter.name));
                }
            }
        }
    }
    for name in ["mio", "tokio", "smol", "async-std"] {
        if !checked.contains(name) {
            faults.push(format!("no chapter names the version of {name}"));
        }
    }
    none(faults);
}

#[test]
fn every_example_that_is_named_exists() {
    let mut faults = Vec::new();
    for chapter in chapters() {
        for (_, rest) in
            chapter.text.match_indices("--example ").map(|(at, word)| (at, &chapter.text[at + word.len()..]))
        {
            let name = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
            if !Path::new(&format!("examples/{name}.rs")).exists() {
                faults.push(format!("{}: no examples/{name}.rs", chapter.name));
            }
        }
    }
    none(faults);
}

/// The chapter on leaving async-std shows a whole program becoming another whole program.
#[test]
fn the_diff_turns_one_echo_into_the_other() {
    let chapter = chapters().into_iter().find(|c| c.name == "inherited.md").expect("the chapter");
    let blocks = chapter.blocks();
    let diff = &blocks.iter().find(|block| block.language == "diff").expect("a diff").lines;
    let side = |mark: char| -> Vec<String> {
        diff.iter().filter(|l| l.starts_with([' ', mark])).map(|l| l[1..].to_owned()).collect()
    };
    let program = |name: &str| {
        let text = read(format!("examples/{name}.rs"));
        anchors(&text).0.remove("program").unwrap_or_else(|| panic!("{name} has ANCHOR: program"))
    };
    assert_eq!(side('-'), program("echo_async_std"));
    assert_eq!(side('+'), program("echo_smol"));
}

/// A page of the book.
struct Chapter {
    /// As links write it: the path below `book/src`.
    name: String,
    text: String,
}

struct Block {
    line: usize,
    language: String,
    lines: Vec<String>,
}

struct Include {
    line: usize,
    /// From the repository's root.
    path: PathBuf,
    anchor: Option<String>,
}

impl Chapter {
    /// All lines with their numbers, and whether they are code; fences count as code.
    fn lines(&self) -> impl Iterator<Item = (usize, &str, bool)> {
        let mut code = false;
        self.text.lines().enumerate().map(move |(n, line)| {
            let fence = line.starts_with("```");
            code ^= fence;
            (n + 1, line, code || fence)
        })
    }

    fn prose(&self) -> impl Iterator<Item = (usize, &str)> {
        self.lines().filter(|(.., code)| !code).map(|(n, line, _)| (n, line))
    }

    fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut open: Option<Block> = None;
        for (n, line) in self.text.lines().enumerate() {
            match (line.strip_prefix("```"), &mut open) {
                (Some(language), None) => {
                    open = Some(Block { line: n + 1, language: language.trim().into(), lines: Vec::new() });
                }
                (Some(_), Some(_)) => blocks.extend(open.take()),
                (None, Some(block)) => block.lines.push(line.into()),
                (None, None) => {}
            }
        }
        assert!(open.is_none(), "{}: a code block does not end", self.name);
        blocks
    }

    fn includes(&self) -> Vec<Include> {
        let mut includes = Vec::new();
        for (n, line) in self.text.lines().enumerate() {
            for piece in line.split("{{#").skip(1) {
                let (directive, _) = piece.split_once("}}").unwrap_or((piece, ""));
                let target = directive
                    .strip_prefix("include ")
                    .unwrap_or_else(|| panic!("{}:{}: {directive} is no include; write include", self.name, n + 1));
                let (path, anchor) = match target.split_once(':') {
                    Some((path, anchor)) => (path, Some(anchor.trim().to_owned())),
                    None => (target, None),
                };
                let path = normal(&Path::new("book/src").join(path.trim()));
                includes.push(Include { line: n + 1, path, anchor });
            }
        }
        includes
    }

    /// The targets of `[text](target)` outside of code.
    fn links(&self) -> Vec<(usize, String)> {
        let mut links = Vec::new();
        // A link's text may run over the end of a line, its target does not.
        for (n, line) in self.prose() {
            for piece in line.split("](").skip(1) {
                let (target, _) = piece.split_once(')').unwrap_or((piece, ""));
                links.push((n, target.to_owned()));
            }
        }
        links
    }

    /// The ids that mdBook gives to headings; the check of the rendered pages finds where this differs.
    fn heading_ids(&self) -> BTreeSet<String> {
        self.prose()
            .filter(|(_, line)| line.starts_with('#'))
            .map(|(_, line)| {
                let text = line.trim_start_matches('#').trim().to_lowercase();
                let text = text.chars().map(|c| if c.is_whitespace() { '-' } else { c });
                text.filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect()
            })
            .collect()
    }
}

impl Include {
    fn check(&self) -> Result<(), String> {
        let path = self.path.display();
        if !self.path.exists() {
            return Err(format!("{path} does not exist"));
        }
        if !is_compiled(&self.path) {
            return Err(format!("{path} is not compiled, nor generated"));
        }
        let text = read(&self.path);
        match &self.anchor {
            None if text.trim().is_empty() => Err(format!("{path} is empty")),
            None => Ok(()),
            Some(anchor) => match anchors(&text).0.get(anchor) {
                None => Err(format!("{path} has no ANCHOR: {anchor}")),
                Some(lines) if lines.iter().all(|line| line.trim().is_empty()) => {
                    Err(format!("{path}: ANCHOR: {anchor} is empty"))
                }
                Some(_) => Ok(()),
            },
        }
    }
}

/// Whether cargo builds it in some check, or one of the book's own generators wrote it.
fn is_compiled(path: &Path) -> bool {
    let parts: Vec<_> = path.iter().filter_map(|part| part.to_str()).collect();
    match parts.as_slice() {
        ["README.md"] => true,
        ["book", "src", "generated", name] => !name.ends_with(".rs"),
        ["examples", name] | ["tests", name] => name.ends_with(".rs"),
        ["core", "src", ..] => is_module(Path::new("core/src"), path),
        ["adapters", adapter, "src", ..] => is_module(&Path::new("adapters").join(adapter).join("src"), path),
        ["core", "tests", name] | ["adapters", _, "tests", name] => name.ends_with(".rs"),
        _ => false,
    }
}

/// Whether a file of a crate is reached from its `lib.rs`: the file above it says `mod`.
fn is_module(src: &Path, path: &Path) -> bool {
    if path == src.join("lib.rs") {
        return true;
    }
    let stem = |path: &Path| path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
    let folder = path.parent().unwrap_or(src);
    let (module, folder) = match stem(path).as_str() {
        "mod" => (stem(folder), folder.parent().unwrap_or(src)),
        name => (name.to_owned(), folder),
    };
    let parents =
        if folder == src { vec![src.join("lib.rs")] } else { vec![folder.join("mod.rs"), folder.with_extension("rs")] };
    parents.iter().filter(|parent| parent.exists()).any(|parent| {
        let declares = read(parent).lines().any(|line| {
            line.trim_end().strip_suffix(&format!("mod {module};")).is_some_and(|before| !before.contains("//"))
        });
        declares && is_module(src, parent)
    })
}

/// The lines of each ANCHOR, and what is wrong with the marks.
fn anchors(text: &str) -> (BTreeMap<String, Vec<String>>, Vec<String>) {
    let (mut done, mut faults) = (BTreeMap::new(), Vec::new());
    let mut open = BTreeMap::<String, Vec<String>>::new();
    for line in text.lines() {
        if let Some((_, name)) = line.split_once("ANCHOR_END:") {
            match open.remove(name.trim()) {
                Some(lines) => drop(done.insert(name.trim().to_owned(), lines)),
                None => faults.push(format!("ANCHOR_END: {} without a beginning", name.trim())),
            }
        } else if let Some((_, name)) = line.split_once("ANCHOR:") {
            let name = name.trim().to_owned();
            if done.contains_key(&name) || open.insert(name.clone(), Vec::new()).is_some() {
                faults.push(format!("ANCHOR: {name} twice"));
            }
        } else {
            open.values_mut().for_each(|lines| lines.push(line.to_owned()));
        }
    }
    faults.extend(open.into_keys().map(|name| format!("ANCHOR: {name} without an end")));
    (done, faults)
}

fn chapters() -> Vec<Chapter> {
    let mut names: Vec<_> =
        fs::read_dir("book/src").expect("the book").map(|e| e.expect("an entry").file_name()).collect();
    names.sort();
    let names = names.iter().filter_map(|name| name.to_str()).filter(|n| n.ends_with(".md") && *n != "SUMMARY.md");
    names.map(|name| Chapter { name: name.into(), text: read(Path::new("book/src").join(name)) }).collect()
}

/// All Rust of the repository but this file, which talks about anchors.
fn source_files() -> Vec<PathBuf> {
    fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if path.is_dir() && name != "target" && !name.starts_with('.') {
                walk(&path, files);
            } else if name.ends_with(".rs") {
                files.push(normal(&path));
            }
        }
    }
    let mut files = Vec::new();
    walk(Path::new("."), &mut files);
    files.retain(|path| path != Path::new("tests/book.rs"));
    files
}

/// The path without `.` and `..`.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(normal.pop()),
            part => normal.push(part),
        }
    }
    normal
}

fn read(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn none(faults: Vec<String>) {
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}
