//! `mv`: nothing is lost on the way.

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
