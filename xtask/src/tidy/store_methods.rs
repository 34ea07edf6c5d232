//! Store rule: our backends and wrappers implement every method of the trait `Store`.
//!
//! Most methods have a default that fails as unsupported, so the compiler does not report a wrapper that forgets one.

use std::collections::BTreeSet;

use super::rust::product_lines;
use super::{Finding, SourceFile};

/// The file of the trait.
const TRAIT_FILE: &str = "crates/s3-core/src/store.rs";

pub(super) fn check(files: &[SourceFile]) -> Vec<Finding> {
    let Some(methods) = files
        .iter()
        .find(|file| file.path == TRAIT_FILE)
        .map(|file| methods(&block(file, "pub trait Store:")))
    else {
        return Vec::new();
    };
    files
        .iter()
        .filter(|file| file.path.starts_with("crates/") && file.path.contains("/src/"))
        .flat_map(|file| check_file(file, &methods))
        .collect()
}

fn check_file(file: &SourceFile, methods: &BTreeSet<&str>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in product_lines(file) {
        if !is_implementation(line) {
            continue;
        }
        let body = block(file, line);
        let implemented = &self::methods(&body) | &macro_rows(file);
        for missing in methods.difference(&implemented) {
            let what = format!("`Store::{missing}` is not implemented: forward or implement it");
            findings.push(file.finding(number, what));
        }
    }
    findings
}

fn is_implementation(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("impl") && (line.contains("> Store for ") || line.contains("impl Store for "))
}

/// The lines from the one that holds `start` to the brace that closes its block, which rustfmt puts at the same margin.
fn block<'a>(file: &'a SourceFile, start: &str) -> Vec<&'a str> {
    let from = file.text.lines().skip_while(|line| !line.contains(start));
    let mut lines = Vec::new();
    let mut end = String::new();
    for line in from {
        if lines.is_empty() {
            let margin = line.len() - line.trim_start().len();
            end = format!("{}}}", " ".repeat(margin));
        }
        lines.push(line);
        if line == end {
            break;
        }
    }
    lines
}

/// The names after `fn` and `async fn`, without those in comments.
fn methods<'a>(lines: &[&'a str]) -> BTreeSet<&'a str> {
    lines
        .iter()
        .filter_map(|line| {
            let line = line.trim_start();
            let signature = line.strip_prefix("async ").unwrap_or(line);
            signature.strip_prefix("fn ")?.split(['(', '<']).next()
        })
        .collect()
}

/// The names in rows such as `get(request: GetRequest) -> GetResponse;`, from which macros write methods.
fn macro_rows(file: &SourceFile) -> BTreeSet<&str> {
    file.text
        .lines()
        .filter(|line| line.ends_with(';') && line.contains(") -> "))
        .filter_map(|line| line.trim_start().split('(').next())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{file, lines};
    use super::*;

    const TRAIT: &str = "pub trait Store: Send {\n    fn capabilities(&self) -> Capabilities;\n    \
                         /// fn not_a_method()\n    fn get(&self) -> X;\n\n    fn copy(\n        &self,\n    ) -> X {\n        y()\n    }\n}\n\nfn free() {}\n";

    fn found(text: &str) -> Vec<String> {
        lines(&check(&[
            file(TRAIT_FILE, TRAIT),
            file("crates/a/src/b.rs", text),
        ]))
    }

    #[test]
    fn an_implementation_has_every_method() {
        let all = "impl<S: Store> Store for A<S> {\n    fn capabilities(&self) {}\n    async fn get(&self) {}\n    async fn copy(&self) {}\n}\n";
        assert_eq!(found(all), [""; 0]);
        let missing = all.replace("    async fn copy(&self) {}\n", "");
        let in_tests = format!("#[cfg(test)]\nmod tests {{\n    {missing}}}\n");
        assert_eq!(found(&in_tests), [""; 0]);
        assert_eq!(
            found(&format!("\n{missing}fn copy() {{}}\n")),
            ["crates/a/src/b.rs:2: `Store::copy` is not implemented: forward or implement it"]
        );
    }

    #[test]
    fn a_macro_names_the_methods_in_its_rows() {
        let rows = "macro_rules! m {\n    () => {\n        impl Store for A {\n            fn capabilities() {}\n            fn $name() {}\n        }\n    };\n}\nm! {\n    get(request: G) -> R;\n    copy(request: C) -> R;\n}\n";
        assert_eq!(found(rows), [""; 0]);
        let missing = rows.replace("    copy(request: C) -> R;\n", "");
        assert_eq!(found(&missing).len(), 1);
    }
}
