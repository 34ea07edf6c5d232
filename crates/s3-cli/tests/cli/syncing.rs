//! `sync`.

use std::process::Stdio;
use std::time::UNIX_EPOCH;

use s3_testkit::{FaultAction, FaultMatch, FaultPlan};
use serde_json::Value;

use crate::harness::{Harness, Ran};

/// Sets the time of a file to seconds since 1970.
fn set_time(harness: &Harness, name: &str, seconds: u64) {
    let file = std::fs::File::options()
        .write(true)
        .open(harness.path(name));
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
    let file = file.expect("it was written");
    file.set_modified(time).expect("a time that files can have");
}

#[test]
fn a_second_sync_prints_nothing_and_only_lists() {
    let harness = Harness::new();
    for name in ["up/a/x", "up/a!", "up/a0", "up/z.log"] {
        harness.write(name, name);
        set_time(&harness, name, 1_000_000_000);
    }
    let first = harness.run(&["sync", "up", "s3://bkt/p", "--exclude", "*.log"]);
    assert_eq!(
        first.lines(),
        [
            "upload: up/a! to s3://bkt/p/a!",
            "upload: up/a/x to s3://bkt/p/a/x",
            "upload: up/a0 to s3://bkt/p/a0",
        ]
    );
    let before = harness.server.request_log().requests().len();
    let second = harness.run(&[
        "sync",
        "up",
        "s3://bkt/p/",
        "--exclude",
        "*.log",
        "--delete",
    ]);
    assert_eq!(second.lines(), [""; 0]);
    assert_eq!(harness.server.request_log().requests().len() - before, 1);
    let down = harness.run(&["sync", "s3://bkt/p", "down"]);
    assert_eq!(down.lines().len(), 3);
    assert_eq!(
        harness.run(&["sync", "s3://bkt/p", "down"]).lines(),
        [""; 0]
    );
    let info = harness.run(&["sync", "s3://bkt/p", "s3://bkt/q", "--json"]);
    assert_eq!(info.json().pop().unwrap()["done"], 3);
}

#[test]
fn sides_without_a_difference_cost_their_listings_and_no_head() {
    const FILES: usize = 2500;
    let harness = Harness::new();
    for n in 0..FILES {
        let name = format!("d{}/{n:05}", n % 7);
        harness.put(&format!("p/{name}"), "content");
        harness.write(&format!("local/{name}"), "content");
        set_time(&harness, &format!("local/{name}"), 1_000_000_000);
    }
    let sent = |words: &[&str]| {
        let before = harness.server.request_log().requests().len();
        let ran = harness.run(words);
        assert_eq!(ran.lines(), [""; 0]);
        harness.server.request_log().requests().split_off(before)
    };
    let up = sent(&["sync", "--delete", "local", "s3://bkt/p"]);
    for n in 0..FILES {
        // As a download sets it: later than the object was written.
        let file = std::fs::File::options()
            .write(true)
            .open(harness.path(&format!("local/d{}/{n:05}", n % 7)));
        let later = std::time::SystemTime::now() + std::time::Duration::from_secs(60);
        file.unwrap().set_modified(later).unwrap();
    }
    let down = sent(&["sync", "--delete", "s3://bkt/p", "local"]);
    for requests in [up, down] {
        let operations: Vec<_> = requests
            .iter()
            .map(|request| request.call.operation)
            .collect();
        let pages = FILES.div_ceil(1000);
        assert!(
            operations.iter().all(|name| *name == "ListObjectsV2"),
            "{operations:?}"
        );
        // A probe for directories, one page per directory, and a prediction may come on top.
        assert!(
            (pages..=pages + 9).contains(&operations.len()),
            "{operations:?}"
        );
    }
}

#[test]
fn empty_directories_are_markers_when_asked() {
    let harness = Harness::new();
    harness.write("up/a/f", "f");
    for name in ["up/a/empty", "up/b/c"] {
        std::fs::create_dir_all(harness.path(name)).unwrap();
    }
    let up = ["sync", "up", "s3://bkt/p", "--empty-dirs", "--delete"];
    assert_eq!(
        harness.run(&up).lines(),
        [
            "upload: up/a/empty/ to s3://bkt/p/a/empty/",
            "upload: up/a/f to s3://bkt/p/a/f",
            "upload: up/b/c/ to s3://bkt/p/b/c/",
        ]
    );
    assert_eq!(harness.run(&up).lines(), [""; 0]);
    assert_eq!(harness.keys(), ["p/a/empty/", "p/a/f", "p/b/c/"]);
    let down = ["sync", "s3://bkt/p", "down", "--empty-dirs", "--delete"];
    assert_eq!(harness.run(&down).lines().len(), 3);
    assert_eq!(harness.run(&down).lines(), [""; 0]);
    assert!(harness.path("down/a/empty").is_dir() && harness.path("down/b/c").is_dir());
    // Without the option, markers are left alone.
    std::fs::remove_dir_all(harness.path("up/b")).unwrap();
    let plain = harness.run(&["sync", "up", "s3://bkt/p", "--delete"]);
    assert_eq!(plain.lines(), [""; 0]);
    assert_eq!(harness.run(&up).lines(), ["delete: s3://bkt/p/b/c/"]);
    assert_eq!(harness.run(&down).lines(), ["delete: down/b/c/"]);
    assert!(!harness.path("down/b").exists());
}

#[test]
fn times_of_uploads_are_metadata_when_asked() {
    let harness = Harness::new();
    harness.write("up/f", "f");
    set_time(&harness, "up/f", 1_000_000_000);
    let up = harness.run(&["sync", "up", "s3://bkt/p", "--preserve"]);
    assert_eq!(up.lines().len(), 1);
    let info = harness.run(&["info", "--json", "s3://bkt/p/f"]).json();
    assert_eq!(info[0]["metadata"]["mtime"], "1000000000.000000000");
    let across = harness.run(&["sync", "s3://bkt/p", "s3://bkt/q", "--preserve"]);
    assert_eq!(across.code, Some(2), "{across:?}");
}

#[test]
fn times_go_up_and_come_down() {
    let harness = Harness::new();
    let time = |name: &str| {
        let found = std::fs::metadata(harness.path(name)).unwrap();
        let since = found.modified().unwrap().duration_since(UNIX_EPOCH);
        since.unwrap().as_secs()
    };
    // The parts of the second object have no usual size, so that a HEAD has to tell its time.
    for (name, size) in [("f", 1), ("big", 20 << 20)] {
        harness.write(&format!("up/{name}"), &"x".repeat(size));
        set_time(&harness, &format!("up/{name}"), 1_000_000_000);
    }
    let up = ["sync", "up", "s3://bkt/p", "--preserve"];
    let up = harness.run(&[&up[..], &["--part-size", "7M"]].concat());
    assert_eq!(up.lines().len(), 2);
    harness.put("p/other", "without a time");
    let down = ["sync", "s3://bkt/p", "down", "--preserve"];
    for words in [&[][..], &["--exact-times"]] {
        let down = [&down[..], words].concat();
        assert_eq!(harness.run(&down).lines().len(), 3);
        for name in ["down/f", "down/big"] {
            assert_eq!(time(name), 1_000_000_000, "{name}");
        }
        assert!(time("down/other") > 1_000_000_000);
        assert_eq!(harness.run(&down).lines(), [""; 0]);
        // Changed files are fetched.
        harness.write("down/f", "y");
        set_time(&harness, "down/f", 1_000_000_000);
        set_time(&harness, "down/big", 1_000_000_001);
        assert_eq!(harness.run(&down).lines().len(), 2);
        std::fs::remove_dir_all(harness.path("down")).unwrap();
    }
}

#[test]
fn deletions_are_safe() {
    let harness = Harness::with_keys(&["p/old", "p2/x"]);
    harness.write("up/new", "new");
    let planned = harness.run(&["sync", "up", "s3://bkt/p", "--delete", "--dry-run"]);
    assert_eq!(
        planned.lines(),
        [
            "(dryrun) delete: s3://bkt/p/old",
            "(dryrun) upload: up/new to s3://bkt/p/new"
        ]
    );
    let few = ["sync", "up", "s3://bkt/p", "--delete", "--max-delete", "0"];
    let few = harness.run(&few);
    assert!(
        few.code == Some(1) && few.err.contains("1 deletions were not made"),
        "{few:?}"
    );
    assert_eq!(harness.keys(), ["p/new", "p/old", "p2/x"]);
    std::fs::create_dir(harness.path("empty")).unwrap();
    let empty = harness.run(&["sync", "empty", "s3://bkt/p", "--delete"]);
    assert!(
        empty.code == Some(1) && empty.err.contains("--force"),
        "{empty:?}"
    );
    let missing = harness.run(&["sync", "missing", "s3://bkt/p", "--delete", "--force"]);
    assert_eq!(missing.code, Some(3), "{missing:?}");
    let nothing = harness.run(&["sync", "s3://bkt/none", "down", "--delete"]);
    assert_eq!(nothing.code, Some(3), "{nothing:?}");
    assert_eq!(harness.keys(), ["p/new", "p/old", "p2/x"]);
    let forced = harness.run(&["sync", "empty", "s3://bkt/p", "--delete", "--force"]);
    assert_eq!(
        forced.lines(),
        ["delete: s3://bkt/p/new", "delete: s3://bkt/p/old"]
    );
    assert_eq!(harness.keys(), ["p2/x"]);
}

#[test]
fn filters_hold_for_both_sides_unless_excluded_files_are_to_be_deleted() {
    let harness = Harness::with_keys(&["p/a", "p/x.log"]);
    harness.write("up/a", "another");
    harness.write("up/y.log", "log");
    let sync = |words: &[&str]| {
        let all = [
            &["sync", "up", "s3://bkt/p", "--delete", "--exclude", "*.log"],
            words,
        ];
        harness.run(&all.concat())
    };
    assert_eq!(sync(&[]).lines(), ["upload: up/a to s3://bkt/p/a"]);
    assert_eq!(
        sync(&["--delete-excluded"]).lines(),
        ["delete: s3://bkt/p/x.log"]
    );
    assert_eq!(harness.keys(), ["p/a"]);
}

#[test]
fn a_failed_input_is_named_and_prevents_deletions() {
    let harness = Harness::with_keys(&["p/../evil", "p/ok"]);
    harness.write("down/old", "old");
    let ran = harness.run(&["sync", "s3://bkt/p", "down", "--delete", "--json"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.err.contains("p/../evil") && ran.err.contains("1 deletions were not made"),
        "{ran:?}"
    );
    let lines = ran.json();
    let summary = lines.last().unwrap();
    assert_eq!(
        (&summary["done"], &summary["failed"]),
        (&1.into(), &2.into())
    );
    assert_eq!(
        (harness.read("down/ok"), harness.read("down/old")),
        ("p/ok".into(), "old".into())
    );
    assert!(!harness.path("evil").exists());
}

#[test]
fn what_is_unchanged_counts_as_skipped() {
    let rejected = FaultAction::status(403, "AccessDenied");
    let rejected = FaultMatch::operation("PutObject")
        .with_key("p/new")
        .on(rejected);
    let harness = Harness::with_server(|server| server.faults(FaultPlan::none().with(rejected)));
    harness.write("up/new", "new");
    let sync = ["sync", "up", "s3://bkt/p", "--json"];
    let alone = harness.run(&sync);
    assert_eq!(alone.code, Some(4), "{alone:?}");
    for name in ["a", "b"] {
        harness.write(&format!("up/{name}"), name);
        set_time(&harness, &format!("up/{name}"), 1_000_000_000);
        harness.put(&format!("p/{name}"), name);
    }
    let ran = harness.run(&sync);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let summary = ran.json().pop().unwrap();
    assert_eq!(
        (&summary["skipped"], &summary["failed"]),
        (&2.into(), &1.into())
    );
}

#[test]
fn downloads_say_what_they_were_compared_with() {
    let harness = Harness::with_server(|server| server.default_checksums());
    harness.write("up/f", "f");
    harness.write("up/big", &"x".repeat(20 << 20));
    let up = harness.run(&["sync", "up", "s3://bkt/p", "--json"]).json();
    assert_eq!(up[0].get("verified"), None, "{up:?}");
    let down = ["sync", "s3://bkt/p", "down", "--json"];
    for words in [&["--no-resume"][..], &[]] {
        let mut lines = harness.run(&[&down, words].concat()).json();
        lines.sort_by_key(|line| line["source"].to_string());
        let verified: Vec<_> = lines.iter().map(|line| &line["verified"]).collect();
        // Ranges have no checksum. The summary is last.
        let expected = [&false.into(), &"CRC64NVME".into(), &serde_json::Value::Null];
        assert_eq!(verified, expected, "{lines:?}");
        std::fs::remove_dir_all(harness.path("down")).unwrap();
    }
    harness.put("p/without", "a checksum");
    let lines = harness
        .run(&[&down[..], &["--include", "without"]].concat())
        .json();
    assert_eq!(lines[0]["verified"], false, "{lines:?}");
}

#[test]
fn an_empty_file_has_a_size() {
    let harness = Harness::with_keys(&["p/old"]);
    harness.write("up/empty", "");
    let mut lines = harness
        .run(&["sync", "up", "s3://bkt/p", "--delete", "--json"])
        .json();
    lines.sort_by_key(|line| line["op"].to_string());
    let sizes: Vec<_> = lines.iter().map(|line| &line["size"]).collect();
    // The deletion, the summary and the upload.
    assert_eq!(sizes, [&Value::Null, &Value::Null, &0.into()], "{lines:?}");
}

#[test]
fn an_interrupted_sync_has_a_line_for_each_transfer_in_flight() {
    for (operation, words) in [
        ("PutObject", ["up", "s3://bkt/p", "upload"]),
        ("GetObject", ["s3://bkt/q", "down", "download"]),
        ("CopyObject", ["s3://bkt/q", "s3://bkt/p", "copy"]),
    ] {
        let harness = Harness::slow_in(operation);
        let [from, to, op] = words;
        for name in ["a", "b"] {
            harness.write(&format!("up/{name}"), name);
            harness.put(&format!("q/{name}"), name);
        }
        let mut command = harness.command(&["sync", from, to, "--json"]);
        let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = piped.spawn().unwrap();
        while harness.server.request_log().count_of(operation) < 2 {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let id = child.id().to_string();
        let kill = std::process::Command::new("kill")
            .args(["-INT", &id])
            .status();
        assert!(kill.unwrap().success());
        let ran = Ran::of(child.wait_with_output().unwrap());
        assert_eq!(ran.code, Some(130), "{ran:?}");
        let mut lines = ran.json();
        let summary = lines.pop().unwrap();
        assert_eq!(
            (&summary["interrupted"], &summary["failed"]),
            (&true.into(), &2.into())
        );
        lines.sort_by_key(|line| line["source"].to_string());
        for (line, name) in lines.iter().zip(["a", "b"]) {
            assert_eq!(
                (&line["op"], &line["source"], &line["destination"]),
                (
                    &op.into(),
                    &format!("{from}/{name}").into(),
                    &format!("{to}/{name}").into()
                )
            );
            assert_eq!(line["error"]["kind"], "cancelled", "{line}");
        }
        assert_eq!(lines.len(), 2, "{lines:?}");
    }
}

#[test]
fn content_is_compared_when_asked() {
    let harness = Harness::new();
    harness.write("up/f", "one");
    set_time(&harness, "up/f", 1_000_000_000);
    let sync = |words: &[&str]| harness.run(&[&["sync", "up", "s3://bkt/p"], words].concat());
    assert_eq!(sync(&[]).lines().len(), 1);
    harness.write("up/f", "two");
    set_time(&harness, "up/f", 1_000_000_000);
    assert_eq!(sync(&[]).lines(), [""; 0]);
    assert_eq!(sync(&["--checksum"]).lines().len(), 1);
    assert_eq!(sync(&["--checksum"]).lines(), [""; 0]);
    assert_eq!(sync(&["--checksum", "--size-only"]).code, Some(2));
}

#[test]
fn checksums_tell_where_etags_do_not() {
    for adds_checksums in [true, false] {
        let harness = Harness::with_server(|server| match adds_checksums {
            true => server.default_checksums(),
            false => server,
        });
        harness.write("up/big", &"x".repeat(20 << 20));
        // No usual size: the ETag does not tell it.
        let parts = ["--part-size", "7M", "up/big", "s3://bkt/p/big"];
        harness.run(&[&["cp"], &parts[..]].concat()).lines();
        harness.run(&["cp", "up/big", "s3://bkt/q/big"]).lines();
        for (from, to, heads) in [
            ("up", "s3://bkt/p", 1),
            ("s3://bkt/p", "up", 1),
            ("s3://bkt/p", "s3://bkt/q", 2),
        ] {
            let log = harness.server.request_log();
            let before = log.count_of("HeadObject");
            let ran = harness.run(&["sync", from, to, "--checksum", "--dry-run"]);
            assert_eq!(log.count_of("HeadObject") - before, heads, "{ran:?}");
            assert_eq!(ran.code, Some(0), "{ran:?}");
            assert_eq!(ran.out.is_empty(), adds_checksums, "{ran:?}");
            let says_so = ran
                .err
                .starts_with("warning: the content of 1 objects cannot be compared");
            assert_eq!(says_so, !adds_checksums, "{ran:?}");
        }
    }
}

#[test]
fn sides_that_cannot_be_synced_are_usage_errors() {
    let harness = Harness::with_keys(&["p/k"]);
    for words in [
        ["sync", "a", "b"],
        ["sync", "s3://bkt/p", "s3://bkt/p/q"],
        ["sync", "-", "s3://bkt/p"],
    ] {
        let ran = harness.run(&words);
        assert_eq!(ran.code, Some(2), "{ran:?}");
    }
    // These combinations are rejected.
    for words in [
        ["sync", "--preserve", "s3://bkt/p", "s3://bkt/q"],
        ["sync", "--exact-times", "up", "s3://bkt/p"],
        ["sync", "--exact-times", "s3://bkt/p", "s3://bkt/q"],
        ["ls", "--csv", "--summarize", "s3://bkt/p"],
    ] {
        let ran = harness.run(&words);
        assert_eq!(ran.code, Some(2), "{ran:?}");
    }
}

#[test]
fn a_special_file_is_a_warning_and_its_target_stays() {
    let harness = Harness::with_keys(&["p/d/pipe", "p/gone"]);
    harness.write("up/d/f", "f");
    let made = std::process::Command::new("mkfifo")
        .arg(harness.path("up/d/pipe"))
        .status();
    assert!(made.unwrap().success());
    let up = harness.run(&["sync", "up", "s3://bkt/p", "--delete", "--json"]);
    assert_eq!(
        (up.code, &*up.err),
        (Some(0), "warning: up/d/pipe is no regular file; skipped\n")
    );
    let lines = up.json();
    let statuses = lines.iter().filter(|line| line["status"] == "skipped");
    assert_eq!(statuses.count(), 1, "{up:?}");
    assert_eq!(harness.keys(), ["p/d/f", "p/d/pipe"]);
    // One of the target stays as well.
    let down = harness.run(&["sync", "s3://bkt/q", "up", "--delete", "--force"]);
    assert_eq!(down.lines(), ["delete: up/d/f"]);
    assert!(harness.path("up/d/pipe").exists());
}

#[test]
fn an_object_whose_key_ends_in_a_slash_is_copied_and_cannot_be_a_file() {
    let harness = Harness::with_keys(&["p/", "p/x/", "p/y/z"]);
    harness.put("p/y/", "");
    let down = harness.run(&["sync", "s3://bkt/p", "down"]);
    assert_eq!(
        (down.code, &*down.out),
        (Some(1), "download: s3://bkt/p/y/z to down/y/z\n")
    );
    assert_eq!(down.err.lines().count(), 2, "{down:?}");
    assert!(down.err.contains("s3://bkt/p/x/"), "{down:?}");
    let across = ["sync", "s3://bkt/p", "s3://bkt/q", "--delete"];
    assert_eq!(harness.run(&across).lines().len(), 3);
    assert_eq!(harness.run(&across).lines(), [""; 0]);
    assert_eq!(harness.run(&["cat", "s3://bkt/q/x/"]).out, "p/x/");
    // Files have no such names: an upload leaves those of its target alone.
    harness.write("up/f", "f");
    let up = harness.run(&["sync", "up", "s3://bkt/q", "--delete"]);
    assert_eq!(
        up.lines(),
        ["delete: s3://bkt/q/y/z", "upload: up/f to s3://bkt/q/f"]
    );
    assert_eq!(
        harness.keys(),
        ["p/", "p/x/", "p/y/", "p/y/z", "q/", "q/f", "q/x/"]
    );
}
