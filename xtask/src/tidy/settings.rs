//! Settings rule: checks that each row of docs/SETTINGS.md names an existing test or case, and that its table of
//! ignored settings equals the lists in the code.

use super::{Finding, SourceFile};

const DOCUMENT: &str = "docs/SETTINGS.md";
const IGNORED: &str = "crates/s3-core/src/sdk/profile/settings.rs";

pub(super) fn check(files: &[SourceFile]) -> Vec<Finding> {
    let Some(document) = files.iter().find(|file| file.path == DOCUMENT) else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    let code = files.iter().find(|file| file.path == IGNORED);
    let listed: Vec<&str> = code
        .into_iter()
        .flat_map(ignored)
        .map(|(_, name)| name)
        .collect();
    let (mut is_table, mut is_ignored) = (false, false);
    for (number, line) in document.lines() {
        if line.starts_with("## ") {
            is_ignored = line == "## Ignored";
        }
        let Some(tests) = last_cell(line) else {
            is_table = false;
            continue;
        };
        if !std::mem::replace(&mut is_table, true) {
            if tests != "test" {
                findings.push(document.finding(number, "the last column of a table is `test`"));
            }
            continue;
        }
        if tests.starts_with("---") {
            continue;
        }
        if is_ignored {
            let unlisted = settings(line).filter(|name| !listed.contains(name));
            findings.extend(unlisted.map(|name| {
                document.finding(number, format!("`{name}` is not in a list of {IGNORED}"))
            }));
        }
        let mut names = tests.split('`').skip(1).step_by(2).peekable();
        if names.peek().is_none() {
            findings.push(document.finding(number, "the row names no test"));
        }
        for name in names.filter(|name| !is_test(name, files)) {
            let what = format!("names `{name}`, which is no test and no case");
            findings.push(document.finding(number, what));
        }
    }
    findings.extend(code.into_iter().flat_map(|code| {
        let missing =
            ignored(code).filter(|(_, name)| !document.text.contains(&format!("`{name}`")));
        missing.map(|(number, name)| {
            code.finding(number, format!("{DOCUMENT} has no row for `{name}`"))
        })
    }));
    findings
}

/// Returns the variables and properties of a row, except `s3`, which only contains others.
fn settings(row: &str) -> impl Iterator<Item = &str> {
    let cells = row.split('|').skip(1).take(2);
    let names = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    names.filter(|name| *name != "s3")
}

/// Returns the last cell of a table row.
fn last_cell(line: &str) -> Option<&str> {
    let inner = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    Some(inner.rsplit('|').next().unwrap_or(inner).trim())
}

/// Returns whether a folder of tests/cases or a test function has this name.
fn is_test(name: &str, files: &[SourceFile]) -> bool {
    let case = format!("tests/cases/{name}/case.json");
    let function = format!("fn {name}(");
    files.iter().any(|file| {
        file.path == case || file.path.ends_with(".rs") && is_test_function(&file.text, &function)
    })
}

/// Returns whether the function exists and has a test attribute on the line before it.
fn is_test_function(text: &str, function: &str) -> bool {
    let mut before = "";
    for line in text.lines().map(str::trim) {
        if line.contains(function) && before.starts_with("#[") && before.contains("test") {
            return true;
        }
        before = line;
    }
    false
}

/// Returns the names in the lists of ignored settings, with their line numbers.
fn ignored(code: &SourceFile) -> impl Iterator<Item = (usize, &str)> {
    let mut is_list = false;
    code.lines().filter_map(move |(number, line)| {
        is_list = match line {
            "];" => false,
            _ => is_list || line.contains("const IGNORED_"),
        };
        let name = line.trim().strip_prefix('"')?.strip_suffix("\",")?;
        is_list.then_some((number, name))
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{file, lines};
    use super::*;

    #[test]
    fn rows_name_tests_that_exist() {
        let table = |cell: &str| {
            let text = format!("| variable | test |\n|---|---|\n| `A` | {cell} |\n");
            let case = file("tests/cases/a-case/case.json", "{}");
            let code = file("x.rs", "#[test]\nfn a_test() {}\n\nfn no_test() {}\n");
            lines(&check(&[file(DOCUMENT, &text), case, code]))
        };
        assert!(table("`a_test`, `a-case`").is_empty());
        assert_eq!(table(""), ["docs/SETTINGS.md:3: the row names no test"]);
        for name in ["no_test", "other-case"] {
            let finding =
                format!("docs/SETTINGS.md:3: names `{name}`, which is no test and no case");
            assert_eq!(table(&format!("`{name}`")), [finding]);
        }
    }

    #[test]
    fn a_table_has_a_column_of_tests_and_ignored_settings_have_rows() {
        let document = file(DOCUMENT, "| variable | why |\n|---|---|\n");
        let code = file(
            IGNORED,
            "const IGNORED_X: &[&str] = &[\n    \"AWS_X\",\n];\n",
        );
        assert_eq!(
            lines(&check(&[document, code.clone()])),
            [
                "docs/SETTINGS.md:1: the last column of a table is `test`".to_owned(),
                format!("{IGNORED}:2: docs/SETTINGS.md has no row for `AWS_X`"),
            ]
        );
        let rows = "| `AWS_X` | `s3` with `y` | no | `a_test` |\n";
        let table = "| variable | profile | why | test |\n|---|---|---|---|\n";
        let honoured = format!("## Honoured\n\n{table}| `AWS_Z` | | | `a_test` |\n");
        let document = file(
            DOCUMENT,
            &format!("{honoured}\n## Ignored\n\n{table}{rows}"),
        );
        let tests = file("x.rs", "#[test]\nfn a_test() {}\n");
        assert_eq!(
            lines(&check(&[document, code, tests])),
            [format!(
                "docs/SETTINGS.md:11: `y` is not in a list of {IGNORED}"
            )]
        );
    }
}
