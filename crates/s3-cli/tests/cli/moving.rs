//! Tests of `mv`: no source is lost.

use std::os::unix::fs::symlink;
use std::time::Duration;

use s3_testkit::{FaultAction, FaultMatch, FaultPlan};

use crate::harness::Harness;

#[test]
fn two_sources_of_one_name_are_not_moved_over_each_other() {
    let harness = Harness::with_keys(&["a/x", "b/x"]);
    let moved = harness.run(&["mv", "s3://bkt/a/x", "s3://bkt/b/x", "here"]);
    assert_eq!(moved.code, Some(1), "{moved:?}");
    assert!(
        moved.err.contains("s3://bkt/b/x: another input"),
        "{moved:?}"
    );
    assert_eq!(
        (harness.read("here/x"), harness.keys()),
        ("a/x".into(), vec!["b/x".into()])
    );
    for name in ["d1/f", "d1/g", "d2/f"] {
        harness.write(name, name);
    }
    let moved = harness.run(&["mv", "-r", "d1", "d2", "s3://bkt/p/"]);
    assert_eq!(moved.code, Some(1), "{moved:?}");
    assert_eq!(harness.run(&["cat", "s3://bkt/p/f"]).out, "d1/f");
    assert!(harness.path("d2/f").exists() && !harness.path("d1/g").exists());
    let copied = harness.run(&["cp", "s3://bkt/p/f", "s3://bkt/b/x", "s3://bkt/q"]);
    assert_eq!(copied.code, Some(0), "{copied:?}");
}

#[test]
fn empty_objects_of_directories_may_meet() {
    let harness = Harness::new();
    for directory in ["a", "b"] {
        harness.put(&format!("{directory}/"), "");
        harness.put(&format!("{directory}/sub/"), "");
        harness.put(&format!("{directory}/{directory}"), "content");
    }
    let copied = harness.run(&["cp", "-r", "s3://bkt/a", "s3://bkt/b", "s3://bkt/c"]);
    assert_eq!(copied.code, Some(0), "{copied:?}");
    let keys = harness.keys();
    assert_eq!(keys[keys.len() - 4..], ["c/", "c/a", "c/b", "c/sub/"]);
}

#[test]
fn a_source_that_would_be_overwritten_by_another_fails_it() {
    let harness = Harness::with_keys(&["x/a", "x/x/a", "y/b"]);
    let moved = harness.run(&["mv", "-r", "s3://bkt/x", "s3://bkt/"]);
    assert_eq!(moved.code, Some(1), "{moved:?}");
    assert!(
        moved.err.contains("s3://bkt/x/x/a: ") && moved.err.contains("is among the sources"),
        "{moved:?}"
    );
    assert_eq!(harness.keys(), ["a", "x/x/a", "y/b"]);
    assert_eq!(harness.run(&["cat", "s3://bkt/a"]).out, "x/a");
    let copied = harness.run(&["cp", "-r", "s3://bkt/x", "s3://bkt/"]);
    assert_eq!(copied.code, Some(1), "{copied:?}");
    assert_eq!(harness.keys(), ["a", "x/x/a", "y/b"]);
}

#[test]
fn an_object_that_is_replaced_while_it_is_moved_stays() {
    let harness = Harness::slow_in("DeleteObject");
    for target in ["s3://bkt/target", "file"] {
        harness.put("k", "old");
        let moved = harness.run_during(&["mv", "s3://bkt/k", target], "DeleteObject", || {
            harness.put("k", "new");
        });
        assert_eq!(moved.code, Some(1), "{moved:?}");
        assert!(
            moved.err.contains("the source changed during the copy"),
            "{moved:?}"
        );
        assert_eq!(harness.run(&["cat", "s3://bkt/k"]).out, "new");
    }
    assert_eq!(harness.read("file"), "old");
}

#[test]
fn an_object_is_moved_where_deletes_have_no_conditions() {
    let rejection = FaultAction::status(501, "NotImplemented");
    let stall = FaultAction::stall(Duration::from_secs(1));
    // The second delete has no condition.
    let plan = FaultPlan::none()
        .with(FaultMatch::operation("DeleteObject").on(rejection).times(1))
        .with(FaultMatch::operation("HeadObject").on(stall));
    let server = || Harness::with_server(|server| server.faults(plan.clone()));
    let words = ["mv", "-r", "s3://bkt/d", "s3://bkt/e"];
    let harness = server();
    harness.put("d/k", "k");
    assert_eq!(
        harness.run(&words).lines(),
        ["move: s3://bkt/d/k to s3://bkt/e/k"]
    );
    assert_eq!(harness.keys(), ["e/k"]);
    let harness = server();
    harness.put("d/k", "old");
    let moved = harness.run_during(&words, "HeadObject", || harness.put("d/k", "new"));
    assert_eq!(moved.code, Some(1), "{moved:?}");
    assert!(
        moved.err.contains("the source changed during the copy"),
        "{moved:?}"
    );
    assert_eq!(harness.keys(), ["d/k", "e/k"]);
}

#[test]
fn a_directory_below_the_destination_is_copied_and_moved() {
    let harness = Harness::with_keys(&["a/sub/k", "a/old/k2"]);
    let copied = harness.run(&["cp", "-r", "s3://bkt/a/sub", "s3://bkt/a/"]);
    assert_eq!(copied.lines(), ["copy: s3://bkt/a/sub/k to s3://bkt/a/k"]);
    let moved = harness.run(&["mv", "s3://bkt/a/old/*", "s3://bkt/a/"]);
    assert_eq!(moved.lines(), ["move: s3://bkt/a/old/k2 to s3://bkt/a/k2"]);
    assert_eq!(harness.keys(), ["a/k", "a/k2", "a/sub/k"]);
}

#[test]
fn a_listed_object_that_is_replaced_before_its_copy_fails() {
    let harness = Harness::slow_in("CopyObject");
    harness.put("d/k", "old");
    let copied = harness.run_during(
        &["cp", "-r", "s3://bkt/d", "s3://bkt/e"],
        "CopyObject",
        || {
            harness.put("d/k", "new");
        },
    );
    assert_eq!(copied.code, Some(5), "{copied:?}");
    assert_eq!(harness.keys(), ["d/k"]);
}

#[test]
fn files_behind_a_link_out_of_the_source_are_not_removed() {
    let harness = Harness::new();
    for name in ["outside/f", "dir/own", "dir/sub/g"] {
        harness.write(name, name);
    }
    symlink("../outside", harness.path("dir/link")).unwrap();
    symlink("sub", harness.path("dir/inner")).unwrap();
    let moved = harness.run(&["mv", "-r", "dir", "s3://bkt/p", "--exclude", "sub/*"]);
    assert_eq!(moved.code, Some(1), "{moved:?}");
    assert!(
        moved.err.contains("dir/link/f") && moved.err.contains("outside of the source"),
        "{moved:?}"
    );
    assert_eq!(harness.keys(), ["p/inner/g", "p/link/f", "p/own"]);
    assert!(harness.path("outside/f").exists());
    assert!(!harness.path("dir/own").exists() && !harness.path("dir/sub/g").exists());
    let moved = harness.feed(
        &["mv", "dir", "s3://bkt/q", "--files-from", "-"],
        "link/f\n",
    );
    assert_eq!(moved.code, Some(1), "{moved:?}");
    assert!(harness.path("outside/f").exists());
    // The file that is named may be anywhere.
    assert_eq!(
        harness.run(&["mv", "dir/link/f", "s3://bkt/r"]).code,
        Some(0)
    );
    assert!(!harness.path("outside/f").exists());
}
