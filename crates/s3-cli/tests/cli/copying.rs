//! `cp`, `mv` and `pipe`.

use s3_testkit::{FaultAction, FaultMatch, FaultPlan};

use crate::harness::{Harness, text};

#[test]
fn a_directory_goes_up_and_comes_down() {
    let harness = Harness::new();
    for name in ["up/a.txt", "up/d/b.log", "up/d/c"] {
        harness.write(name, name);
    }
    let up = harness.run(&["cp", "-r", "up", "s3://bkt/x"]);
    assert_eq!(up.lines()[0], "upload: up/a.txt to s3://bkt/x/a.txt");
    assert_eq!(harness.keys(), ["x/a.txt", "x/d/b.log", "x/d/c"]);
    let info = harness.run(&["info", "s3://bkt/x/a.txt", "--json"]).json();
    assert_eq!(info[0]["content_type"], "text/plain");
    let down = harness.run(&[
        "cp",
        "-r",
        "s3://bkt/x",
        "down",
        "--exclude",
        "*.log",
        "--json",
    ]);
    let lines = down.json();
    assert_eq!(lines.len(), 3, "{down:?}");
    assert_eq!(
        (&lines[0]["op"], &lines[0]["status"]),
        (&"download".into(), &"done".into())
    );
    assert_eq!(
        (&lines[2]["done"], &lines[2]["failed"]),
        (&2.into(), &0.into())
    );
    assert_eq!(harness.read("down/a.txt"), "up/a.txt");
    assert!(!harness.path("down/d/b.log").exists());
}

#[test]
fn one_object_goes_to_a_name_or_into_a_directory() {
    let harness = Harness::with_keys(&["d/k"]);
    let names = [
        ("new", "new"),
        ("made/", "made/k"),
        ("made", "made/k"),
        ("s/t/new", "s/t/new"),
    ];
    for (destination, file) in names {
        assert_eq!(
            harness.run(&["cp", "s3://bkt/d/k", destination]).code,
            Some(0)
        );
        assert_eq!(harness.read(file), "d/k");
    }
    let file = harness.write("f", "content");
    for (destination, key) in [
        ("s3://bkt", "f"),
        ("s3://bkt/e/", "e/f"),
        ("s3://bkt/g", "g"),
    ] {
        assert_eq!(harness.run(&["cp", &file, destination]).code, Some(0));
        assert!(harness.keys().contains(&key.to_owned()));
    }
}

#[test]
fn a_copy_within_s3_moves_no_bytes_and_keeps_the_type() {
    let harness = Harness::new();
    let file = harness.write("f", "content");
    harness.run(&[
        "cp",
        &file,
        "s3://bkt/f",
        "--content-type",
        "a/b",
        "--metadata",
        "k=v",
    ]);
    let log = harness.server.request_log();
    log.clear();
    assert_eq!(
        harness.run(&["cp", "s3://bkt/f", "s3://bkt/g"]).lines(),
        ["copy: s3://bkt/f to s3://bkt/g"]
    );
    let sent = log.operations();
    assert_eq!(
        sent.keys().collect::<Vec<_>>(),
        [&"CopyObject", &"HeadObject"]
    );
    let info = harness.run(&["info", "s3://bkt/g", "--json"]).json();
    assert_eq!(
        (&info[0]["content_type"], &info[0]["metadata"]["k"]),
        (&"a/b".into(), &"v".into())
    );
    harness.run(&["cp", "s3://bkt/f", "s3://bkt/h", "--metadata", "k=w"]);
    let info = harness.run(&["info", "s3://bkt/h", "--json"]).json();
    assert_eq!(
        (&info[0]["content_type"], &info[0]["metadata"]["k"]),
        (&"a/b".into(), &"w".into())
    );
    assert_eq!(
        harness.run(&["cp", "s3://bkt/f", "s3://bkt/f"]).code,
        Some(2)
    );
}

#[test]
fn a_move_removes_each_source_after_its_own_success() {
    let harness = Harness::with_keys(&["d/1", "d/2", "d/../x"]);
    let moved = harness.run(&["mv", "-r", "s3://bkt/d", "here"]);
    assert_eq!(moved.code, Some(1), "{moved:?}");
    assert!(
        moved
            .err
            .starts_with("error: move s3://bkt/d/../x: the key cannot be a path"),
        "{moved:?}"
    );
    assert_eq!(harness.keys(), ["d/../x"]);
    assert!(!harness.path("x").exists());
    let file = text(&harness.path("here/1"));
    assert_eq!(harness.run(&["mv", &file, "s3://bkt/back"]).code, Some(0));
    assert!(!harness.path("here/1").exists());
    assert_eq!(
        harness.run(&["mv", "s3://bkt/back", "s3://bkt/back"]).code,
        Some(2)
    );
    assert_eq!(
        harness.run(&["mv", "s3://bkt/back", "s3://bkt"]).code,
        Some(2)
    );
}

#[test]
fn wildcards_keep_what_follows_the_last_slash_before_them() {
    let harness = Harness::with_keys(&["a/x/1.txt", "a/y.txt", "a/z.log", "a*/q"]);
    assert_eq!(harness.run(&["cp", "s3://bkt/a/*.txt", "w/"]).code, Some(0));
    assert_eq!(
        (harness.read("w/x/1.txt"), harness.read("w/y.txt")),
        ("a/x/1.txt".into(), "a/y.txt".into())
    );
    assert_eq!(
        harness
            .run(&["cp", "--flatten", "s3://bkt/a/*.txt", "flat"])
            .code,
        Some(0)
    );
    assert_eq!(harness.read("flat/1.txt"), "a/x/1.txt");
    assert_eq!(
        harness.run(&["cp", "--raw", "s3://bkt/a*/q", "raw"]).code,
        Some(0)
    );
    assert_eq!(harness.read("raw"), "a*/q");
    assert_eq!(harness.run(&["cp", "s3://bkt/none*", "w/"]).code, Some(3));
}

#[test]
fn a_copy_into_its_own_source_ends() {
    let harness = Harness::with_keys(&["p/1", "p/q/2"]);
    assert_eq!(
        harness
            .run(&["cp", "-r", "s3://bkt/p", "s3://bkt/p/q"])
            .code,
        Some(0)
    );
    assert_eq!(harness.keys(), ["p/1", "p/q/1", "p/q/2"]);
    assert_eq!(
        harness.run(&["cp", "s3://bkt/p/q/2", "s3://bkt/p/"]).code,
        Some(0)
    );
    assert_eq!(harness.keys(), ["p/1", "p/2", "p/q/1", "p/q/2"]);
}

#[test]
fn existing_destinations_are_kept_with_no_clobber() {
    let harness = Harness::with_keys(&["k"]);
    let file = harness.write("f", "new");
    let kept = harness.run(&["cp", "-n", &file, "s3://bkt/k", "--json"]);
    assert_eq!(
        (&kept.json()[0]["status"], kept.code),
        (&"skipped".into(), Some(0))
    );
    assert_eq!(
        harness.run(&["cp", "-n", "s3://bkt/k", &file]).code,
        Some(0)
    );
    assert_eq!(
        (harness.read("f"), harness.run(&["cat", "s3://bkt/k"]).out),
        ("new".into(), "k".into())
    );
}

#[test]
fn streams_go_both_ways() {
    let harness = Harness::new();
    assert_eq!(
        harness.feed(&["pipe", "s3://bkt/a.json"], "one").code,
        Some(0)
    );
    assert_eq!(
        harness.feed(&["cp", "-", "s3://bkt/b"], "two").code,
        Some(0)
    );
    let down = harness.run(&["cp", "s3://bkt/a.json", "-"]);
    assert_eq!((&*down.out, &*down.err), ("one", ""));
    let info = harness.run(&["info", "s3://bkt/a.json", "--json"]).json();
    assert_eq!(info[0]["content_type"], "application/json");
}

#[test]
fn a_stream_of_several_parts_is_one_object() {
    let harness = Harness::new();
    let blocks = (0..24).map(|n| format!("{n:08}").repeat(128 << 10));
    let data: String = blocks.collect();
    let words = ["pipe", "s3://bkt/k", "--part-size", "5M"];
    assert_eq!(harness.feed(&words, &data).lines().len(), 1);
    // 24 MiB in parts of 5 MiB.
    let log = harness.server.request_log();
    assert_eq!(log.count_of("UploadPart"), 5);
    assert!(harness.run(&["cat", "s3://bkt/k"]).out == data);
}

#[test]
fn the_size_of_a_stream_is_reported() {
    let harness = Harness::new();
    // One request, nothing, and several parts.
    for size in [5, 0, 20 << 20] {
        let data = "x".repeat(size);
        for words in [
            ["pipe", "s3://bkt/k"].as_slice(),
            &["cp", "-", "s3://bkt/k"],
        ] {
            let ran = harness.feed(&[words, &["--json"]].concat(), &data);
            let lines = ran.json();
            assert_eq!(
                (ran.code, &lines[0]["size"], &lines[1]["bytes"]),
                (Some(0), &size.into(), &size.into()),
                "{ran:?}"
            );
        }
    }
}

#[test]
fn names_come_from_a_list() {
    let harness = Harness::with_keys(&["d/1", "d/e/2"]);
    let list = harness.feed(
        &["cp", "s3://bkt/d", "l", "--files-from", "-", "-0"],
        "1\0e/2\0gone\0",
    );
    assert_eq!(list.code, Some(1), "{list:?}");
    assert_eq!(
        (harness.read("l/1"), harness.read("l/e/2")),
        ("d/1".into(), "d/e/2".into())
    );
    assert!(list.err.contains("s3://bkt/d/gone"), "{list:?}");
}

#[test]
fn modification_times_are_kept_when_asked() {
    let harness = Harness::new();
    let file = harness.write("f", "x");
    harness.run(&["cp", "--preserve", &file, "s3://bkt/f"]);
    harness.run(&["cp", "--preserve", "s3://bkt/f", "g"]);
    let modified = |name: &str| {
        std::fs::metadata(harness.path(name))
            .unwrap()
            .modified()
            .unwrap()
    };
    assert_eq!(modified("f"), modified("g"));
}

#[test]
fn nothing_is_sent_for_wrong_arguments() {
    let harness = Harness::new();
    let file = harness.write("d/f", "x");
    let before = harness.server.request_log().requests().len();
    for words in [
        &["cp", &file, "elsewhere"][..],
        &["cp", "d", "s3://bkt/d"],
        &["cp", "s3://bkt/d/", "x"],
        &["cp", "s3://bkt/a", "x", "--storage-class", "COLD"],
        &["cp", "s3://bkt/a", "x", "--part-size", "5"],
        &["cp", "s3://bkt/*", "-"],
        &["cp", "s3://bkt/a", "s3://bkt/c", "--range", "0-1"],
        &["cp", "a", "s3://B A D/"],
        &["cp", "s3://bkt/a"],
    ] {
        let ran = harness.run(words);
        assert_eq!(ran.code, Some(2), "{words:?}: {ran:?}");
    }
    assert_eq!(harness.server.request_log().requests().len(), before);
    assert_eq!(harness.run(&["cp", "missing", "s3://bkt/m"]).code, Some(3));
}

#[test]
fn a_dry_run_prints_the_same_lines_and_changes_nothing() {
    let harness = Harness::with_keys(&["k"]);
    let planned = harness.run(&["mv", "s3://bkt/k", "new", "--dryrun"]);
    assert_eq!(planned.lines(), ["(dryrun) move: s3://bkt/k to new"]);
    assert!(!harness.path("new").exists() && harness.keys() == ["k"]);
}

#[test]
fn a_dry_run_has_records() {
    let harness = Harness::with_keys(&["d/k"]);
    harness.write("up/f", "content");
    for (words, op, source) in [
        (
            &["cp", "-r", "s3://bkt/d", "new"][..],
            "download",
            "s3://bkt/d/k",
        ),
        (&["sync", "up", "s3://bkt/new"], "upload", "up/f"),
        (&["rm", "s3://bkt/d/k"], "delete", "s3://bkt/d/k"),
    ] {
        let ran = harness.run(&[words, &["--json", "--dry-run"]].concat());
        let lines = ran.json();
        assert_eq!((ran.code, lines.len()), (Some(0), 2), "{ran:?}");
        let (line, summary) = (&lines[0], &lines[1]);
        assert_eq!(
            (&line["op"], &line["status"], &line["source"]),
            (&op.into(), &"planned".into(), &source.into()),
            "{ran:?}"
        );
        assert_eq!(
            (&summary["done"], &summary["bytes"]),
            (&1.into(), &0.into())
        );
    }
    assert!(!harness.path("new").exists() && harness.keys() == ["d/k"]);
}

#[test]
fn a_limit_of_the_rate_holds_both_ways() {
    let harness = Harness::new();
    let data = "x".repeat(6 << 20);
    harness.write("dir/0", &data[..2 << 20]);
    harness.write("dir/1", &data[..2 << 20]);
    harness.write("dir/2", &data[..2 << 20]);
    let timed = |words: &[&str]| {
        let began = std::time::Instant::now();
        let ran = harness.run(&[words, &["--limit-rate", "2M"]].concat());
        assert_eq!(ran.code, Some(0), "{ran:?}");
        began.elapsed().as_secs_f64()
    };
    // 2 MiB take a second each.
    let up = timed(&["cp", "-r", "dir", "s3://bkt/p"]);
    let down = timed(&["cp", "-r", "s3://bkt/p", "down"]);
    assert!(up > 3.0 && down > 3.0, "{up} {down}");
    // A single object of one part, too.
    let up = timed(&["cp", "dir/0", "s3://bkt/one"]);
    let down = timed(&["cp", "s3://bkt/one", "down/one"]);
    assert!(up > 1.0 && down > 1.0, "{up} {down}");
    assert_eq!(harness.read("down/2"), harness.read("dir/2"));
    assert_eq!(harness.run(&["ls", "--limit-rate", "0"]).code, Some(2));
}

#[test]
fn empty_directories_are_copied_both_ways_when_asked() {
    let harness = Harness::new();
    harness.write("up/f", "f");
    std::fs::create_dir_all(harness.path("up/d/empty")).unwrap();
    assert_eq!(
        harness.run(&["cp", "-r", "up", "s3://bkt/plain"]).lines(),
        ["upload: up/f to s3://bkt/plain/f"]
    );
    let up = harness.run(&["cp", "-r", "up", "s3://bkt/x", "--empty-dirs"]);
    assert_eq!(
        up.lines(),
        [
            "upload: up/d/empty/ to s3://bkt/x/d/empty/",
            "upload: up/f to s3://bkt/x/f",
        ]
    );
    assert_eq!(
        harness.run(&["cp", "-r", "s3://bkt/x", "down"]).code,
        Some(0)
    );
    assert!(harness.path("down/d/empty").is_dir());
    let moved = harness.run(&["mv", "-r", "up", "s3://bkt/y", "--empty-dirs"]);
    assert_eq!(moved.lines().len(), 2);
    assert!(!harness.path("up/d/empty").exists());
}

#[test]
fn a_special_file_is_skipped_with_a_warning_and_a_record() {
    let harness = Harness::new();
    let socket = harness.path("up/d/socket");
    for (command, op) in [("cp", "upload"), ("mv", "move")] {
        harness.write("up/d/f", "f");
        let _bound = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let ran = harness.run(&[command, "-r", "up", "s3://bkt/p", "--json"]);
        assert_eq!(
            (ran.code, &*ran.err),
            (
                Some(0),
                "warning: up/d/socket is no regular file; skipped\n"
            )
        );
        let lines = ran.json();
        let skipped: Vec<_> = lines
            .iter()
            .filter(|line| line["status"] == "skipped")
            .map(|line| (&line["op"], &line["source"], &line["reason"]))
            .collect();
        let expected = (&op.into(), &"up/d/socket".into(), &"no regular file".into());
        assert_eq!(skipped, [expected], "{ran:?}");
        let summary = &lines[2];
        assert_eq!(
            (&summary["done"], &summary["skipped"]),
            (&1.into(), &1.into())
        );
        std::fs::remove_file(&socket).unwrap();
    }
    assert_eq!(harness.keys(), ["p/d/f"]);
}

#[test]
fn a_link_that_is_named_fails_when_links_are_not_followed() {
    let harness = Harness::new();
    harness.write("d/f", "f");
    std::os::unix::fs::symlink("f", harness.path("d/link")).unwrap();
    let named = harness.run(&["cp", "d/link", "s3://bkt/k", "--no-follow-symlinks"]);
    assert_eq!(named.code, Some(1), "{named:?}");
    let words = ["cp", "d", "s3://bkt", "--files-from", "-"];
    let listed = [&words[..], &["--no-follow-symlinks"]].concat();
    let listed = harness.feed(&listed, "f\nlink\n");
    assert_eq!(
        (listed.code, &*listed.out),
        (Some(1), "upload: d/f to s3://bkt/f\n")
    );
    assert_eq!(harness.keys(), ["f"]);
}

#[test]
fn streams_cannot_be_verified() {
    let harness = Harness::with_keys(&["k"]);
    for words in [["cp", "s3://bkt/k", "-"], ["cp", "-", "s3://bkt/k2"]] {
        let ran = harness.run(&[&words[..], &["--verify"]].concat());
        assert_eq!(ran.code, Some(2), "{ran:?}");
    }
    assert_eq!(harness.keys(), ["k"]);
}

#[test]
fn contents_are_compared_with_verify() {
    let harness = Harness::new();
    harness.write("f", "content");
    harness.write("big", &"x".repeat(20 << 20));
    for words in [
        ["cp", "big", "s3://bkt/big"],
        ["cp", "s3://bkt/big", "copy"],
        ["cp", "f", "s3://bkt/f"],
        ["cp", "s3://bkt/f", "copy"],
        ["mv", "s3://bkt/f", "s3://bkt/other"],
    ] {
        let ran = harness.run(&[&words[..], &["--verify", "--json"]].concat());
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(ran.json()[0]["verified"].is_string(), "{ran:?}");
    }
    let etag = FaultAction::Header {
        name: "etag",
        value: Some(format!("\"{}\"", "0".repeat(32))),
    };
    let spoilt = FaultMatch::operation("HeadObject").on(etag);
    let harness = Harness::with_server(|server| server.faults(FaultPlan::none().with(spoilt)));
    harness.write("f", "content");
    let ran = harness.run(&["mv", "f", "s3://bkt/f", "--verify"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.err.contains("the file and the object differ"),
        "{ran:?}"
    );
    assert!(harness.path("f").exists());
    let ranged = ["cp", "s3://bkt/f", "x", "--verify", "--range", "0-1"];
    assert_eq!(harness.run(&ranged).code, Some(2));
}

#[test]
fn a_missing_bucket_is_told_from_a_missing_object() {
    let harness = Harness::new();
    for (url, expected) in [
        ("s3://nowhere/k", "no such bucket"),
        ("s3://bkt/none", "object not found"),
    ] {
        for words in [
            &["cp", url, "f"][..],
            &["cp", url, "-"],
            &["cp", url, "s3://bkt/copy"],
            &["mv", url, "f"],
            &["cat", url],
            &["info", url],
        ] {
            let ran = harness.run(words);
            assert_eq!(ran.code, Some(3), "{words:?}: {ran:?}");
            assert!(ran.err.contains(expected), "{words:?}: {ran:?}");
        }
    }
    let names: String = (0..25).map(|n| format!("{n}\n")).collect();
    let log = harness.server.request_log();
    let before = log.count_of("ListObjectsV2");
    let words = ["cp", "s3://nowhere", "d/", "--files-from", "-"];
    let ran = harness.feed(&words, &names);
    assert_eq!(ran.err.matches("no such bucket").count(), 20, "{ran:?}");
    assert_eq!(log.count_of("ListObjectsV2"), before + 1);
}

#[test]
fn a_file_that_changes_while_it_is_uploaded_fails() {
    let harness = Harness::slow_in("PutObject");
    for words in [["cp", "f", "s3://bkt/k"], ["mv", "f", "s3://bkt/k"]] {
        harness.write("f", "before");
        let ran = harness.run_during(&words, "PutObject", || {
            harness.write("f", "after_");
        });
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.err.contains("was changed while it was"), "{ran:?}");
        assert_eq!(harness.read("f"), "after_");
    }
}

#[test]
fn what_appears_meanwhile_is_kept_with_no_clobber() {
    let harness = Harness::slow_in("CopyObject");
    harness.put("k", "k");
    let copied = harness.run_during(
        &["cp", "-n", "s3://bkt/k", "s3://bkt/new", "--json"],
        "CopyObject",
        || harness.put("new", "there"),
    );
    assert_eq!(copied.json()[0]["status"], "skipped", "{copied:?}");
    assert_eq!(harness.run(&["cat", "s3://bkt/new"]).out, "there");
    let harness = Harness::slow_in("GetObject");
    harness.put("k", "k");
    for options in [&["--json"][..], &["--json", "--no-resume"]] {
        let words = ["cp", "-n", "s3://bkt/k", "file"];
        let copied = harness.run_during(&[&words[..], options].concat(), "GetObject", || {
            harness.write("file", "there");
        });
        assert_eq!(copied.json()[0]["status"], "skipped", "{copied:?}");
        assert_eq!(
            (copied.code, harness.read("file")),
            (Some(0), "there".into())
        );
        std::fs::remove_file(harness.path("file")).unwrap();
    }
    // Nothing else is left.
    let names = std::fs::read_dir(harness.path("")).unwrap();
    let parts = names.filter(|name| text(&name.as_ref().unwrap().path()).contains("s3-"));
    assert_eq!(parts.count(), 0);
}
