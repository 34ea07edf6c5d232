//! `cat`, `pipe`, and `cp` with standard input or output.

use super::check;

#[test]
fn streams_go_both_ways() {
    check(|server| {
        let (a, b) = (server.url("a.json"), server.url("b"));
        let up = server.feed(&["pipe", &a, "--metadata", "k=v"], "one");
        assert_eq!(up.lines().len(), 1, "{up:?}");
        assert_eq!(
            server.feed(&["cp", "-", &b, "--json"], "two").json()[0]["size"],
            3
        );
        let down = server.run(&["cp", &a, "-"]);
        assert_eq!((&*down.out, &*down.err), ("one", ""));
        let info = server.info("a.json");
        assert_eq!(
            (&info["content_type"], &info["metadata"]["k"]),
            (&"application/json".into(), &"v".into())
        );
        assert_eq!(server.run(&["cat", &a, &b]).out, "onetwo");
        assert_eq!(server.run(&["cat", &server.url("*")]).out, "onetwo");
    });
}

#[test]
fn a_stream_of_several_parts_is_one_object() {
    check(|server| {
        let data: String = (0..12)
            .map(|n| format!("{n:08}").repeat(128 << 10))
            .collect();
        let key = server.url("k");
        let up = server.feed(&["pipe", &key, "--part-size", "5M"], &data);
        assert_eq!(up.lines().len(), 1, "{up:?}");
        assert!(server.run(&["cat", &key, "--part-size", "5M"]).out == data);
        assert!(server.info("k")["etag"].as_str().unwrap().ends_with("-3"));
    });
}

#[test]
fn cat_prints_a_range() {
    check(|server| {
        let key = server.url("k");
        server.feed(&["pipe", &key], "0123456789");
        for (range, printed) in [("2-4", "234"), ("7-", "789"), ("-2", "89"), ("8-99", "89")] {
            let ran = server.run(&["cat", &key, "--range", range]);
            assert_eq!((ran.code, &*ran.out), (Some(0), printed), "{ran:?}");
        }
        let behind = server.run(&["cat", &key, "--range", "10-"]);
        assert!(
            behind.code != Some(0) && behind.out.is_empty(),
            "{behind:?}"
        );
    });
}

#[test]
fn cat_prints_more_last_bytes_than_there_are() {
    check(|server| {
        let key = server.url("k");
        server.feed(&["pipe", &key], "0123456789");
        let ran = server.run(&["cat", &key, "--range", "-99", "--deadline", "10s"]);
        assert_eq!((ran.code, &*ran.out), (Some(0), "0123456789"), "{ran:?}");
    });
}
