//! Manifest rules: checks that the members' `Cargo.toml` inherit versions and lints from the workspace.
//!
//! The manifests are parsed line by line: a TOML parser would be a third dependency for two rules.

use super::{Finding, SourceFile};

pub(super) fn check(file: &SourceFile) -> Vec<Finding> {
    // A package with this table is its own workspace and cannot inherit from ours.
    if file.text.lines().any(|line| line == "[workspace]") {
        return Vec::new();
    }
    let mut findings = own_versions(file);
    if !takes_lints(file) {
        findings.push(file.finding(
            1,
            "has to take the lints of the workspace: `[lints] workspace = true`",
        ));
    }
    findings
}

/// Finds dependencies without `workspace = true`.
fn own_versions(file: &SourceFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut in_dependencies = false;
    let mut depth = 0;
    for (number, line) in file.lines() {
        let line = line.trim();
        let continues = depth > 0;
        depth += nesting(line);
        if let Some(section) = section(line).filter(|_| !continues) {
            in_dependencies = section.ends_with("dependencies");
            if section.contains("dependencies.") {
                findings.push(file.finding(number, "write the dependency on one line"));
            }
        } else if in_dependencies && !continues && !from_workspace(line) {
            let name = line.split(['=', '.', ' ']).next().unwrap_or(line);
            let what =
                format!("{name} needs `workspace = true`: versions live in the root manifest");
            findings.push(file.finding(number, what));
        }
    }
    findings
}

/// Returns the name of the table if the line is a table header.
fn section(line: &str) -> Option<&str> {
    line.strip_prefix('[')?.split(']').next()
}

/// Returns the number of brackets that the line leaves open; negative if it closes more.
fn nesting(line: &str) -> i32 {
    line.chars()
        .map(|c| match c {
            '[' | '{' => 1,
            ']' | '}' => -1,
            _ => 0,
        })
        .sum()
}

fn from_workspace(line: &str) -> bool {
    line.is_empty() || line.starts_with('#') || line.contains("workspace = true")
}

fn takes_lints(file: &SourceFile) -> bool {
    let mut lines = file
        .text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty());
    while let Some(line) = lines.next() {
        if line == "lints.workspace = true" {
            return true;
        }
        if line == "[lints]" {
            return lines.next() == Some("workspace = true");
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::super::tests::{file, lines};
    use super::*;

    const LINTS: &str = "[lints]\nworkspace = true\n";

    fn found(text: &str) -> Vec<String> {
        lines(&check(&file("a/Cargo.toml", text)))
    }

    #[test]
    fn a_workspace_of_its_own_holds_its_own_versions() {
        let member = "[package]\n[dependencies]\nbytes = \"1\"\n";
        assert_eq!(found(member).len(), 2);
        assert_eq!(found(&format!("{member}[workspace]\n")), [""; 0]);
    }

    #[test]
    fn the_workspace_holds_versions() {
        let good = "[dependencies]\n# Why.\nbytes.workspace = true\n\
                    tokio = { workspace = true, features = [\n  \"rt\",\n] }\n\
                    [features]\ndefault = [\"sdk\"]\n";
        assert_eq!(found(&format!("{LINTS}{good}")), [""; 0]);
        for header in [
            "dependencies",
            "dev-dependencies",
            "target.'cfg(unix)'.dependencies",
        ] {
            let text = format!("{LINTS}[{header}]\nbytes = \"1\"\n");
            let expected = "a/Cargo.toml:4: bytes needs `workspace = true`: versions live in the root manifest";
            assert_eq!(found(&text), [expected], "{header}");
        }
    }

    #[test]
    fn a_dependency_is_one_line() {
        let text = format!("{LINTS}[dependencies.tokio]\nversion = \"1\"\n");
        assert_eq!(
            found(&text),
            ["a/Cargo.toml:3: write the dependency on one line"]
        );
    }

    #[test]
    fn the_lints_are_the_workspaces() {
        let expected = "a/Cargo.toml:1: has to take the lints of the workspace: \
                        `[lints] workspace = true`";
        assert_eq!(found("[package]\n"), [expected]);
        assert_eq!(found("[package]\nlints.workspace = true\n"), [""; 0]);
        assert_eq!(found("[lints]\nrust = {}\n"), [expected]);
    }
}
