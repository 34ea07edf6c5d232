//! Versions and archived objects.

use s3_core::{SetVersioning, Store, Versioning};

use super::check;
use crate::harness::block_on;

#[test]
fn versions_are_listed_read_and_copied() {
    check(|server| {
        let enabled = SetVersioning::new(&*server.bucket, Versioning::Enabled);
        block_on(server.store().set_versioning(enabled)).unwrap();
        let key = server.url("k");
        server.feed(&["pipe", &key], "old");
        server.feed(&["pipe", &key], "new");
        assert_eq!(server.run(&["rm", &key]).lines().len(), 1);
        assert_eq!(server.keys(), [""; 0]);
        let all = server.run(&["ls", "-r", &server.url(""), "--all-versions", "--json"]);
        let lines = all.json();
        let kinds: Vec<_> = lines.iter().map(|line| &line["type"]).collect();
        assert_eq!(kinds, ["delete_marker", "file", "file"], "{all:?}");
        let oldest = lines[2]["version"].as_str().unwrap();
        let version = ["--version-id", oldest];
        let read = server.run(&[&["cat", &key][..], &version].concat());
        assert_eq!(read.out, "old", "{read:?}");
        let info = server.run(&[&["info", &key, "--json"][..], &version].concat());
        assert_eq!(info.json()[0]["version"], oldest);
        let down = server.run(&[&["cp", &key, "down"][..], &version].concat());
        assert_eq!(down.lines().len(), 1);
        assert_eq!(server.read("down"), "old");
    });
}

#[test]
fn an_archived_object_is_readable_after_it_is_restored() {
    check(|server| {
        server.write("f", "content");
        let key = server.url("k");
        let up = ["cp", "f", &key, "--storage-class", "GLACIER"];
        assert_eq!(server.run(&up).lines().len(), 1);
        let archived = server.run(&["cat", &key]);
        assert_eq!(archived.code, Some(4), "{archived:?}");
        let restored = server.run(&["restore", "--days", "1", &key]);
        assert_eq!(restored.lines(), [format!("restore: {key}")]);
        assert_eq!(server.cat("k"), "content");
    });
}
