//! `sync`: up, down, within S3.

use std::fs;
use std::time::{Duration, UNIX_EPOCH};

use super::{Foreign, check};

/// Writes a file of 2001.
fn write_old(server: &Foreign, name: &str, content: &str) {
    server.write(name, content);
    let file = fs::File::options().write(true).open(server.path(name));
    let time = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let set = file.expect("it was written").set_modified(time);
    set.expect("a time that files can have");
}

#[test]
fn a_second_sync_moves_nothing() {
    check(|server| {
        for name in ["a/x", "a!", "a0", "z"] {
            write_old(server, &format!("up/{name}"), name);
        }
        let (p, q) = (server.url("p"), server.url("q"));
        for words in [["up", &p], [&p, "down"], [&p, &q]] {
            let sync = [&["sync"], &words[..], &["--delete"]].concat();
            assert_eq!(server.run(&sync).lines().len(), 4, "{words:?}");
            assert_eq!(server.run(&sync).lines(), [""; 0], "{words:?}");
        }
        // A new file, and one of another size.
        write_old(server, "up/new", "new");
        write_old(server, "up/z", "other");
        for words in [["up", &p], [&p, "down"], [&p, &q]] {
            let sync = [&["sync"], &words[..]].concat();
            assert_eq!(server.run(&sync).lines().len(), 2, "{words:?}");
            assert_eq!(server.run(&sync).lines(), [""; 0], "{words:?}");
        }
        assert_eq!(
            (server.read("down/z"), server.cat("q/new")),
            ("other".into(), "new".into())
        );
    });
}

#[test]
fn what_the_source_lacks_is_deleted_when_asked() {
    check(|server| {
        server.put(&["p/old", "p/x.log", "p2/x"]);
        server.write("up/new", "new");
        let p = server.url("p");
        let sync = ["sync", "up", &p, "--delete", "--exclude", "*.log"];
        let sync = |words: &[&str]| server.run(&[&sync[..], words].concat());
        let delete = format!("delete: {p}/old");
        assert_eq!(
            sync(&["--dry-run"]).lines(),
            [
                format!("(dryrun) {delete}"),
                format!("(dryrun) upload: up/new to {p}/new")
            ]
        );
        let few = sync(&["--max-delete", "0"]);
        assert!(
            few.code == Some(1) && few.err.contains("1 deletions were not made"),
            "{few:?}"
        );
        assert_eq!(sync(&[]).lines(), [delete]);
        assert_eq!(
            sync(&["--delete-excluded"]).lines(),
            [format!("delete: {p}/x.log")]
        );
        assert_eq!(server.keys(), ["p/new", "p2/x"]);
        // Downwards.
        server.write("down/old", "old");
        let down = server.run(&["sync", &p, "down", "--delete"]);
        assert_eq!(
            down.lines(),
            [
                "delete: down/old".to_owned(),
                format!("download: {p}/new to down/new")
            ]
        );
        // Within S3.
        server.put(&["q/old"]);
        let across = server.run(&["sync", &p, &server.url("q"), "--delete"]);
        assert_eq!(across.lines().len(), 2, "{across:?}");
        assert_eq!(server.keys(), ["p/new", "p2/x", "q/new"]);
        // An empty source is an unmounted disk.
        fs::create_dir(server.path("empty")).unwrap();
        let empty = server.run(&["sync", "empty", &p, "--delete"]);
        assert!(
            empty.code == Some(1) && empty.err.contains("--force"),
            "{empty:?}"
        );
        let forced = server.run(&["sync", "empty", &p, "--delete", "--force"]);
        assert_eq!(forced.lines(), [format!("delete: {p}/new")]);
    });
}

#[test]
fn content_is_compared_when_asked() {
    check(|server| {
        write_old(server, "up/f", "one");
        let p = server.url("p");
        let sync = |words: &[&str]| server.run(&[&["sync", "up", &p], words].concat());
        assert_eq!(sync(&[]).lines().len(), 1);
        write_old(server, "up/f", "two");
        for words in [&[][..], &["--size-only"]] {
            assert_eq!(sync(words).lines(), [""; 0], "{words:?}");
        }
        assert_eq!(sync(&["--checksum"]).lines().len(), 1);
        assert_eq!(sync(&["--checksum"]).lines(), [""; 0]);
        assert_eq!(server.cat("p/f"), "two");
        let down = ["sync", &p, "down", "--checksum"];
        assert_eq!(server.run(&down).lines().len(), 1);
        assert_eq!(server.run(&down).lines(), [""; 0]);
    });
}

#[test]
fn content_of_several_parts_is_compared_when_asked() {
    check(|server| {
        write_old(server, "up/f", &"x".repeat(17 << 20));
        let p = server.url("p");
        let up = ["sync", "up", &p, "--checksum"];
        assert_eq!(server.run(&up).lines().len(), 1);
        assert_eq!(server.run(&up).lines(), [""; 0]);
        let down = ["sync", &p, "down", "--checksum"];
        assert_eq!(server.run(&down).lines().len(), 1);
        assert_eq!(server.run(&down).lines(), [""; 0]);
        write_old(server, "up/f", &"y".repeat(17 << 20));
        // The ETag of parts of an unknown size does not tell that contents differ.
        assert_eq!(server.run(&up).code, Some(0));
        assert!(server.cat("p/f") == "y".repeat(17 << 20));
    });
}

#[test]
fn times_go_up_and_come_down() {
    check(|server| {
        write_old(server, "up/f", "f");
        let p = server.url("p");
        let up = server.run(&["sync", "up", &p, "--preserve"]);
        assert_eq!(up.lines().len(), 1, "{up:?}");
        assert_eq!(
            server.info("p/f")["metadata"]["mtime"],
            "1000000000.000000000"
        );
        let down = ["sync", &p, "down", "--preserve"];
        assert_eq!(server.run(&down).lines().len(), 1);
        let found = fs::metadata(server.path("down/f")).unwrap();
        let time = found.modified().unwrap().duration_since(UNIX_EPOCH);
        assert_eq!(time.unwrap().as_secs(), 1_000_000_000);
        for words in [&[][..], &["--exact-times"]] {
            let again = server.run(&[&down[..], words].concat());
            assert_eq!(again.lines(), [""; 0], "{words:?}");
        }
    });
}
