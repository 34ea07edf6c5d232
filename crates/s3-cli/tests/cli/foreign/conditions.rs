//! Existing destinations, and sources that change.

use super::check;
use crate::tool::Ran;

#[test]
fn existing_files_are_kept_when_asked() {
    check(|server| {
        server.put(&["p/k"]);
        server.write("down/k", "old");
        for words in [
            &["cp", "-n", &server.url("p/k"), "down/k"][..],
            &["cp", "-rn", &server.url("p"), "down"],
        ] {
            let ran = server.run(&[words, &["--json"]].concat());
            let status = ran.json()[0]["status"].clone();
            assert_eq!((ran.code, status), (Some(0), "skipped".into()), "{ran:?}");
        }
        let sync = ["sync", &server.url("p"), "down", "--ignore-existing"];
        assert_eq!(server.run(&sync).lines(), [""; 0]);
        assert_eq!(server.read("down/k"), "old");
    });
}

#[test]
fn existing_objects_are_kept_when_asked() {
    check(|server| {
        server.put(&["k", "from"]);
        let k = server.url("k");
        server.write("f", "new");
        server.write("up/k", "new");
        server.write("big", &"x".repeat(17 << 20));
        for words in [
            &["cp", "-n", "f", &k][..],
            &["cp", "-n", "big", &k],
            &["cp", "-rn", "up", &server.url("")],
            &["cp", "-n", &server.url("from"), &k],
            &["pipe", "-n", &k],
        ] {
            let ran = server.feed(&[words, &["--json"]].concat(), "new");
            let status = ran.json()[0]["status"].clone();
            assert_eq!(
                (ran.code, status),
                (Some(0), "skipped".into()),
                "{words:?}: {ran:?}"
            );
            assert_eq!(server.cat("k"), "k", "{words:?}");
        }
        let sync = ["sync", "up", &server.url(""), "--ignore-existing"];
        assert_eq!(server.run(&sync).lines(), [""; 0]);
        assert_eq!(server.cat("k"), "k");
        // A new object is written.
        let new = server.run(&["cp", "-n", "f", &server.url("new")]);
        assert_eq!(new.lines().len(), 1, "{new:?}");
    });
}

#[test]
fn an_object_that_changes_before_its_copy_is_5() {
    check(|server| {
        server.put(&["d/k"]);
        let relay = server.relay();
        relay.hold_after(0, |line| line.starts_with("PUT "));
        let words = ["cp", "-r", &server.url("d"), &server.url("e")];
        let child = server.through(&relay, &words).spawn().unwrap();
        relay.wait_until_held();
        server.feed(&["pipe", &server.url("d/k")], "changed");
        relay.release();
        let ran = Ran::of(child.wait_with_output().unwrap());
        assert_eq!(ran.code, Some(5), "{ran:?}");
        assert_eq!(server.keys(), ["d/k"]);
    });
}

#[test]
fn an_object_that_changes_during_its_download_comes_down_whole() {
    check(|server| {
        let key = server.url("big");
        server.feed(&["pipe", &key], &"x".repeat(17 << 20));
        let relay = server.relay();
        relay.hold_after(1, |line| line.starts_with("GET ") && line.contains("/big"));
        let words = ["cp", &key, "down", "--part-size", "5M"];
        let child = server.through(&relay, &words).spawn().unwrap();
        relay.wait_until_held();
        let new = "y".repeat((17 << 20) + 1);
        server.feed(&["pipe", &key], &new);
        relay.release();
        let ran = Ran::of(child.wait_with_output().unwrap());
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(server.read("down") == new);
    });
}

#[test]
fn a_moved_object_that_changes_stays() {
    check(|server| {
        server.put(&["k"]);
        let relay = server.relay();
        relay.hold_after(0, |line| line.starts_with("DELETE "));
        let words = ["mv", &server.url("k"), "down"];
        let child = server.through(&relay, &words).spawn().unwrap();
        relay.wait_until_held();
        server.feed(&["pipe", &server.url("k")], "changed");
        relay.release();
        let ran = Ran::of(child.wait_with_output().unwrap());
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert_eq!(
            (server.cat("k"), server.read("down")),
            ("changed".into(), "k".into())
        );
    });
}
