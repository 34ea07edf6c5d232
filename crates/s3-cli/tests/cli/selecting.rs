//! Tests of input selection by arguments, filters and lists.

use crate::harness::{Harness, text};

#[test]
fn filters_hold_for_inputs_that_are_named() {
    let harness = Harness::with_keys(&["d/a.log", "d/keep.txt"]);
    for name in ["up/a.log", "up/keep.txt"] {
        harness.write(name, name);
    }
    let without = ["--exclude", "*.txt"];
    let both = ["s3://bkt/d/a.log", "s3://bkt/d/keep.txt"];
    let copied = harness.run(&[&["cp"], &both[..], &["down"], &without].concat());
    assert_eq!(copied.lines(), ["download: s3://bkt/d/a.log to down/a.log"]);
    let up = ["mv", "up/a.log", "up/keep.txt", "s3://bkt/up/"];
    assert_eq!(harness.run(&[&up[..], &without].concat()).lines().len(), 1);
    assert!(harness.path("up/keep.txt").exists());
    let restored = harness.run(&[&["restore", "--days", "1"], &both[1..], &without].concat());
    assert_eq!(restored.lines(), [""; 0]);
    let removed = harness.run(&[&["rm"], &both[..], &without].concat());
    assert_eq!(removed.lines(), ["delete: s3://bkt/d/a.log"]);
    assert_eq!(harness.keys(), ["d/keep.txt", "up/a.log"]);
}

#[test]
fn patterns_of_a_file_hold_in_their_place() {
    let harness = Harness::new();
    for name in ["up/a.log", "up/keep.log", "up/tmp/x", "up/y"] {
        harness.write(name, name);
    }
    harness.write("patterns", "*.log\n\ntmp/*\n");
    let words = ["cp", "-r", "up", "s3://bkt"];
    let options = ["--exclude-from", "patterns", "--include", "keep.*"];
    assert_eq!(harness.run(&[words, options].concat()).code, Some(0));
    assert_eq!(harness.keys(), ["keep.log", "y"]);
    let missing = ["cp", "-r", "up", "s3://bkt", "--exclude-from", "none"];
    assert_eq!(harness.run(&missing).code, Some(2));
}

#[test]
fn ls_shows_what_its_filters_admit() {
    let harness = Harness::with_keys(&["d/a.log", "d/b.txt", "d/e/c.log", "d/f.log/x"]);
    let names = |words: &[&str]| {
        let ran = harness.run(&[&["ls"], words].concat());
        assert_eq!((ran.code, &*ran.err), (Some(0), ""), "{ran:?}");
        let names = ran.out.lines().map(|line| line.rsplit(' ').next().unwrap());
        names.map(str::to_owned).collect::<Vec<_>>()
    };
    let tree = ["-r", "s3://bkt/d"];
    assert_eq!(
        names(&[&tree[..], &["--include", "*.log"]].concat()),
        ["d/a.log", "d/e/c.log"]
    );
    assert_eq!(
        names(&[&tree[..], &["--exclude", "*.log", "--include", "e/*"]].concat()),
        ["d/b.txt", "d/e/c.log", "d/f.log/x"]
    );
    let level = ["s3://bkt/d/", "--exclude", "*.log"];
    assert_eq!(names(&level), ["b.txt", "e/", "f.log/"]);
    assert_eq!(names(&["--exclude", "b*"]), [""; 0]);
}

#[test]
fn a_wildcard_lists_only_what_begins_with_its_plain_start() {
    let harness = Harness::with_keys(&["logs/2025/a", "logs/2026-11/a", "logs/2026-12/b", "z"]);
    let log = harness.server.request_log();
    let pattern = "s3://bkt/logs/2026*a";
    for words in [
        &["cp", pattern, "down/"][..],
        &["ls", pattern],
        &["du", pattern],
        &["find", pattern],
        &["rm", pattern],
    ] {
        log.clear();
        assert_eq!(harness.run(words).code, Some(0), "{words:?}");
        let requests = log.requests();
        let listings = requests
            .iter()
            .filter(|request| request.call.operation.starts_with("List"));
        let queries: Vec<_> = listings.map(|request| &request.call.query).collect();
        let prefix = ("prefix".to_owned(), "logs/2026".to_owned());
        assert!(
            queries.len() == 1 && queries[0].contains(&prefix),
            "{words:?}: {queries:?}"
        );
    }
    assert_eq!(harness.keys(), ["logs/2025/a", "logs/2026-12/b", "z"]);
}

#[test]
fn nothing_is_found_with_a_filter_too() {
    let harness = Harness::with_keys(&["d/k"]);
    let filter = ["--exclude", "*.log"];
    for words in [
        &["cp", "-r", "s3://bkt/none", "x"][..],
        &["mv", "s3://bkt/none*", "s3://bkt/x/"],
        &["rm", "s3://bkt/none*"],
        &["rm", "-r", "s3://bkt/none"],
        &["restore", "-r", "s3://bkt/none", "--days", "1"],
        &["ls", "s3://bkt/none"],
        &["ls", "-r", "s3://bkt/none"],
        &["ls", "--all-versions", "s3://bkt/none"],
        &["du", "s3://bkt/none"],
    ] {
        let ran = harness.run(&[words, &filter].concat());
        assert_eq!(ran.code, Some(3), "{words:?}: {ran:?}");
        // A filter that leaves everything out is no failure.
        let words: Vec<_> = words.iter().map(|word| word.replace("none", "d")).collect();
        let mut words: Vec<_> = words.iter().map(String::as_str).collect();
        words.extend(["--include", "x"]);
        let ran = harness.run(&words);
        assert_eq!(ran.code, Some(0), "{words:?}: {ran:?}");
    }
    assert_eq!(harness.run(&["ls", "-r", "s3://bkt/none"]).code, Some(3));
    assert_eq!(harness.run(&["cat", "s3://bkt/none*"]).code, Some(3));
    assert_eq!(harness.run(&["find", "s3://bkt/none"]).code, Some(3));
    assert_eq!(harness.keys(), ["d/k"]);
}

#[test]
fn a_listing_that_fails_does_not_stop_the_others() {
    let harness = Harness::with_keys(&["k"]);
    let printed = harness.run(&["cat", "s3://missing/*", "s3://bkt/k"]);
    assert_eq!((printed.code, &*printed.out), (Some(1), "k"), "{printed:?}");
    for command in ["rm", "restore"] {
        let words = [command, "s3://missing/*", "s3://bkt/k", "s3://bkt/none*"];
        let days = ["--json", "--days", "1"];
        let options = if command == "rm" { &days[..1] } else { &days };
        let ran = harness.run(&[&words[..], options].concat());
        let lines = ran.json();
        let failed = |source: &str| {
            lines
                .iter()
                .any(|line| line["source"] == source && line["status"] == "failed")
        };
        assert!(
            failed("s3://missing/*") && failed("s3://bkt/none*"),
            "{ran:?}"
        );
        assert!(lines.iter().any(|line| line["source"] == "s3://bkt/k"));
        if command == "rm" {
            assert_eq!((ran.code, harness.keys()), (Some(1), vec![]));
            harness.put("k", "k");
        }
    }
}

#[test]
fn a_bad_name_of_a_list_fails_alone() {
    let harness = Harness::with_keys(&["d/1", "d/2", "d/3"]);
    harness.write("src/a", "a");
    harness.write("other", "other");
    std::fs::write(harness.path("list"), b"1\n\xff\x1b\n2\n").unwrap();
    let list = ["--files-from", "list"];
    let copied = harness.run(&[&["cp", "s3://bkt/d", "down"], &list[..]].concat());
    assert_eq!(copied.code, Some(1), "{copied:?}");
    assert_eq!(
        (harness.read("down/1"), harness.read("down/2")),
        ("d/1".into(), "d/2".into())
    );
    let long = "x".repeat(2000);
    std::fs::write(harness.path("list"), format!("1\n{long}\n2\n")).unwrap();
    let removed = harness.run(&[&["rm", "s3://bkt/d"], &list[..]].concat());
    assert_eq!(
        (removed.code, harness.keys()),
        (Some(1), vec!["d/3".into()])
    );
    let other = text(&harness.path("other"));
    std::fs::write(harness.path("list"), format!("{other}\n../other\na\n")).unwrap();
    let moved = harness.run(&[&["mv", "src", "s3://bkt/up"], &list[..]].concat());
    assert_eq!(moved.code, Some(1), "{moved:?}");
    assert_eq!(
        moved
            .err
            .matches("points outside the source directory")
            .count(),
        2
    );
    assert_eq!(harness.keys(), ["d/3", "up/a"]);
    assert!(harness.path("other").exists());
    std::fs::create_dir(harness.path("src/dir")).unwrap();
    std::fs::write(harness.path("list"), "dir\n").unwrap();
    let directory = harness.run(&[&["cp", "src", "s3://bkt/up"], &list[..]].concat());
    assert_eq!(directory.code, Some(1), "{directory:?}");
    assert!(directory.err.contains("it is a directory"), "{directory:?}");
}
