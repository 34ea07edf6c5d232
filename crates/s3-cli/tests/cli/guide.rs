//! The commands of docs/guide, typed as they are written there.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::harness::{Harness, Ran};
use crate::serving::Serving;

const GUIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guide");

/// A line that starts with `$ `, and the lines behind it.
struct Typed {
    command: String,
    expected: String,
}

/// Returns the commands of all blocks that are marked `console`.
fn commands(page: &str) -> Vec<Typed> {
    let mut typed: Vec<Typed> = Vec::new();
    let mut is_inside = false;
    for line in page.lines() {
        match (is_inside, line) {
            (false, "```console") => is_inside = true,
            (true, "```") => is_inside = false,
            (false, _) => {}
            (true, line) => match (line.strip_prefix("$ "), typed.last_mut()) {
                (Some(command), _) => typed.push(Typed {
                    command: command.to_owned(),
                    expected: String::new(),
                }),
                (None, Some(last)) => last.expected += &format!("{line}\n"),
                (None, None) => panic!("{line:?} is before the first command"),
            },
        }
    }
    typed
}

fn type_page(name: &str, served: &[&str]) {
    let harness = Harness::new();
    let serving = Serving::start(&harness, served);
    let page = std::fs::read_to_string(Path::new(GUIDE).join(name)).expect("the page");
    let typed = commands(&page);
    assert!(typed.len() > 10, "{name} has {} commands", typed.len());
    let mfs3 = harness.command(&[]);
    let binary = Path::new(mfs3.get_program())
        .parent()
        .expect("it is in a directory");
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", binary.display());
    for Typed { command, expected } in typed {
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &command])
            .env_clear()
            .envs(
                mfs3.get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            )
            .envs(serving.settings.iter().cloned())
            .env("PATH", &path)
            .current_dir(harness.path(""))
            .stdin(Stdio::null());
        let ran = Ran::of(shell.output().expect("sh runs"));
        let is_as_written = ran.code == Some(0) && ran.err.is_empty() && ran.out == expected;
        assert!(is_as_written, "{name}: {command}\n{expected}\n{ran:?}");
    }
}

#[test]
fn the_tutorial_is_typed_as_written() {
    type_page("tutorial.md", &["buckets"]);
}

#[test]
fn the_cookbook_is_typed_as_written() {
    type_page("cookbook.md", &[]);
}

#[test]
fn every_page_is_in_the_summary_and_there() {
    let summary = std::fs::read_to_string(Path::new(GUIDE).join("SUMMARY.md")).expect("a summary");
    let mut named: Vec<_> = summary
        .lines()
        .filter_map(|line| line.split_once("](")?.1.strip_suffix(')'))
        .map(str::to_owned)
        .collect();
    named.sort_unstable();
    let entries = std::fs::read_dir(GUIDE).expect("the guide");
    let mut pages: Vec<_> = entries
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .filter(|name| name.ends_with(".md") && name != "SUMMARY.md")
        .collect();
    pages.sort_unstable();
    assert_eq!(named, pages);
}

#[test]
fn every_test_that_the_list_of_demands_names_exists() {
    let page = std::fs::read_to_string(Path::new(GUIDE).join("demands.md")).expect("the page");
    let rows: Vec<_> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| "))
        .filter(|line| line.starts_with(|first: char| first.is_ascii_digit()))
        .collect();
    // As many as the list has; each names a test or the reason for its absence.
    assert_eq!(rows.len(), 20);
    for row in &rows {
        assert!(row.contains("::") || row.contains("not done: "), "{row}");
    }
    let names: Vec<_> = page
        .split('`')
        .filter(|word| word.contains("::") && !word.contains(' '))
        .collect();
    assert!(names.len() > 25, "{}", names.len());
    let crates = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("crates");
    let mut sources = Vec::new();
    for folder in ["s3-cli", "s3-client/src", "s3-transfer/src"] {
        read_all(&crates.join(folder), &mut sources);
    }
    for name in names {
        // `sync::local_walk::tests::…` is in local_walk.rs.
        let mut path = name.rsplit("::");
        let test = path.next().expect("there is one");
        let module = path.find(|module| *module != "tests").expect("a module");
        let is_there = |(file, source): &(String, String)| {
            let Some((before, _)) = source.split_once(&format!("fn {test}(")) else {
                return false;
            };
            let marked = before.rsplit("\n\n").next().unwrap_or_default();
            file == module && (marked.contains("test]") || marked.contains("test("))
        };
        assert!(sources.iter().any(is_there), "there is no test {name}");
    }
}

/// Adds the names of all sources without `.rs`, and their texts.
fn read_all(directory: &Path, sources: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            read_all(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            // `tests.rs` has the tests of its directory's module.
            let module = match path.file_name().is_some_and(|name| name == "tests.rs") {
                true => directory,
                false => &path,
            };
            let name = module.file_stem().expect("a name").to_string_lossy();
            let text = std::fs::read_to_string(&path).expect("a source");
            sources.push((name.into_owned(), text));
        }
    }
}
