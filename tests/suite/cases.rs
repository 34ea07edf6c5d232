//! Recorded configurations and responses: each folder of `tests/cases` ends as described.

use std::process::Command;

#[test]
fn every_case_has_its_right_outcome() {
    let output = Command::new(env!("CARGO_BIN_EXE_cases")).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    let folders = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/cases")).unwrap();
    let folders = folders.filter(|entry| entry.as_ref().unwrap().path().is_dir());
    let passed = format!("{} passed, 0 failed", folders.count());
    assert_eq!(text.lines().last(), Some(&*passed), "{text}");
}

#[test]
fn a_case_whose_outcome_is_wrong_fails() {
    let folder = tempfile::tempdir().unwrap();
    let case = folder.path().join("wrong");
    std::fs::create_dir(&case).unwrap();
    let json = r#"{
        "calls": [["get", "s3://b/k"]],
        "client": {"endpoint": "{server}", "access_key": "a", "secret_key": "s"},
        "expect": {"ok": {"text": "goodbye"}}
    }"#;
    std::fs::write(case.join("case.json"), json).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_cases"));
    let output = command.arg(folder.path()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success(), "{text}");
    assert_eq!(text.lines().last(), Some("0 passed, 1 failed"), "{text}");
    assert!(
        text.contains("text is \"hello\", not \"goodbye\""),
        "{text}"
    );
}
