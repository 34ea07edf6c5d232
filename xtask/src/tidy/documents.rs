//! Document rules: checks that tests, files, types and commands in documents exist, and that error kinds are explained.
//!
//! A document that does not exist is not checked.

use std::collections::HashSet;

use super::{Finding, SourceFile};

/// Commands that the README must show, because readers type them first.
const README_COMMANDS: [&str; 2] = ["cargo run --example tour", "cargo xtask test"];

const ARCHITECTURE: &str = "docs/ARCHITECTURE.md";
const SEMANTICS: &str = "docs/SEMANTICS.md";
const FEATURES: &str = "docs/FEATURES.md";

/// Documents that name tests, vectors and source files.
const WITH_NAMES: [&str; 5] = [
    ARCHITECTURE,
    SEMANTICS,
    "docs/TESTING.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
];

pub(super) fn check(files: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(readme) = find(files, "README.md") {
        findings.extend(commands(readme));
    }
    if let Some(semantics) = find(files, SEMANTICS) {
        findings.extend(deviations(semantics, files));
    }
    if let Some(features) = find(files, FEATURES) {
        findings.extend(feature_rows(features, files));
    }
    for document in WITH_NAMES {
        if let Some(document) = find(files, document) {
            findings.extend(names_in_prose(document, files));
        }
    }
    if let Some(architecture) = find(files, ARCHITECTURE) {
        findings.extend(types(architecture, files));
    }
    if let Some(mutants) = find(files, ".cargo/mutants.toml") {
        findings.extend(mutated_files(mutants, files));
    }
    if let Some(errors) = find(files, "docs/ERRORS.md") {
        findings.extend(error_kinds(errors, files));
    }
    findings
}

fn find<'files>(files: &'files [SourceFile], path: &str) -> Option<&'files SourceFile> {
    files.iter().find(|file| file.path == path)
}

fn commands(readme: &SourceFile) -> Vec<Finding> {
    README_COMMANDS
        .into_iter()
        .filter(|command| !readme.text.lines().any(|line| line.trim() == *command))
        .map(|command| readme.finding(1, format!("has to show `{command}` on a line of its own")))
        .collect()
}

/// Checks that the last column of each numbered row names existing tests or vectors.
fn deviations(semantics: &SourceFile, files: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in semantics.lines() {
        let Some((row, shown_by)) = numbered_row(line) else {
            continue;
        };
        if shown_by.chars().all(|c| !c.is_alphanumeric()) {
            let what = format!("row {row} has to name the test or vector that shows it");
            findings.push(semantics.finding(number, what));
        }
        for name in code_spans(shown_by).filter(|name| !is_known(name, files)) {
            let what = format!("row {row} names `{name}`, which no test and no vector is called");
            findings.push(semantics.finding(number, what));
        }
    }
    findings
}

/// Checks a table of features: if the second cell says that the client has the feature, the third names its tests. The
/// client must have a feature that all other clients have.
fn feature_rows(features: &SourceFile, files: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in features.lines() {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let [_, feature, ours, tests, others @ .., _, _] = &cells[..] else {
            continue;
        };
        match *ours {
            "yes" => {
                let mut names = code_spans(tests).peekable();
                if names.peek().is_none() {
                    let what = format!("the feature {feature:?} names no test");
                    findings.push(features.finding(number, what));
                }
                for name in names.filter(|name| !is_known(name, files)) {
                    let what = format!("the feature {feature:?} names `{name}`, which is no test");
                    findings.push(features.finding(number, what));
                }
            }
            "no" if others.iter().all(|other| *other != "no") => {
                let what = format!("all other clients have the feature {feature:?}");
                findings.push(features.finding(number, what));
            }
            _ => {}
        }
    }
    findings
}

/// Checks that tests, vectors and source files that a document names exist. They are recognised by their form: names in
/// code have fewer underscores than names of tests.
fn names_in_prose(document: &SourceFile, files: &[SourceFile]) -> Vec<Finding> {
    let is_name = |name: &&str| {
        let is_word = |c: char| c == '_' || c.is_ascii_lowercase() || c.is_ascii_digit();
        let is_sentence = name.matches('_').count() >= 3 && name.chars().all(is_word);
        let is_vector = name.rsplit_once('-').is_some_and(|(group, number)| {
            let is_number = number.len() == 3 && number.bytes().all(|byte| byte.is_ascii_digit());
            is_number && group.chars().all(is_word)
        });
        is_sentence || is_vector || name.starts_with("own-") || name.ends_with(".rs")
    };
    // `deviations` checks the numbered rows.
    let is_checked = |line: &str| document.path == SEMANTICS && numbered_row(line).is_some();
    document
        .lines()
        .filter(|(_, line)| !is_checked(line))
        .flat_map(|(number, line)| code_spans(line).map(move |name| (number, name)))
        .filter(|(_, name)| is_name(name) && !is_known(name, files))
        .map(|(number, name)| {
            document.finding(
                number,
                format!("names `{name}`, which is no test, vector or file"),
            )
        })
        .collect()
}

/// Checks that the types that the document names occur in a source.
fn types(document: &SourceFile, files: &[SourceFile]) -> Vec<Finding> {
    let sources = files.iter().filter(|file| file.path.ends_with(".rs"));
    let known: HashSet<_> = sources.flat_map(|file| words(&file.text)).collect();
    let is_type = |name: &&str| {
        name.starts_with(|c: char| c.is_ascii_uppercase())
            && name.contains(|c: char| c.is_ascii_lowercase())
            && name.chars().all(char::is_alphanumeric)
    };
    document
        .lines()
        .flat_map(|(number, line)| code_spans(line).map(move |name| (number, name)))
        .map(|(number, name)| (number, name.rsplit("::").next().unwrap_or(name)))
        .filter(|(_, name)| is_type(name) && !known.contains(name))
        .map(|(number, name)| document.finding(number, format!("no source has the type `{name}`")))
        .collect()
}

/// Checks that the source files that `cargo mutants` selects exist: it would ignore missing files silently.
fn mutated_files(mutants: &SourceFile, files: &[SourceFile]) -> Vec<Finding> {
    mutants
        .lines()
        .filter_map(|(number, line)| Some((number, line.split('"').nth(1)?)))
        .filter(|(_, path)| path.ends_with(".rs") && find(files, path).is_none())
        .map(|(number, path)| mutants.finding(number, format!("there is no file `{path}`")))
        .collect()
}

/// Returns the number and the last cell of a table row such as `| 7 | … | … |`.
fn numbered_row(line: &str) -> Option<(u32, &str)> {
    let inner = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    let row = inner.split('|').next()?.trim().parse().ok()?;
    let last = inner.rsplit('|').next()?.trim();
    Some((row, last))
}

fn code_spans(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// Returns whether the name is that of a file, a function (the last segment of `module::name`), a group of tests that a
/// macro defines, a vector or a group of vectors.
fn is_known(name: &str, files: &[SourceFile]) -> bool {
    let last = name.rsplit("::").next().unwrap_or(name);
    let function = format!("fn {last}(");
    let (suite, vector) = (format!("!({last},"), format!("\"{name}"));
    files.iter().any(|file| {
        let (is_source, is_vectors) = (file.path.ends_with(".rs"), file.path.ends_with(".jsonl"));
        file.path.ends_with(name)
            || is_source
                && [&function, &suite]
                    .iter()
                    .any(|made| file.text.contains(*made))
            || is_vectors && file.text.contains(&vector)
    })
}

/// Checks that every variant of every `ErrorKind` is explained.
fn error_kinds(errors: &SourceFile, files: &[SourceFile]) -> Vec<Finding> {
    files
        .iter()
        .filter(|file| file.path.ends_with(".rs"))
        .flat_map(|file| variants(&file.text))
        .filter(|variant| !has_word(&errors.text, variant))
        .map(|variant| errors.finding(1, format!("does not explain `ErrorKind::{variant}`")))
        .collect()
}

/// Returns the variants of `pub enum ErrorKind` as rustfmt formats them; empty if the source does not define it.
fn variants(source: &str) -> Vec<&str> {
    source
        .lines()
        .skip_while(|line| !line.starts_with("pub enum ErrorKind {"))
        .skip(1)
        .take_while(|line| *line != "}")
        .filter_map(|line| line.strip_prefix("    "))
        .filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()))
        .filter_map(|line| line.split(|c: char| !c.is_alphanumeric()).next())
        .collect()
}

fn has_word(text: &str, word: &str) -> bool {
    words(text).any(|part| part == word)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{file, lines};
    use super::*;

    #[test]
    fn a_missing_document_is_not_a_finding() {
        assert_eq!(
            check(&[file("a.rs", "pub enum ErrorKind {\n    Denied,\n}\n")]),
            []
        );
    }

    #[test]
    fn the_readme_shows_the_commands() {
        let readme = file(
            "README.md",
            "```sh\ncargo xtask test\n```\n`cargo run --example tour`\n",
        );
        assert_eq!(
            lines(&check(&[readme])),
            ["README.md:1: has to show `cargo run --example tour` on a line of its own"]
        );
    }

    #[test]
    fn a_deviation_names_its_tests() {
        let table = "| # | what | shown by |\n|---|---|---|\n\
                     | 1 | a | `ranges::negative` |\n\
                     | 2 | b | — |\n\
                     | 3 | c | `gone` |\n\
                     | 4 | d | `q-12`, `tests/model.rs` |\n\
                     | 5 | e |  |\n";
        let files = [
            file("docs/SEMANTICS.md", table),
            file("tests/ranges.rs", "fn negative() {}\n"),
            file("tests/model.rs", "\n"),
            file("tests/vectors/quirks.jsonl", "{\"id\": \"q-12\"}\n"),
        ];
        assert_eq!(
            lines(&check(&files)),
            [
                "docs/SEMANTICS.md:4: row 2 has to name the test or vector that shows it",
                "docs/SEMANTICS.md:5: row 3 names `gone`, which no test and no vector is called",
                "docs/SEMANTICS.md:7: row 5 has to name the test or vector that shows it",
            ]
        );
    }

    #[test]
    fn a_feature_names_its_tests_and_none_is_missing_alone() {
        let table = "| feature | s3-client | test | a | b | named by |\n|---|---|---|---|---|---|\n\
                     | versions | yes | `a_version_is_read` | yes | no | a |\n\
                     | tags | yes | `gone` | no | no | |\n\
                     | listings | yes | | yes | yes | |\n\
                     | select | no | | yes | in part | |\n\
                     | forms | no | | yes | no | |\n";
        let files = [
            file(FEATURES, table),
            file("tests/a.rs", "fn a_version_is_read() {}\n"),
        ];
        assert_eq!(
            lines(&check(&files)),
            [
                "docs/FEATURES.md:4: the feature \"tags\" names `gone`, which is no test",
                "docs/FEATURES.md:5: the feature \"listings\" names no test",
                "docs/FEATURES.md:6: all other clients have the feature \"select\"",
            ]
        );
    }

    #[test]
    fn a_test_that_the_prose_names_is_there() {
        let text = "`a_test_that_is_here` and `a_test_that_is_gone`; not `max_part_size`, nor `FOUR_WORDS_OF_CODE`.\n";
        for document in WITH_NAMES {
            let files = [
                file(document, text),
                file(
                    "tests/a.rs",
                    "// a_test_that_is_gone\nfn a_test_that_is_here() {}\n",
                ),
            ];
            let found = check(&files);
            let what = format!(
                "{document}:1: names `a_test_that_is_gone`, which is no test, vector or file"
            );
            assert_eq!(lines(&found), [what]);
        }
    }

    #[test]
    fn a_type_that_the_architecture_names_is_there() {
        let files = [
            file(ARCHITECTURE, "| 1 | `Here`, `wire::Gone` |\n`If-Match`\n"),
            file("crates/a.rs", "struct Here;\n"),
        ];
        assert_eq!(
            lines(&check(&files)),
            ["docs/ARCHITECTURE.md:1: no source has the type `Gone`"]
        );
    }

    #[test]
    fn files_selected_for_mutants_are_there() {
        let selection = "globs = [\n    \"src/here.rs\",\n    \"src/gone.rs\",\n]\n";
        let files = [
            file(".cargo/mutants.toml", selection),
            file("src/here.rs", "\n"),
        ];
        assert_eq!(
            lines(&check(&files)),
            [".cargo/mutants.toml:3: there is no file `src/gone.rs`"]
        );
    }

    #[test]
    fn every_error_kind_is_explained() {
        let source = "#[derive(Debug)]\npub enum ErrorKind {\n    /// No such key.\n    NotFound,\n\
                      \x20   Denied {\n        code: u16,\n    },\n    Other(u8),\n}\n\nfn Last() {}\n";
        assert_eq!(variants(source), ["NotFound", "Denied", "Other"]);
        let files = [
            file(
                "docs/ERRORS.md",
                "`NotFound`: no such key; `Denied`. Others.\n",
            ),
            file("crates/s3-core/src/error/kind.rs", source),
        ];
        assert_eq!(
            lines(&check(&files)),
            ["docs/ERRORS.md:1: does not explain `ErrorKind::Other`"]
        );
    }
}
