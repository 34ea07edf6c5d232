//! Files that change while they are uploaded.

use std::os::unix::fs::FileExt;

use crate::harness::Harness;

/// Writes a file of this size.
fn write(harness: &Harness, name: &str, size: usize) {
    harness.write(name, &"x".repeat(size));
}

/// Changes the first byte of a file, which keeps its size.
fn change(harness: &Harness, name: &str) {
    let file = std::fs::File::options()
        .write(true)
        .open(harness.path(name));
    file.expect("a file")
        .write_all_at(b"y", 0)
        .expect("a write");
}

#[test]
fn an_object_of_both_versions_is_not_written() {
    // The server does not read the body at once, so that its end waits in the client.
    let harness = Harness::slow_in("PutObject");
    harness.put("k", "old");
    for command in ["cp", "mv"] {
        write(&harness, "f", 15 << 20);
        let words = [command, "f", "s3://bkt/k"];
        let ran = harness.run_during(&words, "PutObject", || change(&harness, "f"));
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.err.contains("was changed while it was"), "{ran:?}");
        assert_eq!(harness.run(&["cat", "s3://bkt/k"]).out, "old");
        assert!(harness.read("f").starts_with("yx"));
    }
}

#[test]
fn an_upload_in_parts_of_both_versions_is_aborted() {
    let harness = Harness::slow_in("UploadPart");
    write(&harness, "f", 20 << 20);
    let words = ["cp", "--no-resume", "f", "s3://bkt/k"];
    let ran = harness.run_during(&words, "UploadPart", || change(&harness, "f"));
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains("was changed while it was"), "{ran:?}");
    assert_eq!(harness.keys(), [""; 0]);
    assert_eq!(harness.server.unfinished_uploads().unwrap(), 0);
}

#[test]
fn a_sync_sends_a_file_again_that_changes_once() {
    let harness = Harness::slow_in("PutObject");
    write(&harness, "up/f", 15 << 20);
    let words = ["sync", "up", "s3://bkt/p"];
    let ran = harness.run_during(&words, "PutObject", || change(&harness, "up/f"));
    assert_eq!(ran.lines().len(), 1);
    assert_eq!(harness.server.request_log().count_of("PutObject"), 2);
    let object = harness.run(&["cat", "s3://bkt/p/f"]).out;
    assert!(object == harness.read("up/f") && object.starts_with("yx"));
}
