//! Which inputs arguments, filters and lists name.

use crate::harness::Harness;

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
