//! Names of keys and of files, and roots of relative keys.

use crate::harness::{Harness, Ran};

#[test]
fn of_a_key_and_one_that_needs_it_as_a_directory_one_fails() {
    let harness = Harness::with_keys(&["d/x", "d/x/y", "d/z"]);
    for words in [
        &["cp", "-r", "s3://bkt/d", "copied"][..],
        &["sync", "s3://bkt/d", "synced"],
    ] {
        let ran = harness.run(words);
        assert_eq!((ran.code, ran.out.lines().count()), (Some(1), 2), "{ran:?}");
        let directory = harness.path(words[words.len() - 1]);
        let [x, y, z] = ["x", "x/y", "z"].map(|name| directory.join(name));
        let failed = match x.is_file() {
            true => "s3://bkt/d/x/y",
            false => "s3://bkt/d/x",
        };
        assert!((x.is_file() || y.is_file()) && z.is_file(), "{ran:?}");
        let sentence = format!("error: download {failed} to ");
        assert!(
            ran.err.starts_with(&sentence) && ran.err.lines().count() == 1,
            "{ran:?}"
        );
        assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 2);
    }
}

#[test]
fn names_that_no_path_can_have_are_encoded_and_come_back() {
    let keys = ["p/../x", "p/100%", "p/a//b", "p/plain"];
    let harness = Harness::with_keys(&keys);
    let plain = harness.run(&["cp", "-r", "s3://bkt/p", "plain"]);
    assert_eq!(plain.code, Some(1), "{plain:?}");
    assert_eq!(plain.err.matches("--encode-names").count(), 2, "{plain:?}");
    let down = harness.run(&["cp", "-r", "--encode-names", "s3://bkt/p", "down"]);
    assert_eq!(down.lines().len(), 4);
    for (key, name) in keys.iter().zip(["%2E%2E/x", "100%25", "a/%/b", "plain"]) {
        assert_eq!(harness.read(&format!("down/{name}")), *key);
    }
    let up = harness.run(&["cp", "-r", "--encode-names", "down", "s3://bkt/q"]);
    assert_eq!(up.lines().len(), 4);
    let expected: Vec<_> = keys.iter().map(|key| key.replacen('p', "q", 1)).collect();
    let keys = harness.keys();
    assert_eq!(
        keys.iter()
            .filter(|key| key.starts_with("q/"))
            .collect::<Vec<_>>(),
        expected.iter().collect::<Vec<_>>()
    );
}

#[test]
fn destinations_have_no_wildcards() {
    let harness = Harness::with_keys(&["k"]);
    harness.write("f", "f");
    for (words, line) in [
        (["f", "s3://bkt/a*[b]?"], "upload: f to s3://bkt/a*[b]?"),
        (
            ["s3://bkt/k", "s3://bkt/c*/"],
            "copy: s3://bkt/k to s3://bkt/c*/k",
        ),
        (["s3://bkt/k", "x*"], "download: s3://bkt/k to x*"),
    ] {
        let ran = harness.run(&[&["cp"], &words[..]].concat());
        assert_eq!(ran.lines(), [line]);
    }
    assert_eq!(harness.keys(), ["a*[b]?", "c*/k", "k"]);
    assert_eq!(harness.read("x*"), "k");
}

#[test]
fn keys_are_below_the_root_of_an_option() {
    let harness = Harness::with_keys(&["data/d/k", "data/Flow/7/art"]);
    let s3root = ["--s3root", "s3://bkt/data"];
    let found = harness.run(&[&["find", "s3:d"], &s3root[..]].concat());
    assert_eq!(found.lines(), ["s3://bkt/data/d/k"]);
    let copied = harness.run(&[&s3root[..], &["cp", "s3:d/k", "k"]].concat());
    assert_eq!(copied.lines(), ["download: s3://bkt/data/d/k to k"]);
    let run = |words: &[&str]| {
        let mut command = harness.command(&[words, &["--run", "Flow/7"]].concat());
        command.env("METAFLOW_DATATOOLS_S3ROOT", "s3://bkt/data");
        Ran::of(command.output().unwrap())
    };
    assert_eq!(run(&["cat", "s3:art"]).out, "data/Flow/7/art");
    // A full address is one with any root.
    assert_eq!(run(&["cat", "s3://bkt/data/d/k"]).out, "data/d/k");
    let both = run(&["ls", "--s3root", "s3://bkt"]);
    assert_eq!(both.code, Some(2), "{both:?}");
    assert_eq!(harness.run(&["ls", "--run", "Flow", "s3:x"]).code, Some(2));
}
