//! Rust rules: module docs come first, no unfinished code, no items in `lib.rs` and `mod.rs`, no sleeping outside of
//! the engine.

use super::{Finding, SourceFile};

/// Texts that must not occur in any source. Each is concatenated from two halves, so that this file does not match.
const UNFINISHED: [(&str, &str); 5] = [
    (concat!("to", "do!("), "finish it or leave it out"),
    (concat!("unimple", "mented!("), "finish it or leave it out"),
    (concat!("db", "g!("), "remove what was for debugging"),
    (
        concat!("#[ig", "nore"),
        "assert a known defect as it is instead of not running the test",
    ),
    (
        concat!("should_", "panic"),
        "assert the error instead of a panic",
    ),
];

/// Beginnings of items that belong into their own file.
const ITEMS: [&str; 6] = ["fn ", "impl ", "impl<", "struct ", "enum ", "trait "];

/// Keywords that may precede an item.
const QUALIFIERS: [&str; 6] = [
    "pub ",
    "pub(crate) ",
    "pub(super) ",
    "async ",
    "const ",
    "unsafe ",
];

pub(super) fn check(file: &SourceFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !file.text.starts_with("//!") {
        findings.push(file.finding(1, "the file has to start with `//!`: say what it is for"));
    }
    findings.extend(unfinished(file));
    if matches!(file.name(), "lib.rs" | "mod.rs") {
        findings.extend(items_at_the_door(file));
    }
    if !may_sleep(file) {
        findings.extend(sleeps(file));
    }
    findings
}

fn unfinished(file: &SourceFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in file.lines() {
        for (pattern, advice) in UNFINISHED {
            if line.contains(pattern) {
                findings.push(file.finding(number, format!("`{pattern}`: {advice}")));
            }
        }
    }
    findings
}

/// Finds items in `lib.rs` and `mod.rs`, which may contain only docs, modules and re-exports.
fn items_at_the_door(file: &SourceFile) -> Vec<Finding> {
    product_lines(file)
        .filter(|(_, line)| is_item(line))
        .map(|(number, _)| {
            let what = "only docs, `mod` and `use` here: the item has a file of its own";
            file.finding(number, what)
        })
        .collect()
}

/// Returns whether the line begins an item. rustfmt does not indent items at the top level.
fn is_item(line: &str) -> bool {
    let mut rest = line;
    while let Some(shorter) = QUALIFIERS.iter().find_map(|word| rest.strip_prefix(word)) {
        rest = shorter;
    }
    ITEMS.iter().any(|item| rest.starts_with(item))
}

/// Returns whether the file may sleep: waits between attempts belong to the engine; servers and tests may wait too.
fn may_sleep(file: &SourceFile) -> bool {
    file.path.starts_with("crates/s3-transfer/")
        || file.path.starts_with("crates/s3-server/")
        || file.path.starts_with("crates/s3-testkit/")
        || file.path.starts_with("crates/s3-bench/")
        || file.is_below("tests")
        || file.is_below("benches")
        // Unit tests that are long enough for their own file.
        || file.path.ends_with("/tests.rs")
}

fn sleeps(file: &SourceFile) -> Vec<Finding> {
    product_lines(file)
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .filter(|(_, line)| {
            line.contains(concat!("time::sl", "eep"))
                || line.contains(concat!("thread::sl", "eep"))
                || (line.contains("use tokio::time::{") && line.contains(concat!("sl", "eep")))
        })
        .map(|(number, _)| file.finding(number, "only s3-transfer and test code wait"))
        .collect()
}

/// Returns the lines before the unit tests, which are at the end of a file.
pub(super) fn product_lines(file: &SourceFile) -> impl Iterator<Item = (usize, &str)> {
    file.lines()
        .take_while(|(_, line)| !line.starts_with("mod tests {"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{file, lines};
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        lines(&check(&file(path, text)))
    }

    #[test]
    fn module_docs_come_first() {
        assert_eq!(found("a.rs", "//! Ranges.\n"), [""; 0]);
        assert_eq!(
            found("a.rs", "use std::fmt;\n"),
            ["a.rs:1: the file has to start with `//!`: say what it is for"]
        );
    }

    #[test]
    fn unfinished_code_is_found_with_its_line() {
        for (pattern, advice) in UNFINISHED {
            let text = format!("//! A.\nfn a() {{\n    {pattern})]\n}}\n");
            assert_eq!(
                found("a.rs", &text),
                [format!("a.rs:3: `{pattern}`: {advice}")]
            );
        }
    }

    #[test]
    fn lib_and_mod_hold_no_items() {
        let door = "//! A.\n//! fn in prose\n\nmod b;\npub use b::fn_like;\npub mod impls {}\n";
        assert_eq!(found("crates/a/src/lib.rs", door), [""; 0]);
        for item in [
            "fn a() {}",
            "pub const fn a() {}",
            "pub(crate) async fn a() {}",
            "impl A {}",
        ] {
            let text = format!("//! A.\n{item}\n");
            let expected =
                "x/mod.rs:2: only docs, `mod` and `use` here: the item has a file of its own";
            assert_eq!(found("x/mod.rs", &text), [expected], "{item}");
            assert_eq!(found("x/other.rs", &text), [""; 0], "{item}");
        }
        let tested = "//! A.\n#[cfg(test)]\nmod tests {\n    fn a() {}\n}\n";
        assert_eq!(found("x/lib.rs", tested), [""; 0]);
    }

    #[test]
    fn only_the_engine_and_tests_wait() {
        let call = concat!("    tokio::time::sl", "eep(pause).await;\n");
        let text = format!("//! A.\n{call}");
        let expected = "only s3-transfer and test code wait";
        for path in ["crates/s3-client/src/s3.rs", "crates/s3-core/src/a.rs"] {
            assert_eq!(found(path, &text), [format!("{path}:2: {expected}")]);
        }
        for path in [
            "crates/s3-transfer/src/retry.rs",
            "crates/s3-testkit/src/faults.rs",
            "crates/s3-client/tests/get.rs",
            "crates/s3-core/src/a/tests.rs",
            "tests/cancel.rs",
        ] {
            assert_eq!(found(path, &text), [""; 0], "{path}");
        }
        let in_tests = format!("//! A.\nmod tests {{\n{call}}}\n");
        assert_eq!(found("crates/s3-core/src/a.rs", &in_tests), [""; 0]);
        let imported = "//! A.\nuse tokio::time::{Instant, sleep};\n";
        assert_eq!(found("crates/s3-core/src/a.rs", imported).len(), 1);
    }
}
