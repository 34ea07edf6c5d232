//! `serve`.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use crate::harness::{Harness, Ran};

/// A running `mfs3 serve`.
pub(crate) struct Serving {
    child: Child,
    pub(crate) settings: Vec<(String, String)>,
}

impl Serving {
    pub(crate) fn start(harness: &Harness, words: &[&str]) -> Self {
        let mut command = harness.command(&[&["serve"], words].concat());
        let mut child = command
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().expect("it is piped"));
        out.read_line(&mut line).expect("a line");
        let settings = line
            .split_whitespace()
            .filter_map(|word| word.split_once('='));
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self {
            child,
            settings: settings.collect(),
        }
    }

    fn run(&self, harness: &Harness, words: &[&str]) -> Ran {
        let mut command = harness.command(words);
        Ran::of(
            command
                .envs(self.settings.iter().cloned())
                .output()
                .expect("the binary runs"),
        )
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }
}

#[test]
fn objects_in_memory_are_written_listed_and_read() {
    let harness = Harness::new();
    let serving = Serving::start(&harness, &[]);
    harness.write("f", "content");
    let put = serving.run(&harness, &["cp", "f", "s3://demo/a//b"]);
    assert_eq!(put.lines(), ["upload: f to s3://demo/a//b"]);
    assert_eq!(
        serving.run(&harness, &["cat", "s3://demo/a//b"]).out,
        "content"
    );
    assert_eq!(
        serving.run(&harness, &["find", "s3://demo"]).lines(),
        ["s3://demo/a//b"]
    );
    // The server of the harness is another one.
    assert_eq!(harness.run(&["ls", "s3://demo"]).code, Some(3));
}

#[test]
fn a_directory_with_files_is_removed_by_force_only() {
    let harness = Harness::new();
    harness.write("buckets/photos/2026/cat.jpg", "purr");
    let serving = Serving::start(&harness, &["buckets"]);
    let removed = serving.run(&harness, &["rb", "s3://photos"]);
    assert_eq!(removed.code, Some(1), "{removed:?}");
    assert!(removed.err.contains("BucketNotEmpty"), "{removed:?}");
    assert_eq!(harness.read("buckets/photos/2026/cat.jpg"), "purr");
    let removed = serving.run(&harness, &["rb", "--force", "s3://photos"]);
    assert_eq!(removed.code, Some(0), "{removed:?}");
    assert!(!harness.path("buckets/photos").exists());
    assert_eq!(serving.run(&harness, &["rb", "s3://photos"]).code, Some(3));
}

#[test]
fn a_directory_is_served_and_wrong_keys_are_rejected() {
    let harness = Harness::new();
    harness.write("buckets/photos/cat.jpg", "purr");
    let mut serving = Serving::start(&harness, &["buckets"]);
    assert_eq!(
        serving.run(&harness, &["cat", "s3://photos/cat.jpg"]).out,
        "purr"
    );
    harness.write("f", "content");
    assert_eq!(
        serving
            .run(&harness, &["cp", "f", "s3://photos/x/f"])
            .lines()
            .len(),
        1
    );
    assert_eq!(harness.read("buckets/photos/x/f"), "content");
    serving
        .settings
        .push(("AWS_SECRET_ACCESS_KEY".to_owned(), "wrong".to_owned()));
    assert_eq!(serving.run(&harness, &["ls", "s3://photos"]).code, Some(4));
    let port = serving.settings[0].1.rsplit(':').next().unwrap().to_owned();
    let taken = harness.run(&["serve", "--port", &port]);
    assert!(
        taken.code == Some(1) && taken.err.contains("listen on port"),
        "{taken:?}"
    );
}

#[test]
fn a_directory_is_a_key_without_content() {
    let harness = Harness::new();
    harness.write("buckets/photos/dir/cat.jpg", "purr");
    std::fs::create_dir_all(harness.path("buckets/photos/empty")).unwrap();
    let serving = Serving::start(&harness, &["buckets"]);
    let run = |words: &[&str]| serving.run(&harness, &[words, &["--deadline", "10s"]].concat());
    let urls = [
        "s3://photos/dir/",
        "s3://photos/dir/cat.jpg/",
        "s3://photos/empty/",
        "s3://photos/none/",
    ];
    for url in urls {
        assert_eq!(run(&["cat", url]).code, Some(3), "{url}");
        assert_eq!(run(&["info", url]).code, Some(3), "{url}");
    }
    // One by one and in a batch.
    for url in urls {
        assert_eq!(run(&["rm", url]).lines(), [format!("delete: {url}")]);
    }
    assert_eq!(run(&[&["rm"], &urls[..]].concat()).lines().len(), 4);
    // A directory that was not empty stays.
    assert_eq!(harness.read("buckets/photos/dir/cat.jpg"), "purr");
    assert!(!harness.path("buckets/photos/empty").exists());
}

#[test]
fn keys_that_no_file_can_have_are_rejected_alone() {
    let harness = Harness::new();
    harness.write("buckets/photos/cat.jpg", "purr");
    let serving = Serving::start(&harness, &["buckets"]);
    harness.write("f", "content");
    let long = "k".repeat(256);
    let deep = "a/".repeat(300);
    for (key, code) in [
        (long.as_str(), "KeyTooLongError"),
        (&"k".repeat(200), "KeyTooLongError"),
        (&format!("{deep}z"), "KeyTooLongError"),
        ("x//y", "InvalidArgument"),
        ("x/../y", "InvalidArgument"),
        ("cat.jpg/tail", "InvalidArgument"),
    ] {
        let url = format!("s3://photos/{key}");
        let put = serving.run(&harness, &["cp", "f", &url]);
        assert!(
            put.code == Some(1) && put.err.contains(&format!("400 {code}")),
            "{put:?}"
        );
        assert_eq!(serving.run(&harness, &["cat", &url]).code, Some(3), "{url}");
    }
    let put = serving.run(&harness, &["cp", "f", "s3://photos/x/f"]);
    assert_eq!(put.code, Some(0), "{put:?}");
    let beside = serving.run(&harness, &["cp", "f", "s3://photos/x"]);
    assert!(beside.err.contains("400 InvalidArgument"), "{beside:?}");
    assert_eq!(
        serving.run(&harness, &["cat", "s3://photos/x"]).code,
        Some(3)
    );
    // One request deletes them all; a key that no file can have counts as missing.
    let urls = [
        &format!("s3://photos/{long}"),
        "s3://photos/x",
        "s3://photos/x/f",
    ];
    let removed = serving.run(&harness, &[&["rm"], &urls[..]].concat());
    assert_eq!(removed.lines().len(), 3);
    assert_eq!(
        serving.run(&harness, &["find", "s3://photos"]).lines(),
        ["s3://photos/cat.jpg"]
    );
}
