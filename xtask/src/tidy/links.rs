//! Link rule: checks that a relative link in a Markdown document leads to an existing file or folder, and its anchor to
//! a heading.
//!
//! Guides in `src` folders are part of the rustdoc, which checks its own links.

use super::{Finding, SourceFile};

pub(super) fn check(files: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for document in files {
        if !document.path.ends_with(".md") || document.is_below("src") {
            continue;
        }
        for (number, line) in document.lines() {
            for target in targets(line).filter(|target| !leads_somewhere(document, target, files)) {
                findings.push(document.finding(number, format!("the link `{target}` is broken")));
            }
        }
    }
    findings
}

/// Returns the targets of the links in a line, except those to other sites.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.split("](")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once(')')?.0))
        .filter(|target| !target.contains("://"))
}

fn leads_somewhere(document: &SourceFile, target: &str, files: &[SourceFile]) -> bool {
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let Some(path) = resolve(&document.path, path) else {
        return false;
    };
    let folder = format!("{path}/");
    if anchor.is_empty() {
        return files
            .iter()
            .any(|file| file.path == path || file.path.starts_with(&folder));
    }
    files
        .iter()
        .find(|file| file.path == path)
        .is_some_and(|file| headings(&file.text).any(|heading| slug(heading) == anchor))
}

/// Returns the path of a link target from the root; `None` if the link leaves the repository.
fn resolve(document: &str, path: &str) -> Option<String> {
    if path.is_empty() {
        return Some(document.to_owned());
    }
    let mut parts: Vec<_> = document.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            ".." => {
                parts.pop()?;
            }
            "." | "" => {}
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn headings(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .filter(|line| line.starts_with('#'))
        .filter_map(|line| line.trim_start_matches('#').strip_prefix(' '))
}

/// Returns the anchor of a heading, as GitHub generates it.
fn slug(heading: &str) -> String {
    heading
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{file, lines};
    use super::*;

    #[test]
    fn links_lead_to_files_folders_and_headings() {
        let files = [
            file(
                "docs/A.md",
                "[a](B.md#what-was-tried) [b](../README.md) [c](rfcs)\n[d](#two)\n## Two\n",
            ),
            file(
                "docs/B.md",
                "# What was tried?\n[e](https://example.com/x#y)\n",
            ),
            file("docs/rfcs/1.md", "[f](../../src/lib.rs)\n"),
            file(
                "README.md",
                "![g](docs/A.md) [h](docs/gone.md)\n[i](docs/B.md#gone) [j](../x)\n",
            ),
            file("src/lib.rs", "//! [k](nowhere)\n"),
            file("src/guide.md", "[l](Client::get)\n"),
        ];
        assert_eq!(
            lines(&check(&files)),
            [
                "README.md:1: the link `docs/gone.md` is broken",
                "README.md:2: the link `docs/B.md#gone` is broken",
                "README.md:2: the link `../x` is broken",
            ]
        );
    }
}
