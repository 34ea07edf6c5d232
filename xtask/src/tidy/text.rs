//! Text rules: vague file names, line ends, and texts that exist on one machine only, such as absolute paths.

use super::{Finding, SourceFile};

/// File names that do not describe the content.
const VAGUE_NAMES: [&str; 4] = ["utils.rs", "helpers.rs", "common.rs", "types.rs"];

/// Texts that only make sense on the machine where they were written: absolute paths, paths outside of the repository,
/// hosts that a registry client contacts.
///
/// Each is concatenated from two halves, so that this file does not match.
const FOREIGN: [&str; 6] = [
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("../sha", "red"),
    concat!("index.cra", "tes.io"),
    concat!("static.cra", "tes.io"),
    concat!("files.python", "hosted.org"),
];

pub(super) fn check(file: &SourceFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    if VAGUE_NAMES.contains(&file.name()) {
        findings.push(file.finding(1, "name the file by the concept that it holds"));
    }
    // Recorded responses and configurations are not edited.
    let recorded = file.path.starts_with("tests/cases") && !file.path.ends_with(".json");
    if recorded && !file.path.ends_with(".md") {
        return findings;
    }
    findings.extend(line_ends(file));
    // Recorded keys may contain any text.
    if !file.path.ends_with(".jsonl") {
        findings.extend(foreign(file));
    }
    findings
}

fn line_ends(file: &SourceFile) -> Vec<Finding> {
    let mut findings: Vec<_> = (1..)
        .zip(file.text.split('\n'))
        .filter(|(_, line)| line.ends_with(char::is_whitespace))
        .map(|(number, _)| file.finding(number, "trailing whitespace"))
        .collect();
    let last = file.text.lines().count();
    if !file.text.is_empty() && !file.text.ends_with('\n') {
        findings.push(file.finding(last, "the file has to end in a newline"));
    }
    if file.text.ends_with("\n\n") {
        findings.push(file.finding(
            last,
            "the file has to end in one newline, not in blank lines",
        ));
    }
    findings
}

fn foreign(file: &SourceFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in file.lines() {
        for pattern in FOREIGN {
            if stands_alone(line, pattern) {
                findings.push(file.finding(number, format!("`{pattern}` is not of this product")));
            }
        }
    }
    findings
}

/// Returns whether the pattern occurs outside of a longer path, in which it may be part of a key.
fn stands_alone(line: &str, pattern: &str) -> bool {
    line.match_indices(pattern).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        !pattern.starts_with('/')
            || !before.is_some_and(|c| c.is_alphanumeric() || "/}>_-.".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{file, lines};
    use super::*;

    #[test]
    fn vague_names_are_found() {
        assert_eq!(
            lines(&check(&file("crates/s3-core/src/utils.rs", ""))),
            ["crates/s3-core/src/utils.rs:1: name the file by the concept that it holds"]
        );
        assert_eq!(check(&file("crates/s3-core/src/my_utils.rs", "")), []);
    }

    #[test]
    fn line_ends_are_found() {
        let found = |text: &str| lines(&check(&file("a", text)));
        assert_eq!(found("a\n\nb\n"), [""; 0]);
        assert_eq!(found(""), [""; 0]);
        assert_eq!(found("a\nb \n"), ["a:2: trailing whitespace"]);
        assert_eq!(found("a\r\n"), ["a:1: trailing whitespace"]);
        assert_eq!(found("a\nb"), ["a:2: the file has to end in a newline"]);
        assert_eq!(
            found("a\n\n"),
            ["a:2: the file has to end in one newline, not in blank lines"]
        );
    }

    #[test]
    fn a_path_of_one_machine_is_found() {
        let [work, root, ..] = FOREIGN;
        let check_line = |line: String| check(&file("a.md", &line)).len();
        assert_eq!(check_line(format!("see `{work}main`\n")), 1);
        assert_eq!(check_line(format!("{root}x\n")), 1);
        assert_eq!(check_line(format!("s3://bucket{root}a\n")), 0);
        assert_eq!(
            check_line("the root/ of the work/ of others\n".to_owned()),
            0
        );
        assert_eq!(check(&file("a.jsonl", &format!("\"{root}a\"\n"))), []);
    }
}
