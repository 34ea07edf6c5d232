//! Settings rule: each row of docs/SETTINGS.md names a test or a case that exists, and each ignored setting has a row.

use super::{Finding, SourceFile};

const DOCUMENT: &str = "docs/SETTINGS.md";
const IGNORED: &str = "crates/s3-core/src/sdk/profile/settings.rs";

pub(super) fn check(files: &[SourceFile]) -> Vec<Finding> {
    let Some(document) = files.iter().find(|file| file.path == DOCUMENT) else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    let mut is_table = false;
    for (number, line) in document.lines() {
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
        let mut names = tests.split('`').skip(1).step_by(2).peekable();
        if names.peek().is_none() {
            findings.push(document.finding(number, "the row names no test"));
        }
        for name in names.filter(|name| !is_test(name, files)) {
            let what = format!("names `{name}`, which is no test and no case");
            findings.push(document.finding(number, what));
        }
    }
    findings.extend(
        files
            .iter()
            .filter(|file| file.path == IGNORED)
            .flat_map(|code| {
                let missing =
                    ignored(code).filter(|(_, name)| !document.text.contains(&format!("`{name}`")));
                missing.map(|(number, name)| {
                    code.finding(number, format!("{DOCUMENT} has no row for `{name}`"))
                })
            }),
    );
    findings
}

/// The last cell of a table's row.
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

/// Returns whether the function is there, and the line before it is an attribute that makes it a test.
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

/// The names in the lists of ignored settings, with their lines.
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
            lines(&check(&[document, code])),
            [
                "docs/SETTINGS.md:1: the last column of a table is `test`".to_owned(),
                format!("{IGNORED}:2: docs/SETTINGS.md has no row for `AWS_X`"),
            ]
        );
    }
}
