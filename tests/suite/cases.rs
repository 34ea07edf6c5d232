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
fn a_folder_that_cannot_be_run_says_why_and_is_no_success() {
    let folder = tempfile::tempdir().unwrap();
    let prose = "# 99 x\n\nKind: Z odd. Call: `juggle`. Right outcome: three balls. Seen: none.\n";
    for (name, file, text) in [
        ("prose", "CASE.md", prose),
        ("empty", "NOTE.txt", "nothing"),
        ("cut", "case.json", "{\"calls\": ["),
        (
            "misspelt",
            "case.json",
            r#"{"calls": ["get s3://b/k", ["juggle"]], "respones": [], "expect": {"okay": {}}}"#,
        ),
    ] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
        std::fs::write(folder.path().join(name).join(file), text).unwrap();
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_cases"));
    let output = command.arg(folder.path()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success(), "{text}");
    let last = "0 passed, 0 failed, 4 not runnable";
    assert_eq!(text.lines().last(), Some(last), "{text}");
    for words in [
        "NOT RUNNABLE prose: no case.json, and `Call:` names no call",
        "NOT RUNNABLE empty: no case.json, and CASE.md cannot be read",
        "NOT RUNNABLE cut: case.json cannot be read: EOF",
        "NOT RUNNABLE misspelt: unknown field `respones` in case.json (there are about,",
        "unknown field `okay` in `expect`",
        "unknown call `juggle`",
    ] {
        assert!(text.contains(words), "{words} is not in {text}");
    }
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

#[test]
fn a_case_that_tries_again_too_often_or_waits_too_long_fails() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bound) in [
        ("retries", r#""retries": 0"#),
        ("right", r#""retries": 1, "requests": 2, "within": 30"#),
        ("within", r#""within": 0.5"#),
    ] {
        let case = folder.path().join(name);
        std::fs::create_dir(&case).unwrap();
        let json = format!(
            r#"{{
                "calls": [["get", "s3://b/k"]],
                "client": {{"endpoint": "{{server}}", "access_key": "a", "secret_key": "s"}},
                "responses": [{{"status": "503 Slow Down", "headers": "Retry-After: 1\r\n", "times": 1}}],
                "expect": {{"ok": {{"text": "hello"}}, {bound}}}
            }}"#
        );
        std::fs::write(case.join("case.json"), json).unwrap();
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_cases"));
    let output = command.arg(folder.path()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<&str> = text.lines().collect();
    let [retries, "passed right", within, "1 passed, 2 failed"] = lines[..] else {
        panic!("{text}");
    };
    assert!(retries.contains("1 retries, not at most 0"), "{text}");
    assert!(
        within.contains("it waited 1.0 s before retries, not at most 0.5"),
        "{text}"
    );
}
