//! `restore`.

use s3_testkit::{FaultAction, FaultMatch, FaultPlan};

use crate::harness::Harness;

/// Returns a server with two archived objects and one that is not.
fn archive(harness: Harness) -> Harness {
    harness.write("f", "content");
    for (key, class) in [
        ("cold/a", "GLACIER"),
        ("cold/b/c", "DEEP_ARCHIVE"),
        ("cold/warm", "STANDARD_IA"),
    ] {
        let url = format!("s3://bkt/{key}");
        let copied = harness.run(&["cp", "f", &url, "--storage-class", class]);
        assert_eq!(copied.code, Some(0), "{copied:?}");
    }
    harness
}

#[test]
fn an_archived_object_is_restored_and_then_read() {
    let harness = archive(Harness::new());
    let cold = harness.run(&["cat", "s3://bkt/cold/a"]);
    assert_eq!(cold.code, Some(4), "{cold:?}");
    assert!(cold.err.contains("mfs3 restore --days N"), "{cold:?}");
    let words = ["restore", "s3://bkt/cold/a", "--days", "3"];
    let restored = harness.run(&[&words[..], &["--tier", "bulk"]].concat());
    assert_eq!(restored.lines(), ["restore: s3://bkt/cold/a"]);
    assert_eq!(harness.run(&["cat", "s3://bkt/cold/a"]).out, "content");
    let info = harness.run(&["info", "s3://bkt/cold/a"]);
    assert!(
        info.out.contains("\nRestore: readable until 20"),
        "{info:?}"
    );
    let info = harness.run(&["info", "s3://bkt/cold/a", "--json"]).json();
    assert_eq!(info[0]["restore"]["in_progress"], false);
    let log = harness.server.request_log();
    assert_eq!(log.count_of("RestoreObject"), 1);
}

#[test]
fn a_directory_is_restored_without_what_is_in_no_archive() {
    let harness = archive(Harness::new());
    let words = ["restore", "-r", "s3://bkt/cold", "--days", "1"];
    let planned = harness.run(&[&words[..], &["--dry-run"]].concat());
    let lines = ["restore: s3://bkt/cold/a", "restore: s3://bkt/cold/b/c"];
    let marked: Vec<_> = lines
        .iter()
        .map(|line| format!("(dryrun) {line}"))
        .collect();
    assert_eq!(planned.lines(), marked);
    assert_eq!(harness.server.request_log().count_of("RestoreObject"), 0);
    assert_eq!(harness.run(&words).lines(), lines);
    let again = harness.run(&[&words[..], &["--json", "--exclude", "b/*"]].concat());
    let summary = again.json().pop().unwrap();
    assert_eq!(
        (&summary["done"], &summary["skipped"]),
        (&1.into(), &1.into())
    );
    let wildcard = harness.run(&["restore", "s3://bkt/cold/*", "--days", "1"]);
    assert_eq!(wildcard.lines(), lines);
}

#[test]
fn what_leaves_its_archive_for_good_is_restored_without_days() {
    let harness = archive(Harness::new());
    let url = "s3://bkt/tiered";
    let copied = harness.run(&["cp", "f", url, "--storage-class", "INTELLIGENT_TIERING"]);
    assert_eq!(copied.code, Some(0), "{copied:?}");
    let line = ["restore: s3://bkt/tiered"];
    assert_eq!(harness.run(&["restore", url]).lines(), line);
    assert_eq!(harness.run(&["restore", "s3://bkt/t*"]).lines(), line);
    let skipped = harness.run(&["restore", "s3://bkt/t*", "--days", "1", "--json"]);
    let summary = skipped.json().pop().unwrap();
    assert_eq!((skipped.code, &summary["skipped"]), (Some(0), &1.into()));
    assert_eq!(harness.run(&["restore", url, "--days", "1"]).code, Some(1));

    let log = harness.server.request_log();
    let before = log.count_of("RestoreObject");
    for words in [
        ["restore", "s3://bkt/cold/*"],
        ["restore", "s3://bkt/cold/a"],
    ] {
        let rejected = harness.run(&words);
        assert!(rejected.err.contains("add --days N"), "{rejected:?}");
    }
    // The storage class of a listing suffices.
    assert_eq!(log.count_of("RestoreObject"), before + 1);

    let warm = FaultAction::status(403, "InvalidObjectState");
    let plan = FaultPlan::none().with(FaultMatch::operation("RestoreObject").on(warm));
    let harness = Harness::with_server(|server| server.faults(plan));
    harness.write("f", "content");
    harness.run(&["cp", "f", url, "--storage-class", "INTELLIGENT_TIERING"]);
    let ran = harness.run(&["restore", "s3://bkt/t*", "--json"]);
    let summary = ran.json().pop().unwrap();
    assert_eq!((ran.code, &summary["skipped"]), (Some(0), &1.into()));
}

#[test]
fn what_cannot_be_restored_fails_and_what_is_being_restored_does_not() {
    let harness = archive(Harness::new());
    for (words, code) in [
        (vec!["s3://bkt/cold/warm", "--days", "1"], 1),
        (vec!["s3://bkt/absent", "--days", "1"], 3),
        (vec!["-r", "s3://bkt/none", "--days", "1"], 3),
        (vec!["s3://bkt/cold/a"], 1),
        (vec!["s3://bkt/cold/*"], 1),
        // Archives only: something was sent to learn that.
        (vec!["s3://bkt/cold/b/*"], 1),
        (vec!["s3://bkt/cold/a", "--days", "0"], 2),
        (vec!["s3://bkt/cold/a", "--days", "1", "--tier", "Slow"], 2),
        (
            vec!["s3://bkt/cold/*", "--days", "1", "--version-id", "1"],
            2,
        ),
    ] {
        let ran = harness.run(&[&["restore"], &words[..]].concat());
        assert_eq!(ran.code, Some(code), "{words:?}: {ran:?}");
    }
    let being = FaultAction::status(409, "RestoreAlreadyInProgress");
    let plan = FaultPlan::none().with(FaultMatch::operation("RestoreObject").on(being));
    let harness = archive(Harness::with_server(|server| server.faults(plan)));
    let ran = harness.run(&["restore", "s3://bkt/cold/a", "--days", "1", "--json"]);
    let summary = ran.json().pop().unwrap();
    assert_eq!((ran.code, &summary["skipped"]), (Some(0), &1.into()));
}
