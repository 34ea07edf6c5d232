//! `cargo xtask docs --book`: builds `docs/guide` as a book, in `target/book/html`, and checks every link in it.
//!
//! Links that leave the guide work in the repository only. In the book, each document that a chapter links to becomes a
//! chapter of its own, after those of the guide; a link to anything else becomes plain text.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command;
use crate::failure::{Failure, Outcome};

const MDBOOK: &str = "0.5.4";

const GUIDE: &str = "docs/guide";

/// Builds the book and checks it.
pub(crate) fn run(root: &Path) -> Outcome {
    let summary = read(&root.join(GUIDE).join("SUMMARY.md"))?;
    check_summary(&summary, &files_of_guide(root)?)?;
    let folder = root.join("target/book");
    let (source, html) = (folder.join("source"), folder.join("html"));
    for old in [&source, &html] {
        if old.exists() {
            fs::remove_dir_all(old).map_err(|error| failed("remove", old, &error))?;
        }
    }
    fs::create_dir_all(&source).map_err(|error| failed("create", &source, &error))?;
    copy(
        &root.join(GUIDE).join("book.toml"),
        &source.join("book.toml"),
    )?;
    let chapters = chapters(root, &summary)?;
    for (name, text) in &chapters {
        let path = source.join(name);
        fs::write(&path, text).map_err(|error| failed("write", &path, &error))?;
    }
    let mut mdbook = find_or_install(root)?;
    command::run(
        mdbook
            .arg("build")
            .arg(&source)
            .arg("--dest-dir")
            .arg(&html),
    )?;
    let count = check_html(&html)?;
    println!(
        "{} chapters, {count} links: {}",
        chapters.len() - 1,
        html.join("index.html").display()
    );
    Ok(())
}

/// Returns a command for our copy of mdBook in the target folder, and installs it if it is missing.
fn find_or_install(root: &Path) -> Outcome<Command> {
    let tools = root.join("target/tools");
    let program = tools.join("bin/mdbook");
    let found = Command::new(&program).arg("--version").output();
    let is_right = found.is_ok_and(|found| {
        String::from_utf8_lossy(&found.stdout).trim() == format!("mdbook v{MDBOOK}")
    });
    if !is_right {
        // Without the server and the file watcher.
        command::run(
            command::cargo(root)
                .args(["install", "mdbook", "--locked", "--version", MDBOOK])
                .args(["--no-default-features", "--features", "search", "--root"])
                .arg(&tools),
        )?;
    }
    let mut command = Command::new(program);
    command.current_dir(root);
    Ok(command)
}

fn files_of_guide(root: &Path) -> Outcome<BTreeSet<String>> {
    let guide = root.join(GUIDE);
    let entries = fs::read_dir(&guide).map_err(|error| failed("list", &guide, &error))?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    Ok(names
        .filter(|name| name.ends_with(".md") && name != "SUMMARY.md")
        .collect())
}

/// Fails unless the summary lists each file of the guide once, and no other file.
fn check_summary(summary: &str, files: &BTreeSet<String>) -> Outcome {
    let mut named = BTreeSet::new();
    for Link { target, .. } in links(summary) {
        if !files.contains(target) {
            return Err(Failure::new(format!(
                "{GUIDE}/SUMMARY.md: there is no chapter `{target}`"
            )));
        }
        if !named.insert(target.to_owned()) {
            return Err(Failure::new(format!(
                "{GUIDE}/SUMMARY.md names `{target}` twice"
            )));
        }
    }
    match files.difference(&named).next() {
        Some(missing) => Err(Failure::new(format!(
            "{GUIDE}/SUMMARY.md does not name `{missing}`"
        ))),
        None => Ok(()),
    }
}

/// Returns the files of the book: the summary, the chapters of the guide, and the documents that they link to.
fn chapters(root: &Path, summary: &str) -> Outcome<BTreeMap<String, String>> {
    let mut texts = BTreeMap::new();
    for Link { target, .. } in links(summary) {
        texts.insert(
            format!("{GUIDE}/{target}"),
            read(&root.join(GUIDE).join(target))?,
        );
    }
    let mut documents = BTreeMap::new();
    for (path, text) in &texts {
        for link in links(text) {
            let target = resolve(path, link.path());
            if !link.is_elsewhere() && !link.path().is_empty() && !root.join(&target).exists() {
                return Err(Failure::new(format!(
                    "{path}: the link `{}` is broken",
                    link.target
                )));
            }
            let is_ours = target.starts_with(GUIDE) || !target.ends_with(".md");
            if !link.is_elsewhere() && !is_ours {
                documents.insert(target.clone(), read(&root.join(&target))?);
            }
        }
    }
    let names: BTreeMap<_, _> = texts
        .keys()
        .chain(documents.keys())
        .map(|path| (path.clone(), chapter_name(path)))
        .collect();
    let mut whole = format!("{}\n# Reference\n\n", summary.trim_end());
    for (path, text) in &documents {
        let title = text.lines().find_map(|line| line.strip_prefix("# "));
        whole += &format!("- [{}]({})\n", title.unwrap_or(path), names[path]);
    }
    let mut files = BTreeMap::from([("SUMMARY.md".to_owned(), whole)]);
    for (path, text) in texts.iter().chain(&documents) {
        files.insert(names[path].clone(), rewritten(path, text, &names));
    }
    Ok(files)
}

/// Returns the file name of a chapter: `tuning.md` in the guide, `docs-tuning.md` for `docs/TUNING.md`.
fn chapter_name(path: &str) -> String {
    match path.strip_prefix("docs/guide/") {
        Some(name) => name.to_owned(),
        None => path.to_lowercase().replace('/', "-"),
    }
}

/// Rewrites links to documents in the book; other links become plain text.
fn rewritten(path: &str, text: &str, names: &BTreeMap<String, String>) -> String {
    let mut book = String::new();
    let mut rest = text;
    while let Some(link) = links(rest).next() {
        let (before, after) = (&rest[..link.start], &rest[link.end..]);
        book += before;
        match names.get(&resolve(path, link.path())) {
            _ if link.is_elsewhere() => book += &rest[link.start..link.end],
            Some(name) => book += &format!("[{}]({name}{})", link.label, link.anchor()),
            None if link.path().is_empty() => book += &rest[link.start..link.end],
            None => book += link.label,
        }
        rest = after;
    }
    book + rest
}

/// A link in Markdown and its position.
#[derive(Clone, Copy, Debug)]
struct Link<'a> {
    label: &'a str,
    target: &'a str,
    start: usize,
    end: usize,
}

impl<'a> Link<'a> {
    fn path(&self) -> &'a str {
        self.target.split('#').next().unwrap_or_default()
    }

    fn anchor(&self) -> &'a str {
        &self.target[self.path().len()..]
    }

    fn is_elsewhere(&self) -> bool {
        self.target.contains("://")
    }
}

/// Returns the links in a text, except images.
fn links(text: &str) -> impl Iterator<Item = Link<'_>> {
    let ends = text.match_indices("](");
    ends.filter_map(|(middle, _)| {
        let start = text[..middle].rfind('[')?;
        let end = middle + text[middle..].find(')')? + 1;
        let is_image = text[..start].ends_with('!');
        (!is_image).then(|| Link {
            label: &text[start + 1..middle],
            target: &text[middle + 2..end - 1],
            start,
            end,
        })
    })
}

/// Returns the path of a link target, relative to the root.
fn resolve(document: &str, path: &str) -> String {
    let mut parts: Vec<_> = document.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." | "" => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Fails at the first link to a missing page or anchor. Returns the number of links.
fn check_html(folder: &Path) -> Outcome<usize> {
    let mut pages = BTreeMap::new();
    collect_html(folder, &mut pages)?;
    let mut count = 0;
    for (path, text) in &pages {
        // It contains the anchors of all pages under other names.
        if path.ends_with("print.html") {
            continue;
        }
        for target in attributes(text, "href") {
            if target.contains(':') || !(target.contains(".html") || target.starts_with('#')) {
                continue;
            }
            let (page, anchor) = target.split_once('#').unwrap_or((target, ""));
            let page = match page {
                "" => path.clone(),
                page => path.with_file_name(page),
            };
            let has_anchor =
                |text: &String| anchor.is_empty() || attributes(text, "id").any(|id| id == anchor);
            if !pages.get(&page).is_some_and(has_anchor) {
                let page = path.strip_prefix(folder).unwrap_or(path);
                return Err(Failure::new(format!(
                    "{}: the link `{target}` is broken",
                    page.display()
                )));
            }
            count += 1;
        }
    }
    Ok(count)
}

fn collect_html(folder: &Path, pages: &mut BTreeMap<PathBuf, String>) -> Outcome {
    let entries = fs::read_dir(folder).map_err(|error| failed("list", folder, &error))?;
    for entry in entries.flatten() {
        let path = entry.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "html")
        {
            let text = read(&path)?;
            pages.insert(path, text);
        }
    }
    Ok(())
}

fn attributes<'a>(html: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let start = format!(" {name}=\"");
    let len = start.len();
    let places: Vec<_> = html.match_indices(&start).map(|(at, _)| at + len).collect();
    places
        .into_iter()
        .filter_map(move |at| Some(html[at..].split_once('"')?.0))
}

fn read(path: &Path) -> Outcome<String> {
    fs::read_to_string(path).map_err(|error| failed("read", path, &error))
}

fn copy(from: &Path, to: &Path) -> Outcome {
    let copied = fs::copy(from, to).map(drop);
    copied.map_err(|error| failed("copy", from, &error))
}

fn failed(what: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("{what} {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_names_each_chapter_once() {
        let files = BTreeSet::from(["a.md".to_owned(), "b.md".to_owned()]);
        let check =
            |summary: &str| check_summary(summary, &files).map_err(|error| error.to_string());
        assert_eq!(check("- [A](a.md)\n- [B](b.md)\n"), Ok(()));
        let fails = |summary: &str, expected: &str| {
            assert!(check(summary).unwrap_err().ends_with(expected));
        };
        fails("- [A](a.md)\n", "does not name `b.md`");
        fails("- [A](a.md)\n- [C](c.md)\n", "there is no chapter `c.md`");
        fails("- [A](a.md)\n- [A](a.md)\n", "names `a.md` twice");
    }

    #[test]
    fn links_lead_to_chapters_or_become_text() {
        let names = ["docs/guide/a.md", "docs/guide/b.md", "docs/X.md"];
        let names = names.map(|path| (path.to_owned(), chapter_name(path)));
        let names = BTreeMap::from(names);
        let text = "[b](b.md#c) [x](../X.md) [y](../Y.md#z) [s](../../src/lib.rs) [h](https://e.org/) [i](#i) ![p](p.svg)";
        let book = "[b](b.md#c) [x](docs-x.md) y s [h](https://e.org/) [i](#i) ![p](p.svg)";
        assert_eq!(rewritten("docs/guide/a.md", text, &names), book);
        assert_eq!(
            rewritten("docs/X.md", "[a](guide/a.md)", &names),
            "[a](a.md)"
        );
    }

    #[test]
    fn a_link_to_no_page_or_anchor_is_found() {
        let folder = std::env::temp_dir().join(format!("book-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let check = |link: &str| {
            fs::write(folder.join("a.html"), format!("<a href=\"{link}\">")).unwrap();
            fs::write(folder.join("b.html"), "<h1 id=\"c\">").unwrap();
            check_html(&folder).map_err(|error| error.to_string())
        };
        assert_eq!(check("b.html#c"), Ok(1));
        assert_eq!(check("https://e.org/x.html"), Ok(0));
        for broken in ["c.html", "b.html#d"] {
            assert!(check(broken).unwrap_err().contains(broken));
        }
        fs::remove_dir_all(folder).unwrap();
    }
}
