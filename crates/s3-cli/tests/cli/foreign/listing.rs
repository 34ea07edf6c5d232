//! `mb`, `rb`, `ls`, `info`, `du`, `find`, `rm`, `presign`.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::check;

#[test]
fn buckets_are_made_listed_and_removed() {
    check(|server| {
        let is_listed = |name: &str| {
            let plain = server.run(&["ls"]);
            assert_eq!(plain.code, Some(0), "{plain:?}");
            let json = server.run(&["ls", "--json"]).json();
            let in_json = json
                .iter()
                .any(|line| line["type"] == "bucket" && line["bucket"] == name);
            let in_plain = plain
                .out
                .lines()
                .any(|line| line.ends_with(&format!(" {name}")));
            assert_eq!(in_json, in_plain);
            in_plain
        };
        assert!(is_listed(&server.bucket));
        let other = format!("{}-other", server.bucket);
        let url = format!("s3://{other}");
        assert_eq!(
            server.run(&["mb", &url]).lines(),
            [format!("make_bucket: {other}")]
        );
        assert!(is_listed(&other));
        // An empty bucket is listed.
        assert_eq!(server.run(&["ls", &url]).lines(), [""; 0]);
        let removed = server.run(&["rb", &url]);
        assert_eq!(removed.lines(), [format!("remove_bucket: {other}")]);
        assert!(!is_listed(&other));
        assert_eq!(server.run(&["rb", &url]).code, Some(3));
        let planned = server.run(&["mb", &url, "--dry-run"]);
        assert_eq!(planned.lines(), [format!("(dryrun) make_bucket: {other}")]);
        assert!(!is_listed(&other));
    });
}

#[test]
fn a_bucket_with_objects_is_removed_by_force_only() {
    check(|server| {
        let url = format!("s3://{}-full", server.bucket);
        assert_eq!(server.run(&["mb", &url]).code, Some(0));
        let put = server.feed(&["pipe", &format!("{url}/a/k")], "content");
        assert_eq!(put.code, Some(0), "{put:?}");
        let kept = server.run(&["rb", &url]);
        let forced = server.run(&["rb", "--force", "--yes", &url]);
        assert!(
            kept.code == Some(1) && kept.err.contains("--force"),
            "{kept:?}"
        );
        assert_eq!(forced.lines().len(), 2, "{forced:?}");
        assert_eq!(server.run(&["ls", &url]).code, Some(3));
    });
}

#[test]
fn ls_shows_a_level_or_the_tree() {
    check(|server| {
        server.put(&["a/1", "a/b/22", "c"]);
        let (root, a) = (server.url(""), server.url("a/"));
        let level = server.run(&["ls", &root]);
        let names: Vec<_> = level.out.lines().map(|line| &line[27..]).collect();
        assert_eq!(names, ["PRE a/", "  1 c"], "{level:?}");
        let tree = server.run(&["ls", "-r", &root, "--summarize"]);
        let keys: Vec<_> = tree.out.lines().filter_map(|line| line.get(20..)).collect();
        assert_eq!(
            keys[..3],
            ["         3 a/1", "         6 a/b/22", "         1 c"]
        );
        assert!(
            tree.out.ends_with("Total Objects: 3\n   Total Size: 10\n"),
            "{tree:?}"
        );
        let json = server.run(&["ls", &a, "--json"]).json();
        assert_eq!(
            (&json[0]["key"], &json[0]["type"], &json[0]["size"]),
            (&"a/1".into(), &"file".into(), &3.into())
        );
        assert_eq!(
            (&json[1]["key"], &json[1]["type"]),
            (&"a/b/".into(), &"directory".into())
        );
        let written: jiff::Timestamp = json[0]["last_modified"].as_str().unwrap().parse().unwrap();
        let age = jiff::Timestamp::now().as_second() - written.as_second();
        assert!((-5..300).contains(&age), "{written}");
        assert!(server.run(&["ls", "-H", &root]).out.contains("1 B c\n"));
        let csv = server.run(&["ls", "-r", "--csv", &root]);
        assert_eq!(csv.lines().len(), 4, "{csv:?}");
        let some = server.run(&["ls", "-r", &root, "--exclude", "a/*"]);
        assert_eq!(some.lines().len(), 1, "{some:?}");
        let wild = server.run(&["ls", &server.url("a/*2")]);
        assert_eq!(wild.lines().len(), 1, "{wild:?}");
    });
}

#[test]
fn ls_shows_etags() {
    check(|server| {
        server.put(&["a"]);
        let json = server.run(&["ls", &server.url(""), "--json"]).json();
        assert_eq!(json[0]["etag"], "0cc175b9c0f1b6a831c399e269772661");
    });
}

#[test]
fn info_describes_objects() {
    check(|server| {
        server.write("f", "content");
        let key = server.url("f");
        server.run(&["cp", "f", &key, "--metadata", "k=v"]);
        let info = server.info("f");
        assert_eq!(
            (&info["url"], &info["key"], &info["size"]),
            (&key.as_str().into(), &"f".into(), &7.into())
        );
        // The MD5 of the content.
        assert_eq!(info["etag"], "9a0364b9e99bb480dd25e1f0284c8555");
        for name in ["info", "head", "stat"] {
            let plain = server.run(&[name, &key]);
            let has = |line: &str| plain.out.lines().any(|found| found == line);
            assert!(has("Size: 7") && has("Metadata k: v"), "{plain:?}");
        }
        let both = server.run(&["info", &key, &server.url("none"), "--json"]);
        assert_eq!((both.code, both.json().len()), (Some(1), 2), "{both:?}");
    });
}

#[test]
fn du_counts_objects_and_bytes() {
    check(|server| {
        server.put(&["a/1", "a/b/22", "c"]);
        let a = server.url("a");
        assert_eq!(
            server.run(&["du", &a]).lines(),
            [format!("9 bytes in 2 objects: {a}")],
        );
        let json = server.run(&["du", &server.url(""), "--json"]).json();
        assert_eq!(
            (&json[0]["size"], &json[0]["count"]),
            (&10.into(), &3.into())
        );
        let human = server.run(&["du", "-H", &a]);
        assert!(human.out.starts_with("9 B in 2 objects"), "{human:?}");
        assert_eq!(server.run(&["du", "--group", &a]).lines().len(), 1);
        let wild = server.run(&["du", &server.url("*2"), "--json"]).json();
        assert_eq!(wild[0]["count"], 1);
    });
}

#[test]
fn find_chooses_by_name_size_and_age() {
    check(|server| {
        server.put(&["a/1.txt", "a/b/22.txt", "c.log"]);
        let root = server.url("");
        let find = |words: &[&str]| {
            let ran = server.run(&[&["find", &root], words].concat());
            assert_eq!(ran.err, "", "{ran:?}");
            let keys = ran.out.lines().map(|line| line.replace(&root, ""));
            keys.collect::<Vec<_>>()
        };
        assert_eq!(find(&[]), ["a/1.txt", "a/b/22.txt", "c.log"]);
        assert_eq!(find(&["--name", "*.txt"]), ["a/1.txt", "a/b/22.txt"]);
        assert_eq!(find(&["--path", "a/*/*"]), ["a/b/22.txt"]);
        assert_eq!(find(&["--regex", "^c"]), ["c.log"]);
        assert_eq!(find(&["--larger", "7"]), ["a/b/22.txt"]);
        assert_eq!(find(&["--smaller", "7"]), ["c.log"]);
        assert_eq!(find(&["--newer-than", "1h"]).len(), 3);
        assert_eq!(find(&["--older-than", "1h"]), [""; 0]);
        let null = server.run(&["find", &root, "-0", "--name", "c*"]);
        assert_eq!(null.out, format!("{}\0", server.url("c.log")));
        assert_eq!(server.run(&["find", &root, "--json"]).json().len(), 3);
        let wild = server.run(&["find", &server.url("a/*.txt"), "--name", "2*"]);
        assert_eq!(wild.lines(), [server.url("a/b/22.txt")]);
    });
}

#[test]
fn more_than_a_page_of_objects_is_listed_and_deleted() {
    check(|server| {
        const FILES: usize = 1100;
        for n in 0..FILES {
            server.write(&format!("up/{}/{n:04}", n % 3), "x");
        }
        let p = server.url("p");
        let up = server.run(&["cp", "-r", "up", &p, "--json"]);
        let done = up.json().pop().unwrap()["done"].clone();
        assert_eq!((up.code, done), (Some(0), FILES.into()));
        assert_eq!(server.keys().len(), FILES);
        let du = server.run(&["du", &p, "--json"]).json();
        assert_eq!(du[0]["count"], FILES);
        let second = server.run(&["sync", "up", &p, "--size-only", "--delete"]);
        assert_eq!(second.lines(), [""; 0]);
        let removed = server.run(&["rm", "-r", &p]);
        assert_eq!(removed.lines().len(), FILES);
        assert_eq!(server.keys(), [""; 0]);
    });
}

#[test]
fn rm_deletes_what_is_named_and_nothing_else() {
    check(|server| {
        server.put(&["p/1", "p/d/2", "p/keep/3", "p2/x", "q"]);
        let q = server.url("q");
        let planned = server.run(&["rm", &q, "--dry-run"]);
        assert_eq!(planned.lines(), [format!("(dryrun) delete: {q}")]);
        assert_eq!(server.run(&["rm", &q]).lines(), [format!("delete: {q}")]);
        // A missing object counts as deleted.
        assert_eq!(server.run(&["rm", &q]).code, Some(0));
        let tree = ["rm", "-r", &server.url("p"), "--exclude", "keep/*"];
        assert_eq!(server.run(&tree).lines().len(), 2);
        assert_eq!(server.keys(), ["p/keep/3", "p2/x"]);
    });
}

/// Sends a request to an address, and returns the response.
fn send(method: &str, address: &str, body: &str) -> String {
    let rest = address.strip_prefix("http://").expect("plain HTTP");
    let (host, path) = rest.split_once('/').expect("a path");
    let mut stream = TcpStream::connect(host).expect("a connection");
    let head = format!("{method} /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    let len = body.len();
    write!(stream, "{head}Content-Length: {len}\r\n\r\n{body}").expect("a request");
    let mut response = String::new();
    stream.read_to_string(&mut response).expect("a response");
    response
}

#[test]
fn a_presigned_address_needs_no_credentials() {
    check(|server| {
        server.put(&["d/a b"]);
        let presign = |method: &str| {
            let words = ["presign", &server.url("d/a b"), "--expires-in", "10m"];
            let ran = server.run(&[&words[..], &["--method", method]].concat());
            assert_eq!(ran.lines().len(), 1, "{ran:?}");
            ran.out.trim_end().to_owned()
        };
        let got = send("GET", &presign("get"), "");
        assert!(
            got.starts_with("HTTP/1.1 200 ") && got.contains("d/a b"),
            "{got}"
        );
        for (method, body) in [("put", "new"), ("head", "")] {
            let response = send(&method.to_uppercase(), &presign(method), body);
            assert!(
                response.starts_with("HTTP/1.1 200 "),
                "{method}: {response}"
            );
        }
        assert_eq!(server.cat("d/a b"), "new");
        let gone = send("DELETE", &presign("delete"), "");
        assert!(gone.starts_with("HTTP/1.1 204 "), "{gone}");
        assert_eq!(server.keys(), [""; 0]);
    });
}

#[test]
fn a_presigned_address_is_for_one_method_and_one_object() {
    check(|server| {
        server.put(&["k", "other"]);
        let ran = server.run(&["presign", &server.url("k"), "--json"]);
        let address = ran.json()[0]["presigned"].as_str().unwrap().to_owned();
        for (method, address) in [
            ("PUT", address.clone()),
            ("DELETE", address.clone()),
            ("GET", address.replacen("/k?", "/other?", 1)),
        ] {
            let response = send(method, &address, "");
            assert!(
                response.starts_with("HTTP/1.1 403 "),
                "{method}: {response}"
            );
        }
        assert_eq!(server.keys(), ["k", "other"]);
    });
}
